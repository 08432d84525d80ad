//! A person's favourite rooms, which stand first in the sidebar: kept in a cookie of the device, as theme and density
//! are. `router` mounts the link; the pages read the cookie.

use std::time::Duration;

use axum::{
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use axum_extra::extract::cookie::CookieJar;
use percent_encoding::percent_decode_str;
use serde::Deserialize;

use super::{
    extract::{cookies, path::PathText, query::Lenient},
    redirect::back_to,
};
use crate::{
    app::routes,
    protocol::{
        name::RoomId,
        problem::{Code, Rejection},
    },
    server::{config::site::Site, state::AppState},
};

/// The cookie: percent-encoded ids, separated by points.
const COOKIE: &str = "idobata_favourites";
/// The most bytes of its value. Browsers keep cookies of at least 4,096 bytes with name and attributes (RFC 6265, 6.1).
const MAX_BYTES: usize = 3_600;
/// A year: a person who chose does not want to choose again.
const LIFETIME: Duration = Duration::from_secs(365 * 24 * 3600);

/// The change of a link.
#[derive(Deserialize)]
pub(super) struct Change {
    /// True adds the room, false removes it.
    #[serde(default)]
    add: bool,
    back: Option<String>,
}

/// Adds a room to the device's favourites or removes it, and returns to the page. The room need not exist: the list shows
/// only rooms that the viewer may enter.
pub(super) async fn change(
    State(state): State<AppState>,
    headers: HeaderMap,
    PathText(room): PathText,
    Lenient(Change { add, back }): Lenient<Change>,
) -> Response {
    let back = back.as_deref().unwrap_or(routes::FEED);
    let Ok(room) = RoomId::parse(&room) else {
        return back_to(back, Some(Rejection::new(Code::UnknownRoom, "There is no such room.").into()));
    };
    let mut favourites = read(&state.site, &headers);
    favourites.retain(|known| *known != room);
    if add {
        favourites.push(room);
    }
    let value = write(&favourites);
    if value.len() > MAX_BYTES {
        let message = "You have as many favourites as a browser keeps. Remove one first.";
        return back_to(back, Some(Rejection::new(Code::TooLarge, message).into()));
    }
    let cookie = cookies::make(&state.site, COOKIE, value, LIFETIME);
    (CookieJar::new().add(cookie), back_to(back, None)).into_response()
}

/// The favourites on the device of a request with these headers, in the order in which they were added.
pub(super) fn read(site: &Site, headers: &HeaderMap) -> Vec<RoomId> {
    let value = cookies::read(site, headers, COOKIE).unwrap_or_default();
    let ids = value.split('.').filter_map(|id| percent_decode_str(id).decode_utf8().ok());
    ids.filter_map(|id| RoomId::parse(&id).ok()).collect()
}

fn write(favourites: &[RoomId]) -> String {
    favourites.iter().map(|id| routes::encode(id.as_str())).collect::<Vec<_>>().join(".")
}
