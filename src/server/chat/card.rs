//! The card of a person: what those who share a room with them may know. The pages and routes call it by [`Chat`].
//!
//! The time when somebody was seen is told coarsely: a card must not tell how somebody spends their day.

use crate::{
    protocol::session::User,
    server::{auth::Identity, chat::Chat, clock::now_ms, error::Error, store::Person},
};

/// A day in milliseconds.
const DAY_MS: i64 = 24 * 3_600_000;

/// The last time at which a person was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// They are in a room that the viewer may enter.
    Here,
    /// Within a day.
    Day,
    /// Within a week.
    Week,
    /// Within 30 days.
    Month,
    /// Before that, or it is not known.
    Earlier,
}

impl Seen {
    /// The age of a time, which may be ahead of this node's clock.
    fn of(seen_ms: i64, now_ms: i64) -> Self {
        match now_ms.saturating_sub(seen_ms) {
            age if age < DAY_MS => Self::Day,
            age if age < 7 * DAY_MS => Self::Week,
            age if age < 30 * DAY_MS => Self::Month,
            _ => Self::Earlier,
        }
    }
}

/// A person as one who shares a room with them sees them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// The person.
    pub user: User,
    /// The time at which they came first, in milliseconds since the Unix epoch, if it is known.
    pub since: Option<i64>,
    /// The last time at which they were seen.
    pub seen: Seen,
    /// The viewer has blocked them.
    pub is_blocked: bool,
}

impl Chat {
    /// The card of a person, for a caller who shares a room with them. Errors: `unknown_person`.
    pub async fn card(&self, who: &Identity, id: &str) -> Result<Card, Error> {
        self.rights.check_reader(Some(who))?;
        let Person { id, name, since, seen, .. } = self.visible_person(who, id).await?;
        let mut present = self.presence.of_user(&id).into_iter();
        let is_here = present.any(|(room, _)| self.rights.may_enter(&room, Some(who)));
        let seen = if is_here { Seen::Here } else { Seen::of(seen, now_ms()) };
        let is_blocked = self.rights.has_blocked(&who.user.id, &id);
        Ok(Card { user: User { id, name }, since: (since > 0).then_some(since), seen, is_blocked })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_somebody_was_seen_is_said_coarsely() {
        let seen = |age_days: i64| Seen::of(100 * DAY_MS, (100 + age_days) * DAY_MS);
        assert_eq!(
            [-1, 0, 1, 6, 7, 29, 30].map(seen),
            [Seen::Day, Seen::Day, Seen::Week, Seen::Week, Seen::Month, Seen::Month, Seen::Earlier]
        );
        assert_eq!(Seen::of(0, 100 * DAY_MS), Seen::Earlier);
    }
}
