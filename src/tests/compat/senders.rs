//! Webhooks as known programs send them, over sockets: what is stored of them, how often, by whose right, and at which
//! limits. The documents of each sender are the unit tests of `compat/senders`.

use reqwest::{Method, RequestBuilder};
use ring::hmac::{self, HMAC_SHA256, Key};
use serde_json::{Value, json};

use super::form;
use crate::support::{Person, TestServer, new_id};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// The path of a webhook of a person's new room, and the room.
async fn room_hook(alice: &Person, body: Value) -> (String, String) {
    let made = alice.send(Method::POST, "/api/rooms", &json!({ "name": "deploys", "private": true })).await;
    let room = made.json::<Value>().await.unwrap()["id"].as_str().expect("its id").to_owned();
    let made = alice.send(Method::POST, &format!("/api/rooms/{room}/hooks"), &body).await;
    assert_eq!(made.status(), 201);
    let path = made.json::<Value>().await.unwrap()["path"].as_str().expect("its path").to_owned();
    (room, path)
}

/// The path of the webhook of a publisher.
async fn channel_hook(server: &TestServer, body: Value) -> String {
    let made = server.client.post(format!("{}/api/publishers", server.url)).json(&body).send().await.unwrap();
    assert_eq!(made.status(), 201);
    format!("/hooks/{}", made.json::<Value>().await.unwrap()["token"].as_str().expect("its token"))
}

fn github(server: &TestServer, path: &str, event: &str, delivery: &str, body: &Value) -> RequestBuilder {
    let request = server.client.post(format!("{}{path}/github", server.url));
    let request = request.header("x-github-event", event).header("x-github-delivery", delivery);
    request.header("content-type", "application/json").body(body.to_string())
}

/// The status and the answer.
async fn sent(request: RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn assert_taken(request: RequestBuilder, events: usize) {
    assert_eq!(sent(request).await, (200, json!({ "events": events })));
}

async fn assert_refused(request: RequestBuilder, status: u16, said: &str) {
    let (found, problem) = sent(request).await;
    assert_eq!(found, status, "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains(said), "{problem}");
}

async fn entries(server: &TestServer) -> Vec<Value> {
    server.json("/api/events").await["events"].as_array().unwrap().clone()
}

async fn messages(person: &Person, room: &str) -> Vec<Value> {
    let answer = person.get(&format!("/api/rooms/{room}/messages")).send().await.unwrap();
    answer.json::<Value>().await.unwrap()["messages"].as_array().unwrap().clone()
}

fn run(status: &str, conclusion: Value) -> Value {
    json!({
        "action": status, "sender": { "login": "alice" }, "repository": { "full_name": "acme/api" },
        "workflow_run": { "id": 42, "name": "CI", "run_number": 9, "status": status, "conclusion": conclusion,
            "head_branch": "main", "html_url": "https://git.example/r/42" },
    })
}

#[tokio::test]
async fn a_run_is_one_event_whose_newest_state_stands_for_it_and_a_delivery_counts_once() {
    let server = TestServer::start().await;
    let path = channel_hook(&server, json!({ "name": "GitHub", "channels": ["ci"] })).await;
    let states = [("1", run("queued", Value::Null)), ("2", run("completed", json!("failure")))];
    for (delivery, body) in states.iter().chain(&states) {
        assert_taken(github(&server, &path, "workflow_run", delivery, body), 1).await;
    }
    let events = entries(&server).await;
    let seen: Vec<_> = events
        .iter()
        .map(|event| (event["title"].as_str().unwrap(), event["level"].as_str().unwrap()))
        .collect();
    assert_eq!(
        seen,
        [("acme/api: CI #9 is waiting on main", "info"), ("acme/api: CI #9 failed on main", "error")]
    );
    assert!(events[0]["key"].is_string() && events[0]["key"] == events[1]["key"]);
    assert_eq!(
        (&events[1]["link"], &events[1]["channel"]),
        (&json!("https://git.example/r/42"), &json!("ci"))
    );
    let page = server.client.get(format!("{}/feed/ci", server.url)).send().await.unwrap();
    let page = page.text().await.unwrap();
    assert!(!page.contains("CI #9 is waiting"), "the newer one has replaced it");
}

#[tokio::test]
async fn in_a_room_the_states_of_a_run_are_a_thread_and_no_text_of_a_stranger_mentions_anybody() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    let (room, path) = room_hook(&alice, json!({ "name": "GitHub" })).await;
    for (delivery, body) in [("1", run("queued", Value::Null)), ("2", run("completed", json!("success")))] {
        assert_taken(github(&server, &path, "workflow_run", delivery, &body), 1).await;
    }
    let mark = json!({ "id": new_id(), "room": room, "kind": "read", "offset": 0 });
    assert_eq!(alice.send(Method::POST, "/api/user/marks", &mark).await.status(), 201, "she is known there");
    let comment = json!({
        "action": "created", "issue": { "number": 7, "title": "@alice *x*" },
        "comment": { "body": "`code` @room ＠alice\n```\n@here", "html_url": "https://git.example/7" },
        "repository": { "full_name": "acme/api" }, "sender": { "login": "mallory" },
    });
    for _ in 0..2 {
        assert_taken(github(&server, &path, "issue_comment", "3", &comment), 1).await;
    }
    let said = messages(&alice, &room).await;
    let first = "**[acme/api: CI #9 is waiting on main](https://git.example/r/42)**";
    assert_eq!((said.len(), &said[0]["text"], &said[0]["user"]), (3, &json!(first), &json!("GitHub")));
    assert_eq!(said[1]["thread"], said[0]["offset"]);
    assert!(said[1]["text"].as_str().unwrap().starts_with("🟢 **"), "{}", said[1]);
    assert!(said[2]["text"].as_str().unwrap().contains("@\u{200a}alice \\*x\\*"), "{}", said[2]);
    let user: Value = alice.get("/api/user").send().await.unwrap().json().await.unwrap();
    let known =
        user["rooms"].as_array().unwrap().iter().find(|known| known["room"] == room.as_str()).unwrap();
    assert!(known.get("mentions").is_none_or(|mentions| *mentions == json!([])), "{known}");
}

fn alert(status: &str, starts_at: &str) -> Value {
    json!({ "status": status, "fingerprint": "c0ffee", "startsAt": starts_at, "generatorURL": "https://prom.example/g",
        "labels": { "alertname": "DiskFull", "severity": "critical" }, "annotations": { "summary": "Disk is full" } })
}

#[tokio::test]
async fn an_alert_is_stored_once_for_each_state_and_its_resolution_replaces_it() {
    let server = TestServer::start().await;
    let path = channel_hook(&server, json!({ "name": "Prometheus", "channels": ["alerts-*"] })).await;
    let other = json!({ "status": "firing", "fingerprint": "beef", "startsAt": "1", "labels": { "alertname": "Slow" } });
    let send = async |alerts: Value| {
        let url = format!("{}{path}/alertmanager?channel=alerts-db", server.url);
        let count = alerts.as_array().unwrap().len();
        assert_taken(server.client.post(url).json(&json!({ "version": "4", "alerts": alerts })), count).await;
    };
    send(json!([alert("firing", "1")])).await;
    send(json!([alert("firing", "1"), other])).await;
    send(json!([alert("resolved", "1"), other])).await;
    send(json!([alert("resolved", "1")])).await;
    send(json!([alert("firing", "2")])).await;
    let events = entries(&server).await;
    let seen: Vec<_> = events
        .iter()
        .map(|event| (event["title"].as_str().unwrap(), event["level"].as_str().unwrap()))
        .collect();
    let expected = [
        ("Disk is full", "error"),
        ("Slow", "warning"),
        ("Resolved: Disk is full", "success"),
        ("Disk is full", "error"),
    ];
    assert_eq!(seen, expected);
    assert!([0, 2, 3].iter().all(|index| events[*index]["key"] == "c0ffee"));
    let nowhere =
        server.client.post(format!("{}{path}/alertmanager", server.url)).json(&json!({ "alerts": [] }));
    assert_refused(nowhere, 400, "?channel=ops").await;
    let elsewhere = format!("{}{path}/alertmanager?channel=ops", server.url);
    assert_refused(server.client.post(elsewhere).json(&json!({ "alerts": [] })), 403, "does not cover").await;
}

fn signed(request: RequestBuilder, secret: &str, body: &Value) -> RequestBuilder {
    let tag = hmac::sign(&Key::new(HMAC_SHA256, secret.as_bytes()), body.to_string().as_bytes());
    let digits: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    request.header("x-hub-signature-256", format!("sha256={digits}"))
}

#[tokio::test]
async fn with_a_secret_only_what_is_signed_with_it_is_stored() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    let (room, hook) = room_hook(&alice, json!({ "name": "GitHub", "secret": SECRET })).await;
    let publisher = json!({ "name": "GitHub", "channels": ["ci"], "secret": SECRET });
    let publisher = channel_hook(&server, publisher).await;
    let body = run("queued", Value::Null);
    for (path, stored) in [(&hook, (0, 0)), (&publisher, (3, 0))] {
        let request = || github(&server, path, "workflow_run", "1", &body);
        assert_refused(request(), 403, "has a secret").await;
        assert_refused(signed(request(), "another secret 012345", &body), 403, "has a secret").await;
        assert_refused(signed(request(), SECRET, &json!({})), 403, "has a secret").await;
        assert_refused(request().header("x-hub-signature-256", "sha256="), 403, "has a secret").await;
        let slack = || server.client.post(format!("{}{path}", server.url)).json(&json!({ "text": "forged" }));
        assert_eq!(slack().send().await.unwrap().status(), 403);
        assert_eq!((messages(&alice, &room).await.len(), entries(&server).await.len()), stored);
        assert_taken(signed(request(), SECRET, &body), 1).await;
        assert_eq!(slack().bearer_auth(SECRET).send().await.unwrap().text().await.unwrap(), "ok");
        let gitlab =
            server.client.post(format!("{}{path}/gitlab", server.url)).header("x-gitlab-token", SECRET);
        assert_taken(gitlab.json(&json!({ "object_kind": "push", "ref": "refs/heads/main" })), 1).await;
    }
    assert_eq!((messages(&alice, &room).await.len(), entries(&server).await.len()), (3, 3));
    let mut lists =
        alice.get(&format!("/api/rooms/{room}/hooks")).send().await.unwrap().text().await.unwrap();
    lists += &server.json("/api/publishers").await.to_string();
    assert!(!lists.contains(SECRET) && lists.matches("\"signed\":true").count() == 2, "{lists}");
    let token = publisher.trim_start_matches("/hooks/");
    let around =
        server.client.post(format!("{}/api/events/ci", server.url)).bearer_auth(token).body("forged");
    assert_refused(around, 403, "only by signed webhooks").await;
    let short = json!({ "name": "x", "secret": "short" });
    assert_eq!(alice.send(Method::POST, &format!("/api/rooms/{room}/hooks"), &short).await.status(), 400);
}

#[tokio::test]
async fn whoever_has_no_token_is_told_so_before_the_body_is_read_and_a_long_one_is_refused() {
    let server = TestServer::start_with(&["--max-hook-body=128KiB"]).await;
    let path = channel_hook(&server, json!({ "name": "x", "channels": ["ci"] })).await;
    let push =
        |bytes: usize| json!({ "ref": "refs/heads/main", "commits": [{ "message": "x".repeat(bytes) }] });
    let (long, longer) = (push(120 * 1024), push(129 * 1024));
    assert_taken(github(&server, &path, "push", "1", &long), 1).await;
    assert_refused(github(&server, &path, "push", "2", &longer), 413, "at most 131072 bytes").await;
    for unknown in ["/hooks/idh_1_2", "/hooks/idp_1_2", "/hooks/none"] {
        assert_refused(github(&server, unknown, "push", "3", &longer), 404, "no webhook").await;
    }
    let other = server.client.post(format!("{}{path}/bitbucket", server.url)).json(&long);
    assert_refused(other, 404, "github, gitlab").await;
    assert_refused(github(&server, &path, "push", "4", &json!([1])), 400, "not what GitHub sends").await;
    let form = server.client.post(format!("{}{path}/github", server.url)).header("x-github-event", "push");
    let form = form.header("content-type", "application/x-www-form-urlencoded");
    let payload = serde_urlencoded::to_string([("payload", push(1).to_string())]).unwrap();
    assert_taken(form.body(payload), 1).await;
    assert_eq!(entries(&server).await.len(), 2);
    let got = server.client.get(format!("{}{path}/github", server.url)).send().await.unwrap();
    assert_eq!(got.status(), 405);
}

#[tokio::test]
async fn apprise_sends_json_and_forms_with_the_secret_as_its_password() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    let (room, hook) = room_hook(&alice, json!({ "name": "Apprise", "secret": SECRET })).await;
    let channel = channel_hook(&server, json!({ "name": "Apprise", "channels": ["ops"] })).await;
    let body = json!({ "version": "1.0", "title": "Disk", "message": "@alice full", "attachments": [], "type": "warning" });
    let send = |path: &str| server.client.post(format!("{}{path}/apprise", server.url));
    assert_refused(send(&hook).json(&body), 403, "has a secret").await;
    assert_taken(send(&hook).basic_auth("anybody", Some(SECRET)).json(&body), 1).await;
    assert_taken(form(send(&channel), &[("title", "Disk"), ("message", "full"), ("type", "failure")]), 1)
        .await;
    let files = send(&channel).header("content-type", "multipart/form-data; boundary=b").body("--b--");
    assert_refused(files, 415, "json://").await;
    let said = messages(&alice, &room).await;
    assert_eq!((said.len(), &said[0]["text"]), (1, &json!("🟠 **Disk**\n\n@\u{200a}alice full")));
    let events = entries(&server).await;
    assert_eq!((events.len(), &events[0]["text"], &events[0]["level"]), (1, &json!("full"), &json!("error")));
}

#[tokio::test]
async fn a_sender_keeps_to_the_limit_of_its_publisher() {
    let server = TestServer::start_limited(&["--limit-publishes=2/1h"]).await;
    let path = channel_hook(&server, json!({ "name": "x", "channels": ["ci"] })).await;
    for delivery in ["1", "2"] {
        assert_taken(github(&server, &path, "ping", delivery, &json!({ "zen": "x" })), 1).await;
    }
    let answer = github(&server, &path, "ping", "3", &json!({ "zen": "x" })).send().await.unwrap();
    assert!(answer.status() == 429 && answer.headers().contains_key("retry-after"));
}

#[tokio::test]
async fn the_forms_take_a_secret_and_say_what_is_wrong_with_one() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    let (room, _) = room_hook(&alice, json!({ "name": "GitHub" })).await;
    let send = async |secret: &str| {
        let form = serde_urlencoded::to_string([("name", "CI"), ("secret", secret)]).unwrap();
        let request = server.client.post(format!("{}/rooms/{room}/hooks", server.url));
        let request = request.bearer_auth(&alice.session.token);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        request.header("accept", "text/html").body(form).send().await.unwrap().text().await.unwrap()
    };
    let wrong = send("short").await;
    assert!(wrong.contains("16 to 200") && !wrong.contains("/hooks/idh_"), "{wrong}");
    let page = send(SECRET).await;
    let token = page
        .split("/hooks/idh_")
        .nth(1)
        .and_then(|rest| rest.split(['"', '<', ' ']).next())
        .expect("its address");
    let path = format!("/hooks/idh_{token}");
    let body = json!({ "zen": "x" });
    assert_refused(github(&server, &path, "ping", "1", &body), 403, "has a secret").await;
    assert_taken(signed(github(&server, &path, "ping", "1", &body), SECRET, &body), 1).await;
}

#[tokio::test]
async fn what_is_sent_to_discord_is_a_message_or_an_event() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    let (room, hook) = room_hook(&alice, json!({ "name": "CI" })).await;
    let channel = channel_hook(&server, json!({ "name": "CI", "channels": ["ci"] })).await;
    let embed = json!({ "title": "Build 7", "url": "https://ci.example/7", "description": "failed", "color": 0xd0_0000 });
    let payload = json!({ "username": "Jenkins", "embeds": [embed] });
    for path in [&hook, &channel] {
        let request = || server.client.post(format!("{}{path}/discord", server.url));
        let answer = request().header("idempotency-key", "1").json(&payload).send().await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.text().await.unwrap().as_str()), (204, ""));
        let url = format!("{}{path}/discord?wait=true", server.url);
        let waited = server.client.post(url).header("idempotency-key", "1").json(&payload);
        let (status, message) = sent(waited).await;
        assert_eq!((status, &message["id"]), (200, &json!("1")), "it is the same: {message}");
        assert_refused(request().json(&json!({ "content": "" })), 400, "no content").await;
    }
    let said = messages(&alice, &room).await;
    let text = "> **[Build 7](https://ci.example/7)**\n>\n> failed";
    assert_eq!((said.len(), &said[0]["text"], &said[0]["user"]), (1, &json!(text), &json!("Jenkins")));
    let events = entries(&server).await;
    assert_eq!(
        (events.len(), &events[0]["title"], &events[0]["level"]),
        (1, &json!("Build 7"), &json!("error"))
    );
    let unknown = server.client.post(format!("{}/hooks/idh_1_2/discord", server.url)).json(&payload);
    assert_refused(unknown, 404, "no webhook").await;
}
