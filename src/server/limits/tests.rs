//! Tests of the rate limits. Those over real sockets are in `src/tests/limits.rs`.

use clap::Parser;

use super::*;
use crate::{
    protocol::problem::Code,
    server::{Config, cluster::backplane::Local},
};

fn limits(settings: &[&str]) -> RateLimits {
    let config = Config::try_parse_from([&["idobata"], settings].concat()).expect("settings");
    RateLimits::new(&config.limits, &alone())
}

fn alone() -> Arc<dyn Backplane> {
    Arc::new(Local::new())
}

fn user(id: &str) -> User {
    User { id: id.into(), name: id.to_uppercase() }
}

fn address(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

#[tokio::test]
async fn the_hundred_and_first_message_within_a_minute_is_told_when_to_come_back() {
    let limits = limits(&[]);
    let alice = user("alice");
    for _ in 0..100 {
        limits.message(&alice).await.expect("allowed");
    }
    let rejected = limits.message(&alice).await.expect_err("one too many");
    assert_eq!(rejected.code, Code::TooManyRequests);
    // One of a hundred comes back after a hundredth of the minute.
    assert!(rejected.retry_after_ms.is_some_and(|ms| (1..=600).contains(&ms)), "{rejected:?}");
    limits.message(&user("bob")).await.expect("his own allowance");
    limits.join(&alice).await.expect("another thing");
}

#[tokio::test]
async fn a_limit_that_is_off_rejects_and_remembers_no_one() {
    let limits = limits(&["--limit-messages=off"]);
    for _ in 0..1_000 {
        limits.message(&user("alice")).await.expect("there is no limit");
    }
    assert_eq!(limits.messages.known(), 0);
}

#[tokio::test]
async fn idle_keys_are_forgotten_and_others_are_not() {
    let limits = limits(&["--limit-messages=1000000/1s", "--limit-rooms=1/1d"]);
    for n in 0..100 {
        limits.message(&user(&n.to_string())).await.expect("allowed");
        limits.room(&user(&n.to_string())).await.expect("allowed");
    }
    assert_eq!((limits.messages.known(), limits.rooms.known()), (100, 100));
    // An allowance is full again after a microsecond, and as much again.
    while limits.messages.known() > 0 {
        limits.forget_idle();
    }
    assert_eq!(limits.rooms.known(), 100);
    limits.room(&user("1")).await.expect_err("its day is not over");
}

#[tokio::test]
async fn a_network_of_64_bits_counts_as_one_address() {
    assert_eq!(counted_as(address("2001:db8:1:2:3:4:5:6")), address("2001:db8:1:2::"));
    assert_eq!(counted_as(address("::ffff:192.0.2.1")), address("192.0.2.1"));
    assert_eq!(counted_as(address("192.0.2.1")), address("192.0.2.1"));
    let limits = limits(&["--limit-requests=1/1h"]);
    limits.request(address("2001:db8::1")).expect("the first");
    limits.request(address("2001:db8::2")).expect_err("of the same network");
    limits.request(address("2001:db8:0:1::1")).expect("of another");
    limits.request(address("192.0.2.1")).expect("the first");
    limits.request(address("::ffff:192.0.2.1")).expect_err("the same");
    limits.request(address("192.0.2.2")).expect("another");
}
