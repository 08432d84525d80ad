//! Administration of people: blocking, removing, and appointing administrators. The routes of administrators call it.
//! It never takes the last administrator away.

use super::{Account, Accounts, end_all_pushes, end_all_sessions, unknown};
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
    /// Blocks an account, or lifts the block. A block ends all its sessions and their live connections.
    pub async fn set_blocked(&self, id: &str, is_blocked: bool) -> Result<(), Error> {
        let ended = is_blocked.then(|| end_all_sessions(id, None));
        self.change_account(id, |account| account.is_blocked = is_blocked, ended).await
    }

    /// Makes the account an administrator's, or takes that right back.
    pub async fn set_admin(&self, id: &str, is_admin: bool) -> Result<(), Error> {
        self.change_account(id, |account| account.is_admin = is_admin, None).await
    }

    /// Removes an account with its sessions and their live connections. The messages stay, under the name they were
    /// posted with.
    pub async fn remove(&self, id: &str) -> Result<(), Error> {
        let attempt = move |lock| async move {
            let found = self.documents.read_to_change::<Account>(Kind::Account, id).await?;
            let (account, unchanged) = found.ok_or_else(unknown)?;
            let mut mutations = vec![
                Mutation::remove(Kind::AccountName, normalized_name(&account.name), Precondition::Anything),
                Mutation::remove(Kind::Account, id, unchanged),
                end_all_sessions(id, None),
            ];
            mutations.extend(end_all_pushes(id));
            mutations.extend(self.keep_an_admin(id, None).await?);
            let outcome = self.documents.revoke_and_unlock(mutations, lock).await?;
            Ok(outcome.is_committed().then_some(()))
        };
        self.retry_on_conflict(attempt).await
    }

    /// Applies `change` to an account, and `along` in the same transaction.
    async fn change_account(
        &self,
        id: &str,
        change: impl Fn(&mut Account) + Send + Sync,
        along: Option<Mutation>,
    ) -> Result<(), Error> {
        let (change, along) = (&change, &along);
        let attempt = move |lock| async move {
            let found = self.documents.read_to_change::<Account>(Kind::Account, id).await?;
            let (mut account, unchanged) = found.ok_or_else(unknown)?;
            change(&mut account);
            let mut mutations = vec![Mutation::put(Kind::Account, id, unchanged, &account)];
            mutations.extend(along.clone());
            mutations.extend(self.keep_an_admin(id, Some(&account)).await?);
            let outcome = self.documents.revoke_and_unlock(mutations, lock).await?;
            Ok(outcome.is_committed().then_some(()))
        };
        self.retry_on_conflict(attempt).await
    }

    /// The check that one other administrator is still there when this account changes to `changed`, or is removed
    /// (`None`): another node may be taking that one away. No check is needed if this account can administrate itself.
    async fn keep_an_admin(&self, id: &str, changed: Option<&Account>) -> Result<Option<Mutation>, Error> {
        let can_administrate = |account: &Account| account.is_admin && !account.is_blocked;
        if changed.is_some_and(can_administrate) {
            return Ok(None);
        }
        let accounts = self.list().await?.into_iter();
        let others = accounts.filter(|account| account.id != id && can_administrate(account));
        for other in others {
            // As the account is now, and for as long as the change takes.
            let found = self.documents.read_to_change::<Account>(Kind::Account, &other.id).await?;
            if let Some((_, unchanged)) = found.filter(|(account, _)| can_administrate(account)) {
                return Ok(Some(Mutation::check(Kind::Account, other.id, unchanged)));
            }
        }
        let message = "This is the last administrator. Make someone else an administrator first.";
        Err(Rejection::new(Code::NotAllowed, message).into())
    }
}
