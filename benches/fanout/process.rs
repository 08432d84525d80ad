//! A server as a process of its own, either the program or the floor, with its address, CPU time and memory.

use std::{
    ffi::OsStr,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, ChildStderr, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};

use super::{Fault, cores::Cores, options::Options};

/// Limit for a start: a database of some thousand messages opens in milliseconds.
const START_MAX: Duration = Duration::from_secs(20);

/// Limits that are counted but never reached: thousands of readers and writers share one address. Set in the
/// environment, because an older program that is measured for comparison does not know all of them.
const LIMITS: [(&str, &str); 13] = [
    ("IDOBATA_LIMIT_MESSAGES", "1000000/1s"),
    ("IDOBATA_LIMIT_SESSIONS", "1000000/1s"),
    ("IDOBATA_LIMIT_JOINS", "1000000/1s"),
    ("IDOBATA_LIMIT_ROOMS", "1000000/1s"),
    ("IDOBATA_LIMIT_MARKS", "1000000/1s"),
    ("IDOBATA_LIMIT_TYPING", "1000000/1s"),
    ("IDOBATA_LIMIT_PUBLISHES", "1000000/1s"),
    ("IDOBATA_LIMIT_REQUESTS", "1000000/1s"),
    ("IDOBATA_LIMIT_FRAMES", "1000000/1s"),
    ("IDOBATA_MAX_CONNECTIONS_PER_PERSON", "100000"),
    ("IDOBATA_MAX_CONNECTIONS_PER_ADDRESS", "100000"),
    ("IDOBATA_MAX_TCP_CONNECTIONS", "100000"),
    ("IDOBATA_MAX_TCP_CONNECTIONS_PER_ADDRESS", "100000"),
];

/// A running server; killed when dropped.
pub(crate) struct Process {
    child: Child,
    said: Receiver<(Instant, SocketAddr)>,
}

impl Process {
    /// Starts the program, with no other work than the bench's.
    pub(crate) fn start(
        options: &Options,
        cores: &Cores,
        data: &Path,
        listen: SocketAddr,
    ) -> Result<Self, Fault> {
        let mut command = cores.command(options.server.as_os_str());
        // No message may be trimmed before it is delivered.
        command.args(["--no-measure", "--room-entries", "100000000", "--max-connections", "100000"]);
        command.envs(LIMITS);
        command.args(["--max-rooms", "100000", "--listen", &listen.to_string(), "--data"]).arg(data);
        Self::spawn(command.env("RUST_LOG", "info"))
    }

    /// Starts this program again with other arguments.
    pub(crate) fn start_self(cores: &Cores, arguments: &[String]) -> Result<Self, Fault> {
        let own: &OsStr = &std::env::current_exe()?.into_os_string();
        Self::spawn(cores.command(own).args(arguments))
    }

    fn spawn(command: &mut Command) -> Result<Self, Fault> {
        let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let lines = child.stderr.take().expect("it is piped");
        let (tell, said) = mpsc::channel();
        thread::spawn(move || listen_to(lines, &tell));
        Ok(Self { child, said })
    }

    /// The time and the address at which it listens, once it has said so.
    pub(crate) fn poll_listening(&self) -> Option<(Instant, SocketAddr)> {
        self.said.try_recv().ok()
    }

    pub(crate) fn wait_listening(&self) -> Result<SocketAddr, Fault> {
        let said = self.said.recv_timeout(START_MAX);
        said.map(|(_, address)| address).map_err(|_| "the server ended before it listened".into())
    }

    /// Time that its threads were on a core; the system counts in nanoseconds.
    pub(crate) fn cpu(&self) -> Result<Duration, Fault> {
        Ok(times_of(&self.child.id().to_string())?.0)
    }

    /// Time that its threads were ready while others had the core.
    pub(crate) fn waited(&self) -> Result<Duration, Fault> {
        Ok(times_of(&self.child.id().to_string())?.1)
    }

    /// Its resident memory in kB.
    pub(crate) fn memory_kb(&self) -> Result<f64, Fault> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").parse()?)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself. The wait matters: afterwards its port and its core are free.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The CPU time of this process.
pub(crate) fn own_cpu() -> Result<Duration, Fault> {
    Ok(times_of("self")?.0)
}

/// Time on a core and time waiting for one, over all threads.
fn times_of(process: &str) -> Result<(Duration, Duration), Fault> {
    let (mut ran, mut waited) = (0, 0);
    for task in std::fs::read_dir(format!("/proc/{process}/task"))? {
        // A thread may end between the listing and the read.
        let Ok(text) = std::fs::read_to_string(task?.path().join("schedstat")) else { continue };
        let mut numbers = text.split(' ').map(str::parse::<u64>);
        ran += numbers.next().ok_or("an empty schedstat")??;
        waited += numbers.next().ok_or("a short schedstat")??;
    }
    Ok((Duration::from_nanos(ran), Duration::from_nanos(waited)))
}

/// Reports the address, then prints errors. Reads to the end, so that the pipe never fills.
fn listen_to(lines: ChildStderr, tell: &mpsc::Sender<(Instant, SocketAddr)>) {
    for line in BufReader::new(lines).lines().map_while(Result::ok) {
        let address = line.split_once("listening on http://").and_then(|(_, text)| text.trim().parse().ok());
        if let Some(address) = address {
            // The bench may have failed meanwhile and not wait for it.
            tell.send((Instant::now(), address)).ok();
        } else if line.contains("ERROR") || line.contains("panicked") || line.contains("FAILED") {
            eprintln!("  server: {line}");
        }
    }
}
