//! Whose a new room is. It is claimed before it is made, so that there is no moment in which it is everybody's; the
//! chat makes the room and takes the claim back when that fails.
//!
//! A server that was killed between the two left a name that nobody can have. The next one that starts takes such
//! claims back; where there are other nodes, only those that are too old to be a room that one of them is just making.

use std::time::Duration;

use super::{Membership, Ownership, Rights, place};
use crate::{
    protocol::{chat::Room, name::RoomId, session::User},
    server::{
        auth::Submission,
        clock::{Clock, now_ms},
        error::Error,
        store::directory::{Kind, Mutation, Precondition},
    },
};

/// How old a claim without a room must be to be taken back, where there are other nodes. To make a room takes a minute
/// at the very most, when the database does not answer; the rest is for clocks that differ.
const CLAIM_AGE: Duration = Duration::from_secs(600);

/// A server that is alone makes no rooms before it has started.
pub(super) fn age(is_shared: bool) -> Duration {
    if is_shared { CLAIM_AGE } else { Duration::ZERO }
}

impl Rights {
    /// The rooms that are somebody's.
    pub fn claimed(&self) -> Vec<RoomId> {
        self.lock_rooms().keys().cloned().collect()
    }

    /// Says whose a new room is. When this returns no node that is alive takes a private one for everybody's. False:
    /// somebody has it already.
    pub async fn claim(&self, room: &RoomId, owner: &User, is_private: bool) -> Result<bool, Error> {
        self.claim_by(room, owner, is_private, None).await
    }

    /// The same by a form, see [`Rights::was_made_by`].
    pub async fn claim_by(
        &self,
        room: &RoomId,
        owner: &User,
        is_private: bool,
        submission: Option<&Submission>,
    ) -> Result<bool, Error> {
        let submission = submission.map(|submission| submission.digits().to_owned());
        let ownership = Ownership { owner: owner.clone(), is_private, claimed_at: now_ms(), submission };
        let member = Membership { name: owner.name.clone() };
        let steps = vec![
            Mutation::put(Kind::Room, room.as_str(), Precondition::Absent, &ownership),
            Mutation::put(Kind::Member, place(room, &owner.id), Precondition::Anything, &member),
        ];
        let taken = self.directory.change(steps).await?;
        if is_private {
            self.directory.wait_for_nodes(taken).await;
        }
        Ok(taken.is_taken())
    }

    /// Takes a claim back: the room could not be made.
    pub async fn disclaim(&self, room: &RoomId, owner: &User) -> Result<(), Error> {
        self.take_back(room, |claim| claim.owner.id == owner.id).await
    }

    /// Takes back what was claimed and never made. To be called at the start, before rooms are made; `made` are the
    /// rooms there are.
    pub async fn drop_lost_claims(&self, made: &[Room], clock: &Clock) -> Result<(), Error> {
        let age_ms = i64::try_from(self.claim_age.as_millis()).unwrap_or(i64::MAX);
        // A clock that is ahead makes no claim old. One that was ahead and was put right made claims that are dated in
        // the future: they would keep their names from everybody until then.
        let latest = clock.settled_ms().saturating_sub(age_ms);
        let earliest = clock.wall_ms().saturating_add(age_ms);
        let is_lost = |claim: &Ownership| claim.claimed_at <= latest || claim.claimed_at >= earliest;
        for room in self.claimed() {
            if !made.iter().any(|known| known.id == room) {
                self.take_back(&room, is_lost).await?;
            }
        }
        Ok(())
    }

    /// Takes back a claim if it is still one that is meant, and not one that somebody made since.
    async fn take_back(&self, room: &RoomId, is_meant: impl Fn(&Ownership) -> bool) -> Result<(), Error> {
        let found = self.directory.read_to_change::<Ownership>(Kind::Room, room.as_str()).await?;
        let Some((_, unchanged)) = found.filter(|(claim, _)| is_meant(claim)) else { return Ok(()) };
        let steps = vec![
            Mutation::remove(Kind::Room, room.as_str(), unchanged),
            Mutation::remove_under(Kind::Member, format!("{room}/"), None),
        ];
        self.directory.change(steps).await?;
        Ok(())
    }
}
