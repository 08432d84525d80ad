//! Ties a model to a connection: opened in an effect after the page is mounted, ended by its clean-up on unmount.
//!
//! Everything heard is put into the model where it arrives. A signal keeps only its last value, so frames never
//! travel through one.

mod batch;
mod chat;
mod feed;
mod navigator;
mod outbox;
mod read_marker;

use leptos::prelude::*;

pub(super) use self::{
    chat::ChatLink,
    feed::follow_feed,
    navigator::{Navigator, follow_links},
    outbox::{Outbox, keep_text, keep_unsent},
    read_marker::keep_read_marker,
};
use super::model::{connection::ConnectionState, room::RoomModel};
use crate::{client::connection::ConnectionEvent, protocol::transport::Transport};

/// The key in the browser's storage of what `kind` names of the reader in this room. Reads the model untracked.
fn storage_key(kind: &str, model: RwSignal<RoomModel>) -> String {
    model.with_untracked(|model| format!("idobata.{kind}.{}.{}", model.my_id(), model.room.id))
}

/// How a connection is doing, for its badge.
#[derive(Clone, Copy)]
pub(super) struct Status {
    /// Open here means that the transport is; whether everything is there, the model knows.
    pub(super) state: RwSignal<ConnectionState>,
    /// What it is open by.
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

    fn lose(self, how: &ConnectionEvent) {
        let is_signed_out = *how == ConnectionEvent::SignedOut;
        self.state.try_set(if is_signed_out { ConnectionState::SignedOut } else { ConnectionState::Closed });
    }
}
