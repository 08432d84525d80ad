//! Leptos' own pieces with their closures in boxes. Each closure is a type of its own, and generic code is compiled
//! for each: in boxes they share it. Together with `erase_components` (see Cargo.toml, and the closures that stand in
//! `view!` as such) this keeps a good part out of the browser's download.

use leptos::prelude::*;

/// Runs `run` in the browser, now and whenever what it reads changes.
pub(super) fn effect(run: impl Fn() + 'static) {
    fn boxed(run: Box<dyn Fn()>) {
        Effect::new(move |_| run());
    }
    boxed(Box::new(run));
}

/// What `read` gives, told on only when it changes.
pub(super) fn memo<T: PartialEq + Send + Sync + 'static>(
    read: impl Fn() -> T + Send + Sync + 'static,
) -> Memo<T> {
    fn boxed<T: PartialEq + Send + Sync + 'static>(read: Box<dyn Fn() -> T + Send + Sync>) -> Memo<T> {
        Memo::new(move |_| read())
    }
    boxed(Box::new(read))
}

/// Draws `view` while `when`.
pub(super) fn shown(
    when: impl Fn() -> bool + Send + Sync + 'static,
    view: impl Fn() -> AnyView + Send + 'static,
) -> AnyView {
    let when = memo(when);
    view! { {move || when.get().then(&view)} }.into_any()
}

/// What tells a row of a list from the others; with another key it is drawn anew.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    /// A place in a log, and the time: after a new numbering something else may have this place.
    Entry(u64, i64),
    /// Anything else.
    Name(String),
}

/// A row of a list, and how it is drawn.
struct Row {
    key: Key,
    draw: Box<dyn FnOnce() -> AnyView + Send>,
}

/// Draws a row for each of `items`; where the key stays, the row stays.
pub(super) fn list<T: Send + 'static>(
    items: impl Fn() -> Vec<T> + Send + 'static,
    key: fn(&T) -> Key,
    draw: impl Fn(T) -> AnyView + Clone + Send + 'static,
) -> AnyView {
    fn boxed(rows: Box<dyn Fn() -> Vec<Row> + Send>) -> AnyView {
        view! { <For each=rows key=|row| row.key.clone() children=|row| (row.draw)() /> }.into_any()
    }
    let row = move |item| {
        let (key, draw) = (key(&item), draw.clone());
        Row { key, draw: Box::new(move || draw(item)) }
    };
    boxed(Box::new(move || items().into_iter().map(&row).collect()))
}
