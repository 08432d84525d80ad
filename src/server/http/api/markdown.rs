//! `/api/markdown`: the HTML that a text has as a message. The composer's preview and programs call it.

use axum::{Json, extract::State};
use serde::Serialize;

use crate::{
    protocol::{members::Members, problem::Rejection, publication::TEXT_NAMES},
    server::{
        error::Error,
        http::extract::{
            body::{FromMembers, JsonBody},
            user::AuthenticatedUser,
        },
        state::AppState,
    },
};

/// The body of `POST /api/markdown`.
pub(crate) struct Source {
    text: String,
}

impl FromMembers for Source {
    fn from_members(members: &mut Members) -> Result<Self, Rejection> {
        Ok(Self { text: members.required_text(&TEXT_NAMES)? })
    }
}

/// The answer.
#[derive(Serialize)]
pub(crate) struct Rendered {
    html: String,
}

/// Renders a text. It is rejected as a message with this text would be.
pub(crate) async fn render(
    State(state): State<AppState>,
    AuthenticatedUser(identity): AuthenticatedUser,
    JsonBody(Source { text }): JsonBody<Source>,
) -> Result<Json<Rendered>, Error> {
    Ok(Json(Rendered { html: state.chat.preview(&identity.user, &text).await? }))
}
