//! The room of a page about a room: its members, settings and webhooks. Whoever may not see the page gets the one for unknown
//! addresses, which does not reveal that the room exists; an address in another form redirects to the page's own.

use axum::response::Response;

use super::{answer::SignedIn, not_found};
use crate::{
    protocol::{chat::Room, name::RoomId},
    server::{
        error::Error,
        http::pages::{self, PageRequest},
    },
};

/// The reason why there is no room to show.
pub(super) enum Elsewhere {
    /// There is no such page for the user.
    Nowhere,
    /// The page's own address.
    At(String),
}

impl Elsewhere {
    /// The answer instead of the page.
    pub(super) async fn answer(self, asked: PageRequest) -> Response {
        match self {
            Self::Nowhere => not_found(asked).await,
            Self::At(address) => pages::moved(&asked, &address),
        }
    }
}

/// The room that `room` names in the address of a page that the user `may_see`; `address` is that of the page for a room.
pub(super) async fn room_of_page(
    SignedIn { asked, identity }: &SignedIn,
    room: &str,
    may_see: impl Fn(&RoomId) -> bool,
    address: fn(&RoomId) -> String,
) -> Result<Result<Room, Elsewhere>, Error> {
    let rooms = asked.state.chat.rooms(Some(identity)).await?;
    let id = asked.state.chat.id_of(room).ok();
    let found = rooms.into_iter().find(|known| Some(&known.id) == id.as_ref());
    Ok(match found.filter(|known| may_see(&known.id)) {
        None => Err(Elsewhere::Nowhere),
        Some(known) if known.id.as_str() != room => Err(Elsewhere::At(address(&known.id))),
        Some(known) => Ok(known),
    })
}
