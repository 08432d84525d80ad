//! What a live connection reads for a reader that does not stand at the head. Sockets and streams read alike; what a
//! reset and a list of people look like is theirs to say.

use crate::{
    protocol::{
        cursor::Cursor,
        problem::{Code, Rejection},
    },
    server::{
        log::{
            subscription::{Batch, Subscription},
            topic::Ephemerals,
            wire_format::WireFormat,
        },
        observability::metrics::Metrics,
        store::StoreError,
    },
};

/// Why there is nothing to read any more.
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

/// What a reader is told who was evicted.
pub(crate) fn not_a_member() -> Rejection {
    Rejection::new(Code::UnknownRoom, "You are not a member of this room any more.")
}

/// The next piece in this form: what was whispered, then one batch of entries or a reset. `None`: there is nothing, and
/// the reader may stand.
///
/// `make_up` gives the JSON that stands for whispers that were missed, `reset` the one that tells a reset to a cursor.
pub(crate) async fn read_piece(
    subscription: &mut Subscription,
    form: WireFormat,
    metrics: &Metrics,
    make_up: impl FnOnce(&Subscription) -> Option<String>,
    reset: impl FnOnce(&Subscription, &Cursor) -> String,
) -> Result<Option<Vec<u8>>, Interruption> {
    let mut piece = Vec::new();
    match subscription.ephemerals() {
        Ephemerals::Frames(ephemerals) => {
            ephemerals
                .iter()
                .for_each(|publish_ephemeral| piece.extend_from_slice(publish_ephemeral.bytes(form)));
        }
        Ephemerals::Missed => {
            if let Some(json) = make_up(subscription) {
                piece.extend_from_slice(&form.encode(None, &json));
            }
        }
    }
    match subscription.read().await? {
        Batch::Evicted => return Err(Interruption::Evicted),
        Batch::Idle if piece.is_empty() => return Ok(None),
        Batch::Idle => {}
        Batch::Entries(entries) => {
            metrics.count_deliveries(entries.len());
            entries.iter().for_each(|entry| piece.extend_from_slice(entry.encoded.bytes(form)));
        }
        Batch::Reset(cursor) => {
            piece.extend_from_slice(&form.encode(Some(&cursor), &reset(subscription, &cursor)));
        }
    }
    Ok(Some(piece))
}
