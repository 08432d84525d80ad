//! The values of a channel over a time, drawn together to as many points as a chart shows: of each point the lowest, the
//! highest and the mean value. The API of charts calls it, and the page of a channel for its table.
//!
//! It reads the log backwards, because a clock that was corrected leaves no other order, and never more than [`READ_MAX`]
//! entries.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::Feed;
use crate::{
    protocol::{
        cursor::Cursor,
        feed::{Body, Entry},
    },
    server::{auth::Identity, error::Error, log::hub::PageQuery, store::Channels},
};

/// The most entries that one answer reads: a day of four values every seven seconds. Reading them takes a fraction of a
/// second.
const READ_MAX: usize = 50_000;
/// Entries of one read, between which other tasks have their turn.
const PER_READ: usize = 500;
/// The most keys of an answer, those with the newest values: more lines than a chart can show apart.
const SERIES_MAX: usize = 24;

/// The values that are asked for.
#[derive(Clone, Copy, Debug)]
pub struct RangeQuery {
    /// Those from this time on, in milliseconds since the Unix epoch. `None`: all that are kept.
    pub from: Option<i64>,
    /// Those up to this time.
    pub to: i64,
    /// The most points of the answer.
    pub points: usize,
}

/// The values of a channel over a time. The lists of all series are as long as `times`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ValueRange {
    /// The times of the points, ascending: of each the time of its newest value.
    pub times: Vec<i64>,
    /// The series, by key.
    pub series: Vec<RangeSeries>,
    /// There are older values in this time, more than one answer reads.
    pub cut: bool,
    /// The cursor from which to follow the channel.
    pub cursor: Cursor,
}

/// The values of one key. `null` where a point has none.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RangeSeries {
    /// The key; empty for values without one.
    pub key: String,
    /// The unit of the newest value.
    pub unit: Option<String>,
    /// The lowest value of each point.
    pub min: Vec<Option<f64>>,
    /// The highest.
    pub max: Vec<Option<f64>>,
    /// The mean.
    pub mean: Vec<Option<f64>>,
}

impl Feed {
    /// The values of a channel, if `who` may read it; of another one there are none.
    pub async fn values(
        &self,
        who: Option<&Identity>,
        channel: &str,
        range: RangeQuery,
    ) -> Result<ValueRange, Error> {
        let channels = Channels::of(Some(channel));
        let (mut read, mut head, mut cut) = (Values::default(), None, true);
        let mut query = PageQuery::Newest;
        for _ in 0..READ_MAX / PER_READ {
            let page = self.page(query, who, channels.clone(), PER_READ).await?;
            let entries: Vec<Entry> = page.decode()?;
            head.get_or_insert_with(|| page.cursor.clone());
            let oldest = entries.first().map(|entry| entry.offset);
            let is_before = |entry: &Entry| range.from.is_some_and(|from| entry.timestamp < from);
            let is_over = entries.iter().all(is_before);
            entries.into_iter().rev().for_each(|entry| read.add(entry, range));
            let Some(offset) = oldest.filter(|_| page.more && !is_over) else {
                cut = false;
                break;
            };
            query = PageQuery::Before(Cursor { offset, ..page.cursor });
        }
        let cursor = head.expect("there is at least one read");
        Ok(read.drawn_together(range, cut, cursor))
    }
}

/// The values that were read, newest first.
#[derive(Default)]
struct Values {
    series: Vec<RangeSeries>,
    /// The index of the series, the time and the value of each.
    values: Vec<(usize, i64, f64)>,
}

impl Values {
    fn add(&mut self, entry: Entry, range: RangeQuery) {
        let Body::Update { value, unit, key } = entry.body else { return };
        if entry.timestamp > range.to || range.from.is_some_and(|from| entry.timestamp < from) {
            return;
        }
        let key = key.unwrap_or_default();
        let index = match self.series.iter().position(|series| series.key == key) {
            Some(index) => index,
            None if self.series.len() == SERIES_MAX => return,
            None => {
                self.series.push(RangeSeries { key, unit, ..RangeSeries::default() });
                self.series.len() - 1
            }
        };
        self.values.push((index, entry.timestamp, value));
    }

    fn drawn_together(mut self, range: RangeQuery, cut: bool, cursor: Cursor) -> ValueRange {
        let oldest = self.values.iter().map(|(_, time, _)| *time).min().unwrap_or(range.to);
        let from = range.from.unwrap_or(oldest);
        let own: BTreeSet<i64> = self.values.iter().map(|(_, time, _)| *time).collect();
        let width = match own.len() <= range.points {
            true => 1, // each value as it is
            // Rounded up, so that there is no point more than asked for.
            false => ((range.to - from + 1) as u64).div_ceil(range.points as u64),
        };
        let mut points = BTreeMap::<u64, (i64, Vec<Point>)>::new();
        for (series, time, value) in self.values {
            let at = (time - from) as u64 / width;
            let (newest, point) =
                points.entry(at).or_insert_with(|| (time, vec![Point::default(); self.series.len()]));
            *newest = time.max(*newest);
            point[series].add(value);
        }
        let mut times = Vec::with_capacity(points.len());
        for (time, point) in points.into_values() {
            times.push(time);
            for (series, point) in self.series.iter_mut().zip(point) {
                series.min.push(point.has_any().then_some(point.min));
                series.max.push(point.has_any().then_some(point.max));
                series.mean.push(point.has_any().then_some(point.mean));
            }
        }
        self.series.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        ValueRange { times, series: self.series, cut, cursor }
    }
}

/// The values of one series at one point.
#[derive(Clone, Copy, Default)]
struct Point {
    count: u32,
    min: f64,
    max: f64,
    mean: f64,
}

impl Point {
    fn has_any(self) -> bool {
        self.count > 0
    }

    fn add(&mut self, value: f64) {
        self.count += 1;
        if self.count == 1 {
            (self.min, self.max, self.mean) = (value, value, value);
            return;
        }
        (self.min, self.max) = (self.min.min(value), self.max.max(value));
        // Two quotients, because a difference of the largest numbers is none.
        let count = f64::from(self.count);
        self.mean = self.mean * ((count - 1.0) / count) + value / count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(values: &[(&str, i64, f64)], from: Option<i64>, to: i64, points: usize) -> ValueRange {
        let range = RangeQuery { from, to, points };
        let mut read = Values::default();
        for (key, timestamp, value) in values {
            let body = Body::Update { value: *value, unit: Some("%".into()), key: Some((*key).into()) };
            read.add(Entry { body, channel: "a".into(), offset: 1, timestamp: *timestamp }, range);
        }
        read.drawn_together(range, false, "e:9".parse().expect("a cursor"))
    }

    #[test]
    fn of_each_point_the_lowest_the_highest_and_the_mean_are_told() {
        let values = [("a", 95, 4.0), ("b", 91, 7.0), ("a", 12, 3.0), ("a", 11, -3.0)];
        let found = drawn(&values, Some(0), 99, 3);
        assert_eq!(found.times, [12, 95]);
        let [a, b] = &found.series[..] else { panic!("{found:?}") };
        assert_eq!((&*a.key, a.unit.as_deref()), ("a", Some("%")));
        assert_eq!((&a.min[..], &a.max[..]), (&[Some(-3.0), Some(4.0)][..], &[Some(3.0), Some(4.0)][..]));
        assert_eq!(a.mean, [Some(0.0), Some(4.0)]);
        assert_eq!(b.mean, [None, Some(7.0)], "of the other key there is none");
        assert_eq!(
            drawn(&values, Some(0), 99, 4).times,
            [11, 12, 91, 95],
            "as they are, where there is room"
        );
    }

    #[test]
    fn there_are_never_more_points_than_asked_for_and_none_outside_of_the_time() {
        let all: Vec<_> = (0..1_000).rev().map(|time| ("a", time, time as f64)).collect();
        for points in [2, 7, 300, 2_000] {
            let found = drawn(&all, None, 999, points);
            assert!(found.times.len() <= points.min(1_000), "{points}: {}", found.times.len());
            assert_eq!(found.series[0].min[0], Some(0.0));
            assert_eq!(found.series[0].max.last(), Some(&Some(999.0)));
        }
        assert_eq!(drawn(&all, Some(10), 12, 300).times, [10, 11, 12]);
        assert!(drawn(&[], None, 12, 300).times.is_empty());
    }

    #[test]
    fn the_largest_numbers_have_a_mean() {
        let found = drawn(&[("a", 2, f64::MAX), ("a", 1, -f64::MAX)], Some(0), 9, 1);
        assert_eq!(found.series[0].mean, [Some(0.0)]);
    }
}
