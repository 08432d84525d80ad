//! The limits of live connections (sockets, streams, waiting polls): of a person, of an address, and of the server.
//!
//! `http/realtime/live_connection` takes a permit for each. A socket that names its person later, in a frame, then also
//! takes a permit of that person.

use std::{net::IpAddr, sync::Arc};

use crate::{
    protocol::{
        problem::{Code, Rejection},
        session::User,
    },
    server::{
        config::{Limit, Limits},
        error::BUSY_RETRY_AFTER,
        limits::{ConcurrencyLimiter, Permit, counted_as},
        observability::metrics::{ConnectionGuard, Kind, Metrics},
    },
};

/// The limits of live connections.
pub struct LiveConnectionLimiter {
    people: Arc<ConcurrencyLimiter<String>>,
    addresses: Arc<ConcurrencyLimiter<IpAddr>>,
    all: Arc<ConcurrencyLimiter<()>>,
    metrics: Arc<Metrics>,
}

/// A live connection that counts until the permit is dropped.
pub struct LiveConnectionPermit {
    _counted: ConnectionGuard,
    _person: Option<Permit<String>>,
    _address: Permit<IpAddr>,
    _all: Permit<()>,
}

impl LiveConnectionLimiter {
    /// A limiter of `max_connections` on this server, and with these settings for each person and address. `metrics`
    /// counts the connections that are open.
    pub fn new(max_connections: u64, limits: &Limits, metrics: Arc<Metrics>) -> Self {
        Self {
            people: ConcurrencyLimiter::new(limits.connections_per_person),
            addresses: ConcurrencyLimiter::new(limits.connections_per_address),
            all: ConcurrencyLimiter::new(Limit(u32::try_from(max_connections).ok())),
            metrics,
        }
    }

    /// Takes a permit for a connection that opens, of this person if it is authenticated. The rejection has the code
    /// [`Code::TooManyRequests`] for a person or an address, and [`Code::TooManyConnections`] for the server.
    pub fn connect(
        &self,
        kind: Kind,
        person: Option<&User>,
        address: IpAddr,
    ) -> Result<LiveConnectionPermit, Rejection> {
        let person = person.map(|user| self.connect_person(user)).transpose()?;
        let message = "This address has reached its limit of connections (--max-connections-per-address).";
        let address = self
            .addresses
            .take(&counted_as(address))
            .ok_or_else(|| too_many(Code::TooManyRequests, message))?;
        let message = "The server has reached its limit of connections (--max-connections).";
        let all = self.all.take(&()).ok_or_else(|| too_many(Code::TooManyConnections, message))?;
        let counted = self.metrics.count_connection(kind);
        Ok(LiveConnectionPermit { _counted: counted, _person: person, _address: address, _all: all })
    }

    /// Takes a permit for an anonymous connection that authenticates as this person. It counts until it is dropped.
    pub fn connect_person(&self, user: &User) -> Result<Permit<String>, Rejection> {
        let message = "This user has reached their limit of connections (--max-connections-per-person).";
        self.people.take(&user.id).ok_or_else(|| too_many(Code::TooManyRequests, message))
    }
}

fn too_many(code: Code, message: &str) -> Rejection {
    Rejection::new(code, message).retry_after(BUSY_RETRY_AFTER)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::server::Config;

    fn limiter(settings: &[&str]) -> LiveConnectionLimiter {
        let config = Config::try_parse_from([&["idobata"], settings].concat()).expect("settings");
        LiveConnectionLimiter::new(config.max_connections, &config.limits, Arc::default())
    }

    fn user(id: &str) -> User {
        User { id: id.into(), name: id.to_uppercase() }
    }

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn connections_count_for_their_person_and_for_their_address() {
        let limiter = limiter(&["--max-connections-per-person=2", "--max-connections-per-address=3"]);
        let connect = |person: Option<&User>, address| limiter.connect(Kind::Socket, person, address);
        let (alice, here, there) = (user("alice"), address("192.0.2.1"), address("192.0.2.2"));
        let first = connect(Some(&alice), here).expect("free");
        let _second = connect(Some(&alice), here).expect("free");
        let rejected = connect(Some(&alice), there).err().expect("her third");
        assert_eq!((rejected.code, rejected.retry_after_ms), (Code::TooManyRequests, Some(5_000)));
        let _third = connect(None, here).expect("free");
        assert!(connect(None, here).is_err(), "the address' fourth");
        assert!(connect(Some(&user("bob")), here).is_err());
        drop(first);
        connect(Some(&alice), here).expect("free again");
    }

    #[test]
    fn a_rejected_connection_counts_nowhere() {
        let limiter = limiter(&["--max-connections=2", "--max-connections-per-person=2"]);
        let (alice, here) = (user("alice"), address("192.0.2.1"));
        let socket = limiter.connect(Kind::Socket, None, here).expect("below the limit");
        let _stream = limiter.connect(Kind::Stream, None, here).expect("below the limit");
        for _ in 0..3 {
            let rejected = limiter.connect(Kind::Poll, Some(&alice), here).err().expect("at the limit");
            assert_eq!((rejected.code, rejected.retry_after_ms), (Code::TooManyConnections, Some(5_000)));
        }
        assert_eq!(limiter.metrics.connections(), 2);
        drop(socket);
        assert_eq!(limiter.metrics.connections(), 1);
        limiter.connect(Kind::Poll, Some(&alice), here).expect("her permits are free");
    }
}
