//! The pages, for both targets: rendered on the server, taken over in the browser.
//!
//! Data flows one way: a page's resource brings what the server knows, a model ([`model`]) holds it, [`live`] feeds
//! the model from a connection, and views draw it. Nothing here touches a browser object outside effects and event
//! handlers, and nothing reads a clock, a locale or chance while it renders: both sides must draw the same.

pub mod api;
mod components;
pub mod i18n;
mod live;
pub mod model;
mod pages;

use leptos::{config::LeptosOptions, hydration::AutoReload, hydration::HydrationScripts, prelude::*};
use leptos_meta::{MetaTags, Title, provide_meta_context};
use leptos_router::{
    SsrMode,
    components::{Route, Router, Routes},
    path,
};

use self::{
    components::sidebar::Sidebar,
    i18n::{Language, use_texts},
    live::Outbox,
    pages::{feed::FeedPage, not_found::NotFoundPage, room::RoomPage},
};
use crate::{browser::page, protocol::transport::Transport};

/// The server's setting: the only transport that pages may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForcedTransport(pub Transport);

/// The document around the pages; drawn on the server only.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    let language = use_context::<Language>().unwrap_or_default();
    let transport = use_context::<ForcedTransport>().map(|ForcedTransport(transport)| transport.as_str());
    let stylesheet = format!("/{}/{}.css", options.site_pkg_dir, options.output_name);
    view! {
        <!DOCTYPE html>
        <html lang=language.as_str() data-transport=transport>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
                <link rel="stylesheet" id="leptos" href=stylesheet />
                <AutoReload options=options.clone() />
                <HydrationScripts options />
                <MetaTags />
            </head>
            <body>
                <App />
            </body>
        </html>
    }
}

/// The pages in the browser: the language is the one the server wrote.
pub fn hydrated() -> impl IntoView {
    provide_context(Language::parse(&page::language()).unwrap_or_default());
    view! { <App /> }
}

/// All pages, and what stands around them.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    provide_context(Outbox::default());
    let texts = use_texts();
    Effect::new(|_| page::mark_hydrated());
    view! {
        <Title text="Idobata" formatter=|title: String| if title == "Idobata" { title } else { format!("{title} · Idobata") } />
        <Router>
            // Left to the browser, which moves the focus there; the router would only scroll.
            <a class="skip-link" href="#content" rel="external">{texts.skip_to_content}</a>
            <div class="frame">
                <Sidebar />
                // Each page is complete when it arrives: readable without JavaScript, nothing jumps.
                <Routes fallback=NotFoundPage>
                    <Route path=path!("/") view=FeedPage ssr=SsrMode::Async />
                    <Route path=path!("/rooms/:room") view=RoomPage ssr=SsrMode::Async />
                </Routes>
            </div>
        </Router>
    }
}
