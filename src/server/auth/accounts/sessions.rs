//! Where people are signed in. A session is a document, so that it can be ended; the token only names it.

use serde::{Deserialize, Serialize};

use super::{Account, Accounts, wrong_password};
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

    fn is_over(&self) -> bool {
        self.ends_at() <= now_ms()
    }
}

impl Accounts {
    /// Signs somebody in, who has proved who they are by what `proved` has: a password that was changed since proves
    /// nothing. Returns the session's id, and those of the sessions that were too many and have ended.
    pub async fn start_session(&self, proved: &Account, agent: &str) -> Result<(String, Vec<String>), Error> {
        let _held = self.changes.lock().await;
        let account = self.directory.read::<Account>(Kind::Account, &proved.id).await?;
        if account.is_none_or(|account| account.password != proved.password || account.is_blocked) {
            return Err(wrong_password());
        }
        let mut sessions = self.all_sessions(&proved.id).await?;
        sessions.sort_by_key(|(_, session)| -session.renewed_at);
        let kept =
            sessions.iter().take_while(|(_, session)| !session.is_over()).count().min(SESSIONS_MAX - 1);
        let surplus: Vec<String> = sessions.drain(kept..).map(|(id, _)| id).collect();
        let (id, now) = (secret::random_token(), now_ms());
        let agent = agent.chars().take(AGENT_MAX_CHARACTERS).collect();
        let session = AccountSession { agent, created_at: now, renewed_at: now };
        let end = |id: &String| Step::remove(Kind::Session, place(&proved.id, id), Expect::Anything);
        let mut steps: Vec<Step> = surplus.iter().map(end).collect();
        steps.push(Step::put(Kind::Session, place(&proved.id, &id), Expect::Absent, &session));
        self.directory.change(steps).await?;
        Ok((id, surplus))
    }

    /// Lets a session last its whole lifetime from now on, unless it has ended.
    pub async fn renew_session(&self, account: &str, session: &str) -> Result<(), StoreError> {
        let id = place(account, session);
        let Some(found) = self.directory.read::<AccountSession>(Kind::Session, &id).await? else {
            return Ok(());
        };
        let renewed = AccountSession { renewed_at: now_ms(), ..found };
        self.directory.change(vec![Step::put(Kind::Session, id, Expect::Present, &renewed)]).await?;
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
        let Some(found) = found.filter(|session| !session.is_over()) else { return Ok(None) };
        let account = self.directory.read::<Account>(Kind::Account, account).await?;
        let ends_at = u64::try_from(found.ends_at() / 1000).unwrap_or_default();
        Ok(account.filter(|account| !account.is_blocked).map(|account| (account, ends_at)))
    }

    /// Where somebody is signed in, by the sessions' ids.
    pub async fn sessions(&self, account: &str) -> Result<Vec<(String, AccountSession)>, Error> {
        let mut sessions = self.all_sessions(account).await?;
        sessions.retain(|(_, session)| !session.is_over());
        Ok(sessions)
    }

    async fn all_sessions(&self, account: &str) -> Result<Vec<(String, AccountSession)>, StoreError> {
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

    /// Ends all sessions of an account but this one.
    pub async fn end_others(&self, account: &str, kept: Option<&str>) -> Result<(), Error> {
        let sessions = self.all_sessions(account).await?.into_iter().map(|(id, _)| id);
        let ended = sessions.filter(|id| Some(id.as_str()) != kept);
        let steps = ended.map(|id| Step::remove(Kind::Session, place(account, &id), Expect::Anything));
        self.directory.change(steps.collect()).await?;
        Ok(())
    }
}

fn place(account: &str, session: &str) -> String {
    format!("{account}/{session}")
}
