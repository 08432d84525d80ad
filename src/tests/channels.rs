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
    for path in [
        "/fn/start",
        "/fn/start?room=general",
        "/fn/notices?before=e:9",
        "/fn/viewer",
        "/",
        "/rooms/general",
        "/account",
        "/feed",
        "/feed?q=pa",
        "/fn/channel?channel=pay",
    ] {
        let text = bench.bob.get(path).send().await.unwrap().text().await.unwrap();
        assert!(!text.contains("secret") && !text.contains("\"pay\""), "{path}: {text}");
    }
    let start = bench.alice.get("/fn/start").send().await.unwrap().text().await.unwrap();
    assert!(start.contains("secret") && start.contains("\"pay\""), "{start}");
}

#[tokio::test]
async fn a_chart_has_the_values_of_a_channel_for_its_readers_only() {
    let bench = Bench::start().await;
    bench.limit("pay", &["Alice"]).await;
    for value in [3.0, 1.0, 2.0] {
        bench.value("pay", value).await;
    }
    bench.publish("pay", "no value").await;
    let values = async |person: &Person, query: &str| {
        let answer = person.get(&format!("/api/channels/pay/values{query}")).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{query}");
        answer.json::<Value>().await.unwrap()
    };
    // Before 2001 nothing was published, so all values have one point.
    let all = values(&bench.alice, "?from=978307200000&points=1").await;
    assert_eq!(all["times"].as_array().unwrap().len(), 1, "{all}");
    let series = json!([{"key": "", "unit": null, "min": [1.0], "max": [3.0], "mean": [2.0]}]);
    assert_eq!((&all["series"], &all["cut"]), (&series, &json!(false)));
    let after = page(&bench.alice, &format!("?channel=pay&after={}", all["cursor"].as_str().unwrap())).await;
    assert!(texts(&after).is_empty() && after["reset"] == false, "the cursor goes on from there: {after}");
    assert_eq!(values(&bench.alice, "?to=978307200000").await["times"], json!([]));

    let none = values(&bench.bob, "").await;
    assert_eq!((&none["times"], &none["series"]), (&json!([]), &json!([])), "{none}");
    for (query, named) in [
        ("?points=0", "points must be a number from 1 to"),
        ("?from=2&to=1", "from must not be after to"),
        ("?from=9223372036854775807", "milliseconds since 1970-01-01"),
    ] {
        let refused = bench.alice.get(&format!("/api/channels/pay/values{query}")).send().await.unwrap();
        assert_eq!(refused.status(), 400, "{query}");
        assert!(refused.text().await.unwrap().contains(named), "{query}");
    }
}

#[tokio::test]
async fn all_channels_are_listed_and_found_by_a_part_of_their_names() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    for channel in ["Zoo", "db-1", "db-2", "api"] {
        server.publish(channel, "here").await;
    }
    let listed = async |query: &str| {
        let page = alice.get(&format!("/feed{query}")).send().await.unwrap().text().await.unwrap();
        let main = page.split_once("<main").unwrap().1.to_owned();
        let links =
            main.split("href=\"/feed/").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned());
        links.collect::<Vec<_>>()
    };
    assert_eq!(listed("").await, ["api", "db-1", "db-2", "Zoo"]);
    assert_eq!(listed("?q=DB").await, ["db-1", "db-2"]);
    assert!(listed("?q=%22%3Cb%3E").await.is_empty());
    let moved = alice.get("/channels/db-1").send().await.unwrap();
    assert_eq!((moved.status().as_u16(), moved.url().path()), (200, "/feed/db-1"));
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

/// The page's HTML, status and data for this person, without what differs from one address or request to the next.
async fn channel_page(person: &Person, channel: &str) -> (u16, String, Value) {
    let answer =
        person.get(&format!("/feed/{channel}")).header("accept-language", "en").send().await.unwrap();
    let (status, html) = (answer.status().as_u16(), answer.text().await.unwrap());
    let start = person.get(&format!("/fn/start?channel={channel}")).send().await.unwrap();
    let mut start: Value = start.json().await.unwrap();
    start["page"]["feed"]["feed"]["cursor"] = json!("the same");
    let data = serde_json::from_str(&start.to_string().replace(channel, "NAME")).unwrap();
    let main = html.split_once("<main").unwrap().1.split_once("</main>").unwrap().0;
    (status, main.replace(channel, "NAME"), data)
}

#[tokio::test]
async fn the_page_of_a_channel_has_its_entries_alone_and_older_ones_by_links() {
    let bench = Bench::start().await;
    for number in 1..=45 {
        bench.publish("ops", &format!("notice {number}.")).await;
        bench.publish("other", &format!("another {number}.")).await;
    }
    bench.value("ops", 41.5).await;
    bench.value("other", 99.5).await;
    let (status, html, data) = channel_page(&bench.alice, "ops").await;
    assert_eq!(status, 200);
    assert!(html.contains("notice 45.") && html.contains("notice 26.") && html.contains("41.500"), "{html}");
    assert!(html.contains("/api/events/NAME") && html.contains(r#"href="/feed/NAME?before="#), "{html}");
    assert!(!html.contains("another") && !html.contains("99.500") && !html.contains("notice 25."), "{html}");
    assert_eq!(data["page"]["feed"]["channel"], "NAME");
    assert_eq!(data["page"]["feed"]["feed"]["notices"].as_array().unwrap().len(), 20);
    let mut path =
        html.split_once("/feed/NAME?before=").map(|(_, rest)| rest.split_once('"').unwrap().0.to_owned());
    let (mut seen, mut pages) = (html, 1);
    while let Some(before) = path {
        let older = bench.alice.get(&format!("/feed/ops?before={before}")).send().await.unwrap();
        assert_eq!(older.status(), 200, "{before}");
        let html = older.text().await.unwrap();
        let main = html.split_once("<main").unwrap().1.split_once("</main>").unwrap().0.to_owned();
        let next =
            main.split_once("/feed/ops?before=").map(|(_, rest)| rest.split_once('"').unwrap().0.to_owned());
        (seen, path, pages) = (seen + &main, next, pages + 1);
    }
    assert_eq!(pages, 3);
    assert!(!seen.contains("another"), "{seen}");
    for number in 1..=45 {
        assert_eq!(seen.matches(&format!("notice {number}.<")).count(), 1, "{number}");
    }
    let epoch =
        page(&bench.alice, "").await["cursor"].as_str().unwrap().split(':').next().unwrap().to_owned();
    let older = bench.alice.get(&format!("/fn/notices?before={epoch}:9&channel=ops")).send().await.unwrap();
    let older: Value = older.json().await.unwrap();
    let texts: Vec<_> =
        older["entries"].as_array().unwrap().iter().map(|entry| entry["text"].clone()).collect();
    assert_eq!(texts, ["notice 1.", "notice 2.", "notice 3.", "notice 4."]);
}

#[tokio::test]
async fn a_channel_that_one_may_not_read_looks_as_one_that_nobody_has_used() {
    let bench = Bench::start().await;
    bench.publish("pay", "for all").await;
    bench.value("pay", 1.5).await;
    let listed = async |person: &Person| {
        let viewer: Value = person.get("/fn/viewer").send().await.unwrap().json().await.unwrap();
        viewer["visit"]["channels"].clone()
    };
    let names = listed(&bench.bob).await;
    assert!(names.as_array().unwrap().contains(&json!("pay")), "{names}");
    assert!(channel_page(&bench.bob, "pay").await.1.contains("for all"));
    bench.limit("pay", &["alice"]).await;
    let names = listed(&bench.bob).await;
    assert!(!names.as_array().unwrap().contains(&json!("pay")), "{names}");
    let (mine, unused) = (channel_page(&bench.bob, "pay").await, channel_page(&bench.bob, "never").await);
    assert_eq!(mine, unused);
    assert_eq!(mine.0, 200);
    assert!(mine.1.contains("No notifications yet.") && mine.1.contains("/api/events/NAME"), "{}", mine.1);
    let head = page(&bench.alice, "").await["cursor"].as_str().unwrap().to_owned();
    for path in [format!("/feed/pay?before={head}"), format!("/fn/notices?before={head}&channel=pay")] {
        let (asked, other) = (bench.bob.get(&path), bench.bob.get(&path.replace("pay", "never")));
        let (asked, other) = (asked.send().await.unwrap(), other.send().await.unwrap());
        assert_eq!(asked.status(), other.status(), "{path}");
        assert!(!asked.text().await.unwrap().contains("for all"), "{path}");
    }
    assert!(channel_page(&bench.alice, "pay").await.1.contains("for all"));
    assert!(listed(&bench.alice).await.as_array().unwrap().contains(&json!("pay")));
}
