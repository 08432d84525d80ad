//! The rate limit of the frames of one live connection, of whatever kind. It bounds what has no limit of its own, such
//! as pings, leaving rooms and repeated tokens. Sockets and Socket.IO check every incoming frame against it.
//!
//! It belongs to one connection and knows no person: `RateLimits` limits the actions of a person.

use governor::{
    DefaultDirectRateLimiter, RateLimiter,
    clock::{Clock, DefaultClock},
};

use super::rate_limiter::quota;
use crate::{
    protocol::problem::{Code, Rejection},
    server::config::{Limit, Rate},
};

/// The rate limit of one connection; `None`: the limit is off.
pub struct FrameRateLimiter(Option<Bounds>);

struct Bounds {
    accepted: DefaultDirectRateLimiter,
    /// A rejection costs as much as an answer, so it is limited too: to as many again.
    rejected: DefaultDirectRateLimiter,
}

/// A frame came too fast.
#[derive(Debug)]
pub struct TooFast {
    /// The answer to the client, with the time after which it may send again.
    pub rejection: Rejection,
    /// The connection must end: the client has got as many rejections as it may send frames, and goes on.
    pub must_disconnect: bool,
}

impl FrameRateLimiter {
    /// The limiter of a new connection.
    pub(super) fn new(Limit(rate): Limit<Rate>) -> Self {
        let new = |rate| Bounds {
            accepted: RateLimiter::direct(quota(rate)),
            rejected: RateLimiter::direct(quota(rate)),
        };
        Self(rate.map(new))
    }

    /// Counts an incoming frame.
    pub fn step(&self) -> Result<(), TooFast> {
        let Some(Bounds { accepted, rejected }) = &self.0 else { return Ok(()) };
        accepted.check().map_err(|not_until| {
            let wait = not_until.wait_time_from(DefaultClock::default().now());
            let message = "This connection is sending frames too fast (--limit-frames).";
            let rejection = Rejection::new(Code::TooManyRequests, message).retry_after(wait);
            TooFast { rejection, must_disconnect: rejected.check().is_err() }
        })
    }
}
