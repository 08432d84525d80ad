//! The addresses of the pages: the one table that builds and parses them, for the server's router, its redirects and
//! links, and for the browser. Addresses of the API stand in `protocol`.
//!
//! The constants are axum's patterns. A name in an address is percent-encoded in the form that browsers use
//! (RFC 3986, 2.1).

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

pub use self::permalink::{CivilDay, Permalink};
use crate::protocol::{cursor::Offset, feed::EventFilter, name::RoomId};

mod permalink;

/// The feed.
pub const FEED: &str = "/";
/// The start page of the installed app: the feed, and without a network the page that was seen last
/// (`public/service-worker.js`).
pub const START: &str = "/?start";
/// The board: the newest state of every key, for a screen on a wall.
pub const BOARD: &str = "/status";
/// Every channel of the feed.
pub const FEED_CHANNELS: &str = "/feed";
/// A channel of the feed.
pub const CHANNEL: &str = "/feed/{channel}";
/// An event of the feed with the talk about it: see [`event`].
pub const EVENT: &str = "/feed/{channel}/{event}";
/// A room.
pub const ROOM: &str = "/rooms/{room}";
/// The route of the form of [`level`].
pub const LEVEL: &str = "/rooms/{room}/level";
/// A message of a room with all that can be done with it: its forms for those who have no script, and its earlier texts.
pub const MESSAGE: &str = "/rooms/{room}/messages/{message}";
/// A message of a room, or a day in it: see [`Permalink`].
pub const PERMALINK: &str = "/rooms/{room}/{permalink}";
/// A thread of a room, by any of its messages: see [`Permalink::Message`].
pub const THREAD: &str = "/rooms/{room}/thread/{permalink}";
/// The members of a private room: those who may enter it.
pub const MEMBERS: &str = "/rooms/{room}/members";
/// The settings of a room, for those who may change it.
pub const ROOM_SETTINGS: &str = "/rooms/{room}/settings";
/// The form that sends files to a room without a script.
pub const ATTACH: &str = "/rooms/{room}/attach";
/// The webhooks of a room, for those who may change it.
pub const ROOM_HOOKS: &str = "/rooms/{room}/hooks";
/// The outgoing webhooks of a room.
pub const ROOM_OUTGOING: &str = "/rooms/{room}/outgoing";
/// The log of what was done in a room.
pub const ROOM_ACTIONS: &str = "/rooms/{room}/actions";
/// The log of what was done in all rooms.
pub const ACTIONS: &str = "/actions";
/// The reported messages.
pub const REPORTS: &str = "/reports";
/// The form to sign in.
pub const SIGN_IN: &str = "/sign-in";
/// The own account of a signed-in user.
pub const ACCOUNT: &str = "/account";
/// The messages that mention the user.
pub const MENTIONS: &str = "/mentions";
/// The search over messages and notifications.
pub const SEARCH: &str = "/search";
/// The notifications of a user: their devices and their settings.
pub const NOTIFICATIONS: &str = "/notifications";
/// The form that takes what another app shares, and posts it to a room.
pub const SHARE: &str = "/share";
/// The list of accounts.
pub const PEOPLE: &str = "/people";
/// The question whether an account is to be removed.
pub const REMOVAL: &str = "/people/{account}/remove";
/// The card of a person.
pub const PERSON: &str = "/people/{account}";
/// The template of a webhook of a room.
pub const HOOK_TEMPLATE: &str = "/rooms/{room}/hooks/{id}/template";
/// The template of a publisher.
pub const PUBLISHER_TEMPLATE: &str = "/publishers/{id}/template";
/// The publishers and their channels.
pub const PUBLISHERS: &str = "/publishers";
/// The outgoing webhooks of channels.
pub const OUTGOING: &str = "/outgoing";
/// The jobs that are expected to ping.
pub const HEARTBEATS: &str = "/heartbeats";
/// The channels with limited readers.
pub const CHANNELS: &str = "/channels";
/// The target of an invitation.
pub const JOIN: &str = "/join/{token}";
/// The target of a link for a new password.
pub const RESET: &str = "/reset/{token}";

/// The address of a page that the browser draws too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// The feed, or a channel of it with its name as written in the address: it may be no name.
    Feed(Option<String>),
    /// A room, with its id as written in the address: the room may not exist.
    Room(String),
    /// A permalink of a room. Neither may exist.
    Permalink(String, Permalink),
    /// The thread of a message in a room. Neither may exist.
    Thread(String, Permalink),
}

impl Route {
    /// Parses the path of an address. `None`: it is not the path of such a page, or not UTF-8.
    pub fn parse(path: &str) -> Option<Self> {
        if path == FEED {
            return Some(Self::Feed(None));
        }
        let (channel, room) = (path.strip_prefix("/feed/"), path.strip_prefix("/rooms/"));
        let name = channel.or(room)?;
        let (name, permalink) = match name.split_once('/') {
            Some((name, permalink)) if room.is_some() => (name, Some(permalink)),
            _ => (name, None),
        };
        let thread = permalink.and_then(|permalink| permalink.strip_prefix("thread/"));
        let permalink = match thread.or(permalink) {
            Some(permalink) => Some(
                Permalink::parse(permalink).filter(|permalink| thread.is_none() || permalink.is_message())?,
            ),
            None => None,
        };
        if name.is_empty() || name.contains('/') {
            return None;
        }
        let name = percent_decode_str(name).decode_utf8().ok()?.into_owned();
        Some(match permalink {
            Some(permalink) if thread.is_some() => Self::Thread(name, permalink),
            Some(permalink) => Self::Permalink(name, permalink),
            None if channel.is_some() => Self::Feed(Some(name)),
            None => Self::Room(name),
        })
    }
}

/// The address of the page of a message.
pub fn message(room: &RoomId, offset: Offset) -> String {
    format!("{}/messages/{offset}", self::room(room))
}

/// The address of a channel, or of the feed. The characters of a channel's name need no encoding.
pub fn feed(channel: Option<&str>) -> String {
    channel.map_or_else(|| FEED.to_owned(), |channel| format!("/feed/{channel}"))
}

/// The address of an event of a channel, by its [`Permalink`].
pub fn event(channel: &str, event: &Permalink) -> String {
    format!("/feed/{channel}/{event}")
}

/// The filter of a page of the feed, as the rest of a query: each parameter with `&` before it.
pub fn filter_query(EventFilter { level, tag, text }: &EventFilter) -> String {
    let level = level.map(|level| format!("&level={}", level.as_str()));
    let tag = tag.as_ref().map(|tag| format!("&tag={}", encode(tag)));
    let text = text.as_ref().map(|text| format!("&q={}", encode(text)));
    [level, tag, text].into_iter().flatten().collect()
}

/// The address of a room.
pub fn room(id: &RoomId) -> String {
    format!("/rooms/{}", encode(id.as_str()))
}

/// The address of a permalink in a room.
pub fn permalink(id: &RoomId, permalink: &Permalink) -> String {
    format!("{}/{permalink}", room(id))
}

/// The address of the thread of the message at a permalink.
pub fn thread(id: &RoomId, message: &Permalink) -> String {
    format!("{}/thread/{message}", room(id))
}

/// The address to which the form of a room's level is sent.
pub fn level(id: &RoomId) -> String {
    format!("{}/level", room(id))
}

/// The address of a room's members.
pub fn members(id: &RoomId) -> String {
    format!("/rooms/{}/members", encode(id.as_str()))
}

/// The address of the form that sends files to a room.
pub fn attach(id: &RoomId) -> String {
    format!("{}/attach", room(id))
}

/// The address of a room's settings.
pub fn room_settings(id: &RoomId) -> String {
    format!("{}/settings", room(id))
}

/// The address of a room's webhooks.
pub fn room_hooks(id: &RoomId) -> String {
    format!("{}/hooks", room(id))
}

/// The address of a room's outgoing webhooks.
pub fn room_outgoing(id: &RoomId) -> String {
    format!("{}/outgoing", room(id))
}

/// The address of the template of a room's webhook.
pub fn hook_template(room: &RoomId, id: &str) -> String {
    format!("{}/{}/template", room_hooks(room), encode(id))
}

/// The address of the template of a publisher.
pub fn publisher_template(id: &str) -> String {
    format!("{PUBLISHERS}/{}/template", encode(id))
}

/// The address of the log of what was done in a room.
pub fn room_actions(id: &RoomId) -> String {
    format!("{}/actions", room(id))
}

/// The address that adds a room to the favourites or removes it, and leads back to the page at the path `back`.
pub fn favourite(id: &RoomId, add: bool, back: &str) -> String {
    format!("/favourites/{}?add={add}&back={back}", encode(id.as_str()))
}

/// The address of the form to sign in, which leads back to the page at the path `back`.
pub fn sign_in_from(back: &str) -> String {
    format!("{SIGN_IN}?back={back}")
}

/// The address of the question whether an account is to be removed.
pub fn removal(account: &str) -> String {
    format!("/people/{account}/remove")
}

/// The address of a person's card.
pub fn person(id: &str) -> String {
    format!("{PEOPLE}/{}", encode(id))
}

/// The address of an invitation.
pub fn join(token: &str) -> String {
    format!("/join/{token}")
}

/// The address of a link for a new password.
pub fn reset(token: &str) -> String {
    format!("/reset/{token}")
}

/// The characters that are percent-encoded in a name.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');

/// Percent-encodes a name for an address or a cookie.
pub fn encode(name: &str) -> String {
    utf8_percent_encode(name, ENCODED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_built_path_parses_to_the_same_route() {
        for channel in [None, Some("ops"), Some("Db-1.b_c")] {
            let route = Route::Feed(channel.map(str::to_owned));
            assert_eq!(Route::parse(&feed(channel)), Some(route), "{channel:?}");
        }
        for (name, path) in [("general", "/rooms/general"), ("井-a_1", "/rooms/%E4%BA%95-a_1")] {
            let id = RoomId::parse(name).expect("fine");
            assert_eq!(room(&id), path);
            assert_eq!(members(&id), format!("{path}/members"));
            assert_eq!(Route::parse(path), Some(Route::Room(name.to_owned())));
            for address in ["1", "1234", "1234-7f3a9c", "2026-11-25"] {
                let there = Permalink::parse(address).expect("a permalink");
                let path = permalink(&id, &there);
                assert!(path.ends_with(&format!("/{address}")), "{path}");
                assert_eq!(Route::parse(&path), Some(Route::Permalink(name.to_owned(), there.clone())));
                let expected = there.is_message().then(|| Route::Thread(name.to_owned(), there.clone()));
                assert_eq!(Route::parse(&thread(&id, &there)), expected);
            }
        }
    }

    #[test]
    fn any_name_in_an_address_is_decoded() {
        for (path, name) in [("/rooms/a%2Fb%20c%3f", "a/b c?"), ("/rooms/井", "井"), ("/rooms/100%", "100%")]
        {
            assert_eq!(Route::parse(path), Some(Route::Room(name.to_owned())), "{path}");
        }
    }

    #[test]
    fn other_paths_are_no_routes() {
        for path in [
            "",
            "/rooms",
            "/rooms/",
            "/rooms/a/",
            "/rooms/a/members",
            "/rooms/a/1/2",
            "/rooms/a/thread",
            "/rooms/a/thread/",
            "/rooms/a/thread/1/2",
            "/feed/a/thread/1",
            "/rooms//1",
            "/feed/a/1",
            "/rooms/%E4",
            "/feed",
            "/feed/",
            "/feed/a/b",
            "/account",
            "//",
        ] {
            assert_eq!(Route::parse(path), None, "{path}");
        }
    }
}
