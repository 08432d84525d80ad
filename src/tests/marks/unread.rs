//! The counts that a live connection is told: on every transport that has them, on all nodes, for nobody but the user, and
//! always those of a recount.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Nodes, Person, Socket, SocketIo, Stream, TestServer, in_time, new_id, problem};

/// A socket that hears what is unread.
async fn listening(person: &Person) -> Socket {
    let mut socket = person.socket().await;
    socket.send(json!({ "type": "unread" })).await;
    socket
}

/// Waits until the socket says that so many are unread in a room.
async fn told(socket: &mut Socket, room: &str, unread: u64) {
    loop {
        let frame = socket.expect("unread").await;
        if says(&frame, room, unread) {
            return;
        }
    }
}

/// As [`told`], of a stream.
async fn streamed(stream: &mut Stream, room: &str, unread: u64) {
    loop {
        let block = stream.block().await.expect("the stream goes on");
        let data = block.data.unwrap_or_default();
        if data["type"] == "unread" {
            assert_eq!(block.id, None, "it moves no cursor");
            if says(&data, room, unread) {
                return;
            }
        }
    }
}

fn says(frame: &Value, room: &str, unread: u64) -> bool {
    frame["rooms"].as_array().unwrap().iter().any(|one| one["room"] == room && one["unread"] == unread)
}

#[tokio::test]
async fn whoever_asks_is_told_what_is_unread_on_every_live_transport_and_nobody_else() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    bob.says(&["1"]).await;
    alice.marked(json!({ "kind": "read", "offset": 1 })).await;
    let mut socket = listening(&alice).await;
    let mut silent = alice.socket().await;
    silent.send(json!({ "type": "follow" })).await;
    silent.expect("followed").await;
    let mut room = alice.room_stream("tech", "?unread=true").await;
    let mut feed = Stream::open(alice.get("/api/events?unread=true")).await;
    let mut anonymous = server.stream("?unread=true").await;
    bob.says(&["2", "3"]).await;
    told(&mut socket, "general", 2).await;
    streamed(&mut room, "general", 2).await;
    streamed(&mut feed, "general", 2).await;
    bob.changes(3, "delete").await;
    told(&mut socket, "general", 1).await;
    streamed(&mut feed, "general", 1).await;
    // Her own phone reads it, and both hear it at once.
    alice.marked(json!({ "kind": "read", "offset": 3 })).await;
    told(&mut socket, "general", 0).await;
    streamed(&mut room, "general", 0).await;
    silent.send(json!({ "type": "ping" })).await;
    loop {
        match silent.frame().await["type"].as_str().unwrap() {
            "mark" => {}
            "pong" => break,
            other => panic!("a socket that did not ask was told {other}"),
        }
    }
    server.publish("ops", "news").await;
    loop {
        let data = anonymous.block().await.expect("the stream goes on").data.unwrap_or_default();
        assert_ne!(data["type"], "unread", "there is nobody to count for");
        if data["type"] == "notification" {
            break;
        }
    }
    for path in ["/api/rooms/general/messages?unread=true", "/api/events?unread=true"] {
        let answer = server.json(path).await;
        assert_eq!((answer.get("unread"), answer.get("unread_seen")), (None, None), "{path}");
    }
}

#[tokio::test]
async fn of_a_room_that_one_may_not_enter_nothing_is_told() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    let made = bob.send(Method::POST, "/api/rooms", &json!({ "name": "Secret", "private": true })).await;
    assert_eq!(made.status(), 201);
    let mut socket = listening(&alice).await;
    assert_eq!(bob.post("secret", &new_id(), "hush").await.status(), 201);
    bob.says(&["for all"]).await;
    let first = socket.expect("unread").await;
    assert_eq!(first["rooms"], json!([]), "she has marked nothing");
    let told = socket.expect("unread").await;
    let rooms: Vec<_> = told["rooms"].as_array().unwrap().iter().map(|room| room["room"].clone()).collect();
    assert_eq!(rooms, ["general"]);
    assert_eq!(
        problem(alice.mark(json!({ "kind": "read", "room": "secret", "offset": 0 })).await, 404).await,
        "unknown_room"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_or_read_at_any_node_is_told_at_all() {
    let nodes = Nodes::start(3).await;
    let (alice, bob) = (nodes.person("alice").await, nodes.person("bob").await);
    let at = |person: &Person, node: usize| person.at(nodes.node(node));
    at(&bob, 0).says(&["1"]).await;
    at(&alice, 0).marked(json!({ "kind": "read", "offset": 1 })).await;
    let mut sockets = Vec::new();
    for node in 0..3 {
        sockets.push(listening(&at(&alice, node)).await);
    }
    at(&bob, 1).says(&["2"]).await;
    for socket in &mut sockets {
        told(socket, "general", 1).await;
    }
    at(&alice, 2).marked(json!({ "kind": "read", "offset": 2 })).await;
    for socket in &mut sockets {
        told(socket, "general", 0).await;
    }
}

/// The answer to a poll.
async fn poll(person: &Person, path: &str, query: &str) -> Value {
    let request = person.get(&format!("{path}?{query}")).header("accept", "application/json");
    let answer = in_time(request.send()).await.unwrap();
    assert_eq!(answer.status(), 200, "{path}?{query}");
    answer.json().await.unwrap()
}

/// The query of the next poll, which knows what this answer says.
fn next_of(answer: &Value) -> String {
    let [cursor, seen] = ["cursor", "unread_seen"].map(|name| answer[name].as_str().unwrap());
    format!("after={cursor}&unread_seen={seen}")
}

/// The rooms with their counts in the answer to a poll.
fn counts(answer: &Value) -> Vec<(&str, u64)> {
    let rooms = answer["unread"]["rooms"].as_array().into_iter().flatten();
    rooms.map(|room| (room["room"].as_str().unwrap(), room["unread"].as_u64().unwrap())).collect()
}

const POLLED: [&str; 3] = ["/api/rooms/tech/messages", "/api/events", "/api/rooms/tech/messages"];

#[tokio::test]
async fn a_poll_says_what_is_unread_and_waits_for_what_its_reader_does_not_know() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    bob.says(&["1"]).await;
    for room in ["general", "random"] {
        alice.marked(json!({ "kind": "read", "room": room, "offset": 0 })).await;
    }
    let mut unread = 1;
    for (index, path) in POLLED.into_iter().enumerate() {
        // The last one has the presence as well, as a page's.
        let mut presence = if index == 2 { "&seen=".to_owned() } else { String::new() };
        let first = poll(&alice, path, "unread=true").await;
        assert_eq!(counts(&first), [("general", unread), ("random", 0)], "{first}");
        assert_eq!((&first["unread"]["type"], first["unread"].get("list")), (&json!("unread"), None));
        if index == 2 {
            let state = poll(&alice, path, &format!("{}{presence}", next_of(&first))).await;
            presence = format!("&seen={}", state["seen"].as_str().unwrap());
        }
        let known = poll(&alice, path, &format!("{}&wait=1{presence}", next_of(&first))).await;
        assert_eq!((known.get("unread"), &known["unread_seen"]), (None, &first["unread_seen"]), "{known}");
        alice.says(&["her own"]).await;
        let own = poll(&alice, path, &format!("{}&wait=1{presence}", next_of(&known))).await;
        assert_eq!(own.get("unread"), None, "it changes no count: {own}");

        let (mut told, mut query) = (own, String::new());
        // One that had not counted yet when it was said gets everything, as whoever comes later.
        while counts(&told) != [("general", unread)] {
            query = format!("{}&wait=40{presence}", next_of(&told));
            let (person, waits) = (alice.clone(), query.clone());
            let waiting = tokio::spawn(async move { poll(&person, path, &waits).await });
            server.expect_connections("poll", 1).await;
            bob.says(&["more"]).await;
            unread += 1;
            told = waiting.await.unwrap();
            assert_eq!(counts(&told)[0], ("general", unread), "{told}");
        }
        let late = poll(&alice, path, &query).await;
        assert_eq!(counts(&late).len(), 2, "whoever comes later with the same word gets everything");
        assert_eq!(late["unread_seen"], told["unread_seen"]);
        for word in ["nonsense", "0-0"] {
            let (cursor, wait) = (told["cursor"].as_str().unwrap(), "wait=40");
            let all = poll(&alice, path, &format!("after={cursor}&unread_seen={word}&{wait}")).await;
            assert_eq!((counts(&all).len(), &all["unread_seen"]), (2, &told["unread_seen"]), "{word}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn polls_are_answered_with_counts_about_once_a_second_however_much_is_said() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    bob.says(&["1"]).await;
    alice.marked(json!({ "kind": "read", "offset": 1 })).await;
    let mut last = poll(&alice, "/api/events", "unread=true").await;
    let (since, reader) = (Instant::now(), alice.clone());
    let talk = tokio::spawn(async move {
        let mut said = 1;
        while since.elapsed() < Duration::from_secs(3) {
            bob.says(&["more"]).await;
            said += 1;
            reader.marked(json!({ "kind": "read", "offset": said })).await;
        }
        said
    });
    let mut answers = 0;
    while !talk.is_finished() {
        last = poll(&alice, "/api/events", &format!("{}&wait=1", next_of(&last))).await;
        answers += 1;
    }
    let max = 1 + since.elapsed().as_millis() / 750;
    assert!(answers <= max, "{answers} answers to {} messages, {max} at most", talk.await.unwrap());
}

#[tokio::test]
async fn a_poll_hears_that_the_list_of_rooms_is_another_one() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    let mut present = alice.socket().await;
    present.join("general", json!({})).await;
    let mut socket = listening(&alice).await;
    assert_eq!(socket.expect("unread").await.get("list"), None);
    let mut last = poll(&alice, "/api/events", "unread=true").await;
    let made = bob.send(Method::POST, "/api/rooms", &json!({ "name": "Secret", "private": true })).await;
    assert_eq!(made.status(), 201);
    let none = poll(&alice, "/api/events", &next_of(&last)).await;
    assert_eq!(none.get("unread"), None, "she may not enter it");
    let body = json!({ "name": "alice" });
    assert_eq!(bob.send(Method::POST, "/api/rooms/secret/members", &body).await.status(), 201);
    last = poll(&alice, "/api/events", &format!("{}&wait=40", next_of(&last))).await;
    assert_eq!(last["unread"], json!({ "type": "unread", "rooms": [], "list": true }));
    alice.marked(json!({ "kind": "read", "room": "secret", "offset": 0 })).await;
    assert_eq!(bob.post("secret", &new_id(), "hush").await.status(), 201);
    told(&mut socket, "secret", 1).await;
    last = poll(&alice, "/api/events", &format!("{}&wait=40", next_of(&last))).await;
    assert_eq!(counts(&last), [("secret", 1)]);
    // Taken out, she is told so, and nothing of the room any more.
    let path = format!("/api/rooms/secret/members/{}", alice.session.user.id);
    assert_eq!(bob.send(Method::DELETE, &path, &json!({})).await.status(), 204);
    let out = poll(&alice, "/api/events", &format!("{}&wait=40", next_of(&last))).await;
    assert_eq!(out["unread"], json!({ "type": "unread", "rooms": [], "list": true }));
    loop {
        let frame = socket.expect("unread").await;
        if frame["list"] == true && frame["rooms"] == json!([]) {
            break;
        }
    }
    for (path, code) in [
        ("/api/rooms/general/messages?unread=true&before=e:1", "bad_request"),
        ("/api/rooms/general/messages?unread=true&around=1", "bad_request"),
        ("/api/rooms/general/messages?unread_seen=&unread=1&thread=1", "bad_request"),
        ("/api/rooms/general/events?unread_seen=0-0", "bad_request"),
        ("/api/events?unread_seen=0-0", "bad_request"),
    ] {
        assert_eq!(problem(alice.get(path).send().await.unwrap(), 400).await, code, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poll_goes_on_at_another_node_and_hears_what_happens_at_any() {
    let nodes = Nodes::start(2).await;
    let (alice, bob) = (nodes.person("alice").await, nodes.person("bob").await);
    bob.says(&["1"]).await;
    alice.marked(json!({ "kind": "read", "offset": 0 })).await;
    let (here, there) = (alice.at(nodes.node(0)), alice.at(nodes.node(1)));
    let first = poll(&here, POLLED[0], "unread=true").await;
    let query = format!("{}&wait=40", next_of(&first));
    let person = there.clone();
    let waiting = tokio::spawn(async move { poll(&person, POLLED[0], &query).await });
    nodes.node(1).expect_connections("poll", 1).await;
    bob.says(&["2"]).await;
    let told = waiting.await.unwrap();
    assert_eq!(counts(&told), [("general", 2)], "it knew the rest at the other node");
    here.marked(json!({ "kind": "read", "offset": 2 })).await;
    assert_eq!(counts(&poll(&there, POLLED[0], &next_of(&told)).await), [("general", 0)]);
}

/// Waits until a client of Socket.IO hears that so many are unread in a room.
async fn heard(client: &mut SocketIo, room: &str, unread: u64) {
    while !says(&client.expect("unread").await[0], room, unread) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_socket_io_hears_what_is_unread_at_any_node() {
    let nodes = Nodes::start(2).await;
    let (alice, bob) = (nodes.person("alice").await, nodes.person("bob").await);
    bob.says(&["1"]).await;
    alice.marked(json!({ "kind": "read", "offset": 0 })).await;
    let there = alice.at(nodes.node(1));
    let mut client = there.socket_io().await;
    let all = client.ask("unread", json!(null)).await;
    assert!(says(&all, "general", 1) && all.get("type").is_none(), "{all}");
    let (mut plain, mut silent) = (there.socket_io().await, there.socket_io().await);
    plain.tell("unread", json!(null)).await;
    heard(&mut plain, "general", 1).await;
    silent.join("tech", json!({})).await;
    bob.says(&["2"]).await;
    for client in [&mut client, &mut plain] {
        heard(client, "general", 2).await;
    }
    alice.marked(json!({ "kind": "read", "offset": 2 })).await;
    for client in [&mut client, &mut plain] {
        heard(client, "general", 0).await;
    }
    // A busy room does not keep it waiting.
    client.join("tech", json!({})).await;
    for n in 0..200 {
        assert_eq!(bob.post("tech", &new_id(), &n.to_string()).await.status(), 201);
    }
    bob.says(&["3"]).await;
    heard(&mut client, "general", 1).await;
    while let Some((name, _)) = silent.next().await {
        assert_ne!(name, "unread", "it did not ask");
        if name == "message" {
            break;
        }
    }
}
