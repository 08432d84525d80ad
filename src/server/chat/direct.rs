//! Direct messages: rooms of two to twenty people, who are there from the beginning and to the end. The routes and pages call
//! it by [`Chat`]; `authz` holds who is in such a room, and everything else is as in any private room.
//!
//! It never shows a person to somebody who shares no room with them, and never says who has blocked whom.

use std::collections::HashMap;

use serde::Serialize;

use super::{Chat, people::distinct};
use crate::{
    protocol::{
        chat::Room,
        name::RoomId,
        problem::{Code, Rejection},
        session::User,
    },
    server::{
        auth::Identity,
        authz::{DIRECT_MAX, Rights},
        error::Error,
        store::{Person, StoreError, TopicName},
    },
};

/// A room of direct messages as one of its people sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Direct {
    /// Its id.
    pub room: RoomId,
    /// The others, with their names of now, in the order of their ids.
    pub people: Vec<User>,
}

impl Chat {
    /// Opens the direct messages of the user and these people. `bool` is false if there were some before.
    pub async fn open_direct(&self, who: &Identity, user_ids: &[String]) -> Result<(Direct, bool), Error> {
        self.rights.check_reader(Some(who))?;
        let mut people = Vec::new();
        for id in user_ids.iter().filter(|id| **id != who.user.id) {
            if people.len() >= DIRECT_MAX {
                break;
            }
            people.push(self.visible_user(who, id).await?);
        }
        let people: Vec<_> = distinct(people.into_iter()).collect();
        if people.is_empty() || people.len() >= DIRECT_MAX {
            let message = format!("Direct messages are between 2 and {DIRECT_MAX} people, you among them.");
            return Err(Rejection::new(Code::BadRequest, message).into());
        }
        let all: Vec<_> = people.iter().chain([&who.user]).cloned().collect();
        if let Some(room) = self.rights.find_direct(&all).await? {
            self.rights.check_entry(&room, Some(who))?;
            return Ok((Direct { room, people }, false));
        }
        self.check_start(who, &people)?;
        self.limits.direct(&who.user).await?;
        let (room, is_new) = self.rights.open_direct(&all).await?;
        // Its log begins now, so that it has an epoch from which to follow it.
        self.hub.store().bounds(&TopicName::Room(room.clone())).await?;
        self.note_person(&who.user).await;
        self.note_activity(&room);
        Ok((Direct { room, people }, is_new))
    }

    /// Rejects a user who may not start direct messages with these people.
    fn check_start(&self, who: &Identity, people: &[User]) -> Result<(), Rejection> {
        // A token for some rooms must not get further by opening one.
        if !self.may_start_direct || who.rooms.is_some() {
            let message = "You may answer direct messages and not start any.";
            return Err(Rejection::new(Code::NotAllowed, message));
        }
        people.iter().try_for_each(|other| self.check_blocks(&who.user, other))
    }

    /// Rejects a message to a room of two people of whom one has blocked the other. Any other room is none of its business.
    pub(super) fn check_direct(&self, room: &RoomId, user: &User) -> Result<(), Rejection> {
        match &self.direct_members(room)[..] {
            [one, other] => self.check_blocks(user, if one.id == user.id { other } else { one }),
            _ => Ok(()),
        }
    }

    fn check_blocks(&self, user: &User, other: &User) -> Result<(), Rejection> {
        let rejected = |message| Err(Rejection::new(Code::Blocked, message));
        if self.rights.has_blocked(&user.id, &other.id) {
            return rejected("You have blocked this person. Unblock them to write to them.");
        }
        if self.rights.has_blocked(&other.id, &user.id) {
            return rejected("This person does not take direct messages from you.");
        }
        Ok(())
    }

    /// The user's direct messages, those first that were started first.
    pub async fn direct(&self, who: &Identity) -> Result<Vec<Direct>, Error> {
        self.rights.check_reader(Some(who))?;
        let of_room = |room: RoomId| {
            let mut people = self.rights.members(&room);
            people.retain(|user| user.id != who.user.id);
            Direct { room, people }
        };
        let mut all: Vec<_> = self.direct_of(who).into_iter().map(of_room).collect();
        let ids: Vec<_> = all.iter().flat_map(|direct| &direct.people).map(|user| user.id.clone()).collect();
        let stored = if ids.is_empty() { Vec::new() } else { self.hub.store().people_by_id(&ids).await? };
        let names: HashMap<_, _> = stored.into_iter().map(|person| (person.id, person.name)).collect();
        for user in all.iter_mut().flat_map(|direct| &mut direct.people) {
            if let Some(name) = names.get(&user.id) {
                user.name.clone_from(name);
            }
        }
        Ok(all)
    }

    /// The rooms of the user's direct messages, of those that they may enter.
    pub(super) fn direct_of(&self, who: &Identity) -> Vec<RoomId> {
        let mut rooms = self.rights.direct_rooms(&who.user.id);
        rooms.retain(|room| self.rights.may_enter(room, Some(who)));
        rooms
    }

    /// The people of a room of direct messages; nobody for any other room.
    pub(super) fn direct_members(&self, room: &RoomId) -> Vec<User> {
        if self.rights.is_direct(room) { self.rights.members(room) } else { Vec::new() }
    }

    /// Returns true if the room has direct messages, which another node may just have opened.
    pub(super) async fn is_direct(&self, room: &RoomId) -> Result<bool, StoreError> {
        if Rights::looks_direct(room) && !self.rights.is_direct(room) {
            self.rights.catch_up().await?;
        }
        Ok(self.rights.is_direct(room))
    }

    /// Notes that a room has something new, of direct messages only for their people.
    pub(super) fn note_activity(&self, room: &RoomId) {
        match &self.direct_members(room)[..] {
            [] => self.activity.note(room),
            members => members.iter().for_each(|user| self.activity.note_for(&user.id, room)),
        }
    }

    /// The user with this id, for a caller who shares a room with them. Errors: [`Code::UnknownPerson`].
    pub async fn visible_user(&self, who: &Identity, id: &str) -> Result<User, Error> {
        let Person { id, name, .. } = self.visible_person(who, id).await?;
        Ok(User { id, name })
    }

    /// The card of the person with this id, for a caller who shares a room with them: who is present in a room that
    /// the caller may enter, has read or marked in one, or is in a private one with them. Errors: [`Code::UnknownPerson`].
    pub async fn visible_person(&self, who: &Identity, id: &str) -> Result<Person, Error> {
        let unknown = || Rejection::new(Code::UnknownPerson, "Nobody with this id shares a room with you.");
        let topic = TopicName::of_user(id).ok_or_else(unknown)?;
        let stored = self.hub.store().people_by_id(&[id.to_owned()]).await?.pop();
        let present = self.presence.of_user(id);
        let may_enter =
            |room: &RoomId| self.rights.may_enter(room, Some(who)) && self.rights.admits(room, id);
        let present = present.into_iter().find(|(room, _)| may_enter(room)).map(|(_, user)| user.name);
        let own = (id == who.user.id).then(|| who.user.name.clone());
        let name = own.or(present).or_else(|| self.rights.name_in_shared_room(&who.user.id, id));
        if name.is_none() && !self.has_marked(&topic, may_enter).await? {
            return Err(unknown().into());
        }
        let unnoted = |name| Person { id: id.to_owned(), name, name_key: String::new(), since: 0, seen: 0 };
        Ok(stored.or_else(|| name.map(unnoted)).ok_or_else(unknown)?)
    }

    async fn has_marked(
        &self,
        topic: &TopicName,
        may_enter: impl Fn(&RoomId) -> bool,
    ) -> Result<bool, StoreError> {
        let (_, states) = self.hub.store().states(topic).await?;
        Ok(states.iter().any(|state| RoomId::parse(&state.key).is_ok_and(|room| may_enter(&room))))
    }

    /// Blocks somebody who shares a room with the user, or ends that, also if they share none any more.
    pub async fn set_blocked(&self, who: &Identity, id: &str, is_blocked: bool) -> Result<(), Error> {
        self.rights.check_reader(Some(who))?;
        self.limits.mark(&who.user).await?;
        if id == who.user.id {
            return Err(Rejection::new(Code::BadRequest, "Nobody can block themselves.").into());
        }
        let other = match is_blocked {
            true => self.visible_user(who, id).await?,
            false => User { id: id.to_owned(), name: String::new() },
        };
        self.rights.set_blocked(&who.user.id, &other, is_blocked).await
    }
}

/// The room as pages list it: its name is those of the others.
pub fn room_of(direct: &Direct) -> Room {
    let names: Vec<_> = direct.people.iter().map(|user| user.name.as_str()).collect();
    Room::new(direct.room.clone(), names.join(", "))
}
