//! What a Socket.IO connection counts against, and whose it is. The engine keeps it with the request that opened the
//! connection, so it lives exactly as long, through the change from polls to a WebSocket.

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
            realtime::live_connection::{Client, Live, connect_unknown},
        },
        limits::{FrameRateLimiter, Permit, TooFast},
        observability::metrics::Kind,
        state::AppState,
    },
};

/// See the module.
pub(super) struct ConnectionContext {
    /// Whom the opening request speaks for by its cookie or header, unless a CONNECT says otherwise.
    caller: Option<Identity>,
    holder: Mutex<Option<Holder>>,
    pace: FrameRateLimiter,
    _live: Live,
}

/// Whose connection it is, since the first CONNECT.
struct Holder {
    user_id: String,
    _place: Permit<String>,
}

impl ConnectionContext {
    /// Counts a new connection. `Err` when there are too many.
    pub(super) fn take(state: &AppState, client: Client) -> Result<Arc<Self>, Rejection> {
        let live = connect_unknown(state, Kind::SocketIo, &client)?;
        Ok(Arc::new(Self {
            caller: client.caller,
            holder: Mutex::default(),
            pace: state.limits.pace(),
            _live: live,
        }))
    }

    /// The seat of an open connection.
    pub(super) fn of(opening: &Parts) -> Option<Arc<Self>> {
        opening.extensions.get::<Arc<Self>>().cloned()
    }

    /// The client says something, in whichever namespace.
    pub(super) fn step(&self) -> Result<(), TooFast> {
        self.pace.step()
    }

    /// Whom a CONNECT speaks for. The first one says whose connection it is, in all its namespaces.
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
                let message = "A connection stays with whom it was opened for; open another one.";
                return Err(Rejection::new(Code::NotAllowed, message).into());
            }
            None => {
                let place = state.limits.connect_person(&identity.user)?;
                *holder = Some(Holder { user_id: identity.user.id.clone(), _place: place });
            }
        }
        Ok(identity)
    }
}

/// The message of a `connect_error`: the seed's where somebody has to sign in.
pub(super) fn refusal(error: Error) -> String {
    let rejection = error.into_rejection();
    match rejection.code {
        Code::NoSession => AUTHENTICATION_ERROR.to_owned(),
        _ => rejection.message,
    }
}
