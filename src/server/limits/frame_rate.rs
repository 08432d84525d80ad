//! How fast one live connection may talk, whatever it says: the bound on what has no limit of its own, such as pings,
//! leaving rooms and repeated tokens. Sockets and Socket.IO ask it for all that comes in.
//!
//! It is the connection's alone and knows no person: theirs are the limits of what they do.

use governor::{
    DefaultDirectRateLimiter, RateLimiter,
    clock::{Clock, DefaultClock},
};

use super::rate_limiter::quota;
use crate::{
    protocol::problem::{Code, Rejection},
    server::config::{Limit, Rate},
};

/// See the module.
pub struct FrameRateLimiter(Option<Bounds>);

struct Bounds {
    said: DefaultDirectRateLimiter,
    /// To refuse costs as much as to answer, so it has an end too: as many again.
    refused: DefaultDirectRateLimiter,
}

/// What was said came too fast.
#[derive(Debug)]
pub struct TooFast {
    /// What the client is told; it says when to go on.
    pub rejection: Rejection,
    /// The client does not care: it was told as often as it may say things at all. Only its end helps.
    pub must_disconnect: bool,
}

impl FrameRateLimiter {
    /// The pace of a new connection.
    pub(super) fn new(Limit(rate): Limit<Rate>) -> Self {
        let new = |rate| Bounds {
            said: RateLimiter::direct(quota(rate)),
            refused: RateLimiter::direct(quota(rate)),
        };
        Self(rate.map(new))
    }

    /// Something is said.
    pub fn step(&self) -> Result<(), TooFast> {
        let Some(Bounds { said, refused }) = &self.0 else { return Ok(()) };
        said.check().map_err(|not_until| {
            let wait = not_until.wait_time_from(DefaultClock::default().now());
            let message = "This is more than one connection may say (--limit-frames).";
            let rejection = Rejection::new(Code::TooManyRequests, message).retry_after(wait);
            TooFast { rejection, must_disconnect: refused.check().is_err() }
        })
    }
}
