//! Who is in the room, and the last who came or went.

use leptos::prelude::*;

use crate::app::{
    i18n::use_texts,
    model::room::{Movement, RoomModel},
    reactive::{Key, list, memo, shown},
};

/// See the module.
#[component]
pub(crate) fn People(model: RwSignal<RoomModel>) -> impl IntoView {
    let texts = use_texts();
    let members = memo(move || model.with(|model| model.members().to_vec()));
    let movement = memo(move || model.with(|model| model.movement.clone()));
    let news = move || match movement.get() {
        Some(Movement::Joined(name)) => (texts.has_joined)(&name),
        Some(Movement::Left(name)) => (texts.has_left)(&name),
        None => String::new(),
    };
    view! {
        <aside class="people" aria-labelledby="people">
            <h2 id="people">{texts.people} " " <span class="people__count">{move || members.with(Vec::len).to_string()}</span></h2>
            {shown(
                move || members.with(Vec::is_empty),
                || view! { <p class="muted">{texts.people_empty}</p> }.into_any(),
            )}
            <ul class="people__list" aria-labelledby="people" tabindex="0">
                {list(
                    move || members.get(),
                    |member| Key::Name(format!("{} {}", member.id, member.name)),
                    move |member| {
                        let is_me = model.with_untracked(|model| model.is_me(&member.id));
                        let you = is_me.then(|| view! { <span class="muted">{format!(" ({})", texts.you)}</span> }.into_any());
                        view! { <li>{member.name} {you}</li> }.into_any()
                    },
                )}
            </ul>
            <p class="people__news muted" role="status">{move || news()}</p>
        </aside>
    }
}
