//! Unread messages: the counts that come over the connections of a page, and the number in its title and on the app's icon.

use leptos::{prelude::*, task::spawn_local};

use super::Navigator;
use crate::{
    app::{
        loader::load_viewer,
        model::unread::{Unread, titled},
        page_data::Viewer,
        reactive::effect,
    },
    client::dom::page,
    protocol::mark::UserRoom,
};

impl Navigator {
    /// Takes the counts of some rooms. Where the list of rooms has changed, or a room is not in the sidebar yet, that is
    /// loaded anew.
    pub(super) fn note_unread(self, rooms: Vec<UserRoom>, list: bool) {
        let is_known =
            |viewer: &Viewer, room: &UserRoom| viewer.rooms.iter().any(|known| known.id == room.mark.room);
        let has_new = self.viewer.try_with_untracked(|viewer| {
            viewer.as_ref().is_some_and(|viewer| !rooms.iter().all(|room| is_known(viewer, room)))
        });
        self.unread.try_update(|unread| unread.apply(rooms));
        if list || has_new == Some(true) {
            spawn_local(async move { self.note_viewer(load_viewer().await) });
        }
    }

    /// Returns true if the user has marks: anonymous viewers have none.
    pub(super) fn has_marks(self) -> bool {
        self.viewer.with_untracked(|viewer| viewer.as_ref().is_some_and(|viewer| !viewer.me.id.is_empty()))
    }
}

/// Shows the number of unread messages where the browser shows the page, for as long as it is open.
pub(crate) fn show_unread(navigator: Navigator, title: impl Fn() -> String + 'static) {
    effect(move || {
        let total = navigator.unread.with(Unread::total);
        page::set_title(&titled(total, &title()));
        page::set_icon(total > 0);
        page::set_badge(total);
        // public/page_notifications.js
        page::dispatch("idobata:unread");
    });
}
