//! The place in the feed at which a reader of ntfy's starts, by its `since`.

use std::collections::HashMap;

use crate::{
    protocol::{
        cursor::{Cursor, Epoch, Offset},
        feed::Entry,
    },
    server::{
        auth::Identity,
        http::compat::ntfy::{fault::Fault, query::Since},
        log::hub::StartFrom,
        state::AppState,
        store::Channels,
    },
};

/// The start of a reader.
pub(super) struct Start {
    pub(super) from: StartFrom,
    /// The reader named a message, and wants to hear if what came after it is gone.
    pub(super) tells_loss: bool,
    /// The first message of each topic that the reader wants, where that is not the first after the start.
    pub(super) first: HashMap<String, Offset>,
}

/// Finds the start.
pub(super) async fn of(
    state: &AppState,
    who: Option<&Identity>,
    topics: &[String],
    since: &Since,
) -> Result<Start, Fault> {
    let (mut first, mut tells_loss) = (HashMap::new(), false);
    let from = match since {
        Since::New => StartFrom::New,
        // "I have seen nothing", whatever the epoch is.
        Since::All => StartFrom::After(Cursor { epoch: Epoch::unwritten(), offset: 0 }),
        Since::Message(position) => {
            tells_loss = true;
            StartFrom::After(position.cursor(&state.feed.epoch().await?))
        }
        Since::Time(since_ms) => {
            let channels = Channels::Only(topics.iter().cloned().collect());
            StartFrom::After(state.feed.cursor_at_time(who, &channels, *since_ms).await?)
        }
        Since::Latest => {
            let mut before: Option<Cursor> = None;
            for topic in topics {
                let channels = Channels::Only([topic.clone()].into_iter().collect());
                let page = state.feed.notices(who, channels, None, 1).await?;
                let Some(entry) = page.decode::<Entry>()?.pop() else { continue };
                let cursor = Cursor { offset: entry.offset - 1, ..page.cursor };
                if before.as_ref().is_none_or(|before| cursor.offset < before.offset) {
                    before = Some(cursor);
                }
                first.insert(topic.clone(), entry.offset);
            }
            before.map_or(StartFrom::New, StartFrom::After)
        }
    };
    Ok(Start { from, tells_loss, first })
}
