//! What stands beside every page: where one can go, and who one is.

use leptos::prelude::*;
use leptos_router::{components::A, hooks::use_location};

use super::{language_switch::LanguageSwitch, name_form::NameForm};
use crate::{
    app::{
        api::{Visit, load_visit},
        i18n::use_texts,
    },
    protocol::name::NAME_MAX_CHARACTERS,
};

/// See the module.
#[component]
pub(crate) fn Sidebar() -> impl IntoView {
    let texts = use_texts();
    let visit = Resource::new(|| (), |()| load_visit());
    view! {
        <header class="sidebar">
            <div class="sidebar__brand">
                <A href="/" attr:class="brand">"Idobata"</A>
                <LanguageSwitch />
            </div>
            <Suspense>
                {move || Suspend::new(async move {
                    // Without it the page itself says what is wrong; here the links simply are not there.
                    visit.await.ok().map(|visit| view! { <Places visit /> })
                })}
            </Suspense>
            <p class="sidebar__tagline muted">{texts.tagline}</p>
        </header>
    }
}

#[component]
fn Places(visit: Visit) -> impl IntoView {
    let texts = use_texts();
    let path = use_location().pathname;
    let rooms = visit.rooms.into_iter().map(|room| {
        view! {
            <li>
                <A href=room.id.path()>{room.name}</A>
            </li>
        }
    });
    view! {
        <nav class="places" aria-label=texts.navigation>
            <A href="/" exact=true>{texts.feed}</A>
            <h2>{texts.rooms}</h2>
            <ul>{rooms.collect_view()}</ul>
        </nav>
        <details class="new-room">
            <summary>{texts.new_room}</summary>
            <form method="post" action="/rooms" class="field">
                <input
                    name="name"
                    required
                    maxlength=NAME_MAX_CHARACTERS
                    aria-label=texts.new_room_name
                    autocomplete="off"
                />
                <input type="hidden" name="back" value=path />
                <button type="submit">{texts.create}</button>
            </form>
        </details>
        <NameForm name=visit.me.name />
    }
}
