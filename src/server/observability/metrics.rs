//! The process's metrics: what it counts and how long its work takes, for `/metrics` in the Prometheus text format. The
//! feed's own `server` channel reads some of them too. Every part of the server counts here; nothing decides by it but
//! the limit of live connections.
//!
//! Counting must stay cheap enough for the hot path: the handles stand in [`Metrics`], so an event costs one relaxed
//! atomic addition, with no lock, no look-up and no label made at run time. A histogram takes a short lock: observe a
//! post, a transaction, a pass or a page, never each reader of a pass.

use std::{
    sync::{Arc, atomic::AtomicU64},
    time::{Duration, Instant},
};

use prometheus_client::{
    encoding::prometheus_text,
    metrics::{
        counter::{ConstCounter, Counter},
        family::Family,
        gauge::{ConstGauge, Gauge},
        histogram::Histogram,
    },
    registry::Registry,
};

use super::logging;

/// The beginning of the names of all metrics.
const PREFIX: &str = "idobata";

/// The upper bounds of every histogram's buckets, in seconds, each 2 to 2.5 times the one before. The least tells a
/// pass through a small room, which is a few writes, from one through a large room. In the middle are commits, which
/// take what the disk takes (1 to 10 ms), and 100 ms, which a person notices. More than 10 s is a failure for the one
/// who waits.
const BUCKETS_SECONDS: [f64; 16] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

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

    /// The value of the label `kind`.
    fn as_str(self) -> &'static str {
        match self {
            Self::Socket => "socket",
            Self::Stream => "stream",
            Self::Poll => "poll",
            Self::SocketIo => "socket_io",
        }
    }
}

type ConnectionGauge = Gauge<u64, AtomicU64>;
type KindLabel = [(&'static str, &'static str); 1];

/// The process's counters, gauges and histograms.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// By [`Kind`].
    connections: [ConnectionGauge; 4],
    appends: Counter,
    heard: Counter,
    fills: Counter,
    deliveries: Counter,
    refused_connections: Counter,
    pushes_sent: Counter,
    pushes_failed: Counter,
    push_subscriptions_dropped: Counter,
    search_unindexed: Gauge,
    post_seconds: Histogram,
    store_commit_seconds: Histogram,
    delivery_seconds: Histogram,
    page_seconds: Histogram,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix(PREFIX);
        let connections = connection_gauges(&mut registry);
        let mut counter = |name, help| {
            let counter = Counter::default();
            registry.register(name, help, counter.clone());
            counter
        };
        let appends = counter("appends", "Entries appended to the log by this node");
        let heard = counter("announcements_heard", "Entries that other nodes announced");
        let fills = counter("holes_filled", "Holes in what was announced that the store filled");
        let deliveries = counter("deliveries", "Entries written to readers");
        let refused_connections =
            counter("refused_connections", "TCP connections closed because there were too many");
        let pushes_sent = counter("pushes_sent", "Pushes that a push service took");
        let pushes_failed = counter("pushes_failed", "Pushes that were given up");
        let push_subscriptions_dropped = counter(
            "push_subscriptions_dropped",
            "Devices that get no more pushes, because their push service says that they are gone",
        );
        let search_unindexed = Gauge::default();
        registry.register(
            "search_unindexed",
            "Earlier entries that the search does not find yet",
            search_unindexed.clone(),
        );
        let mut histogram = |name, help| {
            let histogram = Histogram::new(BUCKETS_SECONDS);
            registry.register(name, help, histogram.clone());
            histogram
        };
        Self {
            post_seconds: histogram("post_seconds", "Time from a post or publication to its acknowledgement"),
            store_commit_seconds: histogram(
                "store_commit_seconds",
                "Time of a transaction that writes, from its beginning to its durable commit",
            ),
            delivery_seconds: histogram(
                "delivery_seconds",
                "Time from new entries of a topic to the end of their delivery to the readers at the head",
            ),
            page_seconds: histogram("page_seconds", "Time to load and draw a page"),
            connections,
            appends,
            heard,
            fills,
            deliveries,
            refused_connections,
            pushes_sent,
            pushes_failed,
            push_subscriptions_dropped,
            search_unindexed,
            registry,
        }
    }
}

impl Metrics {
    /// Counts a live connection until the guard is dropped.
    pub fn count_connection(self: &Arc<Self>, kind: Kind) -> ConnectionGuard {
        self.connections[kind as usize].inc();
        ConnectionGuard { metrics: self.clone(), kind }
    }

    /// Live connections of all kinds.
    pub fn connections(&self) -> u64 {
        self.connections.iter().map(Gauge::get).sum()
    }

    /// Entries written to readers since the start.
    pub fn deliveries(&self) -> u64 {
        self.deliveries.get()
    }

    pub(crate) fn count_appends(&self, entries: usize) {
        self.appends.inc_by(entries as u64);
    }

    /// Counts entries that another node announced.
    pub(crate) fn count_heard(&self, entries: usize) {
        self.heard.inc_by(entries as u64);
    }

    /// Counts a gap in what was announced that was backfilled from the store.
    pub(crate) fn count_fill(&self) {
        self.fills.inc();
    }

    /// Counts entries that were handed to a reader's connection.
    pub fn count_deliveries(&self, entries: usize) {
        self.deliveries.inc_by(entries as u64);
    }

    /// Counts a TCP connection that was closed because there were too many.
    pub(crate) fn count_refused_connection(&self) {
        self.refused_connections.inc();
    }

    /// Counts a push that a push service took.
    pub(crate) fn count_push_sent(&self) {
        self.pushes_sent.inc();
    }

    /// Counts a push that was given up.
    pub(crate) fn count_push_failed(&self) {
        self.pushes_failed.inc();
    }

    /// Counts a device that its push service does not know any more.
    pub(crate) fn count_push_subscription_dropped(&self) {
        self.push_subscriptions_dropped.inc();
    }

    /// The entries that the search does not find yet.
    pub fn unindexed(&self) -> u64 {
        u64::try_from(self.search_unindexed.get()).unwrap_or_default()
    }

    /// Notes how many entries the search does not find yet.
    pub fn set_unindexed(&self, left: u64) {
        self.search_unindexed.set(i64::try_from(left).unwrap_or(i64::MAX));
    }

    /// Records a post or publication that is acknowledged now and arrived at the log at `since`.
    pub(crate) fn observe_post(&self, since: Instant) {
        self.post_seconds.observe(since.elapsed().as_secs_f64());
    }

    /// Records a transaction of the store that wrote something and took so long.
    pub(crate) fn observe_commit(&self, took: Duration) {
        self.store_commit_seconds.observe(took.as_secs_f64());
    }

    /// Records a delivery pass that ends now and delivered entries of which the first came at `since`.
    pub(crate) fn observe_delivery(&self, since: Instant) {
        self.delivery_seconds.observe(since.elapsed().as_secs_f64());
    }

    /// Records a page that is drawn now and was asked for at `since`.
    pub(crate) fn observe_page(&self, since: Instant) {
        self.page_seconds.observe(since.elapsed().as_secs_f64());
    }

    /// All metrics in the Prometheus text format 0.0.4. `is_backplane_up` is whether the other nodes can be reached;
    /// `None`: this node is the only one.
    pub fn render(&self, is_backplane_up: Option<bool>) -> String {
        let mut text = String::new();
        for registry in [&self.registry, &kept_elsewhere(is_backplane_up)] {
            prometheus_text::encode(&mut text, registry).expect("a String takes all");
        }
        text
    }
}

fn connection_gauges(registry: &mut Registry) -> [ConnectionGauge; 4] {
    let gauges = Family::<KindLabel, ConnectionGauge>::default();
    registry.register("connections", "Live connections", gauges.clone());
    Kind::ALL.map(|kind| gauges.get_or_create_owned(&[("kind", kind.as_str())]))
}

/// The values that other modules keep, as they are now. The library adds the full stops to the help texts.
fn kept_elsewhere(is_backplane_up: Option<bool>) -> Registry {
    let mut registry = Registry::with_prefix(PREFIX);
    let mut counter = |name, help, count| registry.register(name, help, ConstCounter::<u64>::new(count));
    counter("log_lines_lost", "Lines of the log that could not be written", logging::lost_lines());
    counter(
        "log_lines_suppressed",
        "Warnings and errors left out of the log because they repeat",
        logging::suppressed_lines(),
    );
    if let Some(is_up) = is_backplane_up {
        let gauge = ConstGauge::<i64>::new(is_up.into());
        registry.register("backplane_up", "Whether this node and the others can tell each other", gauge);
    }
    registry
}

/// A live connection; dropping it is its end.
#[derive(Debug)]
pub struct ConnectionGuard {
    metrics: Arc<Metrics>,
    kind: Kind,
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        self.metrics.connections[self.kind as usize].dec();
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
        assert!(metrics.render(None).contains("idobata_connections{kind=\"stream\"} 1\n"));
    }

    /// The metrics that others have built dashboards on. The series of one metric have no order.
    const COUNTERS_AND_GAUGES: &str = r#"# HELP idobata_connections Live connections.
# TYPE idobata_connections gauge
idobata_connections{kind="poll"} 0
idobata_connections{kind="socket"} 1
idobata_connections{kind="socket_io"} 0
idobata_connections{kind="stream"} 0
# HELP idobata_appends_total Entries appended to the log by this node.
# TYPE idobata_appends_total counter
idobata_appends_total 1
# HELP idobata_announcements_heard_total Entries that other nodes announced.
# TYPE idobata_announcements_heard_total counter
idobata_announcements_heard_total 2
# HELP idobata_holes_filled_total Holes in what was announced that the store filled.
# TYPE idobata_holes_filled_total counter
idobata_holes_filled_total 1
# HELP idobata_deliveries_total Entries written to readers.
# TYPE idobata_deliveries_total counter
idobata_deliveries_total 3
# HELP idobata_refused_connections_total TCP connections closed because there were too many.
# TYPE idobata_refused_connections_total counter
idobata_refused_connections_total 1
# HELP idobata_pushes_sent_total Pushes that a push service took.
# TYPE idobata_pushes_sent_total counter
idobata_pushes_sent_total 1
# HELP idobata_pushes_failed_total Pushes that were given up.
# TYPE idobata_pushes_failed_total counter
idobata_pushes_failed_total 1
# HELP idobata_push_subscriptions_dropped_total Devices that get no more pushes, because their push service says that they are gone.
# TYPE idobata_push_subscriptions_dropped_total counter
idobata_push_subscriptions_dropped_total 1
# HELP idobata_search_unindexed Earlier entries that the search does not find yet.
# TYPE idobata_search_unindexed gauge
idobata_search_unindexed 7
# HELP idobata_log_lines_lost_total Lines of the log that could not be written.
# TYPE idobata_log_lines_lost_total counter
idobata_log_lines_lost_total 0
# HELP idobata_log_lines_suppressed_total Warnings and errors left out of the log because they repeat.
# TYPE idobata_log_lines_suppressed_total counter
idobata_log_lines_suppressed_total 0
# HELP idobata_backplane_up Whether this node and the others can tell each other.
# TYPE idobata_backplane_up gauge
idobata_backplane_up 1
"#;

    fn sorted<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
        let mut lines: Vec<_> = lines.collect();
        lines.sort_unstable();
        lines
    }

    #[test]
    fn names_types_labels_and_help_texts_stay_as_they_are() {
        let metrics = Arc::new(Metrics::default());
        let _socket = metrics.count_connection(Kind::Socket);
        metrics.count_appends(1);
        metrics.count_heard(2);
        metrics.count_fill();
        metrics.count_deliveries(3);
        metrics.count_refused_connection();
        metrics.count_push_sent();
        metrics.count_push_failed();
        metrics.count_push_subscription_dropped();
        metrics.set_unindexed(7);
        let text = metrics.render(Some(true));
        let others = text.lines().filter(|line| !line.contains("_seconds"));
        assert_eq!(sorted(others), sorted(COUNTERS_AND_GAUGES.lines()), "{text}");
        assert!(text.starts_with("# HELP idobata_connections Live connections.\n"), "{text}");
        assert!(!metrics.render(None).contains("backplane"), "a node that is alone has none");
    }

    #[test]
    fn a_histogram_counts_in_the_buckets_from_the_duration_on() {
        let metrics = Metrics::default();
        metrics.observe_commit(Duration::from_millis(2));
        metrics.observe_commit(Duration::from_secs(60));
        let text = metrics.render(None);
        for line in [
            "# TYPE idobata_store_commit_seconds histogram",
            "idobata_store_commit_seconds_bucket{le=\"0.001\"} 0",
            "idobata_store_commit_seconds_bucket{le=\"0.0025\"} 1",
            "idobata_store_commit_seconds_bucket{le=\"10\"} 1",
            "idobata_store_commit_seconds_bucket{le=\"+Inf\"} 2",
            "idobata_store_commit_seconds_sum 60.002",
            "idobata_store_commit_seconds_count 2",
            "idobata_post_seconds_count 0",
        ] {
            assert!(text.lines().any(|other| other == line), "{line} is missing in {text}");
        }
    }
}
