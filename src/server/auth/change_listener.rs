//! Ends live connections when their session ends, at this node or at another. The directory replica calls it for each
//! operation, in the order of the change log. It never reads the store but to reload.

use async_trait::async_trait;

use super::{Auth, Mode, accounts::split_session_key};
use crate::server::{
    cluster::directory_replica::ChangeListener,
    store::{
        StoreError,
        directory::{Kind, Op, ReplicatedOp},
    },
};

#[async_trait]
impl ChangeListener for Auth {
    fn apply(&self, ReplicatedOp { kind, id, op }: &ReplicatedOp) {
        let session_key = split_session_key(id).filter(|_| *kind == Kind::Session);
        let Some((user_id, session)) = session_key else { return };
        match op {
            Op::Remove => self.live_sessions.end(user_id, Some(session)),
            Op::RemoveUnder { except } => {
                let kept = except.as_deref().and_then(split_session_key).map(|(_, session)| session);
                self.live_sessions.end_others(user_id, kept);
            }
            Op::Check | Op::Put(_) => {}
        }
    }

    async fn reload(&self) -> Result<(), StoreError> {
        let Mode::Accounts(accounts) = &self.mode else { return Ok(()) };
        let sessions = accounts.every_session().await?;
        let is_stored = |user_id: &str, session: &str| sessions.contains(&(user_id.into(), session.into()));
        self.live_sessions.end_unless(is_stored);
        Ok(())
    }
}
