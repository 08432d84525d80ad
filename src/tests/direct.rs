//! Direct messages: the same people have one room that nobody else finds, and what is said there is for them alone.

use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::support::{Nodes, Person, Socket, TestServer, in_time, new_id, problem};

/// A person who is in `#general`, where others see them.
async fn seen(server: &TestServer, name: &str) -> (Person, Socket) {
    let person = server.person(name).await;
    let mut socket = person.socket().await;
    socket.join("general", json!({})).await;
    (person, socket)
}

async fn start(person: &Person, others: &[&Person]) -> Response {
    let ids: Vec<_> = others.iter().map(|other| other.session.user.id.clone()).collect();
    person.send(Method::POST, "/api/direct", &json!({ "user_ids": ids })).await
}

/// Starts direct messages; returns their room.
async fn started(person: &Person, others: &[&Person], status: u16) -> String {
    let answer = start(person, others).await;
    assert_eq!(answer.status(), status);
    answer.json::<Value>().await.unwrap()["room"].as_str().unwrap().to_owned()
}

/// The state of a room for a person, as `GET /api/user` has it.
async fn state(person: &Person, room: &str) -> Value {
    let state: Value = person.get("/api/user").send().await.unwrap().json().await.unwrap();
    let rooms = state["rooms"].as_array().unwrap();
    rooms.iter().find(|known| known["room"] == room).cloned().unwrap_or_default()
}

#[tokio::test]
async fn the_same_people_always_have_the_same_room() {
    let server = TestServer::start().await;
    let ((alice, _a), (bob, _b), (carol, _c)) =
        (seen(&server, "alice").await, seen(&server, "bob").await, seen(&server, "carol").await);
    let room = started(&alice, &[&bob], 201).await;
    assert!(room.len() == 34 && room.starts_with("d-"), "128 random bits: {room}");
    assert_eq!(started(&alice, &[&bob], 200).await, room);
    assert_eq!(started(&bob, &[&alice], 200).await, room);
    assert_eq!(started(&bob, &[&alice, &alice, &bob], 200).await, room, "nobody counts twice");
    let group = started(&alice, &[&bob, &carol], 201).await;
    assert_eq!(started(&carol, &[&bob, &alice], 200).await, group);
    assert_ne!(group, room);
    let listed: Value = bob.get("/api/direct").send().await.unwrap().json().await.unwrap();
    let name = |direct: &Value, index: usize| direct["people"][index]["name"].as_str().map(str::to_owned);
    assert_eq!((&listed[0]["room"], name(&listed[0], 0)), (&json!(room), Some("alice".into())));
    let mut others = [name(&listed[1], 0).unwrap(), name(&listed[1], 1).unwrap()];
    others.sort();
    assert_eq!(others, ["alice", "carol"]);
    let rooms = bob.get("/api/rooms").send().await.unwrap().text().await.unwrap();
    assert!(!rooms.contains("d-"), "{rooms}");
}

#[tokio::test]
async fn a_name_that_was_changed_is_the_name_of_the_conversation() {
    let server = TestServer::start().await;
    let ((alice, _a), (bob, _b)) = (seen(&server, "alice").await, seen(&server, "bob").await);
    started(&alice, &[&bob], 201).await;
    let renamed = bob.send(Method::POST, "/api/session", &json!({ "name": "花子" })).await;
    let token = renamed.json::<Value>().await.unwrap()["token"].as_str().unwrap().to_owned();
    let mut socket = Socket::open(&server.url, Some(&token)).await.unwrap();
    socket.join("general", json!({})).await;
    in_time(async {
        loop {
            let listed: Value = alice.get("/api/direct").send().await.unwrap().json().await.unwrap();
            if listed[0]["people"][0]["name"] == "花子" {
                break;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn nobody_else_finds_reads_or_joins_what_is_said_between_two() {
    let server = TestServer::start().await;
    let ((alice, _a), (bob, _b), (eve, mut socket)) =
        (seen(&server, "alice").await, seen(&server, "bob").await, seen(&server, "eve").await);
    socket.send(json!({ "type": "unread" })).await;
    socket.expect("unread").await;
    let room = started(&alice, &[&bob], 201).await;
    assert_eq!(alice.post(&room, &new_id(), "between us").await.status(), 201);
    for path in ["messages", "events", "members", "people", "pins"] {
        let path = format!("/api/rooms/{room}/{path}");
        assert_eq!(problem(eve.get(&path).send().await.unwrap(), 404).await, "unknown_room", "{path}");
    }
    for path in ["messages", "events"] {
        let path = format!("/api/rooms/{room}/{path}");
        assert_eq!(problem(server.get(&path).send().await.unwrap(), 404).await, "unknown_room", "{path}");
    }
    assert_eq!(problem(eve.post(&room, &new_id(), "hello").await, 404).await, "unknown_room");
    socket.send(json!({ "type": "join", "room": room })).await;
    assert_eq!(socket.rejected().await, "unknown_room");
    assert_eq!(state(&eve, &room).await, Value::Null);
    let listed: Value = eve.get("/api/direct").send().await.unwrap().json().await.unwrap();
    assert_eq!(listed, json!([]));
    // Nor does a room of the same name take it, and it takes nobody in.
    let made = eve.send(Method::POST, "/api/rooms", &json!({ "name": room })).await;
    assert_eq!(problem(made, 409).await, "room_exists");
    let members = format!("/api/rooms/{room}/members");
    let added = alice.send(Method::POST, &members, &json!({ "name": "eve" })).await;
    assert_eq!(problem(added, 403).await, "not_allowed");
    for user in [&alice, &bob] {
        let path = format!("{members}/{}", user.session.user.id);
        let removed = alice.send(Method::DELETE, &path, &json!(null)).await;
        assert_eq!(problem(removed, 403).await, "not_allowed");
    }
    // Eve's socket has heard nothing of it.
    socket.is_alive().await;
    let page = eve.get(&format!("/rooms/{room}")).header("accept", "text/html").send().await.unwrap();
    assert_eq!(page.status(), 404);
    assert!(!page.text().await.unwrap().contains("between us"));
}

#[tokio::test]
async fn an_administrator_changes_no_direct_messages_not_even_their_own() {
    let server = TestServer::start_with(&["--auth", "accounts"]).await;
    let (admin, bob) = (server.account("admin").await, server.account("bob").await);
    let mut sockets = [admin.socket().await, bob.socket().await];
    for socket in &mut sockets {
        socket.join("general", json!({})).await;
    }
    let room = started(&admin, &[&bob], 201).await;
    assert_eq!(bob.post(&room, &new_id(), "hello").await.status(), 201);
    let path = format!("/api/rooms/{room}");
    for (method, path, body) in [
        (Method::PATCH, path.clone(), json!({ "name": "Mine" })),
        (Method::PATCH, path.clone(), json!({ "archived": true })),
        (Method::DELETE, path.clone(), json!({})),
        (Method::POST, format!("{path}/moderators"), json!({ "name": "bob" })),
        (Method::POST, format!("{path}/mutes"), json!({ "name": "bob" })),
        (Method::POST, format!("{path}/messages/1/reports"), json!({})),
    ] {
        let answer = admin.send(method.clone(), &path, &body).await;
        assert_eq!(problem(answer, 403).await, "not_allowed", "{method} {path}");
    }
    assert_eq!(admin.get(&format!("/rooms/{room}/settings")).send().await.unwrap().status(), 404);
    assert_eq!(bob.post(&room, &new_id(), "still here").await.status(), 201);
}

#[tokio::test]
async fn what_is_said_counts_for_whoever_has_never_looked_and_comes_to_their_socket() {
    let server = TestServer::start().await;
    let ((alice, _a), (bob, mut socket)) = (seen(&server, "alice").await, seen(&server, "bob").await);
    socket.send(json!({ "type": "unread" })).await;
    socket.expect("unread").await;
    let room = started(&alice, &[&bob], 201).await;
    assert_eq!(alice.post(&room, &new_id(), "one").await.status(), 201);
    let counted = in_time(async {
        loop {
            let frame = socket.expect("unread").await;
            if frame["rooms"][0]["unread"] == 1 {
                return frame["rooms"][0].clone();
            }
        }
    });
    let counted = counted.await;
    assert_eq!((&counted["room"], &counted["direct"]), (&json!(room), &json!(true)));
    assert_eq!(state(&bob, &room).await, counted);
    assert_eq!(state(&alice, &room).await["unread"], 0, "one's own do not count");
    let mark = json!({ "id": new_id(), "kind": "read", "room": room, "offset": 1 });
    assert_eq!(bob.send(Method::POST, "/api/user/marks", &mark).await.status(), 201);
    assert_eq!(state(&bob, &room).await["unread"], 0);
    // Of a new connection the whole is counted, with what nobody has marked.
    let mut other = alice.socket().await;
    other.send(json!({ "type": "unread" })).await;
    assert_eq!(other.expect("unread").await["rooms"][0]["room"], room);
}

#[tokio::test]
async fn whoever_is_blocked_writes_no_more_and_starts_nothing() {
    let server = TestServer::start().await;
    let ((alice, _a), (bob, _b), (carol, _c)) =
        (seen(&server, "alice").await, seen(&server, "bob").await, seen(&server, "carol").await);
    let room = started(&alice, &[&bob], 201).await;
    let group = started(&alice, &[&bob, &carol], 201).await;
    assert_eq!(alice.post(&room, &new_id(), "one").await.status(), 201);
    let path = format!("/api/user/blocked/{}", alice.session.user.id);
    for _ in 0..2 {
        assert_eq!(bob.send(Method::PUT, &path, &json!(null)).await.status(), 204);
    }
    let blocked: Value = bob.get("/api/user/blocked").send().await.unwrap().json().await.unwrap();
    assert_eq!(blocked, json!([{ "id": alice.session.user.id, "name": "alice" }]));
    for person in [&alice, &bob] {
        assert_eq!(problem(person.post(&room, &new_id(), "two").await, 403).await, "blocked");
    }
    let changes = format!("/api/rooms/{room}/messages/1/changes");
    let change = |kind: &str| json!({ "id": new_id(), "kind": kind, "text": "other", "emoji": ":tada:" });
    for kind in ["edit", "react", "pin"] {
        let changed = alice.send(Method::POST, &changes, &change(kind)).await;
        assert_eq!(problem(changed, 403).await, "blocked", "{kind}");
    }
    assert_eq!(alice.send(Method::POST, &changes, &change("delete")).await.status(), 201);
    assert_eq!(alice.post(&group, &new_id(), "in the group").await.status(), 201, "others are there");
    assert_eq!(started(&alice, &[&bob], 200).await, room, "what was said stays readable");
    // A conversation that is new.
    let path = format!("/api/user/blocked/{}", carol.session.user.id);
    assert_eq!(bob.send(Method::PUT, &path, &json!(null)).await.status(), 204);
    assert_eq!(problem(start(&carol, &[&bob]).await, 403).await, "blocked");
    assert_eq!(bob.send(Method::DELETE, &path, &json!(null)).await.status(), 204);
    started(&carol, &[&bob], 201).await;
    let own = format!("/api/user/blocked/{}", bob.session.user.id);
    assert_eq!(problem(bob.send(Method::PUT, &own, &json!(null)).await, 400).await, "bad_request");
}

#[tokio::test]
async fn only_people_who_share_a_room_are_written_to_and_no_more_than_twenty() {
    let server = TestServer::start().await;
    let (alice, _a) = seen(&server, "alice").await;
    let hidden = server.person("hidden").await;
    assert_eq!(problem(start(&alice, &[&hidden]).await, 404).await, "unknown_person");
    assert_eq!(problem(start(&alice, &[]).await, 400).await, "bad_request");
    assert_eq!(problem(start(&alice, &[&alice]).await, 400).await, "bad_request");
    let body = json!({ "user_ids": [alice.session.user.id], "name": "x" });
    let answer = alice.send(Method::POST, "/api/direct", &body).await;
    assert_eq!(problem(answer, 400).await, "bad_request");
    let mut others = Vec::new();
    for number in 0..20 {
        others.push(seen(&server, &format!("p{number}")).await);
    }
    let people: Vec<_> = others.iter().map(|(person, _)| person).collect();
    assert_eq!(problem(start(&alice, &people).await, 400).await, "bad_request");
    let room = started(&alice, &people[1..], 201).await;
    assert_eq!(people[19].post(&room, &new_id(), "all twenty").await.status(), 201);
    assert_eq!(problem(people[0].post(&room, &new_id(), "and I").await, 404).await, "unknown_room");
}

#[tokio::test]
async fn the_settings_say_who_starts_and_how_often() {
    for (setting, may_start) in [("everybody", true), ("members", false), ("nobody", false)] {
        let server = TestServer::start_with(&["--direct", setting]).await;
        let ((alice, _a), (bob, _b)) = (seen(&server, "alice").await, seen(&server, "bob").await);
        let expected = if may_start { 201 } else { 403 };
        assert_eq!(start(&alice, &[&bob]).await.status(), expected, "guests, {setting}");
    }
    for (setting, may_start) in [("members", true), ("nobody", false)] {
        let server = TestServer::start_with(&["--auth", "accounts", "--direct", setting]).await;
        let (alice, bob) = (server.account("alice").await, server.account("bob").await);
        let mut socket = bob.socket().await;
        socket.join("general", json!({})).await;
        let expected = if may_start { 201 } else { 403 };
        assert_eq!(start(&alice, &[&bob]).await.status(), expected, "members, {setting}");
    }
    let server = TestServer::start_limited(&["--limit-direct", "1/1h"]).await;
    let ((alice, _a), (bob, _b), (carol, _c)) =
        (seen(&server, "alice").await, seen(&server, "bob").await, seen(&server, "carol").await);
    let room = started(&alice, &[&bob], 201).await;
    assert_eq!(problem(start(&alice, &[&carol]).await, 429).await, "too_many_requests");
    assert_eq!(started(&alice, &[&bob], 200).await, room, "what is there takes no allowance");
}

#[tokio::test]
async fn it_is_all_there_after_a_restart() {
    let server = TestServer::start().await;
    let ((alice, a), (bob, b)) = (seen(&server, "alice").await, seen(&server, "bob").await);
    let room = started(&alice, &[&bob], 201).await;
    assert_eq!(alice.post(&room, &new_id(), "kept").await.status(), 201);
    let path = format!("/api/user/blocked/{}", alice.session.user.id);
    assert_eq!(bob.send(Method::PUT, &path, &json!(null)).await.status(), 204);
    drop((a, b));
    let data = server.stop().await.unwrap();
    let server = TestServer::start_on(data.path(), &[]).await;
    let (alice, bob) = (alice.at(&server), bob.at(&server));
    assert_eq!(state(&bob, &room).await["unread"], 1);
    assert_eq!(problem(alice.post(&room, &new_id(), "blocked").await, 403).await, "blocked");
    assert_eq!(started(&alice, &[&bob], 200).await, room);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_start_at_once_on_two_nodes_have_one_room_that_every_node_knows() {
    let nodes = Nodes::start(2).await;
    for number in 0..8 {
        let (alice, bob) =
            (nodes.person(&format!("alice {number}")).await, nodes.person(&format!("bob {number}")).await);
        let mut sockets = Vec::new();
        for person in [&alice, &bob] {
            let mut socket = person.at(nodes.node(0)).socket().await;
            socket.join("general", json!({})).await;
            let mark = json!({ "id": new_id(), "kind": "read", "room": "general", "offset": 0 });
            let marked = person.at(nodes.node(1)).send(Method::POST, "/api/user/marks", &mark).await;
            assert!(marked.status().is_success());
            sockets.push(socket);
        }
        let (here, there) = (alice.at(nodes.node(0)), bob.at(nodes.node(1)));
        let (to_bob, to_alice) = ([&bob], [&alice]);
        let (one, other) = tokio::join!(start(&here, &to_bob), start(&there, &to_alice));
        let mut statuses = [one.status().as_u16(), other.status().as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 201]);
        let (one, other): (Value, Value) = (one.json().await.unwrap(), other.json().await.unwrap());
        assert_eq!(one["room"], other["room"]);
        // At once, wherever each of them is.
        let room = one["room"].as_str().unwrap();
        assert_eq!(bob.at(nodes.node(0)).post(room, &new_id(), "hello").await.status(), 201);
        assert_eq!(alice.at(nodes.node(1)).post(room, &new_id(), "hello").await.status(), 201);
        assert_eq!(state(&alice.at(nodes.node(1)), room).await["unread"], 1);
        let path = format!("/api/user/blocked/{}", alice.session.user.id);
        assert_eq!(there.send(Method::PUT, &path, &json!(null)).await.status(), 204);
        assert_eq!(problem(here.post(room, &new_id(), "no more").await, 403).await, "blocked");
    }
}
