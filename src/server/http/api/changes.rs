//! `/api/rooms/{room}/messages/{offset}/…` and `/api/rooms/{room}/pins`: changes of a message, its earlier texts, the
//! colours of its code, and the pinned messages. The router calls it. It must
//! never check a right by itself: the chat does.

use axum::{Json, extract::State, http::StatusCode};
use serde::Serialize;

use super::rooms::Answer;
use crate::{
    protocol::{
        change::{MessageChanged, NewChange},
        chat::Message,
        cursor::Offset,
        members::Members,
        pin::Pins,
        problem::{Code, Rejection},
    },
    server::{
        chat::EarlierText,
        error::Error,
        http::extract::{
            body::{FromMembers, JsonBody},
            path::{PathPair, PathText},
            user::MaybeUser,
            writer::Writer,
        },
        markdown::{code_blocks, highlight::highlight},
        state::AppState,
    },
};

/// The body of a change.
pub(crate) struct ChangeBody {
    change: NewChange,
    ignored: Vec<String>,
}

impl FromMembers for ChangeBody {
    fn from_members(members: &mut Members) -> Result<Self, Rejection> {
        let change = NewChange::from_members(members)?;
        Ok(Self { change, ignored: members.ignored() })
    }
}

/// Changes a message: 201, or 200 if a change with this id was made before.
pub(crate) async fn change(
    State(state): State<AppState>,
    writer: Writer,
    PathPair(room, message): PathPair,
    JsonBody(ChangeBody { change, ignored }): JsonBody<ChangeBody>,
) -> Result<(StatusCode, Json<Answer<MessageChanged>>), Error> {
    writer.check_change(change.kind)?;
    let (room, identity) = writer.in_room(&state, &room).await?;
    let (changed, is_new) = state.chat.change(&room, &identity, offset_of(&message)?, change).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(Answer::new(changed, ignored))))
}

/// The earlier texts of a message.
#[derive(Serialize)]
pub(crate) struct Edits {
    /// Oldest first.
    edits: Vec<EarlierText>,
}

/// Lists the earlier texts of a message, oldest first.
pub(crate) async fn edits(
    State(state): State<AppState>,
    MaybeUser(caller): MaybeUser,
    PathPair(room, message): PathPair,
) -> Result<Json<Edits>, Error> {
    let room = state.chat.room(&room, caller.as_ref()).await?;
    let (_, edits) = state.chat.message(&room, caller.as_ref(), offset_of(&message)?).await?;
    Ok(Json(Edits { edits }))
}

/// The colours of a message's code.
#[derive(Serialize)]
pub(crate) struct HighlightedCode {
    /// The HTML of each block of code, in their order; `null` for one in no known language.
    blocks: Vec<Option<String>>,
}

/// Highlights the code of a message.
pub(crate) async fn code(
    State(state): State<AppState>,
    MaybeUser(caller): MaybeUser,
    PathPair(room, message): PathPair,
) -> Result<Json<HighlightedCode>, Error> {
    let room = state.chat.room(&room, caller.as_ref()).await?;
    let (message, _) = state.chat.message(&room, caller.as_ref(), offset_of(&message)?).await?;
    Ok(Json(HighlightedCode { blocks: highlight(code_blocks(&message.text)).await }))
}

/// Lists the pinned messages of a room.
pub(crate) async fn pins(
    State(state): State<AppState>,
    MaybeUser(caller): MaybeUser,
    PathText(room): PathText,
) -> Result<Json<Pins<Message>>, Error> {
    let room = state.chat.room(&room, caller.as_ref()).await?;
    Ok(Json(state.chat.pins(&room, caller.as_ref()).await?))
}

/// The offset in an address.
pub(in crate::server::http) fn offset_of(message: &str) -> Result<Offset, Rejection> {
    let offset = message.parse();
    offset.map_err(|_| Rejection::new(Code::UnknownMessage, "A message's address has its offset, a number."))
}
