//! Who is in the room, who moved last, and who is typing.

use std::cmp::Ordering;

use crate::protocol::session::User;

/// A sign of somebody typing. The page shows it for a while; a newer one has another time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Typing {
    /// Who.
    pub user: User,
    /// When it came, in milliseconds since the Unix epoch.
    pub at_ms: i64,
}

/// The last coming or going.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Movement {
    /// This name came in.
    Joined(String),
    /// This name left.
    Left(String),
}

/// By name, on every page alike.
pub(super) fn sorted(mut members: Vec<User>) -> Vec<User> {
    members.sort_unstable_by(by_name);
    members
}

pub(super) fn by_name(one: &User, other: &User) -> Ordering {
    (&one.name, &one.id).cmp(&(&other.name, &other.id))
}
