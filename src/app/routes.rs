//! The addresses of the pages: the one table that builds and parses them, for the server's router, its redirects and
//! links, and for the browser. Programs have `/api`, see `protocol`.
//!
//! The constants are patterns as axum has them. A name in an address is percent-encoded as browsers have it
//! (RFC 3986, 2.1).

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::protocol::name::RoomId;

/// The feed.
pub const FEED: &str = "/";
/// A room.
pub const ROOM: &str = "/rooms/{room}";
/// Who may enter a private room.
pub const MEMBERS: &str = "/rooms/{room}/members";
/// Where people sign in.
pub const SIGN_IN: &str = "/sign-in";
/// What somebody sees and changes of their own account.
pub const ACCOUNT: &str = "/account";
/// Everybody with an account.
pub const PEOPLE: &str = "/people";
/// Asks whether somebody's account is to be removed.
pub const REMOVAL: &str = "/people/{account}/remove";
/// Who may publish, and where.
pub const PUBLISHERS: &str = "/publishers";
/// The channels that not everybody reads.
pub const CHANNELS: &str = "/channels";
/// Where an invitation leads.
pub const JOIN: &str = "/join/{token}";
/// Where a link for a new password leads.
pub const RESET: &str = "/reset/{token}";

/// The address of a page that is drawn in the browser too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// The feed.
    Feed,
    /// A room, with its id as the address has it: there may be no such room.
    Room(String),
}

impl Route {
    /// Reads an address's path. `None`: it is no such page's, or not UTF-8.
    pub fn parse(path: &str) -> Option<Self> {
        if path == FEED {
            return Some(Self::Feed);
        }
        let room = path.strip_prefix("/rooms/").filter(|room| !room.is_empty() && !room.contains('/'))?;
        let room = percent_decode_str(room).decode_utf8().ok()?;
        Some(Self::Room(room.into_owned()))
    }
}

/// The address of a room.
pub fn room(id: &RoomId) -> String {
    format!("/rooms/{}", encode(id.as_str()))
}

/// The address of a room's members.
pub fn members(id: &RoomId) -> String {
    format!("/rooms/{}/members", encode(id.as_str()))
}

/// Where to sign in, and `back` to the page at this path from there.
pub fn sign_in_from(back: &str) -> String {
    format!("{SIGN_IN}?back={back}")
}

/// The address of the question whether an account is to be removed.
pub fn removal(account: &str) -> String {
    format!("/people/{account}/remove")
}

/// The address that an invitation is sent as.
pub fn join(token: &str) -> String {
    format!("/join/{token}")
}

/// The address that a link for a new password is sent as.
pub fn reset(token: &str) -> String {
    format!("/reset/{token}")
}

/// What a name keeps as it is.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');

fn encode(name: &str) -> String {
    utf8_percent_encode(name, KEPT).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_was_built_is_read_as_what_it_was_built_from() {
        assert_eq!(Route::parse(FEED), Some(Route::Feed));
        for (name, path) in [("general", "/rooms/general"), ("井-a_1", "/rooms/%E4%BA%95-a_1")] {
            let id = RoomId::parse(name).expect("fine");
            assert_eq!(room(&id), path);
            assert_eq!(members(&id), format!("{path}/members"));
            assert_eq!(Route::parse(path), Some(Route::Room(name.to_owned())));
        }
    }

    #[test]
    fn an_address_is_read_as_it_stands_whatever_it_names() {
        for (path, name) in [("/rooms/a%2Fb%20c%3f", "a/b c?"), ("/rooms/井", "井"), ("/rooms/100%", "100%")]
        {
            assert_eq!(Route::parse(path), Some(Route::Room(name.to_owned())), "{path}");
        }
    }

    #[test]
    fn other_paths_are_no_page_of_the_browsers() {
        for path in ["", "/rooms", "/rooms/", "/rooms/a/", "/rooms/a/members", "/rooms/%E4", "/account", "//"]
        {
            assert_eq!(Route::parse(path), None, "{path}");
        }
    }
}
