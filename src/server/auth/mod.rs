//! Who is asking: whom a token speaks for, and how long. Nothing else in the server makes or reads a token.
//!
//! One setting says how people become somebody: as guests, who choose a name; with accounts; or elsewhere, by tokens
//! that another system issues.

mod accounts;
mod change_listener;
pub mod identity;
pub mod issuer;
mod key_file;
mod keys;
mod live_sessions;
pub(crate) mod operator;
mod password;
mod pattern;
pub mod publishers;
mod secret;
mod sessions;
mod submissions;

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

pub(super) use self::secret::{hash, random_token};
use self::{
    accounts::end_all, identity::seconds, issuer::Issuer, live_sessions::LiveSessions, sessions::Sessions,
};
pub use self::{
    accounts::{Account, AccountSession, Accounts, Link, Purpose},
    identity::Identity,
    live_sessions::LiveSession,
    password::PASSWORD_MIN_CHARACTERS,
    pattern::{Pattern, covers},
    secret::{KEY_FILES, OPERATOR_KEY_FILE, SESSION_KEY_FILE, Secret, SecretError},
    sessions::SESSION_LIFETIME,
    submissions::{Submission, Submissions, sweep as sweep_submissions},
};
pub use super::store::normalized_name::normalized_name;
use super::{
    clock::Clock,
    error::Error,
    store::{StoreError, directory::DocumentStore},
};
use crate::protocol::session::{Session, User};

/// How often connections whose token has ended are looked for.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// How people become somebody.
pub enum Mode {
    /// By choosing a name.
    Guest,
    /// With a password.
    Accounts(Accounts),
    /// Elsewhere.
    Issuer(Box<Issuer>),
}

/// See the module.
pub struct Auth {
    mode: Mode,
    sessions: Sessions,
    admissions: Arc<LiveSessions>,
    directory: Arc<dyn DocumentStore>,
    clock: Arc<Clock>,
}

impl Auth {
    /// Tokens of ours are signed with `secret`.
    pub fn new(mode: Mode, secret: &Secret, directory: Arc<dyn DocumentStore>, clock: Arc<Clock>) -> Self {
        let sessions = Sessions::new(secret, clock.clone());
        Self { mode, sessions, admissions: Arc::default(), directory, clock }
    }

    /// The accounts, if people have some here.
    pub fn accounts(&self) -> Option<&Accounts> {
        match &self.mode {
            Mode::Accounts(accounts) => Some(accounts),
            Mode::Guest | Mode::Issuer(_) => None,
        }
    }

    /// The other system, if it is one that signs people in.
    pub fn issuer(&self) -> Option<&Issuer> {
        match &self.mode {
            Mode::Issuer(issuer) => Some(issuer),
            Mode::Guest | Mode::Accounts(_) => None,
        }
    }

    /// Whether people come in as guests.
    pub fn takes_guests(&self) -> bool {
        matches!(self.mode, Mode::Guest)
    }

    /// Whom a token speaks for; `None` when it is not for us, was changed, has ended, or its session has.
    pub async fn identify(&self, token: &str) -> Result<Option<Identity>, StoreError> {
        let identity = match &self.mode {
            // A token with a session is from when the setting was another one.
            Mode::Guest => self.sessions.verify(token).filter(|identity| identity.session.is_none()),
            Mode::Accounts(accounts) => match self.sessions.verify(token) {
                Some(identity) => with_account(accounts, identity).await?,
                None => None,
            },
            Mode::Issuer(issuer) => match issuer.verify(token) {
                Ok(claims) => Some(claims.into()),
                Err(refusal) => {
                    tracing::debug!(%refusal, "a token was refused");
                    None
                }
            },
        };
        if let Some(identity) = &identity {
            self.admissions.extend(identity);
        }
        Ok(identity)
    }

    /// A session of somebody new, under this name or one made up. `None` where nobody comes in as a guest.
    pub fn welcome(&self, name: Option<String>) -> Option<Session> {
        matches!(self.mode, Mode::Guest).then(|| self.sessions.welcome(name))
    }

    /// A guest under another name.
    pub fn rename_guest(&self, identity: &Identity, name: String) -> Option<Session> {
        let user = User { id: identity.user.id.clone(), name };
        matches!(self.mode, Mode::Guest).then(|| self.sessions.issue(user, None))
    }

    /// A token that is valid longer, for who has one of ours. `None`: it is not time, or it is another system's.
    pub async fn renew(&self, identity: &Identity) -> Result<Option<Session>, StoreError> {
        if !identity.is_stale {
            return Ok(None);
        }
        if let (Mode::Accounts(accounts), Some(session)) = (&self.mode, &identity.session) {
            accounts.renew_session(&identity.user.id, session).await?;
        }
        Ok(Some(self.sessions.issue(identity.user.clone(), identity.session.clone())))
    }

    /// Signs somebody in who has proved who they are. `agent` is what their browser calls itself.
    pub async fn sign_in(&self, account: &Account, agent: &str) -> Result<Session, Error> {
        let Mode::Accounts(accounts) = &self.mode else {
            return Ok(self.sessions.issue(account.user(), None));
        };
        let session = accounts.start_session(account, agent).await?;
        Ok(self.sessions.issue(account.user(), Some(session)))
    }

    /// Ends a session with what is open of it.
    pub async fn sign_out(&self, user_id: &str, session: Option<&str>) -> Result<(), Error> {
        match (&self.mode, session) {
            (Mode::Accounts(accounts), Some(session)) => accounts.end_session(user_id, session).await?,
            // There is no document of it; the other nodes hear of its end as of any other.
            (Mode::Guest, _) => drop(self.directory.change(vec![end_all(user_id, None)]).await?),
            (Mode::Accounts(_), None) | (Mode::Issuer(_), _) => {}
        }
        self.admissions.end(user_id, session);
        Ok(())
    }

    /// Notes a live connection, which has to end when the admission is over. `None`: the session has ended since
    /// somebody was identified by it. An end that comes later finds the connection.
    pub async fn admit(&self, identity: &Identity) -> Result<Option<LiveSession>, StoreError> {
        let admission = self.admissions.admit(identity);
        Ok(match &self.mode {
            Mode::Accounts(accounts) => {
                with_account(accounts, identity.clone()).await?.is_some().then_some(admission)
            }
            Mode::Guest | Mode::Issuer(_) => Some(admission),
        })
    }

    /// Ends connections whose token has ended, until `stop`.
    pub async fn sweep(&self, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(SWEEP_INTERVAL);
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            self.admissions.sweep(self.now_of_tokens());
        }
    }

    /// The time by which tokens end, in seconds since the Unix epoch: of ours the settled time, of another system's
    /// the wall time, because the other system goes by its own clock.
    fn now_of_tokens(&self) -> u64 {
        seconds(match self.mode {
            Mode::Guest | Mode::Accounts(_) => self.clock.settled_ms(),
            Mode::Issuer(_) => self.clock.wall_ms(),
        })
    }
}

/// The account behind a token, if its session still is one.
async fn with_account(accounts: &Accounts, identity: Identity) -> Result<Option<Identity>, StoreError> {
    let Some(session) = &identity.session else { return Ok(None) };
    let signed_in = accounts.signed_in(&identity.user.id, session).await?;
    Ok(signed_in.map(|(account, ends_at)| Identity {
        user: account.user(),
        is_admin: account.is_admin,
        expires_at: identity.expires_at.min(ends_at),
        ..identity
    }))
}
