//! The requests of a page in the browser for page data. `sync` and the components call it.

use super::{
    page_data::{InitialData, MESSAGES_LIMIT, OlderNotifications, PageData, RoomData, Viewer},
    routes::{Route, filter_query},
};
use crate::{
    client::dom::{
        fetch::{LoadError, load},
        page::encode,
    },
    protocol::{
        chat::MessagePage,
        cursor::{Cursor, Offset},
        feed::{EventFilter, Snapshot},
        name::RoomId,
        pin::Pins,
    },
};

/// Loads the initial data of the page at `route`.
pub(super) async fn load_initial_data(route: &Route) -> Result<InitialData, LoadError> {
    let (kind, name, place) = match route {
        Route::Feed(channel) => ("channel", channel.as_deref().unwrap_or_default(), None),
        Route::Room(room) => ("room", room.as_str(), None),
        Route::Permalink(room, place) | Route::Thread(room, place) => ("room", room.as_str(), Some(place)),
    };
    let member = if matches!(route, Route::Thread(..)) { "thread" } else { "place" };
    let place = place.map(|place| format!("&{member}={place}")).unwrap_or_default();
    load(&format!("/fn/start?{kind}={}{place}", encode(name))).await
}

/// Loads the data of the sidebar.
pub(super) async fn load_viewer() -> Option<Viewer> {
    load::<InitialData>("/fn/viewer").await.ok()?.viewer
}

/// Loads the feed, or a channel of it, as it is now, as far as a filter shows it.
pub(super) async fn load_feed(channel: Option<String>, filter: Option<EventFilter>) -> Option<Snapshot> {
    let (channel, filter) =
        (channel.unwrap_or_default(), filter.as_ref().map(filter_query).unwrap_or_default());
    match load::<InitialData>(&format!("/fn/start?channel={channel}{filter}")).await.ok()?.page {
        PageData::Feed { feed, .. } => Some(feed),
        PageData::Room { .. } | PageData::NotFound | PageData::Unavailable => None,
    }
}

/// Loads a room as it is now.
pub(super) async fn load_room(room: &RoomId) -> Option<RoomData> {
    match load_initial_data(&Route::Room(room.to_string())).await.ok()?.page {
        PageData::Room { room, .. } => room,
        PageData::Feed { .. } | PageData::NotFound | PageData::Unavailable => None,
    }
}

/// Loads older notifications from the address that the feed's model made.
pub(super) async fn load_older_notifications(address: &str) -> Option<OlderNotifications> {
    load(address).await.ok()
}

/// Loads messages of a room after a cursor, as their changes have left them, with some before it: a page after a cursor
/// has messages as they were posted, and the changes.
pub(super) async fn load_later_messages(room: &RoomId, after: &Cursor) -> Option<MessagePage> {
    load_messages(room, "answers=false&around", &Cursor { offset: after.offset + 1, ..after.clone() }).await
}

/// Loads the messages of a room, or of a thread of it, before a cursor.
pub(super) async fn load_older_messages(
    room: &RoomId,
    thread: Option<Offset>,
    before: &Cursor,
) -> Option<MessagePage> {
    match thread {
        Some(root) => load_messages(room, &format!("thread={root}&before"), before).await,
        None => load_messages(room, "answers=false&before", before).await,
    }
}

/// Loads the newest messages of a thread of a room.
pub(super) async fn load_thread(room: &RoomId, root: Offset) -> Option<MessagePage> {
    let room = encode(room.as_str());
    load(&format!("/api/rooms/{room}/messages?thread={root}&limit={MESSAGES_LIMIT}")).await.ok()
}

/// Loads one message of a room, if it is still there.
pub(super) async fn load_message(room: &RoomId, offset: Offset) -> Option<MessagePage> {
    let room = encode(room.as_str());
    load(&format!("/api/rooms/{room}/messages?around={offset}&limit=1")).await.ok()
}

/// Loads the pinned messages of a room.
pub(super) async fn load_pins(room: &RoomId) -> Option<Pins> {
    load(&format!("/api/rooms/{}/pins", encode(room.as_str()))).await.ok()
}

async fn load_messages(room: &RoomId, side: &str, cursor: &Cursor) -> Option<MessagePage> {
    let room = encode(room.as_str());
    load(&format!("/api/rooms/{room}/messages?{side}={cursor}&limit={MESSAGES_LIMIT}")).await.ok()
}
