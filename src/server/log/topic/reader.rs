//! A reader's place in a topic, seen from both sides: its subscription reads through it, and the delivery writes
//! past the subscription while the reader stands at the head.

use std::sync::{Arc, OnceLock};

use parking_lot::{Mutex, MutexGuard};

use super::{Channels, Generation, Offset, Wakeup};
use crate::server::log::frame_writer::FrameWriter;

/// See the module. The lock of its position may be held while the topic's is taken, never the other way round.
pub(crate) struct Reader {
    position: Mutex<Position>,
    frame_writer: OnceLock<Arc<FrameWriter>>,
    /// Who reads: a user's id. Nobody is nobody's to evict by name.
    owner: OnceLock<Arc<str>>,
    number: u64,
    wakeup: Arc<Wakeup>,
    channels: Channels,
}

/// What the reader has seen, and who reads for it.
pub(crate) struct Position {
    /// The last entry it was given.
    pub(crate) offset: Offset,
    /// The numbering that the offset is of. In another one nothing is delivered to it: its connection tells its peer
    /// first.
    pub(crate) generation: Generation,
    /// The last whisper it was given.
    pub(crate) ephemeral_count: u64,
    /// Whether it is at the head, and the delivery writes into its outlet. Otherwise its connection reads by itself,
    /// when the bell rings.
    pub(crate) is_live: bool,
    /// May not read any more: nothing is delivered to it, and it reads nothing.
    pub(crate) is_evicted: bool,
}

impl Reader {
    pub(super) fn new(number: u64, wakeup: Arc<Wakeup>, channels: Channels, ephemeral_count: u64) -> Self {
        let position = Mutex::new(Position {
            offset: 0,
            generation: Generation::default(),
            ephemeral_count,
            is_live: false,
            is_evicted: false,
        });
        Self { position, frame_writer: OnceLock::new(), owner: OnceLock::new(), number, wakeup, channels }
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn wakeup(&self) -> &Wakeup {
        &self.wakeup
    }

    /// The channels it reads.
    pub(super) fn channels(&self) -> &Channels {
        &self.channels
    }

    /// Where to write for it when it stands.
    pub(super) fn frame_writer(&self) -> Option<&FrameWriter> {
        self.frame_writer.get().map(Arc::as_ref)
    }

    /// What the reader has seen. While this is held nothing is delivered to it.
    pub(crate) fn position(&self) -> MutexGuard<'_, Position> {
        self.position.lock()
    }

    /// From now on the delivery writes for it, into the outlet of its connection: always the same one.
    pub(crate) fn attach_live(&self, frame_writer: &Arc<FrameWriter>) {
        self.frame_writer.get_or_init(|| frame_writer.clone());
        let mut position = self.position();
        position.is_live = !position.is_evicted;
    }

    /// Leaves the reading to the connection, which is woken.
    pub(super) fn detach_live(&self) {
        self.position().is_live = false;
        self.wakeup.ring();
    }

    /// Says whose reader it is, once.
    pub(crate) fn set_owner(&self, user_id: Arc<str>) {
        self.owner.get_or_init(|| user_id);
    }

    /// Whose reader it is, if it is somebody's.
    pub(super) fn owner(&self) -> Option<&str> {
        self.owner.get().map(Arc::as_ref)
    }

    /// When this returns nothing more is delivered; the connection learns it when it reads.
    pub(super) fn evict(&self) {
        let mut position = self.position();
        (position.is_live, position.is_evicted) = (false, true);
        drop(position);
        self.wakeup.ring();
    }
}
