//! The author of a request that publishes: `authz::publishing` decides by what this reads from the request. `mod.rs` and
//! `compat/ntfy` ask it before they read the entries.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;

use crate::server::{
    authz::publishing::Author,
    error::Error,
    http::extract::{
        administrator::{is_forwarded, is_operator},
        credentials::bearer,
        user::identify,
    },
    state::AppState,
};

/// Identifies the author and checks that they may publish to `channel`, within the limit of publishes.
pub(crate) async fn author_of(
    state: &AppState,
    channel: &str,
    headers: &HeaderMap,
    peer: SocketAddr,
    address: IpAddr,
) -> Result<Author, Error> {
    let token = bearer(headers)?;
    // Behind a proxy that nobody trusts the address is the proxy's, whoever sent the request.
    let is_known = !is_forwarded(headers) || state.trusted_proxies.contain(peer.ip().to_canonical());
    let is_open = token.is_none() && is_known && state.open_channels.are_open(channel, address);
    let (identity, is_operator) = (identify(state, headers), || Ok(is_operator(state, peer, headers)?));
    let author = Author::authorize(&state.publishers, channel, token, identity, is_operator, is_open).await?;
    state.limits.publish(author.token(), address).await?;
    Ok(author)
}
