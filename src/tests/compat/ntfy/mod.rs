//! ntfy's protocol over sockets: what senders send, what readers read, who may, and what happens at the limits.

mod change;
mod delayed;
mod publish;
mod read;

use idobata::server::config::Retention;
use reqwest::{RequestBuilder, Response};
use serde_json::Value;

use crate::support::TestServer;

/// The answer of an accepted message.
async fn accepted(request: RequestBuilder) -> Value {
    let response = request.send().await.unwrap();
    let (status, answer): (_, Value) = (response.status(), response.json().await.unwrap());
    assert_eq!(status, 200, "{answer}");
    answer
}

/// ntfy's code of a refusal, after a check of its form.
async fn refused(response: Response, status: u16) -> u64 {
    assert_eq!(response.headers()["content-type"], "application/json");
    let (found, error): (_, Value) = (response.status(), response.json().await.unwrap());
    assert_eq!((found.as_u16(), &error["http"]), (status, &status.into()), "{error}");
    assert!(!error["error"].as_str().unwrap().is_empty() && error.get("detail").is_none(), "{error}");
    error["code"].as_u64().unwrap()
}

#[tokio::test]
async fn slashes_too_many_lead_programs_to_the_same_address_without_a_redirect() {
    let server = TestServer::start().await;
    accepted(server.post("/ops").body("hello")).await;
    for path in ["/ops/json/?poll=1", "//ops/raw?poll=1", "/ops//json?poll=1", "/v1/health/", "/version/"] {
        let answer = server.client.get(format!("{}{path}", server.url)).send().await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.url().path()), (200, path.split('?').next().unwrap()));
    }
    let page = server.client.get(format!("{}/rooms/general/", server.url)).send().await.unwrap();
    assert_eq!(page.url().path(), "/rooms/general", "a page has one address");
}

#[tokio::test]
async fn json_is_read_with_a_byte_order_mark_and_in_any_case_and_a_fault_says_where() {
    let server = TestServer::start().await;
    let sent = accepted(server.post("/").body("\u{feff}{\"Topic\":\"ops\",\"Message\":\"hello\"}")).await;
    assert_eq!((&sent["topic"], &sent["message"]), (&"ops".into(), &"hello".into()));
    let answer = server.post("/").body("{\"topic\":\"ops\",\n\"message\":1e400}").send().await.unwrap();
    let (status, error): (_, Value) = (answer.status(), answer.json().await.unwrap());
    assert_eq!((status.as_u16(), &error["code"]), (400, &40017.into()));
    assert!(error["error"].as_str().unwrap().contains("line 2"), "{error}");
}

/// The entries of the feed, oldest first.
async fn entries(server: &TestServer) -> Vec<Value> {
    server.json("/api/events").await["events"].as_array().unwrap().clone()
}

/// Removes all but the newest entries of the feed.
async fn trim(server: &TestServer, entries: u64) {
    let retention = Retention { entries, age_ms: i64::MAX / 2, client_id_age_ms: 0 };
    let now_ms = i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap();
    server.state.hub.trim(|_| retention, now_ms).await.unwrap();
}
