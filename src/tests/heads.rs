//! Request heads, and bodies of rejected requests. Written byte by byte, because no client library sends most of them.

use reqwest::Method;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{TestServer, in_time, new_id, problem};

async fn connect(server: &TestServer) -> TcpStream {
    in_time(TcpStream::connect(server.url.trim_start_matches("http://"))).await.unwrap()
}

/// Sends these bytes and reads until the connection ends, which the request asks for.
async fn raw(server: &TestServer, request: &str) -> String {
    let mut stream = connect(server).await;
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    in_time(stream.read_to_end(&mut answer)).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

/// The status of the answer to a request with these header lines.
async fn status(server: &TestServer, first: &str, lines: &[&str]) -> u16 {
    let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
    let answer = raw(server, &format!("{first}\r\n{lines}Connection: close\r\n\r\n")).await;
    answer.split(' ').nth(1).unwrap_or_else(|| panic!("no answer to {first} {lines}")).parse().unwrap()
}

#[tokio::test]
async fn a_request_has_one_host_before_any_right_is_judged() {
    let server = TestServer::start().await;
    let publish = "POST /api/events/ops HTTP/1.1";
    let body = "Content-Length: 0";
    for lines in [
        &["Host: localhost", "Host: evil.example", body][..],
        &["Host: evil.example", "Host: localhost", body],
        &["Host: localhost", "Host: localhost", body],
        &[body],
        &["Host:", body],
        &["Host: me@localhost", body],
        &["Host: localhost, evil.example", body],
        &["Host: local host", body],
    ] {
        assert_eq!(status(&server, publish, lines).await, 400, "{lines:?}");
        assert_eq!(status(&server, "GET /healthz HTTP/1.1", lines).await, 400, "{lines:?}");
        assert_eq!(status(&server, "GET /ws HTTP/1.1", lines).await, 400, "{lines:?}");
    }
    assert_eq!(status(&server, "GET /healthz HTTP/1.1", &["Host: localhost"]).await, 200);
    assert_eq!(status(&server, "GET /healthz HTTP/1.0", &[]).await, 200, "it need not say it");
    let list = "GET /api/publishers HTTP/1";
    assert_eq!(status(&server, &format!("{list}.1"), &["Host: localhost"]).await, 200, "the operator");
    assert_eq!(status(&server, &format!("{list}.0"), &["Host: localhost"]).await, 200);
    assert_eq!(status(&server, &format!("{list}.0"), &[]).await, 401, "by no name nobody is the operator");
}

#[tokio::test]
async fn a_whole_address_as_the_target_goes_before_the_host() {
    let server = TestServer::start_with(&["--public-url", "http://localhost:3000"]).await;
    let list = |target: &str| format!("GET {target}/api/publishers HTTP/1.1");
    assert_eq!(status(&server, &list("http://localhost"), &["Host: evil.example"]).await, 200);
    assert_eq!(status(&server, &list("http://10.0.0.1"), &["Host: localhost"]).await, 401, "another name");
    assert_eq!(status(&server, &list("http://evil.example"), &["Host: localhost"]).await, 421);
    assert_eq!(status(&server, &list("http://me@localhost"), &["Host: localhost"]).await, 400);
}

#[tokio::test]
async fn a_header_that_a_right_depends_on_stands_there_once() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    let token = format!("Authorization: Bearer {}", alice.session.token);
    let own = format!("Origin: {}", server.url);
    for (one, other) in [
        (token.as_str(), "Authorization: Bearer nonsense"),
        (own.as_str(), "Origin: http://evil.example"),
        ("Content-Type: text/plain", "Content-Type: application/json"),
        ("Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: cross-site"),
        ("Idempotency-Key: one", "Idempotency-Key: other"),
    ] {
        for lines in [[one, other], [other, one]] {
            let lines = ["Host: localhost", "Content-Length: 0", lines[0], lines[1]];
            assert_eq!(status(&server, "POST /api/events/ops HTTP/1.1", &lines).await, 400, "{lines:?}");
        }
    }
}

#[tokio::test]
async fn whatever_tells_of_a_proxy_makes_nobody_the_operator() {
    let server = TestServer::start().await;
    for header in
        ["Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP", "Via"]
    {
        let line = format!("{header}: 1.1 proxy");
        let listed =
            status(&server, "GET /api/publishers HTTP/1.1", &["Host: localhost", line.as_str()]).await;
        assert_eq!(listed, 401, "{header}");
    }
}

#[tokio::test]
async fn an_address_with_slashes_too_many_is_the_one_that_is_meant() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    for (method, path) in [
        (Method::POST, "/api/events/ops/"),
        (Method::POST, "//api/events/ops"),
        (Method::PUT, "/api//events///ops//"),
        (Method::PUT, "/api/events/ops"),
    ] {
        let url = format!("{}{path}", server.url);
        let answer = server.client.request(method, url).body(path).send().await.unwrap();
        assert_eq!(answer.status(), 201, "{path}");
        assert_eq!(answer.json::<serde_json::Value>().await.unwrap()["text"], path);
    }
    let body = json!({ "id": new_id(), "text": "hello" });
    assert_eq!(alice.send(Method::POST, "/api/rooms/general/messages/", &body).await.status(), 201);
    assert_eq!(server.json("/api/rooms/").await.as_array().unwrap().len(), 3);
    let page = server.get("//rooms/general/?problem=text_empty").send().await.unwrap();
    assert_eq!(page.status(), 200);
    assert_eq!(
        page.url().as_str(),
        format!("{}/rooms/general?problem=text_empty", server.url),
        "by a redirect"
    );
}

#[tokio::test]
async fn every_address_says_which_methods_it_takes() {
    let server = TestServer::start().await;
    for (path, methods) in [
        ("/healthz", "GET,HEAD"),
        ("/favicon.svg", "GET,HEAD"),
        ("/icons/app-192.png", "GET,HEAD"),
        ("/manifest.webmanifest", "GET,HEAD"),
        ("/service-worker.js", "GET,HEAD"),
        ("/share", "GET,HEAD,POST"),
        ("/api/rooms", "GET,HEAD,POST"),
        ("/api/events/ops", "PUT,POST"),
        ("/api/session", "GET,HEAD,POST,DELETE"),
        ("/ws", "GET,HEAD"),
        ("/socket.io/", "GET,HEAD,POST"),
        ("/", "GET,HEAD,POST,PUT"),
        ("/v1/health", "GET,HEAD"),
        ("/ops/json", "GET,HEAD"),
        ("/rooms/general", "GET,HEAD,POST"),
        ("/name", "POST"),
    ] {
        let sorted = |list: &str| {
            let mut list: Vec<_> = list.split(',').map(str::to_owned).collect();
            list.sort();
            list
        };
        for (method, code) in [(Method::OPTIONS, 204), (Method::PATCH, 405)] {
            let answer = server.client.request(method, format!("{}{path}", server.url)).send().await.unwrap();
            assert_eq!(answer.status(), code, "{path}");
            let allowed = answer.headers()["allow"].to_str().unwrap();
            assert_eq!(sorted(allowed), sorted(methods), "{path}");
        }
        if methods.contains("HEAD") && !["/ws", "/socket.io/"].contains(&path) {
            let answer = server.client.head(format!("{}{path}", server.url)).send().await.unwrap();
            assert_eq!(answer.status(), 200, "{path}");
            assert!(answer.bytes().await.unwrap().is_empty(), "{path}");
        }
    }
}

#[tokio::test]
async fn who_sends_a_body_that_is_refused_sees_why() {
    let server = TestServer::start_limited(&["--limit-publishes", "1/100m"]).await;
    assert_eq!(server.post("/api/events/ops").body("the one").send().await.unwrap().status(), 201);
    let body = vec![b'x'; 10 * 1024 * 1024];
    for (first, line, expected) in [
        ("POST /api/events/ops", "", "413"), // too large, whatever the limits say
        ("POST /api/rooms/general/messages", "", "401"),
        ("POST /api/nothing", "", "404"),
        ("DELETE /api/rooms", "", "405"),
        ("POST /api/rooms", "Origin: http://evil.example\r\n", "403"),
        ("POST /socket.io/?EIO=4&transport=polling&sid=none", "", "4"),
    ] {
        for expect in ["", "Expect: 100-continue\r\n"] {
            let mut stream = connect(&server).await;
            let length = body.len();
            let head = format!(
                "{first} HTTP/1.1\r\nHost: localhost\r\n{line}{expect}Content-Length: {length}\r\n\r\n"
            );
            // The whole body is written before a byte of the answer is read.
            in_time(stream.write_all(head.as_bytes())).await.unwrap();
            in_time(stream.write_all(&body)).await.unwrap_or_else(|error| panic!("{first}: {error}"));
            let mut answer = Vec::new();
            in_time(stream.read_to_end(&mut answer)).await.unwrap_or_else(|error| panic!("{first}: {error}"));
            let answer = String::from_utf8_lossy(&answer).into_owned();
            let answer = answer.trim_start_matches("HTTP/1.1 100 Continue\r\n\r\n");
            assert!(answer.starts_with(&format!("HTTP/1.1 {expected}")), "{first} {expect}: {answer}");
        }
    }
}

#[tokio::test]
async fn a_head_that_is_too_large_or_no_http_is_told_so() {
    let server = TestServer::start().await;
    for (request, expected) in [
        (format!("GET / HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "x".repeat(1_000_000)), "431"),
        (format!("no http at all\r\n\r\n{}", "x".repeat(1_000_000)), "400"),
    ] {
        let answer = raw(&server, &request).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {expected}")), "{answer}");
    }
}

#[tokio::test]
async fn a_refused_request_that_was_read_leaves_its_connection_open() {
    let server = TestServer::start().await;
    for _ in 0..2 {
        let refused =
            server.post("/api/rooms/general/messages").json(&json!({ "id": new_id(), "text": "x" }));
        assert_eq!(problem(refused.send().await.unwrap(), 401).await, "no_session");
    }
}

#[tokio::test]
async fn the_icon_of_a_page_with_something_unread_is_another_one() {
    let server = TestServer::start().await;
    let icon = async |path: &str| {
        let answer = server.get(path).send().await.unwrap();
        assert_eq!(answer.headers()["content-type"], "image/svg+xml");
        answer.text().await.unwrap()
    };
    let (plain, unread) = (icon("/favicon.svg").await, icon("/favicon.svg?unread").await);
    assert!(plain != unread && [&plain, &unread].iter().all(|icon| icon.ends_with("</svg>\n")));
    assert_eq!(icon("/favicon.svg?v=2").await, plain);
}
