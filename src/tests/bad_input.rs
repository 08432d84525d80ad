//! Bad input: each fault has its own clear error, the connection survives where the protocol allows it, and no stored
//! data changes.

use serde_json::json;
use tokio_tungstenite::tungstenite::{
    Error, Message,
    protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    },
};

use crate::support::{Person, Socket, TestServer, new_id, problem};

/// A server with one message and one entry, and a user in the room.
async fn set_up() -> (TestServer, Person, Socket) {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    alice.post("general", &new_id(), "untouched").await;
    server.publish("ops", "untouched").await;
    let mut socket = alice.socket().await;
    socket.join("general", json!({})).await;
    (server, alice, socket)
}

/// Checks that nothing was stored since [`set_up`].
async fn expect_untouched(server: &TestServer) {
    for (path, name) in [("/api/rooms/general/messages", "messages"), ("/api/events", "events")] {
        let page = server.json(path).await;
        let texts: Vec<_> = page[name].as_array().unwrap().iter().map(|entry| &entry["text"]).collect();
        assert_eq!(texts, ["untouched"], "{path}");
    }
    assert_eq!(server.json("/api/rooms").await.as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_bad_frame_is_rejected_by_its_own_code_and_the_socket_goes_on() {
    let (server, _, mut socket) = set_up().await;
    let post =
        |id: String, text: String| json!({ "type": "post", "room": "general", "id": id, "text": text });
    let frames = [
        ("not json", "bad_json"),
        ("{\"type\":", "bad_json"),
        ("[1,2]", "unknown_frame"),
        ("{\"type\":\"dance\"}", "unknown_frame"),
        ("{\"type\":\"join\"}", "bad_frame"),
        ("{\"type\":\"post\",\"room\":7}", "bad_frame"),
        ("{\"type\":\"join\",\"room\":\"no-such-room\"}", "unknown_room"),
        ("{\"type\":\"join\",\"room\":\"../general\"}", "unknown_room"),
        ("{\"type\":\"join\",\"room\":\"general\",\"after\":\"soon\"}", "bad_cursor"),
        ("{\"type\":\"leave\",\"room\":\"tech\"}", "not_joined"),
        ("{\"type\":\"typing\",\"room\":\"tech\"}", "not_joined"),
        ("{\"type\":\"post\",\"room\":\"tech\",\"id\":\"1\",\"text\":\"x\"}", "not_joined"),
        (&post("not-a-uuid".into(), "x".into()).to_string(), "bad_id"),
        (&post(new_id(), String::new()).to_string(), "text_empty"),
        (&post(new_id(), " \n\u{3000}".into()).to_string(), "text_empty"),
        (&post(new_id(), "あ".repeat(4_001)).to_string(), "text_too_long"),
        (&"x".repeat(64 * 1024 + 1), "too_large"),
    ];
    for (frame, code) in frames {
        socket.send_raw(Message::text(frame)).await;
        assert_eq!(socket.rejected().await, code, "{}", &frame[..frame.len().min(80)]);
    }
    socket.send_raw(Message::binary(vec![1, 2, 3])).await;
    assert_eq!(socket.rejected().await, "bad_json");
    socket.is_alive().await;
    expect_untouched(&server).await;
}

#[tokio::test]
async fn a_rejected_post_names_its_id() {
    let (_server, _, mut socket) = set_up().await;
    let id = socket.post("general", "").await;
    let frame = socket.frame().await;
    assert_eq!(
        (&frame["type"], &frame["id"], &frame["room"]),
        (&json!("rejected"), &json!(id), &json!("general"))
    );
}

#[tokio::test]
async fn four_thousand_characters_are_taken_however_they_are_made() {
    let (server, _, mut socket) = set_up().await;
    for text in ["あ".repeat(4_000), "か\u{3099}".repeat(4_000)] {
        socket.post("general", &text).await;
        assert_eq!(socket.texts(1).await, [text]);
    }
    assert_eq!(server.json("/api/rooms/general/messages").await["messages"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn what_breaks_the_websocket_protocol_ends_that_socket_with_its_code() {
    let (server, alice, mut socket) = set_up().await;
    let not_utf8 = Frame::message(vec![0xff, 0xfe], OpCode::Data(Data::Text), true);
    socket.send_raw(Message::Frame(not_utf8)).await;
    assert_eq!(socket.close_code().await, 1007);
    let mut socket = alice.socket().await;
    socket.announce_text(300 * 1024).await;
    assert_eq!(socket.close_code().await, 1009);
    alice.socket().await.is_alive().await;
    expect_untouched(&server).await;
}

#[tokio::test]
async fn a_message_in_parts_without_end_ends_its_socket() {
    let (server, alice, mut socket) = set_up().await;
    let part = |kind| Message::Frame(Frame::message(Vec::new(), OpCode::Data(kind), false));
    socket.send_raw(part(Data::Text)).await;
    for _ in 1..1_024 {
        socket.send_raw(part(Data::Continue)).await;
    }
    assert_eq!(socket.close_code().await, 1008);
    alice.socket().await.is_alive().await;
    expect_untouched(&server).await;
}

#[tokio::test]
async fn a_socket_needs_a_session() {
    let (server, alice, _) = set_up().await;
    let mut socket = Socket::open(&server.url, None).await.unwrap();
    socket.send(json!({ "type": "join", "room": "general" })).await;
    assert_eq!(socket.rejected().await, "no_session");
    socket.send(json!({ "type": "auth", "token": "forged.token.here" })).await;
    assert_eq!(socket.rejected().await, "no_session");
    socket.send(json!({ "type": "auth", "token": alice.session.token })).await;
    socket.join("general", json!({})).await;
    let headers = [("cookie", "idobata_session=forged.token.here".to_owned())];
    let mut ended = Socket::open_with(&server.url, headers).await.unwrap();
    assert_eq!(ended.close_code().await, 4401, "a page must learn why");
    let refused = Socket::open(&server.url, Some("forged.token.here")).await.err().unwrap();
    assert!(matches!(&refused, Error::Http(response) if response.status() == 401), "{refused}");
}

#[tokio::test]
async fn the_page_of_another_site_can_neither_talk_nor_publish() {
    let (server, alice, _) = set_up().await;
    let token = format!("Bearer {}", alice.session.token);
    let headers = [("origin", "https://evil.example".to_owned()), ("authorization", token.clone())];
    let refused = Socket::open_with(&server.url, headers).await.err().unwrap();
    assert!(matches!(&refused, Error::Http(response) if response.status() == 403), "{refused}");
    for path in ["/api/events/ops", "/api/rooms/general/messages", "/api/session", "/rooms/general", "/name"]
    {
        let request =
            server.post(path).header("origin", "https://evil.example").header("authorization", &token);
        assert_eq!(problem(request.body("text=x").send().await.unwrap(), 403).await, "bad_origin", "{path}");
    }
    let own = [("origin", server.url.clone()), ("authorization", token)];
    Socket::open_with(&server.url, own).await.unwrap().is_alive().await;
    expect_untouched(&server).await;
}

#[tokio::test]
async fn a_bad_query_is_refused_with_its_code() {
    let (server, _, _) = set_up().await;
    for (path, status, code) in [
        ("/api/events?after=soon", 400, "bad_cursor"),
        ("/api/events?channel=a/b", 400, "bad_channel"),
        ("/api/events?channels=ops", 400, "bad_request"),
        ("/api/events?channel[]=ops", 400, "bad_request"),
        ("/api/events?after=%zz", 400, "bad_request"),
        ("/api/rooms/general/messages?channel=ops", 400, "bad_request"),
        ("/api/rooms/general/events?from=e:1", 400, "bad_request"),
        ("/api/events?last=many", 400, "bad_request"),
        ("/api/events?last=100000", 400, "bad_request"),
        ("/api/rooms/general/messages?before=x:y", 400, "bad_cursor"),
        ("/api/rooms/general/messages?limit=0", 400, "bad_request"),
        ("/api/rooms/general/messages?limit=1000", 400, "bad_request"),
        ("/api/rooms/general/messages?wait=3600&after=e:1", 400, "bad_request"),
        ("/api/rooms/general/messages?after=e:1&before=e:2", 400, "bad_request"),
        ("/api/rooms/no-such-room/messages", 404, "unknown_room"),
        ("/api/rooms/no-such-room/events", 404, "unknown_room"),
        ("/api/rooms/general/events?after=soon", 400, "bad_cursor"),
        ("/api/rooms/%FF/messages", 400, "bad_request"),
        ("/api/nothing", 404, "not_found"),
        ("/api", 404, "not_found"),
        ("/ws", 400, "bad_request"),
        ("/name", 405, "bad_method"),
    ] {
        assert_eq!(problem(server.get(path).send().await.unwrap(), status).await, code, "{path}");
    }
    let header = server.get("/api/events").header("last-event-id", "soon").send().await.unwrap();
    assert_eq!(problem(header, 400).await, "bad_cursor");
    let method = server.client.delete(format!("{}/api/rooms", server.url)).send().await.unwrap();
    assert_eq!(problem(method, 405).await, "bad_method");
}

#[tokio::test]
async fn a_bad_publication_is_refused_whole() {
    let (server, _, _) = set_up().await;
    let json = |body: &str| {
        server.post("/api/events/ops").header("content-type", "application/json").body(body.to_owned())
    };
    let text = |body: Vec<u8>| server.post("/api/events/ops").body(body);
    let many = json!(vec![json!({ "text": "x" }); 101]).to_string();
    for (request, status, code) in [
        (json("{"), 400, "bad_json"),
        (json("7"), 400, "bad_request"),
        (json("[]"), 400, "bad_request"),
        (json(&many), 400, "bad_request"),
        (json(r#"[{"text":"fine"},{"type":"dance"}]"#), 400, "bad_request"),
        (json(r#"{"type":"update","value":1e999}"#), 400, "bad_json"),
        (json(r#"{"text":"x","link":"javascript:alert(1)"}"#), 400, "bad_request"),
        (text(vec![]), 400, "text_empty"),
        (text(vec![0xff, 0xc0]), 400, "bad_request"),
        (text(vec![b'x'; 4_001]), 400, "text_too_long"),
        (text(vec![b'x'; 64 * 1024 + 1]), 413, "too_large"),
        (text(b"x".to_vec()).header("level", "loud"), 400, "bad_request"),
        (text(b"x".to_vec()).header("idempotency-key", "k".repeat(201)), 400, "bad_request"),
        (server.post("/api/events/a%2Fb").body("x"), 400, "bad_channel"),
        (server.post("/api/events/%E5%B8%AF").body("x"), 400, "bad_channel"),
    ] {
        let request = request.build().unwrap();
        let what = format!("{} {:?}", request.url(), request.headers());
        assert_eq!(problem(server.client.execute(request).await.unwrap(), status).await, code, "{what}");
    }
    expect_untouched(&server).await;
}

#[tokio::test]
async fn a_bad_post_or_name_over_http_is_refused() {
    let (server, alice, _) = set_up().await;
    for (body, status, code) in [
        (json!({ "id": new_id(), "text": "" }), 400, "text_empty"),
        (json!({ "id": new_id(), "text": "x".repeat(4_001) }), 400, "text_too_long"),
        (json!({ "id": "1", "text": "x" }), 400, "bad_id"),
        (json!({ "text": "x" }), 400, "bad_request"),
        (json!("x"), 400, "bad_request"),
    ] {
        assert_eq!(problem(alice.post_body("general", &body).await, status).await, code, "{body}");
    }
    assert_eq!(problem(alice.post("nowhere", &new_id(), "x").await, 404).await, "unknown_room");
    let nobody = server.post("/api/rooms/general/messages").json(&json!({ "id": new_id(), "text": "x" }));
    assert_eq!(problem(nobody.send().await.unwrap(), 401).await, "no_session");
    for name in ["", "  ", "a\u{202e}b"] {
        let session = server.post("/api/session").json(&json!({ "name": name })).send().await.unwrap();
        assert_eq!(problem(session, 400).await, "bad_name", "{name:?}");
    }
    let room = server.post("/api/rooms").bearer_auth(&alice.session.token);
    assert_eq!(
        problem(room.json(&json!({ "name": "General" })).send().await.unwrap(), 409).await,
        "room_exists"
    );
    expect_untouched(&server).await;
}

#[tokio::test]
async fn a_form_that_is_not_understood_is_refused_in_words() {
    let (server, alice, _) = set_up().await;
    let form = "application/x-www-form-urlencoded";
    for (path, kind, body) in [
        ("/rooms/general", form, "nothing=of-it"),
        ("/rooms", form, ""),
        ("/name", form, "name=a&name=b"),
        ("/rooms/general", "application/json", "{}"),
        ("/rooms/general", "", "text=hello"),
    ] {
        let post = || {
            let request = server.post(path).bearer_auth(&alice.session.token);
            request.header("content-type", kind).body(body)
        };
        let what = format!("{path} {kind} {body}");
        for (language, text) in [("en", "did not understand the form"), ("ja", "フォームの内容")] {
            let page = post().header("accept", "text/html").header("accept-language", language);
            let page = page.send().await.unwrap();
            assert_eq!(page.status(), 400, "{what}");
            assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8", "{what}");
            let html = page.text().await.unwrap();
            assert!(html.contains(text) && html.contains("href=\"/\""), "{what}\n{html}");
        }
        assert_eq!(problem(post().send().await.unwrap(), 400).await, "bad_request", "{what}");
    }
    expect_untouched(&server).await;
}

#[tokio::test]
async fn there_is_an_end_to_rooms_joins_and_connections() {
    let server = TestServer::start_with(&["--max-rooms", "40", "--max-connections", "2"]).await;
    let alice = server.person("alice").await;
    let create = |n: usize| {
        server
            .post("/api/rooms")
            .bearer_auth(&alice.session.token)
            .json(&json!({ "name": format!("r{n}") }))
            .send()
    };
    for n in 0..37 {
        assert_eq!(create(n).await.unwrap().status(), 201);
    }
    assert_eq!(problem(create(37).await.unwrap(), 403).await, "too_many_rooms");
    let mut socket = alice.socket().await;
    for n in 0..32 {
        socket.join(&format!("r{n}"), json!({})).await;
    }
    socket.send(json!({ "type": "join", "room": "r32" })).await;
    assert_eq!(socket.rejected().await, "too_many_joins");
    let _stream = server.stream("").await;
    assert_eq!(problem(server.get("/api/events").send().await.unwrap(), 503).await, "too_many_connections");
    let refused = Socket::open(&server.url, Some(&alice.session.token)).await.err().unwrap();
    assert!(matches!(&refused, Error::Http(response) if response.status() == 503), "{refused}");
}
