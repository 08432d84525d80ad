//! GitLab's webhooks, after <https://docs.gitlab.com/user/project/integrations/webhook_events/>.

use axum::http::HeaderMap;
use serde_json::Value;

use super::{
    read::{counted, delivery, first, id, items, link, not_sent_by, spaced, text},
    translated::Translated,
};
use crate::{
    protocol::{feed::Level, problem::Rejection},
    server::http::compat::bounds::cut,
};

/// The commits that a push lists.
const COMMITS_MAX: usize = 10;
/// The longest text that is shown of a note or a description.
const TEXT_MAX_CHARACTERS: usize = 1_000;

/// Translates a delivery.
pub(super) fn translate(headers: &HeaderMap, body: &Value) -> Result<Vec<Translated>, Rejection> {
    let kind = first(body, &["/object_kind", "/event_name", "/event_type"]);
    if kind.is_empty() {
        return Err(not_sent_by("GitLab", "the member object_kind is missing"));
    }
    let translated = match kind {
        "push" | "tag_push" => push(kind, body),
        "issue" | "work_item" => subject("issue", body),
        "merge_request" => merge_request(body),
        "note" => note(body),
        "pipeline" => pipeline(body),
        "build" | "job" => job(body),
        "deployment" => deployment(body),
        "release" => release(body),
        other => plain(format!("{} {} {}", who(body), spaced(other), text(body, "/action")), page(body)),
    };
    let place = first(
        body,
        &["/project/path_with_namespace", "/project/name", "/group/full_path", "/repository/name"],
    );
    let title = if place.is_empty() { translated.title } else { format!("{place}: {}", translated.title) };
    let title = title.trim().to_owned();
    let once = delivery(headers, "idempotency-key").or_else(|| delivery(headers, "x-gitlab-event-uuid"));
    Ok(vec![Translated { title, once, tags: vec![kind.to_owned()], ..translated }])
}

fn plain(title: String, link: Option<String>) -> Translated {
    Translated { title, link, ..Translated::default() }
}

fn who(body: &Value) -> &str {
    first(body, &["/user/name", "/user_name", "/user/username", "/user_username"])
}

fn page(body: &Value) -> Option<String> {
    link(body, &["/object_attributes/url", "/url", "/project/web_url", "/repository/homepage"])
}

fn push(kind: &str, body: &Value) -> Translated {
    let name = text(body, "/ref").trim_start_matches("refs/heads/").trim_start_matches("refs/tags/");
    let name = if kind == "tag_push" { format!("tag {name}") } else { name.to_owned() };
    let listed = items(body, "/commits").count();
    let total = body.pointer("/total_commits_count").and_then(Value::as_u64).unwrap_or_default();
    let total = usize::try_from(total).unwrap_or(listed).max(listed);
    let is_none = |path| text(body, path).chars().all(|digit| digit == '0') && !text(body, path).is_empty();
    let did = match () {
        () if is_none("/after") => format!("deleted {name}"),
        () if is_none("/before") && (kind == "tag_push" || total == 0) => format!("created {name}"),
        () => format!("pushed {} to {name}", counted(total, "commit")),
    };
    let line = |commit: &Value| {
        let short: String = text(commit, "/id").chars().take(7).collect();
        let message =
            first(commit, &["/title", "/message"]).lines().next().unwrap_or_default().replace('`', "'");
        format!("- `{short}` {}", cut(&message, 120, "…"))
    };
    let commits = items(body, "/commits").skip(listed.saturating_sub(COMMITS_MAX)).map(line);
    let text = commits.collect::<Vec<_>>().join("\n");
    Translated { text, markdown: true, ..plain(format!("{} {did}", who(body)), page(body)) }
}

/// `Alice opened issue #7: Title`, with the description of a new one.
fn subject(noun: &str, body: &Value) -> Translated {
    let attribute = |name: &str| text(body, &format!("/object_attributes/{name}"));
    let sign = if noun == "issue" { '#' } else { '!' };
    let did = match attribute("action") {
        "open" => "opened",
        "close" => "closed",
        "reopen" => "reopened",
        "merge" => "merged",
        "approved" | "approval" => "approved",
        "unapproved" | "unapproval" => "took the approval back of",
        _ => "updated",
    };
    let number = id(body, "/object_attributes/iid");
    let title = format!("{} {did} {noun} {sign}{number}: {}", who(body), attribute("title"));
    let said = if matches!(did, "opened" | "reopened") { attribute("description") } else { "" };
    Translated { text: cut(said, TEXT_MAX_CHARACTERS, "…"), markdown: true, ..plain(title, page(body)) }
}

fn merge_request(body: &Value) -> Translated {
    let level = match text(body, "/object_attributes/action") {
        "merge" | "approved" | "approval" => Level::Success,
        "unapproved" | "unapproval" => Level::Warning,
        _ => Level::Info,
    };
    Translated { level, ..subject("merge request", body) }
}

fn note(body: &Value) -> Translated {
    let (member, sign) = match () {
        () if body.get("merge_request").is_some() => ("merge_request", "!"),
        () if body.get("issue").is_some() => ("issue", "#"),
        () if body.get("snippet").is_some() => ("snippet", "$"),
        () => ("commit", ""),
    };
    let about = match member {
        "commit" => text(body, "/commit/id").chars().take(7).collect(),
        _ => {
            let number = match id(body, &format!("/{member}/iid")) {
                number if number.is_empty() => id(body, &format!("/{member}/id")),
                number => number,
            };
            format!("{sign}{number}: {}", text(body, &format!("/{member}/title")))
        }
    };
    let said = cut(text(body, "/object_attributes/note"), TEXT_MAX_CHARACTERS, "…");
    Translated {
        text: said,
        markdown: true,
        ..plain(format!("{} commented on {about}", who(body)), page(body))
    }
}

fn pipeline(body: &Value) -> Translated {
    let (level, state) = state_of(text(body, "/object_attributes/status"));
    let number = id(body, "/object_attributes/id");
    let branch = text(body, "/object_attributes/ref");
    let at_project = || Some(format!("{}/-/pipelines/{number}", link(body, &["/project/web_url"])?));
    Translated {
        text: text(body, "/commit/title").to_owned(),
        level,
        key: key("pipeline", &number),
        ..plain(
            format!("Pipeline #{number} {state} on {branch}"),
            link(body, &["/object_attributes/url"]).or_else(at_project),
        )
    }
}

fn job(body: &Value) -> Translated {
    let (level, state) = state_of(text(body, "/build_status"));
    let number = id(body, "/build_id");
    let url = link(body, &["/project/web_url", "/repository/homepage"]);
    Translated {
        level,
        key: key("job", &number),
        ..plain(
            format!("Job {} {state} on {}", text(body, "/build_name"), text(body, "/ref")),
            url.map(|url| format!("{url}/-/jobs/{number}")),
        )
    }
}

fn deployment(body: &Value) -> Translated {
    let (level, state) = state_of(text(body, "/status"));
    Translated {
        text: text(body, "/commit_title").to_owned(),
        level,
        key: key("deployment", &id(body, "/deployment_id")),
        ..plain(
            format!("Deployment of {} to {} {state}", text(body, "/ref"), text(body, "/environment")),
            link(body, &["/deployable_url", "/project/web_url"]),
        )
    }
}

fn release(body: &Value) -> Translated {
    let did = match text(body, "/action") {
        "create" => "Released",
        "delete" => "Deleted the release",
        _ => "Updated the release",
    };
    Translated {
        text: cut(text(body, "/description"), TEXT_MAX_CHARACTERS, "…"),
        markdown: true,
        level: if did == "Released" { Level::Success } else { Level::Info },
        ..plain(format!("{did} {}", first(body, &["/name", "/tag"])), page(body))
    }
}

fn key(kind: &str, id: &str) -> Option<String> {
    (!id.is_empty()).then(|| format!("gitlab/{kind}/{id}"))
}

/// The level of a state, and its words.
fn state_of(state: &str) -> (Level, String) {
    match state {
        "success" => (Level::Success, "succeeded".to_owned()),
        "failed" => (Level::Error, "failed".to_owned()),
        "canceled" | "canceling" => (Level::Warning, "was cancelled".to_owned()),
        "skipped" => (Level::Info, "was skipped".to_owned()),
        "running" => (Level::Info, "is running".to_owned()),
        "manual" => (Level::Info, "waits for somebody".to_owned()),
        "" => (Level::Info, "changed".to_owned()),
        other => (Level::Info, format!("is {}", spaced(other))),
    }
}
