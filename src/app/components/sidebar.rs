//! What stands beside every page: where one can go, and who one is.

use leptos::prelude::*;

use super::{language_switch::LanguageSwitch, name_form::NameForm};
use crate::{
    app::{
        i18n::use_texts,
        live::Here,
        start::{PageStart, Visit},
    },
    protocol::{name::NAME_MAX_CHARACTERS, session::User},
};

/// See the module. Without `visit` the page itself says what is wrong; here the links simply are not there.
#[component]
pub(crate) fn Sidebar(visit: Option<Visit>) -> impl IntoView {
    let texts = use_texts();
    view! {
        <header class="sidebar">
            <div class="sidebar__brand">
                <a href="/" class="brand">"Idobata"</a>
                <LanguageSwitch />
            </div>
            {visit.map(|visit| view! { <Places visit /> }.into_any())}
            <p class="sidebar__tagline muted">{texts.tagline}</p>
        </header>
    }
}

#[component]
fn Places(visit: Visit) -> impl IntoView {
    let texts = use_texts();
    let Here { shown, .. } = expect_context();
    let feed = move || shown.with(|shown| matches!(shown, PageStart::Feed { .. })).then_some("page");
    let rooms = visit.rooms.into_iter().map(|room| {
        let href = room.id.path();
        let is_shown = move || {
            shown.with(|shown| match shown {
                PageStart::Room { room: Some(start), .. } => start.room.id == room.id,
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
            <a href="/" aria-current=move || feed()>{texts.feed}</a>
            <h2>{texts.rooms}</h2>
            <ul>{rooms.collect::<Vec<_>>()}</ul>
        </nav>
        {(!visit.me.id.is_empty()).then(|| view! { <NewRoom /> }.into_any())}
        {if visit.accounts {
            view! { <Account me=visit.me is_admin=visit.is_admin /> }.into_any()
        } else {
            view! { <NameForm name=visit.me.name /> }.into_any()
        }}
    }
}

#[component]
fn NewRoom() -> impl IntoView {
    let texts = use_texts();
    let Here { path, .. } = expect_context();
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
                <input type="hidden" name="back" value=move || path.get() />
                <button type="submit">{texts.create}</button>
                <label class="muted">
                    <input type="checkbox" name="private" value="true" />
                    {texts.private}
                </label>
            </form>
        </details>
    }
}

/// The way to the pages of accounts. Those are documents of their own, which the browser loads.
#[component]
fn Account(me: User, is_admin: bool) -> impl IntoView {
    let texts = use_texts();
    let path = expect_context::<Here>().path;
    let link = |href: &'static str, text| view! { <a href=href rel="external">{text}</a> }.into_any();
    let links = if me.id.is_empty() {
        let href = move || format!("/sign-in?back={}", path.get());
        view! { <a href=move || href() rel="external">{texts.sign_in}</a> }.into_any()
    } else {
        (link("/account", texts.account), is_admin.then(|| link("/people", texts.everybody))).into_any()
    };
    view! {
        <div class="places name-form">
            <p class="muted">{me.name}</p>
            {links}
        </div>
    }
}
