//! Sentry's webhooks, after <https://docs.sentry.io/organization/integrations/integration-platform/webhooks/>: issue alerts
//! (`event_alert`), issues, metric alerts, errors and comments of an internal integration, and the older plugin "Webhooks".

use axum::http::HeaderMap;
use serde_json::Value;

use super::{
    read::{delivery, first, header, id, level_of, link, not_sent_by, spaced, text},
    translated::Translated,
};
use crate::protocol::{feed::Level, problem::Rejection};

/// Translates a delivery.
pub(super) fn translate(headers: &HeaderMap, body: &Value) -> Result<Vec<Translated>, Rejection> {
    let resource = header(headers, "sentry-hook-resource");
    let has = |name: &str| body.get(name).is_some_and(Value::is_object);
    let translated = match resource {
        _ if !has("data") && has("event") => plugin(body),
        _ if !has("data") => return Err(not_sent_by("Sentry", "the member data is missing")),
        "event_alert" => event("event", body),
        "error" => event("error", body),
        "issue" => issue(body),
        "metric_alert" => metric_alert(body),
        "comment" => comment(body),
        other => plain(format!("{} {}", spaced(other), text(body, "/action")).trim().to_owned(), None),
    };
    let tags = if resource.is_empty() { Vec::new() } else { vec![resource.to_owned()] };
    Ok(vec![Translated { once: delivery(headers, "request-id"), tags, ..translated }])
}

fn plain(title: String, link: Option<String>) -> Translated {
    Translated { title, link, ..Translated::default() }
}

fn key(id: &str) -> Option<String> {
    (!id.is_empty()).then(|| format!("sentry/{id}"))
}

fn level(word: &str) -> Level {
    level_of(word).unwrap_or(Level::Error)
}

/// The lines that are not empty.
fn lines(lines: [&str; 2]) -> String {
    lines.into_iter().filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

fn event(member: &str, body: &Value) -> Translated {
    let of = |name: &str| text(body, &format!("/data/{member}/{name}"));
    let title = first(body, &[&format!("/data/{member}/title"), &format!("/data/{member}/message")]);
    Translated {
        text: lines([of("culprit"), first(body, &["/data/triggered_rule", "/data/issue_alert/title"])]),
        level: level(of("level")),
        key: key(&id(body, &format!("/data/{member}/issue_id"))),
        ..plain(title.to_owned(), link(body, &[&format!("/data/{member}/web_url")]))
    }
}

fn issue(body: &Value) -> Translated {
    let of = |name: &str| text(body, &format!("/data/issue/{name}"));
    let (level, did) = match text(body, "/action") {
        "created" => (level(of("level")), String::new()),
        "unresolved" => (level(of("level")), "Again: ".to_owned()),
        "resolved" => (Level::Success, "Resolved: ".to_owned()),
        "" => (Level::Info, String::new()),
        other => {
            let mut letters = other.chars();
            let first = letters.next().map(|letter| letter.to_ascii_uppercase());
            (Level::Info, format!("{}: ", first.into_iter().chain(letters).collect::<String>()))
        }
    };
    let project = first(body, &["/data/issue/project/name", "/data/issue/project/slug"]);
    Translated {
        text: lines([of("culprit"), project]),
        level,
        key: key(&id(body, "/data/issue/id")),
        ..plain(
            format!("{did}{}", of("title")),
            link(body, &["/data/issue/web_url", "/data/issue/permalink"]),
        )
    }
}

fn metric_alert(body: &Value) -> Translated {
    let level = match text(body, "/action") {
        "critical" => Level::Error,
        "warning" => Level::Warning,
        "resolved" => Level::Success,
        _ => Level::Info,
    };
    let alert = id(body, "/data/metric_alert/id");
    Translated {
        text: text(body, "/data/description_text").to_owned(),
        level,
        key: key(&format!("metric/{alert}")).filter(|_| !alert.is_empty()),
        ..plain(
            first(body, &["/data/description_title", "/data/metric_alert/title"]).to_owned(),
            link(body, &["/data/web_url"]),
        )
    }
}

fn comment(body: &Value) -> Translated {
    let (who, issue) = (text(body, "/actor/name"), id(body, "/data/issue_id"));
    let project = text(body, "/data/project_slug");
    let title = format!("{who} commented on issue {issue} of {project}");
    Translated { text: text(body, "/data/comment").to_owned(), ..plain(title, None) }
}

/// The body of the older plugin.
fn plugin(body: &Value) -> Translated {
    Translated {
        text: lines([text(body, "/culprit"), text(body, "/project_name")]),
        level: level(text(body, "/level")),
        key: key(&id(body, "/id")),
        ..plain(
            first(body, &["/event/title", "/message", "/event/message"]).to_owned(),
            link(body, &["/url", "/event/web_url"]),
        )
    }
}
