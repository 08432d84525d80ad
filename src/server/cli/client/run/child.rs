//! The program that `run` runs: its start, the signals that are passed on to it, and its end as an exit code.
//!
//! Ctrl-C at a terminal reaches every process in the foreground, the program too: it is not passed on, because many
//! programs take a second one for "at once". A signal that this process was started to ignore, as `nohup` does, stays
//! ignored for both.

use std::{
    ffi::OsString,
    fs::File,
    io::{self, ErrorKind},
    os::unix::process::ExitStatusExt,
    process::ExitStatus,
};

use anyhow::Context;
use rustix::{
    process::{Pid, Signal, getpgrp, kill_process},
    termios::tcgetpgrp,
};
use tokio::{
    process::Command,
    signal::unix::{SignalKind, signal},
    sync::mpsc,
    task::spawn_blocking,
};

use super::tee::Tees;
use crate::server::cli::{
    client::tell,
    signals::{SIGNALLED, is_ignored},
};

/// The exit codes of shells for a program that is not there, or is none.
const NOT_FOUND: u8 = 127;
const NO_PROGRAM: u8 = 126;
/// The exit code of a program that ended well and whose output is not whole.
const FAILED: u8 = 1;
/// The signals that are passed on.
const PASSED_ON: [Signal; 6] =
    [Signal::TERM, Signal::INT, Signal::QUIT, Signal::HUP, Signal::USR1, Signal::USR2];

/// Runs the program and returns its exit code, that of a shell if a signal ended it. A program whose output could not be
/// written, which it cannot know by itself, has failed.
pub(super) async fn run(
    command: &[OsString],
    tees: Tees,
    watch: impl Fn(usize, &[u8]) + Clone + Send + 'static,
) -> anyhow::Result<u8> {
    let mut signals = passed_on().context("the signal handlers cannot be installed")?;
    let (stdout, stderr, running) = tees.start(watch).context("the pipes cannot be made")?;
    // The pipes' ends are closed here with the `Command`: only the program has them then.
    let spawned = Command::new(&command[0]).args(&command[1..]).stdout(stdout).stderr(stderr).spawn();
    let mut child = match spawned {
        Ok(child) => child,
        Err(error) => return Ok(not_started(&command[0], &error)),
    };
    let pid = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
    let status = loop {
        tokio::select! {
            status = child.wait() => break status.context("the program's end cannot be learnt")?,
            Some(number) = signals.recv() => pass_on(pid, number),
        }
    };
    let code = code(status);
    if let Err(error) = spawn_blocking(|| running.finish()).await? {
        tell(&format!("the output of {} could not be written: {error}", command[0].display()));
        return Ok(code.max(FAILED));
    }
    Ok(code)
}

fn not_started(program: &OsString, error: &io::Error) -> u8 {
    tell(&format!("{} cannot be started: {error}", program.display()));
    if error.kind() == ErrorKind::NotFound { NOT_FOUND } else { NO_PROGRAM }
}

fn code(status: ExitStatus) -> u8 {
    let code = status.code().map(|code| u8::try_from(code).unwrap_or(u8::MAX));
    let signal =
        || SIGNALLED.saturating_add(status.signal().and_then(|number| number.try_into().ok()).unwrap_or(0));
    code.unwrap_or_else(signal)
}

/// The signals that come, from here on.
fn passed_on() -> io::Result<mpsc::UnboundedReceiver<Signal>> {
    // Not many: each is one that somebody sent.
    let (sender, receiver) = mpsc::unbounded_channel();
    for number in PASSED_ON.into_iter().filter(|number| !is_ignored(*number)) {
        let mut signals = signal(SignalKind::from_raw(number.as_raw()))?;
        let sender = sender.clone();
        tokio::spawn(async move { while signals.recv().await.is_some() && sender.send(number).is_ok() {} });
    }
    Ok(receiver)
}

fn pass_on(pid: Option<Pid>, number: Signal) {
    let is_of_the_terminal = matches!(number, Signal::INT | Signal::QUIT) && is_in_foreground();
    if let Some(pid) = pid.filter(|_| !is_of_the_terminal) {
        // It may have ended at this moment.
        let _ = kill_process(pid, number);
    }
}

/// Returns true if this process and the program get the signals of a terminal's keys.
fn is_in_foreground() -> bool {
    let foreground = File::open("/dev/tty").ok().and_then(|terminal| tcgetpgrp(terminal).ok());
    foreground == Some(getpgrp())
}
