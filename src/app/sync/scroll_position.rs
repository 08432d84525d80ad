//! The reading place of a room, stored in the tab while its page is away: as after a look at an account page or another site.
//! Within the app the outbox keeps it.

use leptos::prelude::*;
use send_wrapper::SendWrapper;

use super::storage_key;
use crate::{
    app::{
        model::room::{RoomModel, ScrollPosition},
        reactive::effect,
    },
    client::dom::{
        page,
        storage::{self, Area},
    },
};

/// Restores the place that an earlier page of this tab stored, and stores the present one when the page goes. Call it before
/// the list is drawn.
pub(crate) fn store_scroll_position(
    model: RwSignal<RoomModel>,
    scroll_position: StoredValue<Option<ScrollPosition>>,
) {
    effect(move || {
        let key = storage_key("place", model);
        if let Some(stored) = storage::get(Area::Session, &key) {
            storage::remove(Area::Session, &key);
            scroll_position.update_value(|place| *place = place.or_else(|| ScrollPosition::parse(&stored)));
        }
        let store = move || {
            if let Some(place) = scroll_position.try_get_value().flatten() {
                storage::set(Area::Session, &key, &place.to_string());
            }
        };
        let listener = SendWrapper::new(page::window_listener("pagehide", move |_| store()));
        on_cleanup(move || drop(listener));
    });
}
