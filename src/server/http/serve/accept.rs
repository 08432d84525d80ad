//! Accepts connections and serves HTTP/1.1 on each, one task a connection, until one goes on as something else
//! (see [`Upgrade`]).
//!
//! Not by `axum::serve`, because it leaves open how much a connection may hold and how long it may be stuck: hyper
//! by itself collects 400 kB for a reader that does not read.

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

/// What hyper may collect of a request's head and of an answer that the peer does not take yet.
const BUFFER_BYTES: usize = 16 * 1024;
/// A connection that is idle for so long is closed: longer than proxies keep theirs, which would otherwise send a
/// request into the closing. For a head that has begun there is `--head-timeout`.
const IDLE_TIMEOUT: Duration = Duration::from_secs(75);
/// Written and not on its way yet.
const UNSENT_BYTES: u32 = 32 * 1024;
/// When the system has no more file descriptors: accepting at once again would only burn time.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(500);

/// Who comes in, and how long what they do may take.
pub(crate) struct ServeOptions {
    /// How many connections there may be.
    pub(crate) connection_limiter: ConnectionLimiter,
    /// See [`HeadDeadline`].
    pub(crate) head_timeout: Duration,
    /// See [`WriteDeadline`].
    pub(crate) write_timeout: Duration,
}

/// Serves until `stop`, then waits until every connection has ended.
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
                let Some(permit) = options.connection_limiter.admit(address.ip()) else { continue };
                prepare(&stream, options.write_timeout);
                let stream = WriteDeadline::new(stream, options.write_timeout);
                let phase = RequestPhase::default();
                let stream = HeadDeadline::new(stream, options.head_timeout, phase.clone());
                let accepted = Accepted { stream, phase, address, permit };
                connections.spawn(connection(accepted, router.clone(), stop.clone()));
            }
            // The peer had gone before it was accepted.
            Err(error) if is_peers(&error) => {}
            Err(error) => {
                tracing::error!(%error, "a connection could not be accepted");
                tokio::time::sleep(EXHAUSTED_PAUSE).await;
            }
        }
    }
    drop(listener); // new connections are refused from here on, not kept waiting
    connections.close();
    connections.wait().await;
}

fn prepare(stream: &TcpStream, write_timeout: Duration) {
    // Entries are small and written whole; waiting for more would only delay them.
    let no_delay = stream.set_nodelay(true);
    // What the system took from us and cannot deliver: a peer that is gone without a word.
    let socket = SockRef::from(stream);
    let no_answer = socket.set_tcp_user_timeout(Some(write_timeout));
    // The system takes no more than this ahead of the network, and asks for more when half of it has gone: a slow
    // reader holds little, and its progress is seen.
    let little_ahead = socket.set_tcp_notsent_lowat(UNSENT_BYTES);
    if let Err(error) = no_delay.and(no_answer).and(little_ahead) {
        tracing::debug!(%error, "a connection could not be set up fully");
    }
}

/// A connection that was let in.
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
        // What cannot be read as HTTP was answered, too.
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

/// Ends a connection. At the stop nobody is waited for. Called in a box: what it needs is no part of a connection that
/// is open, of which there are thousands.
async fn close(mut stream: WriteDeadline<TcpStream>, stop: &CancellationToken) {
    if stop.is_cancelled() {
        // The peer may be gone already; there is nobody left to tell.
        return drop(stream.shutdown().await);
    }
    stop.run_until_cancelled(lingering_close::close(stream)).await;
}

fn is_peers(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
