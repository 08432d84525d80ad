//! The members who are present in the room, and the last join or leave.

use leptos::prelude::*;

use super::{
    avatar::avatar,
    icon::{Icon, icon},
    live_text::{Sentence, live_sentence, live_text, name_view},
};
use crate::{
    app::{
        i18n::use_texts,
        model::room::{PresenceChange, RoomModel},
        reactive::{Key, list, memo, show_when},
        routes,
    },
    protocol::session::User,
};

/// Avatars in the button that shows the people.
const AVATARS_SHOWN: usize = 3;

/// The first of the people by their avatars, and the number of them: it opens their list where that is not beside the
/// conversation.
#[component]
pub(crate) fn PeopleButton(model: RwSignal<RoomModel>) -> impl IntoView {
    let texts = use_texts();
    let count = memo(move || model.with(|model| model.members().len()));
    let first =
        move || model.with(|model| model.members().iter().take(AVATARS_SHOWN).cloned().collect::<Vec<_>>());
    view! {
        <button type="button" class="people-button" popovertarget="people-here" aria-label=move || format!("{}: {}", texts.show_people, count.get())>
            <span class="people-button__avatars">
                {list(first, member_key, |member| avatar(&member.id, &member.name))}
            </span>
            {icon(Icon::Users)}
            {live_text(move || count.get().to_string())}
        </button>
    }
}

/// The list of people.
#[component]
pub(crate) fn People(
    model: RwSignal<RoomModel>,
    /// The link to the room's settings, for those who may change it.
    settings: Option<AnyView>,
) -> impl IntoView {
    let texts = use_texts();
    let members = memo(move || model.with(|model| model.members().to_vec()));
    let presence_change = memo(move || model.with(|model| model.presence_change.clone()));
    let news = move || -> Option<Sentence> {
        match presence_change.get()? {
            PresenceChange::Joined(name) => Some((texts.has_joined, name)),
            PresenceChange::Left(name) => Some((texts.has_left, name)),
        }
    };
    view! {
        <aside class="people" id="people-here" popover="auto" aria-labelledby="people">
            <h2 id="people">{texts.people} " " <span class="people__count" translate="no">{live_text(move || members.with(Vec::len).to_string())}</span></h2>
            {show_when(
                move || members.with(Vec::is_empty),
                || view! { <p class="muted">{texts.people_empty}</p> }.into_any(),
            )}
            <ul class="people__list" aria-labelledby="people" tabindex="0">
                {list(
                    move || members.get(),
                    member_key,
                    move |member| {
                        let is_me = model.with_untracked(|model| model.is_me(&member.id));
                        let id = member.id.clone();
                        let is_away = memo(move || model.with(|model| model.away.contains(&id)));
                        let away = show_when(
                            move || is_away.get(),
                            || view! { <span class="muted">{format!(" ({})", texts.away)}</span> }.into_any(),
                        );
                        let you = is_me.then(|| view! { <span class="muted">{format!(" ({})", texts.you)}</span> }.into_any());
                        view! { <li data-away=move || is_away.get().then_some("true")>{avatar(&member.id, &member.name)} <span><a href=routes::person(&member.id) rel="external">{name_view(member.name)}</a> {you}{away}</span></li> }.into_any()
                    },
                )}
            </ul>
            <p class="people__news muted" role="status">{live_sentence(news)}</p>
            {settings}
            // Shown if this list is a popover: then the ticker is not beside the conversation either.
            <button type="button" class="people__feed" popovertarget="feed-here">{icon(Icon::Activity)} {texts.feed}</button>
        </aside>
    }
}

fn member_key(member: &User) -> Key {
    Key::Name(format!("{} {}", member.id, member.name))
}
