//! `/api/rooms/{room}/hooks`: the webhooks of a room, for those who may change it. The router calls it. It must never check a
//! right by itself: the chat does.

use axum::{Json, extract::State, http::StatusCode};
use serde::Serialize;

use crate::{
    protocol::{members::Members, problem::Rejection},
    server::{
        auth::SigningSecret,
        authz::Hook,
        error::Error,
        http::extract::{
            actor::Acting,
            body::{FromMembers, JsonBody},
            path::{PathPair, PathText},
        },
        state::AppState,
    },
};

/// The body of `POST /api/rooms/{room}/hooks`.
pub(crate) struct NewHook {
    name: String,
    secret: Option<SigningSecret>,
}

impl FromMembers for NewHook {
    fn from_members(members: &mut Members) -> Result<Self, Rejection> {
        let name = members.required_text(&["name"])?;
        let secret = SigningSecret::parse(&members.text(&["secret"])?.unwrap_or_default())?;
        members.reject_unknown(&["name", "secret"], |_| true)?;
        Ok(Self { name, secret })
    }
}

/// The answer to it, the only one that has the token.
#[derive(Serialize)]
pub(crate) struct MadeHook {
    #[serde(flatten)]
    hook: Hook,
    token: String,
    /// The path at which the program posts.
    path: String,
}

/// Lists the webhooks.
pub(crate) async fn list(
    State(state): State<AppState>,
    Acting(actor): Acting,
    PathText(room): PathText,
) -> Result<Json<Vec<Hook>>, Error> {
    let room = state.chat.room(&room, actor.identity.as_ref()).await?;
    Ok(Json(state.chat.hooks(&room, &actor).await?))
}

/// Creates a webhook: 201.
pub(crate) async fn create(
    State(state): State<AppState>,
    Acting(actor): Acting,
    PathText(room): PathText,
    JsonBody(NewHook { name, secret }): JsonBody<NewHook>,
) -> Result<(StatusCode, Json<MadeHook>), Error> {
    let room = state.chat.room(&room, actor.identity.as_ref()).await?;
    let submission = state.submissions.of(&actor.user().id, None, &[]);
    let (hook, token) = state.chat.make_hook(&room, &actor, &name, secret, &submission).await?;
    let path = path_of(&token);
    Ok((StatusCode::CREATED, Json(MadeHook { hook, token, path })))
}

/// The path at which a program posts with this token.
pub(crate) fn path_of(token: &str) -> String {
    format!("/hooks/{token}")
}

/// Removes a webhook: 204.
pub(crate) async fn remove(
    State(state): State<AppState>,
    Acting(actor): Acting,
    PathPair(room, id): PathPair,
) -> Result<StatusCode, Error> {
    let room = state.chat.room(&room, actor.identity.as_ref()).await?;
    state.chat.remove_hook(&room, &actor, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
