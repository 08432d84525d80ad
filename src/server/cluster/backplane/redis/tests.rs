//! The backplane on a real Redis: delivery between nodes, isolation of installations, and outages of Redis.

use std::{
    num::NonZeroU32,
    time::{Duration, Instant},
};

use tokio::{sync::mpsc, time::timeout};

use super::{address::client, server::RedisServer, *};

const DEADLINE: Duration = Duration::from_secs(20);

#[derive(Debug, PartialEq, Eq)]
enum Heard {
    Listening(String),
    Said { subject: String, node: String, message: String },
}

struct Log(mpsc::UnboundedSender<Heard>);

impl MessageHandler for Log {
    fn on_message(&self, subject: &str, node: &str, message: &str) {
        let (subject, node, message) = (subject.into(), node.into(), message.into());
        drop(self.0.send(Heard::Said { subject, node, message }));
    }

    fn on_subscribed(&self, subject: &str) {
        drop(self.0.send(Heard::Listening(subject.into())));
    }
}

struct Node {
    redis: Redis,
    heard: mpsc::UnboundedReceiver<Heard>,
}

impl Node {
    /// A node whose subscriptions to these subjects are in effect.
    async fn subscribed(url: &str, installation: &str, subjects: &[&str]) -> Self {
        let Ok(url) = url.parse();
        let redis = Redis::start(&url, None).expect("an address");
        let (log, heard) = mpsc::unbounded_channel();
        let mut node = Self { redis, heard };
        subjects.iter().for_each(|subject| node.redis.subscribe(subject));
        node.redis.attach(installation, Arc::new(Log(log)));
        for _ in subjects {
            let heard = node.next().await;
            assert!(matches!(heard, Heard::Listening(_)), "{heard:?}");
        }
        node.until_connected(true).await;
        node
    }

    async fn next(&mut self) -> Heard {
        timeout(DEADLINE, self.heard.recv()).await.expect("in time").expect("it goes on")
    }

    async fn messages(&mut self, count: usize) -> Vec<String> {
        let mut messages = Vec::new();
        while messages.len() < count {
            if let Heard::Said { message, .. } = self.next().await {
                messages.push(message);
            }
        }
        messages
    }

    async fn until_connected(&self, is_up: bool) {
        let mut connectivity = self.redis.connectivity();
        timeout(DEADLINE, connectivity.wait_for(|now| *now == is_up))
            .await
            .expect("in time")
            .expect("it goes on");
    }
}

/// The name of an installation that no other test on the Redis of this process uses.
fn installation() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

fn rate(count: u32, period: Duration) -> Rate {
    Rate { count: NonZeroU32::new(count).expect("above 0"), period }
}

#[tokio::test]
async fn what_one_node_says_all_others_hear_in_its_order_and_nobody_else() {
    let (url, here) = (RedisServer::shared().url(), installation());
    let mut one = Node::subscribed(&url, &here, &["a", "b"]).await;
    let mut two = Node::subscribed(&url, &here, &["a"]).await;
    let mut stranger = Node::subscribed(&url, &installation(), &["a"]).await;
    let three = Node::subscribed(&url, &here, &["a"]).await;
    for n in 0..1_000 {
        three.redis.publish("a", n.to_string());
        three.redis.publish("b", format!("b{n}"));
    }
    let all: Vec<String> = (0..1_000).map(|n| n.to_string()).collect();
    assert_eq!(two.messages(1_000).await, all);
    let both: Vec<String> = (0..1_000).flat_map(|n| [n.to_string(), format!("b{n}")]).collect();
    assert_eq!(one.messages(2_000).await, both);
    // Nothing that was published before this reached the other installation.
    stranger.redis.subscribe("own");
    assert_eq!(stranger.next().await, Heard::Listening("own".into()));
    one.redis.publish("a", "last".into());
    let sent = Heard::Said { subject: "a".into(), node: one.redis.node().into(), message: "last".into() };
    assert_eq!(two.next().await, sent);
    three.redis.publish("a", "after".into());
    assert_eq!(one.messages(1).await, ["after"], "and not what it said itself");
}

#[tokio::test]
async fn after_a_crash_of_redis_every_line_is_heard_anew() {
    let mut redis = RedisServer::start();
    let here = installation();
    let mut one = Node::subscribed(&redis.url(), &here, &["a"]).await;
    let mut two = Node::subscribed(&redis.url(), &here, &["a"]).await;
    redis.crash();
    one.until_connected(false).await;
    two.until_connected(false).await;
    assert_eq!(one.redis.allow("k", rate(1, DEADLINE)).await, Err(Unreachable));
    one.redis.publish("a", "into the void".into());
    two.redis.subscribe("b");
    redis.start_again();
    for node in [&mut one, &mut two] {
        node.until_connected(true).await;
        assert!(matches!(node.next().await, Heard::Listening(_)));
    }
    assert!(matches!(two.next().await, Heard::Listening(_)), "the new line as well");
    one.redis.publish("a", "back".into());
    one.redis.publish("b", "again".into());
    assert_eq!(two.messages(2).await, ["back", "again"]);
}

#[tokio::test]
async fn a_network_that_swallows_everything_is_noticed() {
    let redis = RedisServer::start();
    let gate = gate::Gate::before(redis.address()).await;
    let node = Node::subscribed(&format!("redis://{}", gate.address()), &installation(), &["a"]).await;
    gate.silence();
    let asked = Instant::now();
    assert_eq!(node.redis.allow("k", rate(1, DEADLINE)).await, Err(Unreachable));
    assert!(asked.elapsed() < ANSWER_TIMEOUT, "no one waits until the connection counts as lost");
    node.until_connected(false).await;
    gate.open();
    node.until_connected(true).await;
}

#[tokio::test]
async fn over_tls_only_a_redis_with_the_right_certificate_is_spoken_to() {
    let folder = tempfile::tempdir().expect("made");
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        path
    };
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("made");
    let (right, key) = (file("right.pem", &cert.pem()), file("key.pem", &signing_key.serialize_pem()));
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("made");
    let wrong = file("wrong.pem", &other.cert.pem());
    let server = RedisServer::start_tls(right.to_str().expect("text"), key.to_str().expect("text"));
    let Ok(url) = format!("rediss://localhost:{}", server.address().port()).parse();
    let asked = async |ca: &Path| {
        let client = client(&url, Some(ca)).expect("an address");
        let mut connection = client.get_multiplexed_async_connection_with_config(&config()).await?;
        redis::cmd("PING").query_async::<String>(&mut connection).await
    };
    assert_eq!(asked(&right).await.expect("trusted"), "PONG");
    let refused = asked(&wrong).await.expect_err("somebody else's").to_string();
    assert!(refused.contains("certificate"), "{refused}");
    let missing = client(&url, Some(Path::new("nowhere.pem"))).expect_err("no file").to_string();
    assert!(missing.contains("nowhere.pem"), "{missing}");
}

#[tokio::test]
async fn a_line_that_nobody_wants_is_left_after_a_while_and_heard_again_when_somebody_does() {
    let subjects = Subscriptions::default();
    subjects.acquire("a");
    subjects.acquire("a");
    subjects.release("a");
    assert!(subjects.take_idle().is_empty());
    subjects.release("a");
    assert!(subjects.take_idle().is_empty(), "it lingers");
    subjects.acquire("a");
    assert_eq!(subjects.missing(&["a".to_owned()].into()), Vec::<String>::new());
    assert_eq!(subjects.missing(&[].into()), ["a"]);
}

#[tokio::test]
async fn nodes_draw_on_one_allowance() {
    let (url, here) = (RedisServer::shared().url(), installation());
    let nodes = [Node::subscribed(&url, &here, &[]).await, Node::subscribed(&url, &here, &[]).await];
    let limit = rate(10, Duration::from_secs(3_600));
    for n in 0..10 {
        let allowed = nodes[n % 2].redis.allow("alice", limit).await;
        assert_eq!(allowed, Ok(Allowance::Taken), "{n}");
    }
    for node in &nodes {
        let refused = node.redis.allow("alice", limit).await;
        let Ok(Allowance::UsedUp(wait)) = refused else { panic!("{refused:?}") };
        let interval = Duration::from_secs(360);
        assert!((interval / 2..=interval).contains(&wait), "{wait:?}");
        assert_eq!(node.redis.allow("bob", limit).await, Ok(Allowance::Taken));
    }
}

#[tokio::test]
async fn an_allowance_comes_back_bit_by_bit() {
    let node = Node::subscribed(&RedisServer::shared().url(), &installation(), &[]).await;
    let limit = rate(2, Duration::from_millis(200));
    let mut waits = Vec::new();
    for _ in 0..5 {
        match node.redis.allow("alice", limit).await.expect("there") {
            Allowance::Taken => waits.push(Duration::ZERO),
            Allowance::UsedUp(wait) => {
                tokio::time::sleep(wait).await;
                assert_eq!(node.redis.allow("alice", limit).await, Ok(Allowance::Taken));
                waits.push(wait);
            }
        }
    }
    assert!(waits.iter().all(|wait| *wait <= Duration::from_millis(100)), "{waits:?}");
}

#[tokio::test]
async fn what_is_still_to_be_said_is_said_before_the_end() {
    let (url, here) = (RedisServer::shared().url(), installation());
    let mut one = Node::subscribed(&url, &here, &["a"]).await;
    let two = Node::subscribed(&url, &here, &[]).await;
    (0..500).for_each(|n| two.redis.publish("a", n.to_string()));
    two.redis.close().await;
    assert_eq!(one.messages(500).await.last().map(String::as_str), Some("499"));
}
