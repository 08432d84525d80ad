//! The program as a process of its own.

use std::{
    net::SocketAddr,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use super::{Fault, reader::GENERAL};

/// Limits that are counted but never reached: thousands of readers and writers share one address.
const LIMITS: [(&str, &str); 10] = [
    ("IDOBATA_LIMIT_MESSAGES", "1000000/1s"),
    ("IDOBATA_LIMIT_SESSIONS", "1000000/1s"),
    ("IDOBATA_LIMIT_JOINS", "1000000/1s"),
    ("IDOBATA_LIMIT_ROOMS", "1000000/1s"),
    ("IDOBATA_LIMIT_REQUESTS", "1000000/1s"),
    ("IDOBATA_LIMIT_FRAMES", "1000000/1s"),
    ("IDOBATA_MAX_CONNECTIONS_PER_PERSON", "100000"),
    ("IDOBATA_MAX_CONNECTIONS_PER_ADDRESS", "100000"),
    ("IDOBATA_MAX_TCP_CONNECTIONS", "100000"),
    ("IDOBATA_MAX_TCP_CONNECTIONS_PER_ADDRESS", "100000"),
];

/// A running program; killed when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    /// Time when it said that it listens.
    pub(crate) listens_since: Instant,
    client: reqwest::Client,
}

/// Timeout of a request. Without it, a request whose connection a restart had closed was seen to wait for ever in the
/// client.
const ANSWERED_WITHIN: Duration = Duration::from_secs(20);

/// The HTTP client for the server.
pub(crate) fn client() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder().timeout(ANSWERED_WITHIN).build()
}

impl Server {
    /// Starts the program on a free port.
    pub(crate) async fn start(data: &Path, settings: &[&str]) -> Result<Self, Fault> {
        Self::start_on(data, "127.0.0.1:0".parse()?, settings).await
    }

    pub(crate) async fn start_on(data: &Path, listen: SocketAddr, settings: &[&str]) -> Result<Self, Fault> {
        let mut child = Command::new(env!("CARGO_BIN_EXE_idobata"))
            // No message may be trimmed before it is checked.
            .args(["--no-measure", "--room-entries", "10000000", "--listen", &listen.to_string(), "--data"])
            .arg(data)
            .envs(LIMITS)
            .args(settings)
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = loop {
            let line = lines.next_line().await?.ok_or("the server ended before it listened")?;
            if let Some((_, address)) = line.split_once("listening on http://") {
                break address.trim().parse()?;
            }
        };
        let listens_since = Instant::now();
        // Print warnings, and keep the pipe from filling.
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                if line.contains("ERROR") || line.contains("panicked") {
                    eprintln!("  server: {line}");
                }
            }
        });
        Ok(Self { child, address, listens_since, client: client()? })
    }

    /// Kills it as `kill -9` does, and waits until it has ended.
    pub(crate) async fn kill(mut self) -> Result<(), Fault> {
        Ok(self.child.kill().await?)
    }

    /// Ends it as a restart does, and waits until it has ended.
    pub(crate) async fn terminate(mut self) -> Result<(), Fault> {
        let id = self.process().to_string();
        Command::new("kill").args(["-TERM", &id]).status().await?;
        match self.child.wait().await?.code() {
            Some(0) => Ok(()),
            code => Err(format!("the server ended with {code:?} after SIGTERM").into()),
        }
    }

    /// Its process id.
    pub(crate) fn process(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// Its resident memory in MiB.
    pub(crate) fn memory(&self) -> Result<f64, Fault> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        let kib: f64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kib / 1024.0)
    }

    /// The number of live connections of a kind, by its metrics.
    pub(crate) async fn connections(&self, kind: &str) -> Result<u64, Fault> {
        self.metric(&format!("idobata_connections{{kind=\"{kind}\"}}")).await
    }

    /// The value of a series in its metrics.
    pub(crate) async fn metric(&self, series: &str) -> Result<u64, Fault> {
        let text = self.client.get(self.url("/metrics")).send().await?.text().await?;
        let mut lines = text.lines().filter_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        Ok(lines.next().ok_or_else(|| format!("no series {series}"))?.parse()?)
    }

    /// The text of its readiness.
    pub(crate) async fn readiness(&self) -> Result<String, Fault> {
        Ok(self.client.get(self.url("/readyz")).send().await?.text().await?)
    }

    /// A token of a new user.
    pub(crate) async fn session(&self, name: &str) -> Result<String, Fault> {
        let request = self.client.post(self.url("/api/session")).json(&json!({ "name": name }));
        let session: Value = request.send().await?.json().await?;
        Ok(session["token"].as_str().ok_or("no token")?.to_owned())
    }

    /// Creates a room.
    pub(crate) async fn make_room(&self, token: &str, name: &str) -> Result<(), Fault> {
        let request = self.client.post(self.url("/api/rooms")).bearer_auth(token);
        request.json(&json!({ "name": name })).send().await?.error_for_status()?;
        Ok(())
    }

    /// A page of the room that exists from the start.
    pub(crate) async fn page(&self, query: &str) -> Result<Value, Fault> {
        self.page_of(GENERAL, query).await
    }

    async fn page_of(&self, room: &str, query: &str) -> Result<Value, Fault> {
        let request = self.client.get(self.url(&format!("/api/rooms/{room}/messages?{query}")));
        Ok(request.send().await?.error_for_status()?.json().await?)
    }

    /// Epoch and newest offset of the room that exists from the start.
    pub(crate) async fn head(&self) -> Result<(String, u64), Fault> {
        self.head_of(GENERAL).await
    }

    /// Epoch and newest offset of a room.
    pub(crate) async fn head_of(&self, room: &str) -> Result<(String, u64), Fault> {
        let page = self.page_of(room, "limit=1").await?;
        let cursor = page["cursor"].as_str().unwrap_or_default();
        let (epoch, offset) = cursor.split_once(':').ok_or("a page has a cursor")?;
        Ok((epoch.to_owned(), offset.parse()?))
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}
