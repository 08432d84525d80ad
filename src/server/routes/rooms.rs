//! `/api/rooms`: the rooms and their talk over plain HTTP.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};

use super::{
    body::JsonBody,
    page_query::{ParsedQuery, RawPageQuery, answer, count_poll, cut_short, return_member},
    path::PathText,
    visitor::{Visitor, verified},
};
use crate::{
    protocol::{
        chat::{Message, NewMessage, NewRoom, Room},
        name::RoomId,
    },
    server::{auth::Verified, error::Error, hub::PageQuery, state::AppState},
};

/// All rooms.
pub(super) async fn list(State(state): State<AppState>) -> Result<Json<Vec<Room>>, Error> {
    Ok(Json(state.chat.rooms().await?))
}

/// Makes a room.
pub(super) async fn create(
    State(state): State<AppState>,
    Visitor(_): Visitor,
    JsonBody(NewRoom { name }): JsonBody<NewRoom>,
) -> Result<(StatusCode, Json<Room>), Error> {
    Ok((StatusCode::CREATED, Json(state.chat.create_room(&name).await?)))
}

/// A page of what was said.
pub(super) async fn messages(
    State(state): State<AppState>,
    PathText(room): PathText,
    headers: HeaderMap,
    ParsedQuery(query): ParsedQuery<RawPageQuery>,
) -> Result<Response, Error> {
    let room = state.chat.room(&room).await?;
    let seen = query.seen.clone();
    let (query, limit) = query.parse()?;
    let _counted = count_poll(&state, &query)?;
    if let Some(seen) = seen {
        return poll(&state, &room, verified(&state.sessions, &headers), query, limit, &seen).await;
    }
    let (page, more_members) = tokio::select! {
        page = state.chat.page(&room, query.clone(), limit) => (page?, String::new()),
        () = state.lifetime.stop.cancelled(), if query.waits() => (cut_short(&query), return_member()),
    };
    Ok(answer(&state, "messages", &page, &more_members))
}

/// A room for who has neither a socket nor a stream, see [`crate::protocol::chat::Polled`].
async fn poll(
    state: &AppState,
    room: &RoomId,
    visitor: Option<Verified>,
    query: PageQuery,
    limit: usize,
    seen: &str,
) -> Result<Response, Error> {
    let user = visitor.map(|verified| verified.user);
    let (page, presence, retry) = tokio::select! {
        polled = state.chat.poll(room, user.as_ref(), query.clone(), limit, seen) => {
            let (page, presence) = polled?;
            (page, presence, String::new())
        }
        () = state.lifetime.stop.cancelled(), if query.waits() => {
            (cut_short(&query), state.chat.presence_state(room), return_member())
        }
    };
    let presence = serde_json::to_string(&presence).expect("plain data");
    let members = presence.trim_start_matches('{').trim_end_matches('}');
    Ok(answer(state, "messages", &page, &format!(",{members}{retry}")))
}

/// "I am typing", for who has no socket. The room must be followed by a stream or by polls with `seen`.
pub(super) async fn typing(
    State(state): State<AppState>,
    Visitor(user): Visitor,
    PathText(room): PathText,
) -> Result<StatusCode, Error> {
    let room = state.chat.room(&room).await?;
    state.chat.typing(&room, &user)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Says something: 201, or 200 when this id had been said before.
pub(super) async fn post(
    State(state): State<AppState>,
    Visitor(user): Visitor,
    PathText(room): PathText,
    JsonBody(NewMessage { id, text }): JsonBody<NewMessage>,
) -> Result<(StatusCode, Json<Message>), Error> {
    let room = state.chat.room(&room).await?;
    let (message, is_new) = state.chat.post(&room, &user, &id, &text).await?;
    Ok((if is_new { StatusCode::CREATED } else { StatusCode::OK }, Json(message)))
}
