//! The feed as a page shows it: a value card for each channel with values, and a list of notifications: everything
//! else. `sync` feeds it events, and the feed's components draw it. It does no I/O and reads no clock.
//!
//! Values go to their card, so a channel with many of them never pushes a notification off the page.

use std::{collections::VecDeque, sync::Arc};

use super::number::decimal;
use crate::{
    app::routes,
    protocol::{
        cursor::{Cursor, Offset},
        feed::{Body, Control, Entry, Event, EventFilter, Snapshot},
        name::{NODE_CHANNEL, NODE_KEY, is_of_node},
    },
};

/// Values that a value card lists.
pub const RECENT_VALUES: usize = 10;
/// Notifications that a page starts with and keeps: a screen of them. "Show earlier" raises it.
pub const NOTIFICATIONS_SHOWN: usize = 20;
/// Entries up to which a feed that was left goes on where it was. Beyond it the page is drawn from a snapshot, as a new one
/// is.
const CONTINUED_MAX: Offset = 500;
/// Points of a plot.
const PLOT_POINTS: usize = 60;
/// Series of a value card; beyond it the one without a value for the longest time is removed.
const SERIES_MAX: usize = 12;

/// A point of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// In the series' unit.
    pub value: f64,
    /// Milliseconds since the Unix epoch.
    pub timestamp: i64,
    offset: Offset,
}

/// The values of one key in one channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// The key; empty for values without one.
    pub key: String,
    /// The unit of the newest value.
    pub unit: Option<String>,
    /// The points, oldest first, at least one.
    pub points: VecDeque<Point>,
}

impl Series {
    /// The newest point.
    pub fn latest(&self) -> Option<Point> {
        self.points.back().copied()
    }
}

/// The values of one channel.
#[derive(Clone, Debug, PartialEq)]
pub struct ValueCard {
    /// The channel's name.
    pub channel: String,
    /// The series, sorted by key so that they keep their positions.
    pub series: Vec<Series>,
    /// The newest [`RECENT_VALUES`] of all series, newest last.
    pub recent: VecDeque<Arc<Entry>>,
    /// The offsets of the newest [`Snapshot::VALUES`] of all series. Older values leave the page, because a page that
    /// is loaded now does not have them.
    offsets: VecDeque<Offset>,
}

impl ValueCard {
    /// Returns true for the values that a server measures of itself, this node or another.
    pub fn is_of_node(&self) -> bool {
        let is_measured = || self.series.iter().any(|series| series.key == NODE_KEY);
        self.channel == NODE_CHANNEL || (is_of_node(&self.channel) && is_measured())
    }
}

/// The notifications that arrived while the reader is further down. They join the list when the reader comes back, so
/// that until then nothing that is read moves or leaves the page.
#[derive(Clone, Debug, Default, PartialEq)]
struct Arrivals {
    /// The newest of them, oldest first: as many as the page will show.
    entries: VecDeque<Arc<Entry>>,
    /// All of them, without those that only replaced another.
    count: usize,
    /// Those before this offset were dropped.
    from: Offset,
}

/// The state of the feed, or of one channel of it, on a page.
#[derive(Clone, Debug, PartialEq)]
pub struct FeedModel {
    /// The channel; `None`: all of the feed.
    pub channel: Option<String>,
    cursor: Cursor,
    /// The newest offset that the connection in use has named; `None` until it has.
    head: Option<Offset>,
    value_cards: Vec<ValueCard>,
    notifications: VecDeque<Arc<Entry>>,
    notifications_max: usize,
    /// Set while the reader is further down.
    arrivals: Option<Arrivals>,
    /// Every notification from this offset on was received: it is on the page, or was replaced by a newer one.
    received_from: Offset,
    /// Older notifications can be loaded.
    pub more: bool,
    /// The feed has entries that only a newer build of the page can read.
    pub is_outdated: bool,
    /// The filter of the notifications.
    pub filter: Option<EventFilter>,
}

impl FeedModel {
    /// Returns true if a connection that goes on from here brings what a page with this snapshot has, within a moment.
    pub fn continues_to(&self, snapshot: &Snapshot) -> bool {
        let (seen, newest) = (&self.cursor, &snapshot.cursor);
        seen.epoch == newest.epoch && newest.offset.saturating_sub(seen.offset) <= CONTINUED_MAX
    }

    /// The feed, or the channel of it, as the server rendered it.
    pub fn new(channel: Option<String>, snapshot: Snapshot) -> Self {
        let Snapshot { cursor, values, notifications, more, filter } = snapshot;
        let received_from = notifications.first().map_or(cursor.offset + 1, |entry| entry.offset);
        let mut model = Self {
            channel,
            cursor,
            head: None,
            value_cards: Vec::new(),
            notifications: VecDeque::new(),
            notifications_max: NOTIFICATIONS_SHOWN,
            arrivals: None,
            received_from,
            more,
            is_outdated: false,
            filter,
        };
        values.into_iter().chain(notifications).for_each(|entry| model.insert(entry));
        model
    }

    /// The position up to which the page has every entry.
    pub fn cursor(&self) -> &Cursor {
        &self.cursor
    }

    /// A connection is open; it will name the feed's head.
    pub fn reconnect(&mut self) {
        self.head = None;
    }

    /// Returns true if the page has every entry up to the head that the connection in use has named.
    pub fn is_caught_up(&self) -> bool {
        self.head.is_some_and(|head| self.cursor.offset >= head)
    }

    /// The value cards, sorted by channel so that they keep their positions.
    pub fn value_cards(&self) -> &[ValueCard] {
        &self.value_cards
    }

    /// The value card of a channel.
    pub fn value_card(&self, channel: &str) -> Option<&ValueCard> {
        self.value_cards.iter().find(|value_card| value_card.channel == channel)
    }

    /// The notifications: all entries but values, oldest first.
    pub fn notifications(&self) -> impl DoubleEndedIterator<Item = &Arc<Entry>> {
        self.notifications.iter()
    }

    /// Returns true if the page has a screen of notifications from an offset downwards, or all there are: then it can stand there.
    pub fn can_stand_at(&self, offset: Offset) -> bool {
        let older = self.notifications.iter().filter(|entry| entry.offset <= offset);
        !self.more || older.count() >= NOTIFICATIONS_SHOWN
    }

    /// Applies an event of the stream to a page that may have a filter. An entry that the filter leaves out moves the cursor,
    /// and what it replaces leaves the page, unless somebody may read that just now.
    pub fn apply_shown(&mut self, event: Event, fold: fn(&str) -> String) {
        match (&self.filter, &event) {
            (Some(filter), Event::Entry(entry)) if !filter.shows(entry, fold) => {
                self.cursor.offset = self.cursor.offset.max(entry.offset);
                if self.arrivals.is_none() {
                    self.notifications.retain(|older| !entry.replaces(older));
                }
            }
            _ => self.apply(event),
        }
    }

    /// Applies an event of the stream.
    pub fn apply(&mut self, event: Event) {
        match event {
            Event::Control(Control::Connected { head, .. }) => self.head = Some(head),
            Event::Control(Control::Unread { .. }) => {} // the sidebar's
            Event::Control(Control::Reset { cursor, .. }) => {
                self.value_cards.clear();
                self.notifications.clear();
                self.arrivals = None;
                self.received_from = cursor.offset + 1;
                self.cursor = cursor;
            }
            Event::Unreadable(entry) => {
                self.is_outdated = true;
                self.cursor.offset = self.cursor.offset.max(entry.offset);
            }
            // A stream that starts again may repeat entries from before its cursor was known.
            Event::Entry(entry) if entry.offset <= self.cursor.offset => {}
            Event::Entry(entry) => {
                self.cursor.offset = entry.offset;
                self.insert(entry);
                self.remove_oldest_notifications();
            }
        }
    }

    /// Returns true while the reader is further down.
    pub fn is_reading_back(&self) -> bool {
        self.arrivals.is_some()
    }

    /// The number of notifications that arrived while the reader is further down.
    pub fn arrived(&self) -> usize {
        self.arrivals.as_ref().map_or(0, |arrivals| arrivals.count)
    }

    /// The reader has gone down to older notifications, or has come back to the newest ones.
    pub fn set_reading_back(&mut self, is_reading_back: bool) {
        if is_reading_back {
            self.arrivals.get_or_insert_default();
        } else if let Some(Arrivals { entries, from, .. }) = self.arrivals.take() {
            entries.into_iter().for_each(|entry| self.push(entry));
            if from > self.received_from {
                // Between the others and the arrivals some are missing.
                self.notifications.retain(|entry| entry.offset >= from);
                (self.received_from, self.more) = (from, true);
            }
            self.remove_oldest_notifications();
        }
    }

    /// Makes room for a page of `limit` older notifications and returns the cursor before which to load them.
    pub fn prepare_older(&mut self, limit: usize) -> Cursor {
        // Now, not when they arrive: a notification that arrives meanwhile must not push out the one they join.
        self.notifications_max = self.notifications.len().max(self.notifications_max) + limit;
        Cursor { epoch: self.cursor.epoch.clone(), offset: self.received_from }
    }

    /// Makes room as [`Self::prepare_older`] does and returns the address of the older notifications.
    pub fn older_address(&mut self, limit: usize) -> String {
        let (before, channel) = (self.prepare_older(limit), self.channel.as_deref().unwrap_or_default());
        let filter = self.filter.as_ref().map(routes::filter_query).unwrap_or_default();
        format!("/fn/notices?before={before}&channel={channel}{filter}")
    }

    /// Puts a page of older notifications (ascending) before the others.
    ///
    /// With a filter, all `from` this offset on were looked at.
    pub fn prepend(&mut self, older: Vec<Entry>, more: bool, from: Option<Offset>) {
        self.more = more;
        let received_from = self.received_from;
        for entry in older.into_iter().rev().filter(|entry| entry.offset < received_from) {
            self.received_from = entry.offset;
            // One that was replaced since stays away.
            if !self.notifications.iter().any(|newer| newer.replaces(&entry)) {
                self.notifications.push_front(Arc::new(entry));
            }
        }
        self.received_from = from.unwrap_or(received_from).min(self.received_from);
    }

    fn insert(&mut self, entry: Entry) {
        if entry.body.is_update() {
            self.insert_value(entry);
        } else {
            let entry = Arc::new(entry);
            match &mut self.arrivals {
                None => self.push(entry),
                Some(arrivals) => {
                    let shown = self.notifications.iter_mut().find(|older| entry.replaces(older));
                    let is_deletion = entry.body.is_deletion();
                    arrivals.push(&entry, self.notifications_max, shown.is_none() && !is_deletion);
                    // One that is deleted stays while it may be read.
                    if let Some(older) = shown
                        && !is_deletion
                    {
                        *older = entry; // in its place, where it is read
                    }
                }
            }
        }
    }

    fn push(&mut self, entry: Arc<Entry>) {
        self.notifications.retain(|older| !entry.replaces(older));
        if !entry.body.is_deletion() {
            self.notifications.push_back(entry);
        }
    }

    fn remove_oldest_notifications(&mut self) {
        while self.notifications.len() > self.notifications_max
            && let Some(oldest) = self.notifications.pop_front()
        {
            self.received_from = oldest.offset + 1;
            self.more = true;
        }
    }

    fn insert_value(&mut self, entry: Entry) {
        let index =
            match self.value_cards.binary_search_by(|value_card| value_card.channel.cmp(&entry.channel)) {
                Ok(index) => index,
                Err(index) => {
                    self.value_cards.insert(index, ValueCard::new(entry.channel.clone()));
                    index
                }
            };
        self.value_cards[index].push(entry);
        if self.value_cards.len() > Snapshot::CHANNELS {
            remove_oldest(&mut self.value_cards, |value_card| {
                value_card.recent.back().map_or(0, |entry| entry.offset)
            });
        }
    }
}

impl Arrivals {
    fn push(&mut self, entry: &Arc<Entry>, max: usize, is_new: bool) {
        let before = self.entries.len();
        self.entries.retain(|older| !entry.replaces(older));
        self.count += usize::from(is_new && self.entries.len() == before);
        self.entries.push_back(entry.clone());
        if self.entries.len() > max
            && let Some(oldest) = self.entries.pop_front()
        {
            self.from = oldest.offset + 1;
        }
    }
}

impl ValueCard {
    fn new(channel: String) -> Self {
        Self { channel, series: Vec::new(), recent: VecDeque::new(), offsets: VecDeque::new() }
    }

    fn push(&mut self, entry: Entry) {
        let Body::Update { value, unit, key } = &entry.body else { return };
        let key = key.as_deref().unwrap_or_default();
        let point = Point { value: *value, timestamp: entry.timestamp, offset: entry.offset };
        let index = match self.series.binary_search_by(|series| series.key.as_str().cmp(key)) {
            Ok(index) => index,
            Err(index) => {
                let points = VecDeque::with_capacity(PLOT_POINTS);
                self.series.insert(index, Series { key: key.to_owned(), unit: None, points });
                index
            }
        };
        self.series[index].unit.clone_from(unit);
        push_bounded(&mut self.series[index].points, point, PLOT_POINTS);
        push_bounded(&mut self.offsets, entry.offset, Snapshot::VALUES);
        push_bounded(&mut self.recent, Arc::new(entry), RECENT_VALUES);
        self.remove_old();
        if self.series.len() > SERIES_MAX {
            remove_oldest(&mut self.series, |series| series.points.back().map_or(0, |point| point.offset));
        }
    }

    fn remove_old(&mut self) {
        let oldest = self.offsets.front().copied().unwrap_or_default();
        for series in &mut self.series {
            while series.points.front().is_some_and(|point| point.offset < oldest) {
                series.points.pop_front();
            }
        }
        self.series.retain(|series| !series.points.is_empty());
    }
}

fn push_bounded<T>(queue: &mut VecDeque<T>, value: T, bound: usize) {
    if queue.len() == bound {
        queue.pop_front();
    }
    queue.push_back(value);
}

/// Removes the item with the lowest offset.
fn remove_oldest<T>(list: &mut Vec<T>, newest: impl Fn(&T) -> Offset) {
    if let Some(index) = (0..list.len()).min_by_key(|index| newest(&list[*index])) {
        list.remove(index);
    }
}

/// The points of a plot in a box of `width` by `height`, in the form of the `points` of an SVG polyline. However few
/// there are, they have all of the width; a single one is drawn twice, because a line has two ends.
pub fn plot_points(points: &VecDeque<Point>, width: f64, height: f64) -> String {
    let (low, high) = points.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), point| {
        (low.min(point.value), high.max(point.value))
    });
    // A flat series lies in the middle: scaled up it would show noise.
    let (low, span) = if high - low > 0.0 { (low, high - low) } else { (low - 0.5, 1.0) };
    let last = points.len().saturating_sub(1);
    let position = |(index, point): (usize, &Point)| {
        let x = if last == 0 { width } else { index as f64 * width / last as f64 };
        let y = height - (point.value - low) / span * height;
        format!("{},{}", decimal(x, 1), decimal(y, 1))
    };
    let single = points.iter().filter(|_| last == 0);
    points.iter().chain(single).enumerate().map(position).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
