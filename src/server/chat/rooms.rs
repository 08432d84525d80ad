//! The rooms of the chat: listing, finding and making them. Pages, routes and transports call it by [`Chat`].
//!
//! It never shows a room to a caller who may not enter it, not even in a rejection.

use super::{
    Chat, FIRST_ROOMS,
    room_id::{id_key, id_of_name},
};
use crate::{
    protocol::{
        chat::Room,
        name::{RoomId, parse_name},
        problem::{Code, Rejection},
    },
    server::{
        auth::{Identity, Submission},
        error::Error,
        store::RoomCreation,
    },
};

impl Chat {
    /// The rooms that the caller may enter, in the order in which they were made.
    pub async fn rooms(&self, who: Option<&Identity>) -> Result<Vec<Room>, Error> {
        self.rights.check_reader(who)?;
        let mut rooms = self.read_rooms().await?;
        rooms.retain(|room| self.rights.may_enter(&room.id, who));
        Ok(rooms)
    }

    /// Creates a room owned by `who`; only invited members enter a private one.
    pub async fn create_room(&self, who: &Identity, name: &str, is_private: bool) -> Result<Room, Error> {
        self.create_room_once(who, name, is_private, None).await
    }

    /// Creates a room by an HTML form. A form that is sent again gets the room that it made before.
    pub async fn create_room_once(
        &self,
        who: &Identity,
        name: &str,
        is_private: bool,
        submission: Option<&Submission>,
    ) -> Result<Room, Error> {
        let name = parse_name(name)?;
        let room = Room::new(id_of_name(&name)?, name);
        if submission.is_some() {
            self.rights.catch_up().await?;
        }
        if self.rights.was_made_by(&room.id, who, submission) {
            return self.make_room(room.clone()).await.or_else(|error| unless_there(error, room));
        }
        self.limits.room(&who.user).await?;
        if self.was_just_made(who, &room, submission).await? {
            return Ok(room);
        }
        self.reserve(who, &room, is_private, submission).await?;
        self.make_reserved_room(who, room, submission).await
    }

    /// Looks for a room with this id. Returns true if the same form has just made it, and false if there is none. Any
    /// other room is a rejection.
    async fn was_just_made(
        &self,
        who: &Identity,
        room: &Room,
        submission: Option<&Submission>,
    ) -> Result<bool, Error> {
        // The first rooms have no owner: to reserve one would take it from everyone.
        let key = id_key(room.id.as_str());
        let rooms = self.read_rooms().await?;
        if self.rights.removed_rooms().iter().any(|removed| id_key(removed.as_str()) == key) {
            return Err(exists(&room.id, None));
        }
        let Some(known) = rooms.into_iter().find(|known| id_key(known.id.as_str()) == key) else {
            return Ok(false);
        };
        if submission.is_some() {
            // The same form may have made it at this moment.
            self.rights.catch_up().await?;
            if self.rights.was_made_by(&room.id, who, submission) {
                return Ok(true);
            }
        }
        let known = Some(known).filter(|known| self.rights.may_enter(&known.id, Some(who)));
        Err(exists(&room.id, known))
    }

    /// Reserves the room's id for its owner, before the room is made.
    async fn reserve(
        &self,
        who: &Identity,
        room: &Room,
        is_private: bool,
        submission: Option<&Submission>,
    ) -> Result<(), Error> {
        // A token that is valid for some rooms only must not get further by making one.
        if !self.rights.may_enter(&room.id, Some(who)) {
            return Err(exists(&room.id, None));
        }
        // Reserved already: the owner did not learn whether the room was made, and tries again.
        let is_reserved = self.rights.owns(&room.id, who) && self.rights.is_private(&room.id) == is_private;
        if !is_reserved && !self.rights.reserve_by_form(&room.id, &who.user, is_private, submission).await? {
            // The same form may have reserved it at this moment.
            self.rights.catch_up().await?;
            if !self.rights.was_made_by(&room.id, who, submission) {
                return Err(exists(&room.id, None));
            }
        }
        Ok(())
    }

    /// Makes a reserved room, and gives the reservation up if the store rejects the room.
    async fn make_reserved_room(
        &self,
        who: &Identity,
        room: Room,
        submission: Option<&Submission>,
    ) -> Result<Room, Error> {
        let made = self.make_room(room.clone()).await;
        // After a fault of the store the room may exist: without its reservation it would be open to everyone.
        // A room that exists although it was reserved was made by the same person at the same moment. Only the first
        // rooms are made without a reservation.
        let is_rejected = match &made {
            Err(Error::Rejected(rejection)) => {
                rejection.code != Code::RoomExists || FIRST_ROOMS.contains(&room.id.as_str())
            }
            Ok(_) | Err(Error::Store(_)) => false,
        };
        if is_rejected {
            self.rights.cancel_reservation(&room.id, &who.user).await?;
        }
        if self.rights.was_made_by(&room.id, who, submission) {
            return made.or_else(|error| unless_there(error, room));
        }
        made
    }

    async fn make_room(&self, room: Room) -> Result<Room, Error> {
        match self.hub.store().create_room(room.clone(), self.max_rooms).await? {
            RoomCreation::Created => {
                self.activity.note(&room.id);
                Ok(room)
            }
            RoomCreation::Exists => Err(exists(&room.id, None)),
            RoomCreation::Full => {
                let message =
                    format!("This server has reached its limit of {} rooms (--max-rooms).", self.max_rooms);
                Err(Rejection::new(Code::TooManyRooms, message).into())
            }
        }
    }

    /// The room with this id, in whatever form the id is written. The rejection is the same for a room that does not
    /// exist and for one that the caller may not enter.
    pub async fn room(&self, id: &str, who: Option<&Identity>) -> Result<RoomId, Error> {
        let asked = RoomId::parse(id)?;
        if let Some(known) = self.known.find(&asked) {
            self.rights.check_entry(&known, who)?;
            return Ok(known);
        }
        self.rights.check_reader(who)?;
        if self.is_direct(&asked).await? {
            self.rights.check_entry(&asked, who)?;
            return Ok(asked);
        }
        self.read_rooms().await?;
        if self.rights.is_removed(&asked) {
            self.rights.check_entry(&asked, who)?;
        }
        let unknown =
            || Rejection::new(Code::UnknownRoom, "This room does not exist, or you are not a member of it.");
        let known = self.known.find(&asked).ok_or_else(unknown)?;
        self.rights.check_entry(&known, who)?;
        Ok(known)
    }

    /// The id of a room that was seen before, in whatever form it is written here. Another id stays as it is.
    pub fn id_of(&self, written: &str) -> Result<RoomId, Rejection> {
        let asked = RoomId::parse(written)?;
        Ok(self.known.find(&asked).unwrap_or(asked))
    }

    /// All rooms, as they were changed. The rights of a room that another node has just made are known as well: they are written before the
    /// room.
    pub(super) async fn read_rooms(&self) -> Result<Vec<Room>, Error> {
        let rooms = self.hub.store().rooms().await?;
        if !self.known.has_all(&rooms) {
            self.rights.catch_up().await?;
            self.known.note(&rooms);
        }
        Ok(rooms.into_iter().map(|room| self.rights.changed(room)).collect())
    }
}

/// The room, if the only reason for the rejection is that it exists.
fn unless_there(error: Error, room: Room) -> Result<Room, Error> {
    match error {
        Error::Rejected(Rejection { code: Code::RoomExists, .. }) => Ok(room),
        other => Err(other),
    }
}

/// The rejection of a room whose id is taken: by `known`, if the caller may know which room that is.
fn exists(id: &RoomId, known: Option<Room>) -> Error {
    let message = match known {
        Some(Room { name, .. }) => {
            format!("The room \"{name}\" already has the address {id}; choose another name.")
        }
        None => format!("A room with the address {id} already exists; choose another name."),
    };
    Rejection::new(Code::RoomExists, message).into()
}
