//! `idobata progress`: copies standard input to standard output, and tells the feed how far it is. The copy never waits
//! for the server.

use std::{
    fs::File,
    io::{self, ErrorKind, Read, Write},
    os::fd::AsFd,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::Context;
use clap::Args;
use rustix::fs::{FileType, fstat};
use serde_json::Value;
use tokio::{sync::oneshot, time::interval};

use super::{
    job::{Job, Report},
    publish::{channel, key},
    settings::ServerSettings,
};
use crate::{
    protocol::feed::ProgressState,
    server::cli::{
        folder::Size,
        signals::{SIGNALLED, Signals},
    },
};

/// Bytes that are read at once: the size of a pipe.
const CHUNK_BYTES: usize = 64 * 1024;
/// Time between two looks at the count.
const EVERY: Duration = Duration::from_secs(1);
/// The number of SIGPIPE: with it ends a program whose reader has gone.
const PIPE_SIGNAL: u8 = 13;

/// The arguments of `progress`.
#[derive(Clone, Debug, Args)]
pub(super) struct ProgressCommand {
    /// Channel of the feed
    #[arg(value_parser = channel)]
    channel: String,

    /// Key of its events: the newest takes the place of the one before on the pages
    #[arg(long, value_name = "KEY", value_parser = key)]
    key: String,

    /// How many bytes there are to copy; without it the length of standard input if that is a file
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    total: Option<u64>,

    /// Count lines, not bytes
    #[arg(long)]
    lines: bool,

    #[command(flatten)]
    server: ServerSettings,
}

/// The reason why not everything was copied.
enum Stopped {
    By(io::Error),
    /// A signal with this number.
    Signal(u8),
}

/// The bytes that are copied, and all of them.
struct Amount {
    total: Option<u64>,
    is_lines: bool,
    begun: Instant,
}

impl ProgressCommand {
    pub(super) async fn run(self) -> anyhow::Result<u8> {
        let total = self.total.or_else(|| length_of_input().filter(|_| !self.lines));
        let amount = Amount { total, is_lines: self.lines, begun: Instant::now() };
        let mut signals = Signals::install()?;
        let first = amount.entry(&self.key, 0, ProgressState::Running);
        let job = Job::begin(self.server.server()?, &self.channel, self.key, first)?;
        let (count, (sender, mut end)) = (Arc::<AtomicU64>::default(), oneshot::channel());
        thread::spawn({
            let (count, lines) = (count.clone(), self.lines);
            // The receiver lives until it was told.
            move || sender.send(copy(&count, lines))
        });
        let (reports, mut ticks) = (job.reports(), interval(EVERY));
        let copied = loop {
            tokio::select! {
                copied = &mut end => break copied?.map_err(Stopped::By),
                number = signals.stop() => break Err(Stopped::Signal(number)),
                _ = ticks.tick() => {
                    reports.send_replace(amount.entry(job.key(), count.load(Relaxed), ProgressState::Running));
                }
            }
        };
        let state = if copied.is_ok() { ProgressState::Done } else { ProgressState::Failed };
        let last = amount.entry(job.key(), count.load(Relaxed), state);
        job.end(vec![last]).await;
        match copied {
            Ok(()) => Ok(0),
            Err(Stopped::Signal(number)) => Ok(SIGNALLED + number),
            Err(Stopped::By(error)) if error.kind() == ErrorKind::BrokenPipe => Ok(SIGNALLED + PIPE_SIGNAL),
            Err(Stopped::By(error)) => Err(error).context("standard input cannot be copied"),
        }
    }
}

impl Amount {
    fn entry(&self, key: &str, count: u64, state: ProgressState) -> Value {
        let seconds = self.begun.elapsed().as_secs_f64().max(0.001);
        let done = count as f64;
        let text = match self.is_lines {
            true => format!("{count} lines, {:.0} a second", done / seconds),
            false => format!("{}, {} a second", Size(count), Size((done / seconds) as u64)),
        };
        let total = self.total.map(|total| total as f64);
        Report { done, total, text: Some(text), state }.entry(key)
    }
}

/// The length of standard input, if it is a file.
fn length_of_input() -> Option<u64> {
    let stat = fstat(io::stdin().as_fd()).ok()?;
    let is_file = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
    u64::try_from(stat.st_size).ok().filter(|length| is_file && *length > 0)
}

fn copy(count: &AtomicU64, is_lines: bool) -> io::Result<()> {
    let mut input = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let mut output = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let read = match input.read(&mut chunk) {
            Ok(0) => return Ok(()),
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        output.write_all(&chunk[..read])?;
        let lines = || chunk[..read].iter().filter(|byte| **byte == b'\n').count();
        let more = if is_lines { lines() } else { read };
        count.fetch_add(u64::try_from(more).expect("it is small"), Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::publication::Publication;

    #[test]
    fn what_is_told_is_within_what_the_server_takes() {
        for (total, is_lines, count) in
            [(Some(10), false, 0), (Some(10), true, 25), (None, false, 7), (None, true, 0)]
        {
            let amount = Amount { total, is_lines, begun: Instant::now() };
            let entry = amount.entry("k", count, ProgressState::Running);
            Publication::from_json(entry.clone()).unwrap_or_else(|error| panic!("{entry}: {error}"));
        }
    }
}
