//! What a run does, drawn from its seed: the same seed is the same plan.

use std::time::Duration;

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

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) seed: u64,
    pub(super) readers: Vec<ReaderPlan>,
    /// Topics that are written to, one writer each.
    pub(super) writers: Vec<(Topic, Transport)>,
    /// How long the writers go on.
    pub(super) duration: Duration,
    /// When the server is killed and started again.
    pub(super) kills: Vec<Duration>,
    /// Newest entries that retention keeps.
    pub(super) retained: u64,
    /// Bytes between two faults of a direction, at most.
    pub(super) fault_distance: usize,
}

impl Plan {
    pub(super) fn new(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let duration = Duration::from_millis(rng.u64(1_500..4_000));
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
        let kills = (0..rng.usize(0..=2)).map(|_| Duration::from_millis(rng.u64(300..3_500))).collect();
        let retained = [40, 400, ALL][rng.usize(..3)];
        let fault_distance = [600, 5_000, 60_000][rng.usize(..3)];
        Self { seed, readers, writers, duration, kills, retained, fault_distance }
    }
}
