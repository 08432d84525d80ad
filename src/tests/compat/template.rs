//! Any JSON by a template of one's own: what is stored, what is answered when a template makes nothing of a body, who manages
//! templates, and the page on which one writes them.

use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};

use super::form;
use crate::support::{Person, TestServer};

async fn publisher(server: &TestServer, name: &str) -> (String, String) {
    let body = json!({ "name": name, "channels": ["ops"] });
    let made = server.client.post(format!("{}/api/publishers", server.url)).json(&body).send().await.unwrap();
    let made: Value = made.json().await.unwrap();
    (made["id"].as_str().unwrap().to_owned(), made["token"].as_str().unwrap().to_owned())
}

/// The id and the path of a webhook of alice's new room.
async fn room_hook(alice: &Person) -> (String, String) {
    let made = alice.send(Method::POST, "/api/rooms", &json!({ "name": "deploys", "private": true })).await;
    assert_eq!(made.status(), 201);
    let made = alice.send(Method::POST, "/api/rooms/deploys/hooks", &json!({ "name": "Probe" })).await;
    let made: Value = made.json().await.unwrap();
    (made["id"].as_str().unwrap().to_owned(), made["path"].as_str().unwrap().to_owned())
}

fn template() -> Value {
    json!({
        "title": "{{ host }} is {{ state }}", "text": "{% for disk in disks %}{{ disk.name }}: {{ disk.used }} %\n{% endfor %}",
        "level": "{% if state == 'down' %}critical{% endif %}", "link": "https://probe.example/{{ host }}",
        "key": "probe/{{ host }}", "tags": "probe, {{ zone }}",
    })
}

fn body() -> Value {
    json!({ "host": "db1", "state": "down", "disks": [{ "name": "@alice", "used": 97 }], "zone": "eu" })
}

async fn sent(request: RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

fn taken() -> (u16, Value) {
    (200, json!({ "events": 1 }))
}

#[tokio::test]
async fn a_publishers_template_makes_an_event_of_any_json() {
    let server = TestServer::start().await;
    let (id, token) = publisher(&server, "Probe").await;
    let door = || server.client.post(format!("{}/hooks/{token}/template", server.url));
    let (status, problem) = sent(door().json(&body())).await;
    assert!(status == 422 && problem["detail"].as_str().unwrap().contains("no template yet"), "{problem}");
    assert_eq!((&problem["status"], &problem["code"]), (&json!(422), &json!("bad_request")));
    let url = format!("{}/api/publishers/{id}/template", server.url);
    assert_eq!(server.client.get(&url).send().await.unwrap().status(), 404);
    let mut stored = template();
    assert_eq!(sent(server.client.put(&url).json(&stored)).await, (200, stored.clone()));
    assert_eq!(sent(server.client.get(&url)).await, (200, stored.clone()));
    for _ in 0..2 {
        assert_eq!(sent(door().header("idempotency-key", "1").json(&body())).await, taken());
    }
    let payload = json!({ "host": "db2", "state": "up" }).to_string();
    assert_eq!(sent(form(door(), &[("payload", &payload)])).await, taken());
    let events = server.json("/api/events").await["events"].clone();
    assert_eq!(events.as_array().unwrap().len(), 2, "{events}");
    assert_eq!(
        ["title", "text", "level", "link", "key", "tags"].map(|name| events[0][name].clone()),
        [
            json!("db1 is down"),
            json!("@alice: 97 %"),
            json!("error"),
            json!("https://probe.example/db1"),
            json!("probe/db1"),
            json!(["probe", "eu"])
        ]
    );
    assert_eq!((&events[1]["title"], &events[1]["level"]), (&json!("db2 is up"), &json!("info")));
    stored["text"] = json!("a\n{% for x %}");
    let (status, problem) = sent(server.client.put(&url).json(&stored)).await;
    let detail = problem["detail"].as_str().unwrap();
    assert!(status == 400 && detail.contains("text, line 2"), "{detail}");
    let unknown = json!({ "title": "x", "colour": "y" });
    assert_eq!(sent(server.client.put(&url).json(&unknown)).await.0, 400);
    assert_eq!(server.client.delete(&url).send().await.unwrap().status(), 204);
    assert_eq!(server.client.delete(&url).send().await.unwrap().status(), 404);
    assert_eq!(sent(door().json(&body())).await.0, 422);
}

#[tokio::test]
async fn what_a_template_makes_nothing_of_is_answered_with_the_reason_and_not_published() {
    let server = TestServer::start().await;
    let (id, token) = publisher(&server, "Probe").await;
    let url = format!("{}/api/publishers/{id}/template", server.url);
    let door = || server.client.post(format!("{}/hooks/{token}/template", server.url));
    let large = json!({ "host": "x".repeat(10_000), "all": vec!["x"; 10_000] });
    for (title, words) in [
        (
            "{% for a in all %}{% for b in all %}{% for c in all %}{% endfor %}{% endfor %}{% endfor %}",
            "too many steps",
        ),
        ("{{ host|replace('', all|join) }}", "too many steps"),
        ("{{ nothing }}", "neither the title nor the text"),
        ("{{ host / 2 }}", "title, line 1"),
    ] {
        let set = server.client.put(&url).json(&json!({ "title": title })).send().await.unwrap();
        assert_eq!(set.status(), 200, "{title}");
        let (status, problem) = sent(door().json(&large)).await;
        assert!(status == 422 && problem["detail"].as_str().unwrap().contains(words), "{title} {problem}");
    }
    for title in ["{{ 'x' * 1000000000 }}", "{% set a = [host, host] %}", "{{ [host] * 90000 }}"] {
        let (status, problem) = sent(server.client.put(&url).json(&json!({ "title": title }))).await;
        assert!(
            status == 400 && problem["detail"].as_str().unwrap().contains("not known here"),
            "{title} {problem}"
        );
    }
    for (text, status) in [("no JSON", 400), ("", 400), (r#"{"host":"#, 400), (r#""text""#, 422), ("[]", 422)]
    {
        assert_eq!(
            sent(door().header("content-type", "application/json").body(text)).await.0,
            status,
            "{text}"
        );
    }
    let long = json!({ "host": "x".repeat(70_000) });
    assert_eq!(sent(door().json(&long)).await.0, 413);
    assert_eq!(server.json("/api/events").await["events"], json!([]));
}

#[tokio::test]
async fn in_a_room_it_mentions_nobody_and_the_template_goes_with_its_webhook() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    let (id, path) = room_hook(&alice).await;
    let url = format!("/api/rooms/deploys/hooks/{id}/template");
    assert_eq!(bob.send(Method::PUT, &url, &template()).await.status(), 404);
    assert_eq!(alice.send(Method::PUT, &url, &template()).await.status(), 200);
    let door = || server.client.post(format!("{}{path}/template", server.url)).json(&body());
    assert_eq!(sent(door()).await, taken());
    let said: Value = alice.get("/api/rooms/deploys/messages").send().await.unwrap().json().await.unwrap();
    let text = "🔴 **[db1 is down](https://probe.example/db1)**\n\n@\u{200a}alice: 97 %";
    assert_eq!(said["messages"][0]["text"], text);
    let actions: Value = alice.get("/api/rooms/deploys/actions").send().await.unwrap().json().await.unwrap();
    assert!(actions.to_string().contains("set-template"), "{actions}");
    let hook = format!("/api/rooms/deploys/hooks/{id}");
    assert_eq!(alice.send(Method::DELETE, &hook, &json!(null)).await.status(), 204);
    assert_eq!(sent(door()).await.0, 404);
    assert_eq!(alice.get(&url).send().await.unwrap().status(), 404);
    assert!(server.state.templates.read(&id).await.unwrap().is_none(), "its document is gone");
}

/// The answer to a person's browser.
async fn answered(person: &Person, request: RequestBuilder) -> Response {
    request.bearer_auth(&person.session.token).header("accept", "text/html").send().await.unwrap()
}

#[tokio::test]
async fn the_page_previews_what_came_last_and_loses_nothing_that_was_typed() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    let (id, path) = room_hook(&alice).await;
    let address = format!("/rooms/deploys/hooks/{id}/template");
    let open = async |person: &Person, path: &str| answered(person, server.get(path)).await;
    let send = async |person: &Person, fields: &[(&str, &str)]| {
        answered(person, form(server.post(&address), fields)).await
    };
    let list = open(&alice, "/rooms/deploys/hooks").await.text().await.unwrap();
    assert!(list.contains(&address), "{list}");
    let empty = open(&alice, &address).await.text().await.unwrap();
    assert!(empty.contains("Nothing has come to this address yet"), "{empty}");
    let secret = json!({ "host": "<b>db1</b>", "state": "seen-only-by-owners" });
    let door = || server.client.post(format!("{}{path}/template", server.url)).json(&secret);
    assert_eq!(sent(door()).await.0, 422);
    let shown = open(&alice, &address).await.text().await.unwrap();
    assert!(shown.contains("seen-only-by-owners") && shown.contains("There is no template yet"), "{shown}");
    assert!(!shown.contains("<b>db1</b>"), "it is escaped");
    let other = open(&bob, &address).await;
    assert_eq!(other.status(), 404);
    assert!(!other.text().await.unwrap().contains("seen-only-by-owners"));
    let typed = |action: &'static str, title: &'static str| {
        [("title", title), ("text", "first\r\n{{ state }}"), ("level", "warning"), ("action", action)]
    };
    let wrong = send(&alice, &typed("save", "{{ host")).await;
    assert_eq!(wrong.status(), 422);
    let wrong = wrong.text().await.unwrap();
    assert!(wrong.contains("Title, line 1:") && wrong.contains("{{ host</textarea>"), "{wrong}");
    assert!(wrong.contains("first\n{{ state }}</textarea>"), "nothing typed is lost: {wrong}");
    let preview = send(&alice, &typed("preview", "Host {{ host }}")).await;
    assert_eq!(preview.status(), 200);
    let preview = preview.text().await.unwrap();
    assert!(preview.contains("Host &lt;b&gt;db1&lt;/b&gt;</dd>"), "{preview}");
    assert!(server.state.templates.read(&id).await.unwrap().is_none(), "a preview sets nothing");
    let saved = send(&alice, &typed("save", "Host {{ host }}")).await.text().await.unwrap();
    assert!(saved.contains("Saved.") && saved.contains("Host {{ host }}</textarea>"), "{saved}");
    assert_eq!(sent(door()).await, taken());
    let removed = send(&alice, &typed("remove", "")).await.text().await.unwrap();
    assert!(removed.contains("Saved.") && !removed.contains("Remove the template"), "{removed}");
    assert!(server.state.templates.read(&id).await.unwrap().is_none());
    assert_eq!(send(&bob, &typed("save", "x")).await.status(), 404);
}
