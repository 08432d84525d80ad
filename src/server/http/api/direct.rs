//! `/api/direct`: direct messages, and `/api/user/blocked`: the people from whom the caller takes none. The router calls it. It
//! must never check a right by itself: the chat does.

use axum::{Json, extract::State, http::StatusCode};

use super::rooms::Answer;
use crate::{
    protocol::{members::Members, problem::Rejection, session::User},
    server::{
        chat::Direct,
        error::Error,
        http::extract::{
            body::{FromMembers, JsonBody},
            path::PathText,
            user::AuthenticatedUser,
        },
        state::AppState,
    },
};

/// The body of `POST /api/direct`.
pub(crate) struct NewDirect {
    /// The ids of the others.
    user_ids: Vec<String>,
}

impl FromMembers for NewDirect {
    fn from_members(members: &mut Members) -> Result<Self, Rejection> {
        let user_ids = members.texts(&["user_ids", "users"])?;
        let user_ids = user_ids.ok_or_else(|| members.missing_or_misspelt(&["user_ids"]))?;
        members.reject_unknown(&["user_ids", "users"], |_| true)?;
        Ok(Self { user_ids })
    }
}

/// Lists the caller's direct messages.
pub(crate) async fn list(
    State(state): State<AppState>,
    AuthenticatedUser(identity): AuthenticatedUser,
) -> Result<Json<Vec<Direct>>, Error> {
    Ok(Json(state.chat.direct(&identity).await?))
}

/// Starts direct messages: 201, or 200 if the same people have some.
pub(crate) async fn open(
    State(state): State<AppState>,
    AuthenticatedUser(identity): AuthenticatedUser,
    JsonBody(NewDirect { user_ids }): JsonBody<NewDirect>,
) -> Result<(StatusCode, Json<Answer<Direct>>), Error> {
    let (direct, is_new) = state.chat.open_direct(&identity, &user_ids).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(Answer::new(direct, Vec::new()))))
}

/// Lists the people whom the caller has blocked.
pub(crate) async fn blocked(
    State(state): State<AppState>,
    AuthenticatedUser(identity): AuthenticatedUser,
) -> Json<Vec<User>> {
    Json(state.rights.blocked(&identity.user.id))
}

/// Blocks somebody: 204.
pub(crate) async fn block(
    State(state): State<AppState>,
    AuthenticatedUser(identity): AuthenticatedUser,
    PathText(user): PathText,
) -> Result<StatusCode, Error> {
    state.chat.set_blocked(&identity, &user, true).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends a block: 204.
pub(crate) async fn unblock(
    State(state): State<AppState>,
    AuthenticatedUser(identity): AuthenticatedUser,
    PathText(user): PathText,
) -> Result<StatusCode, Error> {
    state.chat.set_blocked(&identity, &user, false).await?;
    Ok(StatusCode::NO_CONTENT)
}
