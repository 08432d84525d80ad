//! `/api/rooms`: the rooms and their talk over plain HTTP.

use axum::{Json, extract::State, http::StatusCode, response::Response};

use super::{
    body::JsonBody,
    page_query::{ParsedQuery, RawPageQuery, answer, count_poll, cut_short},
    path::PathText,
    visitor::Visitor,
};
use crate::{
    protocol::chat::{Message, NewMessage, NewRoom, Room},
    server::{error::Error, state::AppState},
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
    ParsedQuery(query): ParsedQuery<RawPageQuery>,
) -> Result<Response, Error> {
    let room = state.chat.room(&room).await?;
    let (query, limit) = query.parse()?;
    let _counted = count_poll(&state, &query)?;
    let page = tokio::select! {
        page = state.chat.page(&room, query.clone(), limit) => page?,
        () = state.lifetime.stop.cancelled(), if query.waits() => cut_short(&query),
    };
    Ok(answer(&state, "messages", &page))
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
