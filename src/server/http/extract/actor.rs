//! The caller who asks for a change of a room: a user by their session, or the operator (see `administrator`). The
//! handlers of moderation take it. It grants nothing by itself: the chat decides.

use axum::{extract::FromRequestParts, http::request::Parts};

use super::{
    administrator::Administrator,
    user::{MaybeUser, no_session},
};
use crate::server::{auth::Actor, error::Error, state::AppState};

/// Extractor that rejects requests of anonymous callers, unless the operator sent them.
pub(crate) struct Acting(pub(in crate::server::http) Actor);

impl FromRequestParts<AppState> for Acting {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Error> {
        let MaybeUser(identity) = MaybeUser::from_request_parts(parts, state).await?;
        let is_admin = Administrator::from_request_parts(parts, state).await.is_ok();
        if identity.is_none() && !is_admin {
            return Err(no_session().into());
        }
        Ok(Self(Actor { identity, is_admin }))
    }
}
