//! One-time links: the first administrator's, invitations, and the reset of a password. Whoever has the link may do
//! what it is for, once; the directory has its hash, so what is stored opens nothing.

use serde::{Deserialize, Serialize};

use super::{ATTEMPTS, Account, Accounts, busy, name_taken, sessions};
use crate::{
    protocol::problem::{Code, Rejection},
    server::{
        auth::{Submission, password, secret},
        error::Error,
        store::directory::{Kind, Mutation, Precondition},
    },
};

/// How long an invitation is good for: a week of holidays.
const INVITATION_MS: i64 = 7 * 24 * 3_600_000;
/// How long a reset is good for: it is handed over when it is needed.
const RESET_MS: i64 = 24 * 3_600_000;

/// What a link is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "purpose", rename_all = "kebab-case")]
pub enum Purpose {
    /// Becoming the first administrator.
    Setup,
    /// Becoming somebody.
    Invitation {
        /// Who invited, by name.
        by: String,
    },
    /// Another password for an account.
    Reset {
        /// The account's id.
        account: String,
    },
}

/// A link that was made and not used yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// What it is for.
    #[serde(flatten)]
    pub purpose: Purpose,
    /// When it ends, in milliseconds since the Unix epoch.
    pub expires_at: i64,
}

impl Accounts {
    /// The token of a link that makes the first administrator; the one before it ends, also when another node made it.
    /// When nodes start in the same moment there may be several; the first that is used ends the others. `None`: there
    /// is an administrator already.
    pub async fn make_setup_link(&self) -> Result<Option<String>, Error> {
        if self.list().await?.iter().any(|account| account.is_admin) {
            return Ok(None);
        }
        for (id, link) in self.links().await? {
            if link.purpose == Purpose::Setup {
                self.revoke(&id).await?;
            }
        }
        self.make_link(Purpose::Setup, i64::MAX).await.map(Some)
    }

    /// The token of an invitation.
    pub async fn invite(&self, by: &str) -> Result<String, Error> {
        self.make_link(Purpose::Invitation { by: by.to_owned() }, self.clock.wall_ms() + INVITATION_MS).await
    }

    /// The token of an invitation that a form makes. Sent again it gives the same one, which may have been used since.
    pub async fn invite_once(&self, by: &str, submission: &Submission) -> Result<String, Error> {
        let (token, id) = submission.halves();
        let purpose = Purpose::Invitation { by: by.to_owned() };
        let link = Link { purpose, expires_at: self.clock.wall_ms() + INVITATION_MS };
        // Noted apart from the link, so that one that was used is not made anew.
        let steps = vec![
            Mutation::put(Kind::Submission, id, Precondition::Absent, &self.clock.wall_ms()),
            Mutation::put(Kind::Link, secret::hash(token), Precondition::Absent, &link),
        ];
        self.directory.change(steps).await?;
        Ok(token.to_owned())
    }

    /// The token of a link with which an account gets another password.
    pub async fn make_reset_link(&self, account: &str) -> Result<String, Error> {
        self.make_link(Purpose::Reset { account: account.to_owned() }, self.clock.wall_ms() + RESET_MS).await
    }

    pub(super) async fn make_link(&self, purpose: Purpose, expires_at: i64) -> Result<String, Error> {
        let token = secret::random_token();
        let link = Link { purpose, expires_at };
        let step = Mutation::put(Kind::Link, secret::hash(&token), Precondition::Absent, &link);
        self.directory.change(vec![step]).await?;
        Ok(token)
    }

    /// The links that can be used, with the ids by which they are revoked.
    pub async fn links(&self) -> Result<Vec<(String, Link)>, Error> {
        let links = self.directory.read_all::<Link>(Kind::Link, "").await?.into_iter();
        let now_ms = self.clock.settled_ms();
        Ok(links.filter(|(_, link)| link.expires_at > now_ms).collect())
    }

    /// Ends a link by its id.
    pub async fn revoke(&self, id: &str) -> Result<(), Error> {
        self.directory.change(vec![Mutation::remove(Kind::Link, id, Precondition::Anything)]).await?;
        Ok(())
    }

    /// What the link with this token is for.
    pub async fn link(&self, token: &str) -> Result<Link, Error> {
        let link = self.directory.read::<Link>(Kind::Link, &secret::hash(token)).await?;
        let now_ms = self.clock.settled_ms();
        link.filter(|link| link.expires_at > now_ms).ok_or_else(used_up)
    }

    /// Becomes somebody by the first link or an invitation, which ends with it.
    pub async fn join(&self, token: &str, name: &str, password: &str) -> Result<Account, Error> {
        let link = self.link(token).await?;
        let is_admin = match link.purpose {
            Purpose::Setup => true,
            Purpose::Invitation { .. } => false,
            Purpose::Reset { .. } => return Err(used_up()),
        };
        let (account, mut steps) = self.draft(name, password, is_admin).await?;
        let used = secret::hash(token);
        if link.purpose == Purpose::Setup {
            steps.extend(self.end_setup(&used).await?);
        }
        steps.push(Mutation::remove(Kind::Link, used, Precondition::Present));
        if self.directory.change(steps).await?.is_taken() {
            return Ok(account);
        }
        // Of the two that may be in the way the link is looked at first: a name can be chosen anew.
        self.link(token).await?;
        Err(name_taken())
    }

    /// The steps that end the first administrator's links but for the one that is used.
    async fn end_setup(&self, used: &str) -> Result<Vec<Mutation>, Error> {
        if self.list().await?.iter().any(|account| account.is_admin) {
            return Err(used_up());
        }
        let links = self.links().await?.into_iter();
        let others = links.filter(|(id, link)| link.purpose == Purpose::Setup && id != used);
        Ok(others.map(|(id, _)| Mutation::remove(Kind::Link, id, Precondition::Anything)).collect())
    }

    /// Another password, by the link made for it. Every session of the account ends, with what is open of it.
    pub async fn reset(&self, token: &str, password: &str) -> Result<Account, Error> {
        let Purpose::Reset { account } = self.link(token).await?.purpose else { return Err(used_up()) };
        password::check_form(password)?;
        let hash = password::hash(password).await;
        let held = self.changes.lock().await;
        for _ in 0..ATTEMPTS {
            let found = self.directory.read_to_change::<Account>(Kind::Account, &account).await?;
            let (account, unchanged) = found.ok_or_else(used_up)?;
            let account = Account { password: hash.clone(), ..account };
            // This link has to be there still; the account's others end along with it.
            let used = secret::hash(token);
            let mut steps = self.with_password(&account, unchanged).await?;
            steps.retain(|step| step.kind != Kind::Link || step.id != used);
            steps.insert(0, Mutation::remove(Kind::Link, used, Precondition::Present));
            steps.push(sessions::end_all(&account.id, None));
            let taken = self.directory.change(steps).await?;
            if taken.is_taken() {
                drop(held);
                self.directory.wait_for_nodes(taken).await;
                return Ok(account);
            }
            self.link(token).await?;
        }
        Err(busy())
    }
}

fn used_up() -> Error {
    let message = "This link was used, has ended, or never was one. Ask for a new one.";
    Rejection::new(Code::BadLink, message).into()
}
