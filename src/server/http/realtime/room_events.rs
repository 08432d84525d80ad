//! `GET /api/rooms/{room}/events`: a room as server-sent events, for readers without a WebSocket. The data are the
//! socket's frames; the durable ones carry their cursor as `id`. The router calls it, `sse` writes the stream.
//!
//! An authenticated reader is present in the room while the stream is open; an anonymous one must never be.

use std::sync::Arc;

use axum::{body::Bytes, extract::State, http::HeaderMap, response::Response};

use super::{
    live_connection::{Client, connect},
    sse::{Followed, UserStream, lost_cursor, respond},
};
use crate::{
    protocol::{chat::ServerFrame, cursor::Cursor, problem::Rejection},
    server::{
        chat::{Joined, encode_frame, reset_frame},
        error::Error,
        http::extract::{
            path::PathText,
            query::RoomQuery,
            user::{no_session, open_live_session},
        },
        log::{subscription::Subscription, topic::Wakeup, wire_format::sse_event},
        observability::metrics::Kind,
        state::AppState,
        store::TopicName,
    },
};

/// Joins the room and answers with its stream.
pub(crate) async fn get(
    State(state): State<AppState>,
    PathText(room): PathText,
    headers: HeaderMap,
    client: Client,
    RoomQuery(query): RoomQuery,
) -> Result<Response, Error> {
    let (start, user_start) = (query.start(&headers)?, query.user_start(&headers)?);
    let connection = connect(&state, Kind::Stream, &client)?;
    let session = open_live_session(&state, client.caller.as_ref()).await?;
    let wakeup = Arc::new(Wakeup::default());
    let Joined { frame, recovered, subscription, presence } =
        state.chat.join(&room, client.caller.as_ref(), start.clone(), wakeup.clone()).await?;
    let activity = client.follow_activity(&state, &query, &wakeup);
    let user = match user_start {
        Some(start) => {
            let caller = client.caller.as_ref().ok_or_else(no_session)?;
            let followed = state.chat.follow_user(caller, start.clone(), wakeup.clone()).await?;
            let lost = lost_cursor(&start, followed.recovered);
            Some(UserStream::new(followed, lost))
        }
        None => None,
    };
    let followed = Followed {
        subscription,
        wakeup,
        greeting: encode_frame(&frame),
        has_heartbeat: query.heartbeat,
        activity,
        lost: lost_cursor(&start, recovered),
        reset: encode_reset,
        eviction,
        rejection: encode_rejection,
        members: encode_members,
        session,
        user,
        _presence: presence,
    };
    Ok(respond(&state, followed, connection))
}

fn eviction(state: &AppState, subscription: &Subscription) -> Option<Rejection> {
    let TopicName::Room(room) = subscription.topic() else { return None };
    Some(state.rights.eviction_from(room))
}

fn encode_reset(subscription: &Subscription, cursor: &Cursor) -> String {
    let TopicName::Room(room) = subscription.topic() else { unreachable!("the chat joins rooms only") };
    encode_frame(&reset_frame(room.clone(), cursor.clone()))
}

/// The `rejected` frame of a socket, as an event.
fn encode_rejection(rejection: Rejection) -> Bytes {
    let Rejection { code, message, retry_after_ms } = rejection;
    let frame = ServerFrame::Rejected { room: None, id: None, code, message, retry_after_ms };
    sse_event(None, &encode_frame(&frame))
}

fn encode_members(state: &AppState, subscription: &Subscription) -> Option<String> {
    let TopicName::Room(room) = subscription.topic() else { return None };
    Some(state.chat.members_json(room))
}
