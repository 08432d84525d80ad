//! The upgrade of a connection from HTTP: no byte may be lost on either side of it. Written byte by byte, because few
//! clients send such bytes, though they are valid.

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{TestServer, in_time};

async fn connect(server: &TestServer) -> TcpStream {
    TcpStream::connect(server.url.strip_prefix("http://").unwrap()).await.unwrap()
}

/// Reads until `mark` has come, and returns everything up to it.
async fn read_to(stream: &mut TcpStream, mark: &str) -> String {
    let mut text = String::new();
    while !text.ends_with(mark) {
        text.push(in_time(stream.read_u8()).await.unwrap().into());
    }
    text
}

/// A text frame of a client, masked with zeroes.
fn frame(json: &serde_json::Value) -> Vec<u8> {
    let text = json.to_string();
    let mut frame = vec![0x81, 0x80 | u8::try_from(text.len()).unwrap(), 0, 0, 0, 0];
    frame.extend_from_slice(text.as_bytes());
    frame
}

#[tokio::test]
async fn a_stream_begins_behind_the_answers_to_what_was_asked_before_on_its_connection() {
    let server = TestServer::start().await;
    let mut connection = connect(&server).await;
    let requests =
        "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\nGET /api/events HTTP/1.1\r\nhost: localhost\r\n\r\n";
    connection.write_all(requests.as_bytes()).await.unwrap();
    let first = read_to(&mut connection, "ok\n").await;
    assert!(first.starts_with("HTTP/1.1 200 OK\r\n"), "{first}");
    let head = read_to(&mut connection, "\r\n\r\n").await;
    assert!(head.contains("content-type: text/event-stream\r\n"), "{head}");
    assert!(head.contains("connection: close\r\n"), "its end is the end of the connection: {head}");
    assert!(!head.contains("transfer-encoding"), "nothing stands between the events: {head}");
    read_to(&mut connection, "\"head\":0}\n\n").await;
    server.publish("ops", "now").await;
    read_to(&mut connection, "\n\n").await;
    drop(connection);
    server.expect_connections("stream", 0).await;
}

#[tokio::test]
async fn who_asks_for_the_head_of_a_stream_gets_that_and_holds_nothing() {
    let server = TestServer::start().await;
    let mut connection = connect(&server).await;
    connection.write_all(b"HEAD /api/events HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let head = read_to(&mut connection, "\r\n\r\n").await;
    assert!(head.contains("content-type: text/event-stream\r\n"), "{head}");
    assert_eq!(in_time(connection.read_to_end(&mut Vec::new())).await.unwrap(), 0);
    server.expect_connections("stream", 0).await;
}

#[tokio::test]
async fn frames_that_come_with_the_handshake_are_heard() {
    let server = TestServer::start().await;
    let token = server.person("alice").await.session.token;
    let handshake = format!(
        "GET /ws HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\nconnection: keep-alive, Upgrade\r\n\
         upgrade: WebSocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    let mut connection = connect(&server).await;
    let join = frame(&json!({ "type": "join", "room": "general" }));
    connection.write_all(&[handshake.as_bytes(), &join].concat()).await.unwrap();
    let head = read_to(&mut connection, "\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 101 Switching Protocols\r\n"), "{head}");
    // The answer to this key is RFC 6455's own example (1.3).
    assert!(head.contains("sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), "{head}");
    let mut opcode_and_length = [0; 4];
    in_time(connection.read_exact(&mut opcode_and_length)).await.unwrap();
    while opcode_and_length[0] != 0x81 {
        // The first heartbeat may come before.
        opcode_and_length.rotate_left(2);
        in_time(connection.read_exact(&mut opcode_and_length[2..])).await.unwrap();
    }
    let text = read_to(&mut connection, "}").await;
    assert!(text.starts_with("{\"type\":\"joined\",\"room\":\"general\""), "{text}");
    drop(connection);
    server.expect_connections("socket", 0).await;
}

#[tokio::test]
async fn a_connection_that_goes_before_its_stream_begins_leaves_nothing() {
    let server = TestServer::start().await;
    for _ in 0..20 {
        let mut connection = connect(&server).await;
        connection.write_all(b"GET /api/events HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
        drop(connection);
    }
    let mut stream = server.stream("").await;
    stream.connected().await;
    server.expect_connections("stream", 1).await;
}
