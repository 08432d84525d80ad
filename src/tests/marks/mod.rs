//! The data of a person: what they have read, what is unread, and their own log, which follows them to each device.

mod devices;
mod plan;
mod transports;
mod unread;

use futures_util::future::join_all;
use idobata::{
    protocol::mark::{MarkKind, NewMark, RoomLevel},
    server::store::TopicName,
};
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::support::{Nodes, PROGRAM, Person, Socket, TestServer, in_time, new_id, problem};

impl Person {
    async fn mark(&self, members: Value) -> Response {
        let mut mark = json!({ "id": new_id(), "room": "general" });
        mark.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        self.send(Method::POST, "/api/user/marks", &mark).await
    }

    /// Marks a room; returns the status and the answer.
    async fn marked(&self, members: Value) -> (u16, Value) {
        let answer = self.mark(members).await;
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    async fn state(&self) -> Value {
        self.get("/api/user").send().await.unwrap().json().await.unwrap()
    }

    /// The state of one room.
    async fn room_state(&self, room: &str) -> Value {
        let state = self.state().await;
        state["rooms"].as_array().unwrap().iter().find(|one| one["room"] == room).cloned().unwrap_or_default()
    }

    async fn unread(&self) -> u64 {
        self.room_state("general").await["unread"].as_u64().unwrap()
    }

    async fn says(&self, texts: &[&str]) {
        for text in texts {
            assert_eq!(self.post("general", &new_id(), text).await.status(), 201);
        }
    }

    async fn changes(&self, offset: u64, kind: &str) {
        let body = json!({ "id": new_id(), "kind": kind, "text": "other", "emoji": "🎉" });
        let path = format!("/api/rooms/general/messages/{offset}/changes");
        assert_eq!(self.send(Method::POST, &path, &body).await.status(), 201, "{kind} {offset}");
    }
}

async fn epoch(server: &TestServer) -> String {
    let page = server.json("/api/rooms/general/messages").await;
    page["cursor"].as_str().unwrap().split(':').next().unwrap().to_owned()
}

/// Follows the person's own log.
async fn follow(socket: &mut Socket, after: Option<&str>) -> Value {
    socket.send(json!({ "type": "follow", "after": after })).await;
    socket.expect("followed").await
}

#[tokio::test]
async fn a_mark_moves_forwards_and_back_by_its_generation_and_is_the_same_on_every_device() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    bob.says(&["1", "2", "3", "4", "5"]).await;
    let epoch = epoch(&server).await;
    let at = |offset: u64| format!("{epoch}:{offset}");
    let new = alice.room_state("general").await;
    assert_eq!(
        new,
        json!({ "room": "general", "generation": 0, "head": 5, "unread": 0 }),
        "who is new has read nothing"
    );

    let (status, first) = alice.marked(json!({ "kind": "read", "cursor": at(2), "generation": 0 })).await;
    assert_eq!((status, &first["offset"], &first["read"]), (201, &json!(1), &json!(at(2))));
    assert!(first["timestamp"].as_i64().unwrap() > 1_600_000_000_000);
    assert_eq!(alice.unread().await, 3);
    for behind in [0, 1, 2] {
        let (status, same) = alice.marked(json!({ "kind": "read", "offset": behind })).await;
        assert_eq!(
            (status, &same["read"], same.get("offset")),
            (200, &json!(at(2)), None),
            "it goes forwards only"
        );
    }
    alice.marked(json!({ "kind": "read", "offset": 5 })).await;
    assert_eq!(alice.unread().await, 0);
    let (status, back) = alice.marked(json!({ "kind": "unread", "cursor": at(1) })).await;
    assert_eq!((status, &back["read"], &back["generation"]), (201, &json!(at(1)), &json!(1)));
    let (status, late) = alice.marked(json!({ "kind": "read", "offset": 5, "generation": 0 })).await;
    assert_eq!((status, &late["read"]), (200, &json!(at(1))), "another device had not heard of it");
    let (_, level) = alice.marked(json!({ "kind": "level", "level": "nothing" })).await;
    assert_eq!(level["level"], "nothing");
    let expected = json!({ "room": "general", "read": at(1), "generation": 1, "level": "nothing", "head": 5, "unread": 4 });
    assert_eq!(
        alice.room_state("general").await,
        expected,
        "a room that tells nothing is counted all the same"
    );
    assert_eq!(bob.room_state("general").await, new, "nobody else's");
    assert_eq!(alice.state().await["user"]["name"], "alice");
}

#[tokio::test]
async fn a_repeated_mark_has_the_first_answer() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    bob.says(&["1", "2"]).await;
    let mark = json!({ "id": "6F1C2A0E-0000-4000-8000-000000000001", "kind": "unread", "offset": 1 });
    let (status, first) = alice.marked(mark.clone()).await;
    assert_eq!((status, &first["id"]), (201, &mark["id"]), "the client's own spelling");
    alice.marked(json!({ "kind": "read", "offset": 2 })).await;
    assert_eq!(alice.marked(mark).await, (200, first), "it sets nothing back again");
    assert_eq!(alice.unread().await, 0);
    assert_eq!(alice.state().await["cursor"].as_str().unwrap().split(':').nth(1), Some("2"));
}

#[tokio::test]
async fn unread_is_what_others_said_and_a_room_shows() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    bob.says(&["1", "2"]).await;
    alice.marked(json!({ "kind": "read", "offset": 1 })).await;
    alice.says(&["3, my own"]).await;
    bob.says(&["4", "5"]).await;
    assert_eq!(alice.unread().await, 3, "2, 4 and 5");
    let answer = json!({ "id": new_id(), "text": "in a thread", "thread": 1 });
    assert_eq!(bob.post_body("general", &answer).await.status(), 201); // 6
    for (offset, kind) in [(2, "edit"), (2, "react"), (4, "pin")] {
        bob.changes(offset, kind).await; // 7, 8, 9
    }
    assert_eq!(alice.unread().await, 3, "answers beside the room and changes are no messages");
    bob.changes(4, "delete").await;
    assert_eq!(alice.unread().await, 2);
    bob.changes(6, "delete").await;
    assert_eq!(alice.unread().await, 2);
    for _ in 0..120 {
        bob.says(&["more"]).await;
    }
    assert_eq!(alice.unread().await, 100, "no more is counted");
}

#[tokio::test]
async fn a_mark_that_cannot_be_meant_is_rejected_in_words() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    bob.says(&["1"]).await;
    let private = json!({ "name": "Secret", "private": true });
    bob.send(Method::POST, "/api/rooms", &private).await;
    let epoch = epoch(&server).await;
    for (mark, status, code) in [
        (json!({ "kind": "read", "cursor": "nonsense" }), 400, "bad_cursor"),
        (json!({ "kind": "read", "cursor": "other:1" }), 400, "bad_cursor"),
        (json!({ "kind": "read", "cursor": "none:0" }), 400, "bad_cursor"),
        (json!({ "kind": "read", "cursor": format!("{epoch}:2") }), 404, "unknown_message"),
        (json!({ "kind": "unread", "offset": u64::MAX }), 404, "unknown_message"),
        (json!({ "kind": "read" }), 400, "bad_request"),
        (json!({ "kind": "mention", "offset": 1 }), 400, "bad_request"),
        (json!({ "kind": "level" }), 400, "bad_request"),
        (json!({ "kind": "level", "level": "loud" }), 400, "bad_request"),
        (json!({ "kind": "read", "offset": 1, "id": "7" }), 400, "bad_id"),
        (json!({ "kind": "read", "offset": 0, "room": "secret" }), 404, "unknown_room"),
        (json!({ "kind": "read", "offset": 0, "room": "nowhere" }), 404, "unknown_room"),
    ] {
        assert_eq!(problem(alice.mark(mark.clone()).await, status).await, code, "{mark}");
    }
    let told_loss = json!({ "kind": "read", "cursor": format!("{epoch}.9:1") });
    assert_eq!(alice.marked(told_loss).await.1["read"], format!("{epoch}:1"), "a told loss is the reader's");
    let anonymous = server.post("/api/user/marks").json(&json!({})).send().await.unwrap();
    assert_eq!(problem(anonymous, 401).await, "no_session");
    assert_eq!(problem(server.get("/api/user").send().await.unwrap(), 401).await, "no_session");
}

#[tokio::test]
async fn a_person_sees_the_rooms_that_they_may_enter_now() {
    let server = TestServer::start_with(&["--auth", "accounts"]).await;
    let (alice, bob) = (server.account("alice").await, server.account("bob").await);
    alice.send(Method::POST, "/api/rooms", &json!({ "name": "Secret", "private": true })).await;
    alice.send(Method::POST, "/api/rooms/secret/members", &json!({ "name": "bob" })).await;
    alice.post("secret", &new_id(), "among us").await;
    assert_eq!(bob.marked(json!({ "room": "secret", "kind": "read", "offset": 0 })).await.0, 201);
    assert_eq!(bob.room_state("secret").await["unread"], 1);
    let id = bob.session.user.id.clone();
    alice.send(Method::DELETE, &format!("/api/rooms/secret/members/{id}"), &json!({})).await;
    assert_eq!(bob.room_state("secret").await, Value::Null);
    assert_eq!(
        problem(bob.mark(json!({ "room": "secret", "kind": "read", "offset": 1 })).await, 404).await,
        "unknown_room"
    );
    alice.send(Method::POST, "/api/rooms/secret/members", &json!({ "name": "bob" })).await;
    assert_eq!(bob.room_state("secret").await["unread"], 1, "the mark was kept");
}

#[tokio::test]
async fn every_device_of_a_person_hears_their_marks_and_nobody_else_does() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    bob.says(&["1", "2", "3"]).await;
    let (mut phone, mut desk, mut other) = (alice.socket().await, alice.socket().await, bob.socket().await);
    for socket in [&mut phone, &mut desk, &mut other] {
        let followed = follow(socket, None).await;
        assert_eq!(
            (&followed["epoch"], &followed["offset"], &followed["head"]),
            (&json!("none"), &json!(0), &json!(0))
        );
    }
    let mark = json!({ "type": "mark", "id": new_id(), "kind": "read", "room": "general", "offset": 2, "generation": 0 });
    phone.send(mark.clone()).await;
    let marked = phone.frame().await;
    assert_eq!(
        (&marked["type"], &marked["id"], &marked["offset"]),
        (&json!("marked"), &mark["id"], &json!(1))
    );
    let (own, heard) = (phone.frame().await, desk.frame().await);
    assert_eq!((&own, &heard["type"], &heard["room"]), (&heard, &json!("mark"), &json!("general")));
    assert_eq!((&heard["offset"], &heard["read"]), (&json!(1), &marked["read"]));
    phone.send(mark).await;
    assert_eq!(phone.frame().await["offset"], 1, "sent again, and not heard again");
    alice.marked(json!({ "kind": "unread", "offset": 0 })).await;
    alice.marked(json!({ "kind": "level", "level": "mentions" })).await;
    for socket in [&mut phone, &mut desk] {
        let (back, level) = (socket.frame().await, socket.frame().await);
        assert_eq!((&back["generation"], &back["offset"]), (&json!(1), &json!(2)));
        assert_eq!(
            (&level["level"], &level["generation"], &level["offset"]),
            (&json!("mentions"), &json!(1), &json!(3))
        );
    }
    other.is_alive().await;
    bob.marked(json!({ "kind": "read", "offset": 3 })).await;
    let heard = other.frame().await;
    assert_eq!((&heard["type"], &heard["offset"]), (&json!("mark"), &json!(1)), "only their own: {heard}");
}

#[tokio::test]
async fn a_device_that_was_away_gets_the_marks_that_it_missed() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    bob.says(&["1", "2", "3"]).await;
    let nothing = alice.state().await["cursor"].as_str().unwrap().to_owned();
    assert_eq!(nothing, "none:0");
    for offset in 1..=3 {
        alice.marked(json!({ "kind": "read", "offset": offset })).await;
    }
    let cursor = alice.state().await["cursor"].as_str().unwrap().to_owned();
    let (epoch, _) = cursor.split_once(':').unwrap();
    for (after, expected) in
        [(nothing, vec![1, 2, 3]), (format!("{epoch}:1"), vec![2, 3]), (cursor.clone(), vec![])]
    {
        let mut socket = alice.socket().await;
        let followed = follow(&mut socket, Some(&after)).await;
        assert_eq!(followed["head"], 3, "{followed}");
        for offset in expected {
            let mark = socket.frame().await;
            assert_eq!((&mark["type"], &mark["offset"]), (&json!("mark"), &json!(offset)), "after {after}");
        }
        socket.is_alive().await;
    }
    let mut lost = alice.socket().await;
    follow(&mut lost, Some("other:2")).await;
    let reset = lost.frame().await;
    assert_eq!(
        (&reset["type"], &reset["epoch"], &reset["offset"]),
        (&json!("user-reset"), &json!(epoch), &json!(0))
    );
    assert_eq!(lost.frame().await["offset"], 1, "what is retained follows");
    lost.send(json!({ "type": "follow", "after": "nonsense" })).await;
    assert_eq!(lost.expect_rejected().await, "bad_cursor");
}

impl Socket {
    /// The code of the next rejection; other frames are skipped.
    async fn expect_rejected(&mut self) -> String {
        loop {
            let frame = self.frame().await;
            if frame["type"] == "rejected" {
                return frame["code"].as_str().unwrap().to_owned();
            }
        }
    }
}

#[tokio::test]
async fn who_is_behind_what_is_kept_of_their_marks_is_reset_and_the_state_is_whole() {
    let server = TestServer::start_with(&["--trim-interval", "1s"]).await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    bob.says(&["1"]).await;
    alice.marked(json!({ "kind": "read", "offset": 1 })).await;
    let identity = server.state.auth.identify(&alice.session.token).await.unwrap().unwrap();
    let level = |n: usize| {
        let (chat, identity) = (server.state.chat.clone(), identity.clone());
        let level = Some(if n.is_multiple_of(2) { RoomLevel::Nothing } else { RoomLevel::Mentions });
        async move {
            let (id, room) = (new_id(), "general".to_owned());
            let mark = NewMark {
                id,
                kind: MarkKind::Level,
                room,
                cursor: None,
                offset: None,
                generation: None,
                level,
            };
            chat.mark(&identity, mark).await.unwrap();
        }
    };
    for n in 0..1_100 {
        level(n).await;
    }
    let topic = TopicName::of_user(&identity.user.id).unwrap();
    let store = server.state.hub.store().clone();
    in_time(async {
        while store.bounds(&topic).await.unwrap().floor < 101 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let mut socket = alice.socket().await;
    let epoch = store.bounds(&topic).await.unwrap().epoch;
    follow(&mut socket, Some(&format!("{epoch}:1"))).await;
    let reset = socket.frame().await;
    assert_eq!((&reset["type"], &reset["offset"]), (&json!("user-reset"), &json!(101)));
    let state = alice.room_state("general").await;
    assert_eq!(
        (&state["read"].as_str().unwrap().split(':').nth(1), &state["level"]),
        (&Some("1"), &json!("mentions"))
    );
    assert_eq!(alice.state().await["cursor"], format!("{epoch}:1101"));
}

#[tokio::test]
async fn a_session_that_ends_hears_no_more_marks() {
    let server = TestServer::start_with(&["--auth", "accounts"]).await;
    let alice = server.account("alice").await;
    let phone = server.signed_in("alice").await;
    let (mut lost, mut kept) = (phone.socket().await, alice.socket().await);
    follow(&mut lost, None).await;
    follow(&mut kept, None).await;
    let ended = phone.send(Method::DELETE, "/api/session", &json!({})).await;
    assert_eq!(ended.status(), 204);
    alice.marked(json!({ "kind": "level", "level": "nothing" })).await;
    assert_eq!(kept.frame().await["type"], "mark");
    loop {
        match lost.message().await {
            Some(Ok(message)) if message.is_close() => break,
            Some(Ok(message)) => assert!(!message.to_string().contains("\"mark\""), "{message}"),
            other => panic!("no close: {other:?}"),
        }
    }
}

#[tokio::test]
async fn marks_have_a_limit_of_their_own() {
    let server = TestServer::start_limited(&["--limit-marks=2/1h"]).await;
    let alice = server.person("alice").await;
    for level in ["nothing", "mentions"] {
        assert_eq!(alice.mark(json!({ "kind": "level", "level": level })).await.status(), 201);
    }
    assert_eq!(
        problem(alice.mark(json!({ "kind": "level", "level": "all" })).await, 429).await,
        "too_many_requests"
    );
    let mut socket = alice.socket().await;
    let id = new_id();
    socket
        .send(json!({ "type": "mark", "id": id, "kind": "level", "room": "general", "level": "all" }))
        .await;
    let rejected = socket.frame().await;
    assert_eq!((&rejected["code"], &rejected["id"]), (&json!("too_many_requests"), &json!(id)));
    assert_eq!(
        alice.post("general", &new_id(), "hello").await.status(),
        201,
        "it takes nothing of the messages"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn marks_are_one_on_all_nodes() {
    let nodes = Nodes::start(3).await;
    let (alice, bob) = (nodes.person("alice").await, nodes.person("bob").await);
    bob.says(&["1", "2", "3", "4", "5", "6"]).await;
    let mut sockets = Vec::new();
    for server in &nodes.servers {
        let mut socket = alice.at(server).socket().await;
        follow(&mut socket, None).await;
        sockets.push(socket);
    }
    let marks = (0..30).map(|n| {
        let alice = alice.at(nodes.node(n % 3));
        tokio::spawn(async move { alice.marked(json!({ "kind": "read", "offset": n % 7 })).await.1 })
    });
    for answer in join_all(marks).await {
        assert_eq!(answer.unwrap()["room"], "general");
    }
    alice.at(nodes.node(1)).marked(json!({ "kind": "unread", "offset": 3 })).await;
    let mut heard = Vec::new();
    for socket in &mut sockets {
        let mut marks = Vec::new();
        loop {
            let mark = socket.expect("mark").await;
            let is_last = mark["generation"] == 1;
            marks.push(mark);
            if is_last {
                break;
            }
        }
        let offsets: Vec<u64> = marks.iter().map(|mark| mark["offset"].as_u64().unwrap()).collect();
        assert_eq!(offsets, (1..=offsets.len() as u64).collect::<Vec<_>>(), "in order, each once");
        assert!(
            marks
                .windows(2)
                .take(marks.len() - 2)
                .all(|two| two[0]["read"].as_str() < two[1]["read"].as_str())
        );
        heard.push(marks);
    }
    assert!(heard.iter().all(|marks| *marks == heard[0]));
    for server in &nodes.servers {
        let state = alice.at(server).room_state("general").await;
        assert_eq!((&state["unread"], &state["generation"]), (&json!(3), &json!(1)));
    }
}

#[tokio::test]
async fn a_page_that_is_only_looked_at_makes_no_log() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    let mut socket = alice.socket().await;
    follow(&mut socket, None).await;
    alice.state().await;
    alice.marked(json!({ "kind": "level", "level": "all" })).await;
    let topics = server.state.hub.store().topics().await.unwrap();
    assert!(!topics.iter().any(|topic| matches!(topic, TopicName::User(_))), "{topics:?}");
}

#[tokio::test]
async fn marks_are_put_back_with_the_rooms_and_who_followed_them_is_told() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    bob.says(&["1", "2", "3", "4"]).await;
    alice.marked(json!({ "kind": "unread", "offset": 2 })).await;
    bob.changes(3, "delete").await;
    let before = alice.room_state("general").await;
    assert_eq!((&before["unread"], &before["generation"]), (&json!(1), &json!(1)));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("idobata.backup");
    let run = async |name: &str, data: &std::path::Path| {
        let mut command = tokio::process::Command::new(PROGRAM);
        command.arg(name).arg(&file).arg("--data").arg(data).arg("--database-url=sqlite:");
        let output = in_time(command.kill_on_drop(true).output()).await.unwrap();
        assert!(output.status.success(), "{output:?}");
    };
    run("backup", server.folder()).await;
    bob.says(&["lost"]).await;
    alice.marked(json!({ "kind": "read", "offset": 6 })).await;
    assert_eq!(alice.unread().await, 0);
    let cursor = alice.state().await["cursor"].as_str().unwrap().to_owned();
    let data = server.stop().await.unwrap();
    run("restore", data.path()).await;

    let server = TestServer::start_on(data.path(), &[]).await;
    let alice = alice.at(&server);
    let after = alice.room_state("general").await;
    let epoch = epoch(&server).await;
    assert_ne!(after["read"], before["read"], "another epoch");
    let expected =
        json!({ "room": "general", "read": format!("{epoch}:2"), "generation": 1, "head": 5, "unread": 1 });
    assert_eq!(after, expected, "what was read then, and the deletion");
    let mut socket = alice.socket().await;
    follow(&mut socket, Some(&cursor)).await;
    assert_eq!(socket.frame().await["type"], "user-reset");
    assert_eq!(
        problem(alice.mark(json!({ "kind": "read", "cursor": before["read"] })).await, 400).await,
        "bad_cursor"
    );
    assert_eq!(alice.marked(json!({ "kind": "read", "cursor": format!("{epoch}:5") })).await.0, 201);
    assert_eq!(alice.unread().await, 0);
}
