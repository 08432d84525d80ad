//! A disk that fails: while it does, posts are rejected and readiness fails; readers go on, and no acknowledged entry
//! is lost.

use reqwest::Client;
use serde_json::{Value, json};

use crate::support::{
    Cluster, Person, Program, Stream, TestServer, in_time, new_id, postgres_execute as execute, problem,
};

/// A file size limit below the size that the WAL already has.
const FULL: &str = "4096";

async fn status(url: &str, path: &str) -> u16 {
    reqwest::get(format!("{url}{path}")).await.unwrap().status().as_u16()
}

async fn publish(url: &str, text: &str) -> reqwest::Response {
    Client::new().post(format!("{url}/api/events/ops")).body(text.to_owned()).send().await.unwrap()
}

async fn texts(url: &str) -> Vec<String> {
    let request = Client::new().get(format!("{url}/api/events")).header("accept", "application/json");
    let page: Value = request.send().await.unwrap().json().await.unwrap();
    page["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["text"].as_str().unwrap().to_owned())
        .collect()
}

/// Waits for a status of `/readyz`, whose answer is up to a second old.
async fn until_ready_is(url: &str, expected: u16) {
    in_time(async { while status(url, "/readyz").await != expected {} }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_posts_until_there_is_space_and_loses_nothing() {
    let data = tempfile::tempdir().unwrap();
    let mut program = Program::start(data.path()).await;
    let url = program.url.clone();
    let mut stream = Stream::open(Client::new().get(format!("{url}/api/events"))).await;
    stream.connected().await;
    let alice = Person::new(&url, "alice").await;
    assert_eq!(publish(&url, "before").await.status(), 201);
    assert_eq!(status(&url, "/readyz").await, 200);

    program.limit_files(FULL).await;
    for _ in 0..3 {
        assert_eq!(problem(publish(&url, "lost").await, 503).await, "unavailable");
        let refused = alice.post_body("general", &json!({ "id": new_id(), "text": "lost" })).await;
        assert_eq!(problem(refused, 503).await, "unavailable");
    }
    until_ready_is(&url, 503).await;
    assert_eq!(status(&url, "/healthz").await, 200);
    assert_eq!(texts(&url).await, ["before"], "what is there is read");
    let mut socket = alice.socket().await;
    socket.join("general", json!({})).await;
    assert_eq!(status(&url, "/").await, 200, "pages are served");
    assert_eq!(status(&url, "/readyz").await, 503);

    program.limit_files("unlimited").await;
    until_ready_is(&url, 200).await;
    assert_eq!(publish(&url, "after").await.status(), 201);
    assert_eq!(stream.texts(2).await, ["before", "after"], "on the same connection");
    assert_eq!(alice.post("general", &new_id(), "after").await.status(), 201);
    assert_eq!(socket.texts(1).await, ["after"]);

    program.limit_files(FULL).await;
    assert_eq!(publish(&url, "lost").await.status(), 503);
    assert_eq!(program.signal("-KILL").await, None);
    let program = Program::start(data.path()).await;
    assert_eq!(texts(&program.url).await, ["before", "after"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_gets_full_in_the_idle_is_noticed_without_a_post() {
    let data = tempfile::tempdir().unwrap();
    let program = Program::start(data.path()).await;
    program.limit_files(FULL).await;
    until_ready_is(&program.url, 503).await;
    program.limit_files("unlimited").await;
    until_ready_is(&program.url, 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_that_is_read_only_refuses_posts_until_it_is_not() {
    let cluster = Cluster::shared();
    let database = cluster.fresh_database().await;
    let server = TestServer::start_with(&["--database-url", &database]).await;
    server.publish("ops", "before").await;
    let name = database.rsplit('/').next().unwrap();
    let set = async |read_only: &str| {
        let alter = format!("ALTER DATABASE {name} SET default_transaction_read_only = {read_only}");
        execute(&cluster.url("postgres"), &alter).await;
    };
    set("on").await;
    // Existing connections keep their old setting, so they are terminated, except the one with the instance lock. One
    // that was only starting, or writing with a lock of its own, is terminated the next time; what it stored until then
    // is acknowledged. The query waits until they are gone: a signalled connection may still commit a post.
    let terminate = format!(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '{name}'
         AND pid NOT IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory')"
    );
    let mut stored = vec!["before"];
    in_time(async {
        loop {
            execute(&cluster.url("postgres"), &terminate).await;
            match publish(&server.url, "in time").await.status().as_u16() {
                503 if status(&server.url, "/readyz").await == 503 => break,
                503 => {}
                status => {
                    assert_eq!(status, 201);
                    stored.push("in time");
                }
            }
        }
    })
    .await;
    until_ready_is(&server.url, 503).await;
    assert_eq!(problem(publish(&server.url, "lost").await, 503).await, "unavailable");
    assert_eq!(texts(&server.url).await, stored, "what is there is read");
    // Only new connections have the new setting.
    set("off").await;
    until_ready_is(&server.url, 200).await;
    assert_eq!(publish(&server.url, "after").await.status(), 201);
    stored.push("after");
    assert_eq!(texts(&server.url).await, stored);
}
