//! Talk about events: a message that quotes one, a thread in each room, and nothing of a room for those who may not enter it.

use futures_util::future::join_all;
use reqwest::{Client, Method, Response, redirect::Policy};
use serde_json::{Value, json};

use crate::support::{Person, TestServer};

/// Sends the form of an event's page; returns the answer, not followed.
async fn discuss(server: &TestServer, person: &Person, event: &str, room: &str) -> Response {
    let client = Client::builder().redirect(Policy::none()).build().unwrap();
    let form = client.post(format!("{}{event}", server.url)).bearer_auth(&person.session.token);
    let form = form.header("content-type", "application/x-www-form-urlencoded");
    form.body(format!("room={room}")).send().await.unwrap()
}

fn location(response: &Response) -> String {
    response.headers()["location"].to_str().unwrap().to_owned()
}

async fn publish(server: &TestServer, channel: &str, event: Value) -> u64 {
    let answer = server.post(&format!("/api/events/{channel}")).json(&event).send().await.unwrap();
    assert_eq!(answer.status(), 201);
    answer.json::<Value>().await.unwrap()["offset"].as_u64().unwrap()
}

async fn messages(person: &Person, room: &str) -> Vec<Value> {
    let page = person.get(&format!("/api/rooms/{room}/messages")).send().await.unwrap();
    page.json::<Value>().await.unwrap()["messages"].as_array().unwrap().clone()
}

/// The parts of pages, for notifications and for links.
async fn parts(person: &Person, rows: u64, links: &str) -> (String, String) {
    let answer = person.get(&format!("/fn/events?rows={rows}&links={links}")).send().await.unwrap();
    let parts: Value = answer.json().await.unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (text(&parts["rows"][rows.to_string()]), text(&parts["links"][links]))
}

async fn page(person: &Person, path: &str) -> String {
    person.get(path).header("accept", "text/html").send().await.unwrap().text().await.unwrap()
}

#[tokio::test]
async fn two_people_who_discuss_an_event_at_once_begin_one_thread_in_a_room() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    let event = json!({ "title": "Disk full", "text": "@room look", "level": "error", "key": "disk" });
    let first = publish(&server, "ops", event).await;
    let path = format!("/feed/ops/{first}");
    let people = [&alice, &bob, &alice, &bob];
    let answers = join_all(people.map(|person| discuss(&server, person, &path, "general"))).await;
    let threads: Vec<_> = answers.iter().map(location).collect();
    assert!(threads.iter().all(|thread| *thread == "/rooms/general/thread/1"), "{threads:?}");
    let posted = messages(&alice, "general").await;
    assert_eq!(posted.len(), 1, "{posted:#?}");
    let html = posted[0]["html"].as_str().unwrap();
    assert!(html.contains("Disk full") && html.contains(&format!("{}{path}", server.url)), "{html}");
    assert!(posted[0]["groups"].is_null(), "the event's text mentions nobody");
    // A newer state of the same thing has the same talk, and another room its own.
    let second = publish(&server, "ops", json!({ "text": "worse", "level": "error", "key": "disk" })).await;
    let again = discuss(&server, &bob, &format!("/feed/ops/{second}"), "general").await;
    assert_eq!(location(&again), "/rooms/general/thread/1");
    assert_eq!(location(&discuss(&server, &bob, &path, "tech").await), "/rooms/tech/thread/1");
    assert_eq!(messages(&alice, "general").await.len(), 1);
}

#[tokio::test]
async fn an_event_shows_where_it_is_discussed_and_how_much_and_the_message_its_newest_state() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    let firing = json!({ "title": "Disk full", "text": "92 %", "level": "error", "key": "disk" });
    let first = publish(&server, "ops", firing).await;
    let link = format!("ops/{first}");
    discuss(&server, &alice, &format!("/feed/{link}"), "general").await;
    let answer = json!({ "id": crate::support::new_id(), "text": "on it", "thread": 1 });
    assert_eq!(bob.post_body("general", &answer).await.status(), 201);
    let (row, state) = parts(&bob, first, &link).await;
    assert!(row.contains(r#"href="/rooms/general/thread/1""#) && row.contains("1 answer"), "{row}");
    assert!(state.contains(r#"data-level="error""#), "{state}");
    let feed = page(&bob, "/").await;
    assert!(feed.contains(&row), "the same stands in the document: {feed}");
    let solved = json!({ "title": "Disk fine", "text": "", "level": "success", "key": "disk" });
    let second = publish(&server, "ops", solved).await;
    let (row, state) = parts(&bob, second, &link).await;
    assert!(row.contains("1 answer"), "{row}");
    assert!(state.contains(r#"data-level="success""#) && state.contains("Disk fine"), "{state}");
    let room = page(&bob, "/rooms/general").await;
    assert!(room.contains(&state), "{room}");
    let event = page(&bob, &format!("/feed/{link}")).await;
    assert!(
        event.contains("Disk full") && event.contains("Disk fine") && event.contains("1 answer"),
        "{event}"
    );
    assert_eq!(bob.get(&format!("/feed/db/{first}")).send().await.unwrap().status(), 404);
    assert_eq!(bob.get("/feed/ops/999").send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn whoever_may_not_enter_the_room_or_read_the_channel_sees_nothing_of_it() {
    let server = TestServer::start_with(&["--auth", "accounts"]).await;
    let admin = server.account("admin").await;
    let (alice, bob) = (server.account("alice").await, server.account("bob").await);
    let room = json!({ "name": "Vault", "private": true });
    assert_eq!(alice.send(Method::POST, "/api/rooms", &room).await.status(), 201);
    let readers = json!({ "names": ["alice"] });
    assert_eq!(admin.send(Method::PUT, "/api/channels/pay/readers", &readers).await.status(), 200);
    let publish = async |channel: &str, event: Value| {
        let body = serde_json::from_value(event).unwrap();
        let body = idobata::protocol::publication::Publication::new(body).unwrap();
        server.state.feed.publish(channel, "test", vec![body], None).await.unwrap().0[0].offset
    };
    let firing = json!({ "type": "notification", "text": "payday", "level": "error", "key": "pay" });
    let (open, limited) = (publish("ops", firing.clone()).await, publish("pay", firing).await);
    // A room that only alice may enter, about an event that everybody may read.
    let begun = discuss(&server, &alice, &format!("/feed/ops/{open}"), "vault").await;
    assert_eq!(location(&begun), "/rooms/vault/thread/1");
    let (own, other) = (parts(&alice, open, "").await.0, parts(&bob, open, "").await.0);
    assert!(own.contains("Vault") && other.contains("Discuss") && !other.contains("Vault"), "{own} {other}");
    for path in ["/".to_owned(), format!("/feed/ops/{open}")] {
        let page = page(&bob, &path).await;
        assert!(!page.contains("Vault") && !page.contains("vault"), "{path}: {page}");
    }
    let refused = discuss(&server, &bob, &format!("/feed/ops/{open}"), "vault").await;
    assert!(location(&refused).contains("problem=unknown_room"), "{}", location(&refused));
    // Nobody writes in an archived room, not by an event either.
    let archived = json!({ "archived": true });
    assert_eq!(alice.send(Method::PATCH, "/api/rooms/vault", &archived).await.status(), 200);
    let refused = discuss(&server, &alice, &format!("/feed/pay/{limited}"), "vault").await;
    assert!(location(&refused).contains("problem=room_archived"), "{}", location(&refused));
    // An event that only alice may read, in a room that everybody may enter: the others see what was quoted.
    discuss(&server, &alice, &format!("/feed/pay/{limited}"), "general").await;
    let link = format!("pay/{limited}");
    assert!(parts(&alice, limited, &link).await.1.contains("Error"));
    assert_eq!(parts(&bob, limited, &link).await, (String::new(), String::new()));
    assert_eq!(bob.get(&format!("/feed/{link}")).send().await.unwrap().status(), 404);
    assert_eq!(discuss(&server, &bob, &format!("/feed/{link}"), "general").await.status(), 404);
    let room = page(&bob, "/rooms/general").await;
    assert!(room.contains("payday") && !room.contains("event-state"), "{room}");
}

#[tokio::test]
async fn a_talk_whose_first_message_was_deleted_begins_anew() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    let event = format!("/feed/ops/{}", publish(&server, "ops", json!({ "text": "hm" })).await);
    assert_eq!(location(&discuss(&server, &alice, &event, "general").await), "/rooms/general/thread/1");
    let delete = json!({ "id": crate::support::new_id(), "kind": "delete" });
    let deleted = alice.send(Method::POST, "/api/rooms/general/messages/1/changes", &delete).await;
    assert_eq!(deleted.status(), 201);
    assert!(!page(&alice, "/").await.contains("/thread/1"));
    assert_eq!(location(&discuss(&server, &alice, &event, "general").await), "/rooms/general/thread/3");
}
