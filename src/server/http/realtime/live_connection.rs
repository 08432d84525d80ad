//! The limits that every live connection (a socket, a stream, a waiting poll) counts against: the server's own, its
//! user's and its address's. The endpoints of the transports call it before they subscribe. It must never wait.

use axum::{extract::FromRequestParts, http::request::Parts};

use crate::{
    protocol::problem::Rejection,
    server::{
        auth::Identity,
        error::Error,
        http::extract::{client_address::ClientAddress, user::MaybeUser},
        limits::LiveConnectionPermit,
        log::hub::PageQuery,
        observability::metrics::Kind,
        state::AppState,
    },
};

/// The sender of a request for a live connection: a user, or an anonymous one, from an address.
pub(crate) struct Client {
    /// The user who sent the request; `None` if it is anonymous.
    pub(crate) caller: Option<Identity>,
    address: ClientAddress,
}

impl FromRequestParts<AppState> for Client {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Error> {
        let Ok(address) = ClientAddress::from_request_parts(parts, state).await;
        let MaybeUser(caller) = MaybeUser::from_request_parts(parts, state).await?;
        Ok(Self { caller, address })
    }
}

/// Counts a live connection. Fails with `too_many_connections` if there are too many.
pub(crate) fn connect(
    state: &AppState,
    kind: Kind,
    client: &Client,
) -> Result<LiveConnectionPermit, Rejection> {
    let person = client.caller.as_ref().map(|identity| &identity.user);
    state.live_connections.connect(kind, person, client.address.0)
}

/// Counts a live connection that will authenticate later. Fails as [`connect`].
pub(crate) fn connect_unknown(
    state: &AppState,
    kind: Kind,
    client: &Client,
) -> Result<LiveConnectionPermit, Rejection> {
    state.live_connections.connect(kind, None, client.address.0)
}

/// Counts a query that waits as a live connection; `None` for one that does not. Fails as [`connect`].
pub(crate) fn connect_poll(
    state: &AppState,
    query: &PageQuery,
    client: &Client,
) -> Result<Option<LiveConnectionPermit>, Rejection> {
    query.waits().then(|| connect(state, Kind::Poll, client)).transpose()
}
