//! The handover of a connection after its last response, to a WebSocket or an event stream. A route attaches an
//! [`Upgrade`] to the response; when the response has been written, `accept` hands over the bare stream.
//!
//! HTTP's own machinery would cost such a connection more memory than everything else (hyper's buffers alone 16 kB),
//! and would stand between the topics and the system's write.

use std::sync::Arc;

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, Version, header},
    response::Response,
};
use bytes::Bytes;
use futures_util::stream;
use parking_lot::Mutex;
use tokio::net::TcpStream;

use crate::server::limits::connections::ConnectionPermit;

type OnUpgrade = Box<dyn FnOnce(TcpStream, Bytes, ConnectionPermit) + Send>;

/// A function that takes a connection over after its last response. It is `Clone` only because extensions of a response
/// have to be; all clones share the one function.
#[derive(Clone)]
pub(crate) struct Upgrade(Arc<Mutex<Option<OnUpgrade>>>);

impl Upgrade {
    /// `start` gets the stream, the bytes that the peer has already sent, and the permit to drop when the connection
    /// has ended; it spawns the connection's task.
    pub(crate) fn new(start: impl FnOnce(TcpStream, Bytes, ConnectionPermit) + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(Some(Box::new(start)))))
    }

    /// Attaches it to `response`, which becomes a `101 Switching Protocols` (RFC 9110, 15.2.2).
    pub(crate) fn switching_protocols(self, mut response: Response) -> Response {
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        response.extensions_mut().insert(self);
        response
    }

    /// Attaches it to a response whose body it will write: one that lasts until the connection is closed (RFC 9112,
    /// 6.3, case 8). Only such a body has no framing of its own, and the version HTTP/1.0 tells hyper to add none.
    pub(crate) fn body(self, mut response: Response) -> Response {
        // A body of unknown length, of which hyper writes nothing.
        *response.body_mut() = Body::from_stream(stream::empty::<Result<Bytes, std::io::Error>>());
        *response.version_mut() = Version::HTTP_10;
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        response.extensions_mut().insert(self);
        response
    }

    /// Hands the connection over. Only the first call does anything.
    pub(crate) fn start(self, stream: TcpStream, received: Bytes, permit: ConnectionPermit) {
        let start = self.0.lock().take();
        if let Some(start) = start {
            start(stream, received, permit);
        }
    }
}
