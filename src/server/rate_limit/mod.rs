//! How often, and how much at a time, a person or an address may do what costs something. The chat asks for what
//! people do in rooms, the routes for what comes from an address, `accept` for what may connect at all.
//!
//! Memory is bounded by who is active: [`RateLimits::sweep`] forgets the others. It knows no transport and must never
//! wait or ask a store: every message passes here.

mod limiter;
mod places;

use std::{
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
    time::Duration,
};

use tokio_util::sync::CancellationToken;

use self::limiter::Limiter;
pub use self::places::{Place, Places};
use super::{auth::name_key, config, error::BUSY_RETRY_AFTER};
use crate::protocol::{
    name::parse_name,
    problem::{Code, Rejection},
    session::User,
};

/// How often idle keys are forgotten: as long as the usual window, so that memory follows what is in use.
const SWEEP_INTERVAL: Duration = Duration::from_secs(60);

/// See the module.
pub struct RateLimits {
    messages: Limiter<String>,
    joins: Limiter<String>,
    rooms: Limiter<String>,
    typing: Limiter<String>,
    sessions: Limiter<IpAddr>,
    sign_ins: Limiter<String>,
    sign_ins_per_address: Limiter<IpAddr>,
    publishes: Limiter<String>,
    requests: Limiter<IpAddr>,
    people: Arc<Places<String>>,
    addresses: Arc<Places<IpAddr>>,
}

/// A live connection's places with its person and its address. Dropping it gives them back.
pub struct ConnectionPlaces {
    _person: Option<Place<String>>,
    _address: Place<IpAddr>,
}

impl RateLimits {
    /// With these settings.
    pub fn new(limits: &config::Limits) -> Self {
        Self {
            messages: Limiter::new(limits.messages, "These are more messages than one person may post."),
            joins: Limiter::new(limits.joins, "These are more joins than one person may make."),
            rooms: Limiter::new(limits.rooms, "These are more rooms than one person may make."),
            typing: Limiter::new(limits.typing, "These are more signs of typing than one person may give."),
            sessions: Limiter::new(limits.sessions, "These are more names than one address may take."),
            sign_ins: Limiter::new(limits.sign_ins, "These are more attempts than one account may have."),
            sign_ins_per_address: Limiter::new(
                limits.sign_ins_per_address,
                "These are more attempts to sign in than one address may make.",
            ),
            publishes: Limiter::new(limits.publishes, "This is more than one publisher may publish."),
            requests: Limiter::new(limits.requests, "These are more requests than one address may make."),
            people: Places::new(limits.connections_per_person),
            addresses: Places::new(limits.connections_per_address),
        }
    }

    /// Somebody posts a message.
    pub fn message(&self, user: &User) -> Result<(), Rejection> {
        self.messages.check(&user.id)
    }

    /// Somebody begins to follow a room.
    pub fn join(&self, user: &User) -> Result<(), Rejection> {
        self.joins.check(&user.id)
    }

    /// Somebody makes a room.
    pub fn room(&self, user: &User) -> Result<(), Rejection> {
        self.rooms.check(&user.id)
    }

    /// Somebody is typing.
    pub fn typing(&self, user: &User) -> Result<(), Rejection> {
        self.typing.check(&user.id)
    }

    /// A session or a new name is made from an address.
    pub fn session(&self, address: IpAddr) -> Result<(), Rejection> {
        self.sessions.check(&counted_as(address))
    }

    /// Somebody tries to sign in under a name, which need not be anybody's.
    pub fn sign_in(&self, name: &str, address: IpAddr) -> Result<(), Rejection> {
        self.sign_ins_per_address.check(&counted_as(address))?;
        // As accounts are looked for, or each spelling would have attempts of its own. What is no name is nobody's.
        self.sign_ins.check(&parse_name(name).map(|name| name_key(&name)).unwrap_or_default())
    }

    /// A program publishes with a token of its own, or with none from an address.
    pub fn publish(&self, token: Option<&str>, address: IpAddr) -> Result<(), Rejection> {
        let publisher = token.map_or_else(|| counted_as(address).to_string(), str::to_owned);
        self.publishes.check(&publisher)
    }

    /// A request of any kind comes from an address.
    pub fn request(&self, address: IpAddr) -> Result<(), Rejection> {
        self.requests.check(&counted_as(address))
    }

    /// A live connection opens, of this person if it is somebody's. It counts for as long as the places live.
    pub fn connect(&self, person: Option<&User>, address: IpAddr) -> Result<ConnectionPlaces, Rejection> {
        let place = person.map(|user| self.connect_person(user));
        let message = "This address has as many connections as one may have (--max-connections-per-address).";
        let address = self.addresses.take(&counted_as(address)).ok_or_else(|| too_many(message));
        Ok(ConnectionPlaces { _person: place.transpose()?, _address: address? })
    }

    /// A live connection that was nobody's becomes this person's. It counts for as long as the place lives.
    pub fn connect_person(&self, user: &User) -> Result<Place<String>, Rejection> {
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
        for names in [&self.messages, &self.joins, &self.rooms, &self.typing, &self.sign_ins, &self.publishes]
        {
            names.sweep();
        }
        for addresses in [&self.sessions, &self.sign_ins_per_address, &self.requests] {
            addresses.sweep();
        }
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
