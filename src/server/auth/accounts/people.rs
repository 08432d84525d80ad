//! What administrators do with people: block, remove, and make administrators. There is always one left.

use super::{ATTEMPTS, Account, Accounts, busy, sessions, unknown};
use crate::{
    protocol::problem::{Code, Rejection},
    server::{
        error::Error,
        store::{
            directory::{Kind, Mutation, Precondition},
            normalized_name::normalized_name,
        },
    },
};

impl Accounts {
    /// May not sign in, or may again. A block ends all their sessions with what is open of them.
    pub async fn set_blocked(&self, id: &str, is_blocked: bool) -> Result<(), Error> {
        let ended = is_blocked.then(|| sessions::end_all(id, None));
        self.change_kept(id, |account| account.is_blocked = is_blocked, ended).await
    }

    /// Makes an administrator of somebody, or nobody special again.
    pub async fn set_admin(&self, id: &str, is_admin: bool) -> Result<(), Error> {
        self.change_kept(id, |account| account.is_admin = is_admin, None).await
    }

    /// Removes somebody, with their sessions and what is open of them. What they said stays, under the name it was
    /// said with.
    pub async fn remove(&self, id: &str) -> Result<(), Error> {
        let held = self.changes.lock().await;
        for _ in 0..ATTEMPTS {
            let found = self.directory.read_to_change::<Account>(Kind::Account, id).await?;
            let (account, unchanged) = found.ok_or_else(unknown)?;
            let mut steps = vec![
                Mutation::remove(Kind::AccountName, normalized_name(&account.name), Precondition::Anything),
                Mutation::remove(Kind::Account, id, unchanged),
                sessions::end_all(id, None),
            ];
            steps.extend(self.keep_an_admin(id, None).await?);
            let taken = self.directory.change(steps).await?;
            if taken.is_taken() {
                drop(held);
                self.directory.wait_for_nodes(taken).await;
                return Ok(());
            }
        }
        Err(busy())
    }

    async fn change_kept(
        &self,
        id: &str,
        change: impl Fn(&mut Account),
        along: Option<Mutation>,
    ) -> Result<(), Error> {
        let held = self.changes.lock().await;
        for _ in 0..ATTEMPTS {
            let found = self.directory.read_to_change::<Account>(Kind::Account, id).await?;
            let (mut account, unchanged) = found.ok_or_else(unknown)?;
            change(&mut account);
            let mut steps = vec![Mutation::put(Kind::Account, id, unchanged, &account)];
            steps.extend(along.clone());
            steps.extend(self.keep_an_admin(id, Some(&account)).await?);
            let taken = self.directory.change(steps).await?;
            if taken.is_taken() {
                drop(held);
                self.directory.wait_for_nodes(taken).await;
                return Ok(());
            }
        }
        Err(busy())
    }

    /// The step that holds on to an administrator who is left when this account has changed: another node may be
    /// taking that one away. None is needed when it is this one.
    async fn keep_an_admin(&self, id: &str, changed: Option<&Account>) -> Result<Option<Mutation>, Error> {
        let can_administrate = |account: &Account| account.is_admin && !account.is_blocked;
        if changed.is_some_and(can_administrate) {
            return Ok(None);
        }
        let accounts = self.list().await?.into_iter();
        let others = accounts.filter(|account| account.id != id && can_administrate(account));
        for other in others {
            // As it is now, and for as long as the change takes.
            let found = self.directory.read_to_change::<Account>(Kind::Account, &other.id).await?;
            if let Some((_, unchanged)) = found.filter(|(account, _)| can_administrate(account)) {
                return Ok(Some(Mutation::keep(Kind::Account, other.id, unchanged)));
            }
        }
        let message = "This is the last administrator. Make somebody else one first.";
        Err(Rejection::new(Code::NotAllowed, message).into())
    }
}
