//! A reader's slot in a topic. Its subscription reads through it, and live delivery writes past the subscription while
//! the reader is live. Nothing may be delivered to a reader whose position is locked.

use std::sync::{Arc, OnceLock};

use parking_lot::{Mutex, MutexGuard};

use super::{Channels, Generation, Offset, Wakeup};
use crate::server::log::frame_writer::FrameWriter;

/// One reader of a topic. The lock of its position may be held while the topic's is taken, never the other way round.
pub(crate) struct Reader {
    position: Mutex<Position>,
    frame_writer: OnceLock<Arc<FrameWriter>>,
    /// The id of the user who reads; none for an anonymous reader, which cannot be evicted by an id.
    owner: OnceLock<Arc<str>>,
    number: u64,
    wakeup: Arc<Wakeup>,
    channels: Channels,
}

/// The last items that the reader has seen, and the side that serves it.
pub(crate) struct Position {
    /// The last entry that it was given.
    pub(crate) offset: Offset,
    /// The generation of the offset. In another one nothing is delivered to the reader: its connection has to tell its
    /// peer first.
    pub(crate) generation: Generation,
    /// The number of the last ephemeral frame that it was given.
    pub(crate) ephemeral_count: u64,
    /// The reader is at the head, and live delivery writes into its frame writer. Otherwise its connection reads by
    /// itself after the wakeup.
    pub(crate) is_live: bool,
    /// The reader may not read any more: nothing is delivered to it, and it reads nothing.
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

    /// The channels that it reads.
    pub(super) fn channels(&self) -> &Channels {
        &self.channels
    }

    /// The writer of its connection, once live delivery was attached.
    pub(super) fn frame_writer(&self) -> Option<&FrameWriter> {
        self.frame_writer.get().map(Arc::as_ref)
    }

    /// Locks the position. While the guard is held nothing is delivered to the reader.
    pub(crate) fn position(&self) -> MutexGuard<'_, Position> {
        self.position.lock()
    }

    /// Attaches live delivery, into the frame writer of its connection: always the same one.
    pub(crate) fn attach_live(&self, frame_writer: &Arc<FrameWriter>) {
        self.frame_writer.get_or_init(|| frame_writer.clone());
        let mut position = self.position();
        position.is_live = !position.is_evicted;
    }

    /// Detaches live delivery and wakes the connection, which reads by itself.
    pub(super) fn detach_live(&self) {
        self.position().is_live = false;
        self.wakeup.notify();
    }

    /// Sets the id of the user who reads; only the first call counts.
    pub(crate) fn set_owner(&self, user_id: Arc<str>) {
        self.owner.get_or_init(|| user_id);
    }

    /// The id of the user who reads; `None` for an anonymous reader.
    pub(super) fn owner(&self) -> Option<&str> {
        self.owner.get().map(Arc::as_ref)
    }

    /// Evicts the reader. When this returns nothing more is delivered; the connection learns it when it reads.
    pub(super) fn evict(&self) {
        let mut position = self.position();
        (position.is_live, position.is_evicted) = (false, true);
        drop(position);
        self.wakeup.notify();
    }
}
