//! The metrics and the request ids, as an operator meets them.

use std::{
    io::{PipeReader, Read, pipe},
    path::Path,
};

use serde_json::Value;

use crate::support::{Program, TestServer, in_time, new_id};

#[tokio::test]
async fn histograms_count_posts_commits_deliveries_and_pages() {
    let server = TestServer::start().await;
    let (alice, mut reader) = (server.person("alice").await, server.room_stream("general", "").await);
    reader.block().await.unwrap();
    assert_eq!(alice.post("general", &new_id(), "hello").await.status(), 201);
    let text = server.get("/metrics").send().await.unwrap();
    assert_eq!(text.headers()["content-type"], "text/plain; version=0.0.4");
    assert!(text.text().await.unwrap().contains("# TYPE idobata_post_seconds histogram\n"));
    assert_eq!(server.metric("idobata_post_seconds_count ").await, 1);
    assert!(server.metric("idobata_store_commit_seconds_count ").await >= 1);
    assert_eq!(server.metric("idobata_page_seconds_count ").await, 0);
    server.get("/").send().await.unwrap();
    assert_eq!(server.metric("idobata_page_seconds_count ").await, 1);
    // The pass ends after its last reader has the message.
    in_time(async {
        while server.metric("idobata_delivery_seconds_count ").await == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

fn id_of(response: &reqwest::Response) -> String {
    response.headers()["x-request-id"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn every_answer_has_an_id_that_the_server_made() {
    let server = TestServer::start().await;
    let mut ids = std::collections::HashSet::new();
    for path in ["/", "/healthz", "/api/rooms", "/api/nothing", "/nothing", "//api/rooms"] {
        let response = server.get(path).header("x-request-id", "mine").send().await.unwrap();
        let id = id_of(&response);
        assert_eq!(id.len(), 16, "{path}: {id}");
        assert!(ids.insert(id), "{path}: it is new");
    }
    let response = server.get("/api/nothing").send().await.unwrap();
    let problem: Value = response.json().await.unwrap();
    assert_eq!(problem.get("request"), None, "it is not a fault of the server");
}

#[tokio::test]
async fn an_id_of_a_trusted_proxy_is_kept() {
    let server = TestServer::start_with(&["--trusted-proxy", "127.0.0.1"]).await;
    let response = server.get("/healthz").header("x-request-id", "of-the.proxy").send().await.unwrap();
    assert_eq!(id_of(&response), "of-the.proxy");
    let response = server.get("/healthz").header("x-request-id", "two words").send().await.unwrap();
    assert_eq!(id_of(&response).len(), 16);
}

/// The real program, because its log is what this is about.
async fn start(data: &Path, settings: &[&str]) -> (Program, PipeReader) {
    let (log, stderr) = pipe().unwrap();
    let script = "RUST_LOG=idobata=debug exec \"$@\"";
    (Program::in_shell(script, data, settings, stderr.into()).await, log)
}

async fn stop(mut program: Program, mut log: PipeReader) -> String {
    assert_eq!(program.signal("-TERM").await, Some(0));
    let mut said = String::new();
    log.read_to_string(&mut said).unwrap();
    said
}

#[tokio::test]
async fn a_server_fault_and_its_line_in_the_log_have_the_same_id() {
    let data = tempfile::tempdir().unwrap();
    let (program, log) = start(data.path(), &[]).await;
    let database = rusqlite::Connection::open(data.path().join("idobata.db")).unwrap();
    database.execute_batch("ALTER TABLE entries RENAME TO was_entries").unwrap();
    let address = format!("{}/api/events/ops", program.url);
    let publish = reqwest::Client::new().post(address).header("accept-encoding", "gzip").body("text");
    let response = in_time(publish.send()).await.unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["content-type"]),
        (503, &"application/problem+json".parse().unwrap())
    );
    let id = id_of(&response);
    let problem: Value = response.json().await.unwrap();
    assert_eq!((&problem["code"], &problem["request"]), (&"unavailable".into(), &id.as_str().into()));
    database.execute_batch("ALTER TABLE was_entries RENAME TO entries").unwrap();
    let said = stop(program, log).await;
    let of_request: Vec<_> = said.lines().filter(|line| line.contains(&id)).collect();
    let faults: Vec<_> = of_request.iter().filter(|line| line.contains("ERROR")).collect();
    assert!(faults.len() == 1 && faults[0].contains("the store failed"), "{said}");
    assert!(of_request.iter().any(|line| line.contains("answered status=503")), "{said}");
}

#[tokio::test]
async fn the_page_about_a_server_fault_shows_the_id_of_its_request() {
    let data = tempfile::tempdir().unwrap();
    let (program, log) = start(data.path(), &["--auth", "accounts"]).await;
    let database = rusqlite::Connection::open(data.path().join("idobata.db")).unwrap();
    let page_of = async |path: &str| {
        let address = format!("{}{path}", program.url);
        in_time(reqwest::Client::new().get(address).header("accept", "text/html").send()).await.unwrap()
    };
    let missing = page_of("/join/token").await;
    let id = id_of(&missing);
    assert!(!missing.text().await.unwrap().contains(&id));
    database.execute_batch("ALTER TABLE documents RENAME TO was_documents").unwrap();
    let failed = page_of("/join/token").await;
    assert_eq!(failed.status(), 503);
    let id = id_of(&failed);
    let html = failed.text().await.unwrap();
    assert!(html.contains(&format!("<code>{id}</code>")), "{html}");
    assert!(stop(program, log).await.contains(&id), "the log has it, too");
}

#[tokio::test]
async fn the_log_has_the_route_and_neither_tokens_nor_queries() {
    let data = tempfile::tempdir().unwrap();
    let (program, log) = start(data.path(), &["--auth", "accounts"]).await;
    for path in ["/join/hidden?q=hidden", "/reset/hidden", "/hidden/hidden", "/api/rooms?token=hidden"] {
        in_time(reqwest::get(format!("{}{path}", program.url))).await.unwrap();
    }
    // ntfy's clients put a token into the address.
    let auth = format!("{}/ops/publish?message=hidden&auth=aGlkZGVuIGhpZGRlbg", program.url);
    assert_eq!(in_time(reqwest::get(auth)).await.unwrap().status(), 401);
    let said = stop(program, log).await;
    assert!(!said.contains("aGlkZGVuIGhpZGRlbg"), "{said}");
    for route in ["/join/{token}", "/reset/{token}", "/api/rooms", "/{topic}/publish"] {
        assert!(said.contains(&format!("route=\"{route}\"")), "{route} is missing: {said}");
    }
    assert!(!said.contains("hidden"), "{said}");
}
