//! One chat connection: what it follows, and what it does when something happens.

use std::sync::Arc;

use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::{
    CLOSE_TIMEOUT, JOINS_MAX, LAST_MAX, PING_INTERVAL, SILENCE_MAX, close,
    frame_reader::{Fault, FrameReader, Message},
};
use crate::{
    protocol::{
        chat::{ClientFrame, ServerFrame},
        cursor::Cursor,
        name::RoomId,
        problem::{Code, Rejection},
    },
    server::{
        auth::{Identity, LiveSession},
        chat::{Chat, Joined, encode_frame, reset_frame},
        error::Error,
        http::{
            extract::user::{no_session, revoked},
            realtime::{
                catch_up::{Interruption, not_a_member, read_piece},
                shutdown_retry::return_after_ms,
            },
        },
        limits::{FrameRateLimiter, Permit},
        log::{
            frame_writer::FrameWriter,
            hub::StartFrom,
            subscription::Subscription,
            topic::Wakeup,
            wire_format::{self, CLOSE, PING, WireFormat},
        },
        observability::metrics::Metrics,
        presence::PresenceGuard,
        state::AppState,
        store::TopicName,
    },
};

/// Somebody, as long as they may be connected.
pub(super) struct Holder {
    pub(super) identity: Identity,
    pub(super) admission: LiveSession,
    /// Their place among their own connections, if it was not taken with the request.
    pub(super) place: Option<Permit<String>>,
}

/// Why the connection ends. There is nothing to repair: the client resumes from its cursor.
#[derive(Debug)]
pub(super) enum End {
    /// The peer is gone.
    Gone,
    /// The peer closed, and is answered with this code.
    Closed(u16),
    /// We close, with this code.
    Close(u16),
}

/// What the connection's task wakes up for.
enum Event {
    Message(Message),
    Delivery,
    Heartbeat,
}

/// A room the connection follows. Dropping it leaves the room.
pub(super) struct JoinedRoom {
    subscription: Subscription,
    _presence: Option<PresenceGuard>,
}

/// What it holds, it holds for every open socket: there may be many thousands.
pub(super) struct Connection {
    pub(super) state: AppState,
    /// Whose socket it is. Until it is somebody's it can do nothing but become so.
    pub(super) holder: Option<Holder>,
    wakeup: Arc<Wakeup>,
    pub(super) frame_reader: FrameReader,
    pub(super) frame_writer: Arc<FrameWriter>,
    pub(super) pace: FrameRateLimiter,
    pub(super) rooms: Vec<JoinedRoom>,
}

impl Connection {
    pub(super) fn new(
        state: AppState,
        holder: Option<Holder>,
        frame_writer: Arc<FrameWriter>,
        frame_reader: FrameReader,
    ) -> Self {
        let pace = state.limits.pace();
        Self { state, holder, wakeup: Arc::default(), frame_reader, frame_writer, pace, rooms: Vec::new() }
    }

    /// Serves the socket until one side ends it.
    pub(super) async fn serve(mut self) {
        let end = self.run().await;
        let user_id = self.holder.as_ref().map(|holder| &holder.identity.user.id);
        tracing::debug!(user.id = user_id, ?end, "a socket ended");
        self.rooms.clear();
        // The peer may be gone already, or gone before it answers; there is nobody left to tell.
        drop(timeout(CLOSE_TIMEOUT, self.close(end)).await);
    }

    /// Ends the socket of who was somebody once.
    pub(super) async fn refuse(mut self) {
        drop(timeout(CLOSE_TIMEOUT, self.close(End::Close(close::NO_SESSION))).await);
    }

    async fn run(&mut self) -> End {
        let stop = self.state.lifetime.stop.clone();
        let mut heartbeat = interval(PING_INTERVAL);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Instant::now();
        let mut has_more = false;
        if self.holder.is_none()
            && let Err(end) = Box::pin(self.authenticate_first_frame()).await
        {
            return end;
        }
        loop {
            if self.frame_writer.is_full() {
                // Until the peer has taken this, it is not listened to: what it asks for would only come on top.
                match stop.run_until_cancelled(self.frame_writer.drain(self.state.write_timeout)).await {
                    None => return End::Close(close::GOING_AWAY),
                    Some(Err(_)) => return End::Gone,
                    Some(Ok(())) => heard = Instant::now(), // while we wrote, its silence said nothing
                }
            }
            let admission = self.holder.as_ref().map(|holder| &holder.admission);
            let event = tokio::select! {
                biased; // who may not go on says and gets nothing more
                () = revoked(admission) => return End::Close(close::NO_SESSION),
                () = stop.cancelled() => return End::Close(close::GOING_AWAY),
                _ = heartbeat.tick() => Ok(Event::Heartbeat),
                message = hear(&mut self.frame_reader, &self.frame_writer) => message.map(Event::Message),
                // A room that had more than one batch goes on in the next round, after the client was heard.
                () = async {}, if has_more => Ok(Event::Delivery),
                () = self.wakeup.notified() => Ok(Event::Delivery),
            };
            let done = match event {
                Ok(Event::Message(message)) => {
                    heard = Instant::now();
                    // In a box, so that what it takes to answer is not part of every idle connection.
                    Box::pin(self.on_message(message)).await
                }
                Ok(Event::Delivery) => self.deliver().await.map(|more| has_more = more),
                Ok(Event::Heartbeat) if heard.elapsed() > SILENCE_MAX => Err(End::Gone),
                Ok(Event::Heartbeat) => {
                    self.frame_writer.write(&wire_format::frame(PING, b""));
                    Ok(())
                }
                Err(end) => Err(end),
            };
            if let Err(end) = done {
                return end;
            }
        }
    }

    fn who(&self) -> Result<&Identity, Rejection> {
        self.holder.as_ref().map(|holder| &holder.identity).ok_or_else(no_session)
    }

    /// Ends the protocol in order, so that the peer reads the code.
    async fn close(&mut self, end: End) {
        let (code, is_answer) = match end {
            End::Gone => return,
            End::Closed(code) => (code, true),
            End::Close(code) => (code, false),
        };
        let mut payload = code.to_be_bytes().to_vec();
        if code == close::GOING_AWAY && !is_answer {
            payload.extend_from_slice(format!("retry {}", return_after_ms()).as_bytes());
        }
        self.frame_writer.write(&wire_format::frame(CLOSE, &payload));
        if self.frame_writer.drain(CLOSE_TIMEOUT).await.is_err() || is_answer {
            return;
        }
        // Waits for the answer. A connection that is dropped with something unread is reset, and the peer would
        // lose the close and its code.
        loop {
            match hear(&mut self.frame_reader, &self.frame_writer).await {
                Ok(Message::Close(_)) | Err(End::Gone) => return,
                Ok(_) => {}
                // What it sends makes no sense any more.
                Err(End::Close(_) | End::Closed(_)) => return self.frame_writer.closed().await,
            }
        }
    }

    pub(super) async fn on_frame(&mut self, frame: ClientFrame) {
        match frame {
            ClientFrame::Auth { token } => {
                if let Err(error) = self.authenticate(&token).await {
                    self.reject(None, None, error.into_rejection());
                }
            }
            ClientFrame::Join { room, after, last } => match self.join(&room, after, last).await {
                Ok(frames) => {
                    frames.iter().for_each(|frame| self.send(frame));
                    // What the cursor lacks is there already: nobody else announces it.
                    self.wakeup.ring();
                }
                Err(error) => {
                    self.reject(Some(room), None, error.into_rejection());
                    // A room that is followed already goes on as before.
                    self.wakeup.ring();
                }
            },
            ClientFrame::Leave { room } => match self.followed(&room) {
                Ok((id, _)) => self.rooms.retain(|following| *following.room() != id),
                Err(rejection) => self.reject(Some(room), None, rejection),
            },
            ClientFrame::Post { room, id, text } => match self.post(&room, &id, &text).await {
                Ok(frame) => self.send(&frame),
                Err(error) => self.reject(Some(room), Some(id), error.into_rejection()),
            },
            ClientFrame::Typing { room } => {
                if let Err(rejection) = self.say_typing(&room).await {
                    self.reject(Some(room), None, rejection);
                }
            }
            ClientFrame::Ping => self.send(&ServerFrame::Pong),
        }
    }

    /// Follows a room; joining one again starts anew from the given cursor.
    async fn join(
        &mut self,
        room: &str,
        after: Option<String>,
        last: Option<u32>,
    ) -> Result<Vec<ServerFrame>, Error> {
        let start = match (after, last) {
            (Some(after), _) => StartFrom::After(after.parse()?),
            (None, Some(last)) => StartFrom::Last(last.min(LAST_MAX) as usize),
            (None, None) => StartFrom::New,
        };
        self.who()?;
        let id = self.state.chat.id_of(room)?;
        let place = self.rooms.iter().position(|following| *following.room() == id);
        if place.is_none() && self.rooms.len() >= JOINS_MAX {
            let message = format!("One socket follows at most {JOINS_MAX} rooms; leave one first.");
            return Err(Rejection::new(Code::TooManyJoins, message).into());
        }
        if let Some(place) = place {
            // Nothing of the room may come between now and its `joined`.
            self.rooms[place].subscription.detach_live();
        }
        let who = self.who()?;
        let Joined { frame, recovered, subscription, presence } =
            self.state.chat.join(room, Some(who), start, self.wakeup.clone()).await?;
        let following = JoinedRoom { subscription, _presence: presence };
        let reset =
            (!recovered).then(|| reset_frame(following.room().clone(), following.subscription.cursor()));
        match place {
            Some(place) => self.rooms[place] = following,
            None => self.rooms.push(following),
        }
        Ok([Some(frame), reset].into_iter().flatten().collect())
    }

    async fn post(&self, room: &str, id: &str, text: &str) -> Result<ServerFrame, Error> {
        let who = self.who()?;
        let (room, following) = self.followed(room)?;
        if following.subscription.is_evicted() {
            return Err(not_a_member().into());
        }
        // Who posts is told so before the message itself comes; the bell lets it come.
        following.subscription.detach_live();
        self.wakeup.ring();
        let (message, _) = self.state.chat.post(&room, &who.user, id, text).await?;
        // The client's own spelling of the id, so that it finds its draft.
        Ok(ServerFrame::Posted {
            room,
            id: id.to_owned(),
            offset: message.offset,
            timestamp: message.timestamp,
        })
    }

    async fn say_typing(&self, room: &str) -> Result<(), Rejection> {
        let (room, _) = self.followed(room)?;
        self.state.chat.typing(&room, &self.who()?.user).await
    }

    fn followed(&self, room: &str) -> Result<(RoomId, &JoinedRoom), Rejection> {
        let id = self.state.chat.id_of(room)?;
        let following = self.rooms.iter().find(|following| *following.room() == id);
        following
            .map(|following| (id, following))
            .ok_or_else(|| Rejection::new(Code::NotJoined, "Join the room first."))
    }

    /// Writes one batch of what each room has for this reader. True: some room has more.
    async fn deliver(&mut self) -> Result<bool, End> {
        let mut has_more = false;
        let mut lost = Vec::new();
        for following in &mut self.rooms {
            match following.read(&self.state.chat, &self.state.metrics).await {
                Ok(Some(frames)) => {
                    has_more = true;
                    self.frame_writer.write(&frames);
                }
                Ok(None) => following.subscription.attach_live(&self.frame_writer),
                Err(Interruption::Evicted) => lost.push(following.room().clone()),
                Err(Interruption::Failed(error)) => {
                    tracing::error!(%error, "a socket ends because the store failed");
                    return Err(End::Close(close::INTERNAL_ERROR));
                }
            }
        }
        for room in lost {
            self.lose(&room, not_a_member());
        }
        Ok(has_more)
    }

    /// Leaves a room that is not open any more, and says why.
    pub(super) fn lose(&mut self, room: &RoomId, rejection: Rejection) {
        self.rooms.retain(|following| following.room() != room);
        self.reject(Some(room.as_str().to_owned()), None, rejection);
    }

    fn send(&self, frame: &ServerFrame) {
        self.frame_writer.write(&WireFormat::Frame.encode(None, &encode_frame(frame)));
    }

    pub(super) fn reject(&self, room: Option<String>, id: Option<String>, rejection: Rejection) {
        let Rejection { code, message, retry_after_ms } = rejection;
        self.send(&ServerFrame::Rejected { room, id, code, message, retry_after_ms });
    }
}

impl JoinedRoom {
    pub(super) fn room(&self) -> &RoomId {
        let TopicName::Room(room) = self.subscription.topic() else {
            unreachable!("the chat joins rooms only")
        };
        room
    }

    /// The next frames in one piece, `None` when there are none.
    async fn read(&mut self, chat: &Chat, metrics: &Metrics) -> Result<Option<Vec<u8>>, Interruption> {
        let room = self.room().clone();
        let make_up = |_: &Subscription| Some(chat.members_json(&room));
        let reset =
            |_: &Subscription, cursor: &Cursor| encode_frame(&reset_frame(room.clone(), cursor.clone()));
        read_piece(&mut self.subscription, WireFormat::Frame, metrics, make_up, reset).await
    }
}

/// Waits for the next message. Loses nothing when it is dropped.
pub(super) async fn hear(frame_reader: &mut FrameReader, frame_writer: &FrameWriter) -> Result<Message, End> {
    loop {
        match frame_reader.next() {
            Ok(Some(message)) => return Ok(message),
            Ok(None) => {}
            Err(Fault(code)) => return Err(End::Close(code)),
        }
        let is_open = match frame_writer.stream().readable().await {
            Ok(()) => frame_reader.fill(frame_writer.stream()),
            Err(error) => Err(error),
        };
        if !is_open.unwrap_or(false) {
            return Err(End::Gone);
        }
    }
}
