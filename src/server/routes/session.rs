//! `/api/session`: becoming somebody, changing the name, and ending it.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use axum_extra::extract::cookie::CookieJar;
use serde::Deserialize;

use super::{
    body::JsonBody,
    visitor::{cookie_of, no_cookie, verified},
};
use crate::{
    protocol::{
        name::parse_name,
        session::{Session, User},
    },
    server::{error::Error, state::AppState},
};

/// The body of `POST /api/session`.
#[derive(Deserialize)]
pub(super) struct NewSession {
    name: String,
}

/// Makes a session; within one it changes the name and keeps the id.
pub(super) async fn create(
    State(state): State<AppState>,
    headers: HeaderMap,
    JsonBody(NewSession { name }): JsonBody<NewSession>,
) -> Result<(StatusCode, CookieJar, Json<Session>), Error> {
    let name = parse_name(&name)?;
    let session = match verified(&state.sessions, &headers) {
        Some(verified) => state.sessions.issue(User { name, ..verified.user }),
        None => state.sessions.welcome(Some(name)),
    };
    Ok((StatusCode::CREATED, CookieJar::new().add(cookie_of(&session)), Json(session)))
}

/// Takes the cookie back.
pub(super) async fn end() -> (StatusCode, CookieJar) {
    (StatusCode::NO_CONTENT, CookieJar::new().add(no_cookie()))
}
