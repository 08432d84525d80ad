//! Messages that are published later: once, at their time, through restarts and on several nodes, unless they are cancelled.

use std::time::Duration;

use idobata::{
    protocol::publication::Publication,
    server::{
        authz::publishing::Author,
        store::directory::{DocumentStore, Kind, Mutation, Precondition},
    },
};
use reqwest::{Method, Response};
use serde_json::{Value, json};

use super::{accepted, refused};
use crate::support::{Machine, Nodes, RedisServer, TestServer, in_time};

const MINUTE_MS: i64 = 60_000;

async fn started() -> (Machine, tempfile::TempDir, TestServer) {
    let (machine, data) = (Machine::new(), tempfile::tempdir().unwrap());
    let server = machine.server(data.path()).await;
    (machine, data, server)
}

async fn later(server: &TestServer, path: &str, delay: &str, text: &str) -> Value {
    accepted(server.post(path).header("delay", delay).body(text.to_owned())).await
}

async fn delete(server: &TestServer, path: &str) -> Response {
    server.client.request(Method::DELETE, format!("{}{path}", server.url)).send().await.unwrap()
}

/// The messages of the topic `ops` as a poll has them.
async fn polled(server: &TestServer, query: &str) -> Vec<Value> {
    let body = server.get(&format!("/ops/json?poll=1{query}")).send().await.unwrap().text().await.unwrap();
    body.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn texts(server: &TestServer) -> Vec<String> {
    let messages = polled(server, "").await;
    messages.iter().map(|one| one["message"].as_str().unwrap_or_default().to_owned()).collect()
}

fn documents(server: &TestServer) -> &dyn DocumentStore {
    &*server.state.directory_replica
}

async fn waiting(server: &TestServer) -> usize {
    documents(server).list(Kind::Scheduled, "").await.unwrap().len()
}

/// Lets the server look at its clock, and waits until nothing waits any more.
async fn until_none_waits(server: &TestServer) {
    server.state.scheduled.wake();
    in_time(async {
        while waiting(server).await > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_delayed_message_is_listed_while_it_waits_and_published_once_at_its_time() {
    let (machine, _data, server) = started().await;
    let second = later(&server, "/ops", "40m", "second").await;
    let first = later(&server, "/ops?at=1795001800", "", "first").await;
    assert_eq!(first["time"], 1_795_001_800, "30 minutes later");
    assert_eq!(first["id"], first["sequence_id"]);
    assert!(first["id"].as_str().unwrap().starts_with('_') && first["id"] != second["id"], "{first}");
    assert_eq!(texts(&server).await, [""; 0]);
    let listed = [first.clone(), second.clone()];
    assert_eq!(
        polled(&server, "&scheduled=1").await,
        listed,
        "as they were answered, the first to come first"
    );
    machine.pass(29 * MINUTE_MS);
    server.state.scheduled.wake();
    accepted(server.post("/ops").body("now")).await;
    machine.pass(12 * MINUTE_MS);
    until_none_waits(&server).await;
    assert_eq!(texts(&server).await, ["now", "first", "second"]);
    let messages = polled(&server, "&scheduled=1").await;
    assert_eq!((messages.len(), &messages[1]["sequence_id"]), (3, &first["id"]));
    assert_ne!(messages[1]["id"], first["id"], "it has an offset now");
}

#[tokio::test]
async fn a_sequence_id_cancels_and_replaces_what_waits() {
    let (machine, _data, server) = started().await;
    let cancelled = later(&server, "/ops", "10m", "cancelled").await;
    later(&server, "/ops/job", "10m", "replaced").await;
    later(&server, "/ops/job", "20m", "later").await;
    later(&server, "/ops/alarm", "10m", "not needed").await;
    assert_eq!(delete(&server, &format!("/ops/{}", cancelled["id"].as_str().unwrap())).await.status(), 200);
    accepted(server.post("/ops/alarm").body("all is well")).await;
    assert_eq!(waiting(&server).await, 1);
    machine.pass(30 * MINUTE_MS);
    until_none_waits(&server).await;
    assert_eq!(texts(&server).await, ["", "all is well", "later"], "the first is the deletion");
}

#[tokio::test]
async fn what_waits_survives_a_restart_and_an_end_between_any_two_steps() {
    let (machine, data, server) = started().await;
    for name in ["a", "b", "c"] {
        later(&server, &format!("/ops/{name}"), "10m", name).await;
    }
    let stored = async |server: &TestServer, name: &str| {
        documents(server).read::<Value>(Kind::Scheduled, &format!("ops/{name}")).await.unwrap().unwrap()
    };
    let put = async |server: &TestServer, claimed: &Value, precondition: Precondition| {
        let id = format!("ops/{}", claimed["body"]["key"].as_str().unwrap());
        let put = Mutation::put(Kind::Scheduled, id, precondition, claimed);
        assert!(documents(server).grant(vec![put]).await.unwrap().is_committed());
    };
    let mut claims = Vec::new();
    for name in ["b", "c"] {
        let mut claimed = stored(&server, name).await;
        claimed["claimed"] = json!(true);
        claims.push(claimed);
    }
    // It ended after the claim.
    put(&server, &claims[0], Precondition::Present).await;
    server.stop().await;
    machine.pass(11 * MINUTE_MS);
    let server = machine.server(data.path()).await;
    until_none_waits(&server).await;
    assert_eq!(texts(&server).await, ["a", "b", "c"]);
    // It ended after it had published.
    for claimed in claims {
        put(&server, &claimed, Precondition::Absent).await;
    }
    until_none_waits(&server).await;
    assert_eq!(texts(&server).await, ["a", "b", "c"], "nothing twice");
}

#[tokio::test]
async fn a_deletion_that_meets_the_publishing_comes_after_it() {
    let (_machine, _data, server) = started().await;
    for n in 0..20 {
        let body = json!({ "type": "notification", "text": "x", "key": format!("job-{n}") });
        let publication = Publication::new(serde_json::from_value(body).unwrap()).unwrap();
        // Due at once.
        let scheduled = server.state.scheduled.schedule("ops", &Author::Loopback, &publication, 0, None);
        scheduled.await.unwrap();
        assert_eq!(delete(&server, &format!("/ops/job-{n}")).await.status(), 200);
    }
    until_none_waits(&server).await;
    for n in 0..20 {
        let of_job = |message: &&Value| message["sequence_id"] == format!("job-{n}");
        let messages = polled(&server, "").await;
        let last = messages.iter().rfind(of_job).unwrap();
        assert_eq!(last["event"], "message_delete", "job-{n}");
    }
}

#[tokio::test]
async fn a_deletion_publishes_first_what_somebody_has_claimed() {
    let (_machine, _data, server) = started().await;
    let body = json!({ "type": "notification", "text": "x", "key": "job" });
    let publication = || Publication::new(serde_json::from_value(body.clone()).unwrap()).unwrap();
    let due_at = i64::MAX / 2;
    let waiting = publication();
    let scheduled = server.state.scheduled.schedule("ops", &Author::Loopback, &waiting, due_at, Some("once"));
    scheduled.await.unwrap();
    // As whoever publishes it leaves it between its claim and its publishing.
    let documents: &dyn DocumentStore = &*server.state.directory_replica;
    let mut claimed = documents.read::<Value>(Kind::Scheduled, "ops/job").await.unwrap().unwrap();
    claimed["claimed"] = true.into();
    let put = Mutation::put(Kind::Scheduled, "ops/job", Precondition::Present, &claimed);
    documents.grant(vec![put]).await.unwrap();
    assert_eq!(delete(&server, "/ops/job").await.status(), 200);
    let late = server.state.feed.publish("ops", "loopback", vec![publication()], Some("once")).await.unwrap();
    assert!(!late.1, "it goes on, and stores nothing twice");
    let events: Vec<_> = polled(&server, "").await.iter().map(|message| message["event"].clone()).collect();
    assert_eq!(events, ["message", "message_delete"], "the deletion is the last word");
}

#[tokio::test]
async fn one_that_is_sent_again_with_its_key_waits_and_is_published_once() {
    let (machine, _data, server) = started().await;
    let send = || {
        let request = server.post("/ops").header("in", "10m").header("idempotency-key", "monday");
        accepted(request.body("done"))
    };
    let first = send().await;
    machine.pass(MINUTE_MS);
    assert_eq!(send().await, first, "its time stays");
    machine.pass(10 * MINUTE_MS);
    until_none_waits(&server).await;
    send().await;
    machine.pass(11 * MINUTE_MS);
    until_none_waits(&server).await;
    assert_eq!(texts(&server).await, ["done"]);
}

#[tokio::test]
async fn what_a_removed_publisher_left_is_not_published_and_each_has_a_bound() {
    let (machine, _data, server) = started().await;
    let body = json!({ "name": "cron", "channels": ["ops"] });
    let made: Value = server.post("/api/publishers").json(&body).send().await.unwrap().json().await.unwrap();
    let token = made["token"].as_str().unwrap();
    let request = server.post("/ops").bearer_auth(token).header("delay", "10m").body("theirs");
    accepted(request).await;
    for n in 0..100 {
        later(&server, &format!("/ops/{n}"), "1h", "ours").await;
    }
    let beyond = server.post("/ops").header("delay", "1h").body("x").send().await.unwrap();
    assert_eq!(refused(beyond, 403).await, 40301);
    later(&server, "/ops/7", "10m", "in the place of another").await;
    let id = made["id"].as_str().unwrap();
    assert_eq!(delete(&server, &format!("/api/publishers/{id}")).await.status(), 204);
    machine.pass(11 * MINUTE_MS);
    server.state.scheduled.wake();
    in_time(async { while waiting(&server).await > 99 {} }).await;
    assert_eq!(texts(&server).await, ["in the place of another"]);
}

#[tokio::test]
async fn of_three_nodes_one_publishes() {
    let mut nodes = Nodes::none().await;
    for _ in 0..3 {
        nodes.add(&RedisServer::shared().url()).await;
    }
    let body = json!({ "type": "notification", "text": "x" });
    let publication = Publication::new(serde_json::from_value(body).unwrap()).unwrap();
    for n in 0..9 {
        let scheduled = &nodes.node(n % 3).state.scheduled;
        scheduled.schedule("ops", &Author::Loopback, &publication, 0, None).await.unwrap();
    }
    until_none_waits(nodes.node(1)).await;
    assert_eq!(texts(nodes.node(2)).await.len(), 9);
}
