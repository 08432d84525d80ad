//! Channels of the feed that only some users may read: on the stream, the page, the poll and the server functions, and
//! while the readers change.

use idobata::{protocol::publication::Publication, server::config::Retention};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Person, Stream, TestServer, in_time, problem};

struct Bench {
    server: TestServer,
    admin: Person,
    alice: Person,
    bob: Person,
}

impl Bench {
    async fn start() -> Self {
        let server = TestServer::start_with(&["--auth", "accounts", "--guests-read"]).await;
        let admin = server.account("admin").await;
        let (alice, bob) = (server.account("alice").await, server.account("bob").await);
        Self { server, admin, alice, bob }
    }

    async fn limit(&self, channel: &str, names: &[&str]) {
        let path = format!("/api/channels/{channel}/readers");
        let answer = self.admin.send(Method::PUT, &path, &json!({ "names": names })).await;
        assert_eq!(answer.status(), 200);
    }

    async fn publish(&self, channel: &str, text: &str) {
        self.say(channel, json!({ "type": "notification", "text": text })).await;
    }

    async fn value(&self, channel: &str, value: f64) {
        self.say(channel, json!({ "type": "update", "value": value })).await;
    }

    async fn say(&self, channel: &str, body: Value) {
        let body = Publication::new(serde_json::from_value(body).unwrap()).unwrap();
        self.server.state.feed.publish(channel, "test", vec![body], None).await.unwrap();
    }
}

async fn page(person: &Person, query: &str) -> Value {
    let request = person.get(&format!("/api/events{query}")).header("accept", "application/json");
    request.send().await.unwrap().json().await.unwrap()
}

fn texts(page: &Value) -> Vec<&str> {
    page["events"].as_array().unwrap().iter().map(|entry| entry["text"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_limited_channel_is_its_readers_on_every_way_to_read() {
    let bench = Bench::start().await;
    bench.limit("pay", &["Alice"]).await;
    let mut streams = Vec::new();
    for (person, query) in [(&bench.alice, ""), (&bench.bob, ""), (&bench.bob, "?channel=pay,ops")] {
        let mut stream = Stream::open(person.get(&format!("/api/events{query}"))).await;
        stream.connected().await;
        streams.push(stream);
    }
    let mut of_nobody = bench.server.stream("").await;
    of_nobody.connected().await;
    for (channel, text) in [("ops", "one"), ("pay", "secret"), ("ops", "two")] {
        bench.publish(channel, text).await;
    }
    assert_eq!(streams[0].texts(3).await, ["one", "secret", "two"]);
    for stream in [&mut streams[1], &mut of_nobody] {
        assert_eq!(stream.texts(2).await, ["one", "two"]);
    }
    assert_eq!(streams[2].texts(2).await, ["one", "two"], "to ask for it does not help");
    assert_eq!(texts(&page(&bench.alice, "?channel=pay").await), ["secret"]);
    assert!(texts(&page(&bench.bob, "?channel=pay").await).is_empty());
    let backlog = page(&bench.bob, "").await;
    assert_eq!(texts(&backlog), ["one", "two"]);
    let mut replayed = Stream::open(bench.bob.get("/api/events?last=2")).await;
    replayed.connected().await;
    assert_eq!(replayed.texts(2).await, ["one", "two"]);
    bench.publish("pay", "the last").await;
    let start = page(&bench.bob, "?limit=1").await["cursor"].as_str().unwrap().replace(":4", ":1");
    let mut behind = Stream::open(bench.bob.get(&format!("/api/events?after={start}"))).await;
    assert_eq!(behind.event().await.1["head"], 3, "bob has caught up with what is there for him");
    bench.value("pay", 1.0).await;
    for path in ["/fn/start", "/fn/start?room=general", "/fn/notices?before=e:9", "/", "/rooms/general"] {
        let text = bench.bob.get(path).send().await.unwrap().text().await.unwrap();
        assert!(!text.contains("secret") && !text.contains("\"pay\""), "{path}: {text}");
    }
    let start = bench.alice.get("/fn/start").send().await.unwrap().text().await.unwrap();
    assert!(start.contains("secret") && start.contains("\"pay\""), "{start}");
}

#[tokio::test]
async fn who_reads_a_channel_no_longer_is_let_go_of_and_comes_back_without_it() {
    let bench = Bench::start().await;
    let mut alice = Stream::open(bench.alice.get("/api/events")).await;
    let mut bob = Stream::open(bench.bob.get("/api/events")).await;
    alice.connected().await;
    bob.connected().await;
    bench.publish("pay", "for all").await;
    let (cursor, _) = bob.event().await;
    let poll = tokio::spawn({
        let path = format!("/api/events?after={cursor}&wait=25");
        bench.bob.get(&path).header("accept", "application/json").send()
    });
    bench.server.expect_connections("poll", 1).await;
    bench.limit("pay", &["alice"]).await;
    bench.publish("pay", "for alice").await;
    bench.publish("ops", "for all").await;

    assert_eq!(bob.block().await, None, "the stream ends, and nothing came before");
    let answer: Value = in_time(poll).await.unwrap().unwrap().json().await.unwrap();
    assert_eq!(answer["reset"], false);
    assert!(texts(&answer).iter().all(|text| *text != "for alice"), "{answer}");
    let mut back = Stream::open(bench.bob.get("/api/events").header("last-event-id", &cursor)).await;
    assert_eq!(back.connected().await, cursor);
    assert_eq!(back.texts(1).await, ["for all"]);
    assert_eq!(
        alice.texts(3).await,
        ["for all", "for alice", "for all"],
        "nothing happened to alice's stream"
    );

    assert_eq!(
        bench.admin.send(Method::DELETE, "/api/channels/pay/readers", &json!(null)).await.status(),
        204
    );
    assert_eq!(back.block().await, None, "there is more to read now");
    let again = bench.admin.send(Method::DELETE, "/api/channels/pay/readers", &json!(null)).await;
    assert_eq!(problem(again, 404).await, "not_found");
    assert_eq!(texts(&page(&bench.bob, "?channel=pay").await), ["for all", "for alice"]);
}

#[tokio::test]
async fn what_is_removed_of_a_channel_resets_those_who_read_it_and_nobody_else() {
    let bench = Bench::start().await;
    bench.limit("pay", &["alice"]).await;
    bench.publish("ops", "kept").await;
    let start = page(&bench.bob, "").await["cursor"].as_str().unwrap().replace(":1", ":0");
    for value in 0..20 {
        bench.value("pay", f64::from(value)).await;
    }
    let retention = Retention { entries: 5, age_ms: i64::MAX / 2, client_id_age_ms: 0 };
    let now_ms = bench.server.state.clock.settled_ms();
    bench.server.state.hub.trim(|_| retention, now_ms).await.unwrap();
    let resumed = async |person: &Person, query: &str| {
        let page = page(person, &format!("?after={start}{query}")).await;
        (page["events"][0]["text"].clone(), page["events"].as_array().unwrap().len(), page["reset"] == true)
    };
    assert_eq!(resumed(&bench.alice, "").await, (json!("kept"), 6, true));
    assert_eq!(resumed(&bench.bob, "").await, (json!("kept"), 1, false));
    assert_eq!(resumed(&bench.bob, "&channel=pay,ops").await, (json!("kept"), 1, false));
    bench.admin.send(Method::DELETE, "/api/channels/pay/readers", &json!(null)).await;
    assert_eq!(resumed(&bench.bob, "").await, (json!("kept"), 6, true), "some of what is his now is gone");
    assert_eq!(resumed(&bench.bob, "&channel=ops").await, (json!("kept"), 1, false));
}

#[tokio::test]
async fn the_readers_of_a_channel_survive_a_restart() {
    let bench = Bench::start().await;
    bench.limit("pay", &["alice", "Alice"]).await;
    bench.limit("board", &[]).await;
    bench.publish("pay", "secret").await;
    let Bench { server, admin, alice, bob } = bench;
    let data = server.stop().await.unwrap();
    let server = TestServer::start_on(data.path(), &["--auth", "accounts"]).await;
    assert_eq!(texts(&page(&alice.at(&server), "").await), ["secret"]);
    assert!(texts(&page(&bob.at(&server), "").await).is_empty());
    let listed: Value = admin.at(&server).get("/api/channels").send().await.unwrap().json().await.unwrap();
    let user = json!({ "id": alice.session.user.id, "name": "alice" });
    let expected = json!([{ "channel": "board", "readers": [] }, { "channel": "pay", "readers": [user] }]);
    assert_eq!(listed, expected);
    let nobody = json!({ "names": ["eve"] });
    let unknown = admin.at(&server).send(Method::PUT, "/api/channels/pay/readers", &nobody).await;
    assert_eq!(problem(unknown, 404).await, "unknown_person");
}
