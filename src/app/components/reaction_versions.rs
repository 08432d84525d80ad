//! The versions of the reactions under the messages of a list, by which a row knows that it has to read them again. The
//! message actions hold them, and the reactions of each message follow theirs. A change of the room must wake no row but that
//! of its message: a list may have a thousand.

use leptos::prelude::*;

use crate::{
    app::{model::room::RoomModel, reactive::effect},
    protocol::cursor::Offset,
};

/// The versions of the reactions of the messages that are drawn, each in a signal of its own.
#[derive(Clone, Copy)]
pub(super) struct ReactionVersions {
    model: RwSignal<RoomModel>,
    rows: StoredValue<Vec<(Offset, RwSignal<Option<u64>>)>>,
}

impl ReactionVersions {
    /// Follows the model.
    pub(super) fn new(model: RwSignal<RoomModel>) -> Self {
        let versions = Self { model, rows: StoredValue::new(Vec::new()) };
        effect(move || {
            model.track();
            let rows = versions.rows.get_value();
            rows.into_iter().for_each(|(offset, version)| versions.update(offset, version));
        });
        versions
    }

    /// The version of a message's reactions, for as long as its row is drawn. It changes when they have to be read again.
    pub(super) fn of(self, offset: Offset) -> RwSignal<Option<u64>> {
        let version = RwSignal::new(self.read(offset));
        self.rows.update_value(|rows| rows.push((offset, version)));
        on_cleanup(move || {
            self.rows.try_update_value(|rows| rows.retain(|(_, other)| *other != version));
        });
        version
    }

    fn read(self, offset: Offset) -> Option<u64> {
        self.model.with_untracked(|model| model.reactions_version(offset))
    }

    fn update(self, offset: Offset, version: RwSignal<Option<u64>>) {
        let new = self.read(offset);
        if version.try_get_untracked().is_some_and(|version| version != new) {
            version.set(new);
        }
    }
}
