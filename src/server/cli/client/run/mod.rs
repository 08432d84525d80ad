//! `idobata run`: runs a program as if it stood alone, and tells the feed of its start, its progress and its end. The
//! program never waits for the server, and its exit code is this command's.

mod child;
mod tail;
mod tee;
mod watcher;

use std::{ffi::OsString, path::Path, sync::Arc, time::Duration};

use clap::{Args, ValueEnum};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::time::Instant;

use self::{
    tail::Tail,
    watcher::{Pattern, Watcher},
};
use super::{
    job::{Job, Report},
    publish::{channel, key},
    settings::ServerSettings,
};
use crate::protocol::feed::ProgressState;

/// The longest key and the longest title that the server takes, in characters that may be two of its own.
const KEY_MAX_CHARACTERS: usize = 60;
const TITLE_MAX_CHARACTERS: usize = 150;

/// The arguments of `run`.
#[derive(Clone, Debug, Args)]
pub(super) struct RunCommand {
    /// Channel of the feed
    #[arg(long, value_name = "CHANNEL", default_value = "jobs", value_parser = channel)]
    channel: String,

    /// Key of its events: the newest takes the place of the one before on the pages; default: the program's name
    #[arg(long, value_name = "KEY", value_parser = key)]
    key: Option<String>,

    /// Read progress from lines that match: by the groups `(?<percent>…)`, or `(?<done>…)` and `(?<total>…)`, or else the first
    /// group, or the first two
    ///
    /// Progress by OSC 9;4 is read anyway.
    #[arg(long = "match", value_name = "REGEX")]
    pattern: Option<Pattern>,

    /// Which of standard output and standard error to read on their way
    ///
    /// What is read is a pipe for the program: it may leave out colours. What the program leaves running behind it can
    /// write no more when it has ended.
    #[arg(long, value_enum, default_value_t = Capture::Auto)]
    capture: Capture,

    /// The program and its arguments
    #[arg(value_name = "COMMAND", required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<OsString>,

    #[command(flatten)]
    server: ServerSettings,
}

/// The streams of the program that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Capture {
    /// What is no terminal; with --match both
    Auto,
    /// Both
    Always,
    /// Neither
    Never,
}

impl RunCommand {
    pub(super) async fn run(self) -> anyhow::Result<u8> {
        let server = self.server.server()?;
        let name = Path::new(&self.command[0]).file_name().unwrap_or(&self.command[0]).to_string_lossy();
        let key = self.key.unwrap_or_else(|| cut(&name, KEY_MAX_CHARACTERS));
        let line = self.command.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
        let line = cut(&line, TITLE_MAX_CHARACTERS);
        let reads_all = match self.capture {
            Capture::Auto => self.pattern.is_some(),
            Capture::Always => true,
            Capture::Never => false,
        };
        let begun = Instant::now();
        let first =
            Report { done: 0.0, total: None, text: Some(line.clone()), state: ProgressState::Running };
        let job = Job::begin(server, &self.channel, key.clone(), first.entry(&key))?;
        let watcher = Arc::new(Mutex::new(Watcher::new(self.pattern, first)));
        let tees = tee::Tees::new(self.capture != Capture::Never, reads_all);
        let (reports, seen, entry_key) = (job.reports(), watcher.clone(), key.clone());
        let code = child::run(&self.command, tees, move |stream, bytes| {
            if let Some(report) = seen.lock().feed(stream, bytes) {
                reports.send_replace(report.entry(&entry_key));
            }
        })
        .await?;
        let (report, tail) = watcher.lock().end();
        job.end(end_entries(&key, &line, code, begun.elapsed(), report, &tail)).await;
        Ok(code)
    }
}

/// The last entries: the progress, and a notification that takes its place on the pages.
fn end_entries(key: &str, line: &str, code: u8, lasted: Duration, report: Report, tail: &Tail) -> Vec<Value> {
    let is_done = code == 0;
    let done = report.total.filter(|_| is_done).unwrap_or(report.done);
    let state = if is_done { ProgressState::Done } else { ProgressState::Failed };
    let last = Report { done, state, text: Some(line.to_owned()), ..report };
    let lasted = humantime::format_duration(rounded(lasted));
    let (word, outcome) = match is_done {
        true => ("done", format!("done in {lasted}")),
        false => ("failed", format!("exit code {code} after {lasted}")),
    };
    let text = format!("{line}\n{outcome}\n{}", tail.text());
    let level = if is_done { "success" } else { "error" };
    let notification = json!({"type": "notification", "key": key, "level": level,
        "title": format!("{key} {word}"), "text": text.trim_end()});
    vec![last.entry(key), notification]
}

/// Seconds of what lasted long, milliseconds of the rest.
fn rounded(time: Duration) -> Duration {
    match time {
        time if time >= Duration::from_secs(10) => Duration::from_secs(time.as_secs()),
        time => Duration::from_millis(u64::try_from(time.as_millis()).expect("it is below ten seconds")),
    }
}

fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}\u{2026}", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::publication::Publication;

    #[test]
    fn the_end_is_within_what_the_server_takes() {
        let mut tail = Tail::default();
        (0..1_000).for_each(|_| tail.push("\u{1f3ee}".repeat(1_000).as_bytes()));
        let report = Report { done: 7.0, total: Some(0.0), text: None, state: ProgressState::Running };
        let (key, line) =
            (cut(&"k".repeat(500), KEY_MAX_CHARACTERS), cut(&"x ".repeat(500), TITLE_MAX_CHARACTERS));
        for (code, word) in [(0, "done in 1m 5s"), (2, "exit code 2 after 1m 5s")] {
            let lasted = Duration::from_millis(65_432);
            let entries = end_entries(&key, &line, code, lasted, report.clone(), &tail);
            assert!(entries[1]["text"].as_str().expect("a text").contains(word));
            for entry in entries {
                Publication::from_json(entry.clone()).unwrap_or_else(|error| panic!("{entry}: {error}"));
            }
        }
    }
}
