//! The people of a room: who is found by how their name begins, whether they are there now or were before, and by whom.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Nodes, Person, TestServer, in_time, new_id, problem};

impl Person {
    /// The names of the people of a room, as this person finds them.
    async fn finds(&self, room: &str, query: &[(&str, &str)]) -> Vec<String> {
        let query = serde_urlencoded::to_string(query).unwrap();
        let path = format!("/api/rooms/{room}/people?{query}");
        let people: Value = self.get(&path).send().await.unwrap().json().await.unwrap();
        people.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
    }

    /// Reads a room from afar: without being there.
    async fn has_read(&self, room: &str) {
        let mark = json!({ "id": new_id(), "room": room, "kind": "read", "offset": 0 });
        assert_eq!(self.send(Method::POST, "/api/user/marks", &mark).await.status(), 201);
    }
}

#[tokio::test]
async fn people_of_a_room_are_found_by_how_their_name_begins_those_who_are_there_first() {
    let server = TestServer::start().await;
    let names = ["Alice", "alba", "Zoe", "花子", "花", "ガラス"];
    let mut people = Vec::new();
    for name in names {
        let person = server.person(name).await;
        person.has_read("general").await;
        people.push(person);
    }
    let stranger = server.person("Alan").await;
    stranger.has_read("tech").await;
    let alice = &people[0];
    assert_eq!(alice.finds("general", &[]).await, ["alba", "Alice", "Zoe", "ガラス", "花", "花子"]);
    let mut socket = people[2].socket().await;
    socket.send(json!({ "type": "join", "room": "general" })).await;
    socket.expect("joined").await;
    assert_eq!(alice.finds("general", &[("limit", "2")]).await, ["Zoe", "alba"]);
    for (prefix, expected) in [
        ("AL", vec!["alba", "Alice"]),
        ("ａｌｉ", vec!["Alice"]),
        ("花", vec!["花", "花子"]),
        ("花子", vec!["花子"]),
        ("ｶﾞ", vec!["ガラス"]),
        ("lice", vec![]),
        ("%", vec![]),
    ] {
        assert_eq!(alice.finds("general", &[("prefix", prefix)]).await, expected, "{prefix}");
    }
    assert_eq!(alice.finds("tech", &[]).await, ["Alan"]);
    // Whoever has another name is found by it, on any device.
    let renamed = alice.send(Method::POST, "/api/session", &json!({ "name": "Mallory" })).await;
    assert_eq!(renamed.status(), 201);
    assert_eq!(alice.finds("general", &[("prefix", "ali")]).await, [] as [&str; 0]);
    assert_eq!(alice.finds("general", &[("prefix", "mal")]).await, ["Mallory"]);
}

#[tokio::test]
async fn of_a_private_room_only_members_are_named_and_only_to_members() {
    let server = TestServer::start_with(&["--auth", "accounts"]).await;
    let (owner, member, other) =
        (server.account("owner").await, server.account("member").await, server.account("other").await);
    let made = owner.send(Method::POST, "/api/rooms", &json!({ "name": "Secret", "private": true })).await;
    assert_eq!(made.status(), 201);
    let add = json!({ "name": "member" });
    assert_eq!(owner.send(Method::POST, "/api/rooms/secret/members", &add).await.status(), 201);
    for person in [&owner, &member] {
        person.has_read("secret").await;
    }
    assert_eq!(owner.finds("secret", &[]).await, ["member", "owner"]);
    let path = format!("/api/rooms/secret/members/{}", member.session.user.id);
    assert_eq!(owner.send(Method::DELETE, &path, &json!({})).await.status(), 204);
    assert_eq!(owner.finds("secret", &[]).await, ["owner"], "their marks are still there");
    for stranger in [&member, &other] {
        let answer = stranger.get("/api/rooms/secret/people").send().await.unwrap();
        assert_eq!(problem(answer, 404).await, "unknown_room");
    }
}

#[tokio::test]
async fn people_are_the_same_at_every_node_and_after_a_restart() {
    let nodes = Nodes::start(3).await;
    let (alice, bob) = (nodes.person("alice").await, nodes.person("bob").await);
    alice.has_read("general").await;
    let mut socket = bob.at(nodes.node(1)).socket().await;
    socket.send(json!({ "type": "join", "room": "general" })).await;
    socket.expect("joined").await;
    for node in &nodes.servers {
        in_time(async { while alice.at(node).finds("general", &[]).await != ["bob", "alice"] {} }).await;
    }
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    alice.has_read("general").await;
    let data = server.stop().await.unwrap();
    let server = TestServer::start_on(data.path(), &[]).await;
    assert_eq!(alice.at(&server).finds("general", &[("prefix", "a")]).await, ["alice"]);
}
