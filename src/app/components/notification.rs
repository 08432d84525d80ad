//! An entry of the feed that is not a value: a notification or a progress. The list and the ticker draw it, as a line
//! of a log as long as it is short: the channel, what happened, the time.

use std::sync::Arc;

use leptos::prelude::*;

use super::{
    icon::{Icon, icon},
    linked_text::{link_away, linked, named_link_away},
    live_text::name_view,
    local_time::LocalTime,
};
use crate::{
    app::{
        i18n::{Texts, use_texts},
        model::{control_name::control_name, number::short},
        reactive::Key,
        routes,
    },
    protocol::feed::{Action, Body, Entry, Level, ProgressState},
};

/// The row of one entry.
#[component]
pub(crate) fn Notification(entry: Arc<Entry>) -> impl IntoView {
    let texts = use_texts();
    // The channel and the time, which the name of the link has, too: programs say the same again and again.
    let head = format!("head-{}", entry.offset);
    let content = match entry.body.clone() {
        Body::Notification { title, text, level, tags, link, details, .. } => {
            let link = link.map(|link| {
                let label = control_name(texts.read_more, title.as_deref().unwrap_or(&text));
                named_link_away(link, texts.read_more.to_owned(), Some((label, head.clone())))
            });
            view! {
            <p class="notification__level" data-level=level.as_str()>{level_icon(level)} {level_word(texts, level)}</p>
            {title.map(|title| view! { <p class="notification__title" dir="auto">{title}</p> }.into_any())}
            {(!text.is_empty()).then(|| text_view(&text, details.html))}
            {(!tags.is_empty()).then(|| tag_list(tags))}
            {link}
            {(!details.actions.is_empty()).then(|| action_list(details.actions))}
            {(!details.choices.is_empty()).then(|| choices_form(&entry, details.choices))}
        }
            .into_any()
        }
        Body::Progress { key, done, total, state, text } => {
            let (done, total) = (short(done), total.map(short));
            let amount = match &total {
                Some(total) => format!("{done} / {total}"),
                None => done.clone(),
            };
            // While nobody knows the total, the bar moves; at the end it is full, and else empty.
            let (max, value) = match (total, state) {
                (Some(total), _) => (Some(total), Some(done)),
                (None, ProgressState::Running) => (None, None),
                (None, ProgressState::Done) => (None, Some("1".to_owned())),
                (None, ProgressState::Paused | ProgressState::Failed) => (None, Some("0".to_owned())),
            };
            view! {
                <p class="notification__title">{name_view(key.clone())}</p>
                {state_word(texts, state).map(|word| view! { <p class="notification__state" data-state=state.as_str()>{word}</p> }.into_any())}
                <progress max=max value=value aria-label=key data-state=state.as_str()></progress>
                <p class="notification__text">
                    <span translate="no">{amount}</span> {text.map(progress_text)}
                </p>
            }
            .into_any()
        }
        Body::Update { .. } => ().into_any(),
    };
    view! {
        <article class="notification" data-offset=entry.offset.to_string()>
            <header class="notification__head" id=head>
                {channel_link(entry.channel.clone(), "notification__channel")}
                <LocalTime timestamp=entry.timestamp />
            </header>
            // The server fills it in its document, public/events.js anywhere else: server/http/pages/talk.
            <div class="notification__talk"></div>
            <div class="notification__body">{content}</div>
        </article>
    }
}

/// A channel's name, which leads to its page.
pub(super) fn channel_link(channel: String, class: &'static str) -> AnyView {
    let href = routes::feed(Some(&channel));
    view! { <a class=class href=href translate="no">{channel}</a> }.into_any()
}

/// The key of an entry in a list.
pub(crate) fn entry_key(entry: &Arc<Entry>) -> Key {
    Key::Entry(entry.offset, entry.timestamp)
}

fn tag_list(tags: Vec<String>) -> AnyView {
    let tags = tags.into_iter().map(|tag| view! { <li>{name_view(tag)}</li> }.into_any());
    view! { <ul class="tags">{tags.collect::<Vec<_>>()}</ul> }.into_any()
}

/// The text: the server's HTML of its Markdown, or as it was written with its addresses as links.
fn text_view(text: &str, html: Option<String>) -> AnyView {
    match html {
        Some(html) => {
            view! { <div class="notification__markdown"><div class="formatted" inner_html=html></div></div> }
                .into_any()
        }
        None => view! { <p class="notification__text" dir="auto">{linked(text)}</p> }.into_any(),
    }
}

/// Links that look like buttons: only who clicks one follows it.
fn action_list(actions: Vec<Action>) -> AnyView {
    let actions = actions.into_iter().map(|Action { label, url }| link_away(url, label));
    view! { <p class="notification__actions">{actions.collect::<Vec<_>>()}</p> }.into_any()
}

/// The choices of a question. Whoever takes the first one answers it.
fn choices_form(question: &Entry, choices: Vec<String>) -> AnyView {
    let action = routes::feed(Some(&question.channel)) + "/answers";
    let button = |choice: String| {
        let value = choice.clone();
        view! { <button name="choice" value=value dir="auto" translate="no">{choice}</button> }.into_any()
    };
    let buttons: Vec<_> = choices.into_iter().map(button).collect();
    view! {
        <form class="notification__actions" method="post" action=action>
            <input type="hidden" name="question" value=question.offset.to_string() />
            {buttons}
        </form>
    }
    .into_any()
}

/// An icon for each level that asks for attention, beside its word.
fn level_icon(level: Level) -> Option<AnyView> {
    match level {
        Level::Info => None,
        Level::Success => Some(icon(Icon::Check)),
        Level::Warning => Some(icon(Icon::Warning)),
        Level::Error => Some(icon(Icon::Alert)),
    }
}

/// Beside the numbers: in its own direction.
fn progress_text(text: String) -> AnyView {
    view! { " · " <bdi>{text}</bdi> }.into_any()
}

/// The word for the state of a progress that does not go on.
fn state_word(texts: &Texts, state: ProgressState) -> Option<&'static str> {
    Some(match state {
        ProgressState::Running => return None,
        ProgressState::Paused => texts.progress_paused,
        ProgressState::Failed => texts.progress_failed,
        ProgressState::Done => texts.progress_done,
    })
}

fn level_word(texts: &Texts, level: Level) -> &'static str {
    match level {
        Level::Info => texts.level_info,
        Level::Success => texts.level_success,
        Level::Warning => texts.level_warning,
        Level::Error => texts.level_error,
    }
}
