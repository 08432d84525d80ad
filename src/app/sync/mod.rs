//! Connects models to connections and to the browser's storage and history: each starts in an effect after the page is
//! mounted, and ends with the effect's clean-up on unmount. Pages and components call it.
//!
//! Frames and events are applied to the model where they arrive. They never pass through a signal, because a signal
//! keeps only its last value.

mod batch;
mod chat;
mod feed;
mod navigator;
mod outbox;
mod prefetch;
mod read_marker;
mod rooms;
mod scroll_position;
mod unread;

use leptos::prelude::*;

pub(super) use self::{
    chat::ChatLink,
    feed::{SavedFeeds, follow_feed},
    navigator::{Navigator, follow_links},
    outbox::{Outbox, store_answered, store_drafts, store_text},
    read_marker::{ReadMarker, mark_unread_from},
    rooms::follow_rooms,
    scroll_position::{store_feed_position, store_scroll_position},
    unread::show_unread,
};
use super::model::{connection::ConnectionState, room::RoomModel};
use crate::{client::connection::ConnectionEvent, protocol::transport::Transport};

/// The storage key of this user's item `kind` in this room or thread. Reads the model untracked.
fn storage_key(kind: &str, model: RwSignal<RoomModel>) -> String {
    model.with_untracked(|model| {
        let thread = model.thread().map(|root| format!("/{root}")).unwrap_or_default();
        format!("idobata.{kind}.{}.{}{thread}", model.my_id(), model.room.id)
    })
}

/// The state of a connection, for its badge.
#[derive(Clone, Copy)]
pub(super) struct Status {
    /// `Open` means an open transport; the model knows whether the page has caught up.
    pub(super) state: RwSignal<ConnectionState>,
    /// The transport in use.
    pub(super) transport: RwSignal<Option<Transport>>,
}

impl Status {
    fn new() -> Self {
        Self { state: RwSignal::new(ConnectionState::Connecting), transport: RwSignal::new(None) }
    }

    fn open(self, transport: Transport) {
        self.state.try_set(ConnectionState::Open);
        self.transport.try_set(Some(transport));
    }

    fn lose(self, event: &ConnectionEvent) {
        let is_signed_out = *event == ConnectionEvent::SignedOut;
        self.state.try_set(if is_signed_out { ConnectionState::SignedOut } else { ConnectionState::Closed });
    }
}
