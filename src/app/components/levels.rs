//! The level of a room's notifications: a button in its header with the three levels, which it opens (HTML, 6.12). They are a
//! form that the browser sends: it does without a script, and nobody changes them often.

use leptos::prelude::*;

use super::icon::{Icon, icon};
use crate::{
    app::{i18n::use_texts, reactive::memo, routes, sync::Navigator},
    protocol::{mark::RoomLevel, name::RoomId},
};

/// The id of the form.
const FORM: &str = "levels";

/// The button.
#[component]
pub(crate) fn LevelsButton() -> impl IntoView {
    let texts = use_texts();
    view! {
        <button type="button" class="levels-button" popovertarget=FORM aria-label=texts.levels title=texts.levels>
            {icon(Icon::Bell)}
        </button>
    }
}

/// The levels.
#[component]
pub(crate) fn Levels(room: RoomId) -> impl IntoView {
    let texts = use_texts();
    let unread = expect_context::<Navigator>().unread;
    let action = routes::level(&room);
    let present = memo(move || unread.with(|unread| unread.level_of(&room)));
    let level = |level: RoomLevel| {
        let text = match level {
            RoomLevel::All => texts.level_all,
            RoomLevel::Mentions => texts.level_mentions,
            RoomLevel::Nothing => texts.level_nothing,
        };
        let is_present = move || (present.get() == level).to_string();
        view! {
            <button name="level" value=level.as_str() aria-pressed=move || is_present()>{text}</button>
        }
        .into_any()
    };
    view! {
        <form class="levels" id=FORM popover="auto" method="post" action=action aria-labelledby="levels-heading">
            <h2 id="levels-heading">{texts.levels}</h2>
            {RoomLevel::ALL.map(level).into_iter().collect::<Vec<_>>()}
        </form>
    }
}
