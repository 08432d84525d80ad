//! The person's own log beside a room on the other transports: streams and polls with two cursors, and Socket.IO.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Block, Nodes, Person, SocketIo, Stream, TestServer, in_time, new_id, problem};

/// The next durable event of a stream, with its id: the cursors of both logs.
async fn durable(stream: &mut Stream) -> (String, Value) {
    loop {
        if let Block { id: Some(id), data: Some(data), .. } =
            stream.block().await.expect("the stream goes on")
        {
            return (id, data);
        }
    }
}

/// The types of the next durable events and their ids without the epochs.
async fn events(stream: &mut Stream, count: usize) -> Vec<(String, String)> {
    let mut events = Vec::new();
    while events.len() < count {
        let (id, data) = durable(stream).await;
        let offsets: Vec<_> = id.split(';').map(|cursor| cursor.split(':').nth(1).unwrap()).collect();
        events.push((data["type"].as_str().unwrap().to_owned(), offsets.join(";")));
    }
    events
}

fn expected<const N: usize>(events: [(&str, &str); N]) -> Vec<(String, String)> {
    events.map(|(kind, id)| (kind.to_owned(), id.to_owned())).to_vec()
}

impl Person {
    async fn level(&self, level: &str) {
        assert_eq!(self.marked(json!({ "kind": "level", "level": level })).await.0, 201);
    }

    async fn resumed(&self, query: &str, id: &str) -> Stream {
        let request = self.get(&format!("/api/rooms/general/events{query}"));
        Stream::open(request.header("last-event-id", id)).await
    }
}

#[tokio::test]
async fn a_stream_of_two_logs_has_both_cursors_and_resumes_both() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    bob.says(&["1"]).await;
    let mut stream = alice.room_stream("general", "?follow=true").await;
    assert_eq!(events(&mut stream, 2).await, expected([("joined", "1;0"), ("followed", "1;0")]));
    alice.level("nothing").await;
    assert_eq!(events(&mut stream, 1).await, expected([("mark", "1;1")]));
    bob.says(&["2"]).await;
    let (id, message) = durable(&mut stream).await;
    assert_eq!((&message["type"], &message["text"]), (&json!("message"), &json!("2")));
    drop(stream);

    bob.says(&["3"]).await;
    alice.level("mentions").await;
    // The address is the old one: a browser repeats it, and the header is newer.
    let mut resumed = alice.resumed("?follow=true", &id).await;
    let all = events(&mut resumed, 4).await;
    assert_eq!(all, expected([("joined", "2;1"), ("followed", "2;1"), ("message", "3;1"), ("mark", "3;2")]));
    bob.changes(3, "delete").await;
    assert_eq!(events(&mut resumed, 1).await, expected([("message-changed", "4;2")]));

    let (room, user) = id.split_once(';').unwrap();
    let mut by_query = alice.room_stream("general", &format!("?after={room}&user_after={user}")).await;
    let all = events(&mut by_query, 5).await;
    assert_eq!(all[2..], expected([("message", "3;1"), ("message-changed", "4;1"), ("mark", "4;2")])[..]);
    let mut plain = alice.room_stream("general", "").await;
    assert_eq!(events(&mut plain, 1).await, expected([("joined", "4")]), "as before for who does not ask");
}

#[tokio::test]
async fn each_log_of_a_stream_is_reset_by_itself() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    bob.says(&["1", "2"]).await;
    alice.level("nothing").await;
    let (room, user) = (format!("{}:1", super::epoch(&server).await), alice.state().await["cursor"].clone());
    let user = user.as_str().unwrap();
    let mut lost_user = alice.resumed("?follow=1", &format!("{room};lost:7")).await;
    let all = events(&mut lost_user, 5).await;
    let kinds =
        [("joined", "1;7"), ("followed", "1;7"), ("user-reset", "1;0"), ("message", "2;0"), ("mark", "2;1")];
    assert_eq!(all, expected(kinds));
    let mut lost_room = alice.resumed("?follow=1", &format!("lost:9;{user}")).await;
    let all = events(&mut lost_room, 5).await;
    let kinds =
        [("joined", "9;1"), ("reset", "0;1"), ("followed", "0;1"), ("message", "1;1"), ("message", "2;1")];
    assert_eq!(all, expected(kinds));
    for (query, code) in [("?follow=1&user_after=x", "bad_cursor"), ("?follow=maybe", "bad_request")] {
        let answer = alice.get(&format!("/api/rooms/general/events{query}")).send().await.unwrap();
        assert_eq!(problem(answer, 400).await, code, "{query}");
    }
    let broken = alice.get("/api/rooms/general/events?follow=1").header("last-event-id", format!("{room};"));
    assert_eq!(problem(broken.send().await.unwrap(), 400).await, "bad_cursor");
    let unasked = alice.get("/api/rooms/general/events").header("last-event-id", format!("{room};{user}"));
    assert_eq!(problem(unasked.send().await.unwrap(), 400).await, "bad_cursor");
    let anonymous = server.get("/api/rooms/general/events?follow=1").send().await.unwrap();
    assert_eq!(problem(anonymous, 401).await, "no_session");
}

impl Person {
    async fn poll(&self, query: &str) -> Value {
        let answer = self.get(&format!("/api/rooms/general/messages?{query}")).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{query}");
        answer.json().await.unwrap()
    }
}

#[tokio::test]
async fn a_poll_waits_for_either_log_and_has_both_cursors() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    bob.says(&["1"]).await;
    let first = alice.poll("user_after=none:0").await;
    assert_eq!((&first["marks"], &first["user_cursor"]), (&json!([]), &json!("none:0")));
    let mut cursors = (first["cursor"].clone(), first["user_cursor"].clone());
    for (seen, n) in [("", 1), ("&seen=", 2)] {
        // With `seen` the first answer has the presence.
        let asked = |cursors: &(Value, Value), seen: &str| {
            let (room, user) = (cursors.0.as_str().unwrap(), cursors.1.as_str().unwrap());
            format!("after={room}&user_after={user}&wait=25{seen}")
        };
        let seen = match seen {
            "" => String::new(),
            _ => format!("&seen={}", alice.poll(&asked(&cursors, "&seen=")).await["seen"].as_str().unwrap()),
        };
        let waits = |query: String| {
            let person = alice.at(&server);
            tokio::spawn(async move { in_time(person.poll(&query)).await })
        };
        let poll = waits(asked(&cursors, &seen));
        server.expect_connections("poll", 1).await;
        alice.level(["nothing", "mentions"][n % 2]).await;
        let marked = poll.await.unwrap();
        assert_eq!((&marked["messages"], &marked["marks"][0]["offset"]), (&json!([]), &json!(n)), "{marked}");
        assert_eq!(marked["marks"][0]["type"], "mark");
        assert_eq!(marked["cursor"], cursors.0, "the room's stays");
        cursors.1 = marked["user_cursor"].clone();

        let poll = waits(asked(&cursors, &seen));
        server.expect_connections("poll", 1).await;
        bob.says(&["more"]).await;
        let said = poll.await.unwrap();
        assert_eq!((&said["messages"][0]["text"], &said["marks"]), (&json!("more"), &json!([])));
        assert_eq!(said["user_cursor"], cursors.1);
        cursors.0 = said["cursor"].clone();
    }
    let both = alice.poll("after=lost:1&user_after=lost:1").await;
    assert_eq!(
        (&both["reset"], &both["user_reset"], both["marks"].as_array().unwrap().len()),
        (&json!(true), &json!(true), 2)
    );
    let user = cursors.1.as_str().unwrap();
    let one = alice.poll(&format!("after=lost:1&user_after={user}")).await;
    assert_eq!((&one["reset"], &one["user_reset"]), (&json!(true), &json!(false)));
    for (query, code) in [
        ("user_after=x", "bad_cursor"),
        ("follow=1", "bad_request"),
        ("thread=1&user_after=e:1", "bad_request"),
    ] {
        let answer = alice.get(&format!("/api/rooms/general/messages?{query}")).send().await.unwrap();
        assert_eq!(problem(answer, 400).await, code, "{query}");
    }
    let anonymous = server.get("/api/rooms/general/messages?user_after=none:0").send().await.unwrap();
    assert_eq!(problem(anonymous, 401).await, "no_session");
    assert_eq!(alice.poll("").await.get("marks"), None, "as before for who does not ask");
}

#[tokio::test]
async fn a_poll_whose_wait_is_over_has_neither() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    let cursor = alice.poll("").await["cursor"].as_str().unwrap().to_owned();
    let since = std::time::Instant::now();
    let answer = alice.poll(&format!("after={cursor}&user_after=none:0&wait=1")).await;
    assert!(since.elapsed() >= Duration::from_secs(1));
    assert_eq!(
        (&answer["messages"], &answer["marks"], &answer["user_cursor"]),
        (&json!([]), &json!([]), &json!("none:0"))
    );
}

#[tokio::test]
async fn a_client_of_socket_io_marks_and_follows() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    bob.says(&["1", "2"]).await;
    let token = alice.session.token.clone();
    let mut client = SocketIo::open(&server.url, Some(&token)).await.unwrap();
    let followed = client.ask("follow", json!(null)).await;
    assert_eq!(followed, json!({ "epoch": "none", "offset": 0, "head": 0, "cursor": "none:0" }));
    let id = new_id();
    let mark = json!({ "id": id, "kind": "read", "room": "general", "offset": 1 });
    let marked = client.ask("mark", mark.clone()).await;
    assert_eq!((&marked["id"], &marked["offset"]), (&json!(id), &json!(1)));
    let heard = client.expect("mark").await.remove(0);
    assert_eq!(
        (&heard["room"], &heard["read"], &heard["offset"]),
        (&json!("general"), &marked["read"], &json!(1))
    );
    assert_eq!(client.ask("mark", mark).await["offset"], 1);
    let again =
        client.ask("mark", json!({ "id": new_id(), "kind": "read", "room": "general", "offset": 1 })).await;
    assert_eq!((again.get("offset"), &again["read"]), (None, &marked["read"]), "nothing changed");
    alice.level("nothing").await;
    assert_eq!(client.expect("mark").await[0]["level"], "nothing");

    let mut other = SocketIo::open(&server.url, Some(&token)).await.unwrap();
    let epoch = heard["epoch"].as_str().unwrap();
    let followed = other.ask("follow", json!({ "after": format!("{epoch}:1") })).await;
    assert_eq!((&followed["offset"], &followed["head"]), (&json!(1), &json!(2)));
    assert_eq!(other.expect("mark").await[0]["offset"], 2);
    other.ask("follow", json!({ "after": "lost:9" })).await;
    assert_eq!(
        other.expect("user-reset").await[0],
        json!({ "epoch": epoch, "offset": 0, "cursor": format!("{epoch}:0") })
    );
    assert_eq!(other.expect("mark").await[0]["offset"], 1);
    assert_eq!(other.refused("follow", json!({ "after": "nonsense" })).await, "bad_cursor");
    assert_eq!(
        other
            .refused("mark", json!({ "id": new_id(), "kind": "read", "room": "general", "offset": 99 }))
            .await,
        "unknown_message"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_and_a_poll_hear_of_marks_at_another_node() {
    let nodes = Nodes::start(2).await;
    let alice = nodes.person("alice").await;
    let here = alice.at(nodes.node(0));
    let mut stream = alice.at(nodes.node(1)).room_stream("general", "?follow=true").await;
    assert_eq!(events(&mut stream, 2).await[1].0, "followed");
    let cursor = here.poll("").await["cursor"].as_str().unwrap().to_owned();
    let there = alice.at(nodes.node(1));
    let query = format!("after={cursor}&user_after=none:0&wait=25");
    let poll = tokio::spawn(async move { in_time(there.poll(&query)).await });
    nodes.node(1).expect_connections("poll", 1).await;
    let mark = json!({ "id": new_id(), "kind": "level", "room": "general", "level": "nothing" });
    assert_eq!(here.send(Method::POST, "/api/user/marks", &mark).await.status(), 201);
    assert_eq!(poll.await.unwrap()["marks"][0]["level"], "nothing");
    let (_, heard) = durable(&mut stream).await;
    assert_eq!((&heard["type"], &heard["level"]), (&json!("mark"), &json!("nothing")));
}
