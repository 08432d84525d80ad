//! The counts that a live connection is told: on every transport that has them, on all nodes, for nobody but the user, and
//! always those of a recount.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Nodes, Person, Socket, Stream, TestServer, in_time, new_id, problem};

const ROOMS: [&str; 3] = ["general", "tech", "random"];

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
        let answer = server.get(path).header("accept", "application/json").send().await.unwrap();
        assert_eq!(problem(answer, 400).await, "bad_request", "{path}");
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

/// The test's knowledge of a room.
#[derive(Default)]
struct Known {
    /// The messages of bob that are not deleted.
    messages: BTreeSet<u64>,
    head: u64,
    read: Option<u64>,
    generation: u64,
}

impl Known {
    fn unread(&self) -> u64 {
        self.read.map_or(0, |read| self.messages.range(read + 1..).count() as u64)
    }
}

/// One step of a plan: bob posts or deletes, alice posts, reads, or marks unread, by whatever device.
async fn step(chance: &mut fastrand::Rng, rooms: &mut [Known; 3], alice: &Person, bob: &Person) {
    let index = chance.usize(..3);
    let (id, room) = (ROOMS[index], &mut rooms[index]);
    let offset_of = async |answer: reqwest::Response| {
        assert_eq!(answer.status(), 201);
        answer.json::<Value>().await.unwrap()["offset"].as_u64().unwrap()
    };
    match chance.u8(..10) {
        0..4 => {
            room.head = offset_of(bob.post(id, &new_id(), "said").await).await;
            room.messages.insert(room.head);
        }
        4 => room.head = offset_of(alice.post(id, &new_id(), "mine").await).await,
        5 => {
            let Some(&target) = room.messages.iter().nth(chance.usize(..room.messages.len().max(1))) else {
                return;
            };
            let body = json!({ "id": new_id(), "kind": "delete" });
            let path = format!("/api/rooms/{id}/messages/{target}/changes");
            room.head = offset_of(bob.send(Method::POST, &path, &body).await).await;
            room.messages.remove(&target);
        }
        6..9 => {
            let (offset, generation) =
                (chance.u64(..=room.head), room.generation.saturating_sub(chance.u64(..2)));
            alice
                .marked(json!({ "kind": "read", "room": id, "offset": offset, "generation": generation }))
                .await;
            if generation == room.generation {
                room.read = room.read.max(Some(offset));
            }
        }
        _ => {
            let offset = chance.u64(..=room.head);
            let (_, answer) = alice.marked(json!({ "kind": "unread", "room": id, "offset": offset })).await;
            (room.read, room.generation) = (Some(offset), answer["generation"].as_u64().unwrap());
        }
    }
}

#[tokio::test]
async fn after_any_plan_the_counts_are_those_of_a_recount_also_for_who_was_cut_off() {
    for seed in 1..=6 {
        let server = TestServer::start().await;
        let (alice, bob) = (server.person("alice").await, server.person("bob").await);
        let (mut chance, mut rooms) = (fastrand::Rng::with_seed(seed), <[Known; 3]>::default());
        let mut socket = listening(&alice).await;
        for _ in 0..60 {
            step(&mut chance, &mut rooms, &alice, &bob).await;
            if chance.u8(..12) == 0 {
                socket.close().await;
                socket = listening(&alice).await;
            }
        }
        for (id, room) in ROOMS.into_iter().zip(&rooms) {
            let state = alice.room_state(id).await;
            assert_eq!(state["unread"], room.unread(), "{id}, seed {seed}: {state}");
        }
        in_time(agree(&mut socket, &rooms)).await;
    }
}

/// Waits until what the socket has said last of each room is right.
async fn agree(socket: &mut Socket, rooms: &[Known; 3]) {
    let mut heard = [0; 3];
    let expected: Vec<_> = rooms.iter().map(Known::unread).collect();
    while heard != *expected {
        let frame = socket.expect("unread").await;
        for room in frame["rooms"].as_array().unwrap() {
            let index = ROOMS.iter().position(|id| room["room"] == *id).unwrap();
            heard[index] = room["unread"].as_u64().unwrap();
        }
    }
}
