//! People with a password: how they come in, sign in, and what administrators do with them.
//!
//! `Auth` asks whether a session still is one; the routes do the rest. Nobody comes first: the first administrator has
//! a one-time link that a new installation prints, all others are invited.

mod links;
mod people;
mod sessions;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

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
        clock::now_ms,
        error::Error,
        store::{
            StoreError,
            directory::{Directory, Expect, Kind, Step},
        },
    },
};

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
    directory: Arc<dyn Directory>,
    /// Held from the reading of an account to the writing of its change, so that two changes do not lose one.
    changes: Mutex<()>,
}

impl Accounts {
    /// The accounts that the directory has.
    pub fn new(directory: Arc<dyn Directory>) -> Self {
        Self { directory, changes: Mutex::default() }
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
        accounts.sort_by_cached_key(|account| key_of(&account.name));
        Ok(accounts)
    }

    /// Who has this name.
    pub async fn find(&self, name: &str) -> Result<Option<Account>, StoreError> {
        let Some(id) = self.directory.read::<String>(Kind::AccountName, &key_of(name)).await? else {
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
        account
            .filter(|account| is_right && !account.is_blocked)
            .ok_or_else(|| Rejection::new(Code::WrongPassword, "The name or the password is wrong.").into())
    }

    /// Another password, by who knows the present one. Their other sessions end: see [`Accounts::end_others`].
    pub async fn change_password(&self, id: &str, present: &str, new: &str) -> Result<(), Error> {
        password::check_form(new)?;
        let account: Option<Account> = self.directory.read(Kind::Account, id).await?;
        if !password::verify(present, account.map(|account| account.password)).await {
            return Err(Rejection::new(Code::WrongPassword, "The present password is wrong.").into());
        }
        let hash = password::hash(new).await;
        self.change(id, |account| account.password = hash).await
    }

    /// Another name.
    pub async fn rename(&self, id: &str, name: &str) -> Result<Account, Error> {
        let name = parse_name(name)?;
        let _held = self.changes.lock().await;
        let Some(mut account) = self.directory.read::<Account>(Kind::Account, id).await? else {
            return Err(unknown());
        };
        let (old, new) = (key_of(&account.name), key_of(&name));
        account.name = name;
        let mut steps = vec![Step::put(Kind::Account, id, Expect::Present, &account)];
        if old != new {
            steps.push(Step::remove(Kind::AccountName, old, Expect::Present));
            steps.push(Step::put(Kind::AccountName, new, Expect::Absent, &account.id));
        }
        if self.directory.change(steps).await? { Ok(account) } else { Err(name_taken()) }
    }

    /// Writes a changed account.
    async fn change(&self, id: &str, change: impl FnOnce(&mut Account)) -> Result<(), Error> {
        let _held = self.changes.lock().await;
        let Some(mut account) = self.directory.read::<Account>(Kind::Account, id).await? else {
            return Err(unknown());
        };
        change(&mut account);
        let step = Step::put(Kind::Account, id, Expect::Present, &account);
        if self.directory.change(vec![step]).await? { Ok(()) } else { Err(unknown()) }
    }

    /// The steps that make an account, and the account.
    async fn draft(&self, name: &str, password: &str, is_admin: bool) -> Result<(Account, Vec<Step>), Error> {
        let name = parse_name(name)?;
        password::check_form(password)?;
        let account = Account {
            id: uuid::Uuid::new_v4().simple().to_string(),
            password: password::hash(password).await,
            is_admin,
            is_blocked: false,
            created_at: now_ms(),
            name,
        };
        let steps = vec![
            Step::put(Kind::AccountName, key_of(&account.name), Expect::Absent, &account.id),
            Step::put(Kind::Account, &account.id, Expect::Absent, &account),
        ];
        Ok((account, steps))
    }
}

/// Names that differ in case only are one: they look like one.
fn key_of(name: &str) -> String {
    name.to_lowercase()
}

fn unknown() -> Error {
    Rejection::new(Code::NotFound, "There is no such account.").into()
}

fn name_taken() -> Error {
    Rejection::new(Code::NameTaken, "Somebody has this name already.").into()
}

#[cfg(test)]
mod tests;
