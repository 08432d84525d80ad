//! `PATCH` and `DELETE /api/rooms/{room}`: a room is renamed, described, archived, taken back and removed. The router calls
//! it. It must never check a right by itself: the chat does.

use axum::{Json, extract::State, http::StatusCode};

use crate::{
    protocol::{chat::Room, members::Members, problem::Rejection},
    server::{
        chat::RoomChange,
        error::Error,
        http::extract::{
            actor::Acting,
            body::{FromMembers, JsonBody},
            path::PathText,
        },
        state::AppState,
    },
};

/// The body of `PATCH /api/rooms/{room}`.
pub(crate) struct ChangeBody(RoomChange);

impl FromMembers for ChangeBody {
    fn from_members(members: &mut Members) -> Result<Self, Rejection> {
        const KNOWN: [&str; 3] = ["name", "topic", "archived"];
        let name = members.text(&["name"])?;
        // An empty one takes the topic away.
        let topic = members.verbatim_or_empty("topic")?;
        let archived = members.truth("archived")?;
        members.reject_unknown(&KNOWN, |_| true)?;
        if name.is_none() && topic.is_none() && archived.is_none() {
            return Err(members.missing(&KNOWN));
        }
        Ok(Self(RoomChange { name, topic, archived }))
    }
}

/// Changes a room: 200 with the room.
pub(crate) async fn change(
    State(state): State<AppState>,
    Acting(actor): Acting,
    PathText(room): PathText,
    JsonBody(ChangeBody(change)): JsonBody<ChangeBody>,
) -> Result<Json<Room>, Error> {
    let room = state.chat.room(&room, actor.identity.as_ref()).await?;
    Ok(Json(state.chat.change_room(&room, &actor, change).await?))
}

/// Removes a room with everything in it: 204.
pub(crate) async fn remove(
    State(state): State<AppState>,
    Acting(actor): Acting,
    PathText(room): PathText,
) -> Result<StatusCode, Error> {
    let room = state.chat.room(&room, actor.identity.as_ref()).await?;
    state.chat.remove_room(&room, &actor).await?;
    Ok(StatusCode::NO_CONTENT)
}
