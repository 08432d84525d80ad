//! The next items of one reader, and their order on every transport: ephemeral frames first, then entries or a reset.
//! Live delivery and the subscriptions build them. It must never know a format: each transport encodes the items.

use std::sync::Arc;

use super::{Encoded, Entry, Ephemerals};
use crate::protocol::cursor::Cursor;

/// The next items of one reader: at least one, unless a filter let no entry through.
#[derive(Debug)]
pub struct Updates {
    /// The ephemeral frames since the last read.
    pub ephemerals: Ephemerals,
    /// Entries after the cursor, ascending; none beside a reset.
    pub entries: Vec<Arc<Entry>>,
    /// The new cursor, if something that the reader lacked is gone.
    pub reset: Option<Cursor>,
}

/// One item for a reader.
#[derive(Clone, Copy, Debug)]
pub enum Update<'a> {
    /// An ephemeral frame.
    Ephemeral(&'a Encoded),
    /// Ephemeral frames that were missed: the reader needs the whole state instead.
    EphemeralsMissed,
    /// An entry of the log.
    Entry(&'a Entry),
    /// The reader's cursor is now this one.
    Reset(&'a Cursor),
}

impl Updates {
    /// The items in the order of sending. The ephemeral ones come first, so that none waits behind a backlog of
    /// entries.
    pub fn in_order(&self) -> impl Iterator<Item = Update<'_>> {
        let (frames, missed) = match &self.ephemerals {
            Ephemerals::Frames(frames) => (frames.as_slice(), None),
            Ephemerals::Missed => (&[][..], Some(Update::EphemeralsMissed)),
        };
        let ephemerals = frames.iter().map(Update::Ephemeral).chain(missed);
        let entries = self.entries.iter().map(|entry| Update::Entry(entry));
        ephemerals.chain(entries).chain(self.reset.as_ref().map(Update::Reset))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ephemeral_frames_come_first_then_entries_or_a_reset() {
        let entry =
            Arc::new(Entry { offset: 1, channel: None, change: None, encoded: Encoded::new(None, "{}") });
        let frames = Ephemerals::Frames(vec![Encoded::new(None, "1"), Encoded::new(None, "2")]);
        let updates = Updates { ephemerals: frames, entries: vec![entry.clone(), entry], reset: None };
        let order: Vec<_> = updates
            .in_order()
            .map(|update| match update {
                Update::Ephemeral(frame) => String::from_utf8_lossy(&frame.json()).into_owned(),
                Update::Entry(_) => "entry".to_owned(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(order, ["1", "2", "entry", "entry"]);

        let cursor = "e:7".parse().expect("a cursor");
        let updates = Updates { ephemerals: Ephemerals::Missed, entries: Vec::new(), reset: Some(cursor) };
        let order: Vec<_> = updates.in_order().collect();
        assert!(matches!(order[..], [Update::EphemeralsMissed, Update::Reset(_)]), "{order:?}");
    }
}
