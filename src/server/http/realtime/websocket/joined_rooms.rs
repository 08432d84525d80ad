//! The rooms that one socket follows: join, leave, and reading for a reader that is not at the head. `frames` and
//! `event_loop` call it. It knows no frames of the client and must never check a right: the chat does.

use std::sync::Arc;

use super::JOINS_MAX;
use crate::{
    protocol::{
        chat::ServerFrame,
        cursor::Cursor,
        name::RoomId,
        problem::{Code, Rejection},
    },
    server::{
        auth::Identity,
        chat::{Chat, Joined, encode_frame, reset_frame},
        error::Error,
        http::realtime::catch_up::{Interruption, read_bytes},
        log::{
            frame_writer::FrameWriter, hub::StartFrom, subscription::Subscription, topic::Wakeup,
            wire_format::WireFormat,
        },
        observability::metrics::Metrics,
        presence::PresenceGuard,
        store::{StoreError, TopicName},
    },
};

/// A room that the socket follows. Dropping it leaves the room.
pub(super) struct JoinedRoom {
    pub(super) subscription: Subscription,
    _presence: Option<PresenceGuard>,
}

/// At most [`JOINS_MAX`] rooms, in the order of the joins.
#[derive(Default)]
pub(super) struct JoinedRooms(Vec<JoinedRoom>);

/// The result of [`JoinedRooms::deliver`].
pub(super) struct Delivered {
    /// Some room has more to read.
    pub(super) has_more: bool,
    /// Rooms that the user may not read any more; the socket has left them.
    pub(super) evicted: Vec<RoomId>,
}

impl JoinedRooms {
    /// Follows a room; joining one again starts anew from the given position. Returns the frames to send first.
    pub(super) async fn join(
        &mut self,
        chat: &Chat,
        room: &str,
        identity: &Identity,
        start: StartFrom,
        wakeup: &Arc<Wakeup>,
    ) -> Result<Vec<ServerFrame>, Error> {
        let id = chat.id_of(room)?;
        let index = self.0.iter().position(|joined| *joined.room() == id);
        if index.is_none() && self.0.len() >= JOINS_MAX {
            let message = format!("One socket can join at most {JOINS_MAX} rooms; leave one first.");
            return Err(Rejection::new(Code::TooManyJoins, message).into());
        }
        if let Some(index) = index {
            // Nothing of the room may come between now and its `joined`.
            self.0[index].subscription.detach_live();
        }
        let Joined { frame, recovered, subscription, presence } =
            chat.join(room, Some(identity), start, wakeup.clone()).await?;
        let joined = JoinedRoom { subscription, _presence: presence };
        let reset = (!recovered).then(|| reset_frame(joined.room().clone(), joined.subscription.cursor()));
        match index {
            Some(index) => self.0[index] = joined,
            None => self.0.push(joined),
        }
        Ok([Some(frame), reset].into_iter().flatten().collect())
    }

    /// Leaves a room. Fails with `not_joined` if the socket does not follow it.
    pub(super) fn leave(&mut self, chat: &Chat, room: &str) -> Result<(), Rejection> {
        let (id, _) = self.find(chat, room)?;
        self.0.retain(|joined| *joined.room() != id);
        Ok(())
    }

    /// Leaves all rooms.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Leaves the rooms that are closed to the user, and returns them.
    pub(super) fn leave_closed(&mut self, is_closed: impl Fn(&RoomId) -> bool) -> Vec<RoomId> {
        let left = self.0.extract_if(.., |joined| is_closed(joined.room()));
        left.map(|joined| joined.room().clone()).collect()
    }

    /// The room that a frame names. Fails with `not_joined` if the socket does not follow it.
    pub(super) fn find(&self, chat: &Chat, room: &str) -> Result<(RoomId, &JoinedRoom), Rejection> {
        let id = chat.id_of(room)?;
        let joined = self.0.iter().find(|joined| *joined.room() == id);
        joined
            .map(|joined| (id, joined))
            .ok_or_else(|| Rejection::new(Code::NotJoined, "Join the room first."))
    }

    /// Writes one batch of each room that has something for this reader, and attaches live delivery to the others.
    pub(super) async fn deliver(
        &mut self,
        chat: &Chat,
        metrics: &Metrics,
        frame_writer: &Arc<FrameWriter>,
    ) -> Result<Delivered, StoreError> {
        let mut delivered = Delivered { has_more: false, evicted: Vec::new() };
        for joined in &mut self.0 {
            match joined.read(chat, metrics).await {
                Ok(Some(frames)) => {
                    delivered.has_more = true;
                    frame_writer.write(&frames);
                }
                Ok(None) => joined.subscription.attach_live(frame_writer),
                Err(Interruption::Evicted) => delivered.evicted.push(joined.room().clone()),
                Err(Interruption::Failed(error)) => return Err(error),
            }
        }
        self.0.retain(|joined| !delivered.evicted.contains(joined.room()));
        Ok(delivered)
    }
}

impl JoinedRoom {
    fn room(&self) -> &RoomId {
        let TopicName::Room(room) = self.subscription.topic() else {
            unreachable!("the chat joins rooms only")
        };
        room
    }

    /// The next frames in one chunk, `None` when there are none.
    async fn read(&mut self, chat: &Chat, metrics: &Metrics) -> Result<Option<Vec<u8>>, Interruption> {
        let room = self.room().clone();
        let members = |_: &Subscription| Some(chat.members_json(&room));
        let reset =
            |_: &Subscription, cursor: &Cursor| encode_frame(&reset_frame(room.clone(), cursor.clone()));
        read_bytes(&mut self.subscription, WireFormat::WebSocket, metrics, members, reset).await
    }
}
