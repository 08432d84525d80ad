//! Unsent text: drafts and the composer's text. In memory it outlives the view of a room; in the browser's storage it
//! outlives the page, with one item for each draft, so that tabs do not overwrite each other's. A draft that two tabs
//! send is stored once at the server, because both send the same id.

use std::cell::Cell;

use leptos::prelude::*;

use super::storage_key;
use crate::{
    app::model::room::{Draft, RoomModel, SavedView},
    client::dom::{
        storage::{self, Area},
        time::now_ms,
    },
    protocol::{cursor::Offset, name::RoomId},
};

/// The saved views of rooms. It belongs to the app, so it outlives every page.
#[derive(Clone, Copy, Default)]
pub(crate) struct Outbox(StoredValue<Vec<(RoomId, SavedView)>>);

impl Outbox {
    /// Takes the saved view of a room.
    pub(crate) fn take(self, room: &RoomId) -> SavedView {
        let taken = self.0.try_update_value(|rooms| {
            let index = rooms.iter().position(|(known, _)| known == room)?;
            Some(rooms.swap_remove(index).1)
        });
        taken.flatten().unwrap_or_default()
    }

    /// Saves the view until the room is shown again.
    pub(crate) fn save(self, room: RoomId, view: SavedView) {
        if view != SavedView::default() {
            self.0.try_update_value(|rooms| rooms.push((room, view)));
        }
    }
}

/// Restores the drafts that an earlier page had not sent, and from then on stores the model's. Call it before the room
/// is joined, which sends the pending drafts.
pub(crate) fn store_drafts(model: RwSignal<RoomModel>) {
    let prefix = StoredValue::new(String::new());
    Effect::new(move |stored: Option<Vec<Draft>>| {
        let stored = stored.unwrap_or_else(|| {
            prefix.set_value(format!("{}.", storage_key("draft", model)));
            restore(model, &prefix.get_value())
        });
        let drafts = model.with(|model| model.drafts().to_vec());
        let key = |draft: &Draft| format!("{}{}", prefix.get_value(), draft.id);
        for removed in stored.iter().filter(|draft| !drafts.iter().any(|other| other.id == draft.id)) {
            storage::remove(Area::Local, &key(removed));
        }
        for new in drafts.iter().filter(|draft| !stored.iter().any(|other| other.id == draft.id)) {
            let [reply_to, thread] = [new.reply_to, new.thread].map(Option::unwrap_or_default);
            let item = format!("{}:{reply_to}:{thread} {}", next_position(), new.text);
            storage::set(Area::Local, &key(new), &item);
        }
        drafts
    });
}

/// Restores the composer's text from before this tab's page was reloaded, as another name, another language and a
/// reload do, and from then on stores it.
pub(crate) fn store_text(model: RwSignal<RoomModel>, text: RwSignal<String>) {
    Effect::new(move |key: Option<String>| {
        let typed = text.get();
        let Some(key) = key else {
            let key = storage_key("text", model);
            if let Some(stored) = storage::get(Area::Session, &key).filter(|_| typed.is_empty()) {
                text.set(stored);
            }
            return key;
        };
        match typed.is_empty() {
            true => storage::remove(Area::Session, &key),
            false => storage::set(Area::Session, &key, &typed),
        }
        key
    });
}

/// Restores the message that the composer answers from before this tab's page was reloaded, and from then on stores it. 0:
/// none.
pub(crate) fn store_answered(model: RwSignal<RoomModel>, answered: RwSignal<Offset>) {
    Effect::new(move |key: Option<String>| {
        let offset = answered.get();
        let Some(key) = key else {
            let key = storage_key("reply", model);
            let stored = storage::get(Area::Session, &key).and_then(|offset| offset.parse().ok());
            if let Some(stored) = stored {
                answered.set(stored);
            }
            return key;
        };
        match offset {
            0 => storage::remove(Area::Session, &key),
            offset => storage::set(Area::Session, &key, &offset.to_string()),
        }
        key
    });
}

/// Puts the stored drafts into the model. Returns every stored draft: some may have been sent since.
fn restore(model: RwSignal<RoomModel>, prefix: &str) -> Vec<Draft> {
    // The position, the offsets of the message that it answers and of its thread, and the text. Those of before have only
    // a position and a text.
    let item = |(id, item): (String, String)| {
        let (head, text) = item.split_once(' ')?;
        let mut parts = head.split(':');
        let position = parts.next()?.parse::<i64>().ok()?;
        let mut offset = || parts.next().and_then(|part| part.parse().ok()).filter(|offset| *offset != 0);
        Some((position, id, text.to_owned(), offset(), offset()))
    };
    let mut stored = Vec::new();
    for draft in storage::with_prefix(Area::Local, prefix).into_iter().filter_map(item) {
        let place = stored.partition_point(|other| *other < draft);
        stored.insert(place, draft);
    }
    if let Some((newest, ..)) = stored.last() {
        raise_position(*newest);
    }
    let draft = |(_, id, text, reply_to, thread)| Draft::pending(id, text).answering(reply_to, thread);
    let stored: Vec<_> = stored.into_iter().map(draft).collect();
    model.update(|model| model.restore(stored.clone()));
    stored
}

thread_local! {
    /// The last position that a draft got.
    static LAST: Cell<i64> = const { Cell::new(0) };
}

/// The time in milliseconds, but above every position before it: drafts are sent again in the order in which they were
/// written.
fn next_position() -> i64 {
    raise_position(now_ms().max(LAST.get() + 1));
    LAST.get()
}

/// Keeps the drafts of an earlier page before new ones, also when the browser's clock was set back since.
fn raise_position(position: i64) {
    LAST.set(position.max(LAST.get()));
}
