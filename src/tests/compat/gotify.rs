//! Sending as to Gotify, over sockets: where the token stands, what is stored, and Gotify's answers and errors.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::form;
use crate::support::TestServer;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

async fn publisher(server: &TestServer, body: Value) -> String {
    let made = server.client.post(format!("{}/api/publishers", server.url)).json(&body).send().await.unwrap();
    made.json::<Value>().await.unwrap()["token"].as_str().expect("its token").to_owned()
}

fn message(server: &TestServer, query: &str) -> RequestBuilder {
    server.client.post(format!("{}/message{query}", server.url))
}

async fn sent(request: RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/json");
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn assert_refused(request: RequestBuilder, status: u16, said: &str) {
    let (found, error) = sent(request).await;
    assert_eq!((found, &error["errorCode"]), (status, &json!(status)), "{error}");
    assert!(
        error["error"].is_string() && error["errorDescription"].as_str().unwrap().contains(said),
        "{error}"
    );
}

#[tokio::test]
async fn a_message_is_an_event_of_the_publishers_channel_wherever_the_token_stands() {
    let server = TestServer::start().await;
    let token = publisher(&server, json!({ "name": "Backup", "channels": ["ops"] })).await;
    let extras = json!({ "client::display": { "contentType": "text/markdown" },
        "client::notification": { "click": { "url": "https://a.example/" } } });
    let body = json!({ "title": "Done", "message": "*all*", "priority": 8, "extras": extras });
    let (status, answer) = sent(message(&server, "").header("X-Gotify-Key", &token).json(&body)).await;
    let events = server.json("/api/events").await["events"].clone();
    assert_eq!(status, 200, "{answer}");
    let date = answer["date"].as_str().unwrap();
    assert!(date.len() >= 20 && date.ends_with('Z'), "{date}");
    assert_eq!(
        answer,
        json!({ "id": 1, "appid": answer["appid"], "message": "*all*", "title": "Done", "priority": 8,
            "date": date, "extras": extras })
    );
    assert_eq!(
        ["title", "text", "level", "priority", "link", "markdown", "channel"]
            .map(|name| events[0][name].clone()),
        [
            json!("Done"),
            json!("*all*"),
            json!("warning"),
            json!(4),
            json!("https://a.example/"),
            json!(true),
            json!("ops")
        ]
    );
    let parts = "--b\r\nContent-Disposition: form-data; name=\"message\"\r\n\r\nhi\r\n--b--\r\n";
    let query = format!("?token={token}");
    for (request, text) in [
        (message(&server, "").bearer_auth(&token).json(&json!({ "message": "by a bearer" })), "by a bearer"),
        (form(message(&server, &query), &[("message", "by a form"), ("priority", "")]), "by a form"),
        (message(&server, &format!("{query}&message=by+the+query")), "by the query"),
        (
            message(&server, &query).header("content-type", "multipart/form-data; boundary=b").body(parts),
            "hi",
        ),
    ] {
        let (status, again) = sent(request).await;
        assert_eq!(
            (status, &again["message"], &again["appid"]),
            (200, &json!(text), &answer["appid"]),
            "{again}"
        );
        assert_eq!(
            (&again["title"], &again["priority"], again.get("extras")),
            (&json!("Backup"), &json!(0), None)
        );
    }
    assert_eq!(server.json("/api/events").await["events"][1]["title"], "Backup", "its name is the title");
    let once = || message(&server, &query).header("idempotency-key", "1").json(&json!({ "message": "once" }));
    assert_eq!(sent(once()).await.1, sent(once()).await.1);
    assert_eq!(server.json("/api/events").await["events"].as_array().unwrap().len(), 6);
}

#[tokio::test]
async fn a_webhook_of_a_room_takes_messages_and_mentions_nobody() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    let made = alice.send(Method::POST, "/api/rooms", &json!({ "name": "nas", "private": true })).await;
    assert_eq!(made.status(), 201);
    let hook = json!({ "name": "NAS", "secret": SECRET });
    let made: Value = alice.send(Method::POST, "/api/rooms/nas/hooks", &hook).await.json().await.unwrap();
    let token = made["token"].as_str().expect("its token");
    let body = json!({ "message": "@alice *x*", "priority": 10 });
    let request = || message(&server, "").header("x-gotify-key", token).json(&body);
    assert_refused(request(), 403, "has a secret").await;
    let (status, answer) = sent(request().bearer_auth(SECRET)).await;
    assert_eq!((status, &answer["title"]), (200, &json!("NAS")), "{answer}");
    let said: Value = alice.get("/api/rooms/nas/messages").send().await.unwrap().json().await.unwrap();
    let text = "🔴 **NAS**\n\n@\u{200a}alice \\*x\\*";
    assert_eq!((&said["messages"][0]["text"], &said["messages"][0]["offset"]), (&json!(text), &answer["id"]));
}

#[tokio::test]
async fn errors_are_gotifys_and_say_what_to_do() {
    let server = TestServer::start_limited(&["--limit-publishes=1/1h"]).await;
    let token = publisher(&server, json!({ "name": "x", "channels": ["ops"] })).await;
    let many = publisher(&server, json!({ "name": "y", "channels": ["a", "b"] })).await;
    let body = json!({ "message": "x" });
    assert_refused(message(&server, "").json(&body), 401, "X-Gotify-Key").await;
    assert_refused(message(&server, "?token=AbCdEf").json(&body), 401, "no webhook").await;
    assert_refused(message(&server, "?token=idp_1_2").json(&body), 401, "not valid").await;
    assert_refused(message(&server, &format!("?token={many}")).json(&body), 400, "several channels").await;
    let elsewhere = message(&server, &format!("?token={many}&channel=ops"));
    assert_refused(elsewhere.json(&body), 403, "does not cover").await;
    assert_eq!(sent(message(&server, &format!("?token={many}&channel=b")).json(&body)).await.0, 200);
    assert_eq!(sent(message(&server, &format!("?token={token}")).json(&body)).await.0, 200);
    let over = message(&server, &format!("?token={token}")).json(&body).send().await.unwrap();
    assert!(over.status() == 429 && over.headers().contains_key("retry-after"));
    assert_refused(server.client.get(format!("{}/message", server.url)), 405, "method").await;
    let (status, version) = sent(server.client.get(format!("{}/version", server.url))).await;
    assert_eq!((status, &version["version"]), (200, &json!(env!("CARGO_PKG_VERSION"))));
    let health = sent(server.client.get(format!("{}/health", server.url))).await;
    assert_eq!(health, (200, json!({ "health": "green", "database": "green" })));
}
