//! The sidebar of every page: the links to pages and rooms, and the viewer's account.

use leptos::prelude::*;

use super::{
    avatar::avatar,
    icon::{Icon, icon},
    language_switch::LanguageSwitch,
    name_form::NameForm,
    theme_switch::ThemeSwitch,
};
use crate::{
    app::{
        i18n::use_texts,
        page_data::{PageData, Viewer},
        routes,
        sync::Navigator,
    },
    protocol::name::NAME_MAX_CHARACTERS,
};

/// The button that opens the sidebar on a small screen, where it is a popover (HTML, 6.12): that works without
/// JavaScript, and closes with Escape and a tap beside it.
#[component]
pub(crate) fn MenuButton() -> impl IntoView {
    let texts = use_texts();
    view! {
        <button type="button" class="menu-button" popovertarget="sidebar" aria-label=texts.menu>
            {icon(Icon::Menu)}
        </button>
    }
}

/// The sidebar. Without `viewer` it has no links; the page itself tells what is wrong.
#[component]
pub(crate) fn Sidebar(
    viewer: Option<Viewer>,
    /// The address to which the switches lead back, percent-encoded, where that is more than the path.
    #[prop(optional)]
    back: Option<String>,
) -> impl IntoView {
    view! {
        <header class="sidebar" id="sidebar" popover="auto">
            <a href=routes::FEED class="brand">"Idobata"</a>
            {viewer.map(|viewer| view! { <NavigationLinks viewer back /> }.into_any())}
        </header>
    }
}

/// The product's name and the language switch, for a page without a sidebar. `back` is as for [`Sidebar`].
#[component]
pub(crate) fn Brand(back: Option<String>) -> impl IntoView {
    view! {
        <div class="brand-line">
            <a href=routes::FEED class="brand">"Idobata"</a>
            <LanguageSwitch back />
        </div>
    }
}

#[component]
fn NavigationLinks(viewer: Viewer, back: Option<String>) -> impl IntoView {
    let texts = use_texts();
    let Navigator { current_page, .. } = expect_context();
    let feed = move || current_page.with(|page| matches!(page, PageData::Feed { .. })).then_some("page");
    let rooms = viewer.rooms.clone().into_iter().map(|room| {
        let href = routes::room(&room.id);
        let kind = if viewer.private_rooms.contains(&room.id) { Icon::Lock } else { Icon::Hash };
        let is_current = move || {
            current_page.with(|page| match page {
                PageData::Room { room: Some(data), .. } => data.room.id == room.id,
                _ => false,
            })
        };
        view! {
            <li>
                <a href=href aria-current=move || is_current().then_some("page")>
                    {icon(kind)} <bdi translate="no">{room.name}</bdi>
                </a>
            </li>
        }
        .into_any()
    });
    view! {
        <nav class="navigation" aria-label=texts.navigation>
            <a href=routes::FEED aria-current=move || feed()>{icon(Icon::Activity)} <span>{texts.feed}</span></a>
            <details class="section" open>
                <summary><h2>{texts.rooms}</h2></summary>
                <ul>{rooms.collect::<Vec<_>>()}</ul>
            </details>
            {(!viewer.me.id.is_empty()).then(|| view! { <NewRoom /> }.into_any())}
        </nav>
        <Account viewer back />
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
                    dir="auto"
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

/// The viewer at the sidebar's end, with a menu of their settings and the pages of administrators.
#[component]
fn Account(viewer: Viewer, back: Option<String>) -> impl IntoView {
    let texts = use_texts();
    let path = expect_context::<Navigator>().path;
    let Viewer { me, accounts, signs_in_here, .. } = &viewer;
    let is_guest = !accounts;
    let sign_in = me.id.is_empty().then(|| {
        let href = move || routes::sign_in_from(&path.get());
        view! { <a class="primary" href=move || href() rel="external">{texts.sign_in}</a> }.into_any()
    });
    let name = if me.id.is_empty() { texts.menu.to_owned() } else { me.name.clone() };
    let sign_out = (*signs_in_here && !me.id.is_empty()).then(|| view! { <SignOut /> }.into_any());
    view! {
        {sign_in}
        <details class="menu">
            <summary>
                {avatar(&me.id, &me.name)} <bdi translate="no">{name}</bdi>
            </summary>
            <div class="menu__panel">
                {is_guest.then(|| view! { <NameForm name=viewer.me.name.clone() /> }.into_any())}
                <div class="menu__links">{account_links(&viewer)}</div>
                <ThemeSwitch back=back.clone() />
                <LanguageSwitch back />
                {sign_out}
            </div>
        </details>
    }
}

/// The links to the account pages that the viewer may see. The browser loads those pages.
fn account_links(viewer: &Viewer) -> Vec<AnyView> {
    let texts = use_texts();
    let path = expect_context::<Navigator>().path;
    let &Viewer { accounts, signs_in_here, is_admin, .. } = viewer;
    let pages = [
        (accounts && !viewer.me.id.is_empty(), routes::ACCOUNT, texts.account),
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
