//! The answers to ntfy's clients about the server and about themselves. It tells nothing that `/healthz` and `/api/session` do
//! not.

use axum::{Json, extract::State};
use serde_json::{Value, json};

use super::{fault::Fault, topic};
use crate::server::{
    http::extract::{path::PathText, user::MaybeUser},
    state::AppState,
};

/// `GET /v1/health`.
pub(super) async fn health() -> Json<Value> {
    Json(json!({ "healthy": true }))
}

/// `GET /v1/account`: the user, `*` for nobody.
pub(super) async fn show(MaybeUser(caller): MaybeUser) -> Json<Value> {
    Json(match caller {
        None => json!({ "username": "*", "role": "anonymous" }),
        Some(identity) => {
            let role = if identity.is_admin { "admin" } else { "user" };
            json!({ "username": identity.user.name, "role": role })
        }
    })
}

/// `GET /{topic}/auth`: whether the user may read the topics, which apps ask before they follow them.
pub(super) async fn check(
    State(state): State<AppState>,
    PathText(topics): PathText,
    MaybeUser(caller): MaybeUser,
) -> Result<Json<Value>, Fault> {
    topic::parse_list(&topics)?;
    state.rights.check_reader(caller.as_ref())?;
    Ok(Json(json!({ "success": true })))
}
