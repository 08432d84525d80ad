//! Pins the server and the load to different cores, so that neither takes CPU time from the other. Uses `taskset`,
//! because the standard library cannot, and the tree has no `unsafe`.

use std::{
    ffi::OsStr,
    process::{Command, Stdio},
};

const LOAD: &str = "0";
const SERVER: &str = "1";

pub(crate) struct Cores {
    are_apart: bool,
}

impl Cores {
    /// Moves this process to its core. If that is impossible, says so and goes on without.
    pub(crate) fn take() -> Self {
        let own = std::process::id().to_string();
        let are_apart = succeeds(&["-c", SERVER, "true"]) && succeeds(&["-pc", LOAD, &own]);
        let cores = Self { are_apart };
        eprintln!("{}", cores.describe());
        cores
    }

    pub(crate) fn describe(&self) -> &'static str {
        match self.are_apart {
            true => "server on core 1, load on core 0",
            false => "NOT PINNED (no taskset or no second core): server and load take each other's time",
        }
    }

    /// A command that runs on the server's core.
    pub(crate) fn command(&self, program: &OsStr) -> Command {
        if !self.are_apart {
            return Command::new(program);
        }
        // taskset replaces itself by the program, so the process id stays the same.
        let mut command = Command::new("taskset");
        command.args(["-c", SERVER]).arg(program);
        command
    }
}

fn succeeds(arguments: &[&str]) -> bool {
    let status = Command::new("taskset").args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}
