//! A topic as server-sent events (WHATWG HTML, section 9.2): the common part of the feed's and the rooms' streams.
//! `feed_events` and `room_events` call it; it must never know which of the two a topic is.
//!
//! Live delivery of the topic writes to a reader that keeps up, and the stream's task sleeps; it wakes when it has to
//! read for the reader, and for the keep-alives. The stream ends on the server's stop with a `retry:` that spreads the
//! readers' return.

mod connection;
mod two_logs;

use std::sync::Arc;

use axum::{
    body::Bytes,
    http::{HeaderName, header},
    response::{IntoResponse, Response},
};

use self::connection::Connection;
pub(crate) use self::two_logs::UserStream;
use crate::{
    protocol::{cursor::Cursor, problem::Rejection},
    server::{
        auth::LiveSession,
        chat::ActivityFollower,
        http::serve::upgrade::Upgrade,
        limits::LiveConnectionPermit,
        log::{
            frame_writer::FrameWriter, hub::StartFrom, subscription::Subscription, topic::Wakeup,
            wire_format::WireFormat,
        },
        presence::PresenceGuard,
        state::AppState,
    },
};

/// The cursor of a `start` that was not honoured.
pub(crate) fn lost_cursor(start: &StartFrom, recovered: bool) -> Option<Cursor> {
    match start {
        StartFrom::After(cursor) if !recovered => Some(cursor.clone()),
        StartFrom::After(_) | StartFrom::Last(_) | StartFrom::New => None,
    }
}

/// The parts in which a topic's stream differs from others.
pub(crate) struct Followed {
    /// The reader's view of the topic.
    pub(crate) subscription: Subscription,
    /// The wakeup that the subscription notifies.
    pub(crate) wakeup: Arc<Wakeup>,
    /// Keep-alives are events, too: scripts cannot hear comments.
    pub(crate) has_heartbeat: bool,
    /// The JSON of the first event.
    pub(crate) greeting: String,
    /// The cursor that was asked for, if it could not be honoured.
    pub(crate) lost: Option<Cursor>,
    /// The JSON of a reset to this cursor.
    pub(crate) reset: fn(&Subscription, &Cursor) -> String,
    /// The rejection of an evicted reader; `None`: the reader may come back at once and read on.
    pub(crate) eviction: fn(&AppState, &Subscription) -> Option<Rejection>,
    /// The event that tells the reader why the stream ends.
    pub(crate) rejection: fn(Rejection) -> Bytes,
    /// The JSON of the whole list of members, for a reader that missed ephemeral frames.
    pub(crate) members: fn(&AppState, &Subscription) -> Option<String>,
    /// Set if the reader wants to know what is unread in the rooms.
    pub(crate) activity: Option<ActivityFollower>,
    /// The reader's session, if they have one.
    pub(crate) session: Option<LiveSession>,
    /// The reader's own log, if the stream has it as well.
    pub(crate) user: Option<UserStream>,
    /// The presence in the room, if the topic is a room and the reader is authenticated.
    pub(crate) _presence: Option<PresenceGuard>,
}

/// Answers with the stream.
pub(crate) fn respond(state: &AppState, followed: Followed, live: LiveConnectionPermit) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-cache, no-transform"),
        (HeaderName::from_static("x-accel-buffering"), "no"), // nginx would collect the events
    ];
    let state = state.clone();
    let upgrade = Upgrade::new(move |stream, _, permit| {
        let frame_writer = Arc::new(FrameWriter::new(stream, WireFormat::Sse));
        let connections = state.lifetime.live.clone();
        connections.spawn(async move {
            Connection::new(state, followed, frame_writer).serve().await;
            drop((live, permit));
        });
    });
    upgrade.body(headers.into_response())
}
