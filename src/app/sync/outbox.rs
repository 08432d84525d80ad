//! What was written and not said. It outlives the view of a room in memory, and the page itself in the browser's
//! storage: one item a draft, so that tabs do not overwrite each other's. A draft that two tabs send is stored once,
//! because both send the same id.

use std::cell::Cell;

use leptos::prelude::*;

use super::storage_key;
use crate::{
    app::model::room::{Draft, Kept, RoomModel},
    client::dom::{
        storage::{self, Keep},
        time::now_ms,
    },
    protocol::name::RoomId,
};

/// What was written and not said, by room. It belongs to the whole site, so it outlives every page.
#[derive(Clone, Copy, Default)]
pub(crate) struct Outbox(StoredValue<Vec<(RoomId, Kept)>>);

impl Outbox {
    /// Takes what was kept of a room.
    pub(crate) fn take(self, room: &RoomId) -> Kept {
        let taken = self.0.try_update_value(|rooms| {
            let index = rooms.iter().position(|(known, _)| known == room)?;
            Some(rooms.swap_remove(index).1)
        });
        taken.flatten().unwrap_or_default()
    }

    /// Keeps it until the room is shown again.
    pub(crate) fn keep(self, room: RoomId, kept: Kept) {
        if kept != Kept::default() {
            self.0.try_update_value(|rooms| rooms.push((room, kept)));
        }
    }
}

/// Takes back what an earlier page had not sent, and from then on keeps the storage as the model is. To be called
/// before the room is followed, which sends what is pending.
pub(crate) fn keep_unsent(model: RwSignal<RoomModel>) {
    let prefix = StoredValue::new(String::new());
    Effect::new(move |kept: Option<Vec<Draft>>| {
        let kept = kept.unwrap_or_else(|| {
            prefix.set_value(format!("{}.", storage_key("draft", model)));
            restore(model, &prefix.get_value())
        });
        let drafts = model.with(|model| model.drafts().to_vec());
        let key = |draft: &Draft| format!("{}{}", prefix.get_value(), draft.id);
        for gone in kept.iter().filter(|draft| !drafts.iter().any(|other| other.id == draft.id)) {
            storage::remove(Keep::Local, &key(gone));
        }
        for new in drafts.iter().filter(|draft| !kept.iter().any(|other| other.id == draft.id)) {
            storage::set(Keep::Local, &key(new), &format!("{} {}", next_place(), new.text));
        }
        drafts
    });
}

/// Takes back what stood in the composer when this tab's page was loaded anew, as another name, another language and a
/// reload do, and from then on keeps what stands there.
pub(crate) fn keep_text(model: RwSignal<RoomModel>, text: RwSignal<String>) {
    Effect::new(move |key: Option<String>| {
        let written = text.get();
        let Some(key) = key else {
            let key = storage_key("text", model);
            if let Some(kept) = storage::get(Keep::Tab, &key).filter(|_| written.is_empty()) {
                text.set(kept);
            }
            return key;
        };
        match written.is_empty() {
            true => storage::remove(Keep::Tab, &key),
            false => storage::set(Keep::Tab, &key, &written),
        }
        key
    });
}

/// Puts the stored drafts into the model. Returns all that was stored: some may have been said since.
fn restore(model: RwSignal<RoomModel>, prefix: &str) -> Vec<Draft> {
    let item = |(id, item): (String, String)| {
        let (place, text) = item.split_once(' ')?;
        Some((place.parse::<i64>().ok()?, id, text.to_owned()))
    };
    let mut stored: Vec<_> = storage::with_prefix(Keep::Local, prefix).into_iter().filter_map(item).collect();
    stored.sort_unstable();
    if let Some((newest, ..)) = stored.last() {
        raise_place(*newest);
    }
    let stored: Vec<_> = stored.into_iter().map(|(_, id, text)| (id, text)).collect();
    model.update(|model| model.restore(stored.clone()));
    stored.into_iter().map(|(id, text)| Draft::pending(id, text)).collect()
}

thread_local! {
    /// The last place that a draft got.
    static LAST: Cell<i64> = const { Cell::new(0) };
}

/// The time, but after every place before it: drafts are sent again in the order in which they were written.
fn next_place() -> i64 {
    raise_place(now_ms().max(LAST.get() + 1));
    LAST.get()
}

/// Drafts of an earlier page keep their places before new ones, also when the browser's clock was put back since.
fn raise_place(place: i64) {
    LAST.set(place.max(LAST.get()));
}
