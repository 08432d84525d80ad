//! Outgoing webhooks, against a receiver on a port of its own: what it is told, in which order, and what becomes of it while the
//! receiver or the server is away.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use idobata::server::config::Retention;
use jsonwebtoken::{Algorithm, EncodingKey};
use parking_lot::Mutex;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Nodes, RedisServer, TestServer, in_time, new_id, problem};

/// Receivers on this machine.
const SETTINGS: [&str; 1] = ["--webhook-networks=127.0.0.0/8"];

#[derive(Default)]
struct Desk {
    requests: Mutex<Vec<(HeaderMap, Vec<u8>)>>,
    /// The next answers, other than 204.
    replies: Mutex<VecDeque<u16>>,
}

struct Receiver {
    url: String,
    desk: Arc<Desk>,
}

async fn take(State(desk): State<Arc<Desk>>, headers: HeaderMap, body: Bytes) -> Response {
    let status = desk.replies.lock().pop_front().unwrap_or(204);
    desk.requests.lock().push((headers, body.to_vec()));
    let status = StatusCode::from_u16(status).unwrap();
    match status.is_redirection() {
        true => (status, [("location", "/elsewhere")]).into_response(),
        false => status.into_response(),
    }
}

impl Receiver {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/in", listener.local_addr().unwrap());
        let desk = Arc::new(Desk::default());
        let router = Router::new().route("/in", post(take)).with_state(desk.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, desk }
    }

    fn answer(&self, statuses: &[u16]) {
        self.desk.replies.lock().extend(statuses);
    }

    fn bodies(&self) -> Vec<Value> {
        let requests = self.desk.requests.lock();
        requests.iter().map(|(_, body)| serde_json::from_slice(body).unwrap()).collect()
    }

    /// The texts of all entries that came, once some number of them has.
    async fn texts(&self, count: usize) -> Vec<String> {
        in_time(async {
            loop {
                let bodies = self.bodies();
                let entries = bodies.iter().flat_map(|body| body["entries"].as_array().unwrap());
                let texts: Vec<_> =
                    entries.map(|entry| entry["text"].as_str().unwrap_or_default().to_owned()).collect();
                if texts.len() >= count {
                    return texts;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await
    }
}

async fn add(server: &TestServer, new: Value) -> Value {
    let made = server.post("/api/outgoing").json(&new).send().await.unwrap();
    assert_eq!(made.status(), 201);
    made.json().await.unwrap()
}

async fn replay(server: &TestServer, webhook: &Value, body: Value) -> u16 {
    let path = format!("/api/outgoing/{}/replay", webhook["id"].as_str().unwrap());
    server.post(&path).json(&body).send().await.unwrap().status().as_u16()
}

async fn until_listed(server: &TestServer, is_there: impl Fn(&Value) -> bool) -> Value {
    in_time(async {
        loop {
            let list = server.json("/api/outgoing").await;
            if is_there(&list) {
                return list;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
}

#[tokio::test]
async fn a_receiver_gets_what_its_channels_have_signed_and_in_order() {
    let (server, receiver) = (TestServer::start_with(&SETTINGS).await, Receiver::start().await);
    server.publish("ops", "before it was made").await;
    let webhook = add(&server, json!({ "url": receiver.url, "channels": ["ops", "db-*"] })).await;
    for (channel, text) in [("ops", "one"), ("other", "not for it"), ("db-1", "two")] {
        server.publish(channel, text).await;
    }
    let value = server.post("/api/events/ops").json(&json!({ "type": "update", "value": 1 }));
    assert_eq!(value.send().await.unwrap().status(), 201);
    server.publish("ops", "three").await;
    assert_eq!(receiver.texts(3).await, ["one", "two", "three"]);
    let list = until_listed(&server, |list| list[0]["delivery"]["delivered_at"].is_i64()).await;
    assert!(list[0].get("secret").is_none() && list[0]["head"].as_u64() == Some(6), "{list}");

    let (headers, body) = receiver.desk.requests.lock()[0].clone();
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    let secret = webhook["secret"].as_str().unwrap().strip_prefix("whsec_").unwrap();
    let signed = [header("webhook-id").as_bytes(), header("webhook-timestamp").as_bytes(), &body].join(&b'.');
    let key = EncodingKey::from_secret(&BASE64_STANDARD.decode(secret).unwrap());
    let signature = jsonwebtoken::crypto::sign(&signed, &key, Algorithm::HS256).unwrap();
    let standard = format!("{}=", signature.replace('-', "+").replace('_', "/"));
    assert_eq!(header("webhook-signature"), format!("v1,{standard}"));
    assert_eq!(header("content-type"), "application/json");
}

#[tokio::test]
async fn a_receiver_that_is_away_gets_everything_when_it_is_back_also_after_a_restart() {
    let (data, receiver) = (tempfile::tempdir().unwrap(), Receiver::start().await);
    let server = TestServer::start_on(data.path(), &SETTINGS).await;
    let webhook = add(&server, json!({ "url": receiver.url, "channels": ["*"] })).await;
    // A redirect could lead anywhere, so it is a failure as others are.
    receiver.answer(&[500, 307, 404]);
    for n in 0..3 {
        server.publish("ops", &n.to_string()).await;
    }
    let list = until_listed(&server, |list| list[0]["delivery"]["failures"].as_u64() >= Some(2)).await;
    let delivery = &list[0]["delivery"];
    assert!(delivery["error"].as_str().unwrap().contains("answered"), "{delivery}");
    assert!(delivery["failing_since"].is_i64() && delivery["next_at"].is_i64(), "{delivery}");
    server.stop().await;
    let before = receiver.bodies().len();
    receiver.desk.replies.lock().clear();
    let server = TestServer::start_on(data.path(), &SETTINGS).await;
    server.publish("ops", "3").await;
    assert_eq!(replay(&server, &webhook, json!({})).await, 200, "at once");
    let attempts: usize =
        receiver.bodies()[..before].iter().map(|body| body["entries"].as_array().unwrap().len()).sum();
    assert_eq!(receiver.texts(attempts + 4).await[attempts..], ["0", "1", "2", "3"]);
    let list = until_listed(&server, |list| list[0]["delivery"]["failures"].is_null()).await;
    assert!(list[0]["delivery"]["error"].is_null(), "{list}");
}

#[tokio::test]
async fn what_was_delivered_is_delivered_again_from_an_offset_on() {
    let (server, receiver) = (TestServer::start_with(&SETTINGS).await, Receiver::start().await);
    for n in 1..=250 {
        server.publish("ops", &n.to_string()).await;
    }
    let webhook = add(&server, json!({ "url": receiver.url, "channels": ["ops"] })).await;
    assert_eq!(replay(&server, &webhook, json!({ "after": 10 })).await, 200);
    let expected: Vec<_> = (11..=250).map(|n| n.to_string()).collect();
    assert_eq!(receiver.texts(240).await, expected);
    assert!(receiver.bodies().len() >= 3, "a hundred at once");
    assert_eq!(replay(&server, &webhook, json!({ "after": 251 })).await, 400);
    // Entries that are gone are told.
    let retention = Retention { entries: 5, age_ms: i64::MAX / 2, client_id_age_ms: 0 };
    let now_ms = server.state.clock.settled_ms();
    server.state.hub.trim(|_| retention, now_ms).await.unwrap();
    assert_eq!(replay(&server, &webhook, json!({ "after": 10 })).await, 200);
    assert_eq!(receiver.texts(245).await[240..], expected[235..]);
    assert_eq!(receiver.bodies().last().unwrap()["reset"], true);
    let path = format!("{}/api/outgoing/{}", server.url, webhook["id"].as_str().unwrap());
    assert_eq!(reqwest::Client::new().delete(path).send().await.unwrap().status(), 204);
    assert_eq!(server.json("/api/outgoing").await, json!([]));
    assert_eq!(replay(&server, &webhook, json!({})).await, 404);
}

#[tokio::test]
async fn a_room_tells_its_messages_and_changes_until_it_is_removed() {
    let (server, receiver) = (TestServer::start_with(&SETTINGS).await, Receiver::start().await);
    let alice = server.person("alice").await;
    let made = alice.send(Method::POST, "/api/rooms", &json!({ "name": "Build" })).await;
    assert_eq!(made.status(), 201);
    let new = json!({ "url": receiver.url, "room": "build" });
    let made = alice.send(Method::POST, "/api/outgoing", &new).await;
    assert_eq!(made.status(), 201);
    let bob = server.person("bob").await;
    assert_eq!(problem(bob.send(Method::POST, "/api/outgoing", &new).await, 403).await, "not_allowed");
    assert_eq!(bob.post("build", &new_id(), "hello").await.status(), 201);
    let change = json!({ "id": new_id(), "kind": "edit", "text": "hello there" });
    let changed = bob.send(Method::POST, "/api/rooms/build/messages/1/changes", &change).await;
    assert_eq!(changed.status(), 201, "{}", changed.text().await.unwrap());
    receiver.texts(2).await;
    let bodies = receiver.bodies();
    let entries: Vec<_> = bodies.iter().flat_map(|body| body["entries"].as_array().unwrap()).collect();
    assert_eq!((&entries[0]["type"], &entries[0]["user"]), (&json!("message"), &json!("bob")));
    assert_eq!(
        (&entries[1]["type"], &entries[1]["text"]),
        (&json!("message-changed"), &json!("hello there"))
    );
    assert_eq!(bodies[0]["room"], "build");
    let listed = async || {
        let list = alice.get("/api/outgoing?room=build").send().await.unwrap();
        list.json::<Value>().await.unwrap()
    };
    assert_eq!(listed().await.as_array().unwrap().len(), 1);
    let removed = reqwest::Client::new().delete(format!("{}/api/rooms/build", server.url)).send().await;
    assert_eq!(removed.unwrap().status(), 204);
    in_time(async {
        while !server.state.outgoing.list().await.unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn nothing_within_this_network_is_called_unless_a_setting_names_it() {
    let (server, receiver) = (TestServer::start().await, Receiver::start().await);
    for url in [
        receiver.url.as_str(),
        "https://127.0.0.1/in",
        "https://localhost/in",
        "https://[::1]/in",
        "https://10.0.0.1/in",
        "https://169.254.169.254/latest",
        "https://user:word@example.com/",
        "ftp://example.com/",
        "nonsense",
    ] {
        let new = json!({ "url": url, "channels": ["*"] });
        let answer = server.post("/api/outgoing").json(&new).send().await.unwrap();
        assert_eq!(problem(answer, 400).await, "bad_request", "{url}");
    }
    for new in
        [json!({ "url": "https://example.com/" }), json!({ "url": "https://example.com/", "channels": [] })]
    {
        let answer = server.post("/api/outgoing").json(&new).send().await.unwrap();
        assert_eq!(problem(answer, 400).await, "bad_request", "{new}");
    }
    assert!(receiver.bodies().is_empty());
}

#[tokio::test]
async fn of_three_nodes_one_delivers_and_another_goes_on_when_it_ends() {
    let receiver = Receiver::start().await;
    let mut nodes = Nodes::none().await.with(&SETTINGS);
    for _ in 0..3 {
        nodes.add(&RedisServer::shared().url()).await;
    }
    add(nodes.node(2), json!({ "url": receiver.url, "channels": ["*"] })).await;
    for number in 0..3 {
        nodes.node(number).publish("ops", &number.to_string()).await;
    }
    assert_eq!(receiver.texts(3).await, ["0", "1", "2"]);
    nodes.servers.remove(0).stop().await;
    nodes.node(0).publish("ops", "3").await;
    assert_eq!(receiver.texts(4).await, ["0", "1", "2", "3"]);
}
