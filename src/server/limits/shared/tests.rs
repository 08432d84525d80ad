//! Tests of the rate limits that nodes share.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    time::Duration,
};

use async_trait::async_trait;
use clap::Parser;
use parking_lot::Mutex;
use tokio::sync::watch;

use super::*;
use crate::{
    protocol::{problem::Code, session::User},
    server::{Config, cluster::backplane::MessageHandler, limits::RateLimits},
};

/// A backplane within one process, for the allowances only.
struct InProcess {
    allowances: Mutex<HashMap<String, Limiter<String>>>,
    connectivity: watch::Sender<bool>,
    calls: AtomicUsize,
}

impl InProcess {
    fn new() -> Arc<Self> {
        let (allowances, connectivity) = (Mutex::default(), watch::Sender::new(true));
        Arc::new(Self { allowances, connectivity, calls: AtomicUsize::new(0) })
    }

    /// A node with these settings.
    fn node(self: &Arc<Self>, settings: &[&str]) -> RateLimits {
        let config = Config::try_parse_from([&["idobata"], settings].concat()).expect("settings");
        let backplane: Arc<dyn Backplane> = self.clone();
        RateLimits::new(&config.limits, &backplane)
    }

    fn keys(&self) -> Vec<String> {
        let allowances = self.allowances.lock();
        let mut keys: Vec<_> = allowances.keys().cloned().collect();
        keys.sort();
        keys
    }
}

#[async_trait]
impl Backplane for InProcess {
    fn node(&self) -> &'static str {
        "one of several"
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn attach(&self, _: &str, _: Arc<dyn MessageHandler>) {}

    fn publish(&self, _: &str, _: String) {}

    fn subscribe(&self, _: &str) {}

    fn unsubscribe(&self, _: &str) {}

    async fn allow(&self, key: &str, rate: Rate) -> Result<Allowance, Unreachable> {
        self.calls.fetch_add(1, Relaxed);
        if !*self.connectivity.borrow() {
            return Err(Unreachable);
        }
        let mut allowances = self.allowances.lock();
        let new = || Limiter::new(Limit(Some(rate)), "");
        let taken = allowances.entry(key.to_owned()).or_insert_with(new).check(&key.to_owned());
        let Err(rejected) = taken else { return Ok(Allowance::Taken) };
        let wait_ms = rejected.retry_after_ms.expect("a limit says when");
        Ok(Allowance::UsedUp(Duration::from_millis(wait_ms)))
    }

    fn connectivity(&self) -> watch::Receiver<bool> {
        self.connectivity.subscribe()
    }

    async fn close(&self) {}
}

fn alice() -> User {
    User { id: "alice".into(), name: "Alice".into() }
}

#[tokio::test]
async fn an_allowance_taken_on_one_node_is_gone_on_all_of_them() {
    let backplane = InProcess::new();
    let settings = ["--limit-messages=4/1h"];
    let (one, other) = (backplane.node(&settings), backplane.node(&settings));
    for node in [&one, &other, &one, &other] {
        node.message(&alice()).await.expect("four in all");
    }
    for node in [&one, &other] {
        let rejected = node.message(&alice()).await.expect_err("the fifth");
        assert_eq!(rejected.code, Code::TooManyRequests);
        assert!(
            rejected.message.starts_with("You are sending messages too fast. Try again in "),
            "{rejected}"
        );
        let wait_ms = rejected.retry_after_ms.expect("it says when");
        assert!((890_000..=900_000).contains(&wait_ms), "a quarter of the hour, not {wait_ms}");
    }
    let bob = User { id: "bob".into(), ..alice() };
    one.message(&bob).await.expect("his own allowance");
    other.typing(&alice()).await.expect("another thing");
}

#[tokio::test]
async fn a_node_that_is_cut_off_goes_by_its_own_count() {
    let backplane = InProcess::new();
    let settings = ["--limit-messages=4/1h"];
    let (one, other) = (backplane.node(&settings), backplane.node(&settings));
    for _ in 0..3 {
        one.message(&alice()).await.expect("three here");
    }
    other.message(&alice()).await.expect("one there");
    backplane.connectivity.send_replace(false);
    one.message(&alice()).await.expect("it accepted three of its own four");
    one.message(&alice()).await.expect_err("and that was the fourth");
    for _ in 0..3 {
        other.message(&alice()).await.expect("of this one's four there were three");
    }
    other.message(&alice()).await.expect_err("and that was the fourth");
}

#[tokio::test]
async fn a_node_does_not_ask_the_backplane_for_what_its_own_count_rejects() {
    let backplane = InProcess::new();
    let node = backplane.node(&["--limit-messages=1/1h"]);
    node.message(&alice()).await.expect("both counts accept it");
    assert_eq!(backplane.calls.load(Relaxed), 1);
    node.message(&alice()).await.expect_err("its own count rejects it");
    assert_eq!(backplane.calls.load(Relaxed), 1);
}

#[tokio::test]
async fn people_names_and_tokens_count_together_and_requests_on_each_node() {
    let backplane = InProcess::new();
    let node = backplane.node(&["--limit-joins=off"]);
    let address = "2001:db8::1".parse().expect("an address");
    node.message(&alice()).await.expect("allowed");
    node.join(&alice()).await.expect("allowed");
    node.room(&alice()).await.expect("allowed");
    node.direct(&alice()).await.expect("allowed");
    node.typing(&alice()).await.expect("allowed");
    node.session(address).await.expect("allowed");
    node.sign_in("ALICE", address).await.expect("allowed");
    node.publish(Some("id"), address).await.expect("allowed");
    node.publish(None, address).await.expect("allowed");
    node.request(address).expect("allowed");
    let shared = [
        "direct/alice",
        "messages/alice",
        "publishes/2001:db8::",
        "publishes/id",
        "rooms/alice",
        "sessions/2001:db8::",
        "sign-ins-per-account/alice",
        "sign-ins-per-address/2001:db8::",
        "sign-ins/2001:db8::/alice",
        "typing/alice",
    ];
    assert_eq!(backplane.keys(), shared);
}
