//! GitHub's webhooks, after <https://docs.github.com/en/webhooks/webhook-events-and-payloads>. Gitea, whose documents have
//! the same members, calls it too.
//!
//! * `runs`: what has states that follow each other, with a key
//! * `talk`: pushes, issues, pull requests, reviews, releases and what is said about them

mod runs;
mod talk;

use axum::http::HeaderMap;
use serde_json::Value;

use super::{
    read::{delivery, first, header, link, not_sent_by, spaced, text},
    translated::Translated,
};
use crate::protocol::{feed::Level, problem::Rejection};

/// Translates a delivery.
pub(super) fn translate(headers: &HeaderMap, body: &Value) -> Result<Vec<Translated>, Rejection> {
    let event = header(headers, "x-github-event");
    if event.is_empty() {
        return Err(not_sent_by("GitHub", "the header X-GitHub-Event with the event's name is missing"));
    }
    if !body.is_object() {
        return Err(not_sent_by("GitHub", "the body has to be a JSON object"));
    }
    let once = delivery(headers, "x-github-delivery");
    Ok(vec![Translated { once, ..of_event(event, body) }])
}

/// The event with this name.
pub(super) fn of_event(event: &str, body: &Value) -> Translated {
    let translated = runs::translate(event, body).or_else(|| talk::translate(event, body));
    let translated = translated.unwrap_or_else(|| other(event, body));
    let place = first(body, &["/repository/full_name", "/organization/login", "/enterprise/name"]);
    let title = match place {
        "" => translated.title,
        place => format!("{place}: {}", translated.title),
    };
    Translated { title, tags: vec![event.to_owned()], ..translated }
}

/// Any other event: its name, what happened, and a page about it.
fn other(event: &str, body: &Value) -> Translated {
    let noun = spaced(event);
    let action = spaced(text(body, "/action"));
    let name =
        first(body, &[&format!("/{event}/name"), &format!("/{event}/title"), "/alert/rule/description"]);
    let words = [who(body), noun.as_str(), name, action.as_str()];
    let title = words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    let is_alert = event.ends_with("_alert") || event == "security_advisory";
    let level = match text(body, "/action") {
        "created" | "create" | "published" | "reopened" | "appeared_in_branch" if is_alert => Level::Warning,
        _ => Level::Info,
    };
    let own = format!("/{event}/html_url");
    let paths = [
        own.as_str(),
        "/alert/html_url",
        "/comment/html_url",
        "/repository/html_url",
        "/organization/html_url",
    ];
    Translated { title, level, link: link(body, &paths), ..Translated::default() }
}

/// The name of who did it.
fn who(body: &Value) -> &str {
    first(body, &["/sender/login", "/pusher/name", "/pusher/login"])
}

/// The first line of a text.
fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default().trim()
}
