//! Kills and restarts Redis three times while messages are posted at every node; no message may be lost or doubled.

use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{
    super::{
        Fault,
        load::{Load, Outcome},
        record::percentile,
    },
    crowd::{Crowd, run_all},
    installation::{Installation, Nodes},
};

const NODES: usize = 3;
const READERS: usize = 4;
/// Messages per second over all nodes.
const RATE: f64 = 300.0;
const RESTARTS: usize = 3;
/// Time with Redis before each kill, and without it afterwards.
const CALM: Duration = Duration::from_secs(2);
const AWAY: Duration = Duration::from_secs(1);

pub(crate) async fn run(installation: &mut Installation) -> Result<(), Fault> {
    println!(
        "  Redis killed and started again {RESTARTS} times, {RATE} messages a second over {NODES} nodes\n"
    );
    let nodes = installation.nodes(NODES, 1).await?;
    let crowd = Crowd::gather(&nodes, READERS).await?;
    let stop = CancellationToken::new();
    let posting = post_everywhere(&nodes, &stop);
    let mut outages = Vec::new();
    for _ in 0..RESTARTS {
        tokio::time::sleep(CALM).await;
        let began = Instant::now();
        installation.redis.crash();
        tokio::time::sleep(AWAY).await;
        installation.redis.start_again();
        nodes.until_redis(true).await?;
        outages.push((began, Instant::now()));
    }
    let heard = nodes.heard().await?;
    tokio::time::sleep(CALM).await;
    stop.cancel();
    let outcome = posting.await??;
    let whole = crowd.expect_all(&nodes, &outcome).await?;
    let heard = nodes.heard().await? - heard;
    if heard == 0 {
        return Err("after the last restart no node heard of another".into());
    }
    let is_within = |at: &Instant| outages.iter().any(|(from, to)| (from..to).contains(&at));
    let meanwhile = outcome.acknowledged.iter().filter(|post| is_within(&post.at)).count();
    let longest = percentile(&mut crowd.delays(&outcome, |_| true), 100);
    let away: Duration = outages.iter().map(|(from, to)| *to - *from).sum();
    println!(
        "  {:>8} messages acknowledged, {meanwhile} of them while Redis was away ({:.1} s in all)",
        whole.messages,
        away.as_secs_f64()
    );
    println!(
        "  {:>8} deliveries to {} readers: lost 0, doubled 0, each in order",
        whole.deliveries,
        NODES * READERS
    );
    println!("  {:>8.0} ms the longest from a post to a delivery", longest.as_secs_f64() * 1e3);
    println!("  {heard:>8} announcements heard after the last restart\n");
    nodes.stop().await
}

fn post_everywhere(nodes: &Nodes, stop: &CancellationToken) -> JoinHandle<Result<Outcome, Fault>> {
    let loads = nodes.servers.iter().map(|server| Load {
        connections: 20,
        rate: Some(RATE / NODES as f64),
        stop: stop.clone(),
        ..Load::new(server.address, &nodes.token)
    });
    tokio::spawn(run_all(loads.collect()))
}
