//! Socket.IO beside the other transports: the same rooms, the same promise, the same limits. The stories of the
//! official client are in `end2end/tests/socket_io.spec.ts`.

use futures_util::{SinkExt, future::join_all};
use idobata::protocol::{chat::NewMessage, name::RoomId, socket_io::FEED_NAMESPACE};
use reqwest::Method;
use serde_json::{Value, json};
use tokio_tungstenite::{
    connect_async,
    tungstenite::{
        Error, Message,
        protocol::frame::{
            Frame,
            coding::{Data, OpCode},
        },
    },
};

use crate::support::{DEADLINE, Person, SocketIo, TestServer, in_time, new_id, problem};

async fn enter(server: &TestServer, person: &Person) -> SocketIo {
    SocketIo::open(&server.url, Some(&person.session.token)).await.unwrap()
}

/// Posts `count` messages of `bytes` bytes each to `general` at once.
async fn talk(server: &TestServer, person: &Person, count: usize, bytes: usize) {
    let (room, text) = (RoomId::parse("general").unwrap(), "x".repeat(bytes));
    let who = server.state.auth.identify(&person.session.token).await.unwrap().unwrap();
    let post = |_| async {
        let (room, text) = (room.clone(), text.clone());
        let message = NewMessage { id: new_id(), text, ..NewMessage::default() };
        server.state.chat.post(&room, &who, message).await.unwrap();
    };
    join_all((0..count).map(post)).await;
}

#[tokio::test]
async fn a_room_is_one_for_socket_io_and_the_chat_socket() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    let mut page = bob.socket().await;
    page.join("general", json!({})).await;
    let mut client = enter(&server, &alice).await;
    let joined = client.join("general", json!({})).await;
    assert_eq!(joined["recovered"], true);
    assert_eq!(joined["cursor"], format!("{}:0", joined["epoch"].as_str().unwrap()));
    assert_eq!(joined["members"].as_array().unwrap().len(), 2, "{joined}");
    let came = page.expect("user-joined").await;
    assert_eq!((&came["user"], &came["user_id"]), (&json!("alice"), &json!(alice.session.user.id)));

    let id = new_id();
    let said = json!({ "room": "general", "text": "from Socket.IO", "id": id, "user": "bob" });
    let posted = client.ask("message", said.clone()).await;
    assert_eq!((&posted["offset"], &posted["id"]), (&json!(1), &json!(id)));
    assert_eq!(client.ask("message", said).await, posted, "said again it is stored once");
    let message = page.expect("message").await;
    assert_eq!((&message["text"], &message["user"]), (&json!("from Socket.IO"), &json!("alice")));
    page.post("general", "from a page").await;
    for (offset, text, user) in [(1, "from Socket.IO", &alice), (2, "from a page", &bob)] {
        let [message] = client.expect("message").await.try_into().unwrap();
        assert_eq!(message["text"], text);
        assert_eq!(message["offset"], offset);
        assert_eq!(message["epoch"], joined["epoch"]);
        assert_eq!(message["room"], "general");
        assert_eq!(message["user_id"], json!(user.session.user.id));
        assert!(message["timestamp"].is_i64() && message["id"].is_string(), "{message}");
    }

    page.send(json!({ "type": "typing", "room": "general" })).await;
    assert_eq!(client.expect("typing").await[0]["user"], "bob");
    assert_eq!(page.expect("typing").await["user"], "bob");
    client.tell("typing", json!("general")).await;
    assert_eq!(page.expect("typing").await["user"], "alice");
    page.send(json!({ "type": "leave", "room": "general" })).await;
    let bobs_id = json!(bob.session.user.id);
    let left = client.expect("user-left").await;
    assert_eq!(left, [bobs_id.clone(), json!({ "room": "general", "user": "bob", "user_id": bobs_id })]);
    page.join("general", json!({})).await;
    assert_eq!(
        client.expect("user-joined").await[0],
        bobs_id,
        "the seed's: an id and nothing else before it"
    );
    drop(client);
    assert_eq!(page.expect("user-left").await["user"], "alice", "who is cut off has left");
}

#[tokio::test]
async fn a_client_resumes_from_its_cursor_and_is_told_what_it_cannot_have() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    let mut client = enter(&server, &alice).await;
    let joined = client.join("general", json!({})).await;
    talk(&server, &alice, 300, 10).await;
    let epoch = joined["epoch"].as_str().unwrap();
    assert_eq!(client.offsets_to(300).await, (1..=300).collect::<Vec<_>>());
    drop(client);
    talk(&server, &alice, 300, 10).await;
    let mut client = enter(&server, &alice).await;
    let joined = client.join("general", json!({ "after": format!("{epoch}:290") })).await;
    assert_eq!((&joined["recovered"], &joined["head"]), (&json!(true), &json!(600)));
    assert_eq!(client.offsets_to(600).await, (291..=600).collect::<Vec<_>>());
    let joined = client.join("general", json!({ "last": 5 })).await;
    assert_eq!(joined["offset"], 595);
    assert_eq!(client.offsets_to(600).await, (596..=600).collect::<Vec<_>>());
    let joined = client.join("general", json!({ "after": "elsewhere:7" })).await;
    assert_eq!(joined["recovered"], false);
    let (name, reset) = client.next().await.unwrap();
    assert_eq!((name.as_str(), &reset[0]["cursor"]), ("reset", &json!(format!("{epoch}:0"))));
    assert_eq!(client.offsets_to(600).await, (1..=600).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_client_that_does_not_read_costs_nobody_and_gets_everything_when_it_does() {
    const MESSAGES: usize = 1_000;
    // The machine may need longer for them than the default time that a client may go without reading.
    let server = TestServer::start_with(&["--write-timeout", "10m"]).await;
    let alice = server.person("alice").await;
    let mut slow = SocketIo::open_narrow(&server.url, &alice.session.token).await;
    let mut quick = enter(&server, &alice).await;
    slow.join("general", json!({})).await;
    quick.join("general", json!({})).await;
    let everything: Vec<_> = (1..=MESSAGES as u64).collect();
    let talking = talk(&server, &alice, MESSAGES, 3_900);
    let (offsets, ()) = tokio::join!(quick.offsets_to(MESSAGES as u64), talking);
    assert_eq!(offsets, everything);
    let delivered = server.metric("idobata_deliveries_total ").await;
    assert!(
        delivered < 2 * MESSAGES as u64,
        "the slow one's share is still in the log, else this shows nothing"
    );
    assert_eq!(slow.offsets_to(MESSAGES as u64).await, everything);
}

#[tokio::test]
async fn bad_input_is_refused_by_its_code_and_nothing_is_stored() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    let mut witness = enter(&server, &bob).await;
    witness.join("general", json!({})).await;
    let mut client = enter(&server, &alice).await;
    client.join("general", json!({})).await;
    let text = |text: Value| json!({ "room": "general", "text": text });
    for (name, data, code) in [
        ("message", Value::Null, "bad_frame"),
        ("message", json!("hello"), "bad_frame"),
        ("message", json!(["general", "hello"]), "bad_frame"),
        ("message", json!({ "text": "hello" }), "bad_frame"),
        ("message", json!({ "room": "general" }), "bad_frame"),
        ("message", json!({ "room": ["general"], "text": "hello" }), "bad_frame"),
        ("message", text(json!({ "text": "hello" })), "bad_frame"),
        ("message", text(json!("  ")), "text_empty"),
        ("message", text(json!("x".repeat(5_000))), "text_too_long"),
        ("message", text(json!("x".repeat(200_000))), "text_too_long"),
        ("message", json!({ "room": "general", "text": "hello", "id": "no uuid" }), "bad_id"),
        ("message", json!({ "room": "nowhere", "text": "hello" }), "unknown_room"),
        ("join-room", json!(7), "bad_frame"),
        ("join-room", json!("nowhere"), "unknown_room"),
        ("join-room", json!({ "room": "general", "after": "yesterday" }), "bad_cursor"),
        ("join-room", json!({ "room": "general", "last": -1 }), "bad_frame"),
        ("leave-room", json!("tech"), "not_joined"),
        ("typing", json!("tech"), "not_joined"),
        ("shout", json!("general"), "unknown_frame"),
    ] {
        let shown = data.to_string().chars().take(60).collect::<String>();
        assert_eq!(client.refused(name, data.clone()).await, code, "{name} {shown}");
        client.tell(name, data).await;
        let (heard, rejected) = client.next().await.unwrap();
        assert_eq!((heard.as_str(), &rejected[0]["code"]), ("rejected", &json!(code)), "{name} {shown}");
    }
    // An event without an argument, and one with binary data.
    client.say("2[\"message\"]").await;
    assert_eq!(client.next().await.unwrap().1[0]["code"], "bad_frame");
    assert_eq!(client.ask("message", text(json!("and it goes on"))).await["offset"], 1);
    assert_eq!(witness.offsets_to(1).await, [1], "nothing else was stored, and nobody else was bothered");
    let rooms = ["tech", "random"].map(|room| json!({ "room": room }));
    for room in rooms {
        assert_eq!(client.ask("join-room", room).await["offset"], 0);
    }
    // A malformed or oversized packet ends the connection of its sender.
    for broken in ["2[\"message\"", "9", "2{}"] {
        let mut client = enter(&server, &alice).await;
        client.say(broken).await;
        assert!(client.next().await.is_none(), "{broken}");
    }
    let mut client = enter(&server, &alice).await;
    client.say(&format!("2{}", json!(["message", text(json!("x".repeat(300_000)))]))).await;
    assert!(client.next().await.is_none());
    assert_eq!(witness.ask("message", text(json!("still here"))).await["offset"], 2);
}

#[tokio::test]
async fn the_hundred_and_first_message_is_refused_with_the_time_to_wait() {
    let server = TestServer::start_limited(&["--limit-messages", "100/10m"]).await;
    let alice = server.person("alice").await;
    let mut client = enter(&server, &alice).await;
    let message = json!({ "room": "general", "text": "hello" });
    for offset in 1..=100 {
        assert_eq!(client.ask("message", message.clone()).await["offset"], offset);
    }
    let refused = client.ask("message", message.clone()).await;
    assert_eq!(refused["error"]["code"], "too_many_requests");
    let wait_ms = refused["error"]["retry_after_ms"].as_u64().unwrap();
    assert!((1..=6_000).contains(&wait_ms), "{wait_ms}");
    client.tell("message", message).await;
    assert!(client.next().await.unwrap().1[0]["retry_after_ms"].is_u64());
    assert_eq!(client.join("general", json!({})).await["head"], 100);
}

#[tokio::test]
async fn after_the_removal_from_a_room_nothing_arrives() {
    let server = TestServer::start_with(&["--auth", "accounts"]).await;
    let (alice, bob) = (server.account("alice").await, server.account("bob").await);
    let made = alice.send(Method::POST, "/api/rooms", &json!({ "name": "Secret", "private": true })).await;
    assert_eq!(made.status(), 201);
    let added = alice.send(Method::POST, "/api/rooms/secret/members", &json!({ "name": "bob" })).await;
    assert_eq!(added.status(), 201);
    let mut client = enter(&server, &bob).await;
    client.join("secret", json!({})).await;
    let path = format!("/api/rooms/secret/members/{}", bob.session.user.id);
    assert_eq!(alice.send(Method::DELETE, &path, &json!(null)).await.status(), 204);
    assert_eq!(alice.post("secret", &new_id(), "bob must not read this").await.status(), 201);
    let (name, rejected) = client.next().await.unwrap();
    assert_eq!((name.as_str(), &rejected[0]["code"]), ("rejected", &json!("unknown_room")));
    assert_eq!(rejected[0]["room"], "secret");
    let message = json!({ "room": "secret", "text": "still here?" });
    assert_eq!(client.refused("message", message).await, "unknown_room");
    assert_eq!(client.refused("join-room", json!("secret")).await, "unknown_room");
    client.join("general", json!({})).await;
    client.ask("message", json!({ "room": "general", "text": "the last" })).await;
    let (name, message) = client.next().await.unwrap();
    assert_eq!(
        (name.as_str(), &message[0]["text"]),
        ("message", &json!("the last")),
        "and nothing before it"
    );
}

#[tokio::test]
async fn a_session_that_ends_takes_its_connections_along_and_says_why() {
    let server = TestServer::start_with(&["--auth", "accounts"]).await;
    let alice = server.account("alice").await;
    let (phone, desk) = (server.signed_in("alice").await, server.signed_in("alice").await);
    let mut ends = enter(&server, &phone).await;
    let auth = json!({ "token": phone.session.token });
    let mut feed = SocketIo::enter(&server.url, FEED_NAMESPACE, &auth).await.unwrap();
    feed.expect("connected").await;
    let mut stays = enter(&server, &desk).await;
    for client in [&mut ends, &mut stays] {
        client.join("general", json!({})).await;
    }
    assert_eq!(phone.send(Method::DELETE, "/api/session", &json!(null)).await.status(), 204);
    for client in [&mut ends, &mut feed] {
        let (name, rejected) = client.next().await.unwrap();
        assert_eq!((name.as_str(), &rejected[0]["code"]), ("rejected", &json!("no_session")));
        assert!(client.next().await.is_none());
    }
    assert_eq!(alice.post("general", &new_id(), "hello").await.status(), 201);
    assert_eq!(stays.offsets_to(1).await, [1]);
}

#[tokio::test]
async fn the_feed_is_followed_from_a_cursor_and_by_channel() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    for text in ["one", "two", "three"] {
        server.publish("ops", text).await;
    }
    let follow = async |more: Value| {
        let mut auth = json!({ "token": alice.session.token });
        auth.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        SocketIo::enter(&server.url, FEED_NAMESPACE, &auth).await
    };
    let mut feed = follow(json!({ "last": 2 })).await.unwrap();
    assert_eq!(feed.expect("connected").await[0]["head"], 3);
    assert_eq!(feed.expect("event").await[0]["text"], "two");
    let [three] = feed.expect("event").await.try_into().unwrap();
    assert_eq!(
        (&three["channel"], &three["offset"], &three["type"]),
        (&json!("ops"), &json!(3), &json!("notification"))
    );
    drop(feed);
    server.publish("other", "four").await;
    server.publish("ops", "five").await;
    let mut feed = follow(json!({ "after": three["cursor"], "channels": ["ops"] })).await.unwrap();
    assert_eq!(feed.expect("connected").await[0]["recovered"], true);
    assert_eq!(feed.expect("event").await[0]["text"], "five");
    server.publish("ops", "six").await;
    assert_eq!(feed.expect("event").await[0]["text"], "six");
    let mut lost = follow(json!({ "after": "elsewhere:1" })).await.unwrap();
    assert_eq!(lost.expect("connected").await[0]["recovered"], false);
    let cursor = lost.expect("reset").await[0]["cursor"].clone();
    assert!(cursor.as_str().unwrap().ends_with(":0"), "{cursor}");
    assert_eq!(lost.expect("event").await[0]["text"], "one");
    let refused = follow(json!({ "after": "yesterday" })).await.err();
    assert_eq!(refused.as_deref(), Some("A cursor is written epoch:offset."));
    assert!(follow(json!({ "channels": "ops" })).await.err().unwrap().contains("channels"));
}

#[tokio::test]
async fn a_limited_channel_comes_and_goes_with_the_right_to_read_it() {
    let server = TestServer::start_with(&["--auth", "accounts"]).await;
    let (alice, bob) = (server.account("alice").await, server.account("bob").await);
    let channels = server.state.rights.channels();
    let publish = async |channel: &str, text: &str| {
        let body = serde_json::from_value(json!({ "type": "notification", "text": text })).unwrap();
        let publication = idobata::protocol::publication::Publication::new(body).unwrap();
        server.state.feed.publish(channel, "test", vec![publication], None).await.unwrap();
    };
    let mut feed =
        SocketIo::enter(&server.url, FEED_NAMESPACE, &json!({ "token": bob.session.token })).await.unwrap();
    feed.expect("connected").await;
    publish("pay", "for all").await;
    assert_eq!(feed.expect("event").await[0]["text"], "for all");
    channels.limit("pay", vec![alice.session.user.clone()]).await.unwrap();
    publish("pay", "for alice").await;
    publish("ops", "one").await;
    assert_eq!(feed.expect("event").await[0]["text"], "one", "the connection goes on without the channel");
    channels.limit("pay", vec![bob.session.user.clone()]).await.unwrap();
    publish("pay", "for bob").await;
    assert_eq!(feed.expect("event").await[0]["text"], "for bob");
    let auth = json!({ "token": alice.session.token, "last": 5 });
    let mut of_alice = SocketIo::enter(&server.url, FEED_NAMESPACE, &auth).await.unwrap();
    assert_eq!(
        of_alice.expect("connected").await[0]["head"],
        3,
        "she has caught up with what is there for her"
    );
    assert_eq!(of_alice.expect("event").await[0]["text"], "one");
}

#[tokio::test]
async fn pages_of_other_sites_are_kept_out_on_both_transports() {
    let allowed = "https://board.example";
    let server = TestServer::start_with(&["--allow-origin", allowed]).await;
    let alice = server.person("alice").await;
    let cookie = format!("idobata_session={}", alice.session.token);
    let poll = |origin| {
        let request = server.get("/socket.io/?EIO=4&transport=polling").header("cookie", &cookie);
        request.header("origin", origin).send()
    };
    assert_eq!(problem(poll("https://evil.example").await.unwrap(), 403).await, "bad_origin");
    let answer = poll(allowed).await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["access-control-allow-origin"]),
        (200, &allowed.parse().unwrap())
    );
    assert!(answer.headers().contains_key("x-content-type-options"));
    let say =
        server.post("/socket.io/?EIO=4&transport=polling&sid=x").header("origin", "https://evil.example");
    assert_eq!(problem(say.send().await.unwrap(), 403).await, "bad_origin");

    let request = |origin: Option<&str>| {
        let mut request = SocketIo::request(&server.url, "");
        request.headers_mut().insert("cookie", cookie.parse().unwrap());
        if let Some(origin) = origin {
            request.headers_mut().insert("origin", origin.parse().unwrap());
        }
        request
    };
    let refused = connect_async(request(Some("https://evil.example"))).await.err().unwrap();
    assert!(matches!(&refused, Error::Http(response) if response.status() == 403), "{refused}");
    // A page of an allowed origin cannot use its visitor's cookie; our own pages can.
    let refused = SocketIo::enter_by(request(Some(allowed)), "/", &json!({})).await.err();
    assert_eq!(refused.as_deref(), Some("Authentication error"));
    let mut own = SocketIo::enter_by(request(Some(&server.url)), "/", &json!({})).await.unwrap();
    assert_eq!(own.join("general", json!({})).await["members"][0]["name"], "alice");
}

#[tokio::test]
async fn a_connection_of_another_node_and_what_is_too_large_are_answered_clearly() {
    let server = TestServer::start().await;
    let foreign = "AAAAAAAAAAAAAAHs";
    let path = format!("/socket.io/?EIO=4&transport=polling&sid={foreign}");
    for request in [server.get(&path), server.post(&path).body("3")] {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 400);
        assert_eq!(answer.json::<Value>().await.unwrap()["message"], "Session ID unknown");
    }
    let request = SocketIo::request(&server.url, &format!("&sid={foreign}"));
    let refused = connect_async(request).await.err().unwrap();
    assert!(matches!(&refused, Error::Http(response) if response.status() == 400), "{refused}");

    let opened =
        server.get("/socket.io/?EIO=4&transport=polling").send().await.unwrap().text().await.unwrap();
    let opened: Value = serde_json::from_str(opened.strip_prefix('0').unwrap()).unwrap();
    let path = format!("/socket.io/?EIO=4&transport=polling&sid={}", opened["sid"].as_str().unwrap());
    let large = "4".repeat(opened["maxPayload"].as_u64().unwrap() as usize + 1);
    assert_eq!(server.post(&path).body(large).send().await.unwrap().status(), 413);
}

#[tokio::test]
async fn connections_are_counted_by_person_and_address_and_until_they_end() {
    let limits = ["--max-connections-per-person", "2", "--max-connections-per-address", "4"];
    let server = TestServer::start_limited(&limits).await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    let first = enter(&server, &alice).await;
    let _second = enter(&server, &alice).await;
    let refused = SocketIo::open(&server.url, Some(&alice.session.token)).await.err().unwrap();
    assert!(refused.contains("--max-connections-per-person"), "{refused}");
    let _other = enter(&server, &bob).await;
    let poll = || server.get("/socket.io/?EIO=4&transport=polling").send();
    // The rejected one may still be counted.
    in_time(async {
        while server.metric("idobata_connections{kind=\"socket_io\"}").await < 4 {
            poll().await.unwrap();
        }
    })
    .await;
    assert_eq!(problem(poll().await.unwrap(), 429).await, "too_many_requests");
    drop(first);
    in_time(async {
        while server.metric("idobata_connections{kind=\"socket_io\"}").await == 4 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    enter(&server, &alice).await;
}

#[tokio::test]
async fn the_end_of_the_server_ends_sockets_and_waiting_polls() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    let mut client = enter(&server, &alice).await;
    client.join("general", json!({})).await;
    let path = "/socket.io/?EIO=4&transport=polling";
    let opened = server.get(path).send().await.unwrap().text().await.unwrap();
    let opened: Value = serde_json::from_str(opened.strip_prefix('0').unwrap()).unwrap();
    let path = format!("{path}&sid={}", opened["sid"].as_str().unwrap());
    // The engine sends a ping at once.
    assert_eq!(server.get(&path).send().await.unwrap().text().await.unwrap(), "2");
    let poll = tokio::spawn(server.get(&path).send());
    // The poll reaches the server before this request: it was sent first, on an open connection, and the server has one
    // thread here.
    server.expect_connections("socket_io", 2).await;
    let began = std::time::Instant::now();
    server.stop().await;
    assert!(client.next().await.is_none());
    let last = in_time(poll).await.unwrap().unwrap();
    assert_eq!(last.text().await.unwrap(), "1", "Engine.IO's close");
    assert!(began.elapsed() < DEADLINE / 4, "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_message_in_parts_without_end_ends_the_connection() {
    let server = TestServer::start().await;
    let url = format!("{}/socket.io/?EIO=4&transport=websocket", server.url.replace("http://", "ws://"));
    let (mut socket, _) = in_time(connect_async(url)).await.unwrap();
    let part = |kind| Message::Frame(Frame::message(Vec::new(), OpCode::Data(kind), false));
    socket.send(part(Data::Text)).await.unwrap();
    in_time(async { while socket.send(part(Data::Continue)).await.is_ok() {} }).await;
    server.expect_connections("socket_io", 0).await;
}
