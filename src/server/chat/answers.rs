//! Answers: the messages that answer others, and the threads that they are in. `posting` places an answer; the store runs
//! the rule in the transaction that appends it, so that nothing is answered that was deleted. The routes and pages read
//! threads, and with a page of the room what its answers and threads refer to.
//!
//! A message never holds a text of the one that it answers: a deletion must erase that everywhere.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    Chat,
    changes::{message_deleted, to_json, unknown_message},
    encoding::{StoredMessage, message_of, stored_message},
};
use crate::{
    protocol::{
        chat::{Message, OwnReaction, is_default},
        cursor::Offset,
        name::RoomId,
        problem::Rejection,
        thread::{LastAnswer, ThreadSummary},
    },
    server::{
        auth::Identity,
        error::Error,
        log::hub::{Page, PageQuery},
        store::{Record, Reference, Resolve, Resolved, TopicName},
    },
};

/// A message that may answer others: it takes its place when it is stored.
pub(super) struct Answer {
    /// The message without its thread.
    pub(super) message: StoredMessage,
    /// The message in whose thread it is to be.
    pub(super) thread: Option<Offset>,
}

impl Answer {
    /// The reference to the messages that it answers; `None`: it answers none.
    pub(super) fn into_reference(self) -> Option<Reference> {
        let targets: Vec<_> = self.message.reply_to.into_iter().chain(self.thread).collect();
        (!targets.is_empty()).then(|| Reference { targets, rule: Arc::new(self) })
    }
}

impl Resolve for Answer {
    fn resolve(&self, stored: &[Option<Record>]) -> Result<Resolved, Rejection> {
        let targets = stored.iter().map(Option::as_ref).map(answerable).collect::<Result<Vec<_>, _>>()?;
        // The thread is the last target, where there is one. That of a message in a thread is its own.
        let thread = match (self.thread, targets.last()) {
            (Some(root), Some(target)) => Some(target.thread.unwrap_or(root)),
            (_, target) => target.and_then(|target| target.thread),
        };
        let body = to_json(&StoredMessage { thread, ..self.message.clone() });
        Ok(Resolved { body, thread })
    }
}

/// The message in a record that is to be answered.
fn answerable(record: Option<&Record>) -> Result<StoredMessage, Rejection> {
    let record = record.filter(|record| record.target.is_none()).ok_or_else(unknown_message)?;
    let message = stored_message(record);
    if message.deleted { Err(message_deleted()) } else { Ok(message) }
}

/// The messages and threads to which those of a page refer. As members of the page on the wire.
#[derive(Debug, Default, Serialize)]
pub struct PageContext {
    /// The messages that those of the page answer and that are not on it, as far as they are retained.
    #[serde(skip_serializing_if = "is_default")]
    pub quoted: Vec<Message>,
    /// The threads that begin on the page.
    #[serde(skip_serializing_if = "is_default")]
    pub threads: Vec<ThreadSummary>,
    /// The reactions of who asks, where the first people of a reaction do not tell.
    #[serde(skip_serializing_if = "is_default")]
    pub own_reactions: Vec<OwnReaction>,
}

/// The members of an entry that say to what it refers.
#[derive(Deserialize)]
struct Placement {
    offset: Offset,
    reply_to: Option<Offset>,
    thread: Option<Offset>,
}

impl Chat {
    /// A page of a thread of the room, for a caller who may enter it. The newest one of a thread that has nothing is
    /// rejected.
    pub async fn thread_page(
        &self,
        room: &RoomId,
        who: Option<&Identity>,
        root: Offset,
        query: &PageQuery,
        limit: usize,
    ) -> Result<Page, Error> {
        let page = self.hub.thread_page(&TopicName::Room(room.clone()), root, query, limit).await?;
        self.rights.check_entry(room, who)?;
        if page.entries.is_empty() && *query == PageQuery::Newest {
            return Err(unknown_message().into());
        }
        Ok(page)
    }

    /// The messages and threads to which those of a page refer, for a caller who may enter the room. No others than reactions for the
    /// entries after a cursor: their reader has what came before, and hears the answers.
    pub async fn context(
        &self,
        room: &RoomId,
        who: Option<&Identity>,
        page: &Page,
    ) -> Result<PageContext, Error> {
        let own_reactions = self.own_reactions(room, who, page).await?;
        if page.as_of.is_none() || page.entries.is_empty() {
            return Ok(PageContext { own_reactions, ..PageContext::default() });
        }
        let entries: Vec<Placement> = page.decode()?;
        let is_there = |offset: &Offset| entries.iter().any(|entry| entry.offset == *offset);
        let quoted: Vec<_> =
            entries.iter().filter_map(|entry| entry.reply_to).filter(|target| !is_there(target)).collect();
        let roots: Vec<_> =
            entries.iter().filter(|entry| entry.thread.is_none()).map(|entry| entry.offset).collect();
        let (topic, store) = (TopicName::Room(room.clone()), self.hub.store());
        let quoted = if quoted.is_empty() { Vec::new() } else { store.read_each(&topic, &quoted).await? };
        let (as_of, threads) = store.threads(&topic, &roots).await?;
        self.rights.check_entry(room, who)?;
        let quoted = quoted.iter().filter(|record| record.target.is_none()).map(message_of).collect();
        let summary = |thread: crate::server::store::Thread| {
            let Message { offset, timestamp, user, .. } = message_of(&thread.last);
            let last = Some(LastAnswer { offset, timestamp, user });
            ThreadSummary { root: thread.root, count: thread.count, last, as_of }
        };
        let threads = threads.into_iter().map(summary).collect();
        Ok(PageContext { quoted, threads, own_reactions })
    }
}
