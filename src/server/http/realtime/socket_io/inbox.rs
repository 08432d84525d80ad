//! The events of a client that are not answered yet, in their order. `session` takes them. The engine calls a handler
//! for each event and lets them run side by side; here they wait for the session's one task, so that a message never
//! overtakes the join before it.

use std::{convert::Infallible, sync::Arc};

use serde_json::Value;
use socketioxide::{
    adapter::LocalAdapter,
    extract::{Event, TryData},
    handler::{self, FromConnectParts, FromMessageParts},
    socket::Socket,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use super::{PAYLOAD_MAX_BYTES, connection_context::ConnectionContext, outbox::Outgoing};
use crate::{
    protocol::{
        problem::{Code, Rejection},
        socket_io::ClientEvent,
    },
    server::{error::BUSY_RETRY_AFTER, limits::TooFast},
};

/// Events that may wait: more than a user's hundred messages at once.
const EVENTS_MAX: usize = 256;
/// Bytes of events that may wait: two of the largest events, or all 256 of two thousand bytes.
const WAITING_MAX_BYTES: usize = 2 * PAYLOAD_MAX_BYTES;

/// A namespace's socket, as the engine hands it out.
pub(super) struct Handle(pub(super) Arc<Socket>);

impl FromConnectParts<LocalAdapter> for Handle {
    type Error = Infallible;

    fn from_connect_parts(socket: &Arc<Socket>, _: &Option<handler::Value>) -> Result<Self, Infallible> {
        Ok(Self(socket.clone()))
    }
}

/// One event of a client.
pub(super) struct Received {
    pub(super) name: String,
    /// The first argument; `None` if it is missing or no JSON.
    data: Option<Value>,
    /// The number of the acknowledgement the client waits for, if it does.
    pub(super) ack: Option<i64>,
    bytes: usize,
}

impl Received {
    /// Parses the event. Fails if its name or its data are unknown.
    pub(super) fn parse(self) -> Result<ClientEvent, Rejection> {
        ClientEvent::parse(&self.name, self.data.unwrap_or_default())
    }
}

impl FromMessageParts<LocalAdapter> for Received {
    type Error = Infallible;

    fn from_message_parts(
        socket: &Arc<Socket>,
        value: &mut handler::Value,
        ack: &Option<i64>,
    ) -> Result<Self, Infallible> {
        let bytes = match value {
            handler::Value::Str(text, binaries) => {
                text.len() + binaries.iter().flatten().map(|binary| binary.len()).sum::<usize>()
            }
            handler::Value::Bytes(bytes) => bytes.len(),
        };
        let name = Event::from_message_parts(socket, value, ack).map(|Event(name)| name).unwrap_or_default();
        let Ok(TryData(data)) = TryData::<Value>::from_message_parts(socket, value, ack);
        Ok(Self { name, data: data.ok(), ack: *ack, bytes })
    }
}

/// The waiting events of one client, each with its permit of bytes.
pub(super) struct Inbox(mpsc::Receiver<(Received, OwnedSemaphorePermit)>);

impl Inbox {
    /// Collects the client's events from now on. `gone` is cancelled when the client disconnects.
    pub(super) fn open(socket: &Arc<Socket>, gone: CancellationToken) -> Self {
        let (sender, receiver) = mpsc::channel(EVENTS_MAX);
        let room = Arc::new(Semaphore::new(WAITING_MAX_BYTES));
        let context =
            ConnectionContext::of(socket.req_parts()).expect("a connection is opened with a context");
        socket.on_fallback(move |Handle(socket): Handle, received: Received| {
            match context.step() {
                Ok(()) => {
                    if let Err(received) = push(&sender, &room, received) {
                        reject(&socket, &received, too_much());
                    }
                }
                Err(TooFast { must_disconnect: false, rejection }) => reject(&socket, &received, rejection),
                Err(TooFast { must_disconnect: true, .. }) => disconnect(socket),
            }
            async {}
        });
        socket.on_disconnect(move || {
            gone.cancel();
            async {}
        });
        Self(receiver)
    }

    /// Takes the next event. Loses nothing when the future is dropped. Stays pending when the client is gone.
    pub(super) async fn next(&mut self) -> Received {
        match self.0.recv().await {
            Some((received, _)) => received,
            None => std::future::pending().await,
        }
    }
}

impl FromMessageParts<LocalAdapter> for Handle {
    type Error = Infallible;

    fn from_message_parts(
        socket: &Arc<Socket>,
        _: &mut handler::Value,
        _: &Option<i64>,
    ) -> Result<Self, Infallible> {
        Ok(Self(socket.clone()))
    }
}

/// Lets an event wait. Gives it back if too many are waiting already.
fn push(
    sender: &mpsc::Sender<(Received, OwnedSemaphorePermit)>,
    room: &Arc<Semaphore>,
    received: Received,
) -> Result<(), Received> {
    let bytes = u32::try_from(received.bytes).unwrap_or(u32::MAX);
    let Ok(permit) = room.clone().try_acquire_many_owned(bytes) else { return Err(received) };
    sender.try_send((received, permit)).map_err(|error| error.into_inner().0)
}

/// Rejects an event at once and not in its turn, because it has nowhere to wait. A client that takes no packets gets
/// none.
fn reject(socket: &Arc<Socket>, received: &Received, rejection: Rejection) {
    if let Err(error) = Outgoing::rejection(received.ack, None, rejection).send(socket) {
        tracing::debug!(%error, "cannot send a rejection");
    }
}

fn too_much() -> Rejection {
    let message = "Too many requests on this connection are waiting for an answer.";
    Rejection::new(Code::TooManyRequests, message).retry_after(BUSY_RETRY_AFTER)
}

/// Ends the namespace. A further event of the client in it ends its connection.
fn disconnect(socket: Arc<Socket>) {
    if let Err(error) = socket.disconnect() {
        // Impossible while the client takes nothing; then its heartbeat ends it.
        tracing::debug!(%error, "cannot disconnect a client that sends too fast yet");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(bytes: usize) -> Received {
        Received { name: "message".into(), data: None, ack: None, bytes }
    }

    #[tokio::test]
    async fn waiting_events_are_bounded_by_count_and_by_bytes_and_keep_their_order() {
        let (sender, mut receiver) = mpsc::channel(EVENTS_MAX);
        let room = Arc::new(Semaphore::new(WAITING_MAX_BYTES));
        for bytes in 0..EVENTS_MAX {
            assert!(push(&sender, &room, event(bytes)).is_ok(), "{bytes}");
        }
        assert!(push(&sender, &room, event(1)).is_err(), "there are as many as may wait");
        for bytes in 0..EVENTS_MAX {
            assert_eq!(receiver.recv().await.expect("one").0.bytes, bytes);
        }
        for _ in 0..2 {
            assert!(push(&sender, &room, event(PAYLOAD_MAX_BYTES)).is_ok());
        }
        assert!(push(&sender, &room, event(1)).is_err(), "there are as many bytes as may wait");
        drop(receiver.recv().await);
        assert!(push(&sender, &room, event(1)).is_ok(), "and there is room again");
    }
}
