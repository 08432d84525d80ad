//! Sessions of accounts. A session is a document, so that it can be ended; the token only names it. `Auth` and the
//! account routes call this; it never signs or verifies a token.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::{Account, Accounts, wrong_password};
use crate::server::{
    auth::{secret, sessions::SESSION_LIFETIME},
    error::Error,
    store::{
        StoreError,
        directory::{Kind, Mutation, Precondition, id_prefix_of},
    },
};

/// Most sessions of one account; with one more the oldest ends. No user has so many devices.
const SESSIONS_MAX: usize = 50;
/// Longest `User-Agent` that is stored, in characters; the rest is cut.
const AGENT_MAX_CHARACTERS: usize = 200;

/// One session: one device or browser that is signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountSession {
    /// The browser's name for itself (`User-Agent`).
    pub agent: String,
    /// The time of signing in, in milliseconds since the Unix epoch.
    pub created_at: i64,
    /// The time of the token's last renewal; the session ends one lifetime after it. A session from before this was
    /// stored is over: its holder signs in once more.
    #[serde(default)]
    pub renewed_at: i64,
}

impl AccountSession {
    /// In milliseconds since the Unix epoch.
    fn ends_at(&self) -> i64 {
        let lifetime_ms = i64::try_from(SESSION_LIFETIME.as_millis()).unwrap_or(i64::MAX);
        self.renewed_at.saturating_add(lifetime_ms)
    }

    /// `now_ms` is the settled time.
    fn is_over(&self, now_ms: i64) -> bool {
        self.ends_at() <= now_ms
    }
}

impl Accounts {
    /// Starts a session for a user who has proved their identity by the password in `proved`; a password that was
    /// changed since proves nothing. Returns the session's id. Surplus sessions end with their live connections; the
    /// caller does not wait until other nodes end theirs, because signing in takes no right away.
    pub async fn start_session(&self, proved: &Account, agent: &str) -> Result<String, Error> {
        let attempt = move |lock| async move {
            let _held = lock;
            let (id, now) = (secret::random_token(), self.clock.wall_ms());
            let agent = agent.chars().take(AGENT_MAX_CHARACTERS).collect();
            let session = AccountSession { agent, created_at: now, renewed_at: now };
            let found = self.documents.read_to_change::<Account>(Kind::Account, &proved.id).await?;
            let is_proved = |account: &Account| account.password == proved.password && !account.is_blocked;
            let (_, unchanged) =
                found.filter(|(account, _)| is_proved(account)).ok_or_else(wrong_password)?;
            let surplus = self.surplus_sessions(&proved.id).await?;
            let end = |id: &String| {
                Mutation::remove(Kind::Session, session_key(&proved.id, id), Precondition::Anything)
            };
            let mut mutations: Vec<Mutation> = surplus.iter().map(end).collect();
            mutations.push(Mutation::check(Kind::Account, &proved.id, unchanged));
            let key = session_key(&proved.id, &id);
            mutations.push(Mutation::put(Kind::Session, key, Precondition::Absent, &session));
            Ok(self.documents.grant(mutations).await?.is_committed().then_some(id))
        };
        self.retry_on_conflict(attempt).await
    }

    /// The ids of the sessions that are over, and of the oldest ones if there is no room for one more.
    async fn surplus_sessions(&self, account: &str) -> Result<Vec<String>, StoreError> {
        let mut sessions = self.all_sessions(account).await?;
        sessions.sort_by_key(|(_, session)| -session.renewed_at);
        let now_ms = self.clock.settled_ms();
        let lasting = sessions.iter().take_while(|(_, session)| !session.is_over(now_ms)).count();
        let kept = lasting.min(SESSIONS_MAX - 1);
        Ok(sessions.drain(kept..).map(|(id, _)| id).collect())
    }

    /// Extends a session to its whole lifetime from now, unless it has ended.
    pub async fn renew_session(&self, account: &str, session: &str) -> Result<(), StoreError> {
        let key = session_key(account, session);
        let Some(found) = self.documents.read::<AccountSession>(Kind::Session, &key).await? else {
            return Ok(());
        };
        let renewed = AccountSession { renewed_at: self.clock.wall_ms(), ..found };
        let mutations = vec![
            Mutation::check(Kind::Account, account, Precondition::Present),
            Mutation::put(Kind::Session, key, Precondition::Present, &renewed),
        ];
        self.documents.grant(mutations).await?;
        Ok(())
    }

    /// The account, if it has this session and is not blocked; and the end of the session, in seconds since the Unix
    /// epoch.
    pub async fn signed_in(
        &self,
        account: &str,
        session: &str,
    ) -> Result<Option<(Account, u64)>, StoreError> {
        let key = session_key(account, session);
        let found = self.documents.read::<AccountSession>(Kind::Session, &key).await?;
        let now_ms = self.clock.settled_ms();
        let Some(found) = found.filter(|session| !session.is_over(now_ms)) else { return Ok(None) };
        let account = self.documents.read::<Account>(Kind::Account, account).await?;
        let ends_at = u64::try_from(found.ends_at() / 1000).unwrap_or_default();
        Ok(account.filter(|account| !account.is_blocked).map(|account| (account, ends_at)))
    }

    /// The sessions of an account that are not over, with their ids.
    pub async fn sessions(&self, account: &str) -> Result<Vec<(String, AccountSession)>, Error> {
        let mut sessions = self.all_sessions(account).await?;
        let now_ms = self.clock.settled_ms();
        sessions.retain(|(_, session)| !session.is_over(now_ms));
        Ok(sessions)
    }

    async fn all_sessions(&self, account: &str) -> Result<Vec<(String, AccountSession)>, StoreError> {
        let prefix = session_key(account, "");
        let found = self.documents.read_all::<AccountSession>(Kind::Session, &prefix).await?.into_iter();
        Ok(found.map(|(id, session)| (id[prefix.len()..].to_owned(), session)).collect())
    }

    /// The account id and the session id of every stored session.
    pub async fn every_session(&self) -> Result<HashSet<(String, String)>, StoreError> {
        let ids = self.documents.list(Kind::Session, "").await?.into_iter();
        Ok(ids
            .filter_map(|(key, _)| {
                split_session_key(&key).map(|(account, session)| (account.to_owned(), session.to_owned()))
            })
            .collect())
    }

    /// Ends one session with its live connections, at every live node.
    pub async fn end_session(&self, account: &str, session: &str) -> Result<(), Error> {
        let key = session_key(account, session);
        let end = |kind| Mutation::remove(kind, &key, Precondition::Anything);
        // A device that is signed out gets no more pushes.
        self.documents.revoke(vec![end(Kind::Session), end(Kind::PushSubscription)]).await?;
        Ok(())
    }
}

/// The mutation that ends all sessions of an account except `kept`. The same change must name the account too: only
/// then it conflicts with a session that begins at the same time.
pub(crate) fn end_all_sessions(account: &str, kept: Option<&str>) -> Mutation {
    let kept = kept.map(|session| session_key(account, session));
    Mutation::remove_under(Kind::Session, session_key(account, ""), kept)
}

/// The mutations that remove all devices of a user that get pushes, and their settings and rules of notifications.
pub(crate) fn end_all_pushes(user_id: &str) -> [Mutation; 3] {
    let prefix = id_prefix_of(user_id);
    [
        Mutation::remove(Kind::PushSettings, &prefix, Precondition::Anything),
        Mutation::remove(Kind::PushRules, &prefix, Precondition::Anything),
        Mutation::remove_under(Kind::PushSubscription, prefix, None),
    ]
}

/// The account id and the session id in a session's document id.
pub(crate) fn split_session_key(key: &str) -> Option<(&str, &str)> {
    key.split_once('/')
}

/// The id of a session's document.
fn session_key(account: &str, session: &str) -> String {
    format!("{account}/{session}")
}
