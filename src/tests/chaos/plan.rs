//! What a run does, drawn from its seed: the same seed is the same plan, for as many servers.

use std::{ops::Range, time::Duration};

use fastrand::Rng;

use super::topic::Topic;

/// More than any run writes: nothing is removed.
pub(super) const ALL: u64 = 100_000;

/// How a reader follows.
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
    /// It begins after this time, with everything that is in the log by then to be replayed.
    pub(super) delay: Duration,
}

/// What is done to the servers and to what they stand on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Harm {
    /// SIGKILL to the server of this number.
    KillNode(usize),
    /// Redis ends at once and forgets everything.
    CrashRedis,
    /// The connections of one node to Redis break, and so do new ones.
    CloseWay(usize),
    /// Nothing passes between one node and Redis, and nobody says so.
    SilenceWay(usize),
    /// PostgreSQL ends at once and recovers at its next start.
    CrashDatabase,
    /// PostgreSQL ends in order and is started again.
    RestartDatabase,
}

/// One harm.
#[derive(Clone, Copy, Debug)]
pub(super) struct Blow {
    pub(super) harm: Harm,
    /// When, from the start; later when the same part has not recovered from the one before.
    pub(super) at: Duration,
    pub(super) lasts: Duration,
}

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) seed: u64,
    /// How many servers: one is alone, more share a database and a Redis.
    pub(super) nodes: usize,
    pub(super) readers: Vec<ReaderPlan>,
    /// Topics that are written to, one writer each.
    pub(super) writers: Vec<(Topic, Transport)>,
    /// How long the writers go on.
    pub(super) duration: Duration,
    /// In the order in which they come.
    pub(super) blows: Vec<Blow>,
    /// What is done when everything else is over, and never made good: the last that is written must come to every
    /// reader all the same.
    pub(super) finale: Option<Harm>,
    /// Newest entries that retention keeps.
    pub(super) retained: u64,
    /// Bytes between two faults of a direction, at most.
    pub(super) fault_distance: usize,
}

impl Plan {
    pub(super) fn new(seed: u64, nodes: usize) -> Self {
        let mut rng = Rng::with_seed(seed);
        // What happens to nodes takes its time to be noticed, and to be over.
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

    /// How often it does such a thing.
    pub(super) fn count(&self, is_it: fn(Harm) -> bool) -> u64 {
        let harms = self.blows.iter().map(|blow| blow.harm).chain(self.finale);
        harms.filter(|harm| is_it(*harm)).count() as u64
    }
}

fn milliseconds(rng: &mut Rng, range: Range<u64>) -> Duration {
    Duration::from_millis(rng.u64(range))
}

/// What happens to a server that is alone.
fn kills(rng: &mut Rng) -> Vec<Blow> {
    let count = rng.usize(0..=2);
    let kill = |_| Blow { harm: Harm::KillNode(0), at: milliseconds(rng, 300..3_500), lasts: Duration::ZERO };
    (0..count).map(kill).collect()
}

/// Whatever the nodes were not told by then, nothing that follows tells them.
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
        // Long enough to be noticed (3 s), or not.
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
