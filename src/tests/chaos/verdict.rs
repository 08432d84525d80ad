//! The verdict: everything that was received and acknowledged must fit one log.

use std::collections::{HashMap, HashSet};

use super::{
    reader::Segment,
    topic::{Seen, Topic},
    writer::Acknowledged,
};

/// A topic's entries by offset, collected from its pages and all its readers.
#[derive(Default)]
pub(super) struct Log(HashMap<u64, String>);

impl Log {
    /// Adds received entries. `Err` if another one was received at the same offset.
    pub(super) fn add(&mut self, entries: &[Seen]) -> Result<(), String> {
        for Seen { offset, id } in entries {
            let known = self.0.entry(*offset).or_insert_with(|| id.clone());
            if known != id {
                return Err(format!("at {offset} one reader saw {id}, another {known}"));
            }
        }
        Ok(())
    }

    /// Checks that each id has one offset.
    pub(super) fn expect_no_doubles(&self) -> Result<(), String> {
        let mut ids = HashSet::new();
        match self.0.iter().find(|(_, id)| !ids.insert(*id)) {
            Some((offset, id)) => Err(format!("{id} is in the log twice, once at {offset}")),
            None => Ok(()),
        }
    }

    /// Checks that every received entry is in the log itself, if it is retained, and that none lies beyond the end.
    pub(super) fn expect_durable(&self, retained: &[Seen], end: u64) -> Result<(), String> {
        let durable: HashMap<u64, &String> = retained.iter().map(|seen| (seen.offset, &seen.id)).collect();
        let oldest = durable.keys().min().copied().unwrap_or(end + 1);
        let lost = |(offset, id): &(&u64, &String)| {
            **offset > end || (**offset >= oldest && durable.get(offset) != Some(id))
        };
        match self.0.iter().find(lost) {
            Some((offset, id)) => Err(format!("{id} was seen at {offset}, and the log does not have it")),
            None => Ok(()),
        }
    }

    /// Checks that an acknowledged post is at its acknowledged offset.
    pub(super) fn expect_post(&self, post: &Acknowledged) -> Result<(), String> {
        match self.0.get(&post.offset) {
            Some(id) if *id == post.id => Ok(()),
            Some(id) => Err(format!("{} was acknowledged at {}, where {id} is", post.id, post.offset)),
            None => {
                Err(format!("{} was acknowledged at {}, where nobody saw anything", post.id, post.offset))
            }
        }
    }
}

/// Checks that a reader's segments follow each other, and that the last one reaches the end of the log.
pub(super) fn expect_complete(segments: &[Segment], end: u64) -> Result<(), String> {
    for Segment { after, entries } in segments {
        let offsets = entries.iter().map(|seen| seen.offset);
        if !offsets.eq(after + 1..=after + entries.len() as u64) {
            return Err(format!("what was read after {after} has holes"));
        }
    }
    let last = segments.last().map_or(0, |segment| segment.after + segment.entries.len() as u64);
    if last == end { Ok(()) } else { Err(format!("a reader ended at {last}, the log at {end}")) }
}

/// Checks that each reset was needed: no entry between the reader's position and the reset's cursor is retained,
/// neither now nor at that time.
pub(super) fn expect_needed_resets(segments: &[Segment], retained: &[Seen]) -> Result<(), String> {
    for (before, after) in segments.iter().zip(segments.iter().skip(1)) {
        let seen = before.after + before.entries.len() as u64;
        if after.after <= seen {
            return Err(format!("a reset to {} although {seen} was read", after.after));
        }
        let is_skipped = |entry: &&Seen| (seen + 1..=after.after).contains(&entry.offset);
        if let Some(skipped) = retained.iter().find(is_skipped) {
            let to = after.after;
            return Err(format!("a reset from {seen} to {to} although {} is still there", skipped.offset));
        }
    }
    Ok(())
}

#[test]
fn a_reset_that_skips_what_is_retained_is_needless() {
    let seen = |offset: u64| Seen { offset, id: offset.to_string() };
    let segment =
        |after: u64, count: u64| Segment { after, entries: (1..=count).map(|n| seen(after + n)).collect() };
    let reset =
        |to: u64| expect_needed_resets(&[segment(0, 3), segment(to, 1)], &[seen(8), seen(9), seen(10)]);
    reset(7).expect("4 to 7 are gone");
    reset(5).expect("told before 6 and 7 went");
    assert!(reset(8).is_err(), "8 is retained and was skipped");
    assert!(reset(3).is_err(), "nothing is between");
    expect_needed_resets(&[segment(0, 3)], &[seen(1)]).expect("none was told");
}

/// The logs by topic.
pub(super) type Logs = HashMap<Topic, Log>;
