//! `/api/publishers`: the programs that may publish, managed by administrators.

use axum::{Json, extract::State, http::StatusCode};
use serde::Serialize;

use crate::{
    protocol::{
        members::Members,
        problem::{Code, Rejection},
    },
    server::{
        auth::{Pattern, SigningSecret, publishers::Publisher},
        authz::{Action, Deed},
        error::Error,
        http::extract::{
            actor::Acting,
            administrator::Administrator,
            body::{FromMembers, JsonBody},
            path::PathText,
        },
        state::AppState,
    },
};

/// The body of `POST /api/publishers`.
pub(crate) struct NewPublisher {
    name: String,
    channels: Vec<Pattern>,
    secret: Option<SigningSecret>,
}

impl FromMembers for NewPublisher {
    fn from_members(members: &mut Members) -> Result<Self, Rejection> {
        let name = members.required_text(&["name"])?;
        let channels = members.texts(&["channels"])?.ok_or_else(|| members.missing(&["channels"]))?;
        let secret = SigningSecret::parse(&members.text(&["secret"])?.unwrap_or_default())?;
        members.reject_unknown(&["name", "channels", "secret"], |_| true)?;
        let channels = channels.iter().map(|pattern| Pattern::parse(pattern)).collect::<Result<_, _>>()?;
        Ok(Self { name, channels, secret })
    }
}

/// The response of `POST /api/publishers`, the only one that contains the token.
#[derive(Serialize)]
pub(crate) struct MadePublisher {
    #[serde(flatten)]
    publisher: Publisher,
    token: String,
}

/// Lists all publishers.
pub(crate) async fn list(
    State(state): State<AppState>,
    _: Administrator,
) -> Result<Json<Vec<Publisher>>, Error> {
    Ok(Json(state.publishers.list().await?))
}

/// Creates a publisher and its token.
pub(crate) async fn create(
    State(state): State<AppState>,
    _: Administrator,
    Acting(actor): Acting,
    JsonBody(NewPublisher { name, channels, secret }): JsonBody<NewPublisher>,
) -> Result<(StatusCode, Json<MadePublisher>), Error> {
    let (publisher, token) = state.publishers.make(&name, channels, secret).await?;
    let action = Action::new(&actor, Deed::AddPublisher).with(name);
    state.rights.note_action(&action).await?;
    Ok((StatusCode::CREATED, Json(MadePublisher { publisher, token })))
}

/// Removes a publisher; its token stops working. Errors: [`Code::NotFound`] for an unknown id.
pub(crate) async fn remove(
    State(state): State<AppState>,
    _: Administrator,
    Acting(actor): Acting,
    PathText(id): PathText,
) -> Result<StatusCode, Error> {
    match state.publishers.remove(&id).await? {
        true => {
            let action = Action::new(&actor, Deed::RemovePublisher).with(id);
            state.rights.note_action(&action).await?;
            Ok(StatusCode::NO_CONTENT)
        }
        false => Err(Rejection::new(Code::NotFound, "This publisher does not exist.").into()),
    }
}
