//! The notifications that an open page is told of, by the rules of pushes.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Person, TestServer, new_id};

impl Person {
    /// The notification of a message of #general, or of its newest one.
    async fn notification(&self, offset: Option<u64>) -> Option<Value> {
        let query = offset.map_or_else(String::new, |offset| format!("&offset={offset}"));
        self.notification_of(&format!("general{query}")).await
    }

    async fn notification_of(&self, query: &str) -> Option<Value> {
        let answer = self.get(&format!("/api/user/notification?room={query}")).send().await.unwrap();
        match answer.status() {
            StatusCode::NO_CONTENT => None,
            status => {
                assert_eq!(status, StatusCode::OK);
                Some(answer.json().await.unwrap())
            }
        }
    }
}

#[tokio::test]
async fn an_open_page_is_told_of_mentions_and_of_every_message_where_that_is_wanted() {
    // Also where the server sends no pushes.
    let server = TestServer::start_with(&["--no-push"]).await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    assert_eq!(bob.notification(None).await, None, "an empty room");
    bob.has_seen(0).await;
    let first = alice.calls_out("@bob lunch?").await;
    let told = bob.notification(Some(first)).await.expect("a mention");
    let timestamp = told["timestamp"].as_i64().expect("a time");
    assert!(timestamp > 1_700_000_000_000, "{timestamp}");
    assert_eq!(
        told,
        json!({ "title": "alice mentioned you in general", "body": "@bob lunch?", "tag": format!("general/{first}"),
            "url": format!("/rooms/general/{first}"), "lang": "en", "dir": "auto", "timestamp": timestamp })
    );
    assert_eq!(bob.notification(None).await, Some(told), "it is the newest, too");
    let second = alice.calls_out("nothing for bob").await;
    assert_eq!(bob.notification(None).await, None);
    bob.sets(json!({ "every_message": true })).await;
    assert_eq!(bob.notification(None).await.expect("every message")["title"], "alice in general");
    assert_eq!(alice.notification(Some(second)).await, None, "one's own");
    assert_eq!(bob.notification(Some(second + 1)).await, None, "no message");
}

#[tokio::test]
async fn what_was_read_or_muted_or_deleted_or_comes_at_a_quiet_hour_or_from_a_closed_room_is_not_told() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    bob.has_seen(0).await;
    let told = async || bob.notification(None).await.is_some();
    let offset = alice.calls_out("@bob one").await;
    assert!(told().await);
    bob.marks(json!({ "kind": "level", "level": "nothing" })).await;
    assert!(!told().await, "muted");
    bob.marks(json!({ "kind": "level", "level": "mentions" })).await;
    bob.sets(json!({ "quiet": { "from": "00:00", "to": "00:00", "zone": "Asia/Tokyo" } })).await;
    assert!(!told().await, "a quiet hour");
    bob.sets(json!({})).await;
    assert!(told().await);
    bob.has_seen(offset).await;
    assert!(!told().await, "read");
    let gone = alice.calls_out("@bob two").await;
    assert!(told().await);
    let path = format!("/api/rooms/general/messages/{gone}/changes");
    let change = json!({ "id": new_id(), "kind": "delete" });
    assert_eq!(alice.send(Method::POST, &path, &change).await.status(), 201);
    assert_eq!(bob.notification(Some(gone)).await, None, "deleted");

    let made = alice.send(Method::POST, "/api/rooms", &json!({ "name": "closed", "private": true })).await;
    let room = made.json::<Value>().await.unwrap()["id"].as_str().expect("its id").to_owned();
    assert_eq!(alice.post(&room, &new_id(), "@bob @room").await.status(), 201);
    assert_eq!(bob.notification_of(&format!("{room}&offset=1")).await, None, "closed to bob");
    let nowhere = bob.get("/api/user/notification?room=no%20room").send().await.unwrap();
    assert_eq!(nowhere.status(), 404);
    assert_eq!(bob.get("/api/user/notification").send().await.unwrap().status(), 400);
}

#[tokio::test]
async fn a_direct_message_is_told_by_its_author_in_the_language_of_the_page() {
    let server = TestServer::start().await;
    let (hanako, bob) = (server.person("花子").await, server.person("bob").await);
    bob.has_seen(0).await;
    let people = json!({ "user_ids": [bob.session.user.id] });
    let made = hanako.send(Method::POST, "/api/direct", &people).await;
    let room = made.json::<Value>().await.unwrap()["room"].as_str().expect("its room").to_owned();
    assert_eq!(hanako.post(&room, &new_id(), "お昼は？").await.status(), 201);
    let told = bob.notification_of(&room).await.expect("a direct message");
    assert_eq!((&told["title"], &told["body"]), (&json!("花子"), &json!("お昼は？")));
    assert_eq!(hanako.post("general", &new_id(), "@bob").await.status(), 201);
    let request = bob.get("/api/user/notification?room=general").header("accept-language", "ja");
    let told: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(told["title"], "花子さんがあなたをメンションしました（general）");
}

#[tokio::test]
async fn an_open_page_is_told_of_the_events_that_one_has_rules_for() {
    let server = TestServer::start_with(&["--no-push"]).await;
    let bob = server.person("bob").await;
    let ask = async |after: &str| {
        let answer = bob.get(&format!("/api/user/events?after={after}")).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let answer: Value = answer.json().await.unwrap();
        let told: Vec<_> = answer["notifications"].as_array().unwrap().iter().map(title).collect();
        (answer["cursor"].as_str().expect("a cursor").to_owned(), told)
    };
    let publish = async |channel: &str, title: &str, level: &str| {
        let event = json!({ "title": title, "text": "x", "level": level });
        let request = server.post(&format!("/api/events/{channel}")).json(&event);
        assert_eq!(request.send().await.unwrap().status(), 201);
    };
    publish("ops", "before", "error").await;
    let rules = json!({ "rules": [{ "channel": "ops", "level": "warning" }, { "channel": "db-*", "level": "error" }] });
    assert_eq!(bob.send(Method::PUT, "/api/push/rules", &rules).await.status(), 204);
    let (start, told) = ask("").await;
    assert_eq!(told, Vec::<String>::new(), "nothing is new at first");
    for (channel, title, level) in [
        ("ops", "one", "warning"),
        ("ops", "quiet", "info"),
        ("db-1", "two", "error"),
        ("web", "other", "error"),
    ] {
        publish(channel, title, level).await;
    }
    let (next, told) = ask(&start).await;
    assert_eq!(told, ["ops: one", "db-1: two"]);
    assert_eq!(ask(&next).await, (next.clone(), Vec::new()));
    for number in 0..7 {
        publish("ops", &format!("{number}"), "error").await;
    }
    assert_eq!(ask(&next).await.1, ["ops: 2", "ops: 3", "ops: 4", "ops: 5", "ops: 6"], "the newest of many");
    bob.sets(json!({ "quiet": { "from": "00:00", "to": "00:00", "zone": "UTC" } })).await;
    assert_eq!(ask(&next).await.1, Vec::<String>::new(), "a quiet hour");
    bob.sets(json!({})).await;
    let readers = json!({ "names": [] });
    let limit = server.client.put(format!("{}/api/channels/ops/readers", server.url)).json(&readers);
    assert_eq!(limit.send().await.unwrap().status(), 200);
    assert_eq!(ask(&start).await.1, ["db-1: two"], "not of a channel that one may not read");
    let odd = bob.get("/api/user/events?after=x").send().await.unwrap();
    assert_eq!(odd.status(), 400);
}

fn title(notification: &Value) -> String {
    notification["title"].as_str().expect("a title").to_owned()
}
