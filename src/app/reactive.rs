//! Effects, memos and lists of Leptos with boxed closures. Each closure is a type of its own, and generic code is
//! compiled once for each type; boxed closures share one copy. Together with `erase_components` (see Cargo.toml, and
//! the closures in `view!`) this keeps a good part out of the browser's download. Pages, components and `sync` call it.

use leptos::{prelude::*, task::spawn_local};

/// Runs `run` in the browser, now and whenever what it reads changes.
pub(super) fn effect(run: impl Fn() + 'static) {
    fn boxed(run: Box<dyn Fn()>) {
        Effect::new(move |_| run());
    }
    boxed(Box::new(run));
}

/// The value of `read`, which notifies its readers only when it changes.
pub(super) fn memo<T: PartialEq + Send + Sync + 'static>(
    read: impl Fn() -> T + Send + Sync + 'static,
) -> Memo<T> {
    fn boxed<T: PartialEq + Send + Sync + 'static>(read: Box<dyn Fn() -> T + Send + Sync>) -> Memo<T> {
        Memo::new(move |_| read())
    }
    boxed(Box::new(read))
}

/// The value of `read`, for many readers. A memo wakes each of them to look whether it has changed whenever what it reads
/// changes; this one wakes them when it has.
pub(super) fn settled<T: Clone + PartialEq + Send + Sync + 'static>(
    read: impl Fn() -> T + 'static,
) -> RwSignal<T> {
    let value = RwSignal::new(untrack(&read));
    effect(move || {
        let new = read();
        if value.with_untracked(|value| *value != new) {
            value.set(new);
        }
    });
    value
}

/// Draws `view` while `when` is true.
pub(super) fn show_when(
    when: impl Fn() -> bool + Send + Sync + 'static,
    view: impl Fn() -> AnyView + Send + 'static,
) -> AnyView {
    let when = memo(when);
    view! { {move || when.get().then(&view)} }.into_any()
}

/// The identity of a row in a list. A row with another key is drawn again.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    /// An offset in a log, and the timestamp: in a new epoch another entry may have this offset.
    Entry(u64, i64),
    /// Anything else.
    Name(String),
}

/// A row of a list, with the closure that draws it.
struct Row {
    key: Key,
    draw: Box<dyn FnOnce() -> AnyView + Send>,
}

/// Draws a row for each of `items`. A row whose key stays is not drawn again, and stays in the page.
///
/// Of several new rows at the start each joins in a step of its own, all before the next frame is painted: for more
/// than one Leptos takes those that stand there out of the page and puts them in again. The focus and a selection in
/// them would be lost, and a screen reader would say them again.
pub(super) fn list<T: Send + 'static>(
    items: impl Fn() -> Vec<T> + Send + 'static,
    key: fn(&T) -> Key,
    draw: impl Fn(T) -> AnyView + Clone + Send + 'static,
) -> AnyView {
    fn boxed(rows: Box<dyn Fn() -> Vec<Row> + Send>) -> AnyView {
        let (steps, drawn) = (RwSignal::new(()), StoredValue::new(Vec::new()));
        let each = move || {
            steps.track();
            let mut rows = rows();
            drawn.update_value(|drawn: &mut Vec<Key>| {
                let new = rows.iter().take_while(|row| !drawn.contains(&row.key)).count();
                if new > 1 && new < rows.len() {
                    rows.drain(..new - 1);
                    spawn_local(async move { _ = steps.try_set(()) });
                }
                *drawn = rows.iter().map(|row| row.key.clone()).collect();
            });
            rows
        };
        view! { <For each key=|row| row.key.clone() children=|row| (row.draw)() /> }.into_any()
    }
    let row = move |item| {
        let (key, draw) = (key(&item), draw.clone());
        Row { key, draw: Box::new(move || draw(item)) }
    };
    boxed(Box::new(move || items().into_iter().map(&row).collect()))
}
