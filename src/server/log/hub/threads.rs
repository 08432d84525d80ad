//! Pages of a thread: the entries of a log that have the same root, with the root. `paging` reads the pages of the log. They
//! do not wait: a reader of the log hears of each new entry, and of the thread that it is in.

use super::{Hub, Page, PageQuery};
use crate::{
    protocol::cursor::{Cursor, Offset},
    server::store::{Side, StoreError, TopicName},
};

impl Hub {
    /// Reads at most `limit` entries of a thread: the newest, those before a cursor, or those after one. Fails as the store
    /// does.
    pub async fn thread_page(
        &self,
        name: &TopicName,
        root: Offset,
        query: &PageQuery,
        limit: usize,
    ) -> Result<Page, StoreError> {
        let (cursor, side) = match query {
            PageQuery::Newest | PageQuery::Around(..) => (None, Side::Before(Offset::MAX)),
            PageQuery::Before(cursor) => (Some(cursor), Side::Before(cursor.offset)),
            PageQuery::After(cursor, _) => (Some(cursor), Side::After(cursor.offset)),
        };
        let slice = self.store.read_thread(name, root, side, limit).await?;
        let head = Cursor { epoch: slice.bounds.epoch.clone(), offset: slice.bounds.head };
        if cursor.is_some_and(|cursor| cursor.epoch != head.epoch) {
            return Ok(Page::reset_to(head));
        }
        let mut page = self.page_of(&slice, head, false);
        let edge = match side {
            Side::Before(_) => page.entries.first(),
            Side::After(_) => page.entries.last().filter(|_| page.more),
        };
        if let (Some(edge), true) = (edge.map(|edge| edge.offset), cursor.is_some()) {
            page.cursor.offset = edge;
        }
        Ok(page)
    }
}
