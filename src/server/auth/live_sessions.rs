//! Who is connected now, so that a session that ends takes its live connections along. `Auth` ends them; sockets,
//! streams and waiting polls hold an [`LiveSession`] each and end with it.
//!
//! A token that was renewed while its connection is open prolongs it: nothing is cut that may go on.

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

/// See the module.
#[derive(Default)]
pub(super) struct LiveSessions {
    /// By the user's id.
    people: Mutex<HashMap<Arc<str>, Vec<Arc<Holder>>>>,
}

struct Holder {
    session: Option<String>,
    /// What its token lets it do: a token that lets its holder do something else says nothing about this one.
    rooms: Option<Vec<Pattern>>,
    expires_at: AtomicU64,
    revoked: CancellationToken,
}

/// One live connection of somebody. Dropping it is its end.
#[must_use = "dropping it forgets the connection"]
pub struct LiveSession {
    admissions: Arc<LiveSessions>,
    user_id: Arc<str>,
    admitted: Arc<Holder>,
}

impl LiveSessions {
    /// Notes a live connection of whom the token speaks for.
    pub(super) fn admit(self: &Arc<Self>, identity: &Identity) -> LiveSession {
        let user_id: Arc<str> = identity.user.id.as_str().into();
        let admitted = Arc::new(Holder {
            session: identity.session.clone(),
            rooms: identity.rooms.clone(),
            expires_at: AtomicU64::new(identity.expires_at),
            revoked: CancellationToken::new(),
        });
        self.lock().entry(user_id.clone()).or_default().push(admitted.clone());
        LiveSession { admissions: self.clone(), user_id, admitted }
    }

    /// A token that is valid longer was seen: the connections of the same session and rights go on as long.
    pub(super) fn extend(&self, identity: &Identity) {
        for admitted in self.lock().get(identity.user.id.as_str()).into_iter().flatten() {
            if admitted.session == identity.session && admitted.rooms == identity.rooms {
                admitted.expires_at.fetch_max(identity.expires_at, Ordering::Relaxed);
            }
        }
    }

    /// Ends what is open of somebody, or of one session of theirs.
    pub(super) fn end(&self, user_id: &str, session: Option<&str>) {
        let people = self.lock();
        let open = people.get(user_id).into_iter().flatten();
        let is_meant = |admitted: &&Arc<Holder>| session.is_none() || admitted.session.as_deref() == session;
        open.filter(is_meant).for_each(|admitted| admitted.revoked.cancel());
    }

    /// Ends what is open of somebody, but for one session of theirs.
    pub(super) fn end_others(&self, user_id: &str, kept: Option<&str>) {
        let people = self.lock();
        let open = people.get(user_id).into_iter().flatten();
        open.filter(|admitted| kept.is_none() || admitted.session.as_deref() != kept)
            .for_each(|admitted| admitted.revoked.cancel());
    }

    /// Ends what is open of sessions of accounts, but for those that are meant by user and session.
    pub(super) fn end_unless(&self, goes_on: impl Fn(&str, &str) -> bool) {
        for (user_id, open) in &*self.lock() {
            let ended = open.iter().filter(|admitted| {
                admitted.session.as_deref().is_some_and(|session| !goes_on(user_id, session))
            });
            ended.for_each(|admitted| admitted.revoked.cancel());
        }
    }

    /// Ends what has expired at `now`, in seconds since the Unix epoch. To be called every second or so.
    pub(super) fn sweep(&self, now: u64) {
        let people = self.lock();
        let open = people.values().flatten();
        open.filter(|admitted| admitted.expires_at.load(Ordering::Relaxed) <= now)
            .for_each(|admitted| admitted.revoked.cancel());
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Vec<Arc<Holder>>>> {
        self.people.lock()
    }
}

impl LiveSession {
    /// Whose connection it is.
    pub fn user_id(&self) -> &Arc<str> {
        &self.user_id
    }

    /// Returns when the connection may not go on.
    pub async fn revoked(&self) {
        self.admitted.revoked.cancelled().await;
    }
}

impl Drop for LiveSession {
    fn drop(&mut self) {
        let mut people = self.admissions.lock();
        let Some(open) = people.get_mut(&self.user_id) else { return };
        open.retain(|admitted| !Arc::ptr_eq(admitted, &self.admitted));
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

    fn is_over(admission: &LiveSession) -> bool {
        admission.admitted.revoked.is_cancelled()
    }

    #[test]
    fn a_session_takes_only_its_own_connections_along() {
        let admissions = Arc::new(LiveSessions::default());
        let (phone, desk) =
            (admissions.admit(&identity("phone", u64::MAX)), admissions.admit(&identity("desk", u64::MAX)));
        admissions.end("1", Some("phone"));
        assert!(is_over(&phone) && !is_over(&desk));
        admissions.end("2", None);
        admissions.end_others("1", Some("desk"));
        assert!(!is_over(&desk));
        admissions.end("1", None);
        assert!(is_over(&desk));
        drop((phone, desk));
        assert!(admissions.lock().is_empty());
    }

    #[test]
    fn a_connection_ends_with_its_token_unless_it_was_renewed() {
        let admissions = Arc::new(LiveSessions::default());
        let (past, future) = (NOW - 1, NOW + 1_000);
        let (renewed, expired) =
            (admissions.admit(&identity("a", past)), admissions.admit(&identity("b", past)));
        admissions.extend(&identity("a", future));
        admissions.extend(&identity("a", past));
        admissions.sweep(NOW);
        assert!(!is_over(&renewed) && is_over(&expired));
    }

    #[test]
    fn a_token_with_other_rights_prolongs_nothing() {
        let admissions = Arc::new(LiveSessions::default());
        let (past, future) = (NOW - 1, NOW + 1_000);
        let wide = admissions.admit(&identity("a", past));
        let narrow = Some(vec![Pattern::parse("general").expect("fine")]);
        admissions.extend(&Identity { rooms: narrow, ..identity("a", future) });
        admissions.sweep(NOW);
        assert!(is_over(&wide));
    }
}
