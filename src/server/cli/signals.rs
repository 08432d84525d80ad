//! The signals that end the program. `run` waits for them: the first begins a clean stop, a second one ends it at once.
//!
//! SIGTERM, SIGINT (Ctrl-C), SIGQUIT and SIGHUP all mean "stop". SIGHUP is ignored by a program that was started so, as
//! `nohup` does, and it never hurries: a terminal that is closed sends it more than once. SIGPIPE and SIGXFSZ do
//! nothing: what is written to a closed pipe or beyond a file's largest size fails, and is told as such.

use std::io;

use rustix::process::Signal as Number;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals, heard from here on.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    quit: Signal,
    hangup: Option<Signal>,
}

/// From here on a file that reaches its largest size (`ulimit -f`) is a failed write and no end of the program. Call it
/// before anything is written.
pub(crate) fn outlive_full_files() -> io::Result<()> {
    // Once heard, a signal is never handed back to the system.
    signal(SignalKind::from_raw(Number::XFSZ.as_raw())).map(drop)
}

impl Signals {
    /// Hears them instead of being ended by them.
    pub(crate) fn hear() -> io::Result<Self> {
        let hangup = (!is_ignored(Number::HUP)).then(|| signal(SignalKind::hangup())).transpose()?;
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            hangup,
        })
    }

    /// The first signal that says to stop.
    pub(crate) async fn stop(&mut self) {
        let Self { terminate, interrupt, quit, hangup, .. } = self;
        let hangup = async {
            match hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = quit.recv() => {}
            _ = hangup => {}
        }
    }

    /// The number of the next one that says to end at once.
    pub(crate) async fn hurry(&mut self) -> u8 {
        let number = tokio::select! {
            _ = self.terminate.recv() => Number::TERM,
            _ = self.interrupt.recv() => Number::INT,
            _ = self.quit.recv() => Number::QUIT,
        };
        u8::try_from(number.as_raw()).expect("they are below 32")
    }
}

/// Whether whoever started the program had it ignore this signal.
fn is_ignored(number: Number) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    ignored_in(&status).is_some_and(|mask| mask & (1 << (number.as_raw() - 1)) != 0)
}

/// The signals that are ignored, one bit each (`proc_pid_status(5)`).
fn ignored_in(status: &str) -> Option<u64> {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
    u64::from_str_radix(mask.trim(), 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_tells_what_is_ignored() {
        assert_eq!(ignored_in("Name:\tx\nSigIgn:\t0000000000001001\nSigCgt:\t0\n"), Some(0x1001));
        assert_eq!(ignored_in("Name:\tx\n"), None);
        assert!(!is_ignored(Number::TERM));
    }
}
