//! Webhooks as Slack and Mattermost have them: programs post to a room or publish to a channel.

use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::support::{Nodes, Person, TestServer, in_time, new_id};

/// A person with a room of their own and a webhook of it.
async fn owner(server: &TestServer) -> (Person, String, String) {
    let alice = server.person("alice").await;
    let room = make_room(&alice, "deploys").await;
    let path = make_hook(&alice, &room).await["path"].as_str().expect("its path").to_owned();
    (alice, room, path)
}

async fn make_room(person: &Person, name: &str) -> String {
    let made = person.send(Method::POST, "/api/rooms", &json!({ "name": name, "private": true })).await;
    made.json::<Value>().await.unwrap()["id"].as_str().expect("its id").to_owned()
}

async fn make_hook(person: &Person, room: &str) -> Value {
    let made = person.send(Method::POST, &format!("/api/rooms/{room}/hooks"), &json!({ "name": "CI" })).await;
    assert_eq!(made.status(), 201);
    made.json().await.unwrap()
}

async fn send(server: &TestServer, path: &str, payload: &Value) -> Response {
    server.client.post(format!("{}{path}", server.url)).json(payload).send().await.unwrap()
}

/// Sends a payload; returns the status and the answer.
async fn sent(server: &TestServer, path: &str, payload: &Value) -> (u16, String) {
    let answer = send(server, path, payload).await;
    assert_eq!(answer.headers()["content-type"], "text/plain; charset=utf-8");
    (answer.status().as_u16(), answer.text().await.unwrap())
}

fn ok() -> (u16, String) {
    (200, "ok".to_owned())
}

async fn messages(person: &Person, room: &str) -> Vec<Value> {
    let answer = person.get(&format!("/api/rooms/{room}/messages")).send().await.unwrap();
    answer.json::<Value>().await.unwrap()["messages"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_webhook_posts_to_its_room_as_slack_would() {
    let server = TestServer::start().await;
    let (alice, room, path) = owner(&server).await;
    let mut socket = alice.socket().await;
    socket.join(&room, json!({})).await;
    assert_eq!(sent(&server, &path, &json!({ "text": "*done* <https://ci.example/7|build 7>" })).await, ok());
    let message = socket.expect("message").await;
    assert_eq!(
        (&message["text"], &message["user"]),
        (&json!("**done** [build 7](https://ci.example/7)"), &json!("CI"))
    );
    assert!(message["user_id"].as_str().is_some_and(|id| id.starts_with("hook:")));
    let payload = json!({ "username": "Jenkins", "attachments": [{ "title": "Build 8", "text": "failed", "color": "danger" }] });
    let form = serde_urlencoded::to_string([("payload", payload.to_string())]).unwrap();
    let request = server.client.post(format!("{}{path}", server.url));
    let request = request.header("content-type", "application/x-www-form-urlencoded").body(form);
    let answer = request.send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.text().await.unwrap()), ok());
    let message = socket.expect("message").await;
    assert_eq!(
        (&message["text"], &message["user"]),
        (&json!("> **Build 8**\n>\n> failed"), &json!("Jenkins"))
    );
    // A program is no person.
    let found = alice.get(&format!("/api/rooms/{room}/people?q=")).send().await.unwrap();
    assert!(!found.text().await.unwrap().contains("hook:"));
    let listed: Value =
        alice.get(&format!("/api/rooms/{room}/hooks")).send().await.unwrap().json().await.unwrap();
    assert!(listed[0]["last_used_at"].is_i64() && listed[0].get("hash").is_none(), "{listed}");
}

#[tokio::test]
async fn faults_are_told_in_slacks_words() {
    let server = TestServer::start().await;
    let (alice, room, path) = owner(&server).await;
    let words = async |payload: &Value| sent(&server, &path, payload).await;
    assert_eq!(words(&json!({})).await, (400, "no_text".to_owned()));
    assert_eq!(words(&json!([1])).await, (400, "invalid_payload".to_owned()));
    let large = json!({ "text": "x".repeat(70_000) });
    assert_eq!(words(&large).await, (413, "invalid_payload".to_owned()));
    let hello = json!({ "text": "hello" });
    for unknown in ["/hooks/idh_1_2", "/hooks/none", "/hooks/idp_1_2", "/hooks/idh_"] {
        assert_eq!(sent(&server, unknown, &hello).await, (404, "no_service".to_owned()), "{unknown}");
    }
    let archived = json!({ "archived": true });
    assert_eq!(alice.send(Method::PATCH, &format!("/api/rooms/{room}"), &archived).await.status(), 200);
    assert_eq!(words(&hello).await, (410, "channel_is_archived".to_owned()));
    assert_eq!(alice.send(Method::DELETE, &format!("/api/rooms/{room}"), &json!({})).await.status(), 204);
    assert_eq!(words(&hello).await, (404, "no_service".to_owned()), "its webhooks went with the room");
    let got = server.client.get(format!("{}{path}", server.url)).send().await.unwrap();
    assert_eq!(got.status(), 405);
}

#[tokio::test]
async fn a_removed_webhook_posts_nothing_any_more_on_no_node() {
    let nodes = Nodes::start(3).await;
    let alice = nodes.person("alice").await;
    let room = make_room(&alice, "deploys").await;
    let hook = make_hook(&alice, &room).await;
    let (path, id) = (hook["path"].as_str().unwrap(), hook["id"].as_str().unwrap());
    for node in &nodes.servers {
        assert_eq!(sent(node, path, &json!({ "text": "hello" })).await, ok());
    }
    assert_eq!(messages(&alice, &room).await.len(), 3);
    let address = format!("/api/rooms/{room}/hooks/{id}");
    assert_eq!(alice.send(Method::DELETE, &address, &json!({})).await.status(), 204);
    for node in &nodes.servers {
        assert_eq!(sent(node, path, &json!({ "text": "too late" })).await, (404, "no_service".to_owned()));
    }
    assert_eq!(alice.send(Method::DELETE, &address, &json!({})).await.status(), 404);
}

#[tokio::test]
async fn a_repeat_is_stored_once_and_messages_with_one_key_are_a_thread() {
    let server = TestServer::start().await;
    let (alice, room, path) = owner(&server).await;
    let url = format!("{}{path}", server.url);
    for _ in 0..2 {
        let request = server.client.post(&url).header("idempotency-key", "delivery 1");
        assert_eq!(request.json(&json!({ "text": "once" })).send().await.unwrap().status(), 200);
    }
    assert_eq!(messages(&alice, &room).await.len(), 1);
    let of_deploy = format!("{path}?threadKey=deploy-7");
    for text in ["started", "half", "done"] {
        assert_eq!(sent(&server, &of_deploy, &json!({ "text": text })).await, ok());
    }
    let all = messages(&alice, &room).await;
    let threads: Vec<_> = all.iter().map(|message| message["thread"].as_u64()).collect();
    let root = all[1]["offset"].as_u64();
    assert_eq!(threads, [None, None, root, root]);
    let other = json!({ "text": "another", "thread_ts": "deploy-8" });
    for _ in 0..2 {
        assert_eq!(sent(&server, &path, &other).await, ok());
    }
    let threads: Vec<_> =
        messages(&alice, &room).await[4..].iter().map(|one| one["thread"].is_u64()).collect();
    assert_eq!(threads, [false, true]);
}

#[tokio::test]
async fn the_first_message_of_a_thread_is_stored_once_and_a_thread_whose_beginning_is_gone_begins_anew() {
    let server = TestServer::start_limited(&["--limit-messages=6/1h"]).await;
    let (alice, room, path) = owner(&server).await;
    let of_thread = async |key: &str, text: &str| {
        let request = server.client.post(format!("{}{path}?threadKey=deploy", server.url));
        let answer =
            request.header("idempotency-key", key).json(&json!({ "text": text })).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{text}");
    };
    let said = async || {
        let all = messages(&alice, &room).await;
        let one =
            |message: &Value| (message["text"].as_str().unwrap().to_owned(), message["thread"].as_u64());
        all.iter().map(one).collect::<Vec<_>>()
    };
    let text = |text: &str, thread| (text.to_owned(), thread);
    for _ in 0..2 {
        of_thread("1", "begun").await;
    }
    assert_eq!(said().await, [text("begun", None)]);
    of_thread("2", "half").await;
    assert_eq!(said().await, [text("begun", None), text("half", Some(1))]);
    let delete = json!({ "id": new_id(), "kind": "delete" });
    let address = format!("/api/rooms/{room}/messages/1/changes");
    assert_eq!(alice.send(Method::POST, &address, &delete).await.status(), 201);
    of_thread("3", "once more").await;
    of_thread("4", "done").await;
    let all = said().await;
    assert_eq!(all[all.len() - 2], text("once more", None));
    assert!(all.last().is_some_and(|(_, thread)| thread.is_some_and(|root| root > 2)), "{all:?}");
}

#[tokio::test]
async fn mentions_of_a_webhook_reach_people_and_it_keeps_to_its_rate() {
    let server = TestServer::start_limited(&["--limit-messages=3/1h"]).await;
    let (alice, room, path) = owner(&server).await;
    let mark = json!({ "id": new_id(), "room": room, "kind": "read", "offset": 0 });
    assert_eq!(alice.send(Method::POST, "/api/user/marks", &mark).await.status(), 201, "she is known there");
    assert_eq!(sent(&server, &path, &json!({ "text": "@alice <!channel>" })).await, ok());
    let state = in_time(alice.get("/api/user").send()).await.unwrap().json::<Value>().await.unwrap();
    let known =
        state["rooms"].as_array().unwrap().iter().find(|known| known["room"] == room.as_str()).unwrap();
    assert_eq!(known["mentions"], json!([1]), "{known}");
    for _ in 0..2 {
        assert_eq!(sent(&server, &path, &json!({ "text": "more" })).await, ok());
    }
    let refused = send(&server, &path, &json!({ "text": "too many" })).await;
    assert!(refused.headers().contains_key("retry-after"));
    assert_eq!((refused.status().as_u16(), refused.text().await.unwrap()), (429, "rate_limited".to_owned()));
}

#[tokio::test]
async fn a_publishers_token_publishes_to_its_channel() {
    let server = TestServer::start().await;
    let token = async |channels: Value| {
        let body = json!({ "name": "grafana", "channels": channels });
        let made =
            server.client.post(format!("{}/api/publishers", server.url)).json(&body).send().await.unwrap();
        made.json::<Value>().await.unwrap()["token"].as_str().expect("its token").to_owned()
    };
    let (one, many) = (token(json!(["ops"])).await, token(json!(["db-*"])).await);
    let attachment = json!({ "title": "Disk", "title_link": "https://graphs.example/1", "text": "90 %", "color": "warning" });
    let payload = json!({ "attachments": [attachment] });
    assert_eq!(sent(&server, &format!("/hooks/{one}"), &payload).await, ok());
    assert_eq!(
        sent(&server, &format!("/hooks/{many}"), &payload).await,
        (404, "channel_not_found".to_owned())
    );
    assert_eq!(sent(&server, &format!("/hooks/{many}?channel=db-1"), &payload).await, ok());
    let named = json!({ "text": "slow", "channel": "#db-2" });
    assert_eq!(sent(&server, &format!("/hooks/{many}"), &named).await, ok());
    let elsewhere = format!("/hooks/{many}?channel=ops");
    assert_eq!(sent(&server, &elsewhere, &payload).await, (403, "action_prohibited".to_owned()));
    let feed = server.json("/api/events?last=10").await;
    let events = feed["events"].as_array().unwrap();
    let seen: Vec<_> =
        events.iter().map(|event| (event["channel"].as_str().unwrap(), event["title"].as_str())).collect();
    assert_eq!(seen, [("ops", Some("Disk")), ("db-1", Some("Disk")), ("db-2", None)]);
    assert_eq!(
        (&events[0]["level"], &events[0]["link"]),
        (&json!("warning"), &json!("https://graphs.example/1"))
    );
}

#[tokio::test]
async fn a_program_posts_answers_edits_and_deletes_by_the_api_with_the_token_of_a_webhook() {
    let server = TestServer::start().await;
    let (alice, room, path) = owner(&server).await;
    let token = path.strip_prefix("/hooks/").unwrap();
    let ask = async |method: Method, path: &str, body: Value| {
        let request = server.client.request(method, format!("{}{path}", server.url)).bearer_auth(token);
        let answer = request.json(&body).send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap_or_default())
    };
    let messages_of = format!("/api/rooms/{room}/messages");
    let mut socket = alice.socket().await;
    socket.join(&room, json!({})).await;
    let begin = json!({ "id": new_id(), "text": "build 7: running" });
    let (status, posted) = ask(Method::POST, &messages_of, begin.clone()).await;
    assert_eq!((status, &posted["user"]), (201, &json!("CI")));
    assert_eq!(socket.expect("message").await["text"], "build 7: running");
    assert_eq!(ask(Method::POST, &messages_of, begin).await.0, 200, "the same message again");
    let target = posted["offset"].as_u64().unwrap();
    let answer = json!({ "id": new_id(), "text": "log: …", "reply_to": target, "thread": target });
    assert_eq!(ask(Method::POST, &messages_of, answer).await.0, 201);

    let change = |kind: &str, more: Value| {
        let mut change = json!({ "id": new_id(), "kind": kind });
        change.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        change
    };
    let changes = format!("{messages_of}/{target}/changes");
    assert_eq!(ask(Method::POST, &changes, change("edit", json!({ "text": "build 7: done" }))).await.0, 201);
    assert_eq!(messages(&alice, &room).await[0]["text"], "build 7: done");
    for (kind, more) in [("pin", json!({})), ("react", json!({ "emoji": ":tada:" }))] {
        let (status, problem) = ask(Method::POST, &changes, change(kind, more)).await;
        assert_eq!((status, &problem["code"]), (403, &json!("not_allowed")), "{kind}");
    }
    // The messages of others are not its own.
    let text = json!({ "id": new_id(), "text": "mine" });
    let mine: Value = alice.send(Method::POST, &messages_of, &text).await.json().await.unwrap();
    let of_alice = format!("{messages_of}/{}/changes", mine["offset"]);
    assert_eq!(ask(Method::POST, &of_alice, change("edit", json!({ "text": "its" }))).await.0, 403);
    assert_eq!(ask(Method::POST, &of_alice, change("delete", json!({}))).await.0, 403);
    assert_eq!(ask(Method::POST, &changes, change("delete", json!({}))).await.0, 201);
    assert!(messages(&alice, &room).await.iter().all(|message| message["text"] != "build 7: done"));
}

#[tokio::test]
async fn the_token_of_a_webhook_is_for_writing_in_its_room_and_for_nothing_else() {
    let server = TestServer::start().await;
    let (alice, room, path) = owner(&server).await;
    let other = make_room(&alice, "other").await;
    let body = json!({ "name": "signed", "secret": "0123456789abcdef" });
    let signed: Value =
        alice.send(Method::POST, &format!("/api/rooms/{room}/hooks"), &body).await.json().await.unwrap();
    let signed = signed["token"].as_str().unwrap().to_owned();
    let token = path.strip_prefix("/hooks/").unwrap().to_owned();
    let message = json!({ "id": new_id(), "text": "hello" });
    let ask = async |method: Method, path: String, token: &str| {
        let request = server.client.request(method, format!("{}{path}", server.url)).bearer_auth(token);
        request.json(&message).send().await.unwrap().status().as_u16()
    };
    let messages_of = |room: &str| format!("/api/rooms/{room}/messages");
    assert_eq!(ask(Method::POST, messages_of(&other), &token).await, 404);
    assert_eq!(ask(Method::POST, messages_of("general"), &token).await, 404);
    assert_eq!(ask(Method::POST, messages_of("nowhere"), &token).await, 404);
    assert_eq!(ask(Method::POST, messages_of(&room), "idh_none_none").await, 401);
    assert_eq!(ask(Method::POST, messages_of(&room), &signed).await, 403, "it takes signed requests only");
    for path in
        [messages_of(&room), "/api/rooms".into(), "/api/events".into(), format!("/api/rooms/{room}/hooks")]
    {
        assert_eq!(ask(Method::GET, path.clone(), &token).await, 403, "{path}");
    }
    for path in ["/api/rooms".to_owned(), "/api/events/ops".into(), format!("/api/rooms/{room}/typing")] {
        assert_eq!(ask(Method::POST, path.clone(), &token).await, 403, "{path}");
    }
    assert_eq!(messages(&alice, &room).await.len(), 0);
}
