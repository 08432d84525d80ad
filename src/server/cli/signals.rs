//! The signals that end the program. `run` waits for them: the first begins a clean stop, a second one ends it at once.
//!
//! SIGTERM, SIGINT (Ctrl-C), SIGQUIT and SIGHUP all mean "stop". A program that was started with SIGHUP ignored, as
//! `nohup` does, goes on ignoring it; and SIGHUP never forces a stop, because a terminal that is closed sends it more
//! than once. SIGPIPE and SIGXFSZ do nothing: a write to a closed pipe or beyond a file's largest size fails, and is
//! reported as a failed write.

use std::io;

use rustix::process::Signal as Number;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Shells add this to a signal's number, for the exit code of a program that it ended.
pub(super) const SIGNALLED: u8 = 128;

/// The handlers of the signals.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    quit: Signal,
    hangup: Option<Signal>,
}

/// From here on a file that reaches its largest size (`ulimit -f`) is a failed write and does not end the program. Call
/// it before anything is written.
pub(crate) fn ignore_file_size_signal() -> io::Result<()> {
    // tokio never gives a signal back to the system once it has a handler.
    signal(SignalKind::from_raw(Number::XFSZ.as_raw())).map(drop)
}

impl Signals {
    /// Installs the handlers; from here on the signals no longer end the program by themselves.
    pub(crate) fn install() -> io::Result<Self> {
        let hangup = (!is_ignored(Number::HUP)).then(|| signal(SignalKind::hangup())).transpose()?;
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            hangup,
        })
    }

    /// Waits for the first signal that means "stop", and gives its number.
    pub(crate) async fn stop(&mut self) -> u8 {
        let Self { terminate, interrupt, quit, hangup, .. } = self;
        let hangup = async {
            match hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        let number = tokio::select! {
            _ = terminate.recv() => Number::TERM,
            _ = interrupt.recv() => Number::INT,
            _ = quit.recv() => Number::QUIT,
            _ = hangup => Number::HUP,
        };
        number_of(number)
    }

    /// Waits for the next signal that forces the stop, and gives its number.
    pub(crate) async fn forced_stop(&mut self) -> u8 {
        let number = tokio::select! {
            _ = self.terminate.recv() => Number::TERM,
            _ = self.interrupt.recv() => Number::INT,
            _ = self.quit.recv() => Number::QUIT,
        };
        number_of(number)
    }
}

fn number_of(signal: Number) -> u8 {
    u8::try_from(signal.as_raw()).expect("they are below 32")
}

/// Returns true if the program was started with this signal ignored.
pub(super) fn is_ignored(number: Number) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    ignored_in(&status).is_some_and(|mask| mask & (1 << (number.as_raw() - 1)) != 0)
}

/// The ignored signals, one bit each (`proc_pid_status(5)`).
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
