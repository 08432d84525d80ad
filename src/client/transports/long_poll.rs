//! A topic by polls: each request asks for the entries after the last answer's cursor. A long poll waits for them at
//! the server. A brief poll is answered at once and repeated every few seconds, for tabs that may keep no connection
//! open.

use gloo_timers::future::TimeoutFuture;
use serde::Deserialize;

use super::{EventSink, Report, TransportEvent, TransportHandle};
use crate::client::{
    dom::fetch::{self, Abort, Signal},
    executor::spawn_local,
};

/// The wait that a long poll asks for: shorter than the silence that counts as a lost connection.
const WAIT_S: u32 = 15;
/// For an answer at once, and for the network.
const ANSWER_MS: u32 = 10_000;
/// The status of a rate limit (RFC 6585, section 4).
const TOO_MANY_REQUESTS: u16 = 429;
/// Between two brief polls, and after a rejection: long enough for the rate limit to have refilled by some.
const PAUSE_MS: u32 = 2_500;

/// The two ways to poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// Waits at the server.
    Long,
    /// Is answered at once, and repeated after a pause.
    Brief,
}

impl Pace {
    /// The value of the query's `wait`, in seconds.
    pub(crate) fn wait_s(self) -> u32 {
        if self == Self::Long { WAIT_S } else { 0 }
    }
}

/// A log that is read by polls: the addresses to request, and the meaning of the answers.
pub(crate) trait PollSource {
    /// A frame of the chat, or an event of the feed.
    type Data;

    /// The address of the next request, which asks the server to wait for `wait_s` seconds at most.
    fn url(&self, wait_s: u32) -> String;

    /// Reads an answer and moves the cursor. Returns the data, and whether more of them can be had at once. `None`: the
    /// answer cannot be read.
    fn read(&mut self, body: &str) -> Option<(Vec<Self::Data>, bool)>;
}

/// A running sequence of polls.
pub(crate) struct Poll(#[expect(dead_code, reason = "held for its Drop")] Abort);

impl Poll {
    pub(crate) fn start<S: PollSource + 'static>(source: S, pace: Pace, sink: EventSink<S::Data>) -> Self {
        let report = sink.to_report();
        Self::run(Box::new(Reader { source, sink }), pace, report)
    }

    fn run(reader: Box<dyn Read>, pace: Pace, report: Report) -> Self {
        let abort = Abort::new();
        let signal = abort.signal();
        spawn_local(async move {
            report(TransportEvent::Open);
            let retry_after_ms = poll_until_lost(reader, pace, &signal).await;
            if !signal.is_aborted() {
                report(TransportEvent::Lost(retry_after_ms));
            }
        });
        Self(abort)
    }
}

impl TransportHandle for Poll {}

/// A source with its sink. A trait without type parameters, so that the loop is compiled once.
trait Read {
    fn url(&self, wait_s: u32) -> String;

    /// Reads an answer and delivers its data until `signal` is aborted. Returns whether more can be had at once.
    fn deliver(&mut self, body: &str, signal: &Signal) -> Option<bool>;
}

struct Reader<S: PollSource> {
    source: S,
    sink: EventSink<S::Data>,
}

impl<S: PollSource> Read for Reader<S> {
    fn url(&self, wait_s: u32) -> String {
        self.source.url(wait_s)
    }

    fn deliver(&mut self, body: &str, signal: &Signal) -> Option<bool> {
        let (received, more) = self.source.read(body)?;
        self.sink.report(TransportEvent::Alive);
        for data in received {
            if signal.is_aborted() {
                break;
            }
            self.sink.receive(data);
        }
        Some(more)
    }
}

/// The member that a server adds to its answers when it stops.
#[derive(Deserialize)]
struct Shutdown {
    /// The wait before reconnecting, in milliseconds.
    retry: Option<u32>,
}

/// Polls until an answer fails or `signal` is aborted. Returns the milliseconds after which to reconnect, if the server
/// named them.
async fn poll_until_lost(mut reader: Box<dyn Read>, pace: Pace, signal: &Signal) -> Option<u32> {
    loop {
        let limit_ms = pace.wait_s() * 1_000 + ANSWER_MS;
        let response = fetch::get(&reader.url(pace.wait_s()), signal.clone(), limit_ms).await?;
        if signal.is_aborted() {
            return None;
        }
        let pause_ms = if response.status == TOO_MANY_REQUESTS {
            PAUSE_MS // the next answer brings what is missed meanwhile
        } else {
            if !response.is_success() {
                return None;
            }
            let Shutdown { retry } = serde_json::from_str(&response.body).ok()?;
            if retry.is_some() {
                return retry;
            }
            let more = reader.deliver(&response.body, signal)?;
            if pace == Pace::Brief && !more { PAUSE_MS } else { 0 }
        };
        if pause_ms > 0 && !signal.is_aborted() {
            TimeoutFuture::new(pause_ms).await;
        }
        if signal.is_aborted() {
            return None;
        }
    }
}
