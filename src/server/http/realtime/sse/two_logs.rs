//! A stream of two logs: a room's, and beside it the reader's own. Each event has both cursors as its id, `ROOM;USER`,
//! so that a browser which reconnects resumes both. Such an id is one reader's own: nothing is shared with other
//! readers, so live delivery is never attached, and the stream's task writes each event itself.

use bytes::Bytes;

use crate::{
    protocol::{chat::ServerFrame, cursor::Cursor},
    server::{
        chat::{FollowedUser, encode_frame, user_reset_frame},
        http::realtime::catch_up::{Interruption, read_updates},
        log::{
            subscription::Subscription,
            topic::{Update, Updates},
            wire_format::{WireFormat, sse_event, sse_event_at},
        },
        state::AppState,
    },
};

/// The reader's own log in a stream.
pub(crate) struct UserStream {
    subscription: Subscription,
    /// The first frame of the log.
    frame: ServerFrame,
    /// The cursor that was asked for, if it could not be honoured.
    lost: Option<Cursor>,
    /// The cursors of the two logs up to which everything was written.
    written: Option<(Cursor, Cursor)>,
}

/// The texts of a log's events that are no entries.
struct Texts<'a> {
    /// The JSON of a reset to a cursor.
    reset: &'a dyn Fn(&Cursor) -> String,
    /// The JSON of the whole list of members.
    members: &'a dyn Fn() -> Option<String>,
}

impl UserStream {
    /// A stream of this log. `lost` is the cursor that was asked for, if it could not be honoured.
    pub(crate) fn new(followed: FollowedUser, lost: Option<Cursor>) -> Self {
        let FollowedUser { frame, subscription, .. } = followed;
        Self { subscription, frame, lost, written: None }
    }

    /// The id of an event when both logs were written up to these cursors.
    fn id(room: &Cursor, user: &Cursor) -> String {
        format!("{room};{user}")
    }

    /// The id of an event now. `room` is the room's cursor.
    pub(super) fn id_now(&self, room: &Cursor) -> String {
        match &self.written {
            Some((room, user)) => Self::id(room, user),
            None => Self::id(room, self.lost.as_ref().unwrap_or(&self.subscription.cursor())),
        }
    }

    /// The first events of the stream: those of the room, then those of the reader's own log. A log that is to be reset
    /// keeps its old cursor until its reset, as in a stream of one.
    pub(super) fn greet(
        &mut self,
        (room, lost): (Cursor, Option<Cursor>),
        greeting: &str,
        reset: &dyn Fn(&Cursor) -> String,
    ) -> Vec<u8> {
        let user = self.subscription.cursor();
        let before = self.lost.as_ref().unwrap_or(&user);
        let first = Self::id(lost.as_ref().unwrap_or(&room), before);
        let mut events = sse_event_at(&first, greeting).to_vec();
        if lost.is_some() {
            events.extend_from_slice(&sse_event_at(&Self::id(&room, before), &reset(&room)));
        }
        events.extend_from_slice(&sse_event_at(&Self::id(&room, before), &encode_frame(&self.frame)));
        if self.lost.take().is_some() {
            let reset = encode_frame(&user_reset_frame(user.clone()));
            events.extend_from_slice(&sse_event_at(&Self::id(&room, &user), &reset));
        }
        self.written = Some((room, user));
        events
    }

    /// Reads the next batch of each log as one chunk. `None`: there was nothing.
    pub(super) async fn read(
        &mut self,
        room: &mut Subscription,
        state: &AppState,
        members: fn(&AppState, &Subscription) -> Option<String>,
        reset: fn(&Subscription, &Cursor) -> String,
    ) -> Result<Option<Vec<u8>>, Interruption> {
        let (mut chunk, metrics) = (Vec::new(), &state.metrics);
        let (mut room_at, mut user_at) =
            self.written.take().unwrap_or_else(|| (room.cursor(), self.subscription.cursor()));
        if let Some(updates) = read_updates(room, metrics).await? {
            let (user_at, room) = (&user_at, &*room);
            let texts = Texts { reset: &|cursor| reset(room, cursor), members: &|| members(state, room) };
            write(&mut chunk, &updates, room, &texts, |cursor| Self::id(cursor, user_at));
            room_at = room.cursor();
        }
        if let Some(updates) = read_updates(&mut self.subscription, metrics).await? {
            let texts =
                Texts { reset: &|cursor| encode_frame(&user_reset_frame(cursor.clone())), members: &|| None };
            write(&mut chunk, &updates, &self.subscription, &texts, |cursor| Self::id(&room_at, cursor));
            user_at = self.subscription.cursor();
        }
        self.written = Some((room_at, user_at));
        Ok((!chunk.is_empty()).then_some(chunk))
    }
}

/// Writes the items of one log. `id` is that of an event at a cursor of this log.
fn write(
    chunk: &mut Vec<u8>,
    updates: &Updates,
    log: &Subscription,
    texts: &Texts<'_>,
    id: impl Fn(&Cursor) -> String,
) {
    for update in updates.in_order() {
        let event: Bytes = match update {
            Update::Ephemeral(frame) => frame.bytes(WireFormat::Sse).clone(),
            Update::EphemeralsMissed => match (texts.members)() {
                Some(json) => sse_event(None, &json),
                None => continue,
            },
            Update::Entry(entry) => {
                let json = entry.encoded.json();
                sse_event_at(&id(&log.cursor_at(entry.offset)), &String::from_utf8_lossy(&json))
            }
            Update::Reset(cursor) => sse_event_at(&id(cursor), &(texts.reset)(cursor)),
        };
        chunk.extend_from_slice(&event);
    }
}
