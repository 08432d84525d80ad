//! Measures the cost of an acknowledged, and so durable, post.

use std::time::{Duration, Instant};

use super::{Fault, load::Load, record::percentile, server::Server};

pub(crate) async fn run() -> Result<(), Fault> {
    println!("COST of an acknowledged post\n");
    println!("  {:<32} {:>10} {:>12} {:>12}", "", "posts/s", "p50", "p99");
    measure("one at a time", 1, 2_000).await?;
    measure("256 in flight", 256, 50_000).await?;
    println!();
    Ok(())
}

async fn measure(name: &str, connections: usize, total: u64) -> Result<(), Fault> {
    let data = tempfile::tempdir()?;
    let server = Server::start(data.path(), &[]).await?;
    let (address, token) = (server.address, server.session("writer").await?);
    let began = Instant::now();
    let outcome = Load { connections, total, ..Load::new(address, &token) }.run().await?;
    let rate = outcome.acknowledged.len() as f64 / began.elapsed().as_secs_f64();
    let mut times: Vec<Duration> = outcome.acknowledged.iter().map(|post| post.latency).collect();
    let [p50, p99] = [50, 99].map(|percent| percentile(&mut times, percent).as_secs_f64() * 1000.0);
    println!("  {name:<32} {rate:>10.0} {p50:>9.2} ms {p99:>9.2} ms");
    server.kill().await
}
