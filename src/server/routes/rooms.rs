//! `/api/rooms`: the rooms and their talk over plain HTTP.

use axum::{Json, extract::State, http::StatusCode, response::Response};

use super::{
    body::JsonBody,
    live::{Client, connect_poll},
    page_answer::{answer, cut_short, return_member},
    path::PathText,
    query::RoomQuery,
    visitor::{Caller, Visitor, admit, no_session, over},
};
use crate::{
    protocol::{
        chat::{Message, NewMessage, NewRoom, Room},
        name::RoomId,
    },
    server::{auth::Identity, error::Error, hub::PageQuery, state::AppState},
};

/// All rooms that the caller may enter.
pub(super) async fn list(
    State(state): State<AppState>,
    Caller(caller): Caller,
) -> Result<Json<Vec<Room>>, Error> {
    Ok(Json(state.chat.rooms(caller.as_ref()).await?))
}

/// Makes a room.
pub(super) async fn create(
    State(state): State<AppState>,
    Visitor(identity): Visitor,
    JsonBody(NewRoom { name, private }): JsonBody<NewRoom>,
) -> Result<(StatusCode, Json<Room>), Error> {
    Ok((StatusCode::CREATED, Json(state.chat.create_room(&identity, &name, private).await?)))
}

/// A page of what was said.
pub(super) async fn messages(
    State(state): State<AppState>,
    PathText(room): PathText,
    client: Client,
    RoomQuery(query): RoomQuery,
) -> Result<Response, Error> {
    let caller = client.caller.as_ref();
    let room = state.chat.room(&room, caller).await?;
    let seen = query.seen.clone();
    let (query, limit) = query.page()?;
    let _counted = connect_poll(&state, &query, &client)?;
    if let Some(seen) = seen {
        return poll(&state, &room, caller, query, limit, &seen).await;
    }
    let admission = admit(&state, caller.filter(|_| query.waits())).await?;
    let (page, more_members) = tokio::select! {
        biased; // who may not read any more gets nothing more
        () = over(admission.as_ref()) => return Err(no_session().into()),
        page = state.chat.page(&room, caller, query.clone(), limit) => (page?, String::new()),
        () = state.lifetime.stop.cancelled(), if query.waits() => (cut_short(&query), return_member()),
    };
    Ok(answer(&state, "messages", &page, &more_members))
}

/// A room for who has neither a socket nor a stream, see [`crate::protocol::chat::Polled`].
async fn poll(
    state: &AppState,
    room: &RoomId,
    caller: Option<&Identity>,
    query: PageQuery,
    limit: usize,
    seen: &str,
) -> Result<Response, Error> {
    let admission = admit(state, caller).await?;
    let (page, presence, retry) = tokio::select! {
        biased; // see above
        () = over(admission.as_ref()) => return Err(no_session().into()),
        polled = state.chat.poll(room, caller, query.clone(), limit, seen) => {
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
    Visitor(identity): Visitor,
    PathText(room): PathText,
) -> Result<StatusCode, Error> {
    let room = state.chat.room(&room, Some(&identity)).await?;
    state.chat.typing(&room, &identity.user).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Says something: 201, or 200 when this id had been said before.
pub(super) async fn post(
    State(state): State<AppState>,
    Visitor(identity): Visitor,
    PathText(room): PathText,
    JsonBody(NewMessage { id, text }): JsonBody<NewMessage>,
) -> Result<(StatusCode, Json<Message>), Error> {
    let room = state.chat.room(&room, Some(&identity)).await?;
    let (message, is_new) = state.chat.post(&room, &identity.user, &id, &text).await?;
    Ok((if is_new { StatusCode::CREATED } else { StatusCode::OK }, Json(message)))
}
