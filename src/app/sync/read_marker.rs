//! The read marker of a room: the cursor up to which this user has read it, stored for the next visit, and the
//! visibility of the page, which decides what counts as read.

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
        storage::{self, Area},
    },
    protocol::cursor::Cursor,
};

/// Restores the read marker of the last visit, and stores the current one for as long as the component is mounted.
pub(crate) fn keep_read_marker(model: RwSignal<RoomModel>) {
    let key = move || storage_key("seen", model);
    effect(move || {
        let update = move || {
            model.try_update(|model| model.set_visible(!page::is_hidden()));
        };
        update();
        if let Some(Ok(seen)) = storage::get(Area::Local, &key()).map(|seen| seen.parse::<Cursor>()) {
            model.update(|model| model.restore_read_mark(&seen));
        }
        let listener = SendWrapper::new(page::on_visibility_change(update));
        on_cleanup(move || drop(listener));
    });
    let seen = memo(move || model.with(|model| model.is_read_to_end().then(|| model.cursor().to_string())));
    effect(move || {
        if let Some(seen) = seen.get() {
            storage::set(Area::Local, &key(), &seen);
        }
    });
}
