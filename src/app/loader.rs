//! What a page in the browser asks the server for.

use super::{
    page_data::{MESSAGES_LIMIT, OlderNotices, PageStart, RoomStart, Start},
    routes::Route,
};
use crate::{
    client::dom::{fetch::load, page::encode},
    protocol::{chat::Page, cursor::Cursor, feed::Snapshot, name::RoomId},
};

/// What a page starts with.
pub(super) async fn load_start(route: &Route) -> Option<Start> {
    let room = match route {
        Route::Feed => String::new(),
        Route::Room(room) => format!("?room={}", encode(room)),
    };
    load(&format!("/fn/start{room}")).await
}

/// The feed right now.
pub(super) async fn load_feed() -> Option<Snapshot> {
    match load_start(&Route::Feed).await?.page {
        PageStart::Feed { feed } => Some(feed),
        PageStart::Room { .. } | PageStart::NotFound | PageStart::Unavailable => None,
    }
}

/// A room right now.
pub(super) async fn load_room(room: &RoomId) -> Option<RoomStart> {
    match load_start(&Route::Room(room.to_string())).await?.page {
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
