//! What administrators do with people: block, remove, and make administrators. There is always one left.

use super::{Account, Accounts, unknown};
use crate::{
    protocol::problem::{Code, Rejection},
    server::{
        auth::name_key::name_key,
        error::Error,
        store::directory::{Expect, Kind, Step},
    },
};

impl Accounts {
    /// May not sign in, or may again. Their sessions are to end, see [`Accounts::end_others`].
    pub async fn set_blocked(&self, id: &str, is_blocked: bool) -> Result<(), Error> {
        self.change_kept(id, |account| account.is_blocked = is_blocked).await
    }

    /// Makes an administrator of somebody, or nobody special again.
    pub async fn set_admin(&self, id: &str, is_admin: bool) -> Result<(), Error> {
        self.change_kept(id, |account| account.is_admin = is_admin).await
    }

    /// Removes somebody. What they said stays, under the name it was said with.
    pub async fn remove(&self, id: &str) -> Result<(), Error> {
        let _held = self.changes.lock().await;
        let Some(account) = self.directory.read::<Account>(Kind::Account, id).await? else {
            return Err(unknown());
        };
        self.check_an_admin_is_left(id, None).await?;
        let steps = vec![
            Step::remove(Kind::AccountName, name_key(&account.name), Expect::Anything),
            Step::remove(Kind::Account, id, Expect::Present),
        ];
        self.directory.change(steps).await?;
        Ok(())
    }

    async fn change_kept(&self, id: &str, change: impl FnOnce(&mut Account)) -> Result<(), Error> {
        let _held = self.changes.lock().await;
        let Some(mut account) = self.directory.read::<Account>(Kind::Account, id).await? else {
            return Err(unknown());
        };
        change(&mut account);
        self.check_an_admin_is_left(id, Some(&account)).await?;
        self.directory.change(vec![Step::put(Kind::Account, id, Expect::Present, &account)]).await?;
        Ok(())
    }

    async fn check_an_admin_is_left(&self, id: &str, changed: Option<&Account>) -> Result<(), Error> {
        let accounts = self.list().await?;
        let others = accounts.iter().filter(|account| account.id != id);
        let can_administrate = |account: &Account| account.is_admin && !account.is_blocked;
        if others.chain(changed).any(can_administrate) {
            return Ok(());
        }
        let message = "This is the last administrator. Make somebody else one first.";
        Err(Rejection::new(Code::NotAllowed, message).into())
    }
}
