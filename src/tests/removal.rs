//! Rights that are revoked while a user is connected: on every transport, nothing that is posted afterwards arrives.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Person, Stream, TestServer, in_time, new_id, problem};

/// A private room of alice's that bob is a member of.
async fn set_up() -> (TestServer, Person, Person) {
    let server = TestServer::start_with(&["--auth", "accounts"]).await;
    let (alice, bob) = (server.account("alice").await, server.account("bob").await);
    let made = alice.send(Method::POST, "/api/rooms", &json!({ "name": "Secret", "private": true })).await;
    assert_eq!(made.status(), 201);
    let added = alice.send(Method::POST, "/api/rooms/secret/members", &json!({ "name": "Bob" })).await;
    assert_eq!(added.status(), 201);
    (server, alice, bob)
}

async fn remove(alice: &Person, bob: &Person) {
    let path = format!("/api/rooms/secret/members/{}", bob.session.user.id);
    assert_eq!(alice.send(Method::DELETE, &path, &json!(null)).await.status(), 204);
}

#[tokio::test]
async fn after_the_removal_from_a_room_nothing_arrives_on_a_socket_a_stream_or_a_poll() {
    let (server, alice, bob) = set_up().await;
    let mut socket = bob.socket().await;
    let joined = socket.join("secret", json!({})).await;
    let mut stream = bob.room_stream("secret", "").await;
    let cursor = format!("{}:{}", joined["epoch"].as_str().unwrap(), joined["offset"]);
    assert_eq!(stream.event().await.1["type"], "joined");
    let path = format!("/api/rooms/secret/messages?after={cursor}");
    let now: Value = bob.get(&format!("{path}&seen=")).send().await.unwrap().json().await.unwrap();
    let wait = |seen: &str| tokio::spawn(bob.get(&format!("{path}&wait=25{seen}")).send());
    let polls = [wait(""), wait(&format!("&seen={}", now["seen"].as_str().unwrap()))];
    server.expect_connections("poll", 2).await;
    remove(&alice, &bob).await;
    let id = new_id();
    assert_eq!(alice.post("secret", &id, "bob must not read this").await.status(), 201);

    assert_eq!(socket.rejected().await, "unknown_room");
    socket.is_alive().await; // and nothing else came before the pong
    for poll in polls {
        assert_eq!(problem(in_time(poll).await.unwrap().unwrap(), 404).await, "unknown_room");
    }
    let mut frames = Vec::new();
    while let Some(block) = stream.block().await {
        frames.extend(block.data);
    }
    assert!(frames.iter().all(|frame| frame["type"] != "message"), "{frames:?}");
    assert_eq!(frames.last().unwrap()["code"], "unknown_room", "the stream says why it ends");

    for path in ["/api/rooms/secret/messages", "/api/rooms/secret/events", "/api/rooms/secret/members"] {
        assert_eq!(problem(bob.get(path).send().await.unwrap(), 404).await, "unknown_room", "{path}");
    }
    assert_eq!(bob.post("secret", &new_id(), "still here?").await.status(), 404);
    socket.send(json!({ "type": "join", "room": "secret" })).await;
    assert_eq!(socket.rejected().await, "unknown_room");
}

#[tokio::test]
async fn a_session_that_ends_takes_its_socket_stream_and_poll_along_and_no_other() {
    let server = TestServer::start_with(&["--auth", "accounts"]).await;
    let alice = server.account("alice").await;
    let (phone, desk) = (server.signed_in("alice").await, server.signed_in("alice").await);
    let (mut ends, mut stays) = (phone.socket().await, desk.socket().await);
    ends.join("general", json!({})).await;
    stays.join("general", json!({})).await;
    let mut stream = phone.room_stream("general", "").await;
    let mut feed = Stream::open(phone.get("/api/events")).await;
    let page =
        |query: &str| phone.get(&format!("/api/events{query}")).header("accept", "application/json").send();
    let newest: Value = page("").await.unwrap().json().await.unwrap();
    let poll = tokio::spawn(page(&format!("?after={}&wait=25", newest["cursor"].as_str().unwrap())));
    server.expect_connections("poll", 1).await;
    assert_eq!(phone.send(Method::DELETE, "/api/session", &json!(null)).await.status(), 204);

    assert_eq!(ends.close_code().await, 4401);
    assert_eq!(problem(in_time(poll).await.unwrap().unwrap(), 401).await, "no_session");
    for stream in [&mut stream, &mut feed] {
        let mut last = None;
        while let Some(block) = stream.block().await {
            last = block.data.or(last);
        }
        assert_eq!(last.unwrap()["code"], "no_session");
    }
    assert_eq!(problem(phone.get("/api/rooms").send().await.unwrap(), 401).await, "no_session");
    stays.is_alive().await;
    assert_eq!(alice.get("/api/rooms").send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_blocked_person_is_out_at_once() {
    let (server, _, bob) = set_up().await;
    let mut socket = bob.socket().await;
    socket.join("secret", json!({})).await;
    let id = &bob.session.user.id;
    server.accounts().set_blocked(id, true).await.unwrap();
    assert_eq!(socket.close_code().await, 4401);
    assert_eq!(problem(bob.get("/api/rooms").send().await.unwrap(), 401).await, "no_session");
}

#[tokio::test]
async fn a_member_leaves_by_themselves_and_an_owner_stays() {
    let (_server, alice, bob) = set_up().await;
    let path = |person: &Person| format!("/api/rooms/secret/members/{}", person.session.user.id);
    let refused = alice.send(Method::DELETE, &path(&alice), &json!(null)).await;
    assert_eq!(problem(refused, 403).await, "not_allowed");
    let refused = bob.send(Method::DELETE, &path(&alice), &json!(null)).await;
    assert_eq!(problem(refused, 403).await, "not_allowed");
    assert_eq!(bob.send(Method::DELETE, &path(&bob), &json!(null)).await.status(), 204);
    assert_eq!(
        problem(bob.get("/api/rooms/secret/messages").send().await.unwrap(), 404).await,
        "unknown_room"
    );
    let again = alice.send(Method::POST, "/api/rooms/secret/members", &json!({ "name": "bob" })).await;
    assert_eq!(again.status(), 201);
    assert_eq!(bob.get("/api/rooms/secret/messages").send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn memberships_and_privacy_survive_a_restart() {
    let (server, alice, bob) = set_up().await;
    let carol = server.account("carol").await;
    let data = server.stop().await.unwrap();
    let server = TestServer::start_on(data.path(), &["--auth", "accounts"]).await;
    for (person, status) in [(&alice, 200), (&bob, 200), (&carol, 404)] {
        let answer = person.at(&server).get("/api/rooms/secret/messages").send().await.unwrap();
        assert_eq!(answer.status(), status, "{}", person.session.user.name);
    }
    let rooms: Value = carol.at(&server).get("/api/rooms").send().await.unwrap().json().await.unwrap();
    assert!(rooms.as_array().unwrap().iter().all(|room| room["id"] != "secret"), "{rooms}");
}

#[tokio::test]
async fn who_is_blocked_after_many_sign_ins_is_out_on_the_oldest_connection_too() {
    let server = TestServer::start_with(&["--auth", "accounts"]).await;
    let bob = server.account("bob").await;
    let account = server.accounts().account(&bob.session.user.id).await.unwrap().unwrap();
    let mut oldest = bob.socket().await;
    oldest.join("general", json!({})).await;
    for _ in 0..50 {
        server.state.auth.sign_in(&account, "another browser").await.unwrap();
    }
    assert_eq!(oldest.close_code().await, 4401, "the session that was one too many took it along");
}

#[tokio::test]
async fn a_session_that_ended_after_it_was_looked_at_opens_nothing() {
    let (server, _, bob) = set_up().await;
    let auth = &server.state.auth;
    let identity = auth.identify(&bob.session.token).await.unwrap().unwrap();
    assert!(auth.open_live_session(&identity).await.unwrap().is_some());
    auth.sign_out(&identity.user.id, identity.session.as_deref()).await.unwrap();
    assert!(auth.open_live_session(&identity).await.unwrap().is_none());
}

#[tokio::test]
async fn a_removal_whose_asker_hangs_up_is_carried_out() {
    let (server, alice, bob) = set_up().await;
    let address = server.url.strip_prefix("http://").unwrap().to_owned();
    for _ in 0..20 {
        let mut socket = bob.socket().await;
        socket.join("secret", json!({})).await;
        let request = format!(
            "DELETE /api/rooms/secret/members/{} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\n\r\n",
            bob.session.user.id, alice.session.token
        );
        let mut connection = tokio::net::TcpStream::connect(&address).await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut connection, request.as_bytes()).await.unwrap();
        drop(connection);
        assert_eq!(socket.rejected().await, "unknown_room", "he is out, whoever waited for that");
        let again = alice.send(Method::POST, "/api/rooms/secret/members", &json!({ "name": "bob" })).await;
        assert_eq!(again.status(), 201);
    }
}

#[tokio::test]
async fn the_first_rooms_are_nobodys_to_take() {
    let (server, alice, bob) = set_up().await;
    for is_private in [true, false] {
        let body = json!({ "name": "General", "private": is_private });
        let refused = bob.send(Method::POST, "/api/rooms", &body).await;
        assert_eq!(problem(refused, 409).await, "room_exists");
    }
    assert!(!server.state.rights.reserved().iter().any(|room| room.as_str() == "general"));
    assert_eq!(alice.get("/api/rooms/general/messages").send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_claim_that_a_kill_left_without_a_room_is_dropped_at_the_next_start() {
    let (server, alice, bob) = set_up().await;
    let room = idobata::protocol::name::RoomId::parse("half").unwrap();
    assert!(server.state.rights.reserve(&room, &bob.session.user, true).await.unwrap());
    let data = server.stop().await.unwrap();
    let server = TestServer::start_on(data.path(), &["--auth", "accounts"]).await;
    let made = alice.at(&server).send(Method::POST, "/api/rooms", &json!({ "name": "Half" })).await;
    assert_eq!(made.status(), 201);
    assert_eq!(bob.at(&server).get("/api/rooms/secret/messages").send().await.unwrap().status(), 200);
}
