//! Reservations: the owner of a new room. A room is reserved before it is created, so that at no moment it is public;
//! chat creates the room, and cancels the reservation when that fails. Nothing here creates a room.
//!
//! A server that was killed between the two leaves a name that no user can take. The next server that starts cancels
//! such reservations; where there are other nodes, only those that are too old to belong to a room that another node is
//! creating at the moment.

use std::time::Duration;

use super::{Membership, Ownership, Rights, member_key};
use crate::{
    protocol::{chat::Room, name::RoomId, session::User},
    server::{
        auth::Submission,
        clock::{Clock, now_ms},
        error::Error,
        store::directory::{Kind, Mutation, Precondition},
    },
};

/// Age of a reservation without a room at which it counts as lost, where there are other nodes. Creating a room takes a
/// minute at most, when the database does not answer; the rest is for clocks that differ.
const RESERVATION_AGE: Duration = Duration::from_secs(600);

/// Age at which a reservation without a room counts as lost. A server that is alone creates no rooms before it has
/// started.
pub(super) fn min_age(is_shared: bool) -> Duration {
    if is_shared { RESERVATION_AGE } else { Duration::ZERO }
}

impl Rights {
    /// The rooms that have an owner.
    pub fn reserved(&self) -> Vec<RoomId> {
        self.lock_rooms().keys().cloned().collect()
    }

    /// Reserves a new room for its owner. When this returns, every live node knows that a private one is not public.
    /// Returns false if the room is reserved already.
    pub async fn reserve(&self, room: &RoomId, owner: &User, is_private: bool) -> Result<bool, Error> {
        self.reserve_by_form(room, owner, is_private, None).await
    }

    /// The same, for a room that a form creates; [`Rights::was_made_by`] finds it again by the form.
    pub async fn reserve_by_form(
        &self,
        room: &RoomId,
        owner: &User,
        is_private: bool,
        submission: Option<&Submission>,
    ) -> Result<bool, Error> {
        let submission = submission.map(|submission| submission.digits().to_owned());
        let ownership = Ownership {
            owner: owner.clone(),
            is_private,
            reserved_at: now_ms(),
            submission,
            is_direct: false,
        };
        let member = Membership { name: owner.name.clone() };
        let mutations = vec![
            // The address of a removed room is nobody's to take.
            Mutation::check(Kind::RoomSettings, room.as_str(), Precondition::Absent),
            Mutation::put(Kind::Room, room.as_str(), Precondition::Absent, &ownership),
            Mutation::put(Kind::Member, member_key(room, &owner.id), Precondition::Anything, &member),
        ];
        // A private room takes from everybody the right to enter a room of that name.
        let outcome = match is_private {
            true => self.documents.revoke(mutations).await?,
            false => self.documents.grant(mutations).await?,
        };
        Ok(outcome.is_committed())
    }

    /// Cancels a reservation, because the room could not be created.
    pub async fn cancel_reservation(&self, room: &RoomId, owner: &User) -> Result<(), Error> {
        self.cancel(room, |ownership| ownership.owner.id == owner.id).await
    }

    /// Cancels the reservations of rooms that were never created. To be called at the start, before rooms are created;
    /// `made` are the existing rooms.
    pub async fn drop_lost_reservations(&self, made: &[Room], clock: &Clock) -> Result<(), Error> {
        let age_ms = i64::try_from(self.reservation_age.as_millis()).unwrap_or(i64::MAX);
        // The settled time: a clock that is ahead makes no reservation old. A clock that was ahead and was corrected
        // has left reservations dated in the future, which would block their names until then.
        let latest = clock.settled_ms().saturating_sub(age_ms);
        let earliest = clock.wall_ms().saturating_add(age_ms);
        let is_lost =
            // A room of direct messages is in no list of rooms: its document is all there is of it.
            |ownership: &Ownership| {
                !ownership.is_direct && (ownership.reserved_at <= latest || ownership.reserved_at >= earliest)
            };
        for room in self.reserved() {
            // The owner and the members of a removed room are told so, and others are not.
            if !self.is_removed(&room) && !made.iter().any(|known| known.id == room) {
                self.cancel(&room, is_lost).await?;
            }
        }
        Ok(())
    }

    /// Cancels a reservation if `is_meant` holds for it, and it is not a newer one. It does not wait for the nodes:
    /// without an owner the room is public, which takes a right from no other user.
    async fn cancel(&self, room: &RoomId, is_meant: impl Fn(&Ownership) -> bool) -> Result<(), Error> {
        let found = self.documents.read_to_change::<Ownership>(Kind::Room, room.as_str()).await?;
        let Some((_, unchanged)) = found.filter(|(ownership, _)| is_meant(ownership)) else { return Ok(()) };
        let mutations = vec![
            Mutation::remove(Kind::Room, room.as_str(), unchanged),
            Mutation::remove_under(Kind::Member, format!("{room}/"), None),
        ];
        self.documents.grant(mutations).await?;
        Ok(())
    }
}
