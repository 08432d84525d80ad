//! The initial data of a page: the server loads them before it draws the page and writes them into the document for
//! hydration; the browser requests them when it navigates to another page.
//!
//! The JSON members keep their names: a page that stays open outlives an update of its server.

use serde::{Deserialize, Serialize};

use super::{
    i18n::Texts,
    model::{
        direction::isolated,
        room::Linked,
        unread::{Unread, titled},
    },
};
use crate::protocol::{
    chat::{MessagePage, Room},
    cursor::Offset,
    feed::{Entry, Snapshot},
    mark::UserRoom,
    name::RoomId,
    pin::Pin,
    problem::Code,
    session::User,
};

/// Messages that a page starts with, and in each page of older ones.
pub const MESSAGES_LIMIT: usize = 50;
/// Notifications in each page of older ones.
pub const NOTIFICATIONS_LIMIT: usize = 20;

/// The initial data of one page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InitialData {
    /// The path of the page's address.
    pub path: String,
    /// The rejection of a form that was sent without JavaScript.
    pub problem: Option<Code>,
    /// The wait before the form can be sent again, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// The data of the sidebar. `None`: they could not be loaded.
    #[serde(rename = "visit")]
    pub viewer: Option<Viewer>,
    /// The data of the page itself.
    pub page: PageData,
    /// The origin by which the viewer reached the server. (Absent in the version before.)
    #[serde(default)]
    pub origin: String,
}

impl InitialData {
    /// The title of the document.
    pub fn title(&self, texts: &Texts) -> String {
        let unread = self.viewer.as_ref().map(|viewer| Unread::new(viewer.unread.clone()));
        titled(unread.map_or(0, |unread| unread.total()), &self.page.title(texts, self.viewer.as_ref()))
    }
}

/// The viewer of a page, with their rights, the channels that they may read and the rooms that they may enter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Viewer {
    /// The user. An anonymous viewer has no id and no name, and can only read.
    pub me: User,
    /// Users have accounts, at this server or at an external issuer.
    pub accounts: bool,
    /// The accounts are at this server. (Absent in the version before: a page outlives an update of its server.)
    #[serde(default)]
    pub signs_in_here: bool,
    /// May see the publishers, the channels' readers and, with accounts at this server, the people.
    pub is_admin: bool,
    /// The channels with entries that the viewer may read, in order. (Absent in the version before.)
    #[serde(default)]
    pub channels: Vec<String>,
    /// Every room that the viewer may enter.
    pub rooms: Vec<Room>,
    /// Those of the rooms that only members may enter. (Absent in the version before.)
    #[serde(default)]
    pub private_rooms: Vec<RoomId>,
    /// Those of the rooms that have direct messages; their names are those of the others in them. (Absent in the version
    /// before.)
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub direct_rooms: Vec<RoomId>,
    /// The unread counts of those of the rooms that the user has marked. (Absent in the version before.)
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<UserRoom>,
    /// The favourites on this device, some of which may be none of the rooms. (Absent in the version before.)
    #[serde(default)]
    pub favourites: Vec<RoomId>,
    /// The rooms in which the viewer may not write, each with the reason in their language. (Absent in the version before.)
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub closed: Vec<(RoomId, String)>,
}

impl Viewer {
    /// The reason why the viewer may not write in a room.
    pub fn closed(&self, room: &RoomId) -> Option<String> {
        self.closed.iter().find(|(closed, _)| closed == room).map(|(_, reason)| reason.clone())
    }
}

/// The data of one page. Externally tagged: serde reads the content of an internally tagged enum by separate code,
/// which the browser would have to download for all of these types.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(clippy::large_enum_variant, reason = "there is one of a page")]
pub enum PageData {
    /// The feed, or a channel of it.
    Feed {
        /// The channel. `None`: all of the feed. (Absent in the version before.)
        #[serde(default, skip_serializing_if = "Option::is_none")]
        channel: Option<String>,
        /// The feed, or the channel, as it is now.
        feed: Snapshot,
    },
    /// A room, with the feed beside it.
    Room {
        /// The room. `None`: it does not exist, or the viewer may not enter it.
        room: Option<RoomData>,
        /// The feed as it is now. `None`: it could not be loaded.
        feed: Option<Snapshot>,
    },
    /// No page has this address.
    NotFound,
    /// The data could not be loaded.
    Unavailable,
}

/// The initial data of a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomData {
    /// The room.
    pub room: Room,
    /// The viewer.
    pub me: User,
    /// The newest messages.
    pub page: MessagePage,
    /// Everyone who is present.
    pub members: Vec<User>,
    /// The ids of those of them who are away. (Absent in the version before.)
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub away: Vec<String>,
    /// Only its members may enter it.
    pub is_private: bool,
    /// It has direct messages, and nobody changes who its members are. (Absent in the version before.)
    #[serde(default)]
    pub is_direct: bool,
    /// The viewer may delete the messages of others. (Absent in the version before.)
    #[serde(default)]
    pub is_moderator: bool,
    /// The pinned messages. (Absent in the version before.)
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pins: Vec<Pin>,
    /// The place to which the address leads. `None`: the newest messages. (Absent in the version before.)
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linked: Option<Box<Linked>>,
    /// The thread that is open beside the room. (Absent in the version before.)
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<Box<ThreadData>>,
}

/// The initial data of a thread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadData {
    /// The offset of the message with which it begins.
    pub root: Offset,
    /// Its messages: the newest, or those from the marked one on.
    pub page: MessagePage,
    /// The message of it to which the address leads, or the reason why that is not there.
    pub linked: Linked,
}

/// A page of older notifications.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OlderNotifications {
    /// The entries, ascending by offset.
    pub entries: Vec<Entry>,
    /// Older ones exist.
    pub more: bool,
    /// All from this offset on were looked at, of which a filter shows these. `None`: there is no filter. (Absent in the
    /// version before.)
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Offset>,
}

impl PageData {
    /// The title of the document. A room has the name that the list of rooms has, which may be newer.
    pub fn title(&self, texts: &Texts, viewer: Option<&Viewer>) -> String {
        let title = match self {
            Self::Feed { channel: None, .. } => texts.feed.to_owned(),
            Self::Feed { channel: Some(channel), .. } => format!("{channel} · {}", texts.feed),
            Self::Room { room: Some(data), .. } => {
                let rooms = viewer.map(|viewer| &viewer.rooms);
                let newer = rooms.and_then(|rooms| rooms.iter().find(|room| room.id == data.room.id));
                let name = isolated(&newer.unwrap_or(&data.room).name);
                if data.is_direct { name } else { (texts.room_title)(&name) }
            }
            Self::Room { room: None, .. } | Self::NotFound => texts.not_found_title.to_owned(),
            Self::Unavailable => texts.could_not_load.to_owned(),
        };
        format!("{title} · Idobata")
    }

    /// The place in a room to which the address leads.
    pub fn linked(&self) -> Option<&Linked> {
        match self {
            Self::Room { room: Some(RoomData { thread: Some(thread), .. }), .. } => Some(&thread.linked),
            Self::Room { room: Some(room), .. } => room.linked.as_deref(),
            _ => None,
        }
    }

    /// Returns true if the address names nothing.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Room { room: None, .. } | Self::NotFound)
    }
}
