//! Tests of presence: on one node, on nodes that reach each other, and on nodes that do not.

mod alone;
mod connected;
mod nodes;
mod properties;
mod world;

use crate::protocol::{name::RoomId, session::User};

fn user(id: &str, name: &str) -> User {
    User { id: id.into(), name: name.into() }
}

fn room() -> RoomId {
    RoomId::parse("general").expect("fine")
}
