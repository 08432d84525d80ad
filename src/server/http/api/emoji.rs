//! `/api/emoji`: emoji by their English and Japanese names, for the composer and for programs. Pages do not carry them,
//! because the names are far larger than a page.

use axum::{
    Json,
    extract::State,
    http::header::CACHE_CONTROL,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

use crate::server::{
    emoji::{Found, search},
    error::Error,
    http::extract::{query::Lenient, user::MaybeUser},
    state::AppState,
};

/// Emoji in an answer that asks for no number: as many as a list beside a text shows.
const LIMIT_DEFAULT: usize = 8;
/// Most emoji in an answer.
const LIMIT_MAX: usize = 100;
/// Names change with the program only; a day of an earlier one harms nobody.
const CACHING: &str = "private, max-age=86400";

/// The query of `GET /api/emoji`.
#[derive(Deserialize)]
pub(crate) struct Query {
    /// A part of a name; without it the usual emoji are found.
    q: Option<String>,
    limit: Option<usize>,
}

/// The answer: emoji, best first.
#[derive(Serialize)]
struct Answer {
    emoji: Vec<Found>,
}

/// Finds emoji by a part of a name.
pub(crate) async fn find(
    State(state): State<AppState>,
    MaybeUser(caller): MaybeUser,
    Lenient(Query { q, limit }): Lenient<Query>,
) -> Result<Response, Error> {
    state.rights.check_reader(caller.as_ref())?;
    let limit = limit.unwrap_or(LIMIT_DEFAULT).min(LIMIT_MAX);
    let emoji = search(q.as_deref().unwrap_or_default(), limit);
    Ok(([(CACHE_CONTROL, CACHING)], Json(Answer { emoji })).into_response())
}
