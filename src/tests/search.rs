//! The search over HTTP: what is found with its marks and links, what nobody may find, and what is gone at once.

use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::support::{Nodes, Person, TestServer, in_time, new_id, problem};

async fn asked(person: &Person, query: &[(&str, &str)]) -> Response {
    let query = serde_urlencoded::to_string(query).unwrap();
    person.get(&format!("/api/search?{query}")).send().await.unwrap()
}

/// The page of a search.
async fn page(person: &Person, query: &[(&str, &str)]) -> Value {
    let answer = asked(person, query).await;
    assert_eq!(answer.status(), 200, "{query:?}");
    answer.json().await.unwrap()
}

/// The texts of the hits of a search, with brackets around the marks.
async fn found(person: &Person, q: &str) -> Vec<String> {
    texts(&page(person, &[("q", q)]).await)
}

fn texts(page: &Value) -> Vec<String> {
    let hits = page["hits"].as_array().unwrap();
    hits.iter().map(|hit| written(&hit["title"]) + &written(&hit["parts"])).collect()
}

fn written(parts: &Value) -> String {
    let write = |part: &Value| match part["marked"].as_bool() {
        Some(true) => format!("[{}]", part["text"].as_str().unwrap()),
        _ => part["text"].as_str().unwrap().to_owned(),
    };
    parts.as_array().into_iter().flatten().map(write).collect()
}

async fn write(person: &Person, room: &str, text: &str) -> u64 {
    let posted = person.post(room, &new_id(), text).await;
    assert_eq!(posted.status(), 201);
    posted.json::<Value>().await.unwrap()["offset"].as_u64().unwrap()
}

async fn change(person: &Person, offset: u64, change: Value) {
    let path = format!("/api/rooms/general/messages/{offset}/changes");
    let mut body = json!({ "id": new_id() });
    body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    assert!(person.send(Method::POST, &path, &body).await.status().is_success());
}

#[tokio::test]
async fn a_search_finds_messages_and_events_with_their_marks_and_leads_to_them() {
    let server = TestServer::start().await;
    let alice = server.person("Alice").await;
    write(&alice, "general", "東京タワーが見える").await;
    write(&alice, "general", "see https://example.com/a").await;
    let event =
        json!({ "type": "notification", "title": "Deploy failed", "text": "on 東京 node", "level": "error" });
    let published = server.post("/api/events/deploys").json(&event).send().await.unwrap();
    assert_eq!(published.status(), 201);
    let all = page(&alice, &[("q", "東京")]).await;
    assert_eq!(texts(&all), ["Deploy failedon [東京] node", "[東京]タワーが見える"]);
    let [event, message] = [&all["hits"][0], &all["hits"][1]];
    assert_eq!(
        (&event["kind"], &event["channel"], &event["level"]),
        (&json!("event"), &json!("deploys"), &json!("error"))
    );
    assert_eq!(
        (&message["kind"], &message["room"], &message["user"]),
        (&json!("message"), &json!("general"), &json!("Alice"))
    );
    assert_eq!(message["room_name"], "general");
    for hit in [event, message] {
        let shown =
            alice.get(hit["url"].as_str().unwrap()).header("accept", "text/html").send().await.unwrap();
        assert_eq!(shown.status(), 200, "{hit}");
        assert!(shown.text().await.unwrap().contains("東京"));
    }
    for (q, count) in [
        ("東京 in:general", 1),
        ("東京 in:feed", 1),
        ("東京 channel:deploys", 1),
        ("channel:other", 0),
        ("level:warning", 1),
        ("from:alice", 2),
        ("from:me has:link", 1),
        ("東京 -deploy", 1),
        ("東京 before:2020-01-01", 0),
        ("東京 on:today", 2),
    ] {
        assert_eq!(found(&alice, q).await.len(), count, "{q}");
    }
    let feed_key = json!({ "type": "notification", "text": "disk full", "key": "disk" });
    server.post("/api/events/deploys").json(&feed_key).send().await.unwrap();
    assert_eq!(found(&alice, "disk").await, ["[disk] full"]);
    let gone = json!({ "type": "notification", "key": "disk", "deleted": true });
    assert_eq!(server.post("/api/events/deploys").json(&gone).send().await.unwrap().status(), 201);
    assert!(found(&alice, "disk").await.is_empty());
}

#[tokio::test]
async fn an_edit_and_a_deletion_change_what_is_found_before_they_are_answered() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    let offset = write(&alice, "general", "a secret apple").await;
    assert_eq!(found(&bob, "apple").await, ["a secret [apple]"]);
    change(&alice, offset, json!({ "kind": "edit", "text": "a secret pear" })).await;
    assert_eq!((found(&bob, "apple").await.len(), found(&bob, "pear").await.len()), (0, 1));
    change(&bob, offset, json!({ "kind": "react", "emoji": "🎉" })).await;
    assert_eq!(found(&bob, "pear").await.len(), 1);
    change(&alice, offset, json!({ "kind": "delete" })).await;
    assert_eq!((found(&bob, "pear").await.len(), found(&bob, "secret").await.len()), (0, 0));
    assert_eq!(found(&bob, "from:alice").await.len(), 0);
}

#[tokio::test]
async fn nobody_finds_what_they_may_not_read_or_learns_that_there_is_any() {
    let server = TestServer::start_with(&["--auth", "accounts"]).await;
    let admin = server.account("admin").await;
    let (alice, bob, eve) =
        (server.account("alice").await, server.account("bob").await, server.account("eve").await);
    let body = json!({ "name": "Secret", "private": true });
    assert_eq!(alice.send(Method::POST, "/api/rooms", &body).await.status(), 201);
    let added = alice.send(Method::POST, "/api/rooms/secret/members", &json!({ "name": "bob" })).await;
    assert_eq!(added.status(), 201);
    for n in 0..30 {
        write(&alice, "secret", &format!("plan {n}")).await;
    }
    let direct = json!({ "user_ids": [bob.session.user.id] });
    let direct: Value = alice.send(Method::POST, "/api/direct", &direct).await.json().await.unwrap();
    let direct = direct["room"].as_str().unwrap().to_owned();
    write(&alice, &direct, "plan between us").await;
    assert_eq!(found(&bob, "plan between").await, ["[plan] [between] us"]);
    let names = page(&bob, &[("q", "between")]).await;
    assert_eq!(names["hits"][0]["room_name"], "alice");
    for (person, filters) in [(&eve, ""), (&admin, ""), (&eve, " in:secret"), (&eve, " from:alice")] {
        let seen = page(person, &[("q", &format!("plan{filters}")), ("limit", "5")]).await;
        assert_eq!(seen, json!({ "hits": [] }), "not even a next page");
    }
    assert_eq!(page(&bob, &[("q", "plan"), ("limit", "100")]).await["hits"].as_array().unwrap().len(), 31);
    let membership = format!("/api/rooms/secret/members/{}", bob.session.user.id);
    assert_eq!(alice.send(Method::DELETE, &membership, &json!(null)).await.status(), 204);
    assert_eq!(found(&bob, "plan").await, ["[plan] between us"], "a removed member");
    assert_eq!(server.get("/api/search?q=plan").send().await.unwrap().status(), 401);
}

#[tokio::test]
async fn an_event_of_a_limited_channel_is_found_by_its_readers_only() {
    let server = TestServer::start_with(&["--auth", "accounts"]).await;
    let admin = server.account("admin").await;
    let (alice, bob) = (server.account("alice").await, server.account("bob").await);
    let body = json!({ "name": "ci", "channels": ["pay", "ops"] });
    let made: Value = admin.send(Method::POST, "/api/publishers", &body).await.json().await.unwrap();
    for channel in ["pay", "ops"] {
        let request =
            server.post(&format!("/api/events/{channel}")).bearer_auth(made["token"].as_str().unwrap());
        assert_eq!(request.body("salaries").send().await.unwrap().status(), 201);
    }
    assert_eq!(found(&bob, "salaries").await.len(), 2);
    let readers = json!({ "names": ["alice"] });
    let limited = admin.send(Method::PUT, "/api/channels/pay/readers", &readers).await;
    assert!(limited.status().is_success());
    assert_eq!((found(&alice, "salaries").await.len(), found(&bob, "salaries").await.len()), (2, 1));
    assert_eq!(found(&bob, "channel:pay").await.len(), 0);
}

#[tokio::test]
async fn pages_follow_each_other_by_cursor_and_the_best_may_come_first() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    for n in 0..12 {
        write(&alice, "general", &format!("deploy number {n} {}", "and so on ".repeat(20))).await;
    }
    write(&alice, "general", "nothing of it").await;
    write(&alice, "general", "deploy deploy deploy, now").await;
    write(&alice, "general", &format!("at last a deploy {}", "with many words ".repeat(20))).await;
    let (mut before, mut all) = (String::new(), Vec::new());
    loop {
        let page = page(&alice, &[("q", "deploy"), ("limit", "5"), ("before", &before)]).await;
        all.extend(page["hits"].as_array().unwrap().iter().map(|hit| hit["offset"].as_u64().unwrap()));
        let Some(next) = page["next"].as_str() else { break };
        before = next.to_owned();
    }
    let expected: Vec<u64> = [15, 14].into_iter().chain((1..=12).rev()).collect();
    assert_eq!(all, expected);
    let best = page(&alice, &[("q", "deploy"), ("order", "best"), ("limit", "3")]).await;
    assert_eq!(best["hits"][0]["offset"], 14);
    assert_eq!((best["hits"].as_array().unwrap().len(), &best["next"]), (3, &json!(null)));
}

#[tokio::test]
async fn a_search_that_cannot_be_meant_is_rejected_and_too_many_wait() {
    let server = TestServer::start_limited(&["--limit-searches=6/1h"]).await;
    let alice = server.person("alice").await;
    for (query, code) in [
        (vec![], "bad_request"),
        (vec![("q", "has:fun")], "bad_request"),
        (vec![("q", "a"), ("before", "x")], "bad_cursor"),
        (vec![("q", "a"), ("order", "worst")], "bad_request"),
        (vec![("q", "a"), ("zone", "Nowhere")], "bad_request"),
    ] {
        assert_eq!(problem(asked(&alice, &query).await, 400).await, code, "{query:?}");
    }
    assert_eq!(asked(&alice, &[("q", "a")]).await.status(), 200);
    assert_eq!(problem(asked(&alice, &[("q", "a")]).await, 429).await, "too_many_requests");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_or_deleted_at_one_node_is_found_or_gone_at_the_others() {
    let nodes = Nodes::start(2).await;
    let alice = nodes.person("alice").await;
    let (here, there) = (alice.at(nodes.node(0)), alice.at(nodes.node(1)));
    let offset = write(&here, "general", "京都の夜").await;
    assert_eq!(found(&there, "京都").await, ["[京都]の夜"]);
    change(&there, offset, json!({ "kind": "delete" })).await;
    assert_eq!((found(&here, "京都").await.len(), found(&there, "京都").await.len()), (0, 0));
}

#[tokio::test]
async fn a_database_without_an_index_is_indexed_while_the_server_runs() {
    let data = tempfile::tempdir().unwrap();
    let server = TestServer::start_on(data.path(), &[]).await;
    let alice = server.person("alice").await;
    write(&alice, "general", "long ago").await;
    server.stop().await;
    let database = rusqlite::Connection::open(data.path().join("idobata.db")).unwrap();
    let forget =
        "INSERT INTO search_words (search_words) VALUES ('delete-all'); DELETE FROM search_documents;
                  UPDATE search_version SET version = 0;";
    database.execute_batch(forget).unwrap();
    drop(database);
    let server = TestServer::start_on(data.path(), &[]).await;
    let alice = alice.at(&server);
    in_time(async {
        while found(&alice, "long ago").await.is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    in_time(async {
        while server.metric("idobata_search_unindexed ").await != 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}
