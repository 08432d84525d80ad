//! The server functions: how pages ask for what they start with. While the server renders they are plain calls,
//! in the browser they are requests. The only file of the app that names the server, and only inside bodies.

#![allow(missing_docs, reason = "#[server] makes a pub struct of the arguments of each")]

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::protocol::{
    chat::{Page, Room},
    feed::{Entry, Snapshot},
    session::User,
};

/// Messages a page starts with, and each page of older ones.
pub const MESSAGES_LIMIT: usize = 50;
/// Notices in each page of older ones.
pub const NOTICES_LIMIT: usize = 20;

/// What stands on every page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visit {
    /// Who looks at it.
    pub me: User,
    /// Every room.
    pub rooms: Vec<Room>,
}

/// What the page of a room starts with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomStart {
    /// The room.
    pub room: Room,
    /// Who looks at it.
    pub me: User,
    /// The newest messages.
    pub page: Page,
    /// Who is there.
    pub members: Vec<User>,
}

/// A page of older notices.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OlderNotices {
    /// Ascending.
    pub entries: Vec<Entry>,
    /// There are more.
    pub more: bool,
}

/// Who is here, and which rooms there are.
#[server(prefix = "/fn", endpoint = "visit")]
pub async fn load_visit() -> Result<Visit, ServerFnError> {
    use crate::server::routes::server_fn;
    let state = server_fn::state()?;
    let rooms = state.chat.rooms().await.map_err(server_fn::fault)?;
    Ok(Visit { me: server_fn::visitor()?, rooms })
}

/// The feed right now.
#[server(prefix = "/fn", endpoint = "feed")]
pub async fn load_feed() -> Result<Snapshot, ServerFnError> {
    use crate::{app::model::feed::NOTICES_SHOWN, server::routes::server_fn};
    let state = server_fn::state()?;
    state.feed.snapshot(NOTICES_SHOWN).await.map_err(server_fn::fault)
}

/// Notices before a cursor.
#[server(prefix = "/fn", endpoint = "notices")]
pub async fn load_older_notices(before: String) -> Result<OlderNotices, ServerFnError> {
    use crate::server::routes::server_fn;
    let state = server_fn::state()?;
    let before = before
        .parse()
        .map_err(|rejection| server_fn::fault(crate::server::error::Error::Rejected(rejection)))?;
    let page = state.feed.notices(Some(before), NOTICES_LIMIT).await.map_err(server_fn::fault)?;
    let entries = page.decode().map_err(|error| server_fn::fault(error.into()))?;
    Ok(OlderNotices { entries, more: page.more })
}

/// A room right now; `None` when there is no such room.
#[server(prefix = "/fn", endpoint = "room")]
pub async fn load_room(room: String) -> Result<Option<RoomStart>, ServerFnError> {
    use crate::server::{hub::PageQuery, routes::server_fn};
    let state = server_fn::state()?;
    let rooms = state.chat.rooms().await.map_err(server_fn::fault)?;
    let Some(room) = rooms.into_iter().find(|known| known.id.as_str() == room) else {
        server_fn::set_not_found();
        return Ok(None);
    };
    let page =
        state.chat.history(&room.id, PageQuery::Newest, MESSAGES_LIMIT).await.map_err(server_fn::fault)?;
    let members = state.chat.members(&room.id);
    Ok(Some(RoomStart { me: server_fn::visitor()?, page, members, room }))
}

/// Messages of a room before a cursor.
#[server(prefix = "/fn", endpoint = "messages")]
pub async fn load_older_messages(room: String, before: String) -> Result<Page, ServerFnError> {
    use crate::server::{hub::PageQuery, routes::server_fn};
    let state = server_fn::state()?;
    let page = async {
        let room = state.chat.room(&room).await?;
        state.chat.history(&room, PageQuery::Before(before.parse()?), MESSAGES_LIMIT).await
    };
    page.await.map_err(server_fn::fault)
}
