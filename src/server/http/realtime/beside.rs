//! The things that a poll may have beside the log it asks for: the reader's own log, and what is unread in the rooms. Whatever
//! comes first ends the wait, and the answer has all of them as of then. The routes of polls call it; it must never wait
//! longer than the query says.

use std::time::Duration;

use super::live_connection::Client;
use crate::{
    protocol::cursor::Cursor,
    server::{
        auth::Identity,
        chat::{Chat, PolledUnread, UnreadPoll},
        error::Error,
        http::extract::query::LogQuery,
        log::hub::{Page, PageQuery},
        state::AppState,
    },
};

/// The things that a poll asks for beside a log.
pub(crate) struct Beside<'a> {
    chat: &'a Chat,
    /// The reader, and the cursor in their own log.
    own: Option<(&'a Identity, Cursor)>,
    unread: Option<UnreadPoll<'a>>,
}

/// The same as of the end of the wait.
#[derive(Default)]
pub(crate) struct ReadBeside {
    /// The entries of the reader's own log.
    pub(crate) marks: Option<Page>,
    /// The unread counts.
    pub(crate) unread: Option<PolledUnread>,
}

impl<'a> Beside<'a> {
    /// The things that the query asks for. `own` is the reader with the cursor in their own log, if they ask for that.
    pub(crate) fn asked(
        state: &'a AppState,
        client: &Client,
        query: &LogQuery,
        own: Option<(&'a Identity, Cursor)>,
    ) -> Self {
        Self { chat: &state.chat, own, unread: client.poll_unread(state, query) }
    }

    /// Reads a page of a log by `read`, and beside it what is asked for.
    pub(crate) async fn read<T, F: Future<Output = Result<T, Error>>>(
        self,
        query: &PageQuery,
        read: impl Fn(PageQuery) -> F,
    ) -> Result<(T, ReadBeside), Error> {
        let Self { chat, own, mut unread } = self;
        let is_first = unread.as_ref().is_some_and(UnreadPoll::is_first);
        let query = if is_first { query.at_once() } else { query.clone() };
        let marks = async |wait| match &own {
            Some((identity, after)) => chat.marks_after(identity, after.clone(), wait).await.map(Some),
            None => Ok(None),
        };
        let (page, marks) = tokio::select! {
            biased;
            page = read(query.clone()) => (page?, marks(Duration::ZERO).await?),
            found = marks(query.wait()), if own.is_some() && query.waits() => {
                let found = found?;
                (read(query.at_once()).await?, found)
            }
            changed = until_changed(unread.as_mut()), if query.waits() => {
                changed?;
                (read(query.at_once()).await?, marks(Duration::ZERO).await?)
            }
        };
        let unread = match unread {
            Some(unread) => Some(unread.answer().await?),
            None => None,
        };
        Ok((page, ReadBeside { marks, unread }))
    }
}

/// Returns when something is unread that the reader does not know; never if they did not ask.
async fn until_changed(unread: Option<&mut UnreadPoll<'_>>) -> Result<(), Error> {
    match unread {
        Some(unread) => unread.changed().await,
        None => std::future::pending().await,
    }
}
