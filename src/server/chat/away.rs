//! The people in rooms who are away, and the events that readers hear of presence: frames in the rooms, and for the
//! direct messages of two the other's presence in the sidebar. `presence` holds who is there and the signs of them;
//! this connects both with the log and with `activity`.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use super::{
    Chat,
    activity::Activity,
    encoding::{encode_frame, presence_frame},
};
use crate::{
    protocol::{chat::ServerFrame, name::RoomId, session::User},
    server::{
        authz::Rights,
        cluster::backplane::Backplane,
        log::hub::Hub,
        presence::{Presence, PresenceEvent, Signs},
        store::TopicName,
    },
};

/// Tells the others of a user's direct messages that their presence has changed. On this node alone: each learns it by itself.
struct Others {
    activity: Arc<Activity>,
    rights: Arc<Rights>,
}

impl Others {
    fn tell(&self, user_id: &str) {
        for room in self.rights.direct_rooms(user_id) {
            if let [one, other] = &self.rights.members(&room)[..] {
                let other = if one.id == user_id { other } else { one };
                self.activity.note_here(&other.id, &room);
            }
        }
    }
}

/// Presence and signs that publish their events as ephemeral frames of the rooms.
pub(super) fn presence_over(
    hub: Hub,
    backplane: Arc<dyn Backplane>,
    activity: Arc<Activity>,
    rights: Arc<Rights>,
    away_after: Duration,
) -> (Arc<Presence>, Arc<Signs>) {
    let others = Arc::new(Others { activity, rights });
    let signs: Arc<OnceLock<Arc<Signs>>> = Arc::default();
    let (known, told, published) = (signs.clone(), others.clone(), hub.clone());
    // Under the lock of presence.
    let presence = Presence::new(backplane.clone(), move |room, user, event| {
        let publish = |frame: &ServerFrame| {
            published.publish_ephemeral(&TopicName::Room(room.clone()), encode_frame(frame));
        };
        publish(&presence_frame(room, user, event));
        let Some(signs) = known.get() else { return };
        if event == PresenceEvent::Joined {
            signs.note_entry(&user.id);
            if signs.is_away(&user.id) {
                publish(&away_frame(room, user, true));
            }
        }
        if event != PresenceEvent::Typing {
            told.tell(&user.id);
        }
    });
    let presence = Arc::new(presence);
    // Presence holds the signs, so they must not hold it.
    let rooms = Arc::downgrade(&presence);
    let made = Signs::new(backplane, away_after, move |user_id, is_away| {
        let Some(presence) = rooms.upgrade() else { return };
        for (room, user) in presence.of_user(user_id) {
            let frame = encode_frame(&away_frame(&room, &user, is_away));
            hub.publish_ephemeral(&TopicName::Room(room), frame);
        }
        others.tell(user_id);
    });
    let made = signs.get_or_init(|| Arc::new(made)).clone();
    (presence, made)
}

fn away_frame(room: &RoomId, user: &User, away: bool) -> ServerFrame {
    let (room, user, user_id) = (room.clone(), user.name.clone(), user.id.clone());
    ServerFrame::UserAway { room, user, user_id, away }
}

impl Chat {
    /// Notes that the user does something: they are not away.
    pub fn note_sign(&self, user: &User) {
        self.signs.note(&user.id);
    }

    /// The ids of those who are in the room and away.
    pub fn away_in(&self, room: &RoomId) -> Vec<String> {
        self.presence.members_that(room, |id| self.signs.is_away(id))
    }

    /// A text that names the presence in a room, as `Presence::version` does, with who is away.
    pub(super) fn presence_version(&self, room: &RoomId) -> String {
        let version = self.presence.version(room);
        match &self.away_in(room)[..] {
            [] => version,
            // Any sum that does not depend on their order, which is that of the ids.
            away => format!("{version}-{:x}", checksum(&away.join(" "))),
        }
    }

    /// The presence of the other of two people with direct messages as the page shows it; empty: they are in no room, or
    /// one has blocked the other.
    pub(super) fn presence_in_direct(&self, room: &RoomId, user_id: &str) -> &'static str {
        let members = self.direct_members(room);
        let [one, other] = &members[..] else { return "" };
        let other = if one.id == user_id { other } else { one };
        let is_shown =
            !self.rights.has_blocked(&other.id, user_id) && !self.presence.of_user(&other.id).is_empty();
        match (is_shown, self.signs.is_away(&other.id)) {
            (false, _) => "",
            (true, true) => "away",
            (true, false) => "here",
        }
    }
}

/// FNV-1a, in 32 bits: the same on every node.
fn checksum(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}
