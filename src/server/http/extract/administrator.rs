//! Authorization of administrators: by their session, or, where users are guests, as the operator (see
//! `auth/operator.rs`).

use std::net::SocketAddr;

use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::{HeaderMap, HeaderName, header, request::Parts},
};

use super::{
    credentials::bearer,
    user::{MaybeUser, no_session},
};
use crate::{
    protocol::problem::{Code, Rejection},
    server::{auth::operator::Provenance, error::Error, state::AppState},
};

/// Extractor that rejects requests unless an administrator or the operator sent them.
pub(crate) struct Administrator;

impl FromRequestParts<AppState> for Administrator {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Error> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| *peer);
        if let Some(peer) = peer
            && is_operator(state, peer, &parts.headers)?
        {
            return Ok(Self);
        }
        match MaybeUser::from_request_parts(parts, state).await? {
            MaybeUser(Some(identity)) if identity.is_admin => Ok(Self),
            MaybeUser(Some(_)) => {
                Err(Rejection::new(Code::NotAllowed, "Only administrators may do this.").into())
            }
            MaybeUser(None) => Err(no_session().into()),
        }
    }
}

/// Returns true if the operator sent a request.
///
/// Errors: [`Code::NoSession`] for credentials that cannot be read.
pub(crate) fn is_operator(
    state: &AppState,
    peer: SocketAddr,
    headers: &HeaderMap,
) -> Result<bool, Rejection> {
    let bearer = bearer(headers)?;
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let is_forwarded = is_forwarded(headers);
    Ok(state.operator.sent(Provenance { peer: peer.ip(), host, is_forwarded, bearer }))
}

/// Returns true if a proxy has passed the request on, and has said so.
pub(crate) fn is_forwarded(headers: &HeaderMap) -> bool {
    headers.keys().any(tells_of_a_proxy)
}

/// Returns true for a header that only an intermediary adds: a proxy on this machine makes every client look as if it
/// were on it.
fn tells_of_a_proxy(name: &HeaderName) -> bool {
    const OTHERS: [&str; 6] =
        ["cf-connecting-ip", "forwarded", "true-client-ip", "via", "x-client-ip", "x-real-ip"];
    name.as_str().starts_with("x-forwarded") || OTHERS.contains(&name.as_str())
}
