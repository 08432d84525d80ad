//! Reading a room without a subscription: pages of its history, and polls. The routes and pages call it by [`Chat`].
//!
//! Every answer is checked against the caller's rights again after it was read: they may have changed meanwhile.

use super::{Chat, PageContext};
use crate::{
    protocol::{
        chat::{Message, MessagePage, PresenceState},
        cursor::Offset,
        name::RoomId,
    },
    server::{
        auth::Identity,
        error::Error,
        log::hub::{Page, PageQuery},
        store::{Filter, TopicName},
    },
};

impl Chat {
    /// A page of the room's history, for a caller who may enter it. `outside_threads` leaves out the answers in threads; not
    /// from the entries after a cursor.
    pub async fn page(
        &self,
        room: &RoomId,
        who: Option<&Identity>,
        query: PageQuery,
        outside_threads: bool,
        limit: usize,
    ) -> Result<Page, Error> {
        let filter = Filter { outside_threads, ..Filter::default() };
        let page = self.hub.page(&TopicName::Room(room.clone()), query, filter, limit).await?;
        // The caller may have lost the right to the room while they waited.
        self.rights.check_entry(room, who)?;
        Ok(page)
    }

    /// A page of a thread as plain data, for a page that is rendered on the server.
    pub async fn thread_history(
        &self,
        room: &RoomId,
        who: Option<&Identity>,
        root: Offset,
        query: &PageQuery,
        limit: usize,
    ) -> Result<MessagePage, Error> {
        let page = self.thread_page(room, who, root, query, limit).await?;
        let PageContext { quoted, own_reactions, .. } = self.context(room, who, &page).await?;
        Ok(MessagePage {
            messages: page.decode()?,
            cursor: page.cursor,
            more: page.more,
            reset: page.reset,
            as_of: page.as_of.unwrap_or_default(),
            own_reactions,
            quoted,
            threads: Vec::new(),
        })
    }

    /// A page of the room's history without the answers in threads, as plain data, for a page that is rendered on the server.
    pub async fn history(
        &self,
        room: &RoomId,
        who: Option<&Identity>,
        query: PageQuery,
        limit: usize,
    ) -> Result<MessagePage, Error> {
        let mut page = self.page(room, who, query, true, limit).await?;
        // Those after a cursor come with everything that follows it.
        page.entries.retain(|entry| entry.change.is_none());
        let PageContext { quoted, threads, own_reactions } = self.context(room, who, &page).await?;
        let mut messages: Vec<Message> = page.decode()?;
        messages.retain(|message| message.thread.is_none());
        Ok(MessagePage {
            messages,
            cursor: page.cursor,
            more: page.more,
            reset: page.reset,
            as_of: page.as_of.unwrap_or_default(),
            own_reactions,
            quoted,
            threads,
        })
    }

    /// The offset of the room's first message at `since_ms` or later, as `Hub::first_since` finds it, for a caller who may
    /// enter it.
    pub async fn first_since(
        &self,
        room: &RoomId,
        who: Option<&Identity>,
        since_ms: i64,
    ) -> Result<Option<Offset>, Error> {
        let found = self.hub.first_since(&TopicName::Room(room.clone()), since_ms).await?;
        self.rights.check_entry(room, who)?;
        Ok(found.map(|cursor| cursor.offset))
    }

    /// A page after a cursor that is also answered when a user joins, leaves or types: a room for readers that have
    /// neither a socket nor a stream. An authenticated user is present in the room until 10 s after the answer.
    pub async fn poll(
        &self,
        room: &RoomId,
        who: Option<&Identity>,
        query: PageQuery,
        limit: usize,
        seen: &str,
    ) -> Result<(Page, PresenceState), Error> {
        let guard = who.map(|identity| self.presence.enter_for_poll(room, &identity.user));
        let is_changed = || self.presence_version(room) != seen;
        let topic = TopicName::Room(room.clone());
        let page = self.hub.page_unless(&topic, query, Filter::default(), limit, is_changed).await?;
        // The caller may have lost the right to the room while they waited.
        if let Err(rejection) = self.rights.check_entry(room, who) {
            if let Some(guard) = guard {
                guard.leave();
            }
            return Err(rejection.into());
        }
        Ok((page, self.presence_state(room)))
    }
}
