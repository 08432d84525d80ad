//! A reader's place in a topic, seen from both sides: its subscription reads through it, and the delivery writes
//! past the subscription while the reader stands at the head.

use std::sync::{Arc, Mutex, MutexGuard};

use super::{Bell, Offset, lock};
use crate::server::outlet::Outlet;

/// See the module. Its lock may be held while the topic's is taken, never the other way round.
pub(in crate::server) struct Reader {
    number: u64,
    bell: Arc<Bell>,
    channels: Option<Vec<String>>,
    position: Mutex<Position>,
}

/// What the reader has seen, and who reads for it.
pub(in crate::server) struct Position {
    /// The last entry it was given.
    pub(in crate::server) offset: Offset,
    /// The last whisper it was given.
    pub(in crate::server) whispered: u64,
    /// Where the delivery writes for it. `None`: its connection reads by itself, when the bell rings.
    pub(in crate::server) outlet: Option<Arc<Outlet>>,
}

impl Reader {
    pub(super) fn new(number: u64, bell: Arc<Bell>, channels: Option<Vec<String>>, whispered: u64) -> Self {
        let position = Position { offset: 0, whispered, outlet: None };
        Self { number, bell, channels, position: Mutex::new(position) }
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn bell(&self) -> &Bell {
        &self.bell
    }

    /// The channels it wants; `None` means all.
    pub(super) fn channels(&self) -> Option<&[String]> {
        self.channels.as_deref()
    }

    /// What the reader has seen. While this is held nothing is delivered to it.
    pub(in crate::server) fn position(&self) -> MutexGuard<'_, Position> {
        lock(&self.position)
    }
}
