//! Who administers the server: administrators by their session; where people are guests, whoever is on this machine.

use std::net::{IpAddr, SocketAddr};

use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::{HeaderMap, header, request::Parts},
};

use super::visitor::{Caller, no_session};
use crate::{
    protocol::problem::{Code, Rejection},
    server::{error::Error, site::Site, state::AppState},
};

/// The request comes from an administrator.
pub(super) struct Administrator;

impl FromRequestParts<AppState> for Administrator {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Error> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
        if state.auth.takes_guests()
            && peer.is_some_and(|peer| is_this_machine(&state.site, peer, &parts.headers))
        {
            return Ok(Self);
        }
        match Caller::from_request_parts(parts, state).await? {
            Caller(Some(identity)) if identity.is_admin => Ok(Self),
            Caller(Some(_)) => {
                Err(Rejection::new(Code::NotAllowed, "Only administrators may do this.").into())
            }
            Caller(None) => Err(no_session().into()),
        }
    }
}

/// Whether a request was made on this machine. A proxy here makes everybody's address ours; it says so in a header, or
/// at least passes on the name under which people reach the server.
pub(super) fn is_this_machine(site: &Site, peer: IpAddr, headers: &HeaderMap) -> bool {
    let is_forwarded = ["forwarded", "x-forwarded-for"].iter().any(|name| headers.contains_key(*name));
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    !is_forwarded && !site.is_public_host(host) && peer.to_canonical().is_loopback()
}
