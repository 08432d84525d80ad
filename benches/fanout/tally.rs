//! Counters of the load: readers and callers write them, the rows read them.

use std::{collections::HashMap, time::Duration};

use super::{delays::Delays, http::Answer, stamp};

#[derive(Default)]
pub(crate) struct Tally {
    /// Entries received, over all readers.
    pub(crate) deliveries: u64,
    /// Reads that returned entries: fewer than the deliveries if one write had several.
    pub(crate) reads: u64,
    /// Time from the post to each delivery.
    pub(crate) delays: Delays,
    /// Readers that follow their room now.
    pub(crate) live: usize,
    /// Requests that were answered successfully.
    pub(crate) answers: u64,
    pub(crate) answer_bytes: u64,
    /// Time from the request to its answer.
    pub(crate) answer_delays: Delays,
    /// The newest acknowledged offset of each room.
    pub(crate) heads: HashMap<String, u64>,
}

impl Tally {
    pub(crate) fn note_delivery(&mut self, posted: u64, now: u64) {
        self.deliveries += 1;
        self.delays.note_us(now.saturating_sub(posted) / 1_000);
    }

    pub(crate) fn note_answer(&mut self, answer: &Answer, delay: Duration) -> Result<(), String> {
        if !matches!(answer.status, 200 | 201) {
            let body = String::from_utf8_lossy(&answer.body);
            return Err(format!("a request was answered {}: {body}", answer.status));
        }
        self.answers += 1;
        self.answer_bytes += answer.body.len() as u64;
        self.answer_delays.note(delay);
        if answer.status == 201 {
            self.note_stored(&answer.body).ok_or("a post was not answered with its entry")?;
        }
        Ok(())
    }

    /// Records an acknowledgement, which names the room and the offset.
    pub(crate) fn note_stored(&mut self, entry: &[u8]) -> Option<()> {
        let room = stamp::after(entry, br#""room":""#)?.split(|byte| *byte == b'"').next()?;
        let offset = stamp::number(stamp::after(entry, br#""offset":"#)?);
        let room = String::from_utf8_lossy(room);
        match self.heads.get_mut(room.as_ref()) {
            Some(head) => *head = offset.max(*head),
            None => drop(self.heads.insert(room.into_owned(), offset)),
        }
        Some(())
    }

    /// Clears the durations, so that only later ones are measured.
    pub(crate) fn begin_window(&mut self) {
        self.delays.clear();
        self.answer_delays.clear();
        self.answer_bytes = 0;
    }
}
