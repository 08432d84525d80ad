//! The packets for a client that the engine has not taken yet. `session` flushes them. The engine's buffer holds a
//! number of packets and rejects more; those wait here and are tried again, and until they are gone nothing more may be
//! read from the log for this client. So a slow client costs one batch, and the rest stays behind its cursor.

use std::{collections::VecDeque, sync::Arc};

use serde_json::{Value, json};
use socketioxide::{
    SendError, SocketError,
    extract::AckSender,
    handler::{self, FromMessageParts},
    socket::Socket,
};

use crate::protocol::{name::RoomId, problem::Rejection};

/// One packet to a client.
#[derive(Debug, PartialEq)]
pub(super) struct Outgoing {
    /// The room of the packet: a client that was removed from it does not get the packet any more.
    pub(super) room: Option<RoomId>,
    content: Content,
}

#[derive(Debug, PartialEq)]
enum Content {
    Event {
        name: String,
        data: Value,
    },
    /// An event whose first argument is an id alone, as the seed's `user-joined`.
    IdEvent {
        name: String,
        id: String,
        data: Value,
    },
    /// The answer to an event that asked for one by this number.
    Answer {
        ack: i64,
        data: Value,
    },
}

impl Outgoing {
    /// An event.
    pub(super) fn event(room: Option<RoomId>, name: impl Into<String>, data: Value) -> Self {
        Self { room, content: Content::Event { name: name.into(), data } }
    }

    /// An event of a room with two arguments, the first an id.
    pub(super) fn id_event(room: RoomId, name: String, id: String, data: Value) -> Self {
        Self { room: Some(room), content: Content::IdEvent { name, id, data } }
    }

    /// An answer; `None` if the client asked for none.
    pub(super) fn answer(ack: Option<i64>, data: Value) -> Option<Self> {
        ack.map(|ack| Self { room: None, content: Content::Answer { ack, data } })
    }

    /// A rejection: the answer `{error}` if the client asked for one, the event `rejected` if not.
    pub(super) fn rejection(ack: Option<i64>, room: Option<&RoomId>, rejection: Rejection) -> Self {
        let Rejection { code, message, retry_after_ms } = rejection;
        let mut error = json!({ "code": code, "message": message });
        if let Some(wait_ms) = retry_after_ms {
            error["retry_after_ms"] = wait_ms.into();
        }
        if let Some(ack) = ack {
            return Self { room: None, content: Content::Answer { ack, data: json!({ "error": error }) } };
        }
        if let Some(room) = room {
            error["room"] = room.as_str().into();
        }
        Self::event(None, "rejected", error)
    }

    /// Gives the packet to the engine. Fails if the engine has no room for it.
    pub(super) fn send(&self, socket: &Arc<Socket>) -> Result<(), SendError> {
        match &self.content {
            Content::Event { name, data } => socket.emit(name, data),
            Content::IdEvent { name, id, data } => socket.emit(name, &(id, data)),
            Content::Answer { ack, data } => {
                let mut nothing = handler::Value::Bytes(Default::default());
                let Ok(sender) = AckSender::from_message_parts(socket, &mut nothing, &Some(*ack));
                sender.send(data)
            }
        }
    }
}

/// The result of a flush.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Flushed {
    /// The engine has taken everything.
    All,
    /// The engine's buffer is full.
    Full,
    /// The client is gone.
    Closed,
}

/// The packets of one client, in their order.
#[derive(Default)]
pub(super) struct Outbox(VecDeque<Outgoing>);

impl Outbox {
    /// Appends a packet.
    pub(super) fn push(&mut self, outgoing: Outgoing) {
        self.0.push_back(outgoing);
    }

    /// Drops the packets that were not taken.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Gives the engine the packets that it takes, and drops those of rooms that are not open to the client any more.
    pub(super) fn flush(&mut self, socket: &Arc<Socket>, is_open: impl Fn(&RoomId) -> bool) -> Flushed {
        while let Some(outgoing) = self.0.front() {
            if outgoing.room.as_ref().is_none_or(&is_open) {
                match outgoing.send(socket) {
                    Ok(()) => {}
                    Err(SendError::Socket(SocketError::InternalChannelFull)) => return Flushed::Full,
                    Err(SendError::Socket(SocketError::Closed)) => return Flushed::Closed,
                    Err(SendError::Serialize(error)) => tracing::error!(%error, "cannot encode a packet"),
                }
            }
            self.0.pop_front();
        }
        Flushed::All
    }
}
