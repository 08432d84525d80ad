//! The people of a room: those who have a mark in it, and those who are present. Their names are kept in the store, noted when
//! they join, post or mark, so that somebody who is away is found as well. The routes and `mentions` call it by [`Chat`].
//!
//! It never names somebody who may not enter the room, and nobody to a caller who may not.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use super::{Chat, name_key::name_key};
use crate::{
    protocol::{name::RoomId, session::User},
    server::{
        auth::Identity,
        clock::now_ms,
        error::Error,
        store::{Person, Store, StoreError, TopicName},
    },
};

/// A person is noted again after this: "seen" is as exact as that.
const NOTED_FOR: Duration = Duration::from_secs(6 * 3_600);

/// People whom a node remembers to have noted, some megabytes at most. Beyond it all are forgotten, and noted once more.
const NOTED_MAX: usize = 20_000;

/// Stored people that are looked at for a list.
const READ_MAX: usize = 1_000;

/// The people whom this node has noted lately: their names then, and when.
#[derive(Default)]
pub(super) struct NotedPeople(Mutex<HashMap<String, (String, Instant)>>);

impl NotedPeople {
    /// Writes a person into the store unless that was done lately. Nothing that a person does fails because they could not be
    /// noted: the next time tries again.
    pub(super) async fn note(&self, store: &dyn Store, user: &User) {
        if !self.begin(user) {
            return;
        }
        let now_ms = now_ms();
        let person = Person {
            id: user.id.clone(),
            name: user.name.clone(),
            name_key: name_key(&user.name),
            since: now_ms,
            seen: now_ms,
        };
        if let Err(error) = store.note_person(&person).await {
            self.0.lock().remove(&user.id);
            if !matches!(error, StoreError::Closed) {
                tracing::warn!(%error, "cannot store a person's name; mentions find them by the one of before");
            }
        }
    }

    /// Returns true if they are to be written.
    fn begin(&self, user: &User) -> bool {
        // Whoever has an id that has no log is never found by one.
        if TopicName::of_user(&user.id).is_none() {
            return false;
        }
        let mut noted = self.0.lock();
        let is_known = |(name, at): &(String, Instant)| *name == user.name && at.elapsed() < NOTED_FOR;
        if noted.get(&user.id).is_some_and(is_known) {
            return false;
        }
        if noted.len() >= NOTED_MAX {
            noted.clear();
        }
        noted.insert(user.id.clone(), (user.name.clone(), Instant::now()));
        true
    }
}

impl Chat {
    /// Notes a person's name, under which they can be mentioned from now on.
    pub async fn note_person(&self, user: &User) {
        self.noted.note(&**self.hub.store(), user).await;
    }

    /// Notes a person without waiting for the store.
    pub(super) fn note_person_soon(&self, user: &User) {
        let (noted, store, user) = (self.noted.clone(), self.hub.store().clone(), user.clone());
        tokio::spawn(async move { noted.note(&*store, &user).await });
    }

    /// The first `limit` people of a room whose names begin with `prefix`, present ones first, for a caller who may enter it.
    pub async fn people(
        &self,
        room: &RoomId,
        who: &Identity,
        prefix: &str,
        limit: usize,
    ) -> Result<Vec<User>, Error> {
        let prefix = name_key(prefix);
        let stored = self.hub.store().people(room.as_str(), &prefix, READ_MAX).await?;
        self.rights.check_entry(room, Some(who))?;
        let members = self.direct_members(room).into_iter();
        let members: Vec<_> = members.filter(|user| name_key(&user.name).starts_with(&prefix)).collect();
        let mut present: Vec<_> =
            self.presence.members(room).into_iter().map(|user| (name_key(&user.name), user)).collect();
        present.retain(|(key, _)| key.starts_with(&prefix));
        present.sort_by(|(one, _), (other, _)| one.cmp(other));
        let present = present.into_iter().map(|(_, user)| user);
        let stored = stored.into_iter().filter(|person| self.rights.admits(room, &person.id));
        let stored = stored.map(|Person { id, name, .. }| User { id, name });
        Ok(distinct(present.chain(stored).chain(members)).take(limit).collect())
    }
}

/// The users without those who came before.
pub(super) fn distinct(users: impl Iterator<Item = User>) -> impl Iterator<Item = User> {
    let mut seen = HashSet::new();
    users.filter(move |user| seen.insert(user.id.clone()))
}

/// The people whom a node has noted, shared with tasks that note some.
pub(super) type SharedNotedPeople = Arc<NotedPeople>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_noted_once_and_again_under_another_name() {
        let noted = NotedPeople::default();
        let user = |id: &str, name: &str| User { id: id.into(), name: name.into() };
        assert!(noted.begin(&user("1", "a")) && !noted.begin(&user("1", "a")));
        assert!(noted.begin(&user("1", "b")) && !noted.begin(&user("1", "b")));
        assert!(noted.begin(&user("2", "b")));
        assert!(!noted.begin(&user("", "nobody")));
        for number in 0..2 * NOTED_MAX {
            noted.begin(&user(&format!("u{number}"), "c"));
        }
        assert!(noted.0.lock().len() <= NOTED_MAX);
    }
}
