//! The command-line options, and the check of the file limit that they need.

use std::{path::PathBuf, time::Duration};

use super::Fault;

/// Names of the rows.
const ROWS: [&str; 11] = [
    "floor",
    "websocket",
    "sse",
    "burst",
    "saturation",
    "idle",
    "appends",
    "changes",
    "pages",
    "unread",
    "return",
];

pub(crate) const HELP: &str = "\
Options (after ARGS= of make bench):
  --server PATH       the program to measure (target/release/idobata)
  --label TEXT        a word for the table's head
  --only ROW,ROW      floor websocket sse burst saturation idle appends changes pages unread return (all)
  --subscribers N     readers of the delivery rows (1000)
  --connections N     connections of the idle and return rows (5000)
  --rate N            messages a second (100)
  --size BYTES        of a message's text (100)
  --rooms N           rooms over which readers and messages are spread (1)
  --people same|distinct   whether each reader is a person of its own (same)
  --seconds N         how long each is measured, after two seconds of warm-up (10)";

pub(crate) struct Options {
    pub(crate) server: PathBuf,
    pub(crate) label: String,
    pub(crate) subscribers: usize,
    pub(crate) connections: usize,
    pub(crate) rate: f64,
    pub(crate) size: usize,
    pub(crate) rooms: usize,
    pub(crate) has_distinct_people: bool,
    pub(crate) seconds: u64,
    only: Vec<String>,
}

impl Options {
    /// Parses the arguments. `None` if help was requested.
    pub(crate) fn parse(arguments: &[String]) -> Result<Option<Self>, Fault> {
        let mut options = Self::default();
        let mut arguments = arguments.iter().map(String::as_str);
        while let Some(name) = arguments.next() {
            match name {
                "--bench" => continue, // cargo says this to every bench
                "--help" => return Ok(None),
                _ => {}
            }
            let value = arguments.next().ok_or_else(|| format!("{name} needs a value, or is unknown"))?;
            options.set(name, value)?;
        }
        options.check()?;
        Ok(Some(options))
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), Fault> {
        let number = || value.parse::<usize>().map_err(|_| format!("{name} needs a number, not {value:?}"));
        match name {
            "--server" => self.server = value.into(),
            "--label" => self.label = value.to_owned(),
            "--only" => self.only = value.split([',', ' ']).map(str::to_owned).collect(),
            "--subscribers" => self.subscribers = number()?,
            "--connections" => self.connections = number()?,
            "--rate" => self.rate = number()? as f64,
            "--size" => self.size = number()?,
            "--rooms" => self.rooms = number()?,
            "--people" => self.has_distinct_people = value == "distinct",
            "--seconds" => self.seconds = number()? as u64,
            _ => return Err(format!("{name} is unknown\n\n{HELP}").into()),
        }
        Ok(())
    }

    fn check(&self) -> Result<(), Fault> {
        if let Some(row) = self.only.iter().find(|row| !ROWS.contains(&row.as_str())) {
            return Err(format!("{row} is none of {ROWS:?}").into());
        }
        let has_readers = self.subscribers >= self.rooms && self.connections > 0;
        if !has_readers || self.rooms == 0 || self.rate < 1.0 || self.seconds == 0 {
            return Err("every room needs a reader, and every number is above 0".into());
        }
        // The post time is at the start of the text; the server accepts at most 4,000 characters.
        if !(super::stamp::DIGITS..=4_000).contains(&self.size) {
            return Err(format!("--size is {} to 4000 bytes", super::stamp::DIGITS).into());
        }
        match self.server.exists() {
            true => Ok(()),
            false => Err(format!("{} is not there: make build", self.server.display()).into()),
        }
    }

    /// Returns true if this row is to be measured; without a choice all are.
    pub(crate) fn wants(&self, row: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|wanted| wanted == row)
    }

    pub(crate) fn window(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    /// Checks the limit of open files. Each connection takes one here and one in the server, which inherits our limit;
    /// the posts take some more.
    pub(crate) fn expect_files(&self) -> Result<(), Fault> {
        let needed = self.subscribers.max(self.connections) as u64 + 400;
        let limits = std::fs::read_to_string("/proc/self/limits")?;
        let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
        // "unlimited" is no number, and is enough.
        let soft =
            line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(u64::MAX);
        match soft < needed {
            true => Err(format!("{needed} open files are needed and {soft} allowed: ulimit -n 16384").into()),
            false => Ok(()),
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            server: "target/release/idobata".into(),
            label: String::new(),
            subscribers: 1_000,
            connections: 5_000,
            rate: 100.0,
            size: 100,
            rooms: 1,
            has_distinct_people: false,
            seconds: 10,
            only: Vec::new(),
        }
    }
}
