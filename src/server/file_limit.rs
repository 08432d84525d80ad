//! What happens when a file of ours reaches the size that the system allows the process (`ulimit -f`). The command line
//! is the caller.

use std::io;

use tokio::signal::unix::{SignalKind, signal};

/// Its number on Linux (all but MIPS), macOS and the BSDs.
const SIGXFSZ: i32 = 25;

/// From now on a write past the limit fails as on a full disk, which the store recovers from. Without this the system
/// ends the process. Must be called within the runtime.
pub(super) fn fail_writes_past_it() -> io::Result<()> {
    // The handler stays for the life of the process; nobody has to wait for the signal.
    signal(SignalKind::from_raw(SIGXFSZ)).map(drop)
}
