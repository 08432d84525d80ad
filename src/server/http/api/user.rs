//! `/api/user`: what belongs to the user who asks. The router calls it. It must never name another user's log: the chat
//! takes it from the caller's identity.

use axum::{Json, extract::State, http::StatusCode};
use serde::Deserialize;

use super::rooms::Answer;
use crate::{
    protocol::{
        mark::{Marked, NewMark, UserState},
        members::Members,
        mention_list::MentionPage,
        problem::{Code, Rejection},
    },
    server::{
        error::Error,
        http::extract::{
            body::{FromMembers, JsonBody},
            query::Lenient,
            user::AuthenticatedUser,
        },
        state::AppState,
    },
};

/// Answers with the marks of the caller, and with what is unread in each room that they may enter.
pub(crate) async fn show(
    State(state): State<AppState>,
    AuthenticatedUser(identity): AuthenticatedUser,
) -> Result<Json<UserState>, Error> {
    Ok(Json(state.chat.user_state(&identity).await?))
}

/// Messages in an answer that asks for no number, and on the page of mentions: two screens of a wide window.
pub(crate) const MENTIONS_DEFAULT: usize = 50;
/// Most messages in an answer.
const MENTIONS_MAX: usize = 100;

/// The query of `GET /api/user/mentions`.
#[derive(Deserialize)]
pub(crate) struct MentionsQuery {
    /// The `next` of another answer.
    before: Option<String>,
    limit: Option<usize>,
}

/// Answers with the newest messages that mention the caller.
pub(crate) async fn mentions(
    State(state): State<AppState>,
    AuthenticatedUser(identity): AuthenticatedUser,
    Lenient(MentionsQuery { before, limit }): Lenient<MentionsQuery>,
) -> Result<Json<MentionPage>, Error> {
    let bad = |()| Rejection::new(Code::BadCursor, "before must be the next of another answer.");
    let before = before.map(|text| text.parse().map_err(bad)).transpose()?;
    let limit = limit.unwrap_or(MENTIONS_DEFAULT).clamp(1, MENTIONS_MAX);
    Ok(Json(state.chat.mentions(&identity, before.as_ref(), limit).await?))
}

/// Notes a sign of the caller, who is not away: 204.
pub(crate) async fn active(
    State(state): State<AppState>,
    AuthenticatedUser(identity): AuthenticatedUser,
) -> StatusCode {
    state.chat.note_sign(&identity.user);
    StatusCode::NO_CONTENT
}

/// The body of a mark.
pub(crate) struct MarkBody {
    mark: NewMark,
    ignored: Vec<String>,
}

impl FromMembers for MarkBody {
    fn from_members(members: &mut Members) -> Result<Self, Rejection> {
        let mark = NewMark::from_members(members)?;
        Ok(Self { mark, ignored: members.ignored() })
    }
}

/// Stores a mark: 201, or 200 if it changes nothing or one with this id was stored before.
pub(crate) async fn mark(
    State(state): State<AppState>,
    AuthenticatedUser(identity): AuthenticatedUser,
    JsonBody(MarkBody { mark, ignored }): JsonBody<MarkBody>,
) -> Result<(StatusCode, Json<Answer<Marked>>), Error> {
    let (marked, is_new) = state.chat.mark(&identity, mark).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(Answer::new(marked, ignored))))
}
