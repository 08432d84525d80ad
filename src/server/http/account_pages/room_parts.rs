//! The parts of the pages of a room's moderation: its moderators, and those who may not write for a while. The pages of its
//! settings and of the reports draw them.

use std::time::Duration;

use leptos::prelude::*;

use super::{
    fields::{labelled_input, problem_note},
    texts::Texts,
    time::time,
};
use crate::{
    app::model::{direction::isolated, room::RejectionReason},
    protocol::session::User,
    server::authz::Mute,
};

/// The times for which one can be muted, in minutes; 0: until it is taken back.
pub(super) const TIMES: [u32; 5] = [10, 60, 24 * 60, 7 * 24 * 60, 0];

/// The time of a form.
pub(super) fn time_of(minutes: u32) -> Option<Duration> {
    (minutes > 0).then(|| Duration::from_secs(u64::from(minutes) * 60))
}

/// The people of a part.
pub(super) struct People<'a> {
    pub(super) moderators: &'a [User],
    pub(super) mutes: &'a [(User, Mute)],
    /// The reason why the form of the part was rejected.
    pub(super) problem: Option<RejectionReason>,
    /// The rejected name.
    pub(super) typed: &'a str,
}

/// The moderators, with the form that names one.
pub(super) fn moderators(texts: &'static Texts, people: &People<'_>, address: &str) -> AnyView {
    let (problem, name) = (people.problem, people.typed.to_owned());
    let action = format!("{address}/moderators");
    let row = |user: &User| row(texts.remove, &format!("{action}/remove"), user, ().into_any());
    let rows: Vec<_> = people.moderators.iter().map(row).collect();
    view! {
        <section class="panel stack" aria-labelledby="moderators-heading">
            <h2 id="moderators-heading">{texts.moderators}</h2>
            <p class="muted">{texts.moderators_hint}</p>
            <ul class="rows">{rows}</ul>
            <form class="stack" method="post" action=action>
                {problem_note(texts, problem)}
                {labelled_input("moderator", texts.name, name, Some(texts.let_in_hint), problem)}
                <button type="submit">{texts.add_moderator}</button>
            </form>
        </section>
    }
    .into_any()
}

/// The people who may not write now, with the form that adds one.
pub(super) fn mutes(texts: &'static Texts, people: &People<'_>, address: &str) -> AnyView {
    let (problem, name) = (people.problem, people.typed.to_owned());
    let action = format!("{address}/mutes");
    let row = |(user, mute): &(User, Mute)| {
        let end = match mute.until {
            Some(until) => view! { " " {texts.until} " " {time(until)} }.into_any(),
            None => ().into_any(),
        };
        row(texts.unmute, &format!("{action}/remove"), user, end)
    };
    let rows: Vec<_> = people.mutes.iter().map(row).collect();
    view! {
        <section class="panel stack" aria-labelledby="mutes-heading">
            <h2 id="mutes-heading">{texts.mutes}</h2>
            <p class="muted">{texts.mutes_hint}</p>
            <ul class="rows">{rows}</ul>
            <form class="stack" method="post" action=action>
                {problem_note(texts, problem)}
                {labelled_input("muted", texts.name, name, Some(texts.let_in_hint), problem)}
                {time_field(texts, "minutes")}
                <button type="submit">{texts.mute}</button>
            </form>
        </section>
    }
    .into_any()
}

/// The choice of a time. `id` is unique on the page.
pub(super) fn time_field(texts: &'static Texts, id: &str) -> impl IntoView + use<> {
    let options: Vec<_> = TIMES
        .into_iter()
        .map(|minutes| view! { <option value=minutes.to_string()>{(texts.mute_time)(minutes)}</option> })
        .collect();
    view! {
        <div class="labelled">
            <label for=id.to_owned()>{texts.mute_for}</label>
            <select id=id.to_owned() name="minutes">{options}</select>
        </div>
    }
}

/// A person with the form that takes something back.
fn row(button: &'static str, action: &str, user: &User, more: AnyView) -> impl IntoView + use<> {
    view! {
        <li class="row">
            <p class="row__head"><b><bdi translate="no">{user.name.clone()}</bdi></b> {more}</p>
            <form method="post" action=action.to_owned()>
                <input type="hidden" name="user" value=user.id.clone() />
                <button type="submit" aria-label=format!("{button}: {}", isolated(&user.name))>{button}</button>
            </form>
        </li>
    }
}
