//! Where people are signed in. A session is a document, so that it can be ended; the token only names it.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::{ATTEMPTS, Account, Accounts, busy, wrong_password};
use crate::server::{
    auth::{secret, sessions::SESSION_LIFETIME},
    error::Error,
    store::{
        StoreError,
        directory::{Kind, Mutation, Precondition},
    },
};

/// Sessions of one account; with one more the oldest ends. Nobody has so many devices.
const SESSIONS_MAX: usize = 50;
/// How much of what a browser calls itself is kept, in characters.
const AGENT_MAX_CHARACTERS: usize = 200;

/// One place where somebody is signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountSession {
    /// What the browser calls itself (`User-Agent`).
    pub agent: String,
    /// When it began, in milliseconds since the Unix epoch.
    pub created_at: i64,
    /// When its token was last renewed; as long as its lifetime after that it is over. A session from before this was
    /// noted is over: its holder signs in once more.
    #[serde(default)]
    pub renewed_at: i64,
}

impl AccountSession {
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
    /// Signs somebody in, who has proved who they are by what `proved` has: a password that was changed since proves
    /// nothing. Returns the session's id. Sessions that were too many end, with what is open of them.
    pub async fn start_session(&self, proved: &Account, agent: &str) -> Result<String, Error> {
        let _held = self.changes.lock().await;
        let (id, now) = (secret::random_token(), self.clock.wall_ms());
        let agent = agent.chars().take(AGENT_MAX_CHARACTERS).collect();
        let session = AccountSession { agent, created_at: now, renewed_at: now };
        for _ in 0..ATTEMPTS {
            let found = self.directory.read_to_change::<Account>(Kind::Account, &proved.id).await?;
            let is_proved = |account: &Account| account.password == proved.password && !account.is_blocked;
            let (_, unchanged) =
                found.filter(|(account, _)| is_proved(account)).ok_or_else(wrong_password)?;
            let surplus = self.surplus_sessions(&proved.id).await?;
            let end =
                |id: &String| Mutation::remove(Kind::Session, place(&proved.id, id), Precondition::Anything);
            let mut steps: Vec<Mutation> = surplus.iter().map(end).collect();
            steps.push(Mutation::keep(Kind::Account, &proved.id, unchanged));
            steps.push(Mutation::put(Kind::Session, place(&proved.id, &id), Precondition::Absent, &session));
            if self.directory.change(steps).await?.is_taken() {
                return Ok(id);
            }
        }
        Err(busy())
    }

    /// The sessions that are over, and the oldest of those that leave no place for one more.
    async fn surplus_sessions(&self, account: &str) -> Result<Vec<String>, StoreError> {
        let mut sessions = self.all_sessions(account).await?;
        sessions.sort_by_key(|(_, session)| -session.renewed_at);
        let now_ms = self.clock.settled_ms();
        let lasting = sessions.iter().take_while(|(_, session)| !session.is_over(now_ms)).count();
        let kept = lasting.min(SESSIONS_MAX - 1);
        Ok(sessions.drain(kept..).map(|(id, _)| id).collect())
    }

    /// Lets a session last its whole lifetime from now on, unless it has ended.
    pub async fn renew_session(&self, account: &str, session: &str) -> Result<(), StoreError> {
        let id = place(account, session);
        let Some(found) = self.directory.read::<AccountSession>(Kind::Session, &id).await? else {
            return Ok(());
        };
        let renewed = AccountSession { renewed_at: self.clock.wall_ms(), ..found };
        let steps = vec![
            Mutation::keep(Kind::Account, account, Precondition::Present),
            Mutation::put(Kind::Session, id, Precondition::Present, &renewed),
        ];
        self.directory.change(steps).await?;
        Ok(())
    }

    /// The account, if it has this session and may be signed in; and when the session ends, in seconds since the Unix
    /// epoch.
    pub async fn signed_in(
        &self,
        account: &str,
        session: &str,
    ) -> Result<Option<(Account, u64)>, StoreError> {
        let found = self.directory.read::<AccountSession>(Kind::Session, &place(account, session)).await?;
        let now_ms = self.clock.settled_ms();
        let Some(found) = found.filter(|session| !session.is_over(now_ms)) else { return Ok(None) };
        let account = self.directory.read::<Account>(Kind::Account, account).await?;
        let ends_at = u64::try_from(found.ends_at() / 1000).unwrap_or_default();
        Ok(account.filter(|account| !account.is_blocked).map(|account| (account, ends_at)))
    }

    /// Where somebody is signed in, by the sessions' ids.
    pub async fn sessions(&self, account: &str) -> Result<Vec<(String, AccountSession)>, Error> {
        let mut sessions = self.all_sessions(account).await?;
        let now_ms = self.clock.settled_ms();
        sessions.retain(|(_, session)| !session.is_over(now_ms));
        Ok(sessions)
    }

    async fn all_sessions(&self, account: &str) -> Result<Vec<(String, AccountSession)>, StoreError> {
        let prefix = place(account, "");
        let found = self.directory.read_all::<AccountSession>(Kind::Session, &prefix).await?.into_iter();
        Ok(found.map(|(id, session)| (id[prefix.len()..].to_owned(), session)).collect())
    }

    /// All sessions there are, by account and session.
    pub async fn every_session(&self) -> Result<HashSet<(String, String)>, StoreError> {
        let ids = self.directory.list(Kind::Session, "").await?.into_iter();
        Ok(ids.filter_map(|(id, _)| parts(&id).map(|(one, two)| (one.to_owned(), two.to_owned()))).collect())
    }

    /// Ends one session, with what is open of it.
    pub async fn end_session(&self, account: &str, session: &str) -> Result<(), Error> {
        let step = Mutation::remove(Kind::Session, place(account, session), Precondition::Anything);
        let taken = self.directory.change(vec![step]).await?;
        self.directory.wait_for_nodes(taken).await;
        Ok(())
    }
}

/// The step that ends all sessions of an account but one. The change has to name the account, too.
pub(crate) fn end_all(account: &str, kept: Option<&str>) -> Mutation {
    Mutation::remove_under(Kind::Session, place(account, ""), kept.map(|session| place(account, session)))
}

/// The account and the session of a document's id.
pub(crate) fn parts(id: &str) -> Option<(&str, &str)> {
    id.split_once('/')
}

fn place(account: &str, session: &str) -> String {
    format!("{account}/{session}")
}
