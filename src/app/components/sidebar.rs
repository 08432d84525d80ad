//! The sidebar of every page: the links to pages and rooms, and the viewer's account.

use leptos::prelude::*;

use super::{language_switch::LanguageSwitch, name_form::NameForm};
use crate::{
    app::{
        i18n::use_texts,
        page_data::{PageData, Viewer},
        routes,
        sync::Navigator,
    },
    protocol::name::NAME_MAX_CHARACTERS,
};

/// The sidebar. Without `viewer` it has no links; the page itself tells what is wrong.
#[component]
pub(crate) fn Sidebar(
    viewer: Option<Viewer>,
    /// For [`Brand`].
    #[prop(optional)]
    back: Option<String>,
) -> impl IntoView {
    let texts = use_texts();
    view! {
        <header class="sidebar">
            <Brand back />
            {viewer.map(|viewer| view! { <NavigationLinks viewer /> }.into_any())}
            <p class="sidebar__tagline muted">{texts.tagline}</p>
        </header>
    }
}

/// The product's name and the language switch. `back` is the address to which the switch leads back, percent-encoded,
/// where that is more than the path.
#[component]
pub(crate) fn Brand(back: Option<String>) -> impl IntoView {
    view! {
        <div class="sidebar__brand">
            <a href=routes::FEED class="brand">"Idobata"</a>
            <LanguageSwitch back />
        </div>
    }
}

#[component]
fn NavigationLinks(viewer: Viewer) -> impl IntoView {
    let texts = use_texts();
    let Navigator { current_page, .. } = expect_context();
    let feed = move || current_page.with(|page| matches!(page, PageData::Feed { .. })).then_some("page");
    let rooms = viewer.rooms.clone().into_iter().map(|room| {
        let href = routes::room(&room.id);
        let is_current = move || {
            current_page.with(|page| match page {
                PageData::Room { room: Some(data), .. } => data.room.id == room.id,
                _ => false,
            })
        };
        view! {
            <li>
                <a href=href aria-current=move || is_current().then_some("page")>{room.name}</a>
            </li>
        }
        .into_any()
    });
    view! {
        <nav class="navigation" aria-label=texts.navigation>
            <a href=routes::FEED aria-current=move || feed()>{texts.feed}</a>
            <h2>{texts.rooms}</h2>
            <ul>{rooms.collect::<Vec<_>>()}</ul>
            // Otherwise they stand beside the account: on a phone they do not fit beside the form for a guest's name.
            {(!viewer.accounts).then(|| account_links(&viewer))}
        </nav>
        {(!viewer.me.id.is_empty()).then(|| view! { <NewRoom /> }.into_any())}
        <Account viewer />
    }
}

#[component]
fn NewRoom() -> impl IntoView {
    let texts = use_texts();
    let navigator = expect_context::<Navigator>();
    view! {
        <details class="new-room">
            <summary>{texts.new_room}</summary>
            <form method="post" action="/rooms" class="field">
                <input
                    name="name"
                    required
                    maxlength=NAME_MAX_CHARACTERS.to_string()
                    aria-label=texts.new_room_name
                    autocomplete="off"
                />
                <input type="hidden" name="back" value=move || navigator.page_of_forms() />
                <button type="submit">{texts.create}</button>
                <label class="muted">
                    <input type="checkbox" name="private" value="true" />
                    {texts.private}
                </label>
            </form>
        </details>
    }
}

/// The viewer's name or account, and the button to sign in or out.
#[component]
fn Account(viewer: Viewer) -> impl IntoView {
    let texts = use_texts();
    let path = expect_context::<Navigator>().path;
    let Viewer { me, accounts, signs_in_here, .. } = &viewer;
    if !accounts {
        return view! { <NameForm name=viewer.me.name /> }.into_any();
    }
    if me.id.is_empty() {
        let href = move || routes::sign_in_from(&path.get());
        return view! {
            <div class="navigation name-form">
                <a href=move || href() rel="external">{texts.sign_in}</a>
            </div>
        }
        .into_any();
    }
    view! {
        <div class="navigation name-form">
            <p class="muted">{me.name.clone()}</p>
            {account_links(&viewer)}
        </div>
        {signs_in_here.then(|| view! { <SignOut /> }.into_any())}
    }
    .into_any()
}

/// The links to the account pages that the viewer may see. The browser loads those pages.
fn account_links(viewer: &Viewer) -> Vec<AnyView> {
    let texts = use_texts();
    let path = expect_context::<Navigator>().path;
    let &Viewer { accounts, signs_in_here, is_admin, .. } = viewer;
    let pages = [
        (accounts, routes::ACCOUNT, texts.account),
        (is_admin && signs_in_here, routes::PEOPLE, texts.accounts),
        (is_admin, routes::PUBLISHERS, texts.publishers),
        (is_admin, routes::CHANNELS, texts.limited_channels),
    ];
    let links = pages.into_iter().filter(|(is_allowed, ..)| *is_allowed).map(|(_, href, text)| {
        let is_current = move || path.with(|path| path.starts_with(href));
        view! {
            <a href=href rel="external" aria-current=move || is_current().then_some("page")>{text}</a>
        }
        .into_any()
    });
    links.collect()
}

#[component]
fn SignOut() -> impl IntoView {
    let texts = use_texts();
    view! {
        <form method="post" action="/sign-out">
            <button type="submit">{texts.sign_out}</button>
        </form>
    }
}
