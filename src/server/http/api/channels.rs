//! `/api/channels`: who reads which channel of the feed, for administrators. A channel that is not listed is everybody's.

use axum::{Json, extract::State, http::StatusCode};

use super::members;
use crate::{
    protocol::{
        members::Members,
        problem::{Code, Rejection},
    },
    server::{
        authz::LimitedChannel,
        error::Error,
        http::extract::{
            administrator::Administrator,
            body::{FromMembers, JsonBody},
            path::PathText,
        },
        state::AppState,
    },
};

/// The body of `PUT /api/channels/{channel}/readers`.
pub(crate) struct Readers {
    /// People with an account, or people who are in a room now. None: nobody reads the channel.
    names: Vec<String>,
}

impl FromMembers for Readers {
    fn from_members(members: &mut Members) -> Result<Self, Rejection> {
        let names = members.texts(&["names"])?.ok_or_else(|| members.missing(&["names"]))?;
        members.refuse_left(&["names"], |_| true)?;
        Ok(Self { names })
    }
}

/// The channels that not everybody reads.
pub(crate) async fn list(State(state): State<AppState>, _: Administrator) -> Json<Vec<LimitedChannel>> {
    Json(state.rights.channels().list())
}

/// Says who reads the channel, in place of those before.
pub(crate) async fn limit(
    State(state): State<AppState>,
    _: Administrator,
    PathText(channel): PathText,
    JsonBody(Readers { names }): JsonBody<Readers>,
) -> Result<Json<LimitedChannel>, Error> {
    let mut readers = Vec::with_capacity(names.len());
    for name in names {
        readers.push(members::find(&state, &name).await?);
    }
    Ok(Json(state.rights.channels().limit(&channel, readers).await?))
}

/// Opens the channel to everybody.
pub(crate) async fn open(
    State(state): State<AppState>,
    _: Administrator,
    PathText(channel): PathText,
) -> Result<StatusCode, Error> {
    match state.rights.channels().open_to_all(&channel).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Rejection::new(Code::NotFound, "This channel has no readers of its own.").into()),
    }
}
