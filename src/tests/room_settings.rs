//! The life of a room: renamed, described, archived, taken back and removed, on every transport and every node.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Nodes, Person, SocketIo, TestServer, new_id, problem};

/// Makes a room; its maker owns it.
async fn make(owner: &Person, name: &str) {
    assert_eq!(owner.send(Method::POST, "/api/rooms", &json!({ "name": name })).await.status(), 201);
}

async fn change(person: &Person, room: &str, body: Value) -> reqwest::Response {
    person.send(Method::PATCH, &format!("/api/rooms/{room}"), &body).await
}

/// The room in the list of this person.
async fn listed(person: &Person, room: &str) -> Option<Value> {
    let rooms: Vec<Value> = person.get("/api/rooms").send().await.unwrap().json().await.unwrap();
    rooms.into_iter().find(|known| known["id"] == room)
}

/// Every way to write in `team`, in which there is a message 1, each with the code that refuses it.
async fn refusals(server: &TestServer, person: &Person) -> Vec<String> {
    let mut codes = Vec::new();
    let mut socket = person.socket().await;
    socket.join("team", json!({})).await;
    socket.post("team", "by socket").await;
    codes.push(socket.rejected().await);
    for kind in ["react", "pin", "delete"] {
        socket
            .send(json!({ "type": "change", "room": "team", "ref": 1, "id": new_id(), "kind": kind, "emoji": "🎉" }))
            .await;
        codes.push(socket.rejected().await);
    }
    socket.send(json!({ "type": "typing", "room": "team" })).await;
    socket.is_alive().await;
    let mut client = SocketIo::open(&server.url, Some(&person.session.token)).await.unwrap();
    client.join("team", json!({})).await;
    codes.push(client.refused("message", json!({ "room": "team", "text": "by Socket.IO" })).await);
    let edit = json!({ "room": "team", "ref": 1, "id": new_id(), "kind": "edit", "text": "changed" });
    codes.push(client.refused("change", edit).await);
    let posted = person.post("team", &new_id(), "by HTTP").await;
    codes.push(problem(posted, 403).await);
    let edit = json!({ "id": new_id(), "kind": "edit", "text": "changed" });
    let changed = person.send(Method::POST, "/api/rooms/team/messages/1/changes", &edit).await;
    codes.push(problem(changed, 403).await);
    assert_eq!(person.type_in("team").await.status(), 204, "typing is ignored");
    let url = format!("{}/rooms/team", server.url);
    let sent = server.client.post(url).bearer_auth(&person.session.token).body("text=by+a+form");
    let sent = sent.header("content-type", "application/x-www-form-urlencoded").header("accept", "text/html");
    let sent = sent.send().await.unwrap();
    assert_eq!(sent.status(), 403, "the form");
    codes
}

#[tokio::test]
async fn a_room_has_the_name_and_topic_that_its_owner_gives_it_and_keeps_its_id() {
    let server = TestServer::start_with(&["--auth", "accounts"]).await;
    let (admin, owner, other) =
        (server.account("admin").await, server.account("owner").await, server.account("other").await);
    make(&owner, "Team").await;
    let answer = change(&owner, "team", json!({ "name": " The  crew ", "topic": "ships\nand more" })).await;
    let expected = json!({ "id": "team", "name": "The crew", "topic": "ships and more" });
    assert_eq!(answer.json::<Value>().await.unwrap(), expected);
    assert_eq!(listed(&other, "team").await, Some(expected));
    assert_eq!(problem(change(&other, "team", json!({ "name": "Mine" })).await, 403).await, "not_allowed");
    assert_eq!(change(&admin, "team", json!({ "topic": "" })).await.status(), 200, "an administrator may");
    assert_eq!(listed(&other, "team").await, Some(json!({ "id": "team", "name": "The crew" })));
    assert_eq!(problem(change(&owner, "general", json!({ "name": "Mine" })).await, 403).await, "not_allowed");
    assert_eq!(change(&admin, "general", json!({ "name": "Everybody" })).await.status(), 200);
    for (body, status, code) in [
        (json!({ "name": " " }), 400, "bad_request"),
        (json!({ "name": "x".repeat(41) }), 400, "bad_name"),
        (json!({ "name": "general" }), 409, "room_exists"),
        (json!({ "topic": "x".repeat(201) }), 400, "text_too_long"),
        (json!({ "topic": 7 }), 400, "bad_request"),
        (json!({ "archived": "yes" }), 400, "bad_request"),
        (json!({ "private": true }), 400, "bad_request"),
        (json!({}), 400, "bad_request"),
    ] {
        assert_eq!(problem(change(&owner, "team", body.clone()).await, status).await, code, "{body}");
    }
    // After a restart as well.
    let data = server.stop().await.unwrap();
    let server = TestServer::start_on(data.path(), &["--auth", "accounts"]).await;
    assert_eq!(listed(&other.at(&server), "team").await, Some(json!({ "id": "team", "name": "The crew" })));
}

#[tokio::test]
async fn nobody_writes_in_an_archived_room_by_any_way_until_it_is_taken_back() {
    let server = TestServer::start_with(&["--auth", "accounts"]).await;
    let (_, owner, other) =
        (server.account("admin").await, server.account("owner").await, server.account("other").await);
    make(&owner, "Team").await;
    assert_eq!(other.post("team", &new_id(), "before").await.status(), 201);
    assert_eq!(change(&owner, "team", json!({ "archived": true })).await.status(), 200);
    for person in [&other, &owner] {
        let codes = refusals(&server, person).await;
        assert!(codes.iter().all(|code| code == "room_archived"), "{codes:?}");
    }
    let page: Value = other.get("/api/rooms/team/messages").send().await.unwrap().json().await.unwrap();
    let messages = page["messages"].as_array().unwrap();
    assert_eq!((messages.len(), &messages[0]["text"]), (1, &json!("before")), "it can be read");
    assert_eq!(listed(&other, "team").await.unwrap()["archived"], true);
    assert_eq!(change(&owner, "team", json!({ "archived": false })).await.status(), 200);
    assert_eq!(other.post("team", &new_id(), "after").await.status(), 201);
}

#[tokio::test]
async fn of_a_removed_room_nothing_is_left_but_that_it_was_removed() {
    let server = TestServer::start_with(&["--auth", "accounts"]).await;
    let (_, owner, other) =
        (server.account("admin").await, server.account("owner").await, server.account("other").await);
    make(&owner, "Team").await;
    assert_eq!(other.post("team", &new_id(), "my secret is hunter2").await.status(), 201);
    let mut socket = other.socket().await;
    let joined = socket.join("team", json!({})).await;
    let mut stream = other.room_stream("team", "").await;
    assert_eq!(stream.event().await.1["type"], "joined");
    let path = "/api/rooms/team";
    assert_eq!(problem(other.send(Method::DELETE, path, &Value::Null).await, 403).await, "not_allowed");
    assert_eq!(owner.send(Method::DELETE, path, &Value::Null).await.status(), 204);
    assert_eq!(socket.rejected().await, "room_removed");
    let rejected = loop {
        let block = stream.block().await.expect("it says why it ends");
        if let Some(data) = block.data.filter(|data| data["type"] == "rejected") {
            break data;
        }
    };
    assert_eq!(rejected["code"], "room_removed");
    for person in [&owner, &other] {
        assert_eq!(listed(person, "team").await, None);
        let read = person.get("/api/rooms/team/messages").send().await.unwrap();
        assert_eq!(problem(read, 410).await, "room_removed");
        assert_eq!(problem(person.post("team", &new_id(), "hello?").await, 410).await, "room_removed");
        socket.send(json!({ "type": "join", "room": "team" })).await;
        assert_eq!(socket.rejected().await, "room_removed");
        for name in ["Team", "ＴＥＡＭ"] {
            let again = person.send(Method::POST, "/api/rooms", &json!({ "name": name })).await;
            assert_eq!(problem(again, 409).await, "room_exists", "{name}");
        }
    }
    assert_eq!(problem(change(&owner, "team", json!({ "name": "Back" })).await, 410).await, "room_removed");
    // The log keeps its epoch and its head.
    let topic =
        idobata::server::store::TopicName::Room(idobata::protocol::name::RoomId::parse("team").unwrap());
    let bounds = server.state.hub.store().bounds(&topic).await.unwrap();
    assert_eq!((json!(bounds.epoch), bounds.head, bounds.floor), (joined["epoch"].clone(), 1, 1));
    let left = |data: &std::path::Path| {
        let files = std::fs::read_dir(data).unwrap().map(|file| file.unwrap().path());
        let mut files = files.filter(|file| file.is_file());
        files.any(|file| String::from_utf8_lossy(&std::fs::read(file).unwrap()).contains("hunter2"))
    };
    assert!(!left(server.folder()), "in no file");
    let data = server.stop().await.unwrap();
    assert!(!left(data.path()), "in no file");
    let server = TestServer::start_on(data.path(), &["--auth", "accounts"]).await;
    let read = other.at(&server).get("/api/rooms/team/messages").send().await.unwrap();
    assert_eq!(problem(read, 410).await, "room_removed", "after a restart");
    let again = other.at(&server).send(Method::POST, "/api/rooms", &json!({ "name": "Team" })).await;
    assert_eq!(problem(again, 409).await, "room_exists");
}

#[tokio::test]
async fn a_removed_private_room_is_told_to_its_members_and_to_nobody_else() {
    let server = TestServer::start_with(&["--auth", "accounts"]).await;
    let (admin, owner, other) =
        (server.account("admin").await, server.account("owner").await, server.account("other").await);
    let body = json!({ "name": "Secret", "private": true });
    assert_eq!(owner.send(Method::POST, "/api/rooms", &body).await.status(), 201);
    for person in [&admin, &other] {
        assert_eq!(
            problem(change(person, "secret", json!({ "name": "x" })).await, 404).await,
            "unknown_room"
        );
    }
    assert_eq!(owner.send(Method::DELETE, "/api/rooms/secret", &Value::Null).await.status(), 204);
    let data = server.stop().await.unwrap();
    let server = TestServer::start_on(data.path(), &["--auth", "accounts"]).await;
    for (person, code) in [(&owner, "room_removed"), (&other, "unknown_room"), (&admin, "unknown_room")] {
        let read = person.at(&server).get("/api/rooms/secret/messages").send().await.unwrap();
        let status = if code == "room_removed" { 410 } else { 404 };
        assert_eq!(problem(read, status).await, code);
    }
}

#[tokio::test]
async fn the_operator_changes_rooms_where_people_are_guests() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    assert_eq!(problem(change(&alice, "general", json!({ "name": "Mine" })).await, 403).await, "not_allowed");
    let url = format!("{}/api/rooms/general", server.url);
    let answer = server.client.patch(&url).body(r#"{"topic":"All of us"}"#).send().await.unwrap();
    assert_eq!(answer.json::<Value>().await.unwrap()["topic"], "All of us");
    assert_eq!(server.client.delete(&url).send().await.unwrap().status(), 204);
    assert_eq!(listed(&alice, "general").await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_reaches_the_sidebars_of_all_nodes_within_a_second() {
    let nodes = Nodes::start(3).await;
    let alice = nodes.person("alice").await;
    make(&alice, "Team").await;
    let mut sockets = Vec::new();
    for server in &nodes.servers {
        let mut socket = alice.at(server).socket().await;
        socket.send(json!({ "type": "unread" })).await;
        socket.expect("unread").await;
        sockets.push(socket);
    }
    // The nodes have to know each other, or each change waits for them to look by themselves.
    for (body, name, archived) in
        [(json!({ "name": "Crew" }), "Crew", Value::Null), (json!({ "archived": true }), "Crew", json!(true))]
    {
        assert_eq!(change(&alice.at(nodes.node(1)), "team", body).await.status(), 200);
        let since = std::time::Instant::now();
        for (socket, server) in sockets.iter_mut().zip(&nodes.servers) {
            while socket.expect("unread").await["list"] != true {}
            let room = listed(&alice.at(server), "team").await.unwrap();
            assert_eq!((&room["name"], &room["archived"]), (&json!(name), &archived));
        }
        assert!(since.elapsed() < std::time::Duration::from_secs(1), "{:?}", since.elapsed());
    }
    let posted = alice.at(nodes.node(2)).post("team", &new_id(), "hello?").await;
    assert_eq!(problem(posted, 403).await, "room_archived");
    let mut reader = alice.at(nodes.node(2)).socket().await;
    reader.join("team", json!({})).await;
    let removed = alice.at(nodes.node(0)).send(Method::DELETE, "/api/rooms/team", &Value::Null).await;
    assert_eq!(removed.status(), 204);
    assert_eq!(reader.rejected().await, "room_removed");
    for server in &nodes.servers {
        let read = alice.at(server).get("/api/rooms/team/messages").send().await.unwrap();
        assert_eq!(problem(read, 410).await, "room_removed");
    }
}
