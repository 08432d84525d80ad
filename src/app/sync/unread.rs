//! What is unread: the counts that come over the connections of a page, and the number in its title and on the app's icon.

use leptos::prelude::*;

use super::Navigator;
use crate::{
    app::{
        model::unread::{Unread, titled},
        reactive::effect,
    },
    client::dom::page,
    protocol::mark::UserRoom,
};

impl Navigator {
    /// Takes the counts of some rooms. A room that the sidebar does not have is a new one.
    pub(super) fn note_unread(self, rooms: Vec<UserRoom>) {
        self.unread.try_update(|unread| unread.apply(rooms));
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
        page::set_badge(total);
    });
}
