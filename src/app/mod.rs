//! The pages, for both targets: rendered on the server, hydrated in the browser.
//!
//! Data flow one way: the initial data of a page ([`page_data`]) come from the server, a model ([`model`]) holds them,
//! [`sync`] feeds the model from a connection, and views draw it. Nothing here touches a browser object outside effects
//! and event handlers, and nothing reads a clock, a locale or a random number while it renders: both sides must draw
//! the same.

#![allow(clippy::redundant_closure, reason = "view! boxes a closure, and not the name of a function")]

mod components;
pub mod i18n;
mod loader;
pub mod look;
pub mod model;
pub mod page_data;
mod pages;
mod reactive;
pub mod routes;
mod shell;
mod sync;

use std::sync::Arc;

use leptos::prelude::*;

pub use self::shell::{
    APP_END, DARK_PAGE, ForcedTransport, Installable, LIGHT_PAGE, escape_title, install_links, shell,
};
use self::{
    components::{
        avatar::avatar,
        feed_filter::FeedFilter,
        local_time::Day,
        notification::Notification,
        sidebar::{Brand, MenuButton, Sidebar},
    },
    i18n::{Language, use_texts},
    look::{Choice, Look},
    model::room::RejectionReason,
    page_data::{InitialData, PageData, Viewer},
    pages::Pages,
    reactive::show_when,
    sync::{Navigator, Outbox, SavedFeeds, follow_links, follow_rooms, show_unread},
};
use crate::{
    client::dom::page,
    protocol::feed::{Entry, EventFilter},
};

/// The page in the browser. The server rendered it from the same `initial_data`, which it wrote into the document.
pub fn hydrated(initial_data: InitialData) -> impl IntoView {
    provide_context(Language::parse(&page::language()).unwrap_or_default());
    provide_context(Look { theme: chosen("data-theme"), density: chosen("data-density"), ..Look::default() });
    view! { <App initial_data /> }
}

/// The choice that the server wrote on the root element.
fn chosen<C: Choice>(attribute: &str) -> C {
    page::root_attribute(attribute).and_then(|name| C::parse(&name)).unwrap_or_default()
}

/// The sidebar of a page that only the server draws, at `path` (`server/http/account_pages`). `back` is its address,
/// percent-encoded, to which the language switch leads back.
pub fn sidebar_at(language: Language, look: Look, path: String, back: String, viewer: Viewer) -> AnyView {
    provide_context(look);
    provide_path(language, path, Some(viewer));
    view! { <Sidebar back /> }.into_any()
}

/// The avatar of a user, for such a page.
pub fn avatar_of(id: &str, name: &str) -> AnyView {
    avatar(id, name)
}

/// The header of such a page without a sidebar.
pub fn brand_at(language: Language, path: String, back: String) -> AnyView {
    provide_path(language, path, None);
    view! { <Brand back=Some(back) /> }.into_any()
}

/// The button that opens the sidebar of such a page on a small screen.
pub fn menu_button_at(language: Language) -> AnyView {
    provide_context(language);
    view! { <MenuButton /> }.into_any()
}

/// The filter's form of a page of the feed, for such a page.
pub fn feed_filter_at(language: Language, channel: Option<String>, filter: Option<EventFilter>) -> AnyView {
    provide_context(language);
    view! { <FeedFilter channel filter /> }.into_any()
}

/// The row of an entry of the feed, for such a page.
pub fn notification_at(language: Language, entry: Entry) -> AnyView {
    provide_context(language);
    view! { <Notification entry=Arc::new(entry) /> }.into_any()
}

fn provide_path(language: Language, path: String, viewer: Option<Viewer>) {
    provide_context(language);
    provide_context(Navigator::new(path, viewer, PageData::NotFound, None));
}

/// The pages and their frame.
#[component]
pub(crate) fn App(initial_data: InitialData) -> impl IntoView {
    let texts = use_texts();
    let InitialData { path, problem, retry_after_ms, viewer, page: current_page, .. } = initial_data;
    let problem = problem.map(|code| RejectionReason { code, retry_after_ms });
    let navigator = Navigator::new(path, viewer, current_page, problem);
    provide_context(navigator);
    provide_context(Outbox::default());
    provide_context(SavedFeeds::default());
    provide_context(Day::watch());
    follow_links(navigator);
    follow_rooms(navigator);
    show_unread(navigator, move || navigator.title(texts));
    view! {
        // `external` leaves the link to the browser, which moves the focus.
        <a class="skip-link" href="#content" rel="external">{texts.skip_to_content}</a>
        <div class="frame">
            <Sidebar />
            <p class="progress" role="status" data-on=move || navigator.is_loading.get().then_some("true")>
                {show_when(move || navigator.is_loading.get(), move || texts.loading.into_any())}
            </p>
            <Pages />
        </div>
    }
}
