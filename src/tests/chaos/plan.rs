//! The plan of a run, drawn from its seed: the same seed gives the same plan for the same number of servers.

use std::{ops::Range, time::Duration};

use fastrand::Rng;

use super::topic::Topic;

/// More entries than any run writes, so that nothing is removed.
pub(super) const ALL: u64 = 100_000;

/// The transport of a reader or a writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transport {
    Socket,
    Stream,
    Poll,
}

/// A reader of the run.
#[derive(Clone, Debug)]
pub(super) struct ReaderPlan {
    pub(super) topic: Topic,
    pub(super) transport: Transport,
    /// The reader starts after this time; the entries in the log by then are replayed to it.
    pub(super) delay: Duration,
}

/// A fault of the servers, PostgreSQL or Redis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Harm {
    /// Kills the server with this number by SIGKILL.
    KillNode(usize),
    /// Kills Redis, which loses all its state.
    CrashRedis,
    /// Breaks the connections of one node to Redis, and rejects new ones.
    CloseWay(usize),
    /// Blocks all traffic between one node and Redis without closing a connection.
    SilenceWay(usize),
    /// Kills PostgreSQL, which recovers at its next start.
    CrashDatabase,
    /// Shuts PostgreSQL down in order and starts it again.
    RestartDatabase,
}

/// A fault at a point in time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Blow {
    pub(super) harm: Harm,
    /// Time since the start; later if the same component has not recovered from the previous fault.
    pub(super) at: Duration,
    pub(super) lasts: Duration,
}

/// The plan of one run.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) seed: u64,
    /// Number of servers: one alone, or several that share a database and a Redis.
    pub(super) nodes: usize,
    pub(super) readers: Vec<ReaderPlan>,
    /// The topics that are written to, one writer each.
    pub(super) writers: Vec<(Topic, Transport)>,
    /// Time for which the writers go on.
    pub(super) duration: Duration,
    /// In order of time.
    pub(super) blows: Vec<Blow>,
    /// A last fault after everything else, which is never undone: the last entries must reach every reader all the
    /// same.
    pub(super) finale: Option<Harm>,
    /// Number of newest entries that retention keeps.
    pub(super) retained: u64,
    /// Maximum of bytes between two faults of one direction.
    pub(super) fault_distance: usize,
}

impl Plan {
    pub(super) fn new(seed: u64, nodes: usize) -> Self {
        let mut rng = Rng::with_seed(seed);
        // Faults of nodes take longer to be noticed, and to be over.
        let duration = if nodes == 1 { 1_500..4_000 } else { 5_000..9_000 };
        let duration = milliseconds(&mut rng, duration);
        let room = Topic::Room(["general", "tech", "random"][rng.usize(..3)]);
        let reader = |rng: &mut Rng, topic: &Topic, transport| ReaderPlan {
            topic: topic.clone(),
            transport,
            delay: Duration::from_millis(if rng.bool() { 0 } else { rng.u64(..2_000) }),
        };
        let mut readers = vec![];
        for transport in [Transport::Socket, Transport::Stream, Transport::Poll] {
            for _ in 0..rng.usize(1..=2) {
                readers.push(reader(&mut rng, &room, transport));
            }
        }
        for transport in [Transport::Stream, Transport::Poll] {
            readers.push(reader(&mut rng, &Topic::Feed, transport));
        }
        let writers = vec![
            (room.clone(), Transport::Socket),
            (room.clone(), Transport::Poll),
            (room, if rng.bool() { Transport::Socket } else { Transport::Poll }),
            (Topic::Feed, Transport::Poll),
        ];
        let mut blows = if nodes == 1 { kills(&mut rng) } else { blows_to_nodes(&mut rng, nodes, duration) };
        blows.sort_by_key(|blow| blow.at);
        let retained = [40, 400, ALL][rng.usize(..3)];
        let fault_distance = [600, 5_000, 60_000][rng.usize(..3)];
        let finale = if nodes == 1 { None } else { finale(&mut rng, nodes) };
        Self { seed, nodes, readers, writers, duration, blows, finale, retained, fault_distance }
    }

    /// The number of faults of this kind in the plan.
    pub(super) fn count(&self, is_it: fn(Harm) -> bool) -> u64 {
        let harms = self.blows.iter().map(|blow| blow.harm).chain(self.finale);
        harms.filter(|harm| is_it(*harm)).count() as u64
    }
}

fn milliseconds(rng: &mut Rng, range: Range<u64>) -> Duration {
    Duration::from_millis(rng.u64(range))
}

/// The faults of a single server.
fn kills(rng: &mut Rng) -> Vec<Blow> {
    let count = rng.usize(0..=2);
    let kill = |_| Blow { harm: Harm::KillNode(0), at: milliseconds(rng, 300..3_500), lasts: Duration::ZERO };
    (0..count).map(kill).collect()
}

/// The last fault: an announcement that a node has missed by then is never made up for by a later one.
fn finale(rng: &mut Rng, nodes: usize) -> Option<Harm> {
    let way = rng.usize(..nodes);
    [None, Some(Harm::CrashRedis), Some(Harm::SilenceWay(way))][rng.usize(..3)]
}

fn blows_to_nodes(rng: &mut Rng, nodes: usize, duration: Duration) -> Vec<Blow> {
    let mut harms = Vec::new();
    for _ in 0..rng.usize(2..=4) {
        harms.push((Harm::KillNode(rng.usize(..nodes)), 0..1_500));
    }
    for _ in 0..rng.usize(1..=3) {
        harms.push((Harm::CrashRedis, 0..2_500));
    }
    for _ in 0..rng.usize(1..=3) {
        let way = rng.usize(..nodes);
        // The longer ones are noticed (after 3 s), the shorter ones are not.
        harms.push((if rng.bool() { Harm::CloseWay(way) } else { Harm::SilenceWay(way) }, 100..4_500));
    }
    for _ in 0..rng.usize(0..=2) {
        harms.push(if rng.bool() { (Harm::CrashDatabase, 0..1_500) } else { (Harm::RestartDatabase, 0..1) });
    }
    let last = u64::try_from(duration.as_millis()).expect("it is short");
    let blow =
        |(harm, lasts)| Blow { harm, at: milliseconds(rng, 300..last), lasts: milliseconds(rng, lasts) };
    harms.into_iter().map(blow).collect()
}
