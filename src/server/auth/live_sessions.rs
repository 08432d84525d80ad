//! The live connections of each user, so that they end with their session. `Auth` ends them; each socket, stream and
//! waiting poll holds a [`LiveSession`] and must end when it is revoked. It never reads the store.
//!
//! A token that is renewed while its connection is open extends the connection: nothing that may go on is cut.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use parking_lot::{Mutex, MutexGuard};
use tokio_util::sync::CancellationToken;

use super::{identity::Identity, pattern::Pattern};

/// All live connections of this node.
#[derive(Default)]
pub(super) struct LiveSessions {
    /// By the user's id.
    people: Mutex<HashMap<Arc<str>, Vec<Arc<Connection>>>>,
}

/// A registered live connection, with what decides its end.
struct Connection {
    /// The id of its account's session, if it has one.
    session: Option<String>,
    /// The rooms its token is limited to. A token with other rights does not extend this connection.
    rooms: Option<Vec<Pattern>>,
    /// In seconds since the Unix epoch.
    expires_at: AtomicU64,
    revoked: CancellationToken,
}

/// One live connection of a user. Dropping it unregisters the connection.
#[must_use = "dropping it forgets the connection"]
pub struct LiveSession {
    live_sessions: Arc<LiveSessions>,
    user_id: Arc<str>,
    connection: Arc<Connection>,
}

impl LiveSessions {
    /// Registers a live connection of the user in `identity`.
    pub(super) fn open(self: &Arc<Self>, identity: &Identity) -> LiveSession {
        let user_id: Arc<str> = identity.user.id.as_str().into();
        let connection = Arc::new(Connection {
            session: identity.session.clone(),
            rooms: identity.rooms.clone(),
            expires_at: AtomicU64::new(identity.expires_at),
            revoked: CancellationToken::new(),
        });
        self.lock().entry(user_id.clone()).or_default().push(connection.clone());
        LiveSession { live_sessions: self.clone(), user_id, connection }
    }

    /// Extends the connections with the same session and rights as `identity` to the expiry of its token, never
    /// shorter.
    pub(super) fn extend(&self, identity: &Identity) {
        for connection in self.lock().get(identity.user.id.as_str()).into_iter().flatten() {
            if connection.session == identity.session && connection.rooms == identity.rooms {
                connection.expires_at.fetch_max(identity.expires_at, Ordering::Relaxed);
            }
        }
    }

    /// Ends the connections of a user, or of one session of theirs.
    pub(super) fn end(&self, user_id: &str, session: Option<&str>) {
        let people = self.lock();
        let open = people.get(user_id).into_iter().flatten();
        let is_meant =
            |connection: &&Arc<Connection>| session.is_none() || connection.session.as_deref() == session;
        open.filter(is_meant).for_each(|connection| connection.revoked.cancel());
    }

    /// Ends the connections of a user except those of the session `kept`.
    pub(super) fn end_others(&self, user_id: &str, kept: Option<&str>) {
        let people = self.lock();
        let open = people.get(user_id).into_iter().flatten();
        open.filter(|connection| kept.is_none() || connection.session.as_deref() != kept)
            .for_each(|connection| connection.revoked.cancel());
    }

    /// Ends the connections of accounts' sessions for which `goes_on` (user id, session id) is false.
    pub(super) fn end_unless(&self, goes_on: impl Fn(&str, &str) -> bool) {
        for (user_id, open) in &*self.lock() {
            let ended = open.iter().filter(|connection| {
                connection.session.as_deref().is_some_and(|session| !goes_on(user_id, session))
            });
            ended.for_each(|connection| connection.revoked.cancel());
        }
    }

    /// Ends the connections whose token has expired at `now`, in seconds since the Unix epoch. Called about every
    /// second.
    pub(super) fn sweep(&self, now: u64) {
        let people = self.lock();
        let open = people.values().flatten();
        open.filter(|connection| connection.expires_at.load(Ordering::Relaxed) <= now)
            .for_each(|connection| connection.revoked.cancel());
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Vec<Arc<Connection>>>> {
        self.people.lock()
    }
}

impl LiveSession {
    /// The id of the connected user.
    pub fn user_id(&self) -> &Arc<str> {
        &self.user_id
    }

    /// Returns when the connection must end. Safe to drop and to call again.
    pub async fn revoked(&self) {
        self.connection.revoked.cancelled().await;
    }
}

impl Drop for LiveSession {
    fn drop(&mut self) {
        let mut people = self.live_sessions.lock();
        let Some(open) = people.get_mut(&self.user_id) else { return };
        open.retain(|connection| !Arc::ptr_eq(connection, &self.connection));
        if open.is_empty() {
            people.remove(&self.user_id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::session::User;

    const NOW: u64 = 1_000_000;

    fn identity(session: &str, expires_at: u64) -> Identity {
        let user = User { id: "1".into(), name: "alice".into() };
        Identity { session: Some(session.into()), expires_at, ..Identity::of(user) }
    }

    fn is_over(live_session: &LiveSession) -> bool {
        live_session.connection.revoked.is_cancelled()
    }

    #[test]
    fn a_session_takes_only_its_own_connections_along() {
        let live_sessions = Arc::new(LiveSessions::default());
        let (phone, desk) = (
            live_sessions.open(&identity("phone", u64::MAX)),
            live_sessions.open(&identity("desk", u64::MAX)),
        );
        live_sessions.end("1", Some("phone"));
        assert!(is_over(&phone) && !is_over(&desk));
        live_sessions.end("2", None);
        live_sessions.end_others("1", Some("desk"));
        assert!(!is_over(&desk));
        live_sessions.end("1", None);
        assert!(is_over(&desk));
        drop((phone, desk));
        assert!(live_sessions.lock().is_empty());
    }

    #[test]
    fn a_connection_ends_with_its_token_unless_it_was_renewed() {
        let live_sessions = Arc::new(LiveSessions::default());
        let (past, future) = (NOW - 1, NOW + 1_000);
        let (renewed, expired) =
            (live_sessions.open(&identity("a", past)), live_sessions.open(&identity("b", past)));
        live_sessions.extend(&identity("a", future));
        live_sessions.extend(&identity("a", past));
        live_sessions.sweep(NOW);
        assert!(!is_over(&renewed) && is_over(&expired));
    }

    #[test]
    fn a_token_with_other_rights_extends_nothing() {
        let live_sessions = Arc::new(LiveSessions::default());
        let (past, future) = (NOW - 1, NOW + 1_000);
        let wide = live_sessions.open(&identity("a", past));
        let narrow = Some(vec![Pattern::parse("general").expect("fine")]);
        live_sessions.extend(&Identity { rooms: narrow, ..identity("a", future) });
        live_sessions.sweep(NOW);
        assert!(is_over(&wide));
    }
}
