//! What a page in the browser asks the server for.

use super::{
    page_data::{InitialData, MESSAGES_LIMIT, OlderNotices, PageData, RoomData},
    routes::Route,
};
use crate::{
    client::dom::{fetch::load, page::encode},
    protocol::{chat::Page, cursor::Cursor, feed::Snapshot, name::RoomId},
};

/// What a page starts with.
pub(super) async fn load_start(route: &Route) -> Option<InitialData> {
    let room = match route {
        Route::Feed => String::new(),
        Route::Room(room) => format!("?room={}", encode(room)),
    };
    load(&format!("/fn/start{room}")).await
}

/// The feed right now.
pub(super) async fn load_feed() -> Option<Snapshot> {
    match load_start(&Route::Feed).await?.page {
        PageData::Feed { feed } => Some(feed),
        PageData::Room { .. } | PageData::NotFound | PageData::Unavailable => None,
    }
}

/// A room right now.
pub(super) async fn load_room(room: &RoomId) -> Option<RoomData> {
    match load_start(&Route::Room(room.to_string())).await?.page {
        PageData::Room { room, .. } => room,
        PageData::Feed { .. } | PageData::NotFound | PageData::Unavailable => None,
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
