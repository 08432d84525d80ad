//! The limits as clients experience them: the rejections, their retry times, and the clients that are unaffected.

use std::time::Duration;

use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::sleep,
};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::support::{PASSWORD, Socket, SocketIo, TestServer, in_time, new_id, problem};

/// The wait in a rejection, after checking that its parts agree.
async fn wait_of(response: Response) -> Duration {
    let seconds: u64 = response.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert_eq!(response.status(), 429);
    let problem: Value = response.json().await.unwrap();
    assert_eq!((&problem["code"], &problem["status"]), (&json!("too_many_requests"), &json!(429)));
    let wait_ms = problem["retry_after_ms"].as_u64().unwrap();
    assert_eq!(seconds, wait_ms.div_ceil(1_000), "whole seconds, never too few");
    Duration::from_millis(wait_ms)
}

/// The next rejection, skipping other frames.
async fn refusal(socket: &mut Socket) -> Value {
    in_time(async {
        loop {
            let frame = socket.frame().await;
            if frame["type"] == "rejected" {
                return frame;
            }
        }
    })
    .await
}

async fn texts(server: &TestServer) -> Vec<String> {
    let page = server.json("/api/rooms/general/messages?limit=200").await;
    page["messages"].as_array().unwrap().iter().map(|message| message["text"].to_string()).collect()
}

#[tokio::test]
async fn the_message_past_the_limit_is_refused_on_every_transport() {
    // An hour instead of a minute: on a busy machine a hundred messages take longer than it takes until one more is
    // allowed.
    let server = TestServer::start_limited(&["--limit-messages=100/1h"]).await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    let mut socket = alice.socket().await;
    socket.join("general", json!({})).await;
    // Half of them on each transport: the limit counts the user.
    for n in 0..50 {
        assert_eq!(alice.post("general", &new_id(), &n.to_string()).await.status(), 201);
        socket.post("general", &n.to_string()).await;
        socket.expect("posted").await;
    }
    let wait = wait_of(alice.post("general", &new_id(), "one too many").await).await;
    assert!(wait <= Duration::from_secs(36), "{wait:?}");
    let id = socket.post("general", "one too many").await;
    let rejected = refusal(&mut socket).await;
    assert_eq!((&rejected["type"], &rejected["code"]), (&json!("rejected"), &json!("too_many_requests")));
    assert_eq!((&rejected["id"], &rejected["room"]), (&json!(id), &json!("general")));
    assert!(rejected["retry_after_ms"].as_u64().is_some_and(|ms| ms <= 36_000), "{rejected}");
    assert_eq!(texts(&server).await.len(), 100, "nothing of it was stored");
    assert_eq!(bob.post("general", &new_id(), "he has his own").await.status(), 201);
    socket.is_alive().await;
}

#[tokio::test]
async fn who_comes_back_after_the_time_told_is_stored_once() {
    let server = TestServer::start_limited(&["--limit-messages=2/2s"]).await;
    let alice = server.person("alice").await;
    let mut socket = alice.socket().await;
    socket.join("general", json!({})).await;
    for text in ["1", "2"] {
        socket.post("general", text).await;
    }
    let id = socket.post("general", "3").await;
    let rejected = refusal(&mut socket).await;
    assert_eq!(rejected["id"], json!(id));
    sleep(Duration::from_millis(rejected["retry_after_ms"].as_u64().unwrap())).await;
    socket.send(json!({ "type": "post", "room": "general", "id": id, "text": "3" })).await;
    socket.expect("posted").await;

    let other = new_id();
    let wait = wait_of(alice.post("general", &other, "4").await).await;
    sleep(wait).await;
    assert_eq!(alice.post("general", &other, "4").await.status(), 201);
    assert_eq!(texts(&server).await, [r#""1""#, r#""2""#, r#""3""#, r#""4""#]);
}

#[tokio::test]
async fn each_operation_has_a_limit_of_its_own() {
    let server = TestServer::start_limited(&[
        "--limit-joins=1/1h",
        "--limit-rooms=1/1h",
        "--limit-typing=1/1h",
        "--limit-publishes=1/1h",
        "--limit-sessions=2/1h",
    ])
    .await;
    let alice = server.person("alice").await;
    let stream = alice.room_stream("general", "").await;
    assert_eq!(alice.type_in("general").await.status(), 204);
    wait_of(alice.type_in("general").await).await;
    wait_of(alice.get("/api/rooms/general/events").send().await.unwrap()).await;
    drop(stream);
    let make = |name: &str| {
        let request = server.post("/api/rooms").bearer_auth(&alice.session.token);
        request.json(&json!({ "name": name })).send()
    };
    assert_eq!(make("one").await.unwrap().status(), 201);
    wait_of(make("two").await.unwrap()).await;
    server.publish("ops", "one").await;
    wait_of(server.post("/api/events/ops").body("two").send().await.unwrap()).await;
    let name = || server.post("/api/session").json(&json!({ "name": "bob" })).send();
    assert_eq!(name().await.unwrap().status(), 201);
    wait_of(name().await.unwrap()).await;
    // A page creates a session for a visitor without one, and none for a visitor who has one.
    wait_of(server.get("/").send().await.unwrap()).await;
    assert_eq!(alice.get("/").send().await.unwrap().status(), 200);
    assert_eq!(texts(&server).await.len(), 0);
}

#[tokio::test]
async fn a_join_that_is_refused_leaves_the_socket_and_its_rooms_as_they_were() {
    let server = TestServer::start_limited(&["--limit-joins=1/1h"]).await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    let mut socket = alice.socket().await;
    socket.join("general", json!({})).await;
    for room in ["general", "tech"] {
        socket.send(json!({ "type": "join", "room": room })).await;
        assert_eq!(socket.rejected().await, "too_many_requests");
    }
    bob.post("general", &new_id(), "still heard").await;
    assert_eq!(socket.texts(1).await, ["still heard"]);
}

#[tokio::test]
async fn an_address_has_so_many_requests_and_the_operator_is_not_refused() {
    let server = TestServer::start_limited(&["--limit-requests=3/1h"]).await;
    let alice = server.person("alice").await;
    for path in ["/", "/api/rooms"] {
        assert_eq!(alice.get(path).send().await.unwrap().status(), 200);
    }
    for path in ["/", "/api/rooms", "/ws", "/no/such/page"] {
        wait_of(alice.get(path).send().await.unwrap()).await;
    }
    let refused = Socket::open(&server.url, Some(&alice.session.token)).await.err().unwrap();
    assert!(matches!(&refused, Error::Http(response) if response.status() == 429), "{refused}");
    for path in
        ["/healthz", "/readyz", "/metrics", "/favicon.svg", "/icons/app-192.png", "/service-worker.js"]
    {
        assert_eq!(server.get(path).send().await.unwrap().status(), 200, "{path}");
    }
}

#[tokio::test]
async fn a_person_whose_address_has_used_up_its_requests_or_sessions_reads_so_in_words() {
    for setting in ["--limit-requests=1/1h", "--limit-sessions=1/1h"] {
        let server = TestServer::start_limited(&[setting]).await;
        assert_eq!(server.get("/").send().await.unwrap().status(), 200);
        for (language, text) in [("en", "Try again in "), ("ja", "秒後にもう一度お試しください。")]
        {
            let page = server.get("/rooms/tech?problem=x").header("accept", "text/html,*/*;q=0.8");
            let page = page.header("accept-language", language).send().await.unwrap();
            assert_eq!(page.status(), 429, "{setting}");
            assert!(page.headers()["retry-after"].to_str().unwrap().parse::<u32>().unwrap() > 0);
            assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
            assert!(page.headers()["content-security-policy"].to_str().unwrap().contains("style-src 'self'"));
            let html = page.text().await.unwrap();
            for part in [text, &format!("<html lang=\"{language}\""), "href=\"/rooms/tech?problem=x\""] {
                assert!(html.contains(part), "{part} is missing in\n{html}");
            }
        }
        wait_of(server.get("/rooms/tech").send().await.unwrap()).await;
    }
    let server = TestServer::start_limited(&["--limit-requests=1/1h"]).await;
    assert_eq!(server.get("/").send().await.unwrap().status(), 200);
    let api = server.get("/api/rooms").header("accept", "text/html");
    wait_of(api.send().await.unwrap()).await;
}

#[tokio::test]
async fn live_connections_have_an_end_for_each_person_and_each_address() {
    let settings = ["--max-connections-per-person=2", "--max-connections-per-address=4"];
    let server = TestServer::start_limited(&settings).await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    let (mut socket, _stream) = (alice.socket().await, alice.room_stream("general", "").await);
    let third = || alice.get("/api/events").send();
    wait_of(third().await.unwrap()).await;
    let cursor = server.feed_cursor().await;
    let poll = alice.get(&format!("/api/events?wait=20&after={cursor}")).header("accept", "application/json");
    wait_of(poll.send().await.unwrap()).await;
    // Requests that end at once are not counted.
    assert_eq!(alice.get("/api/rooms").send().await.unwrap().status(), 200);
    let _bobs = (bob.socket().await, server.stream("").await);
    wait_of(bob.get("/api/events").send().await.unwrap()).await;
    socket.close().await;
    server.expect_connections("socket", 1).await;
    assert_eq!(third().await.unwrap().status(), 200, "a place that is given back is free");
}

/// A request as a proxy forwards it.
fn forwarded(request: RequestBuilder, client: &str) -> RequestBuilder {
    request.header("x-forwarded-for", client)
}

#[tokio::test]
async fn behind_a_trusted_proxy_each_client_is_counted_for_itself() {
    let settings = ["--trusted-proxy=127.0.0.0/8,::1", "--limit-sessions=1/1h"];
    let server = TestServer::start_limited(&settings).await;
    let make = |client: &str| {
        forwarded(server.post("/api/session").json(&json!({ "name": "alice" })), client).send()
    };
    assert_eq!(make("192.0.2.1").await.unwrap().status(), 201);
    assert_eq!(make("192.0.2.2").await.unwrap().status(), 201);
    wait_of(make("192.0.2.1").await.unwrap()).await;
    wait_of(make("198.51.100.9, 192.0.2.2").await.unwrap()).await;
    assert_eq!(make("2001:db8::1").await.unwrap().status(), 201);
    wait_of(make("2001:db8::2").await.unwrap()).await;
}

#[tokio::test]
async fn a_header_that_no_trusted_proxy_wrote_changes_nothing() {
    let server = TestServer::start_limited(&["--trusted-proxy=192.0.2.0/24", "--limit-sessions=1/1h"]).await;
    let make = |client: &str| {
        forwarded(server.post("/api/session").json(&json!({ "name": "alice" })), client).send()
    };
    assert_eq!(make("192.0.2.1").await.unwrap().status(), 201);
    wait_of(make("192.0.2.2").await.unwrap()).await;
    // Publishing without a token is for this machine, but a proxy on it forwards requests of others.
    let publish = forwarded(server.post("/api/events/ops").body("x"), "127.0.0.1");
    assert_eq!(problem(publish.send().await.unwrap(), 403).await, "not_allowed");
}

#[tokio::test]
async fn a_form_without_javascript_comes_back_with_the_refusal() {
    let settings = ["--limit-messages=1/1h", "--limit-rooms=1/1h", "--limit-sessions=1/1h"];
    let server = TestServer::start_limited(&settings).await;
    let alice = server.person("alice").await;
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let send = |path: &str, body: &'static str| {
        let request = client.post(format!("{}{path}", server.url)).bearer_auth(&alice.session.token);
        request.header("content-type", "application/x-www-form-urlencoded").body(body).send()
    };
    for (path, body, refused_at) in [
        ("/rooms/general", "text=hello", "/rooms/general?problem=too_many_requests"),
        ("/rooms", "name=well&back=/rooms/tech", "/rooms/tech?problem=too_many_requests"),
    ] {
        assert_eq!(send(path, body).await.unwrap().status(), 303, "{path}");
        let refused = send(path, body).await.unwrap();
        assert_eq!(
            (refused.status().as_u16(), &refused.headers()["location"]),
            (303, &refused_at.parse().unwrap())
        );
    }
    let refused = send("/name", "name=alicia").await.unwrap();
    assert_eq!(refused.headers()["location"], "/?problem=too_many_requests");
    assert_eq!(texts(&server).await, [r#""hello""#]);
}

#[tokio::test]
async fn a_head_that_comes_byte_by_byte_is_cut_and_the_others_are_served() {
    let server = TestServer::start_limited(&["--head-timeout=1s"]).await;
    let address = server.url.strip_prefix("http://").unwrap();
    let mut idle = TcpStream::connect(address).await.unwrap();
    let (mut reading, mut writing) = TcpStream::connect(address).await.unwrap().into_split();
    let slow = tokio::spawn(async move {
        for byte in b"GET /healthz HTTP/1.1\r\nhost: x\r\nx-slow: ".iter().chain([&b'x'; 10_000]) {
            if writing.write_all(&[*byte]).await.is_err() {
                return;
            }
            sleep(Duration::from_millis(50)).await;
        }
    });
    let mut received = Vec::new();
    let cut = in_time(reading.read_to_end(&mut received));
    let served = async {
        for _ in 0..20 {
            assert_eq!(server.get("/healthz").send().await.unwrap().status(), 200);
            sleep(Duration::from_millis(20)).await;
        }
    };
    // Closed with or without a reset, but without an answer.
    let (ended, ()) = tokio::join!(cut, served);
    assert!(ended.is_err() || received.is_empty(), "{received:?}");
    slow.abort();
    // Idle before this, and for longer than a head may take: it is still open.
    idle.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut answer = [0; 15];
    in_time(idle.read_exact(&mut answer)).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200 OK");
}

#[tokio::test]
async fn tcp_connections_have_an_end_and_a_place_is_given_back() {
    for setting in ["--max-tcp-connections=3", "--max-tcp-connections-per-address=3"] {
        let server = TestServer::start_limited(&[setting]).await;
        let address = server.url.strip_prefix("http://").unwrap();
        // One continues as a stream, one only holds its permit, one reads the metrics.
        let refused = "idobata_refused_connections_total";
        let stream = server.stream("").await;
        let _idle = TcpStream::connect(address).await.unwrap();
        assert_eq!(server.metric(refused).await, 0);
        let mut above = TcpStream::connect(address).await.unwrap();
        assert!(matches!(in_time(above.read(&mut [0])).await, Ok(0) | Err(_)), "closed at once");
        assert_eq!(server.metric(refused).await, 1, "{setting}");
        drop(stream);
        server.publish("ops", "a stream's end is noticed when something is written to it").await;
        server.expect_connections("stream", 0).await;
        in_time(async {
            loop {
                let mut next = TcpStream::connect(address).await.unwrap();
                next.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await.ok();
                if next.read(&mut [0; 15]).await.is_ok_and(|count| count > 0) {
                    return;
                }
            }
        })
        .await;
    }
}

#[tokio::test]
async fn without_limits_nobody_is_refused() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    for n in 0..150 {
        assert_eq!(alice.post("general", &new_id(), &n.to_string()).await.status(), 201);
    }
    assert_eq!(texts(&server).await.len(), 150);
}

#[tokio::test]
async fn who_tries_many_passwords_has_to_wait_even_with_the_right_one() {
    let settings = ["--auth=accounts", "--limit-sign-ins=3/1h", "--limit-sign-ins-per-address=5/1h"];
    let server = TestServer::start_limited(&settings).await;
    for name in ["alice", "bob"] {
        let accounts = server.accounts();
        let link = accounts.invite("the administrator").await.unwrap();
        accounts.join(&link, name, PASSWORD).await.unwrap();
    }
    let sign_in = async |name: &str, password: &str| {
        server.post("/api/session").json(&json!({ "name": name, "password": password })).send().await.unwrap()
    };
    for name in ["alice", "ALICE", " ａｌｉｃｅ "] {
        assert_eq!(problem(sign_in(name, "wrong").await, 401).await, "wrong_password");
    }
    let refused = sign_in("alice", PASSWORD).await;
    assert!(refused.headers().contains_key("retry-after"));
    assert_eq!(problem(refused, 429).await, "too_many_requests");
    assert_eq!(sign_in("bob", PASSWORD).await.status(), 201, "another account is another matter");
    assert_eq!(
        problem(sign_in("carol", PASSWORD).await, 429).await,
        "too_many_requests",
        "the address has its end"
    );
}

#[tokio::test]
async fn who_guesses_from_elsewhere_keeps_nobody_out_of_their_account_and_has_an_end() {
    let proxy = "--trusted-proxy=127.0.0.0/8,::1";
    let settings = ["--auth=accounts", proxy, "--limit-sign-ins=2/1h", "--limit-sign-ins-per-account=4/1h"];
    let server = TestServer::start_limited(&settings).await;
    let link = server.accounts().invite("the administrator").await.unwrap();
    server.accounts().join(&link, "alice", PASSWORD).await.unwrap();
    let sign_in = async |password: &str, client: &str| {
        let request = server.post("/api/session").json(&json!({ "name": "alice", "password": password }));
        forwarded(request, client).send().await.unwrap()
    };
    for _ in 0..2 {
        assert_eq!(problem(sign_in("a guess", "192.0.2.1").await, 401).await, "wrong_password");
    }
    for _ in 0..5 {
        wait_of(sign_in("a guess", "192.0.2.1").await).await;
    }
    assert_eq!(sign_in(PASSWORD, "198.51.100.7").await.status(), 201, "she is elsewhere");
    assert_eq!(problem(sign_in("a guess", "192.0.2.2").await, 401).await, "wrong_password");
    wait_of(sign_in("a guess", "192.0.2.3").await).await;
}

#[tokio::test]
async fn each_publisher_has_a_limit_of_its_own() {
    let server = TestServer::start_limited(&["--limit-publishes=2/1h"]).await;
    let mut tokens = Vec::new();
    for name in ["one", "other"] {
        let body = json!({ "name": name, "channels": ["*"] });
        let made: Value =
            server.post("/api/publishers").json(&body).send().await.unwrap().json().await.unwrap();
        tokens.push(made["token"].as_str().unwrap().to_owned());
    }
    for token in &tokens {
        let publish = || server.post("/api/events/ops").bearer_auth(token).body("done").send();
        for _ in 0..2 {
            assert_eq!(publish().await.unwrap().status(), 201);
        }
        assert_eq!(problem(publish().await.unwrap(), 429).await, "too_many_requests");
    }
    server.publish("ops", "by nobody, who has a limit too").await;
}

#[tokio::test]
async fn a_socket_that_signs_in_by_a_frame_takes_a_place_of_its_person() {
    let server = TestServer::start_limited(&["--max-connections-per-person=1"]).await;
    let alice = server.person("alice").await;
    let auth = json!({ "type": "auth", "token": alice.session.token });
    let mut first = Socket::open(&server.url, None).await.unwrap();
    first.send(auth.clone()).await;
    first.join("general", json!({})).await;
    let mut second = Socket::open(&server.url, None).await.unwrap();
    second.send(auth.clone()).await;
    assert_eq!(second.rejected().await, "too_many_requests");
    second.send(json!({ "type": "join", "room": "general" })).await;
    assert_eq!(second.rejected().await, "no_session", "it is still nobody's");
    // A newer token of the same user takes no second permit.
    first.send(auth.clone()).await;
    first.is_alive().await;
    first.close().await;
    server.expect_connections("socket", 1).await;
    second.send(auth).await;
    second.join("general", json!({})).await;
}

#[tokio::test]
async fn a_socket_that_says_too_much_is_refused_and_one_that_goes_on_is_closed() {
    let server = TestServer::start_limited(&["--limit-frames=7/1h"]).await;
    let alice = server.person("alice").await;
    let (mut socket, mut quiet) = (alice.socket().await, alice.socket().await);
    socket.join("general", json!({})).await;
    // With the join, and the pong to the server's first ping, these are seven.
    for _ in 0..5 {
        socket.is_alive().await;
    }
    let auth = json!({ "type": "auth", "token": alice.session.token });
    let post = json!({ "type": "post", "room": "general", "id": "1", "text": "hello" });
    let leave = json!({ "type": "leave", "room": "general" });
    for (frame, room, id) in [
        (json!({ "type": "ping" }), Value::Null, Value::Null),
        (auth, Value::Null, Value::Null),
        (leave, json!("general"), Value::Null),
        (post, json!("general"), json!("1")),
    ] {
        socket.send(frame.clone()).await;
        let rejected = refusal(&mut socket).await;
        assert_eq!(rejected["code"], "too_many_requests", "{frame}");
        assert_eq!((&rejected["room"], &rejected["id"]), (&room, &id), "{frame}");
        assert!(rejected["retry_after_ms"].as_u64().is_some_and(|ms| (1..=600_000).contains(&ms)));
    }
    // Unintelligible frames count too.
    for _ in 0..3 {
        socket.send_raw(Message::text("nonsense")).await;
        assert_eq!(socket.rejected().await, "bad_json");
    }
    socket.send(json!({ "type": "ping" })).await;
    assert_eq!(in_time(socket.close_code()).await, 1008);
    assert_eq!(texts(&server).await.len(), 0);
    quiet.is_alive().await;
}

#[tokio::test]
async fn a_socket_io_client_that_says_too_much_is_refused_and_one_that_goes_on_is_sent_away() {
    let server = TestServer::start_limited(&["--limit-frames=4/1h"]).await;
    let alice = server.person("alice").await;
    let mut client = SocketIo::open(&server.url, Some(&alice.session.token)).await.unwrap();
    // The connect was the first.
    for _ in 0..3 {
        assert_eq!(client.refused("leave-room", json!("general")).await, "not_joined");
    }
    for _ in 0..4 {
        let answer = client.ask("leave-room", json!("general")).await;
        assert_eq!(answer["error"]["code"], "too_many_requests", "{answer}");
        assert!(answer["error"]["retry_after_ms"].as_u64().is_some_and(|ms| ms > 0), "{answer}");
    }
    client.tell("leave-room", json!("general")).await;
    assert_eq!(client.next().await, None, "sent away");
    client.tell("leave-room", json!("general")).await;
    server.expect_connections("socket_io", 0).await;
}

#[tokio::test]
async fn who_is_nobody_has_so_many_frames_to_become_somebody() {
    let server = TestServer::start().await;
    let mut socket = Socket::open(&server.url, None).await.unwrap();
    for _ in 0..32 {
        socket.send(json!({ "type": "auth", "token": "nonsense" })).await;
        assert_eq!(socket.rejected().await, "no_session");
    }
    assert_eq!(socket.close_code().await, 4401);
}
