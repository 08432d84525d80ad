//! Reading for a live connection whose reader is not at the head. Every transport reads by it, so all send the same
//! items in the same order; the text of a reset and of a list of members is theirs. It must never write to a
//! connection.

use crate::{
    protocol::cursor::Cursor,
    server::{
        log::{
            subscription::{Batch, Subscription},
            topic::{Ephemerals, Update, Updates},
            wire_format::WireFormat,
        },
        observability::metrics::Metrics,
        store::StoreError,
    },
};

/// The reason for the end of reading.
#[derive(Debug)]
pub(crate) enum Interruption {
    /// The reader may not read here any more.
    Evicted,
    /// The history could not be read.
    Failed(StoreError),
}

impl From<StoreError> for Interruption {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

/// Reads the next items, with one batch of entries at most. `None`: there are none, and live delivery may be attached.
pub(crate) async fn read_updates(
    subscription: &mut Subscription,
    metrics: &Metrics,
) -> Result<Option<Updates>, Interruption> {
    let ephemerals = subscription.ephemerals();
    let (entries, reset) = match subscription.read().await? {
        Batch::Evicted => return Err(Interruption::Evicted),
        Batch::Idle if ephemerals == Ephemerals::Frames(Vec::new()) => return Ok(None),
        Batch::Idle => (Vec::new(), None),
        Batch::Entries(entries) => (entries, None),
        Batch::Reset(cursor) => (Vec::new(), Some(cursor)),
    };
    metrics.count_deliveries(entries.len());
    Ok(Some(Updates { ephemerals, entries, reset }))
}

/// Reads the next items as one chunk in this format, for a socket or a stream.
///
/// `members` gives the JSON that stands for ephemeral frames that were missed, `reset` the JSON of a reset to a cursor.
pub(crate) async fn read_bytes(
    subscription: &mut Subscription,
    format: WireFormat,
    metrics: &Metrics,
    members: impl Fn(&Subscription) -> Option<String>,
    reset: impl Fn(&Subscription, &Cursor) -> String,
) -> Result<Option<Vec<u8>>, Interruption> {
    let Some(updates) = read_updates(subscription, metrics).await? else { return Ok(None) };
    let mut chunk = Vec::new();
    for update in updates.in_order() {
        match update {
            Update::Ephemeral(frame) => chunk.extend_from_slice(frame.bytes(format)),
            Update::EphemeralsMissed => {
                if let Some(json) = members(subscription) {
                    chunk.extend_from_slice(&format.encode(None, &json));
                }
            }
            Update::Entry(entry) => chunk.extend_from_slice(entry.encoded.bytes(format)),
            Update::Reset(cursor) => {
                chunk.extend_from_slice(&format.encode(Some(cursor), &reset(subscription, cursor)));
            }
        }
    }
    Ok(Some(chunk))
}
