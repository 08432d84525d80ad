//! `/api/publishers`: programs that may publish, for administrators.

use axum::{Json, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};

use super::{administrator::Administrator, body::JsonBody, path::PathText};
use crate::{
    protocol::problem::{Code, Rejection},
    server::{auth::Pattern, error::Error, publishers::Publisher, state::AppState},
};

/// The body of `POST /api/publishers`.
#[derive(Deserialize)]
pub(super) struct NewPublisher {
    name: String,
    channels: Vec<Pattern>,
}

/// Its answer, the only one that has the token.
#[derive(Serialize)]
pub(super) struct MadePublisher {
    #[serde(flatten)]
    publisher: Publisher,
    token: String,
}

/// All of them.
pub(super) async fn list(
    State(state): State<AppState>,
    _: Administrator,
) -> Result<Json<Vec<Publisher>>, Error> {
    Ok(Json(state.publishers.list().await?))
}

/// Makes one.
pub(super) async fn create(
    State(state): State<AppState>,
    _: Administrator,
    JsonBody(NewPublisher { name, channels }): JsonBody<NewPublisher>,
) -> Result<(StatusCode, Json<MadePublisher>), Error> {
    let (publisher, token) = state.publishers.make(&name, channels).await?;
    Ok((StatusCode::CREATED, Json(MadePublisher { publisher, token })))
}

/// Ends one.
pub(super) async fn remove(
    State(state): State<AppState>,
    _: Administrator,
    PathText(id): PathText,
) -> Result<StatusCode, Error> {
    match state.publishers.remove(&id).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Rejection::new(Code::NotFound, "There is no such publisher.").into()),
    }
}
