//! Accounts with a password: joining, signing in, and administration of people.
//!
//! `Auth` asks whether a session is still valid; the routes call the rest. There is no default account: a new
//! installation prints a one-time link for the first administrator, and everybody else is invited.
//!
//! Every change is a read, a check and a conditional write: it applies to the account as it was read and to nothing
//! newer. When another node was quicker, [`Accounts::retry_on_conflict`] reads it again. Sessions are written only
//! together with a check of their account, so that a session that begins or is renewed conflicts with the change that
//! ends it. Nothing here may write an account that it read without such a check.

mod links;
mod people;
mod sessions;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, MutexGuard};

pub(super) use self::sessions::{end_all_pushes, end_all_sessions, split_session_key};
pub use self::{
    links::{Link, Purpose},
    sessions::AccountSession,
};
use super::password;
use crate::{
    protocol::{
        name::parse_name,
        problem::{Code, Rejection},
        session::User,
    },
    server::{
        clock::Clock,
        error::{Error, unavailable},
        store::{
            StoreError,
            directory::{DocumentStore, Kind, Mutation, Precondition},
            normalized_name::normalized_name,
        },
    },
};

/// Attempts at one change while other nodes are quicker. Changes of one account come from that person or from an
/// administrator: there are never more than a few at a time.
const ATTEMPTS: usize = 8;

/// A person's account, as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Account {
    /// Opaque and unique; never used again.
    pub id: String,
    /// The name to sign in with, which others see too.
    pub name: String,
    password: String,
    /// May add, block and remove people, and create publishers.
    pub is_admin: bool,
    /// May not sign in.
    pub is_blocked: bool,
    /// The time of joining, in milliseconds since the Unix epoch.
    pub created_at: i64,
}

impl Account {
    /// The account as others see it.
    pub fn user(&self) -> User {
        User { id: self.id.clone(), name: self.name.clone() }
    }
}

/// The accounts of this installation, in the document store. Cheap to ask: it holds no account in memory.
pub struct Accounts {
    documents: Arc<dyn DocumentStore>,
    /// Documents that end are dated by its wall time and end by its settled time.
    clock: Arc<Clock>,
    /// Held from the read of an account to the write of its change, so that only other nodes can be quicker.
    changes: Mutex<()>,
}

impl Accounts {
    /// The accounts in `documents`.
    pub fn new(documents: Arc<dyn DocumentStore>, clock: Arc<Clock>) -> Self {
        Self { documents, clock, changes: Mutex::default() }
    }

    /// All accounts, by name.
    pub async fn list(&self) -> Result<Vec<Account>, Error> {
        let mut accounts: Vec<Account> = self
            .documents
            .read_all(Kind::Account, "")
            .await?
            .into_iter()
            .map(|(_, account)| account)
            .collect();
        accounts.sort_by_cached_key(|account| normalized_name(&account.name));
        Ok(accounts)
    }

    /// The account with this name, compared in its normalized form.
    pub async fn find(&self, name: &str) -> Result<Option<Account>, StoreError> {
        let Some(id) = self.documents.read::<String>(Kind::AccountName, &normalized_name(name)).await? else {
            return Ok(None);
        };
        self.documents.read(Kind::Account, &id).await
    }

    /// The account with this id.
    pub async fn account(&self, id: &str) -> Result<Option<Account>, StoreError> {
        self.documents.read(Kind::Account, id).await
    }

    /// The account with this name and password. The rejection does not tell whether the name, the password or a block
    /// is the cause.
    pub async fn sign_in(&self, name: &str, password: &str) -> Result<Account, Error> {
        let account = match parse_name(name) {
            Ok(name) => self.find(&name).await?,
            Err(_) => None,
        };
        let is_right = password::verify(password, account.as_ref().map(|one| one.password.clone())).await;
        account.filter(|account| is_right && !account.is_blocked).ok_or_else(wrong_password)
    }

    /// Changes a password, for a caller that knows the present one. All sessions of the account end except `kept`.
    pub async fn change_password(
        &self,
        id: &str,
        present: &str,
        new: &str,
        kept: Option<&str>,
    ) -> Result<(), Error> {
        password::check_form(new)?;
        let proved = self.documents.read::<Account>(Kind::Account, id).await?.map(|account| account.password);
        if !password::verify(present, proved.clone()).await {
            // The same form, sent twice: it is the password already.
            let is_done = password::verify(new, proved).await;
            return if is_done { Ok(()) } else { Err(wrong_present_password()) };
        }
        let (hash, proved) = (&password::hash(new).await, &proved);
        let attempt = move |lock| async move {
            let found = self.documents.read_to_change::<Account>(Kind::Account, id).await?;
            // Hashing took its time: an administrator may have reset the password since.
            let found = found.filter(|(account, _)| Some(&account.password) == proved.as_ref());
            let (account, unchanged) = found.ok_or_else(wrong_present_password)?;
            let account = Account { password: hash.clone(), ..account };
            let mut mutations = self.put_password(&account, unchanged).await?;
            mutations.push(end_all_sessions(id, kept));
            let outcome = self.documents.revoke_and_unlock(mutations, lock).await?;
            Ok(outcome.is_committed().then_some(()))
        };
        self.retry_on_conflict(attempt).await
    }

    /// The mutations that store an account with a new password. All links to reset the password end with it.
    async fn put_password(&self, account: &Account, unchanged: Precondition) -> Result<Vec<Mutation>, Error> {
        let is_for = |link: &Link| link.purpose == Purpose::Reset { account: account.id.clone() };
        let links = self.links().await?.into_iter().filter(|(_, link)| is_for(link));
        let mut mutations: Vec<Mutation> =
            links.map(|(id, _)| Mutation::remove(Kind::Link, id, Precondition::Anything)).collect();
        mutations.push(Mutation::put(Kind::Account, &account.id, unchanged, account));
        Ok(mutations)
    }

    /// Changes the name of an account.
    pub async fn rename(&self, id: &str, name: &str) -> Result<Account, Error> {
        let name = &parse_name(name)?;
        let attempt = move |lock| async move {
            let _held = lock;
            let found = self.documents.read_to_change::<Account>(Kind::Account, id).await?;
            let (mut account, unchanged) = found.ok_or_else(unknown)?;
            let (old, new) = (normalized_name(&account.name), normalized_name(name));
            account.name.clone_from(name);
            let mut mutations = vec![Mutation::put(Kind::Account, id, unchanged, &account)];
            if old != new {
                mutations.push(Mutation::remove(Kind::AccountName, old, Precondition::Present));
                mutations.push(Mutation::put(Kind::AccountName, &new, Precondition::Absent, &account.id));
            }
            if self.documents.grant(mutations).await?.is_committed() {
                return Ok(Some(account));
            }
            let owner = self.documents.read::<String>(Kind::AccountName, &new).await?;
            if owner.is_some_and(|owner| owner != id) { Err(name_taken()) } else { Ok(None) }
        };
        self.retry_on_conflict(attempt).await
    }

    /// A new account, and the mutations that store it.
    async fn draft(
        &self,
        name: &str,
        password: &str,
        is_admin: bool,
    ) -> Result<(Account, Vec<Mutation>), Error> {
        let name = parse_name(name)?;
        password::check_form(password)?;
        let account = Account {
            id: uuid::Uuid::new_v4().simple().to_string(),
            password: password::hash(password).await,
            is_admin,
            is_blocked: false,
            created_at: self.clock.wall_ms(),
            name,
        };
        let mutations = vec![
            Mutation::put(
                Kind::AccountName,
                normalized_name(&account.name),
                Precondition::Absent,
                &account.id,
            ),
            Mutation::put(Kind::Account, &account.id, Precondition::Absent, &account),
        ];
        Ok((account, mutations))
    }

    /// Runs `attempt` until its change is committed, [`ATTEMPTS`] times at most; rejects with [`busy`] after that.
    ///
    /// An attempt reads, checks and writes while it holds the lock of all changes of accounts at this node. It returns
    /// `None` on a conflict: another node changed a document after it was read. Then all is read again. An attempt that
    /// takes something away hands the lock to [`DocumentStore::revoke_and_unlock`].
    async fn retry_on_conflict<'a, T, F>(
        &'a self,
        attempt: impl Fn(MutexGuard<'a, ()>) -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<Option<T>, Error>>,
    {
        for _ in 0..ATTEMPTS {
            if let Some(done) = attempt(self.changes.lock().await).await? {
                return Ok(done);
            }
        }
        Err(busy())
    }
}

fn wrong_password() -> Error {
    Rejection::new(Code::WrongPassword, "The name or the password is wrong.").into()
}

fn wrong_present_password() -> Error {
    Rejection::new(Code::WrongPassword, "The current password is wrong.").into()
}

fn unknown() -> Error {
    Rejection::new(Code::NotFound, "This account does not exist.").into()
}

fn busy() -> Error {
    unavailable("The account was changed at the same time. Try again.").into()
}

fn name_taken() -> Error {
    Rejection::new(Code::NameTaken, "This name is already taken.").into()
}

#[cfg(test)]
mod tests;
