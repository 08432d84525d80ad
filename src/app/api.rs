//! What a page in the browser asks the server for.

use super::start::{MESSAGES_LIMIT, OlderNotices, PageStart, RoomStart, Start};
use crate::{
    browser::{page::encode, request::load},
    protocol::{chat::Page, cursor::Cursor, feed::Snapshot, name::RoomId},
};

/// What the page of a room starts with, or that of the feed.
pub(super) async fn load_start(room: Option<&str>) -> Option<Start> {
    let room = room.map(|room| format!("?room={}", encode(room))).unwrap_or_default();
    load(&format!("/fn/start{room}")).await
}

/// The feed right now.
pub(super) async fn load_feed() -> Option<Snapshot> {
    match load_start(None).await?.page {
        PageStart::Feed { feed } => Some(feed),
        PageStart::Room { .. } | PageStart::NotFound | PageStart::Unavailable => None,
    }
}

/// A room right now.
pub(super) async fn load_room(room: &RoomId) -> Option<RoomStart> {
    match load_start(Some(room.as_str())).await?.page {
        PageStart::Room { room, .. } => room,
        PageStart::Feed { .. } | PageStart::NotFound | PageStart::Unavailable => None,
    }
}

/// Notices before a cursor.
pub(super) async fn load_older_notices(before: &Cursor) -> Option<OlderNotices> {
    load(&format!("/fn/notices?before={before}")).await
}

/// Messages of a room before a cursor.
pub(super) async fn load_older_messages(room: &RoomId, before: &Cursor) -> Option<Page> {
    let room = encode(room.as_str());
    load(&format!("/api/rooms/{room}/messages?before={before}&limit={MESSAGES_LIMIT}")).await
}
