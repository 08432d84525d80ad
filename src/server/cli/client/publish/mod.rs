//! `idobata publish`: one event from the command line or standard input, or each line of it. It prints nothing when the
//! server has stored it.

mod entry;
mod lines;
mod spool;

use std::{
    io::{self, IsTerminal, Read, stdin},
    path::PathBuf,
};

use clap::Args;
use tokio::{task::spawn_blocking, time::Instant};
use uuid::Uuid;

use self::entry::{EntryFlags, Text};
use super::{publisher::Publisher, settings::ServerSettings};
use crate::{
    protocol::{name::parse_channel, publication::WORD_MAX_CHARACTERS, text::count_characters},
    server::config::{BadSetting, TimeSpan},
};

/// The most that is read of a text: one more than a request may have, so that the server's limit is what is told.
const TEXT_MAX_BYTES: u64 = 64 * 1024;

/// The arguments of `publish`.
///
/// Without TEXT it is read from standard input. With --lines each line is an event:
/// `tail -F app.log | idobata publish logs --lines`.
/// Lines wait in a file while the server is away, and are then sent in order, each once.
#[derive(Clone, Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct PublishCommand {
    /// Channel of the feed: 1 to 64 of the characters A-Z a-z 0-9 . - _
    #[arg(value_parser = channel)]
    channel: String,

    /// Text; several are joined by a space
    #[arg(value_name = "TEXT")]
    text: Vec<String>,

    #[command(flatten)]
    entry: EntryFlags,

    /// Publish each line of standard input as an event of its own
    ///
    /// Empty lines are left out; one of more than 4,000 characters becomes several events. Bytes that are no UTF-8 are
    /// replaced.
    #[arg(long, conflicts_with_all = ["text", "value", "done"])]
    lines: bool,

    /// Folder for lines that wait for the server; default: `$XDG_STATE_HOME/idobata/spool` or
    /// `~/.local/state/idobata/spool`
    ///
    /// It holds 64 MiB for each channel. When that is full, standard input is not read until the server took it all, so
    /// nothing is lost: the program that writes waits.
    #[arg(long, env = "IDOBATA_SPOOL", value_name = "FOLDER", requires = "lines")]
    spool: Option<PathBuf>,

    /// How long to try when the server is away; with --lines from the end of standard input on
    #[arg(long, default_value = "10s", value_name = "TIME")]
    timeout: TimeSpan,

    #[command(flatten)]
    server: ServerSettings,
}

impl PublishCommand {
    pub(super) async fn run(self) -> anyhow::Result<u8> {
        if self.lines {
            return self.publish_lines().await;
        }
        let text = match self.text.as_slice() {
            [] if self.entry.needs_text() => Text::Given(spawn_blocking(read_text).await??),
            [] => Text::None,
            words => Text::Given(words.join(" ")),
        };
        let entry = self.entry.entry(text)?;
        let deadline = Some(Instant::now() + self.timeout.0);
        let mut publisher = Publisher::new(self.server.server()?, &self.channel, |_| {})?;
        publisher.publish(&entry, &Uuid::new_v4().to_string(), deadline).await?;
        Ok(0)
    }

    async fn publish_lines(self) -> anyhow::Result<u8> {
        let server = self.server.server()?;
        let template = self.entry.template()?;
        let spools = spool::open(self.spool, &server.url, &self.channel)?;
        lines::publish(server, &self.channel, template, spools, self.timeout.0).await
    }
}

/// A channel's name, by the server's own rule.
pub(super) fn channel(text: &str) -> Result<String, String> {
    parse_channel(text).map_err(|rejection| rejection.message)
}

/// A key of an entry, by the server's own rule.
pub(super) fn key(text: &str) -> Result<String, String> {
    match count_characters(text.trim()) {
        1..=WORD_MAX_CHARACTERS => Ok(text.trim().to_owned()),
        _ => Err(format!("a key has 1 to {WORD_MAX_CHARACTERS} characters")),
    }
}

fn read_text() -> anyhow::Result<String> {
    if stdin().is_terminal() {
        let form = "there is no text: write it behind the channel, or pipe it in";
        return Err(BadSetting(form.to_owned()).into());
    }
    let mut bytes = Vec::new();
    let mut input = io::stdin().lock().take(TEXT_MAX_BYTES);
    input.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
