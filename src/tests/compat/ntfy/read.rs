//! Reading as from ntfy.

use futures_util::{StreamExt, stream::BoxStream};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tokio_tungstenite::{connect_async, tungstenite::Message};

use super::{accepted, refused, trim};
use crate::support::{TestServer, in_time};

/// A stream of lines.
struct Lines {
    bytes: BoxStream<'static, reqwest::Result<bytes::Bytes>>,
    buffer: Vec<u8>,
}

impl Lines {
    async fn open(request: RequestBuilder) -> Self {
        let response = in_time(request.send()).await.unwrap();
        assert_eq!(response.status(), 200);
        // Readers that read a body of no known length by the block would wait for its next messages.
        assert_eq!(response.headers()["transfer-encoding"], "chunked");
        Self { bytes: response.bytes_stream().boxed(), buffer: Vec::new() }
    }

    /// The next line; `None` at the end.
    async fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let rest = self.buffer.split_off(end + 1);
                let line = std::mem::replace(&mut self.buffer, rest);
                return Some(String::from_utf8(line).unwrap().trim_end().to_owned());
            }
            self.buffer.extend_from_slice(&in_time(self.bytes.next()).await?.ok()?);
        }
    }

    async fn json(&mut self) -> Option<Value> {
        Some(serde_json::from_str(&self.line().await?).unwrap())
    }

    /// The next message that is no keepalive.
    async fn message(&mut self) -> Value {
        loop {
            let event = self.json().await.expect("the stream goes on");
            if event["event"] != "keepalive" {
                return event;
            }
        }
    }
}

async fn follow(server: &TestServer, path: &str) -> Lines {
    let mut lines = Lines::open(server.get(path)).await;
    assert_eq!(lines.json().await.unwrap()["event"], "open");
    lines
}

/// The texts of a poll.
async fn poll(server: &TestServer, path: &str) -> Vec<String> {
    let mut lines = Lines::open(server.get(path)).await;
    let mut texts = Vec::new();
    while let Some(message) = lines.json().await {
        assert_eq!(message["event"], "message");
        texts.push(message["message"].as_str().unwrap().to_owned());
    }
    texts
}

async fn say(server: &TestServer, topic: &str, text: &str) -> String {
    let message = accepted(server.post(&format!("/{topic}")).body(text.to_owned())).await;
    message["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn every_format_has_open_and_each_message_of_its_topics() {
    let server = TestServer::start().await;
    let mut json = Lines::open(server.get("/a,b/json")).await;
    let mut sse = Lines::open(server.get("/a/sse")).await;
    let mut raw = Lines::open(server.get("/a/raw")).await;
    let url = format!("{}/a/ws", server.url.replace("http:", "ws:"));
    let (mut ws, _) = in_time(connect_async(url)).await.unwrap();
    let open = json.json().await.unwrap();
    assert_eq!((&open["event"], &open["topic"]), (&json!("open"), &json!("a,b")));
    assert!(open["time"].as_i64().unwrap() > 1_700_000_000 && open.get("message").is_none());
    assert_eq!(raw.line().await.unwrap(), "");
    assert!(sse.line().await.unwrap().starts_with("id: "));
    assert_eq!(sse.line().await.unwrap(), "event: open");
    assert!(sse.line().await.unwrap().starts_with("data: {") && sse.line().await.unwrap().is_empty());
    let frame = async |ws: &mut tokio_tungstenite::WebSocketStream<_>| -> Value {
        loop {
            if let Message::Text(text) = in_time(ws.next()).await.unwrap().unwrap() {
                return serde_json::from_str(&text).unwrap();
            }
        }
    };
    assert_eq!(frame(&mut ws).await["event"], "open");
    say(&server, "other", "not heard").await;
    let published = accepted(server.post("/a").header("title", "T").body("one\ntwo")).await;
    say(&server, "b", "three").await;
    assert_eq!(json.message().await, published, "as it was answered");
    assert_eq!(json.message().await["message"], "three");
    assert_eq!(frame(&mut ws).await, published);
    assert_eq!(raw.line().await.unwrap(), "one two");
    assert_eq!(sse.line().await.unwrap(), format!("id: {}", published["id"].as_str().unwrap()));
    let data = sse.line().await.unwrap();
    assert_eq!(serde_json::from_str::<Value>(data.strip_prefix("data: ").unwrap()).unwrap(), published);
}

#[tokio::test]
async fn since_an_id_resumes_exactly_after_it() {
    let server = TestServer::start().await;
    let first = say(&server, "a", "1").await;
    say(&server, "b", "of another topic").await;
    let second = say(&server, "a", "2").await;
    say(&server, "a", "3").await;
    assert_eq!(poll(&server, &format!("/a/json?poll=1&since={first}")).await, ["2", "3"]);
    assert_eq!(poll(&server, &format!("/a/json?poll=1&since={second}")).await, ["3"]);
    let mut lines = follow(&server, &format!("/a/json?since={second}")).await;
    assert_eq!(lines.message().await["message"], "3");
    say(&server, "a", "4").await;
    assert_eq!(lines.message().await["message"], "4");
    // A browser repeats its address, and adds the id up to which it came.
    let again = server.get(&format!("/a/json?poll=1&since={first}")).header("last-event-id", &second);
    assert_eq!(Lines::open(again).await.message().await["message"], "3");
}

#[tokio::test]
async fn since_reaches_back_by_all_of_ntfys_words() {
    let server = TestServer::start().await;
    assert!(poll(&server, "/a,b/json?poll=1").await.is_empty());
    for (topic, text) in [("a", "1"), ("b", "2"), ("a", "3"), ("b", "4"), ("a", "5")] {
        say(&server, topic, text).await;
    }
    let value =
        server.post("/api/events/a").json(&json!({ "type": "update", "value": 1 })).send().await.unwrap();
    assert_eq!(value.status(), 201);
    for (query, texts) in [
        ("/a/json?poll=1", &["1", "3", "5"][..]),
        ("/a,b/json?poll=1&since=all", &["1", "2", "3", "4", "5"]),
        ("/a,b/json?poll=1&since=latest", &["4", "5"]),
        ("/a,b/json?poll=1&since=none", &[]),
        ("/b/json?poll=1&since=10m", &["2", "4"]),
        ("/b/json?poll=1&since=1700000000", &["2", "4"]),
        ("/b/json?poll=1&since=99999999999", &[]),
    ] {
        assert_eq!(poll(&server, query).await, texts, "{query}");
    }
    assert_eq!(refused(server.get("/a/json?since=soon").send().await.unwrap(), 400).await, 40008);
}

#[tokio::test]
async fn filters_let_through_what_passes_all_of_them() {
    let server = TestServer::start().await;
    for (text, priority, tags) in [("1", "5", "warning,db"), ("2", "3", "warning"), ("3", "4", "db")] {
        accepted(server.post("/a").header("p", priority).header("tags", tags).header("t", "T").body(text))
            .await;
    }
    for (filter, texts) in [
        ("tags=warning", &["1", "2"][..]),
        ("tags=warning,db", &["1"]),
        ("priority=high,5", &["1", "3"]),
        ("p=3&title=T", &["2"]),
        ("title=t", &[]),
        ("message=3", &["3"]),
    ] {
        assert_eq!(poll(&server, &format!("/a/json?poll=1&{filter}")).await, texts, "{filter}");
    }
}

#[tokio::test]
async fn history_that_is_gone_is_told_by_a_message() {
    let server = TestServer::start().await;
    let mut ids = Vec::new();
    for n in 1..=9 {
        ids.push(say(&server, "a", &n.to_string()).await);
    }
    trim(&server, 3).await;
    let gone = "Some older messages were removed before this reader came back for them.";
    assert_eq!(poll(&server, "/a/json?poll=1").await, ["7", "8", "9"], "who asks for all lacks nothing");
    for id in [&ids[1], &"zzzzzzzzzzzz".to_owned()] {
        let texts = poll(&server, &format!("/a/json?poll=1&since={id}&tags=none")).await;
        assert_eq!(texts, [gone], "past the filters");
        let mut lines = Lines::open(server.get(&format!("/a/json?poll=1&since={id}"))).await;
        let loss = lines.message().await;
        assert_eq!(
            (&loss["message"], &loss["topic"], &loss["event"]),
            (&json!(gone), &json!("a"), &json!("message"))
        );
        let resumed = poll(&server, &format!("/a/json?poll=1&since={}", loss["id"].as_str().unwrap())).await;
        assert_eq!(resumed, ["7", "8", "9"], "from the message that tells it, once");
    }
    assert_eq!(poll(&server, &format!("/a/json?poll=1&since={}", ids[6])).await, ["8", "9"]);
}

#[tokio::test]
async fn a_reader_that_comes_back_fifty_times_has_each_of_ten_thousand_messages_once_and_in_order() {
    let server = TestServer::start().await;
    let first = say(&server, "a", "0").await;
    let publishing = async {
        for batch in 0..200 {
            let channel = if batch % 2 == 0 { "a" } else { "b" };
            let texts = (1..=100).map(|n| json!({ "text": (batch * 100 + n).to_string() }));
            let request = server.post(&format!("/api/events/{channel}")).json(&texts.collect::<Vec<_>>());
            assert_eq!(request.send().await.unwrap().status(), 201);
        }
    };
    let reading = async {
        let (mut since, mut texts, mut readers) = (first, Vec::new(), 0);
        while texts.len() < 10_000 {
            let mut lines = follow(&server, &format!("/a/json?since={since}")).await;
            readers += 1;
            // It leaves in the middle of what comes.
            for _ in 0..=(readers * 37) % 300 {
                let message = lines.message().await;
                since = message["id"].as_str().unwrap().to_owned();
                texts.push(message["message"].as_str().unwrap().parse::<u32>().unwrap());
                if texts.len() == 10_000 {
                    break;
                }
            }
        }
        assert!(readers >= 50, "{readers}");
        texts
    };
    let ((), texts) = in_time(async { tokio::join!(publishing, reading) }).await;
    let of_a = (0..200).filter(|batch| batch % 2 == 0).flat_map(|batch| batch * 100 + 1..=batch * 100 + 100);
    assert_eq!(texts, of_a.collect::<Vec<u32>>());
}

#[tokio::test]
async fn readers_end_with_their_session_and_with_the_server() {
    let server = TestServer::start_with(&["--auth", "accounts"]).await;
    let admin = server.account("admin").await;
    let member = server.account("member").await;
    let limit = json!({ "names": ["admin"] });
    assert_eq!(admin.send(Method::PUT, "/api/channels/pay/readers", &limit).await.status(), 200);
    assert_eq!(refused(server.get("/ops/json").send().await.unwrap(), 401).await, 40101);
    let mut streams = Vec::new();
    for (person, topics) in [(&member, "/pay,ops/json"), (&admin, "/pay/json"), (&admin, "/ops/sse")] {
        let mut lines = Lines::open(person.get(topics)).await;
        assert!(lines.line().await.is_some());
        streams.push(lines);
    }
    let feed = &server.state.feed;
    for channel in ["pay", "ops"] {
        let body = serde_json::from_value(json!({ "type": "notification", "text": channel })).unwrap();
        let publication = idobata::protocol::publication::Publication::new(body).unwrap();
        feed.publish(channel, "test", vec![publication], None).await.unwrap();
    }
    assert_eq!(streams[0].message().await["topic"], "ops", "a limited channel is as one without messages");
    assert_eq!(streams[1].message().await["topic"], "pay");
    assert_eq!(member.send(Method::DELETE, "/api/session", &json!(null)).await.status(), 204);
    assert_eq!(streams[0].line().await, None, "signed out");
    server.stop().await;
    for stream in &mut streams[1..] {
        while stream.line().await.is_some() {}
    }
}

#[tokio::test]
async fn readers_count_as_other_live_connections_do() {
    let server = TestServer::start_limited(&["--max-connections-per-address=1"]).await;
    let lines = follow(&server, "/a/json").await;
    server.expect_connections("stream", 1).await;
    for path in ["/a/json", "/a/sse", "/a/raw", "/a/json?poll=1"] {
        let response = server.get(path).send().await.unwrap();
        assert!(response.headers().contains_key("retry-after"), "{path}");
        assert_eq!(refused(response, 429).await, 42901, "{path}");
    }
    drop(lines);
    server.expect_connections("stream", 0).await;
    assert!(poll(&server, "/a/json?poll=1").await.is_empty());
}

#[tokio::test]
async fn clients_hear_of_the_server_and_of_themselves() {
    let server = TestServer::start().await;
    assert_eq!(accepted(server.get("/v1/health")).await, json!({ "healthy": true }));
    assert_eq!(accepted(server.get("/v1/account")).await["username"], "*");
    let alice = server.person("alice").await;
    assert_eq!(accepted(alice.get("/v1/account")).await, json!({ "username": "alice", "role": "user" }));
    assert_eq!(accepted(server.get("/a,b/auth")).await, json!({ "success": true }));
    assert_eq!(refused(server.get("/rooms2,api/auth").send().await.unwrap(), 400).await, 40010);
    let many = (0..51).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    assert_eq!(refused(server.get(&format!("/{many}/json")).send().await.unwrap(), 400).await, 40009);
    assert_eq!(refused(server.get("/a/ws").send().await.unwrap(), 400).await, 40016);
    assert_eq!(
        refused(server.get("/v1/account").bearer_auth("nonsense").send().await.unwrap(), 401).await,
        40101
    );
}
