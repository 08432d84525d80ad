//! Where the reader is in a room: how far they have seen it, kept for their next visit, and whether they look at it.

use leptos::prelude::*;
use send_wrapper::SendWrapper;

use super::storage_key;
use crate::{
    app::{
        model::room::RoomModel,
        reactive::{effect, memo},
    },
    client::dom::{
        page,
        storage::{self, Keep},
    },
    protocol::cursor::Cursor,
};

/// Puts the reader back where they left the room, and notes where they are for as long as the component is mounted.
pub(crate) fn keep_read_marker(model: RwSignal<RoomModel>) {
    let key = move || storage_key("seen", model);
    effect(move || {
        let look = move || model.try_update(|model| model.look(!page::is_hidden())).unwrap_or_default();
        look();
        if let Some(Ok(seen)) = storage::get(Keep::Local, &key()).map(|seen| seen.parse::<Cursor>()) {
            model.update(|model| model.return_to(&seen));
        }
        let listener = SendWrapper::new(page::on_visibility(look));
        on_cleanup(move || drop(listener));
    });
    let seen = memo(move || model.with(|model| model.is_attended().then(|| model.cursor().to_string())));
    effect(move || {
        if let Some(seen) = seen.get() {
            storage::set(Keep::Local, &key(), &seen);
        }
    });
}
