//! Each transport of the fallback order supports everything that a room needs: following, posting, presence and typing.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::{io::AsyncReadExt, net::TcpSocket};

use crate::support::{Person, TestServer, in_time, new_id, problem};

/// A poll as a page sends it that has neither socket nor stream.
async fn poll(person: &Person, room: &str, cursor: &Value, seen: &Value, wait: u64) -> Value {
    let (cursor, seen) = (cursor.as_str().unwrap(), seen.as_str().unwrap());
    let path = format!("/api/rooms/{room}/messages?after={cursor}&seen={seen}&wait={wait}");
    let response = in_time(person.get(&path).send()).await.unwrap();
    assert_eq!(response.status(), 200);
    response.json().await.unwrap()
}

fn names(people: &Value) -> Vec<&str> {
    people.as_array().unwrap().iter().map(|user| user["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_poll_with_seen_is_answered_by_talk_by_coming_and_by_typing() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    let start = server.json("/api/rooms/general/messages").await;
    let first = poll(&alice, "general", &start["cursor"], &json!(""), 50).await;
    assert_eq!((names(&first["members"]), names(&first["typing"])), (vec!["alice"], vec![]));

    // A user comes, with a socket.
    let waiting = poll(&alice, "general", &first["cursor"], &first["seen"], 50);
    let (came, mut socket) = tokio::join!(waiting, async {
        server.expect_connections("poll", 1).await;
        let mut socket = bob.socket().await;
        socket.join("general", json!({})).await;
        socket
    });
    assert_eq!(came["messages"], json!([]));
    assert_eq!(came["members"].as_array().unwrap().len(), 2);

    // The user types.
    let waiting = poll(&alice, "general", &came["cursor"], &came["seen"], 50);
    let (typing, ()) = tokio::join!(waiting, async {
        server.expect_connections("poll", 1).await;
        socket.send(json!({ "type": "typing", "room": "general" })).await;
    });
    assert_eq!(names(&typing["typing"]), ["bob"]);

    // The user posts.
    socket.post("general", "hello").await;
    let spoke = poll(&alice, "general", &typing["cursor"], &typing["seen"], 50).await;
    assert_eq!(spoke["messages"][0]["text"], "hello");
}

#[tokio::test]
async fn who_polls_is_seen_by_the_others_and_can_be_seen_typing() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    let mut socket = bob.socket().await;
    socket.join("general", json!({})).await;
    assert_eq!(problem(alice.type_in("general").await, 400).await, "not_joined");
    let start = server.json("/api/rooms/general/messages").await;
    poll(&alice, "general", &start["cursor"], &json!(""), 0).await;
    assert_eq!(socket.expect("user-joined").await["user"], "alice");
    assert_eq!(alice.type_in("general").await.status(), 204);
    assert_eq!(socket.expect("typing").await["user"], "alice");
}

#[tokio::test]
async fn who_stops_polling_leaves_after_a_moment() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    let mut socket = bob.socket().await;
    socket.join("general", json!({})).await;
    let start = server.json("/api/rooms/general/messages").await;
    poll(&alice, "general", &start["cursor"], &json!(""), 0).await;
    assert_eq!(socket.expect("user-joined").await["user"], "alice");
    assert_eq!(socket.expect("user-left").await["user"], "alice");
}

#[tokio::test]
async fn a_page_of_long_messages_is_cut_by_size_and_nothing_is_skipped() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    let start = server.json("/api/rooms/general/messages").await;
    for n in 0..60 {
        let text = format!("{n} {}", "あ".repeat(3_900));
        assert_eq!(alice.post("general", &new_id(), &text).await.status(), 201);
    }
    let (mut read, mut cursor) = (Vec::new(), start["cursor"].clone());
    loop {
        let page = server
            .json(&format!("/api/rooms/general/messages?limit=200&after={}", cursor.as_str().unwrap()))
            .await;
        assert!(page.to_string().len() < 300 * 1024);
        read.extend(
            page["messages"].as_array().unwrap().iter().map(|message| message["offset"].as_u64().unwrap()),
        );
        cursor = page["cursor"].clone();
        if page["more"] == false {
            break;
        }
    }
    assert_eq!(read, (1..=60).collect::<Vec<_>>());
    let newest = server.json("/api/rooms/general/messages?limit=200").await;
    let newest: Vec<_> =
        newest["messages"].as_array().unwrap().iter().map(|one| one["offset"].as_u64().unwrap()).collect();
    assert!(newest.len() < 60 && newest.last() == Some(&60), "{newest:?}");
}

#[tokio::test]
async fn a_reader_of_a_stream_can_be_seen_typing() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    let mut socket = bob.socket().await;
    socket.join("general", json!({})).await;
    let mut stream = alice.room_stream("general", "").await;
    let (_, joined) = stream.event().await;
    assert_eq!((&joined["type"], &joined["head"]), (&json!("joined"), &json!(0)));
    assert_eq!(alice.type_in("general").await.status(), 204);
    assert_eq!(socket.expect("typing").await["user"], "alice");
    assert_eq!(alice.post("general", &new_id(), "by request").await.status(), 201);
    assert_eq!(socket.texts(1).await, ["by request"]);
}

#[tokio::test]
async fn a_reader_that_stalls_is_closed_and_delays_nobody() {
    let server = TestServer::start_with(&["--write-timeout", "1s"]).await;
    // A small receive window, so that little is in transit when the reader stops reading.
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(64 * 1024).unwrap();
    let mut stalled =
        socket.connect(server.url.trim_start_matches("http://").parse().unwrap()).await.unwrap();
    let request = "GET /api/events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n";
    tokio::io::AsyncWriteExt::write_all(&mut stalled, request.as_bytes()).await.unwrap();
    server.expect_connections("stream", 1).await;
    let mut reader = server.stream("").await;
    reader.connected().await;
    let text = "x".repeat(3_900);
    let many = json!(vec![json!({ "text": text }); 15]);
    // More than the system's own buffers hold.
    for _ in 0..130 {
        let published = server.post("/api/events/ops").json(&many).send().await.unwrap();
        assert_eq!(published.status(), 201);
        assert_eq!(reader.texts(15).await.len(), 15);
    }
    server.expect_connections("stream", 1).await;
    // When it reads again, the data ends in the middle: its connection is gone.
    let mut rest = Vec::new();
    drop(in_time(stalled.read_to_end(&mut rest)).await);
    assert!(rest.len() < 130 * 15 * text.len(), "{} bytes", rest.len());
}

#[tokio::test]
async fn a_stop_tells_a_socket_when_to_come_back() {
    let server = TestServer::start().await;
    let mut socket = server.person("alice").await.socket().await;
    socket.is_alive().await;
    let stopped = tokio::spawn(server.stop());
    let reason = socket.close_reason().await;
    let after_ms: u64 = reason.strip_prefix("retry ").unwrap().parse().unwrap();
    assert!((1_000..6_000).contains(&after_ms), "{reason}");
    in_time(stopped).await.unwrap();
}

#[tokio::test]
async fn a_stream_that_asks_for_it_has_a_heartbeat_that_scripts_can_hear() {
    let server = TestServer::start().await;
    let mut stream = server.stream("?heartbeat=true").await;
    let cursor = stream.connected().await;
    let mut block = tokio::time::timeout(Duration::from_secs(20), stream.block()).await.unwrap().unwrap();
    assert_eq!((block.event.take().as_deref(), block.id), (Some("heartbeat"), Some(cursor)));
}
