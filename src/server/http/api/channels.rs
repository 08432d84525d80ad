//! `/api/channels`: the readers of the feed's channels, managed by administrators. Everybody may read a channel that is
//! not listed.

use axum::{Json, extract::State, http::StatusCode};

use super::members;
use crate::{
    protocol::{
        members::Members,
        problem::{Code, Rejection},
    },
    server::{
        authz::{Action, Deed, LimitedChannel},
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

/// The body of `PUT /api/channels/{channel}/readers`.
pub(crate) struct Readers {
    /// Users with an account or, on a server without accounts, users who are in a room now. Empty: nobody reads the
    /// channel.
    names: Vec<String>,
}

impl FromMembers for Readers {
    fn from_members(members: &mut Members) -> Result<Self, Rejection> {
        let names = members.texts(&["names"])?.ok_or_else(|| members.missing(&["names"]))?;
        members.reject_unknown(&["names"], |_| true)?;
        Ok(Self { names })
    }
}

/// Lists the channels that only some users may read.
pub(crate) async fn list(State(state): State<AppState>, _: Administrator) -> Json<Vec<LimitedChannel>> {
    Json(state.rights.channels().list())
}

/// Sets the readers of a channel, in place of the previous ones.
pub(crate) async fn limit(
    State(state): State<AppState>,
    _: Administrator,
    Acting(actor): Acting,
    PathText(channel): PathText,
    JsonBody(Readers { names }): JsonBody<Readers>,
) -> Result<Json<LimitedChannel>, Error> {
    let mut readers = Vec::with_capacity(names.len());
    for name in names {
        readers.push(members::find(&state, &name).await?);
    }
    let limited = state.rights.channels().limit(&channel, readers).await?;
    let action = Action::new(&actor, Deed::LimitChannel).with(channel);
    state.rights.note_action(&action).await?;
    Ok(Json(limited))
}

/// Opens a channel to everybody. Errors: [`Code::NotFound`] if it has no readers of its own.
pub(crate) async fn open(
    State(state): State<AppState>,
    _: Administrator,
    Acting(actor): Acting,
    PathText(channel): PathText,
) -> Result<StatusCode, Error> {
    match state.rights.channels().open_to_all(&channel).await? {
        true => {
            let action = Action::new(&actor, Deed::OpenChannel).with(channel);
            state.rights.note_action(&action).await?;
            Ok(StatusCode::NO_CONTENT)
        }
        false => Err(Rejection::new(Code::NotFound, "This channel is not limited.").into()),
    }
}
