//! Measures the time from a post to its delivery, at the same and at another node, at a moderate rate: with Redis, and
//! without it, when nodes poll the database for new entries.

use std::time::Duration;

use super::{
    super::{
        Fault,
        load::{Load, Outcome},
        record::percentile,
    },
    crowd::Crowd,
    installation::{Installation, Nodes},
};

const NODES: usize = 3;
const READERS: usize = 4;
/// Messages per second, and their total number.
const RATE: f64 = 50.0;
const MESSAGES: u64 = 500;

pub(crate) async fn run(installation: &mut Installation) -> Result<(), Fault> {
    println!("  {RATE} messages a second posted at one of {NODES} nodes, {READERS} WebSockets at each\n");
    println!("  {:<34} {:>10} {:>10} {:>10} {:>10}", "", "p50", "p99", "longest", "deliveries");
    let nodes = installation.nodes(NODES, 1).await?;
    measure(&nodes, "with Redis").await?;
    nodes.stop().await?;
    let nodes = installation.nodes(NODES, 1).await?;
    installation.redis.crash();
    nodes.until_redis(false).await?;
    measure(&nodes, "without").await?;
    nodes.stop().await?;
    installation.redis.start_again();
    println!();
    Ok(())
}

async fn measure(nodes: &Nodes, how: &str) -> Result<(), Fault> {
    let crowd = Crowd::gather(nodes, READERS).await?;
    let load = Load { connections: 25, rate: Some(RATE), total: MESSAGES, ..writer(nodes) };
    let outcome = load.run().await?;
    crowd.expect_all(nodes, &outcome).await?;
    print(&format!("{how}, to the acknowledgement"), latencies(&outcome));
    print(&format!("{how}, to readers there"), crowd.delays(&outcome, |node| node == 0));
    print(&format!("{how}, to readers elsewhere"), crowd.delays(&outcome, |node| node != 0));
    Ok(())
}

/// The load at the first node.
fn writer(nodes: &Nodes) -> Load {
    Load::new(nodes.servers[0].address, &nodes.token)
}

fn latencies(outcome: &Outcome) -> Vec<Duration> {
    outcome.acknowledged.iter().map(|post| post.latency).collect()
}

fn print(name: &str, mut delays: Vec<Duration>) {
    let [p50, p99, longest] =
        [50, 99, 100].map(|percent| percentile(&mut delays, percent).as_secs_f64() * 1e3);
    println!("  {name:<34} {p50:>7.1} ms {p99:>7.1} ms {longest:>7.1} ms {:>10}", delays.len());
}
