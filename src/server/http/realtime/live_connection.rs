//! The limits that every live connection (a socket, a stream, a waiting poll) counts against: the server's own, its
//! user's and its address's. The endpoints of the transports call it before they subscribe. It must never wait.

use std::sync::Arc;

use axum::{extract::FromRequestParts, http::request::Parts};

use crate::{
    protocol::problem::Rejection,
    server::{
        auth::Identity,
        chat::{ActivityFollower, UnreadPoll},
        error::Error,
        http::extract::{client_address::ClientAddress, query::LogQuery, user::MaybeUser},
        limits::LiveConnectionPermit,
        log::{hub::PageQuery, topic::Wakeup},
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

impl Client {
    /// Follows what is unread, if the query asks for it and there is a user for whom to count.
    pub(crate) fn follow_activity(
        &self,
        state: &AppState,
        query: &LogQuery,
        wakeup: &Arc<Wakeup>,
    ) -> Option<ActivityFollower> {
        let who = self.caller.as_ref().filter(|_| query.unread)?;
        Some(state.chat.activity().follow(who, wakeup.clone()))
    }

    /// Counts what is unread beside a poll, under the same conditions.
    pub(crate) fn poll_unread<'a>(&self, state: &'a AppState, query: &LogQuery) -> Option<UnreadPoll<'a>> {
        let who = self.caller.as_ref()?;
        Some(state.chat.poll_unread(who, query.unread_seen()?))
    }
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
