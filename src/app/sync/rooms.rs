//! The rooms of the sidebar: loaded again while the page is open, so that new ones appear and others vanish.

use gloo_timers::callback::Interval;
use leptos::{prelude::*, task::spawn_local};
use send_wrapper::SendWrapper;

use super::Navigator;
use crate::{
    app::{loader::load_viewer, reactive::effect},
    client::dom::page::{is_hidden, on_visibility_change},
};

/// The time between two requests of a visible page: a small answer, and soon enough for a room that nobody waits for. Each
/// navigation brings the rooms as well.
const REFRESH_MS: u32 = 20_000;

/// Keeps the sidebar's rooms current for as long as the page is open.
pub(crate) fn follow_rooms(navigator: Navigator) {
    effect(move || {
        let refresh = move || {
            if !is_hidden() {
                spawn_local(async move { navigator.note_viewer(load_viewer().await) });
            }
        };
        let ends = SendWrapper::new((on_visibility_change(refresh), Interval::new(REFRESH_MS, refresh)));
        on_cleanup(move || drop(ends));
    });
}
