//! The feed as a page shows it: a tile for each channel with values, and a list of everything else.
//!
//! Values go to their tile, so a chatty channel never pushes a notice off the page.

use std::{collections::VecDeque, sync::Arc};

use super::number::decimal;
use crate::protocol::{
    cursor::{Cursor, Offset},
    feed::{Body, Control, Entry, Event, Snapshot},
};

/// Values a tile lists.
pub const RECENT_VALUES: usize = 10;
/// Notices a page starts with and keeps; "show more" raises it.
pub const NOTICES_SHOWN: usize = 10;
/// Points of a plot.
const PLOT_POINTS: usize = 60;
/// Series in a tile; above it the one that was silent the longest goes.
const SERIES_MAX: usize = 12;

/// A value of a series.
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
    /// Empty for values without a key.
    pub key: String,
    /// Of the newest value.
    pub unit: Option<String>,
    /// Oldest first, at least one.
    pub points: VecDeque<Point>,
}

impl Series {
    /// The newest value.
    pub fn latest(&self) -> Option<Point> {
        self.points.back().copied()
    }
}

/// The values of one channel.
#[derive(Clone, Debug, PartialEq)]
pub struct ValueCard {
    /// The channel's name.
    pub channel: String,
    /// By key, so that they keep their places.
    pub series: Vec<Series>,
    /// The newest [`RECENT_VALUES`] of all series, newest last.
    pub recent: VecDeque<Arc<Entry>>,
    /// Where the newest [`Snapshot::VALUES`] of all series are: what is older leaves the page, as it is not on one
    /// that is loaded now.
    offsets: VecDeque<Offset>,
}

/// See the module.
#[derive(Clone, Debug, PartialEq)]
pub struct FeedModel {
    cursor: Cursor,
    /// The newest offset that the connection in use has told; `None` until it has.
    head: Option<Offset>,
    value_cards: Vec<ValueCard>,
    notices: VecDeque<Arc<Entry>>,
    notices_kept: usize,
    /// Every notice from here on was seen: it is shown, or was replaced by a newer one.
    seen_from: Offset,
    /// Older notices can be asked for.
    pub more: bool,
}

impl FeedModel {
    /// The page as the server rendered it.
    pub fn new(snapshot: Snapshot) -> Self {
        let Snapshot { cursor, values, notices, more } = snapshot;
        let seen_from = notices.first().map_or(cursor.offset + 1, |entry| entry.offset);
        let (value_cards, shown) = (Vec::new(), VecDeque::new());
        let head = None;
        let mut model =
            Self { cursor, head, value_cards, notices: shown, notices_kept: NOTICES_SHOWN, seen_from, more };
        values.into_iter().chain(notices).for_each(|entry| model.place(entry));
        model
    }

    /// Everything up to here is on the page.
    pub fn cursor(&self) -> &Cursor {
        &self.cursor
    }

    /// A connection is open; where the feed's end is, it will say.
    pub fn reconnect(&mut self) {
        self.head = None;
    }

    /// Whether everything that the connection in use told of is on the page.
    pub fn is_caught_up(&self) -> bool {
        self.head.is_some_and(|head| self.cursor.offset >= head)
    }

    /// The tiles, by name, so that they keep their places.
    pub fn value_cards(&self) -> &[ValueCard] {
        &self.value_cards
    }

    /// The tile of a channel.
    pub fn value_card(&self, channel: &str) -> Option<&ValueCard> {
        self.value_cards.iter().find(|value_card| value_card.channel == channel)
    }

    /// Everything that is not a value, oldest first.
    pub fn notices(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.notices.iter()
    }

    /// Takes an event of the stream.
    pub fn apply(&mut self, event: Event) {
        match event {
            Event::Control(Control::Connected { head, .. }) => self.head = Some(head),
            Event::Control(Control::Reset { cursor, .. }) => {
                self.value_cards.clear();
                self.notices.clear();
                self.seen_from = cursor.offset + 1;
                self.cursor = cursor;
            }
            // A stream that starts again may repeat what came before its cursor was known.
            Event::Entry(entry) if entry.offset <= self.cursor.offset => {}
            Event::Entry(entry) => {
                self.cursor.offset = entry.offset;
                self.place(entry);
                while self.notices.len() > self.notices_kept
                    && let Some(oldest) = self.notices.pop_front()
                {
                    self.seen_from = oldest.offset + 1;
                    self.more = true;
                }
            }
        }
    }

    /// Makes room for a page of `limit` older notices and returns the cursor before which to ask for them.
    pub fn ask_older(&mut self, limit: usize) -> Cursor {
        // Now, not when they come: a notice that comes meanwhile must not push out the one they join.
        self.notices_kept = self.notices.len().max(self.notices_kept) + limit;
        Cursor { epoch: self.cursor.epoch.clone(), offset: self.seen_from }
    }

    /// Puts a page of older notices (ascending) above the others.
    pub fn prepend(&mut self, older: Vec<Entry>, more: bool) {
        self.more = more;
        let seen_from = self.seen_from;
        for entry in older.into_iter().rev().filter(|entry| entry.offset < seen_from) {
            self.seen_from = entry.offset;
            // One that was replaced since is not news any more.
            if !self.notices.iter().any(|newer| newer.replaces(&entry)) {
                self.notices.push_front(Arc::new(entry));
            }
        }
    }

    fn place(&mut self, entry: Entry) {
        if entry.body.is_update() {
            self.place_value(entry);
        } else {
            self.notices.retain(|older| !entry.replaces(older));
            self.notices.push_back(Arc::new(entry));
        }
    }

    fn place_value(&mut self, entry: Entry) {
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
            remove_least(&mut self.value_cards, |value_card| {
                value_card.recent.back().map_or(0, |entry| entry.offset)
            });
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
        self.forget_old();
        if self.series.len() > SERIES_MAX {
            remove_least(&mut self.series, |series| series.points.back().map_or(0, |point| point.offset));
        }
    }

    fn forget_old(&mut self) {
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

fn remove_least<T>(list: &mut Vec<T>, age: impl Fn(&T) -> Offset) {
    if let Some(index) = (0..list.len()).min_by_key(|index| age(&list[*index])) {
        list.remove(index);
    }
}

/// Where the points of a plot lie in a box of `width` by `height`, as the `points` of an SVG polyline.
pub fn plot_points(points: &VecDeque<Point>, width: f64, height: f64) -> String {
    let (low, high) = points.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), point| {
        (low.min(point.value), high.max(point.value))
    });
    // A flat series lies in the middle instead of being blown up to noise.
    let (low, span) = if high - low > 0.0 { (low, high - low) } else { (low - 0.5, 1.0) };
    let step = width / (PLOT_POINTS - 1) as f64;
    let first = PLOT_POINTS - points.len();
    let place = |(index, point): (usize, &Point)| {
        let x = (first + index) as f64 * step;
        let y = height - (point.value - low) / span * height;
        format!("{},{}", decimal(x, 1), decimal(y, 1))
    };
    points.iter().enumerate().map(place).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
