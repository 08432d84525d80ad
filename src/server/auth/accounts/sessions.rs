//! Where people are signed in. A session is a document, so that it can be ended; the token only names it.

use serde::{Deserialize, Serialize};

use super::{Account, Accounts};
use crate::server::{
    auth::{secret, sessions::SESSION_LIFETIME},
    clock::now_ms,
    error::Error,
    store::{
        StoreError,
        directory::{Expect, Kind, Step},
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
}

impl AccountSession {
    fn is_over(&self) -> bool {
        let lifetime_ms = i64::try_from(SESSION_LIFETIME.as_millis()).unwrap_or(i64::MAX);
        self.created_at.saturating_add(lifetime_ms) <= now_ms()
    }
}

impl Accounts {
    /// Signs somebody in, who has proved who they are. Returns the session's id.
    pub async fn start_session(&self, account: &str, agent: &str) -> Result<String, Error> {
        let mut sessions = self.sessions(account).await?;
        sessions.sort_by_key(|(_, session)| -session.created_at);
        for (id, _) in sessions.iter().skip(SESSIONS_MAX - 1) {
            self.end_session(account, id).await?;
        }
        let id = secret::random_token();
        let agent = agent.chars().take(AGENT_MAX_CHARACTERS).collect();
        let session = AccountSession { agent, created_at: now_ms() };
        let step = Step::put(Kind::Session, place(account, &id), Expect::Absent, &session);
        self.directory.change(vec![step]).await?;
        Ok(id)
    }

    /// The account, if it has this session and may be signed in.
    pub async fn signed_in(&self, account: &str, session: &str) -> Result<Option<Account>, StoreError> {
        let found = self.directory.read::<AccountSession>(Kind::Session, &place(account, session)).await?;
        if found.is_none_or(|session| session.is_over()) {
            return Ok(None);
        }
        let account = self.directory.read::<Account>(Kind::Account, account).await?;
        Ok(account.filter(|account| !account.is_blocked))
    }

    /// Where somebody is signed in, by the sessions' ids.
    pub async fn sessions(&self, account: &str) -> Result<Vec<(String, AccountSession)>, Error> {
        let prefix = place(account, "");
        let found = self.directory.read_all::<AccountSession>(Kind::Session, &prefix).await?.into_iter();
        Ok(found.map(|(id, session)| (id[prefix.len()..].to_owned(), session)).collect())
    }

    /// Ends one session. Its live connections are for `Auth` to end.
    pub async fn end_session(&self, account: &str, session: &str) -> Result<(), Error> {
        self.directory
            .change(vec![Step::remove(Kind::Session, place(account, session), Expect::Anything)])
            .await?;
        Ok(())
    }

    /// Ends all sessions of an account but this one. Returns the ids of those that ended.
    pub async fn end_others(&self, account: &str, kept: Option<&str>) -> Result<Vec<String>, Error> {
        let sessions = self.sessions(account).await?.into_iter().map(|(id, _)| id);
        let ended: Vec<String> = sessions.filter(|id| Some(id.as_str()) != kept).collect();
        let steps = ended.iter().map(|id| Step::remove(Kind::Session, place(account, id), Expect::Anything));
        self.directory.change(steps.collect()).await?;
        Ok(ended)
    }
}

fn place(account: &str, session: &str) -> String {
    format!("{account}/{session}")
}
