//! Kills the server under a full load of posts, and checks that every acknowledged one is stored.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use super::{
    Fault,
    load::{Load, Outcome},
    server::Server,
};

const RATE: f64 = 5_000.0;
const MOMENTS: [Duration; 3] =
    [Duration::from_millis(3_217), Duration::from_millis(4_003), Duration::from_millis(4_811)];

pub(crate) async fn run() -> Result<(), Fault> {
    println!("KILL: {RATE} posts a second on 64 connections, kill -9 in the middle.\n");
    println!(
        "  {:>10} {:>12} {:>14} {:>22} {:>20}",
        "killed at", "posts/s", "acknowledged", "sent, not answered", "of those are there"
    );
    for moment in MOMENTS {
        round(moment).await?;
    }
    println!(
        "\n  Every acknowledged post is there once, at the offset it was acknowledged at, without holes.\n"
    );
    Ok(())
}

async fn round(moment: Duration) -> Result<(), Fault> {
    let data = tempfile::tempdir()?;
    let server = Server::start(data.path(), &[]).await?;
    let (address, token) = (server.address, server.session("writer").await?);
    let load = Load { connections: 64, depth: 16, rate: Some(RATE), ..Load::new(address, &token) };
    let (began, posting) = (Instant::now(), tokio::spawn(load.run()));
    tokio::time::sleep(moment).await;
    server.kill().await?;
    let gone = Instant::now();
    let seconds = (gone - began).as_secs_f64();
    let outcome = posting.await??;
    let server = Server::start_on(data.path(), address, &[]).await?;
    let there = check(&outcome, &read_all(&server).await?)?;
    // A connection accepts one more post after its peer has died; that one had no chance.
    let open = outcome.unacknowledged.iter().filter(|post| post.at < gone).count();
    let acknowledged = outcome.acknowledged.len();
    let rate = acknowledged as f64 / seconds;
    println!("  {seconds:>8.2} s {rate:>12.0} {acknowledged:>14} {open:>22} {there:>20}");
    server.kill().await
}

/// Checks the log. Returns the number of posts in it that were not acknowledged.
fn check(outcome: &Outcome, log: &[(u64, String)]) -> Result<usize, Fault> {
    if let Some((expected, (found, _))) = (1..).zip(log).find(|(expected, (found, _))| expected != found) {
        return Err(format!("the log has {found} where {expected} should be").into());
    }
    let places: HashMap<&str, u64> = log.iter().map(|(offset, id)| (id.as_str(), *offset)).collect();
    if places.len() != log.len() {
        return Err(format!("{} entries have an id twice", log.len() - places.len()).into());
    }
    for post in &outcome.acknowledged {
        if places.get(post.id.as_str()) != Some(&post.offset) {
            let found = places.get(post.id.as_str());
            return Err(format!("{} was acknowledged at {} and is at {found:?}", post.id, post.offset).into());
        }
    }
    let there = outcome.unacknowledged.iter().filter(|post| places.contains_key(post.id.as_str())).count();
    let known = outcome.acknowledged.len() + there;
    match known == log.len() {
        true => Ok(there),
        false => Err(format!("{} entries are in the log, {known} of them were posted", log.len()).into()),
    }
}

/// Reads the whole room by pages: offsets and ids.
async fn read_all(server: &Server) -> Result<Vec<(u64, String)>, Fault> {
    let (epoch, end) = server.head().await?;
    let mut log = Vec::new();
    while (log.len() as u64) < end {
        let after = log.last().map_or(0, |(offset, _)| *offset);
        let page = server.page(&format!("after={epoch}:{after}&limit=200")).await?;
        let messages = page["messages"].as_array().ok_or("a page has messages")?;
        if messages.is_empty() || page["reset"] != false {
            return Err(format!("the log is said to end at {end}, after {after} there is nothing").into());
        }
        log.extend(messages.iter().map(|message| {
            (message["offset"].as_u64().unwrap_or(0), message["id"].as_str().unwrap_or_default().to_owned())
        }));
    }
    Ok(log)
}
