//! Authentication: the identity behind a token, and its lifetime. The routes and the socket handlers ask [`Auth`];
//! nothing else in the server makes or reads a token. Rights in rooms and channels are `authz`'s to decide; only
//! the channels of a publisher's token are checked here, with the token (`publishers`).
//!
//! The setting `--auth` says how users sign in: as guests, who choose a name; with accounts; or in another system,
//! which issues the tokens.

mod accounts;
mod change_listener;
mod hook_templates;
pub mod identity;
pub mod issuer;
mod key_file;
mod keys;
mod live_sessions;
mod open_channels;
pub(crate) mod operator;
mod password;
mod pattern;
pub mod publishers;
mod secret;
mod sessions;
mod signing_secret;
mod submissions;

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

pub(super) use self::secret::{hash, random_token};
pub use self::{
    accounts::{Account, AccountSession, Accounts, Link, Purpose},
    hook_templates::{HookTemplate, HookTemplates, Received, template_removal},
    identity::{Actor, Identity},
    live_sessions::LiveSession,
    open_channels::OpenChannels,
    password::PASSWORD_MIN_CHARACTERS,
    pattern::{Pattern, covers},
    secret::{KEY_FILES, OPERATOR_KEY_FILE, SESSION_KEY_FILE, Secret, SecretError},
    sessions::SESSION_LIFETIME,
    signing_secret::SigningSecret,
    submissions::{Submission, Submissions, sweep as sweep_submissions},
};
use self::{
    accounts::{end_all_pushes, end_all_sessions},
    identity::seconds,
    issuer::Issuer,
    live_sessions::LiveSessions,
    sessions::Sessions,
};
pub use super::store::normalized_name::normalized_name;
use super::{
    clock::Clock,
    error::Error,
    store::{StoreError, directory::DocumentStore},
};
use crate::protocol::session::{Session, User};

/// Interval at which [`Auth::sweep`] looks for connections whose token has expired.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// The way users sign in (`--auth`).
pub enum Mode {
    /// By choosing a name.
    Guest,
    /// With a password.
    Accounts(Accounts),
    /// In another system, which issues the tokens.
    Issuer(Box<Issuer>),
}

/// Identifies users by their tokens, and ends live connections with their session or token.
pub struct Auth {
    mode: Mode,
    sessions: Sessions,
    live_sessions: Arc<LiveSessions>,
    documents: Arc<dyn DocumentStore>,
    clock: Arc<Clock>,
}

impl Auth {
    /// `secret` signs the tokens of guests and of accounts.
    pub fn new(mode: Mode, secret: &Secret, documents: Arc<dyn DocumentStore>, clock: Arc<Clock>) -> Self {
        let sessions = Sessions::new(secret, clock.clone());
        Self { mode, sessions, live_sessions: Arc::default(), documents, clock }
    }

    /// The accounts, where users have one.
    pub fn accounts(&self) -> Option<&Accounts> {
        match &self.mode {
            Mode::Accounts(accounts) => Some(accounts),
            Mode::Guest | Mode::Issuer(_) => None,
        }
    }

    /// The issuer of tokens, where users sign in in another system.
    pub fn issuer(&self) -> Option<&Issuer> {
        match &self.mode {
            Mode::Issuer(issuer) => Some(issuer),
            Mode::Guest | Mode::Accounts(_) => None,
        }
    }

    /// Returns true if users come in as guests.
    pub fn allows_guests(&self) -> bool {
        matches!(self.mode, Mode::Guest)
    }

    /// The identity behind a token; `None` if the token is not for this server, was tampered with or has expired, or
    /// its session has ended.
    pub async fn identify(&self, token: &str) -> Result<Option<Identity>, StoreError> {
        let identity = match &self.mode {
            // A token with a session is from a time when the setting was another one.
            Mode::Guest => self.sessions.verify(token).filter(|identity| identity.session.is_none()),
            Mode::Accounts(accounts) => match self.sessions.verify(token) {
                Some(identity) => with_account(accounts, identity).await?,
                None => None,
            },
            Mode::Issuer(issuer) => match issuer.verify(token) {
                Ok(claims) => Some(claims.into()),
                Err(rejection) => {
                    tracing::debug!(refusal = %rejection, "rejected a token");
                    None
                }
            },
        };
        if let Some(identity) = &identity {
            self.live_sessions.extend(identity);
        }
        Ok(identity)
    }

    /// A session of a new guest, under `name` or a generated one. `None` where users do not come in as guests.
    pub fn create_guest(&self, name: Option<String>) -> Option<Session> {
        matches!(self.mode, Mode::Guest).then(|| self.sessions.create_guest(name))
    }

    /// A session of the same guest under another name. `None` where users do not come in as guests.
    pub fn rename_guest(&self, identity: &Identity, name: String) -> Option<Session> {
        let user = User { id: identity.user.id.clone(), name };
        matches!(self.mode, Mode::Guest).then(|| self.sessions.issue(user, None))
    }

    /// Renews a token of this server, with the session it names. `None`: it is too early, or the token is another
    /// system's.
    pub async fn renew(&self, identity: &Identity) -> Result<Option<Session>, StoreError> {
        if !identity.is_stale {
            return Ok(None);
        }
        if let (Mode::Accounts(accounts), Some(session)) = (&self.mode, &identity.session) {
            accounts.renew_session(&identity.user.id, session).await?;
        }
        Ok(Some(self.sessions.issue(identity.user.clone(), identity.session.clone())))
    }

    /// Signs a user in who has proved their identity. `agent` is the `User-Agent` of the browser.
    pub async fn sign_in(&self, account: &Account, agent: &str) -> Result<Session, Error> {
        let Mode::Accounts(accounts) = &self.mode else {
            return Ok(self.sessions.issue(account.user(), None));
        };
        let session = accounts.start_session(account, agent).await?;
        Ok(self.sessions.issue(account.user(), Some(session)))
    }

    /// Ends a session with its live connections.
    pub async fn sign_out(&self, user_id: &str, session: Option<&str>) -> Result<(), Error> {
        match (&self.mode, session) {
            (Mode::Accounts(accounts), Some(session)) => accounts.end_session(user_id, session).await?,
            // A guest's session has no document; the mutation tells the other nodes that it ended. The answer does
            // not wait for them: guests sign out of their own accord, and no right is taken from them.
            (Mode::Guest, _) => {
                let mut mutations = vec![end_all_sessions(user_id, None)];
                mutations.extend(end_all_pushes(user_id));
                self.documents.grant(mutations).await?;
            }
            (Mode::Accounts(_), None) | (Mode::Issuer(_), _) => {}
        }
        self.live_sessions.end(user_id, session);
        Ok(())
    }

    /// Returns true if a device of this user is still signed in, by the session in which it was registered: that of an
    /// account may have ended, and the account may be blocked or removed. Sessions of others cannot be looked up.
    pub async fn is_signed_in(&self, user_id: &str, session: Option<&str>) -> Result<bool, StoreError> {
        match (&self.mode, session) {
            (Mode::Accounts(accounts), Some(session)) => {
                Ok(accounts.signed_in(user_id, session).await?.is_some())
            }
            (Mode::Accounts(_), None) => Ok(false),
            (Mode::Guest | Mode::Issuer(_), session) => Ok(session.is_none()),
        }
    }

    /// Registers a live connection, which must end when the returned session does. `None`: the session has ended since
    /// `identity` was read. The connection is registered before the session is checked, so a session that ends after
    /// the check finds the connection.
    pub async fn open_live_session(&self, identity: &Identity) -> Result<Option<LiveSession>, StoreError> {
        let live_session = self.live_sessions.open(identity);
        Ok(match &self.mode {
            Mode::Accounts(accounts) => {
                with_account(accounts, identity.clone()).await?.is_some().then_some(live_session)
            }
            Mode::Guest | Mode::Issuer(_) => Some(live_session),
        })
    }

    /// Ends connections whose token has expired, until `stop`.
    pub async fn sweep(&self, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(SWEEP_INTERVAL);
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            self.live_sessions.sweep(self.token_time());
        }
    }

    /// The time by which tokens expire, in seconds since the Unix epoch: the settled time for those of this server, the
    /// wall time for those of another system, which goes by its own clock.
    fn token_time(&self) -> u64 {
        seconds(match self.mode {
            Mode::Guest | Mode::Accounts(_) => self.clock.settled_ms(),
            Mode::Issuer(_) => self.clock.wall_ms(),
        })
    }
}

/// The identity with what its account says now; `None` if the session has ended or the account is blocked.
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
