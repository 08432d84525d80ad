//! What stands beside every page: where one can go, and who one is.

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

/// See the module. Without `visit` the page itself says what is wrong; here the links simply are not there.
#[component]
pub(crate) fn Sidebar(
    visit: Option<Viewer>,
    /// For [`Brand`].
    #[prop(optional)]
    back: Option<String>,
) -> impl IntoView {
    let texts = use_texts();
    view! {
        <header class="sidebar">
            <Brand back />
            {visit.map(|visit| view! { <Places visit /> }.into_any())}
            <p class="sidebar__tagline muted">{texts.tagline}</p>
        </header>
    }
}

/// The name of it all, and the languages. `back` is the page to come back to in another one, percent-encoded, where that
/// is more than its path.
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
fn Places(visit: Viewer) -> impl IntoView {
    let texts = use_texts();
    let Navigator { shown, .. } = expect_context();
    let feed = move || shown.with(|shown| matches!(shown, PageData::Feed { .. })).then_some("page");
    let rooms = visit.rooms.clone().into_iter().map(|room| {
        let href = routes::room(&room.id);
        let is_shown = move || {
            shown.with(|shown| match shown {
                PageData::Room { room: Some(start), .. } => start.room.id == room.id,
                _ => false,
            })
        };
        view! {
            <li>
                <a href=href aria-current=move || is_shown().then_some("page")>{room.name}</a>
            </li>
        }
        .into_any()
    });
    view! {
        <nav class="places" aria-label=texts.navigation>
            <a href=routes::FEED aria-current=move || feed()>{texts.feed}</a>
            <h2>{texts.rooms}</h2>
            <ul>{rooms.collect::<Vec<_>>()}</ul>
            // Beside the form for a guest's name there is no room for them on a phone.
            {(!visit.accounts).then(|| documents(&visit))}
        </nav>
        {(!visit.me.id.is_empty()).then(|| view! { <NewRoom /> }.into_any())}
        <Account visit />
    }
}

#[component]
fn NewRoom() -> impl IntoView {
    let texts = use_texts();
    let here = expect_context::<Navigator>();
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
                <input type="hidden" name="back" value=move || here.page_of_forms() />
                <button type="submit">{texts.create}</button>
                <label class="muted">
                    <input type="checkbox" name="private" value="true" />
                    {texts.private}
                </label>
            </form>
        </details>
    }
}

/// Who one is, and the way to sign in or out.
#[component]
fn Account(visit: Viewer) -> impl IntoView {
    let texts = use_texts();
    let path = expect_context::<Navigator>().path;
    let Viewer { me, accounts, signs_in_here, .. } = &visit;
    if !accounts {
        return view! { <NameForm name=visit.me.name /> }.into_any();
    }
    if me.id.is_empty() {
        let href = move || routes::sign_in_from(&path.get());
        return view! {
            <div class="places name-form">
                <a href=move || href() rel="external">{texts.sign_in}</a>
            </div>
        }
        .into_any();
    }
    view! {
        <div class="places name-form">
            <p class="muted">{me.name.clone()}</p>
            {documents(&visit)}
        </div>
        {signs_in_here.then(|| view! { <SignOut /> }.into_any())}
    }
    .into_any()
}

/// The way to the documents that one may see. The browser loads them anew.
fn documents(visit: &Viewer) -> Vec<AnyView> {
    let texts = use_texts();
    let path = expect_context::<Navigator>().path;
    let &Viewer { accounts, signs_in_here, is_admin, .. } = visit;
    let places = [
        (accounts, routes::ACCOUNT, texts.account),
        (is_admin && signs_in_here, routes::PEOPLE, texts.everybody),
        (is_admin, routes::PUBLISHERS, texts.publishers),
        (is_admin, routes::CHANNELS, texts.limited_channels),
    ];
    let links = places.into_iter().filter(|(is_there, ..)| *is_there).map(|(_, href, text)| {
        let is_shown = move || path.with(|path| path.starts_with(href));
        view! {
            <a href=href rel="external" aria-current=move || is_shown().then_some("page")>{text}</a>
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
