//! Texts stored by an older version that an HTML page cannot contain: the rendered HTML and the embedded data must
//! agree, or hydration fails.

use serde_json::{Value, json};

use crate::support::{TestServer, new_id};

/// Characters that an HTML parser drops or changes, or that must not be displayed.
const BAD: &str = "\0\r\u{1}\u{b}\u{1f}\u{7f}\u{85}\u{9f}\u{fffe}\u{ffff}\u{fdd0}\u{202e}";

fn is_bad(c: char) -> bool {
    BAD.contains(c)
}

fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(members) => members.values().for_each(|member| texts(member, found)),
        _ => {}
    }
}

/// The data from which the browser hydrates.
fn data_of(html: &str) -> Value {
    let (_, rest) = html.split_once("id=\"start\"").expect("the data is there");
    let (_, rest) = rest.split_once('>').unwrap();
    serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap()
}

#[tokio::test]
async fn a_stored_text_that_a_page_cannot_hold_does_not_kill_it() {
    let server = TestServer::start().await;
    server.publish("ops", "to be replaced").await;
    server.person("alice").await.post("general", &new_id(), "to be replaced").await;
    let data = server.stop().await.unwrap();
    {
        let database = rusqlite::Connection::open(data.path().join("idobata.db")).unwrap();
        let text = format!("before{BAD}after");
        let event =
            json!({ "type": "notification", "text": text, "title": text, "tags": [text, "\0"], "key": text });
        let said = json!({ "user": text, "text": text });
        let set = "UPDATE entries SET body = ?1 WHERE topic = (SELECT id FROM topics WHERE name = ?2)";
        assert_eq!(database.execute(set, [event.to_string(), "feed".into()]).unwrap(), 1);
        assert_eq!(database.execute(set, [said.to_string(), "room:general".into()]).unwrap(), 1);
        let rename = "UPDATE rooms SET name = ?1 WHERE id = 'general'";
        assert_eq!(database.execute(rename, [format!("General{BAD}")]).unwrap(), 1);
    }
    let server = TestServer::start_on(data.path(), &[]).await;
    for path in ["/", "/rooms/general"] {
        let html = server.get(path).send().await.unwrap().text().await.unwrap();
        assert!(!html.contains(is_bad), "{path}: the document");
        let mut found = Vec::new();
        texts(&data_of(&html), &mut found);
        assert!(found.iter().all(|text| !text.contains(is_bad)), "{path}: {found:?}");
        assert!(found.iter().any(|text| text == "before\nafter"), "{path}: {found:?}");
        assert!(
            html.contains("before\nafter") || html.contains("before after"),
            "{path}: what is drawn is the same"
        );
    }
}

#[tokio::test]
async fn no_door_stores_a_text_that_a_page_cannot_hold() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    let mut socket = alice.socket().await;
    socket.join("general", json!({})).await;
    let text = format!("before{BAD}after");
    let form = "application/x-www-form-urlencoded";
    let entry = json!({ "text": text, "title": text, "tags": [text], "key": text });
    for request in [
        server.post("/api/events/ops").body(text.clone()),
        server.post("/api/events/ops").json(&entry),
        server
            .post("/api/events/ops")
            .json(&json!({ "type": "progress", "key": text, "done": 1, "total": 2, "text": text })),
        server
            .post("/api/events/ops")
            .json(&json!({ "type": "update", "value": 1, "unit": text, "key": text })),
        server.post("/api/events/ops").header("content-type", form).body("text=before%00%0D%1Fafter"),
        server
            .post("/api/rooms/general/messages")
            .bearer_auth(&alice.session.token)
            .json(&json!({ "id": new_id(), "text": text })),
    ] {
        assert_eq!(request.send().await.unwrap().status(), 201);
    }
    let posted = server.post("/rooms/general").bearer_auth(&alice.session.token).header("content-type", form);
    assert!(posted.body("text=before%00after").send().await.unwrap().status().is_success());
    socket.post("general", &text).await;
    assert_eq!(socket.texts(3).await.len(), 3);
    let mut found = Vec::new();
    texts(&server.json("/api/events").await, &mut found);
    texts(&server.json("/api/rooms/general/messages").await, &mut found);
    assert!(found.iter().all(|text| !text.contains(is_bad)), "{found:?}");
    for (path, body) in [
        ("/api/session", json!({ "name": "a\0b" })),
        ("/api/rooms", json!({ "name": "a\u{7f}b" })),
        ("/api/publishers", json!({ "name": "a\u{ffff}b", "channels": ["ops"] })),
    ] {
        let request = server.post(path).json(&body);
        let request = if path == "/api/rooms" { request.bearer_auth(&alice.session.token) } else { request };
        assert_eq!(request.send().await.unwrap().status(), 400, "{path}");
    }
}
