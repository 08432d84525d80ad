//! Who is in the room, and the last who came or went.

use leptos::prelude::*;

use crate::app::{
    i18n::use_texts,
    model::room::{Movement, RoomModel},
};

/// See the module.
#[component]
pub(crate) fn People(model: RwSignal<RoomModel>) -> impl IntoView {
    let texts = use_texts();
    let members = Memo::new(move |_| model.with(|model| model.members().to_vec()));
    let movement = Memo::new(move |_| model.with(|model| model.movement.clone()));
    let news = move || {
        movement.get().map(|movement| match movement {
            Movement::Joined(name) => (texts.has_joined)(&name),
            Movement::Left(name) => (texts.has_left)(&name),
        })
    };
    view! {
        <aside class="people" aria-labelledby="people">
            <h2 id="people">{texts.people} " " <span class="people__count">{move || members.with(Vec::len)}</span></h2>
            <Show when=move || members.with(Vec::is_empty)>
                <p class="muted">{texts.people_empty}</p>
            </Show>
            <ul class="people__list" aria-labelledby="people" tabindex="0">
                <For
                    each=move || members.get()
                    key=Clone::clone
                    children=move |member| {
                        let is_me = model.with_untracked(|model| model.is_me(&member.id));
                        view! {
                            <li>
                                {member.name}
                                {is_me.then(|| view! { <span class="muted">{format!(" ({})", texts.you)}</span> })}
                            </li>
                        }
                    }
                />
            </ul>
            <p class="people__news muted" role="status">{news}</p>
        </aside>
    }
}
