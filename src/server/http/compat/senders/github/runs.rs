//! The events of GitHub whose states follow each other: workflow runs and their jobs, checks, deployments and commit states.
//! All states of one have the same key, so that the newest stands for it. `github` calls it.

use serde_json::Value;

use super::super::{
    read::{first, id, link, spaced, text},
    translated::Translated,
};
use crate::protocol::feed::Level;

/// Translates one of these events; `None`: it is none of them.
pub(super) fn translate(event: &str, body: &Value) -> Option<Translated> {
    match event {
        "workflow_run" | "workflow_job" | "check_run" | "check_suite" => Some(run(event, body)),
        "deployment" | "deployment_status" => Some(deployment(body)),
        "status" => Some(commit_status(body)),
        _ => None,
    }
}

fn run(event: &str, body: &Value) -> Translated {
    let at = |member: &str| format!("/{event}/{member}");
    let name = match first(body, &[&at("name"), &at("app/name"), "/workflow/name"]) {
        "" => spaced(event),
        name => name.to_owned(),
    };
    let number = match id(body, &at("run_number")) {
        number if number.is_empty() || event != "workflow_run" => String::new(),
        number => format!(" #{number}"),
    };
    let (level, state) = state_of(first(body, &[&at("conclusion"), &at("status"), "/action"]));
    let branch = match first(body, &[&at("head_branch"), &at("check_suite/head_branch")]) {
        "" => String::new(),
        branch => format!(" on {branch}"),
    };
    let paths = [at("html_url"), at("details_url"), "/repository/html_url".to_owned()];
    Translated {
        title: format!("{name}{number} {state}{branch}"),
        text: first(body, &[&at("display_title"), &at("output/title")]).to_owned(),
        level,
        link: link(body, &paths.each_ref().map(String::as_str)),
        key: key(event, &id(body, &at("id"))),
        ..Translated::default()
    }
}

fn deployment(body: &Value) -> Translated {
    let environment = first(body, &["/deployment_status/environment", "/deployment/environment"]);
    let (level, state) = state_of(first(body, &["/deployment_status/state", "/deployment/state", "/action"]));
    let of = first(body, &["/deployment/ref", "/deployment/sha"]);
    Translated {
        title: format!("Deployment of {of} to {environment} {state}"),
        text: first(body, &["/deployment_status/description", "/deployment/description"]).to_owned(),
        level,
        link: link(
            body,
            &[
                "/deployment_status/target_url",
                "/deployment_status/log_url",
                "/workflow_run/html_url",
                "/repository/html_url",
            ],
        ),
        key: key("deployment", &id(body, "/deployment/id")),
        ..Translated::default()
    }
}

fn commit_status(body: &Value) -> Translated {
    let (level, state) = state_of(text(body, "/state"));
    let commit: String = text(body, "/sha").chars().take(7).collect();
    let context = first(body, &["/context", "/name"]);
    Translated {
        title: format!("{context} {state} for {commit}"),
        text: text(body, "/description").to_owned(),
        level,
        link: link(body, &["/target_url", "/commit/html_url"]),
        key: key("status", &format!("{commit}/{context}")).filter(|_| !commit.is_empty()),
        ..Translated::default()
    }
}

fn key(kind: &str, id: &str) -> Option<String> {
    (!id.is_empty()).then(|| format!("github/{kind}/{id}"))
}

/// The level of a state or conclusion, and its words.
fn state_of(state: &str) -> (Level, String) {
    let level = match state {
        "success" | "completed" => Level::Success,
        "failure" | "error" | "timed_out" | "startup_failure" => Level::Error,
        "cancelled" | "action_required" | "stale" => Level::Warning,
        _ => Level::Info,
    };
    let words = match state {
        "success" => "succeeded",
        "failure" | "error" | "startup_failure" => "failed",
        "timed_out" => "timed out",
        "cancelled" => "was cancelled",
        "skipped" => "was skipped",
        "action_required" => "needs an action",
        "in_progress" => "is running",
        "queued" | "requested" | "waiting" | "pending" | "created" => "is waiting",
        "" => "changed",
        other => return (level, format!("is {}", spaced(other))),
    };
    (level, words.to_owned())
}
