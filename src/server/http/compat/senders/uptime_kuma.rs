//! Uptime Kuma's notification "Webhook" with its preset body, after
//! <https://github.com/louislam/uptime-kuma/wiki/Notification-Methods>: `{"heartbeat", "monitor", "msg"}`, of which the first
//! two are null in a test and in a warning about a certificate.

use serde_json::Value;

use super::{
    read::{first, id, link, not_sent_by, text},
    translated::Translated,
};
use crate::protocol::{feed::Level, problem::Rejection};

/// Translates a heartbeat, or a line of text.
pub(super) fn translate(body: &Value) -> Result<Vec<Translated>, Rejection> {
    let message = text(body, "/msg");
    let is_object = |name: &str| body.get(name).is_some_and(Value::is_object);
    if message.is_empty() && !is_object("heartbeat") {
        return Err(not_sent_by("Uptime Kuma", "the members msg and heartbeat are missing"));
    }
    let monitor = first(body, &["/monitor/pathName", "/monitor/name"]);
    let number = match id(body, "/monitor/id") {
        number if number.is_empty() => id(body, "/heartbeat/monitorID"),
        number => number,
    };
    let link = link(body, &["/monitor/url"]);
    if !is_object("heartbeat") {
        let level = if is_object("monitor") { Level::Warning } else { Level::Info };
        return Ok(vec![Translated { title: message.to_owned(), level, link, ..Translated::default() }]);
    }
    let (level, state) = match body.pointer("/heartbeat/status").and_then(Value::as_u64) {
        Some(0) => (Level::Error, "is down"),
        Some(1) => (Level::Success, "is up"),
        Some(2) => (Level::Warning, "does not answer"),
        Some(3) => (Level::Info, "is under maintenance"),
        _ => (Level::Info, "changed"),
    };
    let monitor = if monitor.is_empty() { "Monitor" } else { monitor };
    let at = text(body, "/heartbeat/time");
    Ok(vec![Translated {
        title: format!("{monitor} {state}"),
        text: first(body, &["/heartbeat/msg", "/msg"]).to_owned(),
        level,
        link,
        once: (!at.is_empty()).then(|| format!("{number} {at} {state}")),
        key: (!number.is_empty()).then(|| format!("uptime-kuma/{number}")),
        ..Translated::default()
    }])
}
