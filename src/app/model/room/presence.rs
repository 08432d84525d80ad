//! Presence in the room: its members, the last join or leave, and typing.

use super::RoomModel;
use crate::protocol::session::User;

/// A typing indicator. The page shows it for a while; a newer one has another time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Typing {
    /// The user who is typing.
    pub user: User,
    /// The time of its arrival, in milliseconds since the Unix epoch.
    pub at_ms: i64,
}

/// A join or a leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PresenceChange {
    /// The user of this name joined.
    Joined(String),
    /// The user of this name left.
    Left(String),
}

impl RoomModel {
    /// Everyone who is present, in the order of their names.
    pub fn members(&self) -> &[User] {
        &self.members
    }

    /// The last typing indicator, until that user's message or leave ends it.
    pub fn typing(&self) -> Option<&Typing> {
        self.typing.as_ref()
    }

    pub(super) fn apply_joined(&mut self, name: String, id: String) {
        let known = self.members.iter().position(|member| member.id == id);
        let is_news = known.is_none() && id != self.me.id;
        if let Some(place) = known {
            self.members.remove(place);
        }
        insert_by_name(&mut self.members, User { id, name: name.clone() });
        if is_news {
            self.presence_change = Some(PresenceChange::Joined(name));
        }
    }

    pub(super) fn apply_left(&mut self, name: String, id: &str) {
        self.members.retain(|member| member.id != id);
        self.away.retain(|away| away != id);
        self.end_typing(id);
        self.presence_change = Some(PresenceChange::Left(name));
    }

    pub(super) fn end_typing(&mut self, user_id: &str) {
        self.typing.take_if(|typing| typing.user.id == user_id);
    }
}

/// Sorts by name, so that every page shows the same order.
pub(super) fn sorted(members: Vec<User>) -> Vec<User> {
    let mut sorted = Vec::with_capacity(members.len());
    members.into_iter().for_each(|member| insert_by_name(&mut sorted, member));
    sorted
}

/// Not by the standard library's sort, which is 1 kB of the browser's download for each type.
fn insert_by_name(members: &mut Vec<User>, member: User) {
    let place = members.partition_point(|other| (&other.name, &other.id) < (&member.name, &member.id));
    members.insert(place, member);
}
