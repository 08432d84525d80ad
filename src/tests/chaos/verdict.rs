//! The verdict: everything that was received and acknowledged must fit one log.

use std::collections::{HashMap, HashSet};

use super::{
    change::Folded,
    reader::Segment,
    topic::{Seen, Topic},
    writer::Acknowledged,
};

/// A topic's entries by offset, collected from its pages and all its readers.
#[derive(Default)]
pub(super) struct Log(HashMap<u64, Seen>);

impl Log {
    /// Adds received entries. `Err` if another one was received at the same offset.
    pub(super) fn add(&mut self, entries: &[Seen]) -> Result<(), String> {
        for seen in entries {
            let offset = &seen.offset;
            let known = self.0.entry(*offset).or_insert_with(|| seen.clone());
            if known != seen {
                return Err(format!("at {offset} one reader saw {seen:?}, another {known:?}"));
            }
        }
        Ok(())
    }

    /// Checks that each id has one offset.
    pub(super) fn expect_no_doubles(&self) -> Result<(), String> {
        let mut ids = HashSet::new();
        match self.0.values().find(|seen| !ids.insert(&seen.id)) {
            Some(Seen { offset, id, .. }) => Err(format!("{id} is in the log twice, once at {offset}")),
            None => Ok(()),
        }
    }

    /// Checks that every received entry is in the log itself, if it is retained, and that none lies beyond the end. Changes
    /// go before the messages around them.
    pub(super) fn expect_durable(&self, retained: &[Seen], end: u64) -> Result<(), String> {
        let durable: HashMap<u64, &Seen> = retained.iter().map(|seen| (seen.offset, seen)).collect();
        let oldest = |is_change: bool| {
            let kept = retained.iter().filter(|seen| seen.is_change == is_change).map(|seen| seen.offset);
            kept.min().unwrap_or(end + 1)
        };
        let oldest = [oldest(false), oldest(true)];
        let lost = |seen: &&Seen| {
            let oldest = oldest[usize::from(seen.is_change)];
            seen.offset > end || (seen.offset >= oldest && durable.get(&seen.offset) != Some(seen))
        };
        match self.0.values().find(lost) {
            Some(seen) => Err(format!("{seen:?} was seen, and the log does not have it")),
            None => Ok(()),
        }
    }

    /// Checks that an acknowledged post is at its acknowledged offset.
    pub(super) fn expect_post(&self, post: &Acknowledged) -> Result<(), String> {
        match self.0.get(&post.offset) {
            Some(seen) if seen.id == post.sent.id => Ok(()),
            seen => Err(format!("{:?} was acknowledged at {}, where {seen:?} is", post.sent, post.offset)),
        }
    }
}

/// Checks that a reader's segments follow each other, and that the last one reaches the end of the log.
pub(super) fn expect_complete(segments: &[Segment], end: u64) -> Result<(), String> {
    for Segment { after, loss, entries } in segments {
        let mut last = *after;
        for Seen { offset, .. } in entries {
            if *offset <= last || *offset > last.max(*loss) + 1 {
                return Err(format!(
                    "{offset} came after {last}, of a reset to {after} for a loss up to {loss}"
                ));
            }
            last = *offset;
        }
    }
    let last = segments.last().map_or(0, Segment::last);
    if last == end { Ok(()) } else { Err(format!("a reader ended at {last}, the log at {end}")) }
}

/// Checks that each reset was needed: no entry between the reader's position and the reset's cursor is retained,
/// neither now nor at that time.
pub(super) fn expect_needed_resets(segments: &[Segment], retained: &[Seen]) -> Result<(), String> {
    for (before, after) in segments.iter().zip(segments.iter().skip(1)) {
        let seen = before.last();
        if after.after < seen || after.loss <= seen {
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
    let seen = |offset: u64| Seen { offset, id: offset.to_string(), is_change: false };
    let segment = |after: u64, count: u64| Segment {
        after,
        loss: after,
        entries: (1..=count).map(|n| seen(after + n)).collect(),
    };
    let reset =
        |to: u64| expect_needed_resets(&[segment(0, 3), segment(to, 1)], &[seen(8), seen(9), seen(10)]);
    reset(7).expect("4 to 7 are gone");
    reset(5).expect("told before 6 and 7 went");
    assert!(reset(8).is_err(), "8 is retained and was skipped");
    assert!(reset(3).is_err(), "nothing is between");
    expect_needed_resets(&[segment(0, 3)], &[seen(1)]).expect("none was told");
}

/// Checks that a reader's messages are those of the store, and that none is missing since its last reset. Returns how many
/// were compared.
pub(super) fn expect_same_fold(folded: &Folded, stored: &Folded, since: u64) -> Result<u64, String> {
    let mut compared = 0;
    for (offset, stored) in stored.range(since + 1..) {
        let Some(folded) = folded.get(offset) else {
            return Err(format!("a reader lacks the message {offset}"));
        };
        if folded != stored {
            return Err(format!("a reader has {folded}, and the store {stored}"));
        }
        compared += 1;
    }
    Ok(compared)
}

/// The logs by topic.
pub(super) type Logs = HashMap<Topic, Log>;
