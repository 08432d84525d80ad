//! The promise under attack: real server processes, killed and restarted; readers and writers on every transport behind
//! proxies that cut, delay, halve and stall their bytes; messages that are edited, deleted, pinned and reacted to, and
//! retention trimming meanwhile. In the end each reader's list is the log from its start, or from its last reset, each
//! acknowledged post and change is in the log once, each reader's messages are those of the store with their files, and the
//! text and the file of a deleted message are nowhere.
//!
//! One test runs against a single server, and one against three nodes of which every connection takes any: there Redis
//! and PostgreSQL are killed and restarted too, and single nodes are cut off from Redis.
//!
//! `IDOBATA_CHAOS_SECONDS` sets the duration (its default is in [`Arena`]), `IDOBATA_CHAOS_SEED` reruns one plan.

mod access;
mod change;
mod plan;
mod proxy;
mod reader;
mod run;
mod target;
mod topic;
mod verdict;
mod writer;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use self::{
    plan::{Harm, Plan},
    proxy::Faults,
    run::Outcome,
};

/// The duration and the parallelism of a test.
struct Arena {
    /// Servers in each run.
    nodes: usize,
    /// Plans that run concurrently.
    lanes: u64,
    /// Default duration.
    seconds: u64,
}

const ALONE: Arena = Arena { nodes: 1, lanes: 3, seconds: 60 };
/// Each plan takes three servers, a PostgreSQL and a Redis.
const NODES: Arena = Arena { nodes: 3, lanes: 2, seconds: 40 };

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a whole number"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_reader_has_the_log_and_every_acknowledged_post_is_in_it_once() {
    ALONE.attack().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_reader_of_any_node_has_the_log_and_every_acknowledged_post_is_in_it_once() {
    NODES.attack().await;
}

type Run = (Plan, Outcome);

impl Arena {
    async fn attack(&self) {
        let faults = Arc::new(Faults::default());
        let runs = match setting("IDOBATA_CHAOS_SEED") {
            Some(seed) => vec![self.run(seed, &faults).await],
            None => self.run_lanes(&faults).await,
        };
        self.report(&runs, &faults);
    }

    async fn run(&self, seed: u64, faults: &Arc<Faults>) -> Run {
        let plan = Plan::new(seed, self.nodes);
        let outcome = run::run(&plan, faults).await;
        (plan, outcome)
    }

    async fn run_lanes(&self, faults: &Arc<Faults>) -> Vec<Run> {
        let seconds = setting("IDOBATA_CHAOS_SECONDS").unwrap_or(self.seconds);
        let until = Instant::now() + Duration::from_secs(seconds);
        let first = fastrand::u64(..) >> 16; // short enough to be copied by hand
        let lanes = (0..self.lanes).map(|lane| async move {
            let mut runs = Vec::new();
            for round in 0.. {
                runs.push(self.run(first + round * self.lanes + lane, faults).await);
                if Instant::now() >= until {
                    break;
                }
            }
            runs
        });
        futures_util::future::join_all(lanes).await.into_iter().flatten().collect()
    }

    fn report(&self, runs: &[Run], faults: &Faults) {
        let sum = |count: fn(&Outcome) -> u64| runs.iter().map(|(_, outcome)| count(outcome)).sum::<u64>();
        let blows = |is_it: fn(Harm) -> bool| runs.iter().map(|(plan, _)| plan.count(is_it)).sum::<u64>();
        println!(
            "chaos on {}: {} plans without a failure; {} entries; {} posts and {} changes acknowledged, {} changes rejected, \
             {} messages compared, {} files read whole, {} deleted texts looked for; {} abandoned, {} sent again; \
             {} readers read {} entries over {} connections, {} of them to another node than before; {} resets, all \
             of them needed; {} answers that it cannot be done now",
            self.nodes,
            runs.len(),
            sum(|outcome| outcome.entries),
            sum(|outcome| outcome.acknowledged - outcome.changes),
            sum(|outcome| outcome.changes),
            sum(|outcome| outcome.rejected),
            sum(|outcome| outcome.compared),
            sum(|outcome| outcome.files),
            sum(|outcome| outcome.erased),
            sum(|outcome| outcome.abandoned),
            sum(|outcome| outcome.repeats),
            sum(|outcome| outcome.readers),
            sum(|outcome| outcome.read),
            sum(|outcome| outcome.connections),
            sum(|outcome| outcome.moves),
            sum(|outcome| outcome.resets),
            sum(|outcome| outcome.refusals),
        );
        println!(
            "chaos on {}: {} kills of servers, {} of Redis, {} of PostgreSQL and {} restarts of it, {} cuts from Redis, \
             {} of them silent; faults: {faults}",
            self.nodes,
            blows(|harm| matches!(harm, Harm::KillNode(_))),
            blows(|harm| harm == Harm::CrashRedis),
            blows(|harm| harm == Harm::CrashDatabase),
            blows(|harm| harm == Harm::RestartDatabase),
            blows(|harm| matches!(harm, Harm::CloseWay(_) | Harm::SilenceWay(_))),
            blows(|harm| matches!(harm, Harm::SilenceWay(_))),
        );
    }
}
