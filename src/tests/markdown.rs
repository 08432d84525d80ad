//! Markdown: the HTML of a message is with it on every transport and on the pages, a text without markup has none, and a
//! preview obeys the rules of a post.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{SocketIo, TestServer, new_id, problem};

const TEXT: &str = "**bold** <b>";
const HTML: &str = "<p dir=\"auto\"><strong>bold</strong> &lt;b&gt;</p>";

/// Checks the HTML of a message with markup and that of the plain one after it.
fn check(formatted: &Value, plain: &Value, transport: &str) {
    assert_eq!((&formatted["text"], &formatted["html"]), (&json!(TEXT), &json!(HTML)), "{transport}");
    assert_eq!(plain["text"], "2 * 3", "{transport}");
    assert!(plain.get("html").is_none(), "{transport}: {plain}");
}

#[tokio::test]
async fn a_message_has_its_html_on_every_transport_and_a_plain_one_has_none() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    let mut socket = bob.socket().await;
    socket.join("general", json!({})).await;
    let mut stream = bob.room_stream("general", "?last=0").await;
    let mut client = SocketIo::open(&server.url, Some(&bob.session.token)).await.unwrap();
    client.join("general", json!({})).await;

    let posted: Value = alice.post("general", &new_id(), TEXT).await.json().await.unwrap();
    let plain: Value = alice.post("general", &new_id(), "2 * 3").await.json().await.unwrap();
    check(&posted, &plain, "the answer");
    check(&socket.expect("message").await, &socket.expect("message").await, "WebSocket");
    let mut events = Vec::new();
    while events.len() < 2 {
        let (_, event) = stream.event().await;
        events.extend((event["type"] == "message").then_some(event));
    }
    check(&events[0], &events[1], "server-sent events");
    check(&client.expect("message").await[0], &client.expect("message").await[0], "Socket.IO");
    let page = server.json("/api/rooms/general/messages").await;
    check(&page["messages"][0], &page["messages"][1], "a page");
    let (epoch, _) = page["cursor"].as_str().unwrap().split_once(':').unwrap();
    let poll = bob.get(&format!("/api/rooms/general/messages?after={epoch}:0&seen=&wait=20"));
    let poll: Value = poll.send().await.unwrap().json().await.unwrap();
    check(&poll["messages"][0], &poll["messages"][1], "a long poll");
    let start = server.json("/fn/start?room=general").await;
    let messages = &start["page"]["room"]["room"]["page"]["messages"];
    check(&messages[0], &messages[1], "the data of a page");
    let page = server.get("/rooms/general").send().await.unwrap().text().await.unwrap();
    assert!(page.contains(HTML), "{page}");

    // A reader that comes later reads the same.
    let mut late = bob.socket().await;
    late.join("general", json!({ "last": 2 })).await;
    check(&late.expect("message").await, &late.expect("message").await, "a replay");
}

#[tokio::test]
async fn a_preview_is_what_the_message_will_be_and_is_rejected_as_the_message_would_be() {
    let server = TestServer::start_limited(&["--limit-messages=4/1h"]).await;
    let alice = server.person("alice").await;
    let preview =
        async |text: &str| alice.send(Method::POST, "/api/markdown", &json!({ "text": text })).await;
    let shown: Value = preview(TEXT).await.json().await.unwrap();
    assert_eq!(shown, json!({ "html": HTML }));
    let shown: Value = preview("plain\n<b>").await.json().await.unwrap();
    assert_eq!(shown, json!({ "html": "<p dir=\"auto\">plain<br>&lt;b&gt;</p>" }));
    assert_eq!(problem(preview(" ").await, 400).await, "text_empty");
    assert_eq!(problem(preview(&"a".repeat(4_001)).await, 400).await, "text_too_long");
    for _ in 0..2 {
        assert_eq!(preview(TEXT).await.status(), 200, "what was rejected took nothing of the allowance");
    }
    assert_eq!(problem(preview(TEXT).await, 429).await, "too_many_requests");
    assert_eq!(
        alice.post("general", &new_id(), TEXT).await.status(),
        201,
        "posts have an allowance of their own"
    );
    let page = server.json("/api/rooms/general/messages").await;
    assert_eq!(page["messages"].as_array().unwrap().len(), 1, "a preview is not posted");
    let anonymous = server.post("/api/markdown").json(&json!({ "text": TEXT })).send().await.unwrap();
    assert_eq!(problem(anonymous, 401).await, "no_session");
}

#[tokio::test]
async fn emoji_are_found_by_their_names() {
    let server = TestServer::start().await;
    let found = server.json("/api/emoji?q=ta").await;
    let tada = json!({ "emoji": "🎉", "shortcode": "tada", "name": "party popper", "name_ja": "クラッカー" });
    assert_eq!(found["emoji"][0], tada);
    assert_eq!(found["emoji"].as_array().unwrap().len(), 8);
    assert_eq!(
        server.json("/api/emoji?q=%E3%82%AF%E3%83%A9%E3%83%83%E3%82%AB%E3%83%BC&limit=1").await["emoji"],
        json!([tada])
    );
    assert_eq!(server.json("/api/emoji?limit=1000").await["emoji"].as_array().unwrap().len(), 100);
    assert_eq!(server.json("/api/emoji?q=nothing-of-the-kind").await["emoji"], json!([]));
}
