//! The feed between two times. The pages of a period and the API's pages with `from` and `to` ask. Clocks are corrected, so
//! an entry about one of the times may be on either side of it: the order of the log counts.

use std::{collections::VecDeque, time::Duration};

use super::{Feed, NOTIFICATION_READS_MAX, NOTIFICATIONS_PER_READ};
use crate::{
    protocol::{
        cursor::{Cursor, Offset},
        feed::{Entry, EventFilter},
    },
    server::{
        auth::{Identity, normalized_name},
        error::Error,
        log::hub::{Page, PageQuery},
        store::{Channels, Filter, TopicName},
    },
};

/// Two times in milliseconds since the Unix epoch: the first is in it, the last is not. Without one of them it is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The beginning.
    pub from: Option<i64>,
    /// The end.
    pub to: Option<i64>,
}

/// The side of a cursor on which the notifications of a page stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Before it.
    Before(Cursor),
    /// After it.
    After(Cursor),
}

/// The notifications of a page of a span.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DuringPage {
    /// Oldest first.
    pub entries: Vec<Entry>,
    /// The cursor before which there are earlier ones.
    pub earlier: Option<Cursor>,
    /// The cursor after which there are later ones.
    pub later: Option<Cursor>,
}

/// The bounds of the entries of a span.
struct Bounds {
    /// The cursor before the first entry.
    before: Cursor,
    /// The offset of the last.
    last: Offset,
}

impl Feed {
    /// A page of at most `limit` notifications of a span: the newest of it, or those at a place, without those that a newer
    /// one has replaced, whenever that came. A cursor of another epoch is no place.
    pub async fn during(
        &self,
        who: Option<&Identity>,
        channels: Channels,
        filter: &EventFilter,
        (span, place): (Span, Option<Place>),
        limit: usize,
    ) -> Result<DuringPage, Error> {
        let Bounds { before, last } = self.bounds(who, &channels, span).await?;
        let is_here = |place: &Place| match place {
            Place::Before(cursor) | Place::After(cursor) => cursor.epoch == before.epoch,
        };
        let at = |offset| Cursor { offset, ..before.clone() };
        match place.filter(is_here) {
            Some(Place::After(after)) => {
                let from = at(after.offset.max(before.offset));
                let (mut entries, more) =
                    self.shown_after(who, channels, filter, from.clone(), last, limit + 1).await?;
                let more = more || entries.len() > limit;
                entries.truncate(limit);
                let later = entries.last().map(|entry| at(entry.offset)).filter(|_| more);
                let earlier = (after.offset > before.offset).then(|| at(after.offset + 1));
                Ok(DuringPage { entries, earlier, later })
            }
            place => {
                let end = match &place {
                    Some(Place::Before(cursor)) => cursor.offset.min(last + 1),
                    _ => last + 1,
                };
                let (mut entries, from, more) =
                    self.shown_before(who, channels, filter, at(end), limit + 1).await?;
                let is_full = entries.len() > limit;
                entries.retain(|entry| entry.offset > before.offset);
                let is_cut = entries.len() > limit;
                entries.drain(..entries.len().saturating_sub(limit));
                let goes_on = is_cut || (more && !is_full && from > before.offset + 1);
                let first = entries.first().map_or(from, |first| first.offset);
                let earlier = goes_on.then(|| at(if is_cut { first } else { from }));
                let later = (end <= last).then(|| at(entries.last().map_or(end - 1, |last| last.offset)));
                Ok(DuringPage { entries, earlier, later })
            }
        }
    }

    /// A page of the log as far as it is in a span: what a query of the log asks for, or without a cursor from the
    /// beginning of the span on, or without a beginning back from its end.
    pub async fn page_during(
        &self,
        query: PageQuery,
        who: Option<&Identity>,
        channels: Channels,
        limit: usize,
        span: Span,
    ) -> Result<Page, Error> {
        let Bounds { before, last } = self.bounds(who, &channels, span).await?;
        let query = match query {
            PageQuery::Newest if span.from.is_some() => PageQuery::After(before.clone(), Duration::ZERO),
            PageQuery::Newest => PageQuery::Before(Cursor { offset: last + 1, ..before.clone() }),
            PageQuery::After(cursor, wait) if cursor.epoch == before.epoch => {
                PageQuery::After(Cursor { offset: cursor.offset.max(before.offset), ..cursor }, wait)
            }
            PageQuery::Before(cursor) if cursor.epoch == before.epoch => {
                PageQuery::Before(Cursor { offset: cursor.offset.min(last + 1), ..cursor })
            }
            query => query,
        };
        let is_forwards = matches!(query, PageQuery::After(..));
        let mut page = self.page(query, who, channels, limit).await?;
        if page.reset {
            return Ok(page);
        }
        let read = page.entries.len();
        page.entries.retain(|entry| entry.offset > before.offset && entry.offset <= last);
        if is_forwards {
            page.more &= page.entries.len() == read && page.cursor.offset < last;
            page.cursor.offset = page.cursor.offset.min(last.max(before.offset));
        } else {
            page.more &= page.entries.len() == read && page.cursor.offset > before.offset + 1;
        }
        Ok(page)
    }

    async fn bounds(
        &self,
        who: Option<&Identity>,
        channels: &Channels,
        Span { from, to }: Span,
    ) -> Result<Bounds, Error> {
        let newest = self.page(PageQuery::Newest, who, channels.clone(), 1).await?.cursor;
        let last = match to {
            Some(to) => self.cursor_at_time(who, channels, to).await?.offset,
            None => newest.offset,
        };
        let before = match from {
            Some(from) => self.cursor_at_time(who, channels, from).await?,
            None => Cursor { offset: 0, ..newest },
        };
        Ok(Bounds { before, last })
    }

    /// Of the notifications after a cursor up to `last` the first `limit` that a filter shows and that no newer one has
    /// replaced, and true if not all up to there were looked at.
    async fn shown_after(
        &self,
        who: Option<&Identity>,
        channels: Channels,
        filter: &EventFilter,
        mut after: Cursor,
        last: Offset,
        limit: usize,
    ) -> Result<(Vec<Entry>, bool), Error> {
        let mut shown = VecDeque::new();
        let is_replaced = self.replaced().await?;
        for _ in 0..NOTIFICATION_READS_MAX {
            let filtered =
                Filter { lasting: true, channels: self.readable(who, channels.clone()), ..Filter::default() };
            let query = PageQuery::After(after, Duration::ZERO);
            let page = self.hub.page(&TopicName::Feed, query, filtered, NOTIFICATIONS_PER_READ).await?;
            for entry in page.decode::<Entry>()? {
                if shown.len() == limit || entry.offset > last {
                    return Ok((shown.into(), false));
                }
                if !entry.body.is_deletion() && filter.shows(&entry, normalized_name) && !is_replaced(&entry)
                {
                    shown.push_back(entry);
                }
            }
            if !page.more || page.cursor.offset >= last {
                return Ok((shown.into(), false));
            }
            after = page.cursor;
        }
        Ok((shown.into(), true))
    }
}
