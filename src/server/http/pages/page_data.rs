//! Loads the initial data of a page (see `app/page_data.rs`): for the pages that the server renders, and for those that
//! a browser navigates to without loading the document anew.

use axum::{Json, Router, extract::State, http::HeaderMap, routing::get};
use serde::Deserialize;

use super::{
    channel_about, closed,
    filter::{self, FilterQuery},
    linked::{self, Reader},
    older,
};
use crate::{
    app::{
        model::feed::NOTIFICATIONS_SHOWN,
        page_data::{
            InitialData, MESSAGES_LIMIT, NOTIFICATIONS_LIMIT, OlderNotifications, PageData, RoomData, Viewer,
        },
        routes::{Permalink, Route},
    },
    protocol::{
        chat::Room,
        cursor::Cursor,
        feed::Entry,
        name::{is_of_node, parse_channel},
        pin::Pin,
        problem::Code,
        session::User,
    },
    server::{
        auth::Identity,
        chat::direct_room_of,
        error::Error,
        http::{
            channel_choices::ChannelChoices,
            extract::{administrator::Administrator, query::Lenient, user::MaybeUser},
            favourites,
        },
        log::hub::PageQuery,
        state::AppState,
    },
};

/// The routes of the data that hydrated pages request.
pub(crate) fn router() -> Router<AppState> {
    Router::new()
        .route("/fn/start", get(start))
        .route("/fn/viewer", get(viewer))
        .route("/fn/notices", get(notices))
        .route("/fn/channel", get(channel_about::get))
}

/// Loads the initial data of the page at `route` for the user `who`. `None` as route: there is no page at this address.
/// Data that cannot be loaded is left out, and the page says so.
pub(crate) async fn load(
    state: &AppState,
    headers: &HeaderMap,
    who: Option<&Identity>,
    is_admin: bool,
    route: Option<Route>,
    path: String,
    problem: Option<Code>,
) -> InitialData {
    let rooms = logged(rooms_of(state, who).await);
    let choices = ChannelChoices::read(&state.site, headers);
    let feed = async |channel: Option<&str>| {
        logged(state.feed.snapshot(who, choices.channels(channel), NOTIFICATIONS_SHOWN).await)
    };
    let page = match (route, &rooms) {
        (None, _) => PageData::NotFound,
        // Every well-formed name has a page. One that the viewer may not read is as empty as one that nobody has used.
        (Some(Route::Feed(Some(channel))), _) if parse_channel(&channel).is_err() => PageData::NotFound,
        (Some(Route::Feed(channel)), _) => match feed(channel.as_deref()).await {
            Some(feed) => PageData::Feed { channel, feed },
            None => PageData::Unavailable,
        },
        (Some(Route::Room(_) | Route::Permalink(..) | Route::Thread(..)), None) => PageData::Unavailable,
        (Some(route @ (Route::Room(_) | Route::Permalink(..) | Route::Thread(..))), Some(rooms)) => {
            let is_thread = matches!(route, Route::Thread(..));
            let (id, place) = match route {
                Route::Permalink(id, place) | Route::Thread(id, place) => (id, Some(place)),
                Route::Room(id) => (id, None),
                Route::Feed(_) => unreachable!("it is a room's"),
            };
            let id = state.chat.id_of(&id).ok();
            let room = rooms.iter().find(|room| Some(&room.id) == id.as_ref()).cloned();
            let place = place.map(|place| (place, Reader::of(&state.site, headers)));
            match logged(load_room(state, who, user_of(who), room, place, is_thread).await) {
                Some(room) => PageData::Room { room, feed: feed(None).await },
                None => PageData::Unavailable,
            }
        }
    };
    let viewer = match rooms {
        Some(rooms) => logged(viewer_of(state, headers, who, is_admin, rooms).await),
        None => None,
    };
    InitialData { path, problem, retry_after_ms: None, viewer, page, origin: String::new() }
}

/// Returns the rooms of the sidebar: those that the user may enter, and their direct messages under the names of the others.
pub(crate) async fn rooms_of(state: &AppState, who: Option<&Identity>) -> Result<Vec<Room>, Error> {
    let mut rooms = state.chat.rooms(who).await?;
    if let Some(who) = who {
        rooms.extend(state.chat.direct(who).await?.iter().map(direct_room_of));
    }
    Ok(rooms)
}

/// Returns the data of the sidebar, which every page and account page has: the user, their channels and their rooms.
pub(crate) async fn viewer_of(
    state: &AppState,
    headers: &HeaderMap,
    who: Option<&Identity>,
    is_admin: bool,
    rooms: Vec<Room>,
) -> Result<Viewer, Error> {
    let signs_in_here = state.auth.accounts().is_some();
    let accounts = signs_in_here || state.auth.issuer().is_some();
    let ids = || rooms.iter().map(|room| room.id.clone());
    let private_rooms = ids().filter(|id| state.rights.is_private(id)).collect();
    let direct_rooms = ids().filter(|id| state.rights.is_direct(id)).collect();
    let favourites = favourites::read(&state.site, headers);
    let mut channels = state.feed.channels(who).await?;
    // Those of the server itself last: what people publish is what they look for.
    channels.sort_by_key(|channel| is_of_node(channel));
    ChannelChoices::read(&state.site, headers).sort(&mut channels, |channel| channel);
    let me = user_of(who);
    let unread = match who {
        Some(who) => state.chat.marked_rooms(who).await?,
        None => Vec::new(),
    };
    let closed = closed::of(&state.rights, &rooms, who, Reader::of(&state.site, headers));
    Ok(Viewer {
        me,
        accounts,
        signs_in_here,
        is_admin,
        channels,
        rooms,
        private_rooms,
        direct_rooms,
        unread,
        favourites,
        closed,
    })
}

/// Returns the user as pages show them. An anonymous visitor has no name and no id, and can only read.
fn user_of(who: Option<&Identity>) -> User {
    who.map_or_else(|| User { id: String::new(), name: String::new() }, |identity| identity.user.clone())
}

/// Logs an error and drops it: the page says only that there is one.
fn logged<T>(result: Result<T, Error>) -> Option<T> {
    result.map_err(Error::into_rejection).ok()
}

async fn load_room(
    state: &AppState,
    who: Option<&Identity>,
    me: User,
    room: Option<Room>,
    place: Option<(Permalink, Reader)>,
    is_thread: bool,
) -> Result<Option<RoomData>, Error> {
    let Some(room) = room else { return Ok(None) };
    let page = state.chat.history(&room.id, who, PageQuery::Newest, MESSAGES_LIMIT).await?;
    let pins = state.chat.pins(&room.id, who).await?.pins.iter().map(Pin::of).collect();
    let (members, away) = (state.chat.members(&room.id), state.chat.away_in(&room.id));
    let is_private = state.rights.is_private(&room.id);
    let is_direct = state.rights.is_direct(&room.id);
    let is_moderator = who.is_some_and(|who| state.chat.is_moderator(&room.id, who));
    let thread = match &place {
        Some((place, reader)) => {
            linked::thread(state, who, &room.id, &page, place, *reader, is_thread).await?.map(Box::new)
        }
        None => None,
    };
    let linked = match place.filter(|_| thread.is_none() && !is_thread) {
        Some((place, reader)) => {
            Some(Box::new(linked::load(state, who, &room.id, &page, &place, reader).await?))
        }
        None => None,
    };
    Ok(Some(RoomData {
        me,
        page,
        members,
        away,
        is_private,
        is_direct,
        is_moderator,
        pins,
        linked,
        thread,
        room,
    }))
}

#[derive(Deserialize)]
struct StartQuery {
    /// The room's id; `None`: the feed.
    room: Option<String>,
    /// The last segment of the address of a place in the room.
    place: Option<String>,
    /// The last segment of the address of a thread of the room.
    thread: Option<String>,
    /// The channel of the feed; `None`: all of it.
    channel: Option<String>,
    /// The filter of the page of the feed.
    #[serde(flatten)]
    filter: FilterQuery,
}

async fn start(
    State(state): State<AppState>,
    MaybeUser(caller): MaybeUser,
    administrator: Result<Administrator, Error>,
    headers: HeaderMap,
    Lenient(StartQuery { room, place, thread, channel, filter }): Lenient<StartQuery>,
) -> Result<Json<InitialData>, Error> {
    state.rights.check_reader(caller.as_ref())?;
    let route = match (room, thread.as_ref().or(place.as_ref())) {
        (None, _) => Some(Route::Feed(channel)),
        (Some(room), None) => Some(Route::Room(room)),
        (Some(room), Some(message)) if thread.is_some() => Permalink::parse(message)
            .filter(Permalink::is_message)
            .map(|message| Route::Thread(room, message)),
        (Some(room), Some(place)) => Permalink::parse(place).map(|place| Route::Permalink(room, place)),
    };
    let is_admin = administrator.is_ok();
    note_sign(&state, caller.as_ref());
    let mut start = load(&state, &headers, caller.as_ref(), is_admin, route, String::new(), None).await;
    let choices = ChannelChoices::read(&state.site, &headers);
    filter::apply(&state, caller.as_ref(), &mut start.page, filter, &choices).await?;
    Ok(Json(start))
}

/// Notes that the user opens a page: they are not away.
pub(crate) fn note_sign(state: &AppState, who: Option<&Identity>) {
    if let Some(who) = who {
        state.chat.note_sign(&who.user);
    }
}

/// Returns the data of the sidebar, as those of no page: the browser reads them with the code that it has.
async fn viewer(
    State(state): State<AppState>,
    MaybeUser(caller): MaybeUser,
    administrator: Result<Administrator, Error>,
    headers: HeaderMap,
) -> Result<Json<InitialData>, Error> {
    state.rights.check_reader(caller.as_ref())?;
    let is_admin = administrator.is_ok();
    Ok(Json(load(&state, &headers, caller.as_ref(), is_admin, None, String::new(), None).await))
}

#[derive(Deserialize)]
struct NoticesQuery {
    before: String,
    channel: Option<String>,
    /// The filter of the page.
    #[serde(flatten)]
    filter: FilterQuery,
}

/// Returns the notifications of the feed or of one channel before a cursor.
async fn notices(
    State(state): State<AppState>,
    MaybeUser(caller): MaybeUser,
    headers: HeaderMap,
    Lenient(NoticesQuery { before, channel, filter }): Lenient<NoticesQuery>,
) -> Result<Json<OlderNotifications>, Error> {
    state.rights.check_reader(caller.as_ref())?;
    let before = before.parse::<Cursor>()?;
    let channels = ChannelChoices::read(&state.site, &headers).channels(channel.as_deref());
    let (who, limit) = (caller.as_ref(), NOTIFICATIONS_LIMIT);
    let (entries, from, more) = match filter.filter() {
        Some(filter) => {
            let shown = state.feed.shown_before(who, channels.clone(), &filter, before.clone(), limit);
            let (entries, from, more) = shown.await?;
            (entries, Some(from), more)
        }
        None => {
            let page = state.feed.notices(who, channels.clone(), Some(before.clone()), limit).await?;
            let entries: Vec<Entry> = page.decode().map_err(Error::from)?;
            let from = entries.first().map(|oldest| oldest.offset);
            (older::unreplaced(&state, who, &channels, &before, entries).await?, from, page.more)
        }
    };
    Ok(Json(OlderNotifications { entries, more, from }))
}
