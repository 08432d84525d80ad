//! Client-side navigation: a link within the site loads the initial data of the next page and draws it, so that
//! connections and drafts stay. The old page stays until the data have arrived.

use std::{cell::Cell, rc::Rc};

use leptos::{prelude::*, task::spawn_local};
use send_wrapper::SendWrapper;

use super::prefetch::Prefetch;
use crate::{
    app::{
        i18n::Texts,
        model::{room::RejectionReason, unread::Unread},
        page_data::{InitialData, PageData, Viewer},
        reactive::{effect, memo},
        routes,
    },
    client::dom::{
        fetch::LoadError,
        history::{self, Navigation},
        page,
    },
    protocol::chat::Room,
};

/// The current page, in the context of every component.
#[derive(Clone, Copy)]
pub(crate) struct Navigator {
    /// The path of the page's address.
    pub(crate) path: RwSignal<String>,
    /// The data of the sidebar. `None`: they could not be loaded.
    pub(crate) viewer: RwSignal<Option<Viewer>>,
    /// The unread counts of the rooms.
    pub(crate) unread: RwSignal<Unread>,
    /// A navigation waits for the data of its page.
    pub(crate) is_loading: RwSignal<bool>,
    /// The rejection of a form that was sent without JavaScript.
    pub(crate) problem: RwSignal<Option<RejectionReason>>,
    /// The page, with its initial data.
    pub(crate) current_page: RwSignal<PageData>,
    /// The server was updated since the page was loaded, and sends what only a newer page can read.
    pub(crate) is_outdated: RwSignal<bool>,
}

impl Navigator {
    /// The navigator of a page with this data.
    pub(crate) fn new(
        path: String,
        viewer: Option<Viewer>,
        page: PageData,
        problem: Option<RejectionReason>,
    ) -> Self {
        let unread = viewer.as_ref().map(|viewer| Unread::new(viewer.unread.clone()));
        Self {
            path: RwSignal::new(path),
            viewer: RwSignal::new(viewer),
            unread: RwSignal::new(unread.unwrap_or_default()),
            is_loading: RwSignal::new(false),
            problem: RwSignal::new(problem),
            current_page: RwSignal::new(page),
            is_outdated: RwSignal::new(false),
        }
    }

    /// Takes newer data of the sidebar. The viewer stays who they are: another user's pages are loaded anew.
    pub(super) fn note_viewer(self, newer: Option<Viewer>) {
        let is_same = |viewer: &Viewer| {
            self.viewer.try_with_untracked(|known| {
                known.as_ref().is_some_and(|known| known.me.id == viewer.me.id && known != viewer)
            })
        };
        if let Some(viewer) = newer.filter(|viewer| is_same(viewer) == Some(true)) {
            self.unread.try_update(|unread| unread.replace(viewer.unread.clone()));
            self.viewer.try_set(Some(viewer));
        }
    }

    /// Notes that the page is of an older build than the server, once it is found.
    pub(super) fn note_outdated(self, is_outdated: bool) {
        if is_outdated && self.is_outdated.try_get_untracked() == Some(false) {
            self.is_outdated.set(true);
        }
    }

    /// The title of the document.
    pub(crate) fn title(self, texts: &Texts) -> String {
        self.viewer.with(|viewer| self.current_page.with(|page| page.title(texts, viewer.as_ref())))
    }

    /// The room as the list of rooms has it, which is newer than what the page began with: its name, its topic.
    pub(crate) fn newest_of(self, room: &Room) -> Memo<Room> {
        let (viewer, room) = (self.viewer, room.clone());
        memo(move || {
            let known = viewer.with(|viewer| {
                let mut rooms = viewer.iter().flat_map(|viewer| &viewer.rooms);
                rooms.find(|known| known.id == room.id).cloned()
            });
            known.unwrap_or_else(|| room.clone())
        })
    }

    /// The path to which a form of the sidebar leads back: this page's, if it shows the form's rejection.
    pub(crate) fn page_of_forms(self) -> String {
        match self.current_page.with(|page| *page == PageData::NotFound) {
            true => routes::FEED.to_owned(),
            false => self.path.get(),
        }
    }
}

/// Follows links and the browser's history for as long as the page is open.
pub(crate) fn follow_links(navigator: Navigator) {
    effect(move || {
        let (newest_request, prefetch) = (Rc::new(Cell::new(0)), Prefetch::default());
        let ahead = prefetch.clone();
        let intention = history::on_intention(move |path| {
            if path != navigator.path.get_untracked() {
                ahead.start(&path);
            }
        });
        let navigation = history::on_navigation(move |navigation| {
            navigate(navigator, &newest_request, &prefetch, navigation)
        });
        let listeners = SendWrapper::new((intention, navigation));
        on_cleanup(move || drop(listeners));
    });
}

/// Starts a navigation, which cancels the one before. Returns false if the browser has to follow the link.
fn navigate(
    navigator: Navigator,
    newest_request: &Rc<Cell<u32>>,
    prefetch: &Prefetch,
    navigation: Navigation,
) -> bool {
    let (path, is_new) = match navigation {
        Navigation::Push(path) => (path, true),
        Navigation::Traverse(path) => (path, false),
    };
    let is_shown = navigator.current_page.with_untracked(|page| *page != PageData::Unavailable);
    if path == navigator.path.get_untracked() && (is_shown || navigator.is_loading.get_untracked()) {
        // The address of a filtered page has more than the path: the link leads to all of it.
        let is_filtered =
            |page: &PageData| matches!(page, PageData::Feed { feed, .. } if feed.filter.is_some());
        return !navigator.current_page.with_untracked(is_filtered);
    }
    if let Some(room) = without_thread(navigator, &path) {
        newest_request.set(newest_request.get() + 1);
        if is_new {
            history::push(&path);
        }
        navigator.path.set(path);
        navigator.is_loading.set(false);
        navigator.current_page.set(room);
        return true;
    }
    let Some(data) = prefetch.take(&path) else {
        if !is_new {
            history::reload(); // back at an address that only the server draws
        }
        return false;
    };
    if is_new {
        history::push(&path);
    }
    navigator.path.set(path);
    navigator.is_loading.set(true);
    let request_id = newest_request.get() + 1;
    newest_request.set(request_id);
    let newest_request = newest_request.clone();
    spawn_local(async move {
        let data = data.await;
        if newest_request.get() != request_id {
            return;
        }
        match data {
            // The server was updated meanwhile: its own page can read it. The address is that of the next page already.
            Err(LoadError::Unreadable) => history::reload(),
            // The service worker shows the page as it was seen last, or says what can be read.
            Err(LoadError::Failed) if page::has_service_worker() => history::reload(),
            data => show(navigator, data.ok()),
        }
    });
    true
}

/// The room that is shown, without the thread beside it, if that is what the path leads to: nothing has to be loaded for
/// that, which would fail without a connection.
fn without_thread(navigator: Navigator, path: &str) -> Option<PageData> {
    let mut page = navigator.current_page.get_untracked();
    let PageData::Room { room: Some(data), .. } = &mut page else { return None };
    let is_thread = data.thread.take().is_some();
    (is_thread && path == routes::room(&data.room.id)).then_some(page)
}

fn show(navigator: Navigator, data: Option<InitialData>) {
    navigator.problem.try_set(None);
    let (page, viewer) = match data {
        Some(InitialData { page, viewer, .. }) => (page, viewer),
        None => (PageData::Unavailable, None),
    };
    // The sidebar first: a room begins with its mark.
    navigator.note_viewer(viewer);
    navigator.current_page.try_set(page);
    navigator.is_loading.try_set(false);
    // Before the next frame is painted, and after the page is drawn.
    request_animation_frame(history::restore_scroll);
}
