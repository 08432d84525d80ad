//! Publishing as to ntfy.

use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::{accepted, entries, refused};
use crate::{
    rights::routes,
    support::{PASSWORD, Person, TestServer},
};

fn put(server: &TestServer, path: &str) -> RequestBuilder {
    server.client.put(format!("{}{path}", server.url))
}

#[tokio::test]
async fn a_message_with_headers_is_an_event_of_its_channel() {
    let server = TestServer::start().await;
    let message = accepted(
        server
            .post("/ops")
            .header("X-Title", "=?UTF-8?B?w4RyZ2Vy?=")
            .header("prio", "5")
            .header("ta", "warning,backup,")
            .header("Click", "https://a.example/c")
            .header("X-Icon", "https://a.example/i.png")
            .header(
                "Actions",
                "view, Open, https://a.example/1; http, \"Do, it\", https://a.example/2, method=GET",
            )
            .header("Attach", "https://a.example/f.pdf")
            .header("md", "yes")
            .header("Cache", "no")
            .header("Firebase", "no")
            .header("sid", "disk-1")
            .body("*full*\n"),
    )
    .await;
    let id = message["id"].as_str().unwrap();
    assert!(id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{id}");
    let entry = entries(&server).await.remove(0);
    assert_eq!(message["time"].as_i64().unwrap(), entry["timestamp"].as_i64().unwrap() / 1_000);
    let action = |n: u8, label: &str, address: &str| {
        let url = format!("https://a.example/{address}");
        json!({ "id": format!("{id}-{n}"), "action": "view", "label": label, "url": url, "clear": false })
    };
    assert_eq!(
        message,
        json!({
            "id": id, "time": message["time"], "event": "message", "topic": "ops", "sequence_id": "disk-1",
            "title": "Ärger", "message": "*full*", "priority": 5, "tags": ["warning", "backup"],
            "click": "https://a.example/c", "icon": "https://a.example/i.png", "content_type": "text/markdown",
            "actions": [action(1, "Open", "1"), action(2, "Do, it", "2"), action(3, "f.pdf", "f.pdf")],
        })
    );
    let link =
        |label: &str, address: &str| json!({ "label": label, "url": format!("https://a.example/{address}") });
    assert_eq!(
        entry,
        json!({
            "type": "notification", "title": "Ärger", "text": "*full*", "level": "error", "tags": ["⚠️", "backup"],
            "link": "https://a.example/c", "key": "disk-1", "priority": 5, "icon": "https://a.example/i.png",
            "markdown": true, "html": "<p dir=\"auto\"><em>full</em></p>", "actions": [link("Open", "1"), link("Do, it", "2"), link("f.pdf", "f.pdf")],
            "channel": "ops", "offset": 1, "timestamp": entry["timestamp"],
        })
    );
}

#[tokio::test]
async fn the_text_is_the_body_the_message_or_triggered() {
    let server = TestServer::start().await;
    let form = "application/x-www-form-urlencoded";
    for (request, text) in [
        (server.post("/ops").header("content-type", form).body("a=1&b=2"), "a=1&b=2"),
        (server.post("/ops").header("message", "a\\nb"), "a\nb"),
        (server.post("/ops").body(r#"{"text":"as it is"}"#), r#"{"text":"as it is"}"#),
        (server.post("/ops?m=from+the+query").body(""), "from the query"),
        (
            put(&server, "/ops")
                .header("content-type", "text/plain; charset=latin1")
                .body(b"gr\xfcn".to_vec()),
            "grün",
        ),
        (put(&server, "/ops").header("priority", "u=1, i"), "triggered"),
        (server.post("//ops/").body("extra slashes"), "extra slashes"),
        (put(&server, "/ops/job-1").body("replaces"), "replaces"),
    ] {
        let message = accepted(request).await;
        assert_eq!((&message["message"], message.get("priority")), (&json!(text), None));
    }
    assert_eq!(entries(&server).await.last().unwrap()["key"], "job-1");
}

#[tokio::test]
async fn json_to_the_root_is_merged_with_headers() {
    let server = TestServer::start().await;
    let body = json!({
        "topic": "ops", "message": "a\\nb", "title": "json", "tags": ["tada", "x"], "priority": 4, "unknown": 1,
        "actions": [{ "action": "view", "label": "Open", "url": "https://a.example/" }], "markdown": false, "delay": "",
    });
    for method in [Method::POST, Method::PUT] {
        let request = server.client.request(method, &server.url).json(&body);
        let message =
            accepted(request.header("title", "header").header("click", "https://a.example/c")).await;
        assert_eq!(
            ["title", "message", "click", "priority"].map(|name| message[name].clone()),
            [json!("json"), json!("a\\nb"), json!("https://a.example/c"), json!(4)]
        );
        assert_eq!(
            (&message["tags"], &message["actions"][0]["label"]),
            (&json!(["tada", "x"]), &json!("Open"))
        );
    }
    for (body, code) in [
        (r#"{"message":"x"}"#, 40009),
        ("[1]", 40017),
        ("text", 40017),
        (r#"{"topic":"a b"}"#, 40009),
        (r#"{"topic":"ops","message":1}"#, 40017),
    ] {
        assert_eq!(refused(server.post("/").body(body).send().await.unwrap(), 400).await, code, "{body}");
    }
    assert_eq!(server.get("/").send().await.unwrap().status(), 200, "the page is still there");
}

#[tokio::test]
async fn what_this_server_does_not_do_is_refused_in_ntfys_form() {
    let server = TestServer::start().await;
    let client = &server.client;
    for (query, code) in [
        ("delay=soon", 40004),
        ("at=9s", 40005),
        ("in=4d", 40006),
        ("email=a@b.example", 40001),
        ("call=yes", 40032),
        ("up=1", 40000),
        ("filename=a.txt", 40014),
        ("priority=9", 40007),
        ("actions=dance,%20a,%20b", 40018),
        ("icon=x", 40021),
    ] {
        let response = server.post(&format!("/ops?{query}")).body("x").send().await.unwrap();
        assert_eq!(refused(response, 400).await, code, "{query}");
    }
    assert_eq!(
        refused(server.post("/ops").body(vec![0xff, 0xfe, 0xfd]).send().await.unwrap(), 400).await,
        40011
    );
    assert_eq!(refused(server.post("/no%20topic").body("x").send().await.unwrap(), 400).await, 40009);
    let multipart =
        server.post("/ops").header("content-type", "multipart/form-data; boundary=b").body("--b--");
    assert_eq!(refused(multipart.send().await.unwrap(), 400).await, 40014);
    for (method, path) in
        [(Method::DELETE, "/ops/a%20b"), (Method::PUT, "/ops/a/clear"), (Method::PUT, "/ops/a/read")]
    {
        let response = client.request(method, format!("{}{path}", server.url)).send().await.unwrap();
        assert_eq!(refused(response, 400).await, 40000, "{path}");
    }
    assert_eq!(refused(server.post("/ops/json").send().await.unwrap(), 405).await, 40000);
    assert!(entries(&server).await.is_empty());
}

#[tokio::test]
async fn a_long_body_is_cut_where_one_sees_it() {
    let server = TestServer::start().await;
    for body in ["x".repeat(4_001), "井".repeat(200_000 / 3)] {
        let message = accepted(server.post("/ops").body(body)).await;
        assert!(message["message"].as_str().unwrap().ends_with("\n… (cut)"), "{message}");
    }
    let json = json!({ "topic": "ops", "message": "y".repeat(60_000) });
    assert!(accepted(server.post("/").json(&json)).await["message"].as_str().unwrap().ends_with("(cut)"));
    let response = server.post("/ops").body("x".repeat(2 << 20)).send().await.unwrap();
    assert_eq!(refused(response, 413).await, 41303);
    let json = json!({ "topic": "ops", "message": "y".repeat(100_000) });
    assert_eq!(refused(server.post("/").json(&json).send().await.unwrap(), 413).await, 41303);
}

#[tokio::test]
async fn a_message_that_is_sent_again_with_its_key_is_stored_once() {
    let server = TestServer::start().await;
    let send = || accepted(server.post("/ops").header("idempotency-key", "monday").body("done"));
    assert_eq!(send().await, send().await);
    assert_eq!(entries(&server).await.len(), 1);
}

#[tokio::test]
async fn the_names_of_our_own_addresses_are_no_topics() {
    let server = TestServer::start().await;
    let mut names: Vec<String> =
        routes::all().into_iter().filter_map(|(_, path)| first_segment(&path)).collect();
    names.sort();
    names.dedup();
    assert!(names.len() > 30, "{names:?}");
    for name in &names {
        let body = json!({ "topic": name, "message": "x" });
        let response = server.post("/").json(&body).send().await.unwrap();
        assert_eq!(
            refused(response, 400).await,
            40010,
            "{name} is an address: add it to compat/ntfy/topic.rs"
        );
    }
    assert_eq!(refused(server.post("/fn").body("x").send().await.unwrap(), 400).await, 40010);
    assert!(entries(&server).await.is_empty());
}

/// The first segment of a path, if it is a word.
fn first_segment(path: &str) -> Option<String> {
    let first = path.split('/').nth(1)?;
    (!first.is_empty() && !first.contains('{')).then(|| first.to_owned())
}

#[tokio::test]
async fn a_page_of_another_site_cannot_publish() {
    let server = TestServer::start().await;
    let form = || server.post("/ops").header("content-type", "text/plain").body("x");
    for (name, value) in
        [("origin", "https://evil.example"), ("origin", "null"), ("sec-fetch-site", "cross-site")]
    {
        assert_eq!(form().header(name, value).send().await.unwrap().status(), 403, "{name}: {value}");
    }
    let link = |query: &str| server.get(&format!("/ops/publish{query}")).header("sec-fetch-mode", "navigate");
    assert_eq!(refused(link("?message=x").send().await.unwrap(), 401).await, 40101, "on this machine, too");
    let auth = STANDARD.encode("Bearer idp_x_y");
    for site in ["cross-site", "same-site"] {
        let by_link = link(&format!("?message=x&auth={auth}")).header("sec-fetch-site", site);
        assert_eq!(refused(by_link.send().await.unwrap(), 403).await, 40301);
    }
    assert!(entries(&server).await.is_empty());
}

async fn with_accounts() -> (TestServer, Person, String) {
    let server = TestServer::start_with(&["--auth", "accounts"]).await;
    let admin = server.account("admin").await;
    let body = json!({ "name": "backup", "channels": ["ops"] });
    let made = admin.send(Method::POST, "/api/publishers", &body).await;
    let made: Value = made.json().await.unwrap();
    (server, admin, made["token"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_token_is_taken_in_every_place_where_clients_put_it() {
    let (server, admin, token) = with_accounts().await;
    let post = || server.post("/ops").body("x");
    let auth = |header: &str| STANDARD.encode(header).replace('+', "-").replace('/', "_").replace('=', "");
    let basic = auth(&format!("Basic {}", STANDARD.encode(format!(":{token}"))));
    let bearer = auth(&format!("Bearer {token}"));
    for request in [
        post().bearer_auth(&token),
        post().basic_auth("", Some(&token)),
        post().basic_auth("anybody", Some(&token)),
        post().basic_auth(&token, Some("")),
        server.post(&format!("/ops?auth={basic}")).body("x"),
        server.get(&format!("/ops/publish?message=x&auth={bearer}")),
        server.get("/ops/trigger?message=x").bearer_auth(&token),
        server.get("/ops/send?message=x").basic_auth("", Some(&token)),
        server.post("/").bearer_auth(&token).json(&json!({ "topic": "ops", "message": "x" })),
    ] {
        assert_eq!(accepted(request).await["message"], "x");
    }
    assert_eq!(entries_of(&admin).await.len(), 9);
    for (request, status, code) in [
        (post(), 403, 40301),
        (post().bearer_auth("idp_x_y"), 401, 40101),
        (post().basic_auth("admin", Some("wrong")), 401, 40101),
        (post().basic_auth("admin", Some(PASSWORD)), 403, 40301),
        (post().header("authorization", "Digest x"), 401, 40101),
        (server.post("/ops?auth=%25").body("x"), 401, 40101),
        (server.post("/jobs").bearer_auth(&token).body("x"), 403, 40301),
    ] {
        assert_eq!(refused(request.send().await.unwrap(), status).await, code);
    }
    assert_eq!(entries_of(&admin).await.len(), 9);
}

async fn entries_of(person: &Person) -> Vec<Value> {
    let request = person.get("/api/events").header("accept", "application/json");
    let page: Value = request.send().await.unwrap().json().await.unwrap();
    page["events"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_password_is_one_session_however_often_it_is_sent() {
    let (server, admin, _) = with_accounts().await;
    let sessions = async || server.accounts().sessions(&admin.session.user.id).await.unwrap().len();
    let before = sessions().await;
    let account = || server.get("/v1/account").basic_auth("admin", Some(PASSWORD));
    for _ in 0..3 {
        assert_eq!(accepted(account()).await, json!({ "username": "admin", "role": "admin" }));
    }
    assert_eq!(sessions().await, before + 1);
    server
        .accounts()
        .change_password(&admin.session.user.id, PASSWORD, "another long password", None)
        .await
        .unwrap();
    assert_eq!(refused(account().send().await.unwrap(), 401).await, 40101, "the kept session ended with it");
}

#[tokio::test]
async fn limits_answer_in_ntfys_form() {
    let server = TestServer::start_limited(&["--limit-publishes=1/1h", "--limit-requests=4/1h"]).await;
    accepted(server.post("/ops").body("x")).await;
    for request in [server.post("/ops").body("x"), server.post("/").json(&json!({ "topic": "ops" }))] {
        let response = request.send().await.unwrap();
        assert!(response.headers().contains_key("retry-after"));
        assert_eq!(refused(response, 429).await, 42901);
    }
    accepted(server.get("/v1/health")).await;
    assert_eq!(refused(server.get("/v1/health").send().await.unwrap(), 429).await, 42901, "of requests");
}
