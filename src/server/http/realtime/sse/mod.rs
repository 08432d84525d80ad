//! A topic as server-sent events (WHATWG HTML, section 9.2): what the feed's and the rooms' streams have in common.
//!
//! A reader that keeps up is written to by the delivery of the topic, and the stream's task sleeps; it wakes when it
//! has to read for it, and for the signs of life. The stream ends on the server's stop with a `retry:` that spreads
//! the readers' return.

mod connection;

use std::sync::Arc;

use axum::{
    body::Bytes,
    http::{HeaderName, header},
    response::{IntoResponse, Response},
};

use self::connection::Connection;
use super::live_connection::Live;
use crate::{
    protocol::{cursor::Cursor, problem::Rejection},
    server::{
        auth::LiveSession,
        http::serve::upgrade::Upgrade,
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

/// What makes a topic's stream its own.
pub(crate) struct Followed {
    /// The log.
    pub(crate) subscription: Subscription,
    /// What the subscription rings.
    pub(crate) wakeup: Arc<Wakeup>,
    /// Whether the signs of life are events: scripts cannot hear comments.
    pub(crate) has_heartbeat: bool,
    /// The JSON of the first event.
    pub(crate) greeting: String,
    /// The cursor that was asked for, if it could not be honoured.
    pub(crate) lost: Option<Cursor>,
    /// The JSON that tells a reset to this cursor.
    pub(crate) reset: fn(&Subscription, &Cursor) -> String,
    /// Why the topic ended the reading; `None`: the reader may come back at once and read on.
    pub(crate) eviction: fn() -> Option<Rejection>,
    /// The block that tells why the reader is sent away.
    pub(crate) refusal: fn(Rejection) -> Bytes,
    /// The JSON that makes up for whispers that were missed.
    pub(crate) make_up: fn(&AppState, &Subscription) -> Option<String>,
    /// The reader's session, if they have one.
    pub(crate) admission: Option<LiveSession>,
    /// Being in the room, if it is one and the reader is somebody.
    pub(crate) _presence: Option<PresenceGuard>,
}

/// Answers with the stream.
pub(crate) fn respond(state: &AppState, followed: Followed, live: Live) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-cache, no-transform"),
        (HeaderName::from_static("x-accel-buffering"), "no"), // nginx would collect the events
    ];
    let state = state.clone();
    let upgrade = Upgrade::new(move |stream, _, admitted| {
        let frame_writer = Arc::new(FrameWriter::new(stream, WireFormat::Block));
        let connections = state.lifetime.live.clone();
        connections.spawn(async move {
            Connection::new(state, followed, frame_writer).serve().await;
            drop((live, admitted));
        });
    });
    upgrade.body(headers.into_response())
}
