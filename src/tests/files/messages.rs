//! Files that messages name.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use serde_json::{Value, json};

use super::{contents, expect_contents, upload};
use crate::support::{Person, TestServer, new_id, problem};

async fn post(who: &Person, room: &str, text: &str, files: &[&Value]) -> reqwest::Response {
    let files: Vec<_> = files.iter().map(|file| file["id"].clone()).collect();
    who.post_body(room, &json!({ "id": new_id(), "text": text, "files": files })).await
}

/// The newest message of a room.
async fn newest(server: &TestServer, room: &str) -> Value {
    let page = server.json(&format!("/api/rooms/{room}/messages?limit=1")).await;
    page["messages"][0].clone()
}

#[tokio::test]
async fn a_message_shows_its_files_to_everybody_in_the_room() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    let mut socket = bob.socket().await;
    socket.join("general", json!({})).await;
    let one = upload(&server, &alice, "general", "a 1.txt", b"one").await;
    let two = upload(&server, &alice, "general", "b.txt", b"two").await;
    assert_eq!(post(&alice, "general", "Look", &[&two, &one]).await.status(), 201);
    let expected = json!([
        { "id": two["id"], "name": "b.txt", "type": "text/plain", "size": 3, "url": two["url"] },
        { "id": one["id"], "name": "a 1.txt", "type": "text/plain", "size": 3, "url": one["url"] },
    ]);
    let frame = socket.expect("message").await;
    assert!(frame["html"].as_str().unwrap().contains(one["url"].as_str().unwrap()), "{frame}");
    assert_eq!((&frame["files"], frame["text"].as_str()), (&expected, Some("Look")));
    assert_eq!(newest(&server, "general").await["files"], expected);
    let read = bob.get(one["url"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(read.text().await.unwrap(), "one");
}

#[tokio::test]
async fn a_message_without_a_text_has_the_names_of_its_files() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    let one = upload(&server, &alice, "general", "a.txt", b"one").await;
    let two = upload(&server, &alice, "general", "b.txt", b"two").await;
    let body = json!({ "id": new_id(), "files": [one["id"], two["id"]] });
    assert_eq!(alice.post_body("general", &body).await.status(), 201);
    assert_eq!(newest(&server, "general").await["text"], "a.txt, b.txt");
    // A repeat is the same message, and takes nothing.
    assert_eq!(alice.post_body("general", &body).await.status(), 200);
    assert_eq!(problem(post(&alice, "general", "", &[]).await, 400).await, "text_empty");
}

#[tokio::test]
async fn nobody_posts_a_file_that_is_not_theirs_to_post() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    let file = upload(&server, &alice, "general", "a.txt", b"one").await;
    let nothing = json!({ "id": "nothing" });
    assert_eq!(problem(post(&bob, "general", "x", &[&file]).await, 404).await, "not_found");
    assert_eq!(problem(post(&alice, "tech", "x", &[&file]).await, 404).await, "not_found");
    assert_eq!(problem(post(&alice, "general", "x", &[&nothing]).await, 404).await, "not_found");
    assert_eq!(problem(post(&alice, "general", "x", &[&file, &file]).await, 404).await, "not_found");
    let many = vec![&file; 11];
    assert_eq!(problem(post(&alice, "general", "x", &many).await, 400).await, "bad_request");
    assert_eq!(newest(&server, "general").await, Value::Null, "nothing was posted");
    assert_eq!(post(&alice, "general", "x", &[&file]).await.status(), 201);
    assert_eq!(problem(post(&alice, "general", "again", &[&file]).await, 404).await, "not_found");
}

#[tokio::test]
async fn a_deleted_message_takes_its_files_with_it() {
    let server = TestServer::start().await;
    let (alice, folder) = (server.person("alice").await, server.folder().join("files"));
    let shared = upload(&server, &alice, "general", "a.txt", b"the same").await;
    let own = upload(&server, &alice, "general", "b.txt", b"its own").await;
    let other = upload(&server, &alice, "general", "c.txt", b"the same").await;
    assert_eq!(post(&alice, "general", "one", &[&shared, &own]).await.status(), 201);
    assert_eq!(post(&alice, "general", "two", &[&other]).await.status(), 201);
    assert_eq!(contents(&folder).len(), 2);
    let deletion = json!({ "id": new_id(), "kind": "delete" });
    let path = "/api/rooms/general/messages/1/changes";
    assert_eq!(alice.send(Method::POST, path, &deletion).await.status(), 201);
    for file in [&shared, &own] {
        let read = alice.get(file["url"].as_str().unwrap()).send().await.unwrap();
        assert_eq!(problem(read, 404).await, "not_found");
    }
    let page = server.json("/api/rooms/general/messages").await;
    assert_eq!(page["messages"][0]["files"], Value::Null);
    expect_contents(&folder, 1).await;
    let read = alice.get(other["url"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(read.text().await.unwrap(), "the same", "another message still has it");
}

#[tokio::test]
async fn an_edited_message_keeps_its_files() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    let file = upload(&server, &alice, "general", "a.txt", b"one").await;
    assert_eq!(post(&alice, "general", "one", &[&file]).await.status(), 201);
    let edit = json!({ "id": new_id(), "kind": "edit", "text": "two" });
    let path = "/api/rooms/general/messages/1/changes";
    let edited: Value = alice.send(Method::POST, path, &edit).await.json().await.unwrap();
    assert!(edited["html"].as_str().unwrap().contains(file["url"].as_str().unwrap()), "{edited}");
    let message = newest(&server, "general").await;
    assert_eq!((message["text"].as_str(), &message["files"][0]["id"]), (Some("two"), &file["id"]));
}

#[tokio::test]
async fn the_files_of_a_private_room_are_its_members() {
    let server = TestServer::start().await;
    let (alice, eve) = (server.person("alice").await, server.person("eve").await);
    let room = json!({ "name": "Secret", "private": true });
    assert_eq!(alice.send(Method::POST, "/api/rooms", &room).await.status(), 201);
    let file = upload(&server, &alice, "secret", "a.txt", b"one").await;
    assert_eq!(post(&alice, "secret", "x", &[&file]).await.status(), 201);
    let url = file["url"].as_str().unwrap();
    assert_eq!(alice.get(url).send().await.unwrap().status(), 200);
    assert_eq!(problem(eve.get(url).send().await.unwrap(), 404).await, "not_found");
    // With the room all of its files go.
    let folder = server.folder().join("files");
    upload(&server, &alice, "secret", "b.txt", b"two").await;
    assert_eq!(alice.send(Method::DELETE, "/api/rooms/secret", &json!({})).await.status(), 204);
    assert_ne!(alice.get(url).send().await.unwrap().status(), 200);
    expect_contents(&folder, 0).await;
}

#[tokio::test]
async fn a_message_is_found_by_its_files_and_by_their_names() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    let file = upload(&server, &alice, "general", "budget 2026.ods", b"one").await;
    assert_eq!(post(&alice, "general", "Please read", &[&file]).await.status(), 201);
    assert_eq!(alice.post("general", &new_id(), "The budget of another year").await.status(), 201);
    let found = async |query: &str| {
        let path = format!("/api/search?q={}", utf8_percent_encode(query, NON_ALPHANUMERIC));
        let page: Value = alice.get(&path).send().await.unwrap().json().await.unwrap();
        page["hits"].as_array().map_or(usize::MAX, Vec::len)
    };
    for (query, hits) in [("has:file", 1), ("budget", 2), ("budget has:file", 1), ("budget -has:file", 1)] {
        assert_eq!(found(query).await, hits, "{query}");
    }
    let deletion = json!({ "id": new_id(), "kind": "delete" });
    let path = "/api/rooms/general/messages/1/changes";
    assert_eq!(alice.send(Method::POST, path, &deletion).await.status(), 201);
    assert_eq!(found("has:file").await, 0);
}

#[tokio::test]
async fn a_picture_has_the_words_that_its_author_gave() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    let one = upload(&server, &alice, "general", "a.png", super::PNG).await;
    let two = upload(&server, &alice, "general", "b.png", super::PNG).await;
    let files = json!([{ "id": one["id"], "alt": "a \"cat\"" }, { "id": two["id"], "alt": "" }]);
    let body = json!({ "id": new_id(), "text": "Look", "files": files });
    assert_eq!(alice.post_body("general", &body).await.status(), 201);
    let message = newest(&server, "general").await;
    assert_eq!((&message["files"][0]["alt"], &message["files"][1]["alt"]), (&json!("a \"cat\""), &json!("")));
    let html = message["html"].as_str().unwrap();
    assert!(html.contains("alt=\"a &quot;cat&quot;\"") && html.contains("alt=\"\""), "{html}");
    assert!(html.contains("width=\"1\" height=\"1\""), "{html}");
}
