//! The sentences that stand in the place of the composer where the viewer may not write, in their language. The data of the
//! sidebar have them, so that an open page follows when that changes.

use crate::{
    app::i18n::Language,
    protocol::{chat::Room, name::RoomId},
};

/// The rooms of the list in which the viewer may not write, each with the reason.
pub(super) fn of(rooms: &[Room], language: Language) -> Vec<(RoomId, String)> {
    let archived = match language {
        Language::En => "This room is archived. You can read it, and nobody can write in it.",
        Language::Ja => "このルームはアーカイブされています。読むことはできますが、書き込みはできません。",
    };
    let closed = rooms.iter().filter(|room| room.archived);
    closed.map(|room| (room.id.clone(), archived.to_owned())).collect()
}
