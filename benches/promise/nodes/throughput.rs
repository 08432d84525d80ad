//! Messages per second through one, two and three nodes, with enough concurrent posts for PostgreSQL to commit them in
//! groups, and the same number of readers per room, spread over the nodes.

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::{
    super::{Fault, load::Load, record::percentile},
    cpu::Cpu,
    crowd::{Crowd, run_all},
    installation::Installation,
};

const ROOMS: [usize; 2] = [1, 30];
const NODES: [usize; 3] = [1, 2, 3];
/// Readers per room, and posts in flight over all nodes: both numbers can be divided by one, two and three.
const READERS: usize = 6;
const IN_FLIGHT: usize = 240;
const WARM_UP: Duration = Duration::from_secs(1);
const WINDOW: Duration = Duration::from_secs(4);

pub(crate) async fn run(installation: &Installation) -> Result<(), Fault> {
    println!("  {IN_FLIGHT} posts in flight, {READERS} WebSockets in each room, spread over the nodes\n");
    println!(
        "  {:<18} {:>10} {:>13} {:>10} {:>10} {:>9} {:>9} {:>9} {:>9}",
        "", "messages/s", "deliveries/s", "p50", "p99", "nodes", "others", "load", "idle"
    );
    for rooms in ROOMS {
        for nodes in NODES {
            measure(installation, nodes, rooms).await?;
        }
    }
    println!(
        "\n  p50 and p99: from a post to its acknowledgement. Others: PostgreSQL, Redis and the system.\n"
    );
    Ok(())
}

async fn measure(installation: &Installation, count: usize, rooms: usize) -> Result<(), Fault> {
    let nodes = installation.nodes(count, rooms).await?;
    let crowd = Crowd::gather(&nodes, READERS / count).await?;
    let stop = CancellationToken::new();
    let loads = nodes.servers.iter().map(|server| Load {
        connections: IN_FLIGHT / count,
        rooms: nodes.room_names(),
        stop: stop.clone(),
        ..Load::new(server.address, &nodes.token)
    });
    let running = tokio::spawn(run_all(loads.collect()));
    tokio::time::sleep(WARM_UP).await;
    let (began, cpu) = (Instant::now(), Cpu::now(&nodes)?);
    tokio::time::sleep(WINDOW).await;
    let (ended, cpu) = (Instant::now(), Cpu::now(&nodes)?.since(cpu));
    stop.cancel();
    let outcome = running.await??;
    let whole = crowd.expect_all(&nodes, &outcome).await?;
    let within =
        outcome.acknowledged.iter().filter(|post| (began..ended).contains(&(post.at + post.latency)));
    let mut latencies: Vec<_> = within.map(|post| post.latency).collect();
    let rate = latencies.len() as f64 / (ended - began).as_secs_f64();
    let each = whole.deliveries as f64 / whole.messages as f64;
    let [p50, p99] = [50, 99].map(|percent| percentile(&mut latencies, percent).as_secs_f64() * 1e3);
    let name = format!("{rooms} room{}, {count} node{}", plural(rooms), plural(count));
    println!("  {name:<18} {rate:>10.0} {:>13.0} {p50:>7.1} ms {p99:>7.1} ms {cpu}", rate * each);
    nodes.stop().await
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}
