//! The chat: rooms, and joining, reading and posting to them. It knows no transport; the sockets, the streams, the HTTP
//! routes and the pages call it. It never trusts a name or an id of a person that does not come from their session.
//!
//! This file holds the chat together and connects presence with the log; each other file is one concern.

mod activity;
mod answers;
mod away;
mod card;
mod changes;
mod direct;
mod discussions;
mod document;
mod encoding;
mod file_html;
mod files;
mod hooks;
mod joining;
mod known_rooms;
mod marks;
mod membership;
mod mention_list;
mod mentions;
mod moderation;
mod name_key;
mod newest;
mod people;
mod pins;
mod posting;
mod preview;
mod push_queue;
mod reactions;
mod reading;
pub(crate) mod room_id;
mod room_settings;
mod rooms;
mod unread_poll;

use std::{sync::Arc, time::Duration};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

pub use self::{
    activity::{Activity, ActivityFollower, SUBJECT as ACTIVITY_SUBJECT},
    answers::PageContext,
    card::{Card, Seen},
    direct::{Direct, room_of as direct_room_of},
    discussions::Talk,
    document::{FoundMessage, document_of, found_message},
    encoding::{EarlierText, encode_entry, encode_frame, erases, message_and_files, reset_frame},
    hooks::HookMessage,
    joining::Joined,
    marks::{FollowedUser, encode_mark, user_reset_frame},
    moderation::ReportOfMessage,
    push_queue::{PushQueue, PushedMessage, QueuedPush},
    room_settings::RoomChange,
    unread_poll::{PolledUnread, UnreadPoll},
};
use self::{known_rooms::KnownRooms, people::SharedNotedPeople, room_id::id_of_name};
use super::{
    authz::Rights,
    cluster::backplane::Backplane,
    config::{EditingSettings, GroupMentions},
    error::Error,
    limits::RateLimits,
    log::hub::Hub,
    presence::{Presence, Signs},
};
use crate::protocol::{
    chat::{PresenceState, Room, ServerFrame},
    name::RoomId,
    session::User,
};

/// The rooms of a new installation: the seed's.
const FIRST_ROOMS: [&str; 3] = ["general", "tech", "random"];

/// The time between two searches for users who have stopped polling.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// Sweeps between two searches for users who are away and have left: they cost a few bytes each.
const FORGET_INTERVAL_S: u64 = 60;

/// The chat of this server.
pub struct Chat {
    hub: Hub,
    presence: Arc<Presence>,
    activity: Arc<Activity>,
    signs: Arc<Signs>,
    rights: Arc<Rights>,
    limits: Arc<RateLimits>,
    max_rooms: usize,
    editing: EditingSettings,
    known: KnownRooms,
    noted: SharedNotedPeople,
    group_mentions: GroupMentions,
    may_start_direct: bool,
    push_queue: Arc<PushQueue>,
    removed_files: Arc<Notify>,
}

/// The settings of the chat.
pub struct ChatSettings {
    /// The editing of messages.
    pub editing: EditingSettings,
    /// The people who may mention everybody in a room.
    pub group_mentions: GroupMentions,
    /// Users may start direct messages.
    pub may_start_direct: bool,
    /// The time without a sign after which a user is away.
    pub away_after: Duration,
    /// Notified when files may have gone with their message: nobody waits until their contents are removed.
    pub removed_files: Arc<Notify>,
}

impl Chat {
    /// Opens the chat over the hub and makes the first rooms.
    pub async fn open(
        hub: Hub,
        rights: Arc<Rights>,
        limits: Arc<RateLimits>,
        backplane: Arc<dyn Backplane>,
        max_rooms: usize,
        settings: ChatSettings,
        push_queue: PushQueue,
    ) -> Result<Self, Error> {
        let ChatSettings { editing, group_mentions, may_start_direct, away_after, removed_files } = settings;
        let activity = Arc::new(Activity::new(backplane.clone()));
        let (presence, signs) =
            away::presence_over(hub.clone(), backplane, activity.clone(), rights.clone(), away_after);
        let known = KnownRooms::default();
        let chat = Self {
            hub,
            presence,
            activity,
            signs,
            rights,
            limits,
            max_rooms,
            editing,
            known,
            noted: SharedNotedPeople::default(),
            group_mentions,
            may_start_direct,
            push_queue: Arc::new(push_queue),
            removed_files,
        };
        let rooms = chat.hub.store().rooms().await?;
        if rooms.is_empty() {
            for name in FIRST_ROOMS.into_iter().take(max_rooms) {
                // Another node may make them at the same time.
                let room = Room::new(id_of_name(name)?, name.to_owned());
                if !chat.rights.is_removed(&room.id) {
                    chat.hub.store().create_room(room, max_rooms).await?;
                }
            }
        }
        Ok(chat)
    }

    /// The presence in all rooms, for the exchange with other nodes.
    pub fn presence(&self) -> &Arc<Presence> {
        &self.presence
    }

    /// The signs of users, for the exchange with other nodes.
    pub fn signs(&self) -> &Arc<Signs> {
        &self.signs
    }

    /// The activity of all rooms, for connections that follow it, and for the exchange with other nodes.
    pub fn activity(&self) -> &Arc<Activity> {
        &self.activity
    }

    /// All users in the room, in the order of their ids.
    pub fn members(&self, room: &RoomId) -> Vec<User> {
        self.presence.members(room)
    }

    /// The users in the room and those who are typing.
    pub fn presence_state(&self, room: &RoomId) -> PresenceState {
        // The version first: the next poll answers once more for a change in between.
        let seen = self.presence_version(room);
        let (members, typing) = (self.presence.members(room), self.presence.typing(room));
        PresenceState { members, away: self.away_in(room), typing, seen }
    }

    /// The JSON of a frame with all users in the room, for a reader that missed events.
    pub fn members_json(&self, room: &RoomId) -> String {
        let (room, members, away) = (room.clone(), self.presence.members(room), self.away_in(room));
        encode_frame(&ServerFrame::Members { room, members, away })
    }

    /// The user with this name who is in a room now: the way to find people where there are no accounts. `None` unless
    /// there is exactly one.
    pub fn find_present(&self, name: &str) -> Option<User> {
        self.presence.find(name)
    }

    /// Ends the presence of users who have stopped polling, until `stop`.
    pub async fn sweep(&self, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(SWEEP_INTERVAL);
        let mut seconds = 0_u64;
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            self.presence.sweep();
            self.signs.sweep(|id| !self.presence.of_user(id).is_empty());
            seconds += 1;
            if seconds.is_multiple_of(FORGET_INTERVAL_S) {
                let present = self.presence.ids();
                self.signs.forget(|id| present.contains(id));
            }
        }
        self.presence.clear();
    }
}
