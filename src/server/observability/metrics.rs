//! What the process counts about itself: for `/metrics` and the feed's own `server` channel.
//!
//! Counting must stay cheap enough for the hot path: relaxed atomics, no locks, no labels made at run time.

use std::{
    fmt::Write,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use super::logging;

/// The kinds of live connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A chat socket.
    Socket,
    /// A stream of server-sent events.
    Stream,
    /// A long poll while it waits.
    Poll,
    /// A Socket.IO connection, on whichever of its transports.
    SocketIo,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Socket, Self::Stream, Self::Poll, Self::SocketIo];

    fn as_str(self) -> &'static str {
        match self {
            Self::Socket => "socket",
            Self::Stream => "stream",
            Self::Poll => "poll",
            Self::SocketIo => "socket_io",
        }
    }
}

/// The process's counters.
#[derive(Debug, Default)]
pub struct Metrics {
    connections: [AtomicU64; 4],
    appends: AtomicU64,
    heard: AtomicU64,
    fills: AtomicU64,
    deliveries: AtomicU64,
    refused_connections: AtomicU64,
}

impl Metrics {
    /// Counts a live connection until the guard is dropped.
    pub fn count_connection(self: &Arc<Self>, kind: Kind) -> ConnectionGuard {
        self.connections[kind as usize].fetch_add(1, Relaxed);
        ConnectionGuard { metrics: self.clone(), kind }
    }

    /// Live connections of all kinds.
    pub fn connections(&self) -> u64 {
        self.connections.iter().map(|count| count.load(Relaxed)).sum()
    }

    /// Entries written to readers since the start.
    pub fn deliveries(&self) -> u64 {
        self.deliveries.load(Relaxed)
    }

    pub(crate) fn count_appends(&self, entries: usize) {
        self.appends.fetch_add(entries as u64, Relaxed);
    }

    /// Counts entries that another node announced.
    pub(crate) fn count_heard(&self, entries: usize) {
        self.heard.fetch_add(entries as u64, Relaxed);
    }

    /// Counts a hole in what was announced that the store filled.
    pub(crate) fn count_fill(&self) {
        self.fills.fetch_add(1, Relaxed);
    }

    /// Counts entries that were handed to a reader's connection.
    pub fn count_deliveries(&self, entries: usize) {
        self.deliveries.fetch_add(entries as u64, Relaxed);
    }

    /// Counts a TCP connection that was closed because there were too many.
    pub(crate) fn count_refused_connection(&self) {
        self.refused_connections.fetch_add(1, Relaxed);
    }

    /// The counters in the Prometheus text format.
    pub fn render(&self) -> String {
        let mut text =
            String::from("# HELP idobata_connections Live connections.\n# TYPE idobata_connections gauge\n");
        for kind in Kind::ALL {
            let count = self.connections[kind as usize].load(Relaxed);
            writeln!(text, "idobata_connections{{kind=\"{}\"}} {count}", kind.as_str())
                .expect("a String takes all");
        }
        for (name, help, count) in [
            ("appends", "Entries appended to the log by this node.", self.appends.load(Relaxed)),
            ("announcements_heard", "Entries that other nodes announced.", self.heard.load(Relaxed)),
            ("holes_filled", "Holes in what was announced that the store filled.", self.fills.load(Relaxed)),
            ("deliveries", "Entries written to readers.", self.deliveries()),
            (
                "refused_connections",
                "TCP connections closed because there were too many.",
                self.refused_connections.load(Relaxed),
            ),
            ("log_lines_lost", "Lines of the log that could not be written.", logging::lost_lines()),
            (
                "log_lines_suppressed",
                "Warnings and errors left out of the log because they repeat.",
                logging::suppressed_lines(),
            ),
        ] {
            writeln!(
                text,
                "# HELP idobata_{name}_total {help}\n# TYPE idobata_{name}_total counter\nidobata_{name}_total {count}"
            )
            .expect("a String takes all");
        }
        text
    }
}

/// A live connection; dropping it is its end.
#[derive(Debug)]
pub struct ConnectionGuard {
    metrics: Arc<Metrics>,
    kind: Kind,
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        self.metrics.connections[self.kind as usize].fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_counts_until_it_is_dropped() {
        let metrics = Arc::new(Metrics::default());
        let socket = metrics.count_connection(Kind::Socket);
        let _stream = metrics.count_connection(Kind::Stream);
        assert_eq!(metrics.connections(), 2);
        drop(socket);
        assert_eq!(metrics.connections(), 1);
        assert!(metrics.render().contains("idobata_connections{kind=\"stream\"} 1\n"));
    }
}
