//! The promise under attack: a real server process, killed and restarted; readers and writers on every transport
//! behind a proxy that cuts, delays, halves and stalls their bytes; retention trimming underneath. In the end each
//! reader's list is the log from its start, or from its last reset, and each acknowledged post is in the log once.
//!
//! `IDOBATA_CHAOS_SECONDS` says how long to go on (one minute without it), `IDOBATA_CHAOS_SEED` reruns one plan.

mod plan;
mod proxy;
mod reader;
mod run;
mod topic;
mod verdict;
mod writer;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use self::{plan::Plan, proxy::Faults, run::Outcome};

/// Plans that run side by side.
const LANES: u64 = 3;
const SECONDS: u64 = 60;

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a whole number"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_reader_has_the_log_and_every_acknowledged_post_is_in_it_once() {
    let faults = Arc::new(Faults::default());
    if let Some(seed) = setting("IDOBATA_CHAOS_SEED") {
        report(&[run::run(&Plan::new(seed), &faults).await], &faults);
        return;
    }
    let seconds = setting("IDOBATA_CHAOS_SECONDS").unwrap_or(SECONDS);
    let until = Instant::now() + Duration::from_secs(seconds);
    let first = fastrand::u64(..) >> 16; // short enough to be copied by hand
    let lanes = (0..LANES).map(|lane| {
        let faults = faults.clone();
        tokio::spawn(async move {
            let mut outcomes = Vec::new();
            for round in 0.. {
                outcomes.push(run::run(&Plan::new(first + round * LANES + lane), &faults).await);
                if Instant::now() >= until {
                    break;
                }
            }
            outcomes
        })
    });
    let mut outcomes = Vec::new();
    for lane in futures_util::future::join_all(lanes).await {
        outcomes.extend(lane.expect("the plan that failed says its seed above"));
    }
    report(&outcomes, &faults);
}

fn report(outcomes: &[Outcome], faults: &Faults) {
    let sum = |count: fn(&Outcome) -> u64| outcomes.iter().map(count).sum::<u64>();
    println!(
        "chaos: {} plans without a failure; {} posts acknowledged, {} abandoned; {} entries read over {} connections; \
         {} resets; {} kills; faults: {faults}",
        outcomes.len(),
        sum(|outcome| outcome.acknowledged),
        sum(|outcome| outcome.abandoned),
        sum(|outcome| outcome.read),
        sum(|outcome| outcome.connections),
        sum(|outcome| outcome.resets),
        sum(|outcome| outcome.kills),
    );
}
