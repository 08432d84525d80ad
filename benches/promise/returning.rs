//! A thousand readers lose the server and come back by their cursors, while a writer goes on posting.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use super::{
    Fault,
    options::Options,
    reader::{Reader, Transport},
    record::{Record, most_in_a_second, percentile},
    server::Server,
    writer::Writer,
};

/// Time without the server after a kill.
const AWAY: Duration = Duration::from_secs(2);
/// Undisturbed time before a fault.
const CALM: Duration = Duration::from_secs(3);
/// The backoff's maximum, and time to catch up: a reader that is not back by then counts as failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// The running readers.
struct Crowd {
    records: Vec<Record>,
    _readings: JoinSet<()>,
}

pub(crate) async fn run(options: &Options) -> Result<(), Fault> {
    println!(
        "RETURN: {} readers of one room, half by WebSocket, 3 in 10 by stream, the rest by long poll;",
        options.readers
    );
    println!("about 100 messages a second are posted all the time.\n");
    let data = tempfile::tempdir()?;
    let server = Server::start(data.path(), &[]).await?;
    let (address, start) = (server.address, server.head().await?);
    let writer = Writer::start(address, server.session("writer").await?);
    let crowd = gather(&server, options.readers, (&start.0, start.1)).await?;
    crowd.expect_back(server.listens_since, start.1).await?;
    println!("  {:<32} {:>8} {:>8} {:>8} {:>26}", "", "p50", "p99", "last", "most reconnections in 1 s");

    tokio::time::sleep(CALM).await;
    server.kill().await?;
    let gone = Instant::now();
    tokio::time::sleep(AWAY).await;
    let server = crowd.see_return("kill -9, 2 s away", gone, (data.path(), address)).await?;

    tokio::time::sleep(CALM).await;
    server.terminate().await?;
    let gone = Instant::now();
    let server = crowd.see_return("SIGTERM and restart at once", gone, (data.path(), address)).await?;

    let (acknowledged, rate) = writer.stop().await?;
    let end = server.head().await?.1;
    crowd.expect_end(end).await?;
    if end - start.1 != acknowledged {
        return Err(
            format!("{acknowledged} messages were acknowledged, {} are in the log", end - start.1).into()
        );
    }
    println!("\n  Every reader has {}..={end}, each once and in order.", start.1 + 1);
    println!(
        "  {acknowledged} posts were acknowledged, {rate:.0} a second with the times without a server.\n"
    );
    Ok(())
}

async fn gather(server: &Server, count: usize, start: (&str, u64)) -> Result<Crowd, Fault> {
    let (mut records, mut readings) = (Vec::new(), JoinSet::new());
    for index in 0..count {
        let (transport, token) = match index % 10 {
            0..5 => (Transport::Socket, server.session(&format!("reader {index}")).await?),
            5..8 => (Transport::Stream, String::new()),
            _ => (Transport::Poll, String::new()),
        };
        let reader = Reader::new(transport, server.address, &token, start);
        records.push(reader.record.clone());
        readings.spawn(reader.read());
    }
    Ok(Crowd { records, _readings: readings })
}

impl Crowd {
    /// Starts the server again, waits for all readers, and prints how long each was without it.
    async fn see_return(
        &self,
        how: &str,
        gone: Instant,
        (data, address): (&Path, std::net::SocketAddr),
    ) -> Result<Server, Fault> {
        let server = Server::start_on(data, address, &[]).await?;
        let head = server.head().await?.1;
        let back = self.expect_back(gone, head).await?;
        let mut times: Vec<_> =
            back.iter().map(|back| back.saturating_duration_since(server.listens_since)).collect();
        let opened = self.records.iter().flat_map(|record| record.opened_since(gone)).collect();
        let [p50, p99, last] = [50, 99, 100].map(|percent| percentile(&mut times, percent).as_secs_f64());
        let most = most_in_a_second(opened);
        println!("  {how:<32} {p50:>6.2} s {p99:>6.2} s {last:>6.2} s {most:>26}");
        Ok(server)
    }

    /// Waits until all readers are live again and have everything up to `head`. Returns the time of each.
    async fn expect_back(&self, since: Instant, head: u64) -> Result<Vec<Instant>, Fault> {
        let find =
            || self.records.iter().map(|record| record.back_at(since, head)).collect::<Option<Vec<_>>>();
        self.wait_for(find).await?.ok_or_else(|| {
            let missing = self.records.iter().filter(|record| record.back_at(since, head).is_none()).count();
            format!("{missing} readers did not return within {PATIENCE:?}").into()
        })
    }

    /// Waits until all readers have the log to its end, and nothing beyond.
    async fn expect_end(&self, end: u64) -> Result<(), Fault> {
        let is_there = || self.records.iter().all(|record| record.offset() == end).then_some(());
        self.wait_for(is_there).await?.ok_or_else(|| {
            let offsets: Vec<_> =
                self.records.iter().map(Record::offset).filter(|offset| *offset != end).collect();
            format!("the log ends at {end}, readers at {offsets:?}").into()
        })
    }

    async fn wait_for<T>(&self, find: impl Fn() -> Option<T>) -> Result<Option<T>, Fault> {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(fault) = self.records.iter().find_map(Record::fault) {
                return Err(format!("a reader: {fault}").into());
            }
            let found = find();
            if found.is_some() || Instant::now() > until {
                return Ok(found);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}
