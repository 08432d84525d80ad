//! The chat over its socket and over HTTP.

use serde_json::{Value, json};

use crate::support::{Socket, Stream, TestServer, new_id};

#[tokio::test]
async fn a_new_installation_has_the_three_rooms() {
    let server = TestServer::start().await;
    let rooms = server.json("/api/rooms").await;
    assert_eq!(
        rooms,
        json!([{ "id": "general", "name": "general" }, { "id": "tech", "name": "tech" }, { "id": "random", "name": "random" }])
    );
}

#[tokio::test]
async fn a_post_is_acknowledged_and_reaches_everybody_in_the_room() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    let (mut a, mut b) = (alice.socket().await, bob.socket().await);
    let joined = a.join("general", json!({})).await;
    assert_eq!((&joined["offset"], &joined["recovered"]), (&json!(0), &json!(true)));
    b.join("general", json!({})).await;
    let id = a.post("general", "hello").await;
    let posted = a.expect("posted").await;
    assert_eq!(
        (&posted["room"], &posted["id"], &posted["offset"]),
        (&json!("general"), &json!(id), &json!(1))
    );
    let message = b.expect("message").await;
    let expected = json!({
        "type": "message", "room": "general", "offset": 1, "id": id, "user": "alice",
        "user_id": alice.session.user.id, "text": "hello", "timestamp": posted["timestamp"],
    });
    assert_eq!(message, expected);
    assert_eq!(a.expect("message").await, expected, "the author reads what everybody reads");
}

#[tokio::test]
async fn who_speaks_comes_from_the_session_never_from_the_frame() {
    let server = TestServer::start().await;
    let (eve, alice) = (server.person("eve").await, server.person("alice").await);
    let mut socket = eve.socket().await;
    socket.join("general", json!({})).await;
    socket
        .send(json!({
            "type": "post", "room": "general", "id": new_id(), "text": "it was me",
            "user": "alice", "user_id": alice.session.user.id,
        }))
        .await;
    let message = socket.expect("message").await;
    assert_eq!((&message["user"], &message["user_id"]), (&json!("eve"), &json!(eve.session.user.id)));
    let body = json!({ "id": new_id(), "text": "again", "user": "alice", "user_id": alice.session.user.id });
    let stored: Value = eve.post_body("general", &body).await.json().await.unwrap();
    assert_eq!(stored["user"], "eve");
}

#[tokio::test]
async fn posting_the_same_id_again_returns_the_first_entry() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    let mut socket = alice.socket().await;
    socket.join("general", json!({})).await;
    let id = new_id();
    let frame = |text: &str| json!({ "type": "post", "room": "general", "id": id, "text": text });
    socket.send(frame("first")).await;
    let first = socket.expect("posted").await;
    socket.send(frame("second")).await;
    assert_eq!(socket.expect("posted").await, first);
    let over_http = alice.post("general", &id, "third").await;
    assert_eq!(over_http.status(), 200);
    let stored: Value = over_http.json().await.unwrap();
    assert_eq!((&stored["text"], &stored["offset"]), (&json!("first"), &first["offset"]));
    // The same id from another user is another message.
    assert_eq!(server.person("bob").await.post("general", &id, "mine").await.status(), 201);
    let page = server.json("/api/rooms/general/messages").await;
    assert_eq!(page["messages"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_join_replays_what_the_cursor_lacks() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    for n in 1..=5 {
        assert_eq!(alice.post("general", &new_id(), &n.to_string()).await.status(), 201);
    }
    let mut socket = alice.socket().await;
    let joined = socket.join("general", json!({ "last": 2 })).await;
    assert_eq!(joined["offset"], 3);
    assert_eq!(socket.texts(2).await, ["4", "5"]);
    let after = format!("{}:1", joined["epoch"].as_str().unwrap());
    let joined = socket.join("general", json!({ "after": after })).await;
    assert_eq!((&joined["offset"], &joined["recovered"]), (&json!(1), &json!(true)));
    assert_eq!(socket.texts(4).await, ["2", "3", "4", "5"]);
    socket.join("general", json!({})).await;
    socket.post("general", "6").await;
    assert_eq!(socket.texts(1).await, ["6"], "without a cursor only what is new");
}

#[tokio::test]
async fn a_join_with_a_lost_cursor_is_reset_and_goes_on() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    alice.post("general", &new_id(), "kept").await;
    let mut socket = alice.socket().await;
    let joined = socket.join("general", json!({ "after": "anotherepoch:7" })).await;
    assert_eq!(joined["recovered"], false);
    let reset = socket.frame().await;
    assert_eq!(reset, json!({ "type": "reset", "room": "general", "epoch": joined["epoch"], "offset": 0 }));
    assert_eq!(socket.texts(1).await, ["kept"]);
}

#[tokio::test]
async fn people_in_a_room_are_listed_and_their_moves_are_told() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    let mut a = alice.socket().await;
    assert_eq!(a.join("general", json!({})).await["members"], json!([alice.session.user]));
    let mut b = bob.socket().await;
    assert_eq!(b.join("general", json!({})).await["members"].as_array().unwrap().len(), 2);
    let told = |kind: &str| json!({ "type": kind, "room": "general", "user": "bob", "user_id": bob.session.user.id });
    assert_eq!(a.frame().await, told("user-joined"));
    // A second window of the same user changes nothing in the presence; nor does closing it.
    let mut second = bob.socket().await;
    second.join("general", json!({})).await;
    drop(second);
    b.send(json!({ "type": "typing", "room": "general" })).await;
    assert_eq!(a.frame().await, told("typing"));
    // The user who types is told too, before or after the others.
    assert_eq!(b.expect("typing").await, told("typing"));
    b.send(json!({ "type": "leave", "room": "general" })).await;
    server.expect_connections("socket", 2).await;
    assert_eq!(a.frame().await, told("user-left"));
    b.join("general", json!({})).await;
    assert_eq!(a.frame().await, told("user-joined"));
    drop(b);
    assert_eq!(a.frame().await, told("user-left"));
}

#[tokio::test]
async fn one_socket_follows_many_rooms() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    let mut socket = alice.socket().await;
    socket.join("general", json!({})).await;
    socket.join("tech", json!({})).await;
    alice.post("tech", &new_id(), "in tech").await;
    alice.post("general", &new_id(), "in general").await;
    alice.post("random", &new_id(), "not followed").await;
    assert_eq!(socket.texts(2).await, ["in tech", "in general"]);
    socket.send(json!({ "type": "leave", "room": "tech" })).await;
    socket.is_alive().await;
    alice.post("tech", &new_id(), "not followed any more").await;
    alice.post("general", &new_id(), "still here").await;
    assert_eq!(socket.texts(1).await, ["still here"]);
}

#[tokio::test]
async fn many_people_read_one_order() {
    let server = TestServer::start().await;
    let mut sockets = Vec::new();
    for n in 0..10 {
        let mut socket = server.person(&format!("p{n}")).await.socket().await;
        socket.join("general", json!({})).await;
        sockets.push(socket);
    }
    for round in 0..20 {
        for (n, socket) in sockets.iter_mut().enumerate() {
            socket.post("general", &format!("{round}/{n}")).await;
        }
    }
    let mut reader = sockets.remove(0);
    let first = reader.texts(200).await;
    for socket in &mut sockets {
        assert_eq!(socket.texts(200).await, first);
    }
    let mut own: Vec<&String> = first.iter().filter(|text| text.ends_with("/3")).collect();
    own.dedup();
    assert_eq!(own, (0..20).map(|round| format!("{round}/3")).collect::<Vec<_>>().iter().collect::<Vec<_>>());
}

#[tokio::test]
async fn a_reader_far_behind_catches_up_and_then_follows() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    let mut writer = alice.socket().await;
    let joined = writer.join("general", json!({})).await;
    let start = format!("{}:0", joined["epoch"].as_str().unwrap());
    for n in 0..400 {
        writer.post("general", &n.to_string()).await;
    }
    writer.texts(400).await;
    let mut reader = server.person("bob").await.socket().await;
    reader.join("general", json!({ "after": start })).await;
    writer.post("general", "400").await;
    assert_eq!(reader.texts(401).await, (0..=400).map(|n| n.to_string()).collect::<Vec<_>>());
}

#[tokio::test]
async fn rooms_are_made_by_people_and_named_as_they_like() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    let create = |name: &'static str| {
        server.post("/api/rooms").bearer_auth(&alice.session.token).json(&json!({ "name": name })).send()
    };
    let created = create("井戸端 会議").await.unwrap();
    assert_eq!(created.status(), 201);
    let room: Value = created.json().await.unwrap();
    assert_eq!(room, json!({ "id": "井戸端-会議", "name": "井戸端 会議" }));
    let mut socket = alice.socket().await;
    socket.join("井戸端-会議", json!({})).await;
    socket.post("井戸端-会議", "こんにちは").await;
    assert_eq!(socket.texts(1).await, ["こんにちは"]);
    let page = server.json("/api/rooms/%E4%BA%95%E6%88%B8%E7%AB%AF-%E4%BC%9A%E8%AD%B0/messages").await;
    assert_eq!(page["messages"][0]["text"], "こんにちは");
}

#[tokio::test]
async fn a_room_can_be_polled_and_paged() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    let cursor = server.json("/api/rooms/general/messages").await["cursor"].as_str().unwrap().to_owned();
    let poll = tokio::spawn({
        let request = server.get(&format!("/api/rooms/general/messages?wait=30&after={cursor}"));
        async move { request.send().await.unwrap().json::<Value>().await.unwrap() }
    });
    server.expect_connections("poll", 1).await;
    alice.post("general", &new_id(), "one").await;
    assert_eq!(poll.await.unwrap()["messages"][0]["text"], "one");
    alice.post("general", &new_id(), "two").await;
    let newest = server.json("/api/rooms/general/messages?limit=1").await;
    assert_eq!((&newest["messages"][0]["text"], &newest["more"]), (&json!("two"), &json!(true)));
}

#[tokio::test]
async fn a_session_keeps_its_id_through_a_change_of_name() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    let renamed = server
        .post("/api/session")
        .bearer_auth(&alice.session.token)
        .json(&json!({ "name": "Alice" }))
        .send()
        .await
        .unwrap();
    let cookie = renamed.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && cookie.contains("Path=/"),
        "{cookie}"
    );
    let session: Value = renamed.json().await.unwrap();
    assert_eq!(session["user"], json!({ "id": alice.session.user.id, "name": "Alice" }));
    // The cookie is as good as the token.
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let mut socket = Socket::open_with(&server.url, [("cookie", cookie)]).await.unwrap();
    assert_eq!(socket.join("general", json!({})).await["members"][0]["name"], "Alice");
}

#[tokio::test]
async fn a_room_can_be_followed_as_events() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    let mut socket = alice.socket().await;
    socket.join("general", json!({})).await;
    let request = server.get("/api/rooms/general/events").bearer_auth(&bob.session.token);
    let mut stream = Stream::open(request).await;
    let (start, joined) = stream.event().await;
    assert_eq!((&joined["type"], &joined["recovered"]), (&json!("joined"), &json!(true)));
    assert_eq!(joined["members"].as_array().unwrap().len(), 2);
    assert_eq!(socket.expect("user-joined").await["user"], "bob", "a reader of events is seen");
    // Durable frames carry a cursor; ephemeral ones do not.
    socket.send(json!({ "type": "typing", "room": "general" })).await;
    let typing = stream.block().await.unwrap();
    assert_eq!((&typing.data.unwrap()["type"], typing.id), (&json!("typing"), None));
    socket.post("general", "hello").await;
    let (id, message) = stream.event().await;
    assert_eq!(message, socket.expect("message").await, "the same frame");
    assert_eq!(id, start.replace(":0", ":1"));
    drop(stream);
    assert_eq!(socket.expect("user-left").await["user"], "bob");
}

#[tokio::test]
async fn a_room_resumes_as_events_and_is_reset_when_history_is_gone() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    for n in 1..=5 {
        alice.post("general", &new_id(), &n.to_string()).await;
    }
    let head = server.json("/api/rooms/general/messages").await["cursor"].as_str().unwrap().to_owned();
    let after = head.replace(":5", ":2");
    let mut stream =
        Stream::open(server.get("/api/rooms/general/events").header("last-event-id", &after)).await;
    let (id, joined) = stream.event().await;
    assert_eq!((id, &joined["members"]), (after, &json!([])), "nobody's reading is not seen");
    assert_eq!(stream.texts(3).await, ["3", "4", "5"]);
    let mut stream = server.room_stream("general", "?after=anotherepoch:3").await;
    let (id, joined) = stream.event().await;
    assert_eq!((id.as_str(), &joined["recovered"]), ("anotherepoch:3", &json!(false)));
    let (id, reset) = stream.event().await;
    assert_eq!((id, &reset["type"]), (head.replace(":5", ":0"), &json!("reset")));
    assert_eq!(stream.texts(5).await, ["1", "2", "3", "4", "5"]);
    let mut stream = server.room_stream("general", "?last=1").await;
    stream.event().await;
    assert_eq!(stream.texts(1).await, ["5"]);
}
