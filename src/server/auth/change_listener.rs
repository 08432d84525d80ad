//! Takes over what ended in the directory, here or on another node: a session takes its live connections along. Called
//! by the following, in order.

use async_trait::async_trait;

use super::{Auth, Mode, accounts::parts};
use crate::server::{
    cluster::directory_replica::ChangeListener,
    store::{
        StoreError,
        directory::{Kind, Op, ReplicatedOp},
    },
};

#[async_trait]
impl ChangeListener for Auth {
    fn apply(&self, step: &ReplicatedOp) {
        let Some((user_id, session)) = parts(&step.id).filter(|_| step.kind == Kind::Session) else { return };
        match &step.act {
            Op::Remove => self.admissions.end(user_id, Some(session)),
            Op::RemoveUnder { except } => {
                let kept = except.as_deref().and_then(parts).map(|(_, session)| session);
                self.admissions.end_others(user_id, kept);
            }
            Op::Check | Op::Put(_) => {}
        }
    }

    async fn reload(&self) -> Result<(), StoreError> {
        let Mode::Accounts(accounts) = &self.mode else { return Ok(()) };
        let sessions = accounts.every_session().await?;
        let goes_on = |user_id: &str, session: &str| sessions.contains(&(user_id.into(), session.into()));
        self.admissions.end_unless(goes_on);
        Ok(())
    }
}
