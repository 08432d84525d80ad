//! Alertmanager's webhooks (<https://prometheus.io/docs/alerting/latest/configuration/#webhook_config>) and Grafana's
//! (<https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/>),
//! which have the same shape and some members more. Each alert is an event with its fingerprint as the key, so that it is
//! replaced when the alert is resolved.
//!
//! Alertmanager sends all alerts of a group whenever one changes, and again after a time: what is known by fingerprint, start
//! and status is not stored again.

use serde_json::Value;

use super::{
    read::{first, id, items, level_of, link, not_sent_by, text},
    translated::Translated,
};
use crate::{
    protocol::{feed::Level, problem::Rejection},
    server::auth::hash,
};

/// Translates a group of Alertmanager's alerts.
pub(super) fn alertmanager(body: &Value) -> Result<Vec<Translated>, Rejection> {
    alerts(body).ok_or_else(|| not_sent_by("Alertmanager", "the list alerts is missing"))
}

/// Translates a group of Grafana's alerts, or the one of an older Grafana.
pub(super) fn grafana(body: &Value) -> Result<Vec<Translated>, Rejection> {
    if let Some(alerts) = alerts(body) {
        return Ok(alerts);
    }
    if text(body, "/title").is_empty() && text(body, "/ruleName").is_empty() {
        return Err(not_sent_by("Grafana", "the list alerts is missing"));
    }
    let rule = id(body, "/ruleId");
    Ok(vec![Translated {
        title: first(body, &["/title", "/ruleName"]).to_owned(),
        text: text(body, "/message").to_owned(),
        level: match text(body, "/state") {
            "ok" => Level::Success,
            "alerting" => Level::Error,
            _ => Level::Warning,
        },
        link: link(body, &["/ruleUrl"]),
        key: (!rule.is_empty()).then(|| format!("grafana/rule/{rule}")),
        ..Translated::default()
    }])
}

fn alerts(body: &Value) -> Option<Vec<Translated>> {
    body.get("alerts")?.as_array()?;
    Some(items(body, "/alerts").map(alert).collect())
}

fn alert(alert: &Value) -> Translated {
    let (name, summary) = (text(alert, "/labels/alertname"), text(alert, "/annotations/summary"));
    let is_resolved = text(alert, "/status") == "resolved";
    let named = if summary.is_empty() { name } else { summary };
    let named = if named.is_empty() { "Alert" } else { named };
    let fingerprint = fingerprint(alert);
    Translated {
        title: if is_resolved { format!("Resolved: {named}") } else { named.to_owned() },
        text: described(alert),
        markdown: false,
        level: if is_resolved { Level::Success } else { severity(alert) },
        link: link(alert, &["/generatorURL", "/panelURL", "/dashboardURL", "/silenceURL"]),
        tags: tags(alert, name),
        once: Some(format!("{fingerprint} {} {}", text(alert, "/startsAt"), text(alert, "/status"))),
        key: Some(fingerprint),
        ..Translated::default()
    }
}

/// The fingerprint; before Alertmanager 0.20 there was none, and the labels are what it is made of.
fn fingerprint(alert: &Value) -> String {
    match text(alert, "/fingerprint") {
        "" => hash(&alert.get("labels").map(Value::to_string).unwrap_or_default()),
        fingerprint => fingerprint.to_owned(),
    }
}

fn described(alert: &Value) -> String {
    let description = first(alert, &["/annotations/description", "/annotations/message"]);
    let values = text(alert, "/valueString");
    let runbook = text(alert, "/annotations/runbook_url");
    let lines = [description, if description.is_empty() { values } else { "" }, runbook];
    lines.into_iter().filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

/// The level of the label `severity`. An alert without one is worth a look.
fn severity(alert: &Value) -> Level {
    level_of(first(alert, &["/labels/severity", "/labels/level", "/labels/priority"]))
        .unwrap_or(Level::Warning)
}

/// The alert's name and its other labels, as `name=value`.
fn tags(alert: &Value, name: &str) -> Vec<String> {
    let labels = alert.get("labels").and_then(Value::as_object).into_iter().flatten();
    let others = labels.filter(|(label, _)| *label != "alertname" && !label.starts_with("__"));
    let others = others.filter_map(|(label, value)| Some(format!("{label}={}", value.as_str()?)));
    [name.to_owned()].into_iter().chain(others).collect()
}
