//! Limits: how often, and how much at the same time, a person or an address may do what costs something. The chat
//! checks the actions of people in rooms, the routes check requests from an address, and `accept` and the live
//! transports take permits for connections.
//!
//! Actions of people, names and tokens count on all nodes together (`shared`). Requests and connections count on this
//! node alone: those limits protect the node itself.
//!
//! Memory is bounded by the people and addresses that are active: [`RateLimits::sweep`] forgets the others. This module
//! knows no transport and must never ask a store. It waits for other nodes 250 ms at most, because every message passes
//! here.

mod concurrency;
pub(crate) mod connections;
pub mod descriptors;
mod frame_rate;
mod rate_limiter;
mod shared;
mod trusted_proxies;

use std::{
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    sync::Arc,
    time::Duration,
};

use tokio_util::sync::CancellationToken;

pub use self::{
    concurrency::{ConcurrencyLimiter, Permit},
    connections::{LiveConnectionLimiter, LiveConnectionPermit},
    frame_rate::{FrameRateLimiter, TooFast},
    trusted_proxies::TrustedProxies,
};
use self::{rate_limiter::Limiter, shared::SharedLimiter};
use super::{
    cluster::backplane::Backplane,
    config::{self, Limit, Rate},
    store::normalized_name::normalized_name,
};
use crate::protocol::{name::parse_name, problem::Rejection, session::User};

/// The time between two sweeps of idle keys: as long as the usual window, so that memory follows the keys in use.
const SWEEP_INTERVAL: Duration = Duration::from_secs(60);

/// Archives that a person takes away. Each reads all of a room and its files, and nobody needs many.
const EXPORTS: Rate =
    Rate { count: NonZeroU32::new(20).expect("not zero"), period: Duration::from_secs(3_600) };

/// The rate limits, one for each action.
pub struct RateLimits {
    messages: SharedLimiter<String>,
    previews: SharedLimiter<String>,
    searches: SharedLimiter<String>,
    joins: SharedLimiter<String>,
    rooms: SharedLimiter<String>,
    direct: SharedLimiter<String>,
    typing: SharedLimiter<String>,
    marks: SharedLimiter<String>,
    sessions: SharedLimiter<IpAddr>,
    sign_ins: SharedLimiter<String>,
    sign_ins_per_account: SharedLimiter<String>,
    sign_ins_per_address: SharedLimiter<IpAddr>,
    publishes: SharedLimiter<String>,
    files: SharedLimiter<String>,
    files_per_address: SharedLimiter<IpAddr>,
    exports: SharedLimiter<String>,
    feed_pushes: Limiter<String>,
    feed_push_words: Limiter<String>,
    requests: Limiter<IpAddr>,
    frames: Limit<Rate>,
}

impl RateLimits {
    /// Limits with these settings, shared over `backplane`.
    pub fn new(limits: &config::Limits, backplane: &Arc<dyn Backplane>) -> Self {
        let messages = "You are sending messages too fast.";
        let previews = "You are previewing too fast.";
        let searches = "You are searching too fast.";
        let joins = "You are joining rooms too fast.";
        let rooms = "You are creating rooms too fast.";
        let direct = "You are starting direct messages too fast.";
        let typing = "You are sending typing indicators too fast.";
        let marks = "You are marking rooms too fast.";
        let sessions = "Too many sessions or names from this address.";
        let sign_ins = "Too many attempts to sign in to this account.";
        let sign_ins_per_address = "Too many attempts to sign in from this address.";
        let files = "You are uploading too many files.";
        let files_per_address = "Too many files are uploaded from this address.";
        let publishes = "This publisher is publishing too fast.";
        let feed_pushes = "More events came than are pushed to this user.";
        // One word about those for as long as the limit counts.
        let words = limits.feed_pushes.0.map(|Rate { period, .. }| Rate { count: NonZeroU32::MIN, period });
        let exports = "You are exporting too often.";
        let requests = "Too many requests from this address.";
        Self {
            messages: SharedLimiter::new(backplane, "messages", limits.messages, messages),
            previews: SharedLimiter::new(backplane, "previews", limits.messages, previews),
            searches: SharedLimiter::new(backplane, "searches", limits.searches, searches),
            joins: SharedLimiter::new(backplane, "joins", limits.joins, joins),
            rooms: SharedLimiter::new(backplane, "rooms", limits.rooms, rooms),
            direct: SharedLimiter::new(backplane, "direct", limits.direct, direct),
            typing: SharedLimiter::new(backplane, "typing", limits.typing, typing),
            marks: SharedLimiter::new(backplane, "marks", limits.marks, marks),
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
            files: SharedLimiter::new(backplane, "files", limits.uploads, files),
            files_per_address: SharedLimiter::new(
                backplane,
                "files-per-address",
                limits.uploads_per_address,
                files_per_address,
            ),
            exports: SharedLimiter::new(backplane, "exports", Limit(Some(EXPORTS)), exports),
            feed_pushes: Limiter::new(limits.feed_pushes, feed_pushes),
            feed_push_words: Limiter::new(Limit(words), feed_pushes),
            requests: Limiter::new(limits.requests, requests),
            frames: limits.frames,
        }
    }

    /// Counts a message that a person posts.
    pub async fn message(&self, user: &User) -> Result<(), Rejection> {
        self.messages.check(&user.id).await
    }

    /// Counts a preview of a message. It has the limit of messages, and takes nothing of their allowance.
    pub async fn preview(&self, user: &User) -> Result<(), Rejection> {
        self.previews.check(&user.id).await
    }

    /// Counts a search of a person, or of an address that nobody has signed in from.
    pub async fn search(&self, user: Option<&User>, address: IpAddr) -> Result<(), Rejection> {
        let searcher = user.map_or_else(|| counted_as(address).to_string(), |user| user.id.clone());
        self.searches.check(&searcher).await
    }

    /// Counts a room that a person joins.
    pub async fn join(&self, user: &User) -> Result<(), Rejection> {
        self.joins.check(&user.id).await
    }

    /// Counts a room that a person makes.
    pub async fn room(&self, user: &User) -> Result<(), Rejection> {
        self.rooms.check(&user.id).await
    }

    /// Counts direct messages that a person starts.
    pub async fn direct(&self, user: &User) -> Result<(), Rejection> {
        self.direct.check(&user.id).await
    }

    /// Counts a typing indicator of a person.
    pub async fn typing(&self, user: &User) -> Result<(), Rejection> {
        self.typing.check(&user.id).await
    }

    /// Counts a mark of a person.
    pub async fn mark(&self, user: &User) -> Result<(), Rejection> {
        self.marks.check(&user.id).await
    }

    /// Counts a session or a new name that an address makes.
    pub async fn session(&self, address: IpAddr) -> Result<(), Rejection> {
        self.sessions.check(&counted_as(address)).await
    }

    /// Counts an attempt to sign in with a name, for which there need not be an account.
    ///
    /// Attempts from one address do not lock out the owner of the account, who is at another address. All addresses
    /// together have a limit nevertheless, because an attacker may have many.
    pub async fn sign_in(&self, name: &str, address: IpAddr) -> Result<(), Rejection> {
        let address = counted_as(address);
        self.sign_ins_per_address.check(&address).await?;
        // In the form in which accounts are looked up, or each spelling would have attempts of its own. A text that is
        // no name belongs to no account.
        let account = parse_name(name).map(|name| normalized_name(&name)).unwrap_or_default();
        // An attempt that is rejected here takes nothing of the allowance of all addresses.
        self.sign_ins.check(&format!("{address}/{account}")).await?;
        self.sign_ins_per_account.check(&account).await
    }

    /// Counts a publish of a program: by its token, or without one by its address.
    pub async fn publish(&self, token: Option<&str>, address: IpAddr) -> Result<(), Rejection> {
        let publisher = token.map_or_else(|| counted_as(address).to_string(), str::to_owned);
        self.publishes.check(&publisher).await
    }

    /// Counts an archive that a person takes away.
    pub async fn export(&self, user: &User) -> Result<(), Rejection> {
        self.exports.check(&user.id).await
    }

    /// Counts a file that a person uploads.
    pub async fn file(&self, user: &User, address: IpAddr) -> Result<(), Rejection> {
        self.files_per_address.check(&counted_as(address)).await?;
        self.files.check(&user.id).await
    }

    /// Counts an event of the feed that is pushed to a person. Only the node that sends the pushes counts.
    pub fn feed_push(&self, user_id: &str) -> Result<(), Rejection> {
        self.feed_pushes.check(&user_id.to_owned())
    }

    /// Counts a push that says to a person that more events came than [`RateLimits::feed_push`] lets through.
    pub fn feed_push_word(&self, user_id: &str) -> Result<(), Rejection> {
        self.feed_push_words.check(&user_id.to_owned())
    }

    /// Counts a request of any kind from an address.
    pub fn request(&self, address: IpAddr) -> Result<(), Rejection> {
        self.requests.check(&counted_as(address))
    }

    /// The limiter of the frames of a live connection that opens.
    pub fn frame_rate_limiter(&self) -> FrameRateLimiter {
        FrameRateLimiter::new(self.frames)
    }

    /// Forgets idle keys every minute, until `stop`.
    pub async fn sweep(&self, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(SWEEP_INTERVAL);
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            self.forget_idle();
        }
    }

    fn forget_idle(&self) {
        // All fields, so that none is forgotten here.
        let Self {
            messages,
            previews,
            searches,
            joins,
            rooms,
            direct,
            typing,
            marks,
            sessions,
            sign_ins,
            sign_ins_per_account,
            sign_ins_per_address,
            publishes,
            files,
            files_per_address,
            exports,
            feed_pushes,
            feed_push_words,
            requests,
            frames: _,
        } = self;
        for names in [
            messages,
            previews,
            searches,
            joins,
            rooms,
            direct,
            typing,
            marks,
            sign_ins,
            sign_ins_per_account,
            publishes,
            files,
            exports,
        ] {
            names.sweep();
        }
        for addresses in [sessions, sign_ins_per_address, files_per_address] {
            addresses.sweep();
        }
        for counted_here in [feed_pushes, feed_push_words] {
            counted_here.sweep();
        }
        requests.sweep();
    }
}

/// The address as limits count it. An IPv6 address counts as its network of 64 bits, because a client that has one
/// address of it has all of them (RFC 4291, 2.5.4). An IPv4 address counts as itself, also when it is written as an
/// IPv6 one.
pub fn counted_as(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            Ipv6Addr::from_bits(address.to_bits() >> INTERFACE_BITS << INTERFACE_BITS).into()
        }
        address @ IpAddr::V4(_) => address,
    }
}

/// The bits of an IPv6 address that the client chooses.
const INTERFACE_BITS: u32 = 64;

#[cfg(test)]
mod tests;
