//! How often, and how much at a time, a person or an address may do what costs something. The chat asks for what
//! people do in rooms, the routes for what comes from an address, `accept` for what may connect at all.
//!
//! What people, names and tokens do counts at all nodes together (`shared`). Requests and connections count here alone:
//! those limits guard the node itself.
//!
//! Memory is bounded by who is active: [`RateLimits::sweep`] forgets the others. It knows no transport, must never ask a
//! store, and waits for other nodes a moment at most: every message passes here.

mod concurrency;
pub(crate) mod connections;
pub mod descriptors;
mod frame_rate;
mod rate_limiter;
mod shared;
mod trusted_proxies;

use std::{
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
    time::Duration,
};

use tokio_util::sync::CancellationToken;

pub use self::{
    concurrency::{ConcurrencyLimiter, Permit},
    frame_rate::{FrameRateLimiter, TooFast},
    trusted_proxies::TrustedProxies,
};
use self::{rate_limiter::Limiter, shared::SharedLimiter};
use super::{
    cluster::backplane::Backplane,
    config::{self, Limit, Rate},
    error::BUSY_RETRY_AFTER,
    store::normalized_name::normalized_name,
};
use crate::protocol::{
    name::parse_name,
    problem::{Code, Rejection},
    session::User,
};

/// How often idle keys are forgotten: as long as the usual window, so that memory follows what is in use.
const SWEEP_INTERVAL: Duration = Duration::from_secs(60);

/// See the module.
pub struct RateLimits {
    messages: SharedLimiter<String>,
    joins: SharedLimiter<String>,
    rooms: SharedLimiter<String>,
    typing: SharedLimiter<String>,
    sessions: SharedLimiter<IpAddr>,
    sign_ins: SharedLimiter<String>,
    sign_ins_per_account: SharedLimiter<String>,
    sign_ins_per_address: SharedLimiter<IpAddr>,
    publishes: SharedLimiter<String>,
    requests: Limiter<IpAddr>,
    frames: Limit<Rate>,
    people: Arc<ConcurrencyLimiter<String>>,
    addresses: Arc<ConcurrencyLimiter<IpAddr>>,
}

/// A live connection's places with its person and its address. Dropping it gives them back.
pub struct ConnectionPermits {
    _person: Option<Permit<String>>,
    _address: Permit<IpAddr>,
}

impl RateLimits {
    /// With these settings, shared over `backplane`.
    pub fn new(limits: &config::Limits, backplane: &Arc<dyn Backplane>) -> Self {
        let messages = "These are more messages than one person may post.";
        let joins = "These are more joins than one person may make.";
        let rooms = "These are more rooms than one person may make.";
        let typing = "These are more signs of typing than one person may give.";
        let sessions = "These are more names than one address may take.";
        let sign_ins = "These are more attempts than one account may have.";
        let sign_ins_per_address = "These are more attempts to sign in than one address may make.";
        let publishes = "This is more than one publisher may publish.";
        let requests = "These are more requests than one address may make.";
        Self {
            messages: SharedLimiter::new(backplane, "messages", limits.messages, messages),
            joins: SharedLimiter::new(backplane, "joins", limits.joins, joins),
            rooms: SharedLimiter::new(backplane, "rooms", limits.rooms, rooms),
            typing: SharedLimiter::new(backplane, "typing", limits.typing, typing),
            sessions: SharedLimiter::new(backplane, "sessions", limits.sessions, sessions),
            sign_ins: SharedLimiter::new(backplane, "sign-ins", limits.sign_ins, sign_ins),
            sign_ins_per_account: SharedLimiter::new(
                backplane,
                "sign-ins-per-account",
                limits.sign_ins_per_account,
                sign_ins,
            ),
            sign_ins_per_address: SharedLimiter::new(
                backplane,
                "sign-ins-per-address",
                limits.sign_ins_per_address,
                sign_ins_per_address,
            ),
            publishes: SharedLimiter::new(backplane, "publishes", limits.publishes, publishes),
            requests: Limiter::new(limits.requests, requests),
            frames: limits.frames,
            people: ConcurrencyLimiter::new(limits.connections_per_person),
            addresses: ConcurrencyLimiter::new(limits.connections_per_address),
        }
    }

    /// Somebody posts a message.
    pub async fn message(&self, user: &User) -> Result<(), Rejection> {
        self.messages.check(&user.id).await
    }

    /// Somebody begins to follow a room.
    pub async fn join(&self, user: &User) -> Result<(), Rejection> {
        self.joins.check(&user.id).await
    }

    /// Somebody makes a room.
    pub async fn room(&self, user: &User) -> Result<(), Rejection> {
        self.rooms.check(&user.id).await
    }

    /// Somebody is typing.
    pub async fn typing(&self, user: &User) -> Result<(), Rejection> {
        self.typing.check(&user.id).await
    }

    /// A session or a new name is made from an address.
    pub async fn session(&self, address: IpAddr) -> Result<(), Rejection> {
        self.sessions.check(&counted_as(address)).await
    }

    /// Somebody tries to sign in under a name, which need not be anybody's.
    ///
    /// What one address tries at an account does not keep its owner out, who is elsewhere; all addresses together have
    /// an end nevertheless, because whoever guesses may have many.
    pub async fn sign_in(&self, name: &str, address: IpAddr) -> Result<(), Rejection> {
        let address = counted_as(address);
        self.sign_ins_per_address.check(&address).await?;
        // As accounts are looked for, or each spelling would have attempts of its own. What is no name is nobody's.
        let account = parse_name(name).map(|name| normalized_name(&name)).unwrap_or_default();
        // What is refused here takes nothing of what all addresses have.
        self.sign_ins.check(&format!("{address}/{account}")).await?;
        self.sign_ins_per_account.check(&account).await
    }

    /// A program publishes with a token of its own, or with none from an address.
    pub async fn publish(&self, token: Option<&str>, address: IpAddr) -> Result<(), Rejection> {
        let publisher = token.map_or_else(|| counted_as(address).to_string(), str::to_owned);
        self.publishes.check(&publisher).await
    }

    /// A request of any kind comes from an address.
    pub fn request(&self, address: IpAddr) -> Result<(), Rejection> {
        self.requests.check(&counted_as(address))
    }

    /// How fast a live connection that opens may talk.
    pub fn pace(&self) -> FrameRateLimiter {
        FrameRateLimiter::new(self.frames)
    }

    /// A live connection opens, of this person if it is somebody's. It counts for as long as the places live.
    pub fn connect(&self, person: Option<&User>, address: IpAddr) -> Result<ConnectionPermits, Rejection> {
        let place = person.map(|user| self.connect_person(user));
        let message = "This address has as many connections as one may have (--max-connections-per-address).";
        let address = self.addresses.take(&counted_as(address)).ok_or_else(|| too_many(message));
        Ok(ConnectionPermits { _person: place.transpose()?, _address: address? })
    }

    /// A live connection that was nobody's becomes this person's. It counts for as long as the place lives.
    pub fn connect_person(&self, user: &User) -> Result<Permit<String>, Rejection> {
        let message = "This person has as many connections as one may have (--max-connections-per-person).";
        self.people.take(&user.id).ok_or_else(|| too_many(message))
    }

    /// Forgets who is idle, until `stop`.
    pub async fn sweep(&self, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(SWEEP_INTERVAL);
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            self.forget_idle();
        }
    }

    fn forget_idle(&self) {
        for names in [
            &self.messages,
            &self.joins,
            &self.rooms,
            &self.typing,
            &self.sign_ins,
            &self.sign_ins_per_account,
            &self.publishes,
        ] {
            names.sweep();
        }
        for addresses in [&self.sessions, &self.sign_ins_per_address] {
            addresses.sweep();
        }
        self.requests.sweep();
    }
}

fn too_many(message: &str) -> Rejection {
    Rejection::new(Code::TooManyRequests, message).retry_after(BUSY_RETRY_AFTER)
}

/// What counts as one address. Of IPv6 it is the network of 64 bits, because whoever has one address there has all of
/// them (RFC 4291, 2.5.4); an IPv4 address is itself, also when it is written as an IPv6 one.
pub fn counted_as(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            Ipv6Addr::from_bits(address.to_bits() >> INTERFACE_BITS << INTERFACE_BITS).into()
        }
        address @ IpAddr::V4(_) => address,
    }
}

/// The part of an IPv6 address that its holder chooses.
const INTERFACE_BITS: u32 = 64;

#[cfg(test)]
mod tests;
