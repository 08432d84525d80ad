//! A TCP proxy that injects faults into its connections, at arbitrary bytes, in both directions.

use std::{
    fmt,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use fastrand::Rng;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    task::JoinHandle,
    time::sleep,
};
use tokio_util::sync::CancellationToken;

/// The number of faults of each kind, over all runs.
#[derive(Debug, Default)]
pub(super) struct Faults {
    cut: AtomicU64,
    stalled: AtomicU64,
    delayed: AtomicU64,
    halved: AtomicU64,
    refused: AtomicU64,
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [cut, stalled, delayed, halved, refused] =
            [&self.cut, &self.stalled, &self.delayed, &self.halved, &self.refused]
                .map(|one| one.load(Relaxed));
        write!(f, "{cut} cut, {stalled} stalled, {delayed} delayed, {halved} halved, {refused} refused")
    }
}

/// A running proxy; dropping it ends it.
pub(super) struct Proxy {
    pub(super) url: String,
    weather: Arc<Weather>,
    task: JoinHandle<()>,
}

struct Weather {
    calm: CancellationToken,
    faults: Arc<Faults>,
    distance: usize,
}

impl Proxy {
    /// Starts a proxy to `target`. `distance` is the maximum of bytes between two faults of one direction.
    pub(super) async fn start(target: SocketAddr, seed: u64, distance: usize, faults: Arc<Faults>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let weather = Arc::new(Weather { calm: CancellationToken::new(), faults, distance });
        let shared = weather.clone();
        let task = tokio::spawn(async move {
            let mut rng = Rng::with_seed(seed);
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(connection(client, target, rng.fork(), shared.clone()));
            }
        });
        Self { url, weather, task }
    }

    /// Cuts every connection a last time, so that no earlier bytes are held back. From now on bytes pass without
    /// faults.
    pub(super) fn calm(&self) {
        self.weather.calm.cancel();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn connection(client: TcpStream, target: SocketAddr, mut rng: Rng, weather: Arc<Weather>) {
    let was_calm = weather.calm.is_cancelled();
    let Ok(server) = TcpStream::connect(target).await else {
        weather.faults.refused.fetch_add(1, Relaxed);
        return;
    };
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    let (up, down) = (rng.fork(), rng.fork());
    // The first direction that ends closes the other too, and loses the bytes in transit there.
    tokio::select! {
        () = pump(from_client, to_server, up, &weather) => {}
        () = pump(from_server, to_client, down, &weather) => {}
        () = weather.calm.cancelled(), if !was_calm => {}
    }
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut rng: Rng, weather: &Weather) {
    let mut buffer = vec![0; 8 * 1024];
    let mut until_fault = rng.usize(1..weather.distance);
    loop {
        let piece = rng.usize(1..=buffer.len());
        let read = match from.read(&mut buffer[..piece]).await {
            Ok(0) | Err(_) => return,
            Ok(read) => read,
        };
        let mut bytes = &buffer[..read];
        while !weather.calm.is_cancelled() && until_fault <= bytes.len() {
            let (before, after) = bytes.split_at(until_fault);
            if to.write_all(before).await.is_err() || harm(&mut to, after, &mut rng, weather).await.is_err() {
                return;
            }
            bytes = after;
            until_fault = rng.usize(1..weather.distance);
        }
        until_fault = until_fault.saturating_sub(bytes.len());
        if to.write_all(bytes).await.is_err() {
            return;
        }
    }
}

/// The connection has to be closed.
struct Cut;

/// Injects one fault. The caller then writes the bytes `after` it, unless the fault is [`Cut`].
async fn harm(to: &mut OwnedWriteHalf, after: &[u8], rng: &mut Rng, weather: &Weather) -> Result<(), Cut> {
    let faults = &weather.faults;
    match rng.u8(..10) {
        0..=2 => {
            faults.cut.fetch_add(1, Relaxed);
            Err(Cut)
        }
        3 => {
            faults.stalled.fetch_add(1, Relaxed);
            sleep(Duration::from_millis(rng.u64(200..2_500))).await;
            if rng.bool() { Err(Cut) } else { Ok(()) }
        }
        4 => {
            // The first half of the bytes arrives, the rest never does.
            faults.halved.fetch_add(1, Relaxed);
            drop(to.write_all(&after[..after.len() / 2]).await);
            Err(Cut)
        }
        _ => {
            faults.delayed.fetch_add(1, Relaxed);
            sleep(Duration::from_millis(rng.u64(1..60))).await;
            Ok(())
        }
    }
}
