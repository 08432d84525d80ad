//! The permits, the rate limit and the user of a Socket.IO connection. `answer` makes it, `connect` and `inbox` ask it.
//! The engine keeps it with the request that opened the connection, so it lives exactly as long, through the change
//! from polls to a WebSocket. A connection must never change its user.

use std::sync::Arc;

use axum::http::request::Parts;
use parking_lot::Mutex;

use crate::{
    protocol::{
        problem::{Code, Rejection},
        socket_io::AUTHENTICATION_ERROR,
    },
    server::{
        auth::Identity,
        error::Error,
        http::{
            extract::{credentials::without_scheme, user::no_session},
            realtime::live_connection::{Client, connect_unknown},
        },
        limits::{FrameRateLimiter, LiveConnectionPermit, Permit, TooFast},
        observability::metrics::Kind,
        state::AppState,
    },
};

/// The context of one connection.
pub(super) struct ConnectionContext {
    /// The user of the opening request, by its cookie or header, unless a CONNECT brings a token.
    caller: Option<Identity>,
    holder: Mutex<Option<Holder>>,
    event_rate: FrameRateLimiter,
    _live: LiveConnectionPermit,
}

/// The user of the connection, since the first CONNECT.
struct Holder {
    user_id: String,
    _permit: Permit<String>,
}

impl ConnectionContext {
    /// Counts a new connection. Fails with `too_many_connections` if there are too many.
    pub(super) fn take(state: &AppState, client: Client) -> Result<Arc<Self>, Rejection> {
        let live = connect_unknown(state, Kind::SocketIo, &client)?;
        Ok(Arc::new(Self {
            caller: client.caller,
            holder: Mutex::default(),
            event_rate: state.limits.frame_rate_limiter(),
            _live: live,
        }))
    }

    /// The context of an open connection.
    pub(super) fn of(opening: &Parts) -> Option<Arc<Self>> {
        opening.extensions.get::<Arc<Self>>().cloned()
    }

    /// Counts an event of the client, in any namespace. Fails if it came too fast.
    pub(super) fn step(&self) -> Result<(), TooFast> {
        self.event_rate.step()
    }

    /// Authenticates a CONNECT. The first one sets the user of the connection, for all its namespaces.
    pub(super) async fn enter(&self, state: &AppState, token: Option<&str>) -> Result<Identity, Error> {
        self.step().map_err(|too_fast| too_fast.rejection)?;
        let identity = match token {
            Some(token) => state.auth.identify(without_scheme(token)).await?,
            None => self.caller.clone(),
        };
        let identity = identity.ok_or_else(no_session)?;
        let mut holder = self.holder.lock();
        match &*holder {
            Some(known) if known.user_id == identity.user.id => {}
            Some(_) => {
                let message = "A connection cannot change its user; open another one.";
                return Err(Rejection::new(Code::NotAllowed, message).into());
            }
            None => {
                let permit = state.live_connections.connect_person(&identity.user)?;
                *holder = Some(Holder { user_id: identity.user.id.clone(), _permit: permit });
            }
        }
        Ok(identity)
    }
}

/// The message of a `connect_error`: the seed's if the client has to authenticate.
pub(super) fn error_message(error: Error) -> String {
    let rejection = error.into_rejection();
    match rejection.code {
        Code::NoSession => AUTHENTICATION_ERROR.to_owned(),
        _ => rejection.message,
    }
}
