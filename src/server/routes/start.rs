//! What a page starts with, see `app/start.rs`: for the pages that are rendered here, and for those that a browser
//! goes to without loading the document anew.

use axum::{
    Json, Router,
    extract::{Query, State},
    routing::get,
};
use serde::Deserialize;

use super::visitor::Visitor;
use crate::{
    app::{
        model::feed::NOTICES_SHOWN,
        start::{MESSAGES_LIMIT, NOTICES_LIMIT, OlderNotices, PageStart, RoomStart, Start, Visit},
    },
    protocol::{chat::Room, cursor::Cursor, problem::Code, session::User},
    server::{error::Error, hub::PageQuery, state::AppState},
};

/// What pages ask for.
pub(super) fn router() -> Router<AppState> {
    Router::new().route("/fn/start", get(start)).route("/fn/notices", get(notices))
}

/// The address of a page.
pub(super) enum Place {
    Feed,
    Room(String),
    Nowhere,
}

/// Loads what the page at `place` starts with, for `me`. What cannot be had is left out and the page says so.
pub(super) async fn load(
    state: &AppState,
    me: User,
    place: Place,
    path: String,
    problem: Option<Code>,
) -> Start {
    let rooms = told(state.chat.rooms().await);
    let feed = async || told(state.feed.snapshot(NOTICES_SHOWN).await);
    let page = match (place, &rooms) {
        (Place::Nowhere, _) => PageStart::NotFound,
        (Place::Feed, _) => feed().await.map_or(PageStart::Unavailable, |feed| PageStart::Feed { feed }),
        (Place::Room(_), None) => PageStart::Unavailable,
        (Place::Room(id), Some(rooms)) => {
            let room = rooms.iter().find(|room| room.id.as_str() == id).cloned();
            match told(load_room(state, me.clone(), room).await) {
                Some(room) => PageStart::Room { room, feed: feed().await },
                None => PageStart::Unavailable,
            }
        }
    };
    Start { path, problem, visit: rooms.map(|rooms| Visit { me, rooms }), page }
}

/// A fault is told to the log here; the page says only that there is one.
fn told<T>(result: Result<T, Error>) -> Option<T> {
    result.map_err(Error::into_rejection).ok()
}

async fn load_room(state: &AppState, me: User, room: Option<Room>) -> Result<Option<RoomStart>, Error> {
    let Some(room) = room else { return Ok(None) };
    let page = state.chat.history(&room.id, PageQuery::Newest, MESSAGES_LIMIT).await?;
    let members = state.chat.members(&room.id);
    Ok(Some(RoomStart { me, page, members, room }))
}

#[derive(Deserialize)]
struct StartQuery {
    room: Option<String>,
}

async fn start(
    State(state): State<AppState>,
    Visitor(me): Visitor,
    Query(StartQuery { room }): Query<StartQuery>,
) -> Json<Start> {
    let place = room.map_or(Place::Feed, Place::Room);
    Json(load(&state, me, place, String::new(), None).await)
}

#[derive(Deserialize)]
struct NoticesQuery {
    before: String,
}

/// Notices before a cursor.
async fn notices(
    State(state): State<AppState>,
    Query(NoticesQuery { before }): Query<NoticesQuery>,
) -> Result<Json<OlderNotices>, Error> {
    let before = before.parse::<Cursor>()?;
    let page = state.feed.notices(Some(before), NOTICES_LIMIT).await?;
    let entries = page.decode().map_err(Error::from)?;
    Ok(Json(OlderNotices { entries, more: page.more }))
}
