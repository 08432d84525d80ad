//! The webhooks of Gitea and Forgejo, after <https://docs.gitea.com/usage/webhooks>: their documents have the members of
//! GitHub's, so that `github` reads them. The names of some events differ.

use axum::http::HeaderMap;
use serde_json::Value;

use super::{
    github::of_event,
    read::{delivery, header, not_sent_by},
    translated::Translated,
};
use crate::protocol::problem::Rejection;

/// Translates a delivery.
pub(super) fn translate(headers: &HeaderMap, body: &Value) -> Result<Vec<Translated>, Rejection> {
    let names = ["x-gitea-event", "x-forgejo-event", "x-gogs-event"];
    let event = names.into_iter().map(|name| header(headers, name)).find(|event| !event.is_empty());
    let Some(event) = event else {
        return Err(not_sent_by("Gitea", "the header X-Gitea-Event with the event's name is missing"));
    };
    if !body.is_object() {
        return Err(not_sent_by("Gitea", "the body has to be a JSON object"));
    }
    let once = ["x-gitea-delivery", "x-forgejo-delivery", "x-gogs-delivery"];
    let once = once.into_iter().find_map(|name| delivery(headers, name));
    let translated = of_event(github_name(event, body), body);
    // Its own name, by which one looks for it.
    Ok(vec![Translated { once, tags: vec![event.to_owned()], ..translated }])
}

/// GitHub's name of an event.
fn github_name<'a>(event: &'a str, body: &Value) -> &'a str {
    match event {
        "issues" | "issue_assign" | "issue_label" | "issue_milestone" => "issues",
        "pull_request_assign"
        | "pull_request_label"
        | "pull_request_milestone"
        | "pull_request_sync"
        | "pull_request_review_request" => "pull_request",
        "pull_request_comment" => "issue_comment",
        "pull_request_approved" | "pull_request_rejected" => "pull_request_review",
        event if event.starts_with("pull_request_review") && body.get("review").is_some() => {
            "pull_request_review"
        }
        other => other,
    }
}
