//! The output of `follow`: a line an event, for people or as JSON. Control characters of an event never reach the
//! terminal, whatever server sent them.

use std::{
    io::{self, ErrorKind, IsTerminal, Write, stdout},
    thread,
};

use jiff::{Timestamp, tz::TimeZone};
use rustix::{
    event::{PollFd, PollFlags, poll},
    io::Errno,
};
use serde_json::Value;
use tokio::sync::oneshot;

/// Standard output.
pub(super) struct Output {
    is_json: bool,
    has_colours: bool,
    zone: TimeZone,
    is_closed: bool,
    error: Option<io::Error>,
}

impl Output {
    pub(super) fn new(is_json: bool) -> Self {
        // https://no-color.org
        let is_plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let has_colours = stdout().is_terminal() && !is_plain;
        Self { is_json, has_colours, zone: TimeZone::system(), is_closed: false, error: None }
    }

    /// Returns true if nothing can be printed any more.
    pub(super) fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// The reason why nothing can be printed; `None`: nobody reads it any more.
    pub(super) fn take_error(&mut self) -> Option<io::Error> {
        self.error.take()
    }

    /// Prints an event. Returns false if nothing can be printed any more.
    pub(super) fn event(&mut self, data: &str, event: &Value) -> bool {
        let line = if self.is_json { data.to_owned() } else { self.line(event) };
        self.print(&line)
    }

    /// Prints a reset, for programs alone.
    pub(super) fn reset(&mut self, data: &str) -> bool {
        !self.is_json || self.print(data)
    }

    fn print(&mut self, line: &str) -> bool {
        let mut output = stdout().lock();
        let printed = writeln!(output, "{line}").and_then(|()| output.flush());
        match printed {
            Err(error) if error.kind() != ErrorKind::WouldBlock => {
                self.is_closed = true;
                self.error = Some(error).filter(|error| error.kind() != ErrorKind::BrokenPipe);
            }
            _ => {}
        }
        !self.is_closed
    }

    fn line(&self, event: &Value) -> String {
        let time = event["timestamp"].as_i64().and_then(|ms| Timestamp::from_millisecond(ms).ok());
        let time = time.map(|time| time.to_zoned(self.zone.clone()).strftime("%F %T").to_string());
        let level = event["level"].as_str().unwrap_or(match event["type"].as_str() {
            Some("update") => "value",
            kind => kind.unwrap_or_default(),
        });
        let parts = [time.unwrap_or_default(), text(&event["channel"]), level.to_owned(), content(event)];
        let [time, channel, level, content] = parts.map(|part: String| one_line(&part));
        format!("{time} {channel} {} {content}", self.coloured(&level))
    }

    fn coloured(&self, level: &str) -> String {
        let colour = match level {
            "error" => 31,
            "warning" => 33,
            "success" => 32,
            _ => return level.to_owned(),
        };
        if self.has_colours { format!("\u{1b}[{colour}m{level}\u{1b}[0m") } else { level.to_owned() }
    }
}

/// Completes when nobody reads standard output any more. A program such as `head` ends while no event comes.
pub(super) fn unread() -> oneshot::Receiver<()> {
    let (sender, receiver) = oneshot::channel();
    thread::spawn(move || {
        // Asked for nothing, the system tells of errors and hang-ups alone. Of a file it never does.
        let stdout = stdout();
        let mut watched = [PollFd::new(&stdout, PollFlags::empty())];
        while let Err(Errno::INTR) = poll(&mut watched, None) {}
        // The command may have ended.
        let _ = sender.send(());
    });
    receiver
}

/// The text of an event.
fn content(event: &Value) -> String {
    let (key, said) = (text(&event["key"]), text(&event["text"]));
    let parts = match event["type"].as_str() {
        Some("update") => vec![key, event["value"].to_string(), text(&event["unit"])],
        Some("progress") => {
            let total = event["total"].as_f64().map(|_| format!("/{}", event["total"]));
            vec![key, format!("{}{}", event["done"], total.unwrap_or_default()), text(&event["state"]), said]
        }
        _ if event["deleted"] == true => vec![key, "deleted".to_owned()],
        _ => {
            let title = text(&event["title"]);
            let colon = if title.is_empty() || said.is_empty() { "" } else { ":" };
            let tags = event["tags"].as_array().into_iter().flatten().map(|tag| format!("#{}", text(tag)));
            [vec![format!("{title}{colon}"), said], tags.collect(), vec![text(&event["link"])]].concat()
        }
    };
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The text with its line ends as a sign, and without other control characters.
fn one_line(text: &str) -> String {
    let text = text.trim_end().replace('\n', " \u{23ce} ").replace('\t', " ");
    text.chars().filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_is_one_line_without_control_characters() {
        let output =
            Output { is_json: false, has_colours: false, zone: TimeZone::UTC, is_closed: false, error: None };
        let ms = 1_795_000_000_000_i64;
        for (event, expected) in [
            (
                json!({"type": "notification", "title": "Disk", "text": "92 %\n\u{1b}[31mof /var", "level": "warning",
                    "tags": ["db-1", "x"], "link": "https://a.example", "channel": "ops", "timestamp": ms}),
                "ops warning Disk: 92 % \u{23ce} [31mof /var #db-1 #x https://a.example",
            ),
            (
                json!({"type": "notification", "text": "", "level": "info", "key": "disk", "deleted": true,
                    "channel": "ops", "timestamp": ms}),
                "ops info disk deleted",
            ),
            (
                json!({"type": "update", "key": "p99", "value": 12.5, "unit": "ms", "channel": "api", "timestamp": ms}),
                "api value p99 12.5 ms",
            ),
            (
                json!({"type": "progress", "key": "k", "done": 3, "total": 10, "channel": "jobs", "timestamp": ms}),
                "jobs progress k 3/10",
            ),
            (
                json!({"type": "progress", "key": "k", "done": 3, "state": "failed", "text": "disk", "channel": "jobs",
                    "timestamp": ms}),
                "jobs progress k 3 failed disk",
            ),
        ] {
            assert_eq!(output.line(&event), format!("2026-11-18 11:06:40 {expected}"));
        }
    }
}
