//! `/api/user`: what belongs to the user who asks. The router calls it. It must never name another user's log: the chat
//! takes it from the caller's identity.

use axum::{Json, extract::State, http::StatusCode};

use super::rooms::Answer;
use crate::{
    protocol::{
        mark::{Marked, NewMark, UserState},
        members::Members,
        problem::Rejection,
    },
    server::{
        error::Error,
        http::extract::{
            body::{FromMembers, JsonBody},
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
