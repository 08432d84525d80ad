//! The index of the search: what it holds of an entry, what is looked for in it, and what is found. A store keeps it in the
//! transaction that appends, changes or removes the entry, so it is never behind the log and nothing deleted stays in it.
//!
//! The store knows no rule of its own: the receiver of its announcements says what is found of an entry
//! ([`super::Announce::document`]).

use std::{fmt, str::FromStr};

use super::{Channels, Record, TopicName};
use crate::{protocol::cursor::Offset, server::words::Pattern};

/// The search document of an entry: its words and facets, by which it is found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// Its words, in order (`server::words`).
    pub words: Vec<String>,
    /// Its facets.
    pub facets: Vec<String>,
    /// Set if it takes earlier entries of its topic out of the index: those with this facet. It is then not found itself.
    pub removes: Option<String>,
}

/// A search: the pattern and the bounds of the entries to find.
#[derive(Clone, Debug)]
pub struct Search {
    /// The pattern that an entry must match.
    pub pattern: Pattern,
    /// Only in these topics; the others are as if they were empty.
    pub topics: Vec<TopicName>,
    /// Only in these channels, of entries that have one.
    pub channels: Channels,
    /// Only entries from this time on, in milliseconds since the Unix epoch.
    pub from_ms: Option<i64>,
    /// Only entries before this time.
    pub until_ms: Option<i64>,
    /// Only entries that stand before this place: the last one that was seen.
    pub before: Option<Place>,
    /// Entries at most.
    pub limit: usize,
}

/// An entry that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Its place.
    pub place: Place,
    /// The entry as it is stored now.
    pub record: Record,
}

/// The place of an entry in the order of what is found, which is that of the time. Its text form is for cursors, and means
/// nothing to who reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The time, and within a millisecond some order.
    pub(super) order: i64,
    /// The topic's row.
    pub(super) topic: i64,
    pub(super) offset: Offset,
}

/// Places within a millisecond.
const PLACES_OF_MS: i64 = 256;

impl Place {
    /// The first order of a time.
    pub(super) fn order_of(ms: i64) -> i64 {
        ms.saturating_mul(PLACES_OF_MS)
    }

    /// The order of an entry: entries of one topic and one millisecond keep theirs, mostly.
    pub(super) fn order_at(ms: i64, offset: Offset) -> i64 {
        Self::order_of(ms).saturating_add((offset % PLACES_OF_MS as u64) as i64)
    }
}

impl Search {
    /// The orders that are searched: from the first on, and before the second.
    pub(super) fn orders(&self) -> (i64, i64) {
        let from = self.from_ms.map_or(i64::MIN, Place::order_of);
        (from, self.until_ms.map_or(i64::MAX, Place::order_of))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.order, self.topic, self.offset)
    }
}

impl FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.split('.');
        let mut next = || parts.next().and_then(|part| part.parse().ok()).ok_or(());
        let (order, topic, offset) = (next()?, next()?, next()?);
        match parts.next() {
            None => Ok(Self { order, topic, offset: Offset::try_from(offset).map_err(drop)? }),
            Some(_) => Err(()),
        }
    }
}

/// Entries that one step of indexing reads: few enough that posts do not wait for long behind it.
pub(super) const STEP_ENTRIES: usize = 200;

/// The progress of the index after a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IndexProgress {
    /// Entries that the step read.
    pub indexed: u64,
    /// Entries that are left, of all topics; 0 once all are found.
    pub left: u64,
}
