//! The part of HTTP/1.1 that the load needs: requests written by hand, and answers parsed from a buffer.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
};

use super::{Fault, stamp};

/// A POST request with a JSON body. Without a token it has no `Authorization` header, because the server rejects an
/// empty one.
pub(crate) fn post(path: &str, token: &str, body: &str) -> String {
    let length = body.len();
    let credentials =
        if token.is_empty() { String::new() } else { format!("authorization: Bearer {token}\r\n") };
    format!(
        "POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n{credentials}\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

/// A request for a page as a browser sends it. `cookie` is the result of [`visit`].
pub(crate) fn page(path: &str, cookie: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: text/html\r\naccept-encoding: gzip, deflate, br, zstd\r\n\
         accept-language: en\r\ncookie: {cookie}\r\n\r\n"
    )
}

/// A request for a page or the API with a token.
pub(crate) fn get(path: &str, token: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: text/html, application/json\r\n\
         accept-encoding: gzip, deflate, br, zstd\r\nauthorization: Bearer {token}\r\n\r\n"
    )
}

/// A request for the stream of a room.
pub(crate) fn stream(room: &str, token: &str) -> String {
    format!(
        "GET /api/rooms/{room}/events HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: text/event-stream\r\n\
         authorization: Bearer {token}\r\n\r\n"
    )
}

/// A WebSocket handshake. The key is RFC 6455's own example; the answer to it is not checked.
pub(crate) fn upgrade(token: &str) -> String {
    format!(
        "GET /ws HTTP/1.1\r\nhost: 127.0.0.1\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n\
         authorization: Bearer {token}\r\n\r\n"
    )
}

/// Parses the head of an answer: its status and its length.
pub(crate) fn head(bytes: &[u8]) -> Option<(u16, usize)> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    Some((stamp::number(bytes.get(9..)?) as u16, end + 4))
}

/// Returns true if the body after this head is chunked; otherwise it continues until the connection ends.
pub(crate) fn is_chunked(head: &[u8]) -> bool {
    stamp::after(&head.to_ascii_lowercase(), b"transfer-encoding: chunked").is_some()
}

/// A complete answer at the start of a buffer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// With header names in lower case, as axum writes them.
    pub(crate) head: Vec<u8>,
    pub(crate) body: Vec<u8>,
    /// Length including the head.
    pub(crate) length: usize,
}

impl Answer {
    /// Parses an answer. `None` if it is incomplete.
    pub(crate) fn find(bytes: &[u8]) -> Option<Self> {
        let (status, start) = head(bytes)?;
        let (head, rest) = (bytes[..start].to_vec(), &bytes[start..]);
        if let Some(length) = stamp::after(&head, b"content-length: ") {
            let length = stamp::number(length) as usize;
            return Some(Self { status, head, body: rest.get(..length)?.to_vec(), length: start + length });
        }
        let (mut body, mut at) = (Vec::new(), 0);
        loop {
            let (data, length) = chunk(&rest[at..])?;
            at += length;
            if data.is_empty() {
                return Some(Self { status, head, body, length: start + at });
            }
            body.extend_from_slice(data);
        }
    }
}

/// The chunk at the start of a buffer, and its length with the framing.
pub(crate) fn chunk(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let line = bytes.iter().take(16).position(|byte| *byte == b'\n')?;
    let size =
        str::from_utf8(&bytes[..line]).ok().and_then(|text| usize::from_str_radix(text.trim(), 16).ok());
    // A size that is no number never becomes a chunk; the reader is then reported as late.
    let (start, end) = (line + 1, line + 1 + size?);
    bytes.get(end..end + 2)?;
    Some((&bytes[start..end], end + 2))
}

/// Sends a request on a connection of its own and waits for the answer; for the setup before a measurement.
pub(crate) fn exchange(address: SocketAddr, request: &str) -> Result<Vec<u8>, Fault> {
    Ok(ask(address, request, 201)?.body)
}

fn ask(address: SocketAddr, request: &str, expected_status: u16) -> Result<Answer, Fault> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(request.as_bytes())?;
    let (mut bytes, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        let length = stream.read(&mut piece)?;
        bytes.extend_from_slice(&piece[..length]);
        match Answer::find(&bytes) {
            Some(answer) if answer.status == expected_status => return Ok(answer),
            Some(answer) => return Err(format!("{request:?} was answered {}", answer.status).into()),
            None if length == 0 => return Err(format!("{request:?} was not answered").into()),
            None => {}
        }
    }
}

/// The session cookie of a new visitor, with the name that the server gives it: with another one each page would create
/// a session.
pub(crate) fn visit(address: SocketAddr) -> Result<String, Fault> {
    let answer = ask(address, &page("/", ""), 200)?;
    let cookie =
        stamp::after(&answer.head, b"set-cookie: ").and_then(|rest| rest.split(|byte| *byte == b';').next());
    Ok(String::from_utf8(cookie.ok_or("a first visit is given a cookie")?.to_vec())?)
}

/// A token of a new user.
pub(crate) fn session(address: SocketAddr, name: &str) -> Result<String, Fault> {
    let body = exchange(address, &post("/api/session", "", &format!(r#"{{"name":"{name}"}}"#)))?;
    let token = stamp::after(&body, br#""token":""#).and_then(|rest| rest.split(|byte| *byte == b'"').next());
    Ok(String::from_utf8(token.ok_or("a session has a token")?.to_vec())?)
}
