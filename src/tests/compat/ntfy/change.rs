//! Messages that change as at ntfy: a later one with the same sequence id takes the place of an earlier one, and a deletion
//! takes it away, for every reader and on the pages.

use idobata::app::page_data::{InitialData, OlderNotifications, PageData};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::{accepted, entries};
use crate::support::{TestServer, problem};

fn delete(server: &TestServer, path: &str) -> RequestBuilder {
    server.client.request(Method::DELETE, format!("{}{path}", server.url))
}

/// Returns the messages of a poll as of ntfy, each as event, sequence id and text.
async fn polled(server: &TestServer, query: &str) -> Vec<(String, String, String)> {
    let body = server.get(&format!("/ops/json?poll=1{query}")).send().await.unwrap().text().await.unwrap();
    let text = |message: &Value, name: &str| message[name].as_str().unwrap_or_default().to_owned();
    let messages = body.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let parts = |one: Value| (text(&one, "event"), text(&one, "sequence_id"), text(&one, "message"));
    messages.map(parts).collect()
}

/// The texts that a new page of the channel shows, oldest first.
async fn shown(server: &TestServer) -> Vec<String> {
    let start = server.get("/fn/start?channel=ops").send().await.unwrap();
    let PageData::Feed { feed, .. } = start.json::<InitialData>().await.unwrap().page else {
        panic!("the page of a channel")
    };
    feed.notifications.iter().map(text_of).collect()
}

fn text_of(entry: &idobata::protocol::feed::Entry) -> String {
    serde_json::to_value(entry).unwrap()["text"].as_str().unwrap().to_owned()
}

fn row(event: &str, sequence: &str, text: &str) -> (String, String, String) {
    (event.to_owned(), sequence.to_owned(), text.to_owned())
}

#[tokio::test]
async fn a_deletion_is_an_event_to_readers_and_takes_the_message_off_the_pages() {
    let server = TestServer::start().await;
    for (path, text) in [("/ops", "other"), ("/ops/disk", "90 %"), ("/ops/disk", "92 %")] {
        accepted(server.post(path).body(text)).await;
    }
    assert_eq!(shown(&server).await, ["other", "92 %"]);
    let gone = accepted(delete(&server, "/ops/disk")).await;
    assert_eq!((&gone["event"], &gone["sequence_id"]), (&json!("message_delete"), &json!("disk")));
    assert!(gone.get("message").is_none(), "{gone}");
    assert_eq!(shown(&server).await, ["other"]);
    // The log keeps all of it, in order, so that whoever resumes hears what happened; filters let a deletion pass.
    let events = [
        row("message", "", "other"),
        row("message", "disk", "90 %"),
        row("message", "disk", "92 %"),
        row("message_delete", "disk", ""),
    ];
    assert_eq!(polled(&server, "").await, events);
    assert_eq!(polled(&server, "&message=92%20%25").await, events[2..]);
    let entry = entries(&server).await.pop().unwrap();
    assert_eq!((&entry["key"], &entry["deleted"]), (&json!("disk"), &json!(true)));
    accepted(server.post("/ops/disk").body("93 %")).await;
    assert_eq!(shown(&server).await, ["other", "93 %"], "a later message is there");
}

#[tokio::test]
async fn earlier_notifications_that_a_page_loads_are_without_those_that_were_deleted_or_replaced() {
    let server = TestServer::start().await;
    for n in 0..20 {
        accepted(server.post(&format!("/ops/job-{n}")).body(format!("text {n}"))).await;
    }
    accepted(delete(&server, "/ops/job-3")).await;
    accepted(server.post("/ops/job-4").body("text 4 again")).await;
    let page = server.json("/api/events?channel=ops").await;
    let cursor = page["cursor"].as_str().unwrap();
    let epoch = cursor.split(':').next().unwrap();
    for filter in ["", "&q=job"] {
        let path = format!("/fn/notices?channel=ops&before={epoch}:7{filter}");
        let older: OlderNotifications = server.get(&path).send().await.unwrap().json().await.unwrap();
        let texts: Vec<_> = older.entries.iter().map(text_of).collect();
        assert_eq!(texts, ["text 0", "text 1", "text 2", "text 5"], "{filter}");
        assert_eq!(older.from, Some(1), "{filter}");
    }
    let page = server.get(&format!("/feed/ops?before={epoch}:7")).send().await.unwrap().text().await.unwrap();
    // Its data for the script has the newest ones as well.
    let has = |n: u8| page.contains(&format!(">text {n}<"));
    assert_eq!([2, 3, 4, 5].map(has), [true, false, false, true], "without a script, too");
}

#[tokio::test]
async fn programs_delete_by_the_key_and_a_deletion_says_nothing_else() {
    let server = TestServer::start().await;
    let post = |body: Value| server.post("/api/events/ops").json(&body).send();
    assert_eq!(post(json!({ "text": "x", "key": "disk" })).await.unwrap().status(), 201);
    assert_eq!(post(json!({ "key": "disk", "deleted": true })).await.unwrap().status(), 201);
    assert_eq!(shown(&server).await, [""; 0]);
    for body in [
        json!({ "deleted": true }),
        json!({ "deleted": true, "key": "disk", "text": "x" }),
        json!({ "deleted": true, "key": "disk", "priority": 5 }),
    ] {
        let answer = post(body.clone()).await.unwrap();
        assert_eq!(problem(answer, 400).await, "bad_request", "{body}");
    }
}
