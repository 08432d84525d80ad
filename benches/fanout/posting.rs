//! Posts at a steady rate, in bursts, or as fast as the readers follow, and counts the entries that every reader must
//! have in the end.

use std::time::{Duration, Instant};

use super::{Fault, crowd::Crowd, frames, http, stamp};

/// Connections that post: more than any row has in flight.
pub(crate) const CALLERS: usize = 64;
/// Limit for the last entries to reach their readers.
const DRAIN_MAX: Duration = Duration::from_secs(20);

#[derive(Clone, Copy)]
pub(crate) enum Pace {
    /// `rate` messages per second, sent `burst` at a time.
    Rate { rate: f64, burst: u64 },
    /// This number of messages in flight: posted and not yet delivered to all readers.
    Window(u64),
}

/// The senders of the posts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// The readers, over their sockets, as in a real room.
    Readers,
    /// Other connections, over HTTP.
    Callers,
}

pub(crate) struct Posting {
    by: By,
    pace: Pace,
    token: String,
    size: usize,
    rooms: Vec<String>,
    began: Instant,
    posted: u64,
    /// Number of deliveries that all posts so far lead to.
    expected: u64,
}

impl Posting {
    pub(crate) fn new(by: By, pace: Pace, token: String, size: usize, rooms: Vec<String>) -> Self {
        Self { by, pace, token, size, rooms, began: Instant::now(), posted: 0, expected: 0 }
    }

    /// Posts for this time.
    pub(crate) fn run(&mut self, crowd: &mut Crowd, time: Duration) -> Result<(), Fault> {
        if self.posted == 0 {
            self.began = Instant::now();
        }
        let until = Instant::now() + time;
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            let due = match self.by {
                By::Readers => self.due(crowd),
                By::Callers => self.due(crowd).min(crowd.callers.idle() as u64),
            };
            (0..due).try_for_each(|_| self.post(crowd))?;
            crowd.turn(left.min(self.next_in()))?;
        }
        Ok(())
    }

    /// Number of messages to post now.
    fn due(&self, crowd: &Crowd) -> u64 {
        match self.pace {
            Pace::Rate { rate, burst } => {
                let bursts = (self.began.elapsed().as_secs_f64() * rate / burst as f64) as u64 + 1;
                (bursts * burst).saturating_sub(self.posted)
            }
            Pace::Window(messages) => {
                let readers = crowd.readers.len() as u64 / self.rooms.len() as u64;
                let missing = (self.expected - crowd.tally.deliveries).div_ceil(readers);
                messages.saturating_sub(missing)
            }
        }
    }

    fn next_in(&self) -> Duration {
        match self.pace {
            Pace::Rate { rate, .. } => {
                let due = Duration::from_secs_f64(self.posted as f64 / rate);
                due.saturating_sub(self.began.elapsed())
            }
            Pace::Window(_) => Duration::from_millis(10), // a delivery comes long before
        }
    }

    fn post(&mut self, crowd: &mut Crowd) -> Result<(), Fault> {
        let index = (self.posted % self.rooms.len() as u64) as usize;
        let text = stamp::text(self.size);
        let room = &self.rooms[index];
        match self.by {
            By::Callers => crowd.callers.ask(&message(room, &self.token, self.posted, &text))?,
            // The readers of a room are every n-th one; they post in turn.
            By::Readers => {
                let turn =
                    (self.posted as usize / self.rooms.len()) % (crowd.readers.len() / self.rooms.len());
                let body = body(self.posted, &text);
                let frame = format!(r#"{{"type":"post","room":"{room}",{body}}}"#);
                let reader = &mut crowd.readers[index + turn * self.rooms.len()];
                reader
                    .write(&frames::masked(frames::TEXT, frame.as_bytes()))
                    .map_err(|_| "a reader could not post")?;
            }
        }
        self.posted += 1;
        self.expected += crowd.readers.iter().skip(index).step_by(self.rooms.len()).len() as u64;
        Ok(())
    }

    /// Number of messages that are due and not posted, because the server or a busy machine does not keep up.
    pub(crate) fn behind(&self, crowd: &Crowd) -> u64 {
        match self.pace {
            Pace::Rate { burst, .. } => self.due(crowd).saturating_sub(burst),
            Pace::Window(_) => 0,
        }
    }

    /// Waits until every reader has every entry: none missing, none twice, in order.
    pub(crate) fn finish(&self, crowd: &mut Crowd) -> Result<(), Fault> {
        let until = Instant::now() + DRAIN_MAX;
        while crowd.callers.busy() > 0 || crowd.tally.deliveries < self.expected {
            crowd.turn(Duration::from_millis(10))?;
            if Instant::now() > until {
                let missing = self.expected - crowd.tally.deliveries;
                return Err(format!("{missing} of {} deliveries are missing", self.expected).into());
            }
        }
        // Each reader has checked the offsets of all entries, so its last one proves that it has them all.
        let head_of = |room: &str| crowd.tally.heads.get(room).copied().unwrap_or_default();
        match crowd.readers.iter().find(|reader| reader.offset != head_of(&reader.room)) {
            None => Ok(()),
            Some(reader) => Err(format!("a reader of {} ends at {}", reader.room, reader.offset).into()),
        }
    }
}

/// A request that posts a message; `number` determines its id.
pub(crate) fn message(room: &str, token: &str, number: u64, text: &str) -> String {
    http::post(&format!("/api/rooms/{room}/messages"), token, &format!("{{{}}}", body(number, text)))
}

fn body(number: u64, text: &str) -> String {
    format!(r#""id":"00000000-0000-4000-8000-{number:012x}","text":"{text}""#)
}
