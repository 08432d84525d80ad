//! What a page starts with: loaded by the server before it draws the page, written into the document for the browser,
//! and asked for by the browser when it goes to another page.

use serde::{Deserialize, Serialize};

use super::i18n::Texts;
use crate::protocol::{
    chat::{Page, Room},
    feed::{Entry, Snapshot},
    problem::Code,
    session::User,
};

/// Messages a page starts with, and each page of older ones.
pub const MESSAGES_LIMIT: usize = 50;
/// Notices in each page of older ones.
pub const NOTICES_LIMIT: usize = 20;

/// See the module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InitialData {
    /// The path of the page's address.
    pub path: String,
    /// What came of a form without JavaScript.
    pub problem: Option<Code>,
    /// What stands on every page, if it could be had.
    pub visit: Option<Viewer>,
    /// The page.
    pub page: PageData,
}

/// Who is here, and which rooms there are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Viewer {
    /// Who looks at it. Nobody has no id and no name, and can only read.
    pub me: User,
    /// People have accounts, here or at a system that signs them in.
    pub accounts: bool,
    /// The accounts are here. (Not told by the version before: a page outlives an update of its server.)
    #[serde(default)]
    pub signs_in_here: bool,
    /// May see the publishers, the channels' readers and, where the accounts are here, the people.
    pub is_admin: bool,
    /// Every room that they may enter.
    pub rooms: Vec<Room>,
}

/// One page, with what it shows. Tagged from outside: what stands in an enum that is tagged from inside is read by code of
/// its own, which the browser would load for all of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PageData {
    /// The feed.
    Feed {
        /// As it is now.
        feed: Snapshot,
    },
    /// A room, with the feed beside it if that could be had.
    Room {
        /// The room; `None`: there is no such room.
        room: Option<RoomData>,
        /// As it is now.
        feed: Option<Snapshot>,
    },
    /// The address is none.
    NotFound,
    /// It could not be had.
    Unavailable,
}

/// What the page of a room starts with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomData {
    /// The room.
    pub room: Room,
    /// Who looks at it.
    pub me: User,
    /// The newest messages.
    pub page: Page,
    /// Who is there.
    pub members: Vec<User>,
    /// Only its members may enter it.
    pub is_private: bool,
}

/// A page of older notices.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OlderNotices {
    /// Ascending.
    pub entries: Vec<Entry>,
    /// There are more.
    pub more: bool,
}

impl PageData {
    /// The document's title.
    pub fn title(&self, texts: &Texts) -> String {
        let title = match self {
            Self::Feed { .. } => texts.feed.to_owned(),
            Self::Room { room: Some(start), .. } => (texts.room_title)(&start.room.name),
            Self::Room { room: None, .. } | Self::NotFound => texts.not_found_title.to_owned(),
            Self::Unavailable => return "Idobata".to_owned(),
        };
        format!("{title} · Idobata")
    }

    /// Whether there is nothing at the address.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Room { room: None, .. } | Self::NotFound)
    }
}
