//! `/api/rooms/{room}/people`: the people of a room by how their names begin, for the composer and for programs that mention
//! somebody. The router calls it.

use axum::{Json, extract::State};
use serde::Deserialize;

use crate::{
    protocol::session::User,
    server::{
        error::Error,
        http::extract::{path::PathText, query::Lenient, user::AuthenticatedUser},
        state::AppState,
    },
};

/// People in an answer that asks for no number: as many as a list beside a text shows.
const LIMIT_DEFAULT: usize = 8;
/// Most people in an answer.
const LIMIT_MAX: usize = 100;

/// The query of `GET /api/rooms/{room}/people`.
#[derive(Deserialize)]
pub(crate) struct Query {
    /// The beginning of a name, of any width and case; without it everybody is found.
    prefix: Option<String>,
    limit: Option<usize>,
}

/// Finds people of a room, present ones first.
pub(crate) async fn find(
    State(state): State<AppState>,
    AuthenticatedUser(identity): AuthenticatedUser,
    PathText(room): PathText,
    Lenient(Query { prefix, limit }): Lenient<Query>,
) -> Result<Json<Vec<User>>, Error> {
    let room = state.chat.room(&room, Some(&identity)).await?;
    let limit = limit.unwrap_or(LIMIT_DEFAULT).min(LIMIT_MAX);
    Ok(Json(state.chat.people(&room, &identity, prefix.as_deref().unwrap_or_default(), limit).await?))
}
