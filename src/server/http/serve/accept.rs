//! Accepts TCP connections and serves HTTP/1.1 on each, one task per connection, until an [`Upgrade`] takes a
//! connection over. `server` runs it.
//!
//! Not by `axum::serve`, because it leaves open how much memory a connection may hold and how long it may be stuck:
//! hyper by itself collects 400 kB for a reader that does not read.

use std::{convert::Infallible, future::poll_fn, io, net::SocketAddr, pin::Pin, sync::Arc, time::Duration};

use axum::{Router, body::Body, extract::ConnectInfo};
use hyper::{
    Method, Request,
    body::Incoming,
    server::conn::http1::{self, Parts},
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use parking_lot::Mutex;
use socket2::SockRef;
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;

use super::{
    head_deadline::{HeadDeadline, RequestPhase},
    lingering_close,
    upgrade::Upgrade,
    write_deadline::WriteDeadline,
};
use crate::server::limits::connections::{ConnectionLimiter, ConnectionPermit};

/// hyper's buffer, in bytes: for the head of a request, and for a response that the peer does not take yet.
const BUFFER_BYTES: usize = 16 * 1024;
/// An idle connection is closed after this time: longer than proxies keep theirs, which would otherwise send a request
/// into a connection that is closing. `--head-timeout` limits a head that has begun.
const IDLE_TIMEOUT: Duration = Duration::from_secs(75);
/// Bytes that the system accepts ahead of the network (`TCP_NOTSENT_LOWAT`): written and not on their way yet.
const UNSENT_BYTES: u32 = 32 * 1024;
/// Pause when the system has no more file descriptors: accepting again at once would only burn time.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(500);

/// The limits of [`serve`]: the number of connections, and the time that a connection may take.
pub(crate) struct ServeOptions {
    /// Limits the number of connections.
    pub(crate) connection_limiter: ConnectionLimiter,
    /// Time limit for the head of a request, see [`HeadDeadline`].
    pub(crate) head_timeout: Duration,
    /// Time limit for a write without progress, see [`WriteDeadline`].
    pub(crate) write_timeout: Duration,
}

/// Serves `router` on `listener` until `stop`, then waits until every connection has ended.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    options: ServeOptions,
    stop: CancellationToken,
) {
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, address)) => {
                let Some(permit) = options.connection_limiter.try_acquire(address.ip()) else { continue };
                prepare(&stream, options.write_timeout);
                let stream = WriteDeadline::new(stream, options.write_timeout);
                let phase = RequestPhase::default();
                let stream = HeadDeadline::new(stream, options.head_timeout, phase.clone());
                let accepted = Accepted { stream, phase, address, permit };
                connections.spawn(connection(accepted, router.clone(), stop.clone()));
            }
            // The peer disconnected before it was accepted.
            Err(error) if is_peers(&error) => {}
            Err(error) => {
                tracing::error!(%error, "cannot accept a connection");
                tokio::time::sleep(EXHAUSTED_PAUSE).await;
            }
        }
    }
    drop(listener); // new connections are refused from here on, not kept waiting
    connections.close();
    connections.wait().await;
}

fn prepare(stream: &TcpStream, write_timeout: Duration) {
    // Entries are small and written whole; collecting more into one packet would only delay them.
    let no_delay = stream.set_nodelay(true);
    // Ends a connection whose peer vanished without closing it: the system cannot deliver the data that it took.
    let socket = SockRef::from(stream);
    let no_answer = socket.set_tcp_user_timeout(Some(write_timeout));
    // The system accepts no more than this ahead of the network, and asks for more when half of it has gone: a slow
    // reader holds little memory, and its progress is visible.
    let little_ahead = socket.set_tcp_notsent_lowat(UNSENT_BYTES);
    if let Err(error) = no_delay.and(no_answer).and(little_ahead) {
        tracing::debug!(%error, "cannot set a socket option");
    }
}

/// A connection that got a permit.
struct Accepted {
    stream: HeadDeadline<WriteDeadline<TcpStream>>,
    phase: RequestPhase,
    address: SocketAddr,
    permit: ConnectionPermit,
}

async fn connection(accepted: Accepted, router: Router, stop: CancellationToken) {
    let Accepted { stream, phase, address, permit } = accepted;
    let upgrade = Arc::new(Mutex::new(None));
    let taken_over = upgrade.clone();
    let service = service_fn(move |mut request: Request<Incoming>| {
        phase.pass();
        request.extensions_mut().insert(ConnectInfo(address));
        let takes_body = request.method() != Method::HEAD;
        let (router, upgrade, phase) = (router.clone(), upgrade.clone(), phase.clone());
        Box::pin(async move {
            let mut response = router.oneshot(request.map(Body::new)).await?;
            *upgrade.lock() = response.extensions_mut().remove::<Upgrade>().filter(|_| takes_body);
            phase.pass();
            Ok::<_, Infallible>(response)
        })
    });
    let mut serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE_TIMEOUT)
        .max_buf_size(BUFFER_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    let mut served =
        stop.run_until_cancelled(poll_fn(|context| serving.poll_without_shutdown(context))).await;
    if served.is_none() {
        Pin::new(&mut serving).graceful_shutdown();
        served = Some(poll_fn(|context| serving.poll_without_shutdown(context)).await);
    }
    if let Some(Err(error)) = served {
        tracing::debug!(%error, "a connection ended");
        // hyper has answered a request that is not HTTP, too, and the peer must be able to read that.
        if error.is_parse() {
            Box::pin(close(serving.into_parts().io.into_inner().into_inner(), &stop)).await;
        }
        return;
    }
    let Parts { io, read_buf, .. } = serving.into_parts();
    let stream = io.into_inner().into_inner();
    let upgrade = taken_over.lock().take();
    match upgrade {
        Some(upgrade) => upgrade.start(stream.into_inner(), read_buf, permit),
        None => Box::pin(close(stream, &stop)).await,
    }
}

/// Ends a connection so that the peer can read the last response; at shutdown it does not wait for the peer. Callers
/// box the future: its state would otherwise be part of every open connection, of which there are thousands.
async fn close(mut stream: WriteDeadline<TcpStream>, stop: &CancellationToken) {
    if stop.is_cancelled() {
        // An error only says that the peer is gone already.
        return drop(stream.shutdown().await);
    }
    stop.run_until_cancelled(lingering_close::close(stream)).await;
}

/// Returns true if the peer caused the error, and not a lack of file descriptors.
fn is_peers(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
