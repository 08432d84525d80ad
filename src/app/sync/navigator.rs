//! Which page is shown, and the way from one to another: a link within the site asks for what the next page starts
//! with and shows it, so that connections and drafts live on. The old page stays until the new one is there.

use std::{cell::Cell, rc::Rc};

use leptos::{prelude::*, task::spawn_local};
use send_wrapper::SendWrapper;

use crate::{
    app::{
        loader::load_start,
        page_data::PageData,
        reactive::effect,
        routes::{self, Route},
    },
    client::dom::history::{self, Navigation},
    protocol::problem::Code,
};

/// The page that is shown.
#[derive(Clone, Copy)]
pub(crate) struct Navigator {
    /// The path of its address.
    pub(crate) path: RwSignal<String>,
    /// What came of a form without JavaScript.
    pub(crate) problem: RwSignal<Option<Code>>,
    /// The page, with what it started from.
    pub(crate) shown: RwSignal<PageData>,
}

impl Navigator {
    /// The page that a form of the sidebar leads back to: this one, if it says what came of the form.
    pub(crate) fn page_of_forms(self) -> String {
        match self.shown.with(|shown| *shown == PageData::NotFound) {
            true => routes::FEED.to_owned(),
            false => self.path.get(),
        }
    }
}

/// Follows links and the browser's history for as long as the page is there.
pub(crate) fn follow_links(here: Navigator) {
    effect(move || {
        let newest_request = Rc::new(Cell::new(0));
        let listeners = history::on_navigation(move |navigation| navigate(here, &newest_request, navigation));
        let listeners = SendWrapper::new(listeners);
        on_cleanup(move || drop(listeners));
    });
}

/// Starts a journey, which ends the one before. Returns whether it is ours to make.
fn navigate(here: Navigator, newest_request: &Rc<Cell<u32>>, navigation: Navigation) -> bool {
    let (path, is_new) = match navigation {
        Navigation::To(path) => (path, true),
        Navigation::Through(path) => (path, false),
    };
    if path == here.path.get_untracked() {
        return true;
    }
    let Some(route) = Route::parse(&path) else {
        if !is_new {
            history::load_anew(); // back at an address that is no page of ours
        }
        return false;
    };
    if is_new {
        history::go(&path);
    }
    here.path.set(path);
    let request_id = newest_request.get() + 1;
    newest_request.set(request_id);
    let newest_request = newest_request.clone();
    spawn_local(async move {
        let start = load_start(&route).await;
        if newest_request.get() == request_id {
            here.problem.try_set(None);
            here.shown.try_set(start.map_or(PageData::Unavailable, |start| start.page));
            // Before the next painting, and after the page is drawn.
            request_animation_frame(history::return_to_place);
        }
    });
    true
}
