//! The feed: publishing to channels and reading them. The routes and the pages call it; `self_metrics`,
//! `heartbeats` and `scheduled` publish through it. It knows no transport, and never returns an entry of a channel that the reader may not read.

mod consumed;
mod document;
mod during;
pub mod heartbeats;
mod newest;
mod questions;
pub mod scheduled;
pub mod self_metrics;
mod value_range;

use std::{collections::VecDeque, sync::Arc, time::Duration};

use tokio::sync::Notify;

use self::newest::NewestStates;
pub use self::{
    consumed::Consumed,
    document::document_of,
    during::{DuringPage, Place, Span},
    newest::Board,
    questions::QuestionState,
    value_range::{RangeQuery, RangeSeries, ValueRange},
};
use super::{
    auth::{Identity, normalized_name},
    authz::Rights,
    error::Error,
    log::{
        hub::{Hub, Page, PageQuery, StartFrom, Subscribed},
        topic::Wakeup,
    },
    markdown,
    store::{Appended, Channels, Filter, NewEntry, Record, StoreError, TopicName},
};
use crate::protocol::{
    cursor::{Cursor, Epoch, Offset},
    feed::{Body, Control, Entry, EventFilter, Snapshot},
    name::parse_channel,
    problem::{Code, Rejection},
    publication::{PUBLISH_MAX_ENTRIES, Publication},
};

/// Notifications that one read returns, to find those that no newer one has replaced.
const NOTIFICATIONS_PER_READ: usize = 50;
/// Most reads: a channel full of the progress of one job must not make a page wait.
const NOTIFICATION_READS_MAX: usize = 10;
/// Most channels in the list of a person's channels, which every page has: a publisher that invents channels without
/// end must not make the pages grow. Those beyond it are reached from their entries.
const CHANNELS_MAX: usize = 1_000;

/// The feed of this server.
pub struct Feed {
    hub: Hub,
    rights: Arc<Rights>,
    /// Something other than a value was published at this node.
    published: Notify,
    newest: NewestStates,
}

impl Feed {
    /// The feed on the hub's topic `feed`.
    pub fn new(hub: Hub, rights: Arc<Rights>) -> Self {
        Self { hub, rights, published: Notify::new(), newest: NewestStates::default() }
    }

    /// Publishes all entries or none. Returns the stored entries, and true if any of them is new.
    ///
    /// `key` makes it safe to publish again: the same key of the same author stores nothing twice.
    pub async fn publish(
        &self,
        channel: &str,
        author: &str,
        publications: Vec<Publication>,
        key: Option<&str>,
    ) -> Result<(Vec<Entry>, bool), Error> {
        let channel = parse_channel(channel)?;
        if !(1..=PUBLISH_MAX_ENTRIES).contains(&publications.len()) {
            let message = format!("One request publishes 1 to {PUBLISH_MAX_ENTRIES} entries.");
            return Err(Rejection::new(Code::BadRequest, message).into());
        }
        // A key belongs to a whole request: a request with another number of entries is another one.
        let of = if publications.len() > 1 { format!("/{}", publications.len()) } else { String::new() };
        let entry = |(index, publication): (usize, Publication)| NewEntry {
            author: author.to_owned(),
            client_id: key.map(|key| format!("{channel}/{key}/{index}{of}")),
            channel: Some(channel.clone()),
            lasting: !publication.body().is_update(),
            body: serde_json::to_string(publication.body()).expect("a body has only string keys"),
            change: None,
            reference: None,
            state: None,
            files: Vec::new(),
        };
        let entries: Vec<_> = publications.into_iter().enumerate().map(entry).collect();
        let is_news = entries.iter().any(|entry| entry.lasting);
        let appended = self.hub.publish(&TopicName::Feed, entries).await?;
        let is_new = appended.iter().any(|one| one.first);
        if is_news && is_new {
            self.published.notify_one();
        }
        Ok((appended.iter().map(|Appended { record, .. }| entry_of(record)).collect(), is_new))
    }

    /// Subscribes to those of the channels that `who` may read. When that changes, the subscription is evicted without
    /// a rejection: the reader reconnects with its cursor.
    pub async fn subscribe(
        &self,
        start: StartFrom,
        who: Option<&Identity>,
        channels: Channels,
        wakeup: Arc<Wakeup>,
    ) -> Result<Subscribed, StoreError> {
        loop {
            let filter = Filter {
                channels: self.readable(who, channels.clone()),
                lasting: false,
                ..Filter::default()
            };
            let subscribed =
                self.hub.subscribe(&TopicName::Feed, start.clone(), filter.clone(), wakeup.clone()).await?;
            if let Some(identity) = who {
                subscribed.subscription.set_owner(identity.user.id.as_str().into());
            }
            // A change of rights before the subscription was registered has not evicted it.
            if self.readable(who, channels.clone()) == filter.channels {
                return Ok(subscribed);
            }
        }
    }

    /// A page of those of the channels that `who` may read.
    pub async fn page(
        &self,
        query: PageQuery,
        who: Option<&Identity>,
        channels: Channels,
        limit: usize,
    ) -> Result<Page, Error> {
        let filter =
            Filter { channels: self.readable(who, channels.clone()), lasting: false, ..Filter::default() };
        let mut page = self.hub.page(&TopicName::Feed, query, filter, limit).await?;
        // The rights may have changed while a poll waited.
        let readable = self.readable(who, channels);
        page.entries.retain(|entry| readable.contain(entry.channel.as_deref()));
        Ok(page)
    }

    /// The present epoch of the feed.
    pub async fn epoch(&self) -> Result<Epoch, StoreError> {
        Ok(self.hub.store().bounds(&TopicName::Feed).await?.epoch)
    }

    /// The cursor after which those of the channels that `who` may read have the entries from `since_ms` on, in
    /// milliseconds since the Unix epoch. Clocks are corrected, so an entry about that time may be on either side.
    pub async fn cursor_at_time(
        &self,
        who: Option<&Identity>,
        channels: &Channels,
        since_ms: i64,
    ) -> Result<Cursor, Error> {
        let newest = self.page(PageQuery::Newest, who, channels.clone(), 1).await?.cursor;
        let (mut before, mut after) = (0, newest.offset);
        while before < after {
            let middle = Cursor { offset: before + (after - before) / 2, ..newest.clone() };
            let offset = middle.offset;
            let page = self.page(PageQuery::After(middle, Duration::ZERO), who, channels.clone(), 1).await?;
            match page.decode::<Entry>()?.first() {
                Some(entry) if entry.timestamp < since_ms => before = entry.offset,
                _ => after = offset,
            }
        }
        Ok(Cursor { offset: before, ..newest })
    }

    /// The names of the channels with entries that `who` may read, in order.
    pub async fn channels(&self, who: Option<&Identity>) -> Result<Vec<String>, Error> {
        let except = self.readable(who, Channels::All);
        let except = except.bounds().1.unwrap_or_default();
        let mut names = self.hub.store().channel_names(&TopicName::Feed, except, CHANNELS_MAX).await?;
        // The rights may have changed meanwhile.
        let readable = self.readable(who, Channels::All);
        names.retain(|name| readable.contain(Some(name)));
        Ok(names)
    }

    /// Of those of the channels that `who` may read the newest `limit` notifications (entries that are not values), or
    /// those before `before`.
    pub async fn notices(
        &self,
        who: Option<&Identity>,
        channels: Channels,
        before: Option<Cursor>,
        limit: usize,
    ) -> Result<Page, Error> {
        let query = before.map_or(PageQuery::Newest, PageQuery::Before);
        let filter = Filter { lasting: true, channels: self.readable(who, channels), ..Filter::default() };
        Ok(self.hub.page(&TopicName::Feed, query, filter, limit).await?)
    }

    /// The initial data of a page of those of the channels that `who` may read: the newest values of each channel and
    /// the newest `limit` notifications.
    pub async fn snapshot(
        &self,
        who: Option<&Identity>,
        channels: Channels,
        limit: usize,
    ) -> Result<Snapshot, Error> {
        // Values first: an entry between the two reads is after their cursor, so the page gets it live.
        let readable = self.readable(who, channels.clone());
        let (topic, count) = (TopicName::Feed, Snapshot::CHANNELS);
        let values = self.hub.latest_by_channel(&topic, &readable, count, Snapshot::VALUES).await?;
        let head = values.cursor.offset;
        let (notifications, more) = self.newest_notifications(who, channels, head, limit, |_| true).await?;
        Ok(Snapshot { values: values.decode()?, notifications, more, cursor: values.cursor, filter: None })
    }

    /// Of the notifications up to `head` the newest `limit` that a filter shows, and true if there may be older ones.
    pub async fn shown(
        &self,
        who: Option<&Identity>,
        channels: Channels,
        filter: &EventFilter,
        head: Offset,
        limit: usize,
    ) -> Result<(Vec<Entry>, bool), Error> {
        let is_shown = |entry: &Entry| filter.shows(entry, normalized_name);
        self.newest_notifications(who, channels, head, limit, is_shown).await
    }

    /// Of the notifications before a cursor the newest `limit` that a filter shows and that no newer one has replaced, whether
    /// the filter shows that or not; the offset down to which all were looked
    /// at, which may be before the first of them; and true if there may be older ones.
    pub async fn shown_before(
        &self,
        who: Option<&Identity>,
        channels: Channels,
        filter: &EventFilter,
        before: Cursor,
        limit: usize,
    ) -> Result<(Vec<Entry>, Offset, bool), Error> {
        let (mut shown, mut from) = (VecDeque::new(), before.offset);
        let is_replaced = self.replaced().await?;
        for _ in 0..NOTIFICATION_READS_MAX {
            let cursor = Cursor { offset: from, ..before.clone() };
            let page = self.notices(who, channels.clone(), Some(cursor), NOTIFICATIONS_PER_READ).await?;
            for entry in page.decode::<Entry>()?.into_iter().rev() {
                if shown.len() == limit {
                    return Ok((shown.into(), from, true));
                }
                from = entry.offset;
                if !entry.body.is_deletion() && filter.shows(&entry, normalized_name) && !is_replaced(&entry)
                {
                    shown.push_front(entry);
                }
            }
            if !page.more {
                return Ok((shown.into(), from, false));
            }
        }
        Ok((shown.into(), from, true))
    }

    /// The newest `limit` notifications up to `head` that no newer one has replaced and that are wanted, and true if there
    /// may be older ones.
    async fn newest_notifications(
        &self,
        who: Option<&Identity>,
        channels: Channels,
        head: Offset,
        limit: usize,
        is_wanted: impl Fn(&Entry) -> bool,
    ) -> Result<(Vec<Entry>, bool), Error> {
        let (mut newest, mut before) = (VecDeque::<Entry>::new(), None);
        let mut replacing = Vec::<Entry>::new();
        for _ in 0..NOTIFICATION_READS_MAX {
            let page = self.notices(who, channels.clone(), before, NOTIFICATIONS_PER_READ).await?;
            let entries: Vec<Entry> = page.decode()?;
            before = entries.first().map(|oldest| Cursor { offset: oldest.offset, ..page.cursor });
            for entry in entries.into_iter().rev().filter(|entry| entry.offset <= head) {
                if newest.len() == limit {
                    return Ok((newest.into(), true));
                }
                if replacing.iter().any(|newer| newer.replaces(&entry)) {
                    continue;
                }
                replacing.extend(entry.body.key().is_some().then(|| entry.clone()));
                if !entry.body.is_deletion() && is_wanted(&entry) {
                    newest.push_front(entry);
                }
            }
            if !page.more {
                return Ok((newest.into(), false));
            }
        }
        Ok((newest.into(), true))
    }

    /// Returns true if `who` may read a channel.
    pub fn is_readable(&self, who: Option<&Identity>, channel: &str) -> bool {
        self.readable(who, Channels::of(Some(channel))).contain(Some(channel))
    }

    fn readable(&self, who: Option<&Identity>, asked: Channels) -> Channels {
        self.rights.channels().readable(who.map(|identity| identity.user.id.as_str()), asked)
    }
}

/// Parses the channels of a query: `a,b`; `None` means all.
pub fn parse_channels(list: Option<&str>) -> Result<Channels, Rejection> {
    let Some(list) = list else { return Ok(Channels::All) };
    Ok(Channels::Only(list.split(',').map(parse_channel).collect::<Result<_, _>>()?))
}

/// The JSON of a feed's entry as its readers get it.
pub fn encode_entry(record: &Record) -> String {
    serde_json::to_string(&entry_of(record)).expect("an entry has only string keys")
}

/// The JSON of a control event.
pub fn encode_control(control: &Control) -> String {
    serde_json::to_string(control).expect("a control has only string keys")
}

/// Adds the HTML of a text that is Markdown.
fn with_html(mut body: Body) -> Body {
    if let Body::Notification { text, details, .. } = &mut body {
        details.html = details.markdown.then(|| markdown::html_of(text)).flatten();
    }
    body
}

fn entry_of(record: &Record) -> Entry {
    let body = serde_json::from_str(&record.body).unwrap_or_else(|error| {
        tracing::error!(record.offset, %error, "cannot read a stored entry");
        Body::Notification {
            title: None,
            text: String::new(),
            level: Default::default(),
            tags: Vec::new(),
            link: None,
            key: None,
            details: Default::default(),
        }
    });
    Entry {
        body: with_html(body),
        channel: record.channel.clone().unwrap_or_default(),
        offset: record.offset,
        timestamp: record.timestamp,
    }
}
