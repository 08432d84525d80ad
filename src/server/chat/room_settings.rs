//! Changes of rooms: their names and topics, archiving, and removal. The routes and pages call it by [`Chat`].
//!
//! Only a room's owner and administrators may change it, and only where they may enter. When a method returns, every live
//! node has the change, and everybody's sidebar is told to look.

use super::{
    Chat,
    room_id::{id_key, id_of_name},
};
use crate::{
    protocol::{
        chat::Room,
        name::{RoomId, parse_name},
        problem::{Code, Rejection},
        text::{check_bounds, clean_line},
    },
    server::{
        auth::Actor,
        authz::{Action, Deed, RoomSettings},
        error::Error,
        store::directory::{Kind, Mutation},
    },
};

/// Most characters of a room's topic: one line of a wide screen.
const TOPIC_MAX_CHARACTERS: usize = 200;
/// Most bytes of a topic, because a character can have any number of combining marks.
const TOPIC_MAX_BYTES: usize = 2_000;

/// A change of a room. `None`: it stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoomChange {
    /// The name; the room's id and address stay.
    pub name: Option<String>,
    /// The room's purpose; an empty one takes it away.
    pub topic: Option<String>,
    /// True: it can be read, and nobody writes there.
    pub archived: Option<bool>,
}

impl Chat {
    /// Returns true if the user may change the room: its owner, and every administrator; one of direct messages nobody.
    pub fn may_manage(&self, room: &RoomId, by: &Actor) -> bool {
        let is_admin = by.is_admin && !self.rights.is_direct(room);
        is_admin || by.identity.as_ref().is_some_and(|who| self.rights.owns(room, who))
    }

    /// Changes a room.
    pub async fn change_room(&self, room: &RoomId, by: &Actor, change: RoomChange) -> Result<Room, Error> {
        self.check_manager(room, by)?;
        let name = change.name.as_deref().map(parse_name).transpose()?;
        let topic = change.topic.as_deref().map(parse_topic).transpose()?;
        self.limits.message(&by.user()).await?;
        if let Some(name) = &name {
            self.check_free(room, name).await?;
        }
        let apply = |settings: &mut RoomSettings| {
            if let Some(name) = &name {
                settings.name = Some(name.clone());
            }
            if let Some(topic) = &topic {
                settings.topic.clone_from(topic);
            }
            settings.archived = change.archived.unwrap_or(settings.archived);
        };
        let action = |before: &RoomSettings| {
            let described = Action::in_room(by, Deed::ChangeRoom, room);
            let described = match &name {
                Some(name) => described.with(name.clone()),
                None => described,
            };
            let is_described = name.as_ref().is_some_and(|name| before.name.as_ref() != Some(name))
                || topic.as_ref().is_some_and(|topic| before.topic != *topic);
            let archived = change.archived.filter(|archived| *archived != before.archived);
            let deed = archived.map(|is| if is { Deed::ArchiveRoom } else { Deed::RestoreRoom });
            let moved = deed.map(|deed| Action::in_room(by, deed, room).written());
            is_described.then(|| described.written()).into_iter().chain(moved).collect()
        };
        self.rights.change_settings(room, apply, action).await?;
        self.activity.note_list(None);
        self.listed(room).await
    }

    /// Removes a room with everything that was said in it. Its readers are told; its id is never given again.
    pub async fn remove_room(&self, room: &RoomId, by: &Actor) -> Result<(), Error> {
        self.check_manager(room, by)?;
        self.limits.message(&by.user()).await?;
        let remove = |settings: &mut RoomSettings| {
            *settings = RoomSettings { removed: true, ..Default::default() };
        };
        let hooks = self.rights.hook_removals(room).await?;
        let action = |_: &RoomSettings| {
            let under = |kind| Mutation::remove_under(kind, format!("{room}/"), None);
            let action = Action::in_room(by, Deed::RemoveRoom, room).written();
            let gone = [under(Kind::Moderator), under(Kind::Mute), under(Kind::Report), action];
            gone.into_iter().chain(hooks.iter().cloned()).collect()
        };
        self.rights.change_settings(room, remove, action).await?;
        self.activity.note_list(None);
        // No node appends any more. Whatever was on its way, or is left by a crash from here on, the next trim removes.
        let removed = self.hub.store().remove_room(room).await;
        // Also after an error: a database that fails may have done it, and not have said so.
        self.removed_files.notify_one();
        Ok(removed?)
    }

    /// Rejects a caller who may not change the room.
    pub fn check_manager(&self, room: &RoomId, by: &Actor) -> Result<(), Rejection> {
        self.rights.check_entry(room, by.identity.as_ref())?;
        match self.may_manage(room, by) {
            true => Ok(()),
            false => {
                Err(Rejection::new(Code::NotAllowed, "Only the room's owner and administrators may do this."))
            }
        }
    }

    /// Rejects a name that is the address of another room: it would be taken for that one.
    async fn check_free(&self, room: &RoomId, name: &str) -> Result<(), Error> {
        let Ok(id) = id_of_name(name) else { return Ok(()) };
        let key = id_key(id.as_str());
        let is_other = |known: &Room| known.id != *room && id_key(known.id.as_str()) == key;
        match self.read_rooms().await?.iter().any(is_other) {
            true => {
                let message = format!("Another room has the address {id}; choose another name.");
                Err(Rejection::new(Code::RoomExists, message).into())
            }
            false => Ok(()),
        }
    }

    /// The room, for a caller who may change it.
    pub async fn managed_room(&self, room: &RoomId, by: &Actor) -> Result<Room, Error> {
        self.check_manager(room, by)?;
        self.listed(room).await
    }

    async fn listed(&self, room: &RoomId) -> Result<Room, Error> {
        let found = self.read_rooms().await?.into_iter().find(|known| known.id == *room);
        found.ok_or_else(|| self.rights.eviction_from(room).into())
    }

    /// The reason for which a reader was evicted from a room.
    pub fn eviction_from(&self, room: &RoomId) -> Rejection {
        self.rights.eviction_from(room)
    }
}

/// A topic as it is stored. An empty one is none.
fn parse_topic(typed: &str) -> Result<String, Rejection> {
    let topic = clean_line(typed);
    if !topic.is_empty() {
        check_bounds("topic", &topic, TOPIC_MAX_CHARACTERS, TOPIC_MAX_BYTES)?;
    }
    Ok(topic)
}
