//! The program of `follow --exec`: one for each event, one after the other. Nothing of an event gets into the command
//! line, because events are written by others.

use std::process::Stdio;

use anyhow::Context;
use serde_json::Value;
use tokio::{io::AsyncWriteExt, process::Command};

use crate::server::cli::client::tell;

/// The members that have a variable.
const MEMBERS: [&str; 15] = [
    "type",
    "channel",
    "text",
    "title",
    "level",
    "tags",
    "link",
    "key",
    "value",
    "unit",
    "done",
    "total",
    "state",
    "offset",
    "timestamp",
];

/// Runs the command for an event and waits until it has ended. A failure of it is told.
///
/// # Errors
/// The shell cannot be started.
pub(super) async fn execute(command: &str, data: &str, event: &Value) -> anyhow::Result<()> {
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).stdin(Stdio::piped());
    for name in MEMBERS {
        let variable = format!("IDOBATA_EVENT_{}", name.to_ascii_uppercase());
        match text_of(&event[name]) {
            Some(text) => shell.env(variable, text),
            // One of an outer `follow` would be another event's.
            None => shell.env_remove(variable),
        };
    }
    let mut child = shell.spawn().context("sh cannot be started")?;
    let mut stdin = child.stdin.take().expect("it is piped");
    let line = format!("{data}\n");
    let write = async move {
        // A program need not read it.
        let _ = stdin.write_all(line.as_bytes()).await;
    };
    let ((), status) = tokio::join!(write, child.wait());
    let status = status.context("the command's end cannot be learnt")?;
    if !status.success() {
        tell(&format!("--exec: {status} for the event {} of {}", event["offset"], event["channel"]));
    }
    Ok(())
}

/// The value as a variable has it; `None`: the event has no such member.
fn text_of(value: &Value) -> Option<String> {
    let text = match value {
        Value::Null | Value::Object(_) => return None,
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().filter_map(text_of).collect::<Vec<_>>().join(","),
        value => value.to_string(),
    };
    // No variable can hold a NUL.
    Some(text.replace('\0', ""))
}
