//! One-time links: for the first administrator, for an invitation, and to reset a password. Whoever has the link may
//! use it once. The routes and the start of the server call this. It stores the hash of the link's token and never the
//! token: a stored document opens nothing.

use serde::{Deserialize, Serialize};

use super::{Account, Accounts, end_all_sessions, name_taken};
use crate::{
    protocol::problem::{Code, Rejection},
    server::{
        auth::{Submission, password, secret},
        error::Error,
        store::directory::{Kind, Mutation, Precondition},
    },
};

/// Lifetime of an invitation: a week of holidays.
const INVITATION_MS: i64 = 7 * 24 * 3_600_000;
/// Lifetime of a link to reset a password: it is handed over when it is needed.
const RESET_MS: i64 = 24 * 3_600_000;

/// The purpose of a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "purpose", rename_all = "kebab-case")]
pub enum Purpose {
    /// Makes the first administrator.
    Setup,
    /// Makes an account.
    Invitation {
        /// The name of the inviting administrator.
        by: String,
    },
    /// Sets a new password for an account.
    Reset {
        /// The account's id.
        account: String,
    },
}

/// A link that was created and is not used yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Its purpose.
    #[serde(flatten)]
    pub purpose: Purpose,
    /// The end of its lifetime, in milliseconds since the Unix epoch.
    pub expires_at: i64,
}

impl Accounts {
    /// Creates the link for the first administrator and returns its token. Earlier ones end, also those of other nodes.
    /// Nodes that start in the same moment may create several; the first that is used ends the others. `None`: there is
    /// an administrator already.
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

    /// Creates an invitation and returns its token.
    pub async fn invite(&self, by: &str) -> Result<String, Error> {
        self.make_link(Purpose::Invitation { by: by.to_owned() }, self.clock.wall_ms() + INVITATION_MS).await
    }

    /// Creates an invitation by a form and returns its token. The same form sent again returns the same token, which
    /// may have been used since.
    pub async fn invite_once(&self, by: &str, submission: &Submission) -> Result<String, Error> {
        let (token, id) = submission.halves();
        let purpose = Purpose::Invitation { by: by.to_owned() };
        let link = Link { purpose, expires_at: self.clock.wall_ms() + INVITATION_MS };
        // Stored apart from the link, so that a used link is not created again.
        let mutations = vec![
            Mutation::put(Kind::Submission, id, Precondition::Absent, &self.clock.wall_ms()),
            Mutation::put(Kind::Link, secret::hash(token), Precondition::Absent, &link),
        ];
        self.documents.grant(mutations).await?;
        Ok(token.to_owned())
    }

    /// Creates a link to reset the password of an account and returns its token.
    pub async fn make_reset_link(&self, account: &str) -> Result<String, Error> {
        self.make_link(Purpose::Reset { account: account.to_owned() }, self.clock.wall_ms() + RESET_MS).await
    }

    pub(super) async fn make_link(&self, purpose: Purpose, expires_at: i64) -> Result<String, Error> {
        let token = secret::random_token();
        let link = Link { purpose, expires_at };
        let put = Mutation::put(Kind::Link, secret::hash(&token), Precondition::Absent, &link);
        self.documents.grant(vec![put]).await?;
        Ok(token)
    }

    /// The links that can be used, with the ids to revoke them by.
    pub async fn links(&self) -> Result<Vec<(String, Link)>, Error> {
        let links = self.documents.read_all::<Link>(Kind::Link, "").await?.into_iter();
        let now_ms = self.clock.settled_ms();
        Ok(links.filter(|(_, link)| link.expires_at > now_ms).collect())
    }

    /// Removes a link by its id.
    pub async fn revoke(&self, id: &str) -> Result<(), Error> {
        self.documents.revoke(vec![Mutation::remove(Kind::Link, id, Precondition::Anything)]).await?;
        Ok(())
    }

    /// The link with this token. Rejects with [`Code::BadLink`] if it was used or has ended, or there never was one.
    pub async fn link(&self, token: &str) -> Result<Link, Error> {
        let link = self.documents.read::<Link>(Kind::Link, &secret::hash(token)).await?;
        let now_ms = self.clock.settled_ms();
        link.filter(|link| link.expires_at > now_ms).ok_or_else(used_up)
    }

    /// Makes an account by the first administrator's link or an invitation, which is used up by it.
    pub async fn join(&self, token: &str, name: &str, password: &str) -> Result<Account, Error> {
        let link = self.link(token).await?;
        let is_admin = match link.purpose {
            Purpose::Setup => true,
            Purpose::Invitation { .. } => false,
            Purpose::Reset { .. } => return Err(used_up()),
        };
        let (account, mut mutations) = self.draft(name, password, is_admin).await?;
        let used = secret::hash(token);
        if link.purpose == Purpose::Setup {
            mutations.extend(self.end_setup(&used).await?);
        }
        mutations.push(Mutation::remove(Kind::Link, used, Precondition::Present));
        if self.documents.grant(mutations).await?.is_committed() {
            return Ok(account);
        }
        // The link or the name is the cause. The link is checked first: the user can choose another name.
        self.link(token).await?;
        Err(name_taken())
    }

    /// The mutations that remove the first administrator's links except the one that is used.
    async fn end_setup(&self, used: &str) -> Result<Vec<Mutation>, Error> {
        if self.list().await?.iter().any(|account| account.is_admin) {
            return Err(used_up());
        }
        let links = self.links().await?.into_iter();
        let others = links.filter(|(id, link)| link.purpose == Purpose::Setup && id != used);
        Ok(others.map(|(id, _)| Mutation::remove(Kind::Link, id, Precondition::Anything)).collect())
    }

    /// Sets a new password by a link to reset it. All sessions of the account end with their live connections.
    pub async fn reset(&self, token: &str, password: &str) -> Result<Account, Error> {
        let Purpose::Reset { account } = self.link(token).await?.purpose else { return Err(used_up()) };
        password::check_form(password)?;
        let (hash, id) = (&password::hash(password).await, &account);
        let attempt = move |lock| async move {
            let found = self.documents.read_to_change::<Account>(Kind::Account, id).await?;
            let (account, unchanged) = found.ok_or_else(used_up)?;
            let account = Account { password: hash.clone(), ..account };
            // This link must still be there; the account's other links end with it.
            let used = secret::hash(token);
            let mut mutations = self.put_password(&account, unchanged).await?;
            mutations.retain(|mutation| mutation.kind != Kind::Link || mutation.id != used);
            mutations.insert(0, Mutation::remove(Kind::Link, used, Precondition::Present));
            mutations.push(end_all_sessions(&account.id, None));
            if self.documents.revoke_and_unlock(mutations, lock).await?.is_committed() {
                return Ok(Some(account));
            }
            self.link(token).await?;
            Ok(None)
        };
        self.retry_on_conflict(attempt).await
    }
}

fn used_up() -> Error {
    let message = "This link is invalid, has expired or was already used. Ask for a new one.";
    Rejection::new(Code::BadLink, message).into()
}
