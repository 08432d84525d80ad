//! People with a password: how they come in, sign in, and what administrators do with them.
//!
//! `Auth` asks whether a session still is one; the routes do the rest. Nobody comes first: the first administrator has
//! a one-time link that a new installation prints, all others are invited.
//!
//! A change is made to an account as it was read, and to nothing newer: where another node was quicker it is looked at
//! anew. Sessions are written only together with a look at their account, so that one that is begun or renewed meets
//! the change that ends it.

mod links;
mod people;
mod sessions;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

pub(super) use self::sessions::{end_all, parts};
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

/// How often a change is tried when other nodes are quicker. Changes of one account are a person's, or an
/// administrator's: it is never more than a few at a time.
const ATTEMPTS: usize = 8;

/// A person.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Account {
    /// Opaque and unique; never used again.
    pub id: String,
    /// How they sign in and how others see them.
    pub name: String,
    password: String,
    /// May add, block and remove people, and make publishers.
    pub is_admin: bool,
    /// May not sign in.
    pub is_blocked: bool,
    /// When they joined, in milliseconds since the Unix epoch.
    pub created_at: i64,
}

impl Account {
    /// As others see them.
    pub fn user(&self) -> User {
        User { id: self.id.clone(), name: self.name.clone() }
    }
}

/// See the module.
pub struct Accounts {
    directory: Arc<dyn DocumentStore>,
    /// What ends is dated by its wall time and ends by its settled time.
    clock: Arc<Clock>,
    /// Held from the reading of an account to the writing of its change, so that only other nodes can be quicker.
    changes: Mutex<()>,
}

impl Accounts {
    /// The accounts that the directory has.
    pub fn new(directory: Arc<dyn DocumentStore>, clock: Arc<Clock>) -> Self {
        Self { directory, clock, changes: Mutex::default() }
    }

    /// Everybody, by name.
    pub async fn list(&self) -> Result<Vec<Account>, Error> {
        let mut accounts: Vec<Account> = self
            .directory
            .read_all(Kind::Account, "")
            .await?
            .into_iter()
            .map(|(_, account)| account)
            .collect();
        accounts.sort_by_cached_key(|account| normalized_name(&account.name));
        Ok(accounts)
    }

    /// Who has this name.
    pub async fn find(&self, name: &str) -> Result<Option<Account>, StoreError> {
        let Some(id) = self.directory.read::<String>(Kind::AccountName, &normalized_name(name)).await? else {
            return Ok(None);
        };
        self.directory.read(Kind::Account, &id).await
    }

    /// Whose id this is.
    pub async fn account(&self, id: &str) -> Result<Option<Account>, StoreError> {
        self.directory.read(Kind::Account, id).await
    }

    /// Who has this name and password. Whether the name, the password or a block is in the way is not told.
    pub async fn sign_in(&self, name: &str, password: &str) -> Result<Account, Error> {
        let account = match parse_name(name) {
            Ok(name) => self.find(&name).await?,
            Err(_) => None,
        };
        let is_right = password::verify(password, account.as_ref().map(|one| one.password.clone())).await;
        account.filter(|account| is_right && !account.is_blocked).ok_or_else(wrong_password)
    }

    /// Another password, by who knows the present one. All their sessions end but for `kept`.
    pub async fn change_password(
        &self,
        id: &str,
        present: &str,
        new: &str,
        kept: Option<&str>,
    ) -> Result<(), Error> {
        password::check_form(new)?;
        let proved = self.directory.read::<Account>(Kind::Account, id).await?.map(|account| account.password);
        if !password::verify(present, proved.clone()).await {
            // The same form, sent twice: it is the password already.
            let is_done = password::verify(new, proved).await;
            return if is_done { Ok(()) } else { Err(wrong_present_password()) };
        }
        let hash = password::hash(new).await;
        let held = self.changes.lock().await;
        for _ in 0..ATTEMPTS {
            let found = self.directory.read_to_change::<Account>(Kind::Account, id).await?;
            // Hashing took its time: an administrator may have reset it since.
            let found = found.filter(|(account, _)| Some(&account.password) == proved.as_ref());
            let (account, unchanged) = found.ok_or_else(wrong_present_password)?;
            let account = Account { password: hash.clone(), ..account };
            let mut steps = self.with_password(&account, unchanged).await?;
            steps.push(sessions::end_all(id, kept));
            let taken = self.directory.change(steps).await?;
            if taken.is_taken() {
                drop(held);
                self.directory.wait_for_nodes(taken).await;
                return Ok(());
            }
        }
        Err(busy())
    }

    /// The steps that give an account the password it has here. Links to another one end with it.
    async fn with_password(
        &self,
        account: &Account,
        unchanged: Precondition,
    ) -> Result<Vec<Mutation>, Error> {
        let is_for = |link: &Link| link.purpose == Purpose::Reset { account: account.id.clone() };
        let links = self.links().await?.into_iter().filter(|(_, link)| is_for(link));
        let mut steps: Vec<Mutation> =
            links.map(|(id, _)| Mutation::remove(Kind::Link, id, Precondition::Anything)).collect();
        steps.push(Mutation::put(Kind::Account, &account.id, unchanged, account));
        Ok(steps)
    }

    /// Another name.
    pub async fn rename(&self, id: &str, name: &str) -> Result<Account, Error> {
        let name = parse_name(name)?;
        let _held = self.changes.lock().await;
        for _ in 0..ATTEMPTS {
            let found = self.directory.read_to_change::<Account>(Kind::Account, id).await?;
            let (mut account, unchanged) = found.ok_or_else(unknown)?;
            let (old, new) = (normalized_name(&account.name), normalized_name(&name));
            account.name.clone_from(&name);
            let mut steps = vec![Mutation::put(Kind::Account, id, unchanged, &account)];
            if old != new {
                steps.push(Mutation::remove(Kind::AccountName, old, Precondition::Present));
                steps.push(Mutation::put(Kind::AccountName, &new, Precondition::Absent, &account.id));
            }
            if self.directory.change(steps).await?.is_taken() {
                return Ok(account);
            }
            let owner = self.directory.read::<String>(Kind::AccountName, &new).await?;
            if owner.is_some_and(|owner| owner != id) {
                return Err(name_taken());
            }
        }
        Err(busy())
    }

    /// The steps that make an account, and the account.
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
        let steps = vec![
            Mutation::put(
                Kind::AccountName,
                normalized_name(&account.name),
                Precondition::Absent,
                &account.id,
            ),
            Mutation::put(Kind::Account, &account.id, Precondition::Absent, &account),
        ];
        Ok((account, steps))
    }
}

fn wrong_password() -> Error {
    Rejection::new(Code::WrongPassword, "The name or the password is wrong.").into()
}

fn wrong_present_password() -> Error {
    Rejection::new(Code::WrongPassword, "The present password is wrong.").into()
}

fn unknown() -> Error {
    Rejection::new(Code::NotFound, "There is no such account.").into()
}

fn busy() -> Error {
    unavailable("The account was being changed by others. Try again.").into()
}

fn name_taken() -> Error {
    Rejection::new(Code::NameTaken, "Somebody has this name already.").into()
}

#[cfg(test)]
mod tests;
