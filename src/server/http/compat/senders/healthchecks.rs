//! Healthchecks' integration "Webhook", whose body one writes oneself, with placeholders
//! (<https://healthchecks.io/docs/api/> has the members of `$JSON`): `$JSON`, or `{"name":"$NAME","status":"$STATUS"}`.

use serde_json::Value;

use super::{
    read::{first, id, link, not_sent_by, text},
    translated::Translated,
};
use crate::protocol::{feed::Level, problem::Rejection};

/// Translates a check's change of state.
pub(super) fn translate(body: &Value) -> Result<Vec<Translated>, Rejection> {
    let (name, status) = (first(body, &["/name", "/slug", "/code", "/uuid"]), text(body, "/status"));
    if name.is_empty() || status.is_empty() {
        let missing = "the members name and status are missing; write $JSON as the body of the request";
        return Err(not_sent_by("Healthchecks", missing));
    }
    let (level, state) = match status.to_ascii_lowercase().as_str() {
        "down" => (Level::Error, "is down".to_owned()),
        "up" => (Level::Success, "is up".to_owned()),
        "grace" => (Level::Warning, "is late".to_owned()),
        other => (Level::Info, format!("is {other}")),
    };
    let paths = ["/uuid", "/unique_key", "/code", "/slug", "/name"];
    let check = paths.into_iter().map(|path| id(body, path)).find(|id| !id.is_empty()).unwrap_or_default();
    let tags = match body.get("tags") {
        Some(Value::Array(tags)) => tags.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => text(body, "/tags").split_whitespace().map(str::to_owned).collect(),
    };
    Ok(vec![Translated {
        title: format!("{name} {state}"),
        text: first(body, &["/desc", "/body"]).to_owned(),
        level,
        link: link(body, &["/url"]),
        tags,
        key: Some(format!("healthchecks/{check}")),
        ..Translated::default()
    }])
}
