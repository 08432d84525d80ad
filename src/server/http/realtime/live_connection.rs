//! The limits that every live connection (a socket, a stream, a waiting poll) counts against: the server's own, its
//! user's and its address's. The endpoints of the transports call it before they subscribe. It must never wait.

use axum::{extract::FromRequestParts, http::request::Parts};

use crate::{
    protocol::{
        problem::{Code, Rejection},
        session::User,
    },
    server::{
        auth::Identity,
        error::{BUSY_RETRY_AFTER, Error},
        http::extract::{client_address::ClientAddress, user::MaybeUser},
        limits::ConnectionPermits,
        log::hub::PageQuery,
        observability::metrics::{ConnectionGuard, Kind},
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

/// The permits of a live connection; dropping them gives them back.
pub(crate) struct Live {
    _counted: ConnectionGuard,
    _permits: ConnectionPermits,
}

/// Counts a live connection. Fails with `too_many_connections` if there are too many.
pub(crate) fn connect(state: &AppState, kind: Kind, client: &Client) -> Result<Live, Rejection> {
    count(state, kind, client.caller.as_ref().map(|identity| &identity.user), client)
}

/// Counts a live connection that will authenticate later. Fails as [`connect`].
pub(crate) fn connect_unknown(state: &AppState, kind: Kind, client: &Client) -> Result<Live, Rejection> {
    count(state, kind, None, client)
}

fn count(state: &AppState, kind: Kind, user: Option<&User>, client: &Client) -> Result<Live, Rejection> {
    let _permits = state.limits.connect(user, client.address.0)?;
    let _counted = state.metrics.connect(kind).ok_or_else(|| {
        let message = "The server has as many connections as it allows (--max-connections). Try again later.";
        Rejection::new(Code::TooManyConnections, message).retry_after(BUSY_RETRY_AFTER)
    })?;
    Ok(Live { _counted, _permits })
}

/// Counts a query that waits as a live connection; `None` for one that does not. Fails as [`connect`].
pub(crate) fn connect_poll(
    state: &AppState,
    query: &PageQuery,
    client: &Client,
) -> Result<Option<Live>, Rejection> {
    query.waits().then(|| connect(state, Kind::Poll, client)).transpose()
}
