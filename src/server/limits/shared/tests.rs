//! Tests of what nodes count together.

use std::collections::HashMap;

use async_trait::async_trait;
use clap::Parser;
use parking_lot::Mutex;
use tokio::sync::watch;

use super::*;
use crate::{
    protocol::{problem::Code, session::User},
    server::{
        Config,
        cluster::backplane::{MessageHandler, Unreachable},
        limits::RateLimits,
    },
};

/// What Redis is for the nodes' allowances, within one process.
struct Together {
    allowances: Mutex<HashMap<String, Limiter<String>>>,
    connectivity: watch::Sender<Link>,
}

#[derive(Clone, Copy, PartialEq)]
enum Link {
    Up,
    Cut,
    Silent,
}

impl Together {
    fn new() -> Arc<Self> {
        Arc::new(Self { allowances: Mutex::default(), connectivity: watch::Sender::new(Link::Up) })
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
impl Backplane for Together {
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
        match *self.connectivity.borrow() {
            Link::Cut => return Err(Unreachable),
            Link::Up => {
                let mut allowances = self.allowances.lock();
                let new = || Limiter::new(Limit(Some(rate)), "");
                let taken = allowances.entry(key.to_owned()).or_insert_with(new).check(&key.to_owned());
                let Err(refused) = taken else { return Ok(Allowance::Taken) };
                let wait_ms = refused.retry_after_ms.expect("a limit says when");
                return Ok(Allowance::UsedUp(Duration::from_millis(wait_ms)));
            }
            Link::Silent => {}
        }
        std::future::pending().await
    }

    fn connectivity(&self) -> watch::Receiver<bool> {
        watch::Sender::new(true).subscribe()
    }

    async fn close(&self) {}
}

fn alice() -> User {
    User { id: "alice".into(), name: "Alice".into() }
}

#[tokio::test]
async fn what_was_taken_at_one_node_is_gone_at_all_of_them() {
    let together = Together::new();
    let settings = ["--limit-messages=4/1h"];
    let (one, other) = (together.node(&settings), together.node(&settings));
    for node in [&one, &other, &one, &other] {
        node.message(&alice()).await.expect("four in all");
    }
    for node in [&one, &other] {
        let refused = node.message(&alice()).await.expect_err("the fifth");
        assert_eq!(refused.code, Code::TooManyRequests);
        assert!(refused.message.starts_with("These are more messages"), "{refused}");
        let wait_ms = refused.retry_after_ms.expect("it says when");
        assert!((890_000..=900_000).contains(&wait_ms), "a quarter of the hour, not {wait_ms}");
    }
    let bob = User { id: "bob".into(), ..alice() };
    one.message(&bob).await.expect("his own allowance");
    other.typing(&alice()).await.expect("another thing");
}

#[tokio::test]
async fn a_node_that_is_cut_off_goes_by_what_it_counted_itself_all_the_time() {
    let together = Together::new();
    let settings = ["--limit-messages=4/1h"];
    let (one, other) = (together.node(&settings), together.node(&settings));
    for _ in 0..3 {
        one.message(&alice()).await.expect("three here");
    }
    other.message(&alice()).await.expect("one there");
    together.connectivity.send_replace(Link::Cut);
    one.message(&alice()).await.expect("it let through three of its own four");
    one.message(&alice()).await.expect_err("and that was the fourth");
    for _ in 0..3 {
        other.message(&alice()).await.expect("of this one's four there were three");
    }
    other.message(&alice()).await.expect_err("and that was the fourth");
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_long_for_an_answer_of_the_others() {
    let together = Together::new();
    let node = together.node(&["--limit-messages=1/1h"]);
    together.connectivity.send_replace(Link::Silent);
    let asked = tokio::time::Instant::now();
    node.message(&alice()).await.expect("its own count says yes");
    assert_eq!(asked.elapsed().as_millis() / 10, ANSWER_TIMEOUT.as_millis() / 10);
    node.message(&alice()).await.expect_err("its own count says no, and asks nobody");
    assert_eq!(asked.elapsed().as_millis() / 10, ANSWER_TIMEOUT.as_millis() / 10);
}

#[tokio::test]
async fn people_names_and_tokens_count_together_and_requests_and_connections_at_each_node() {
    let together = Together::new();
    let node = together.node(&["--limit-joins=off"]);
    let address = "2001:db8::1".parse().expect("an address");
    node.message(&alice()).await.expect("allowed");
    node.join(&alice()).await.expect("allowed");
    node.room(&alice()).await.expect("allowed");
    node.typing(&alice()).await.expect("allowed");
    node.session(address).await.expect("allowed");
    node.sign_in("ALICE", address).await.expect("allowed");
    node.publish(Some("id"), address).await.expect("allowed");
    node.publish(None, address).await.expect("allowed");
    node.request(address).expect("allowed");
    let _places = node.connect(Some(&alice()), address).expect("allowed");
    let shared = [
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
    assert_eq!(together.keys(), shared);
}
