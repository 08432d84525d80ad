//! A topic over polls: each asks for what comes after the last one's cursor. Long ones wait for it at the server;
//! brief ones are answered at once and come every few seconds, for tabs that may keep no connection open.

use gloo_timers::future::TimeoutFuture;
use serde::Deserialize;
use wasm_bindgen_futures::spawn_local;

use super::{Attempt, EventSink, ReceivedData, TransportEvent};
use crate::client::dom::fetch::{self, Abort, Signal};

/// How long the server shall wait: below the silence that counts as a lost connection.
const WAIT_S: u32 = 15;
/// For an answer at once, and for the way.
const ANSWER_MS: u32 = 10_000;
/// The status for who asks too often (RFC 6585, section 4).
const TOO_MANY_REQUESTS: u16 = 429;
/// Between two brief polls, and after a refusal: long enough for an allowance to have grown by some.
const PAUSE_MS: u32 = 2_500;

/// How a poll asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// Waits at the server.
    Long,
    /// Asks, and asks again later.
    Brief,
}

impl Pace {
    /// For the query's `wait`.
    pub(crate) fn wait_s(self) -> u32 {
        if self == Self::Long { WAIT_S } else { 0 }
    }
}

/// What a kind of poll asks for and how it reads the answers.
pub(crate) trait Question {
    /// The address of the next poll, which is to wait so long.
    fn url(&self, wait_s: u32) -> String;

    /// Reads a body, moves on, and returns what was heard and whether more waits to be asked for at once.
    fn read(&mut self, body: &str) -> Option<(Vec<ReceivedData>, bool)>;
}

/// See the module.
pub(crate) struct Poll(#[expect(dead_code, reason = "held for its Drop")] Abort);

impl Poll {
    pub(crate) fn start(question: Box<dyn Question>, pace: Pace, tell: EventSink) -> Self {
        let abort = Abort::new();
        let signal = abort.signal();
        spawn_local(async move {
            tell(TransportEvent::Open);
            let return_after_ms = ask_on(question, pace, &signal, &tell).await;
            if !signal.is_aborted() {
                tell(TransportEvent::Lost(return_after_ms));
            }
        });
        Self(abort)
    }
}

impl Attempt for Poll {}

/// What a server that stops adds to its answers.
#[derive(Deserialize)]
struct Farewell {
    /// When to come back, in milliseconds.
    retry: Option<u32>,
}

/// Asks until an answer fails, or until it is ended. Returns when to come back if the server said so.
async fn ask_on(
    mut question: Box<dyn Question>,
    pace: Pace,
    signal: &Signal,
    tell: &EventSink,
) -> Option<u32> {
    loop {
        let limit_ms = pace.wait_s() * 1_000 + ANSWER_MS;
        let answer = fetch::get(&question.url(pace.wait_s()), signal.clone(), limit_ms).await?;
        if signal.is_aborted() {
            return None;
        }
        let pause_ms = if answer.status == TOO_MANY_REQUESTS {
            PAUSE_MS // what is missed meanwhile comes with the next answer
        } else {
            if !answer.is_success() {
                return None;
            }
            let Farewell { retry } = serde_json::from_str(&answer.body).ok()?;
            if retry.is_some() {
                return retry;
            }
            let (heard, more) = question.read(&answer.body)?;
            tell(TransportEvent::Alive);
            for one in heard {
                tell(TransportEvent::ReceivedData(one));
                if signal.is_aborted() {
                    return None;
                }
            }
            if pace == Pace::Brief && !more { PAUSE_MS } else { 0 }
        };
        if pause_ms > 0 {
            TimeoutFuture::new(pause_ms).await;
        }
        if signal.is_aborted() {
            return None;
        }
    }
}
