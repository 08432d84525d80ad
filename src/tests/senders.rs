//! Requests of real senders to the feed and the API, as a table: each is interpreted, or rejected with an explanation.

use std::io::Write;

use flate2::{
    Compression,
    write::{DeflateEncoder, GzEncoder, ZlibEncoder},
};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::support::{SocketIo, TestServer, new_id};

const FORM: &str = "application/x-www-form-urlencoded";

fn send(server: &TestServer, kind: &str, body: impl Into<Vec<u8>>) -> RequestBuilder {
    let request = server.post("/api/events/ops").body(body.into());
    if kind.is_empty() { request } else { request.header("content-type", kind) }
}

async fn answer(request: RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test]
async fn texts_are_read_whatever_they_call_themselves() {
    let server = TestServer::start().await;
    for (kind, body, text) in [
        ("", &b"backup done"[..], "backup done"),
        (FORM, b"backup done", "backup done"),
        (FORM, b"a=b is good", "a=b is good"),
        (FORM, b"C++ & C#: 100% built", "C++ & C#: 100% built"),
        (FORM, b"text=hello+world%21", "hello world!"),
        (FORM, b"message=hello world", "hello world"),
        (FORM, br#"payload={"text":"from a webhook"}"#, "from a webhook"),
        (FORM, b"text=hi&meta%5Bhost%5D=db1", "hi"),
        (&format!("{FORM}; charset=utf-16le"), b"t\0e\0x\0t\0=\0h\0e\0l\0l\0", "hell"),
        (&format!("{FORM}; charset=latin1"), b"text=%FE%FFab", "þÿab"),
        ("text/plain; charset=ANSI_X3.4-1968", "grün".as_bytes(), "grün"),
        (FORM, br#"{"text":"forgot the header"}"#, "forgot the header"),
        ("Text/Plain; Charset=ISO-8859-1", b"gr\xfc\xdfe", "grüße"),
        ("text/plain; charset=\"shift_jis\"", b"\x82\xa0", "あ"),
        ("text/plain", b"\xef\xbb\xbfmarked", "marked"),
        ("", b"\xff\xfeh\0i\0", "hi"),
        ("text/markdown", b"*hi*", "*hi*"),
        ("text/plain", br#"{"text":"as it is"}"#, r#"{"text":"as it is"}"#),
        ("APPLICATION/JSON", br#"{"text":"hi"}"#, "hi"),
        ("application/cloudevents+json; charset=utf-8", br#"{"text":"hi"}"#, "hi"),
        ("text/json", br#"{"text":"hi"}"#, "hi"),
        ("application/json; charset=latin1", b"{\"text\":\"\xfc\"}", "ü"),
        ("application/json", b"\xef\xbb\xbf{\"text\":\"hi\"}", "hi"),
        (
            "multipart/form-data; boundary=b",
            b"--b\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\nhi\r\n--b--\r\n",
            "hi",
        ),
    ] {
        let (status, entry) = answer(send(&server, kind, body)).await;
        assert_eq!((status, &entry["text"]), (201, &json!(text)), "{kind} {}", String::from_utf8_lossy(body));
    }
}

#[tokio::test]
async fn what_cannot_be_read_without_a_doubt_is_refused() {
    let server = TestServer::start().await;
    for (kind, body, status, code) in [
        (FORM, &b"a=1&b=2"[..], 400, "bad_request"),
        (FORM, b"status=ok", 400, "bad_request"),
        (FORM, b"alert%5B0%5D=x&a=1", 400, "bad_request"),
        (FORM, br#"payload={"text":"a"}&payload={"text":"b"}"#, 400, "bad_request"),
        (FORM, b"title=", 400, "text_empty"),
        ("", b"gr\xfc\xdfe", 400, "bad_request"),
        ("application/json", b"{\"text\":\"\xfc\"}", 400, "bad_request"),
        ("text/plain; charset=klingon", b"x", 415, "bad_media_type"),
        ("application/xml", b"<a/>", 415, "bad_media_type"),
        ("application/octet-stream", b"x", 415, "bad_media_type"),
        ("image/png", b"x", 415, "bad_media_type"),
        ("multipart/mixed; boundary=b", b"x", 415, "bad_media_type"),
        ("multipart/form-data", b"x", 400, "bad_request"),
        (
            "multipart/form-data; boundary=b",
            b"--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n\r\nx\r\n--b--\r\n",
            400,
            "bad_request",
        ),
        ("", "\u{200b}\u{2060}\u{3164}\u{fe0f}".as_bytes(), 400, "text_empty"),
        ("", b"\0", 400, "text_empty"),
    ] {
        let (found, problem) = answer(send(&server, kind, body)).await;
        assert_eq!(
            (found, &problem["code"]),
            (status, &json!(code)),
            "{kind} {}",
            String::from_utf8_lossy(body)
        );
    }
    assert_eq!(server.json("/api/events").await["events"], json!([]));
}

#[tokio::test]
async fn members_are_read_in_other_spellings_and_the_rest_is_named() {
    let server = TestServer::start().await;
    let json = |value: Value| answer(server.post("/api/events/ops").json(&value));
    let (status, entry) = json(json!({
        "Title": "disk", "MESSAGE": "full", "level": "WARNING", "tags": null, "url": "HTTP://a.example", "key": "", "foo": 1,
    }))
    .await;
    assert_eq!(status, 201);
    assert_eq!(
        (&entry["title"], &entry["text"], &entry["level"], &entry["link"], &entry["ignored"]),
        (&json!("disk"), &json!("full"), &json!("warning"), &json!("HTTP://a.example"), &json!(["foo"]))
    );
    let (status, plain) = json(json!({ "text": "x", "title": "" })).await;
    assert!(status == 201 && plain.get("ignored").is_none() && plain.get("title").is_none(), "{plain}");
    let (status, both) = json(json!([{ "text": "a", "foo": 1 }, { "text": "b" }])).await;
    assert_eq!((status, both.as_array().unwrap().len(), &both[0]["ignored"]), (201, 2, &json!(["foo"])));
    let (status, problem) = json(json!({ "txt": "hi" })).await;
    assert!(status == 400 && problem["detail"].as_str().unwrap().contains("txt"), "{problem}");
    for (body, words) in [
        (r#"{"text":{"a":1}}"#, "text in the entry has to be a text, not an object"),
        (r#"{"type":"update","value":1e400}"#, "too large"),
        (r#"{"type":"update","value":"NaN"}"#, "finite number"),
        (r#"{"type":"update","value":NaN}"#, "NaN and Infinity"),
        (r#"{"text":"x","link":"http://"}"#, "with a host"),
        (r#"{"text":"x","link":"http://["}"#, "browser"),
    ] {
        let (status, problem) = answer(send(&server, "application/json", body)).await;
        let detail = problem["detail"].as_str().unwrap();
        assert!(
            status == 400 && detail.contains(words) && !detail.contains("invalid type"),
            "{body} {detail}"
        );
    }
    let (_, kept) =
        answer(send(&server, "application/json", r#"{"type":"update","value":9007199254740993}"#)).await;
    assert_eq!(kept["value"], json!(9_007_199_254_740_992.0));
}

#[tokio::test]
async fn headers_are_decoded_and_joined() {
    let server = TestServer::start().await;
    let text = || server.post("/api/events/ops").body("x");
    let latin = reqwest::header::HeaderValue::from_bytes(b"gr\xfc\xdfe").unwrap();
    let (_, entry) = answer(
        text()
            .header("title", "=?utf-8?B?w6TDtsO8?=")
            .header("tags", "a")
            .header("tags", "b, =?us-ascii?Q?=C3=BC?="),
    )
    .await;
    assert_eq!((&entry["title"], &entry["tags"]), (&json!("äöü"), &json!(["a", "b", "ü"])));
    let (_, entry) = answer(
        text()
            .header("title", latin)
            .header("level", "Critical")
            .header("link", "<HTTPS://a.example>; rel=me"),
    )
    .await;
    assert_eq!(
        (&entry["title"], &entry["level"], &entry["link"]),
        (&json!("grüße"), &json!("error"), &json!("HTTPS://a.example"))
    );
    let (status, entry) = answer(
        text()
            .header("title", "")
            .header("level", "")
            .header("tags", "")
            .header("link", "")
            .header("idempotency-key", ""),
    )
    .await;
    assert!(status == 201 && entry.get("title").is_none(), "{entry}");
}

#[tokio::test]
async fn fields_beside_a_payload_are_named() {
    let server = TestServer::start().await;
    let (status, entry) =
        answer(send(&server, FORM, r#"payload={"text":"a","foo":1}&title=DB&meta%5Bhost%5D=db1"#)).await;
    assert_eq!((status, &entry["text"]), (201, &json!("a")));
    assert_eq!(entry["ignored"], json!(["foo", "title", "meta[host]"]));
}

#[tokio::test]
async fn a_priority_that_is_none_is_passed_over_only_where_browsers_have_one_of_their_own() {
    let server = TestServer::start().await;
    let level = async |request: RequestBuilder| {
        let (status, entry) = answer(request.body("x")).await;
        (status, entry["level"].clone())
    };
    let post = |query: &str| server.post(&format!("/api/events/ops{query}"));
    let browser = |query: &str| post(query).header("priority", "u=1, i");
    assert_eq!(level(browser("")).await, (201, json!("info")));
    assert_eq!(level(browser("").header("x-priority", "5")).await, (201, json!("error")));
    assert_eq!(level(browser("?priority=high")).await, (201, json!("warning")));
    assert_eq!(level(post("?priority=urgnet")).await.0, 400);
    assert_eq!(level(browser("?priority=urgnet")).await.0, 400);
    assert_eq!(level(post("").header("x-priority", "urgnet")).await.0, 400);
}

#[tokio::test]
async fn a_time_that_keeps_caches_away_is_no_title() {
    let server = TestServer::start().await;
    let (status, entry) = answer(server.post("/api/events/ops?t=1722000000").body("x")).await;
    assert!(status == 201 && entry.get("title").is_none() && entry.get("ignored").is_none(), "{entry}");
    let (_, entry) = answer(server.post("/api/events/ops?t=1722000000&t=Disk+1").body("x")).await;
    assert_eq!(entry["title"], json!("Disk 1"));
}

#[tokio::test]
async fn compressed_bodies_are_decoded_within_bounds() {
    let server = TestServer::start().await;
    let gzip = |bytes: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
    zlib.write_all(b"packed").unwrap();
    let mut raw = DeflateEncoder::new(Vec::new(), Compression::fast());
    raw.write_all(b"packed").unwrap();
    for (coding, body) in [
        ("gzip", gzip(b"packed")),
        ("X-GZIP", gzip(b"packed")),
        ("deflate", zlib.finish().unwrap()),
        ("deflate", raw.finish().unwrap()),
        ("identity", b"packed".to_vec()),
    ] {
        let (status, entry) =
            answer(send(&server, "text/plain", body).header("content-encoding", coding)).await;
        assert_eq!((status, &entry["text"]), (201, &json!("packed")), "{coding}");
    }
    for (coding, body, expected) in [
        ("gzip", gzip(&vec![b'x'; 20 << 20]), 413),
        ("gzip", b"no gzip".to_vec(), 400),
        ("br", b"x".to_vec(), 415),
        ("gzip, gzip", gzip(b"x"), 415),
    ] {
        let (status, problem) =
            answer(send(&server, "text/plain", body).header("content-encoding", coding)).await;
        assert_eq!(status, expected, "{coding} {problem}");
    }
}

#[tokio::test]
async fn a_right_that_is_misspelt_is_refused_by_its_name() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    let (status, _) = answer(
        server
            .post("/api/rooms")
            .bearer_auth(&alice.session.token)
            .json(&json!({ "name": "x", "Private": true })),
    )
    .await;
    assert_eq!(status, 201);
    let bob: Value = server.person("bob").await.get("/api/rooms").send().await.unwrap().json().await.unwrap();
    assert!(!bob.as_array().unwrap().iter().any(|room| room["name"] == "x"), "the room is private");
    for (path, body, name) in [
        ("/api/rooms", json!({ "name": "y", "privat": true }), "privat"),
        ("/api/rooms", json!({ "name": "y", "is_private": true }), "is_private"),
        ("/api/rooms", json!({ "name": "y", "private": "true" }), "private"),
        ("/api/rooms", json!({ "name": "y", "readers": ["bob"] }), "readers"),
        ("/api/rooms", json!({ "name": "y", "names": ["bob"] }), "names"),
        ("/api/publishers", json!({ "name": "p", "channels": ["ops"], "expires": 5 }), "expires"),
        ("/api/channels/ops/readers", json!({ "names": [], "exclude": [] }), "exclude"),
        ("/api/session", json!({ "name": "n", "admin": true }), "admin"),
    ] {
        let method = if path.ends_with("readers") { Method::PUT } else { Method::POST };
        let request = server.client.request(method, format!("{}{path}", server.url)).json(&body);
        let request = if path == "/api/rooms" { request.bearer_auth(&alice.session.token) } else { request };
        let (status, problem) = answer(request).await;
        assert!(status == 400 && problem["detail"].as_str().unwrap().contains(name), "{path} {problem}");
    }
    let mut many: serde_json::Map<_, _> = (0..30).map(|n| (format!("a{n:02}"), json!(n))).collect();
    many.extend([("name".to_owned(), json!("y")), ("visibility".to_owned(), json!("private"))]);
    for body in
        [json!(many), json!({ "name": "y", "password": "x" }), json!({ "name": "y", "guests": false })]
    {
        let request = server.post("/api/rooms").bearer_auth(&alice.session.token).json(&body);
        assert_eq!(answer(request).await.0, 400, "{body}");
    }
    let room = json!({ "name": "z", "private": null, "topic": "tea", "visibility": null });
    let (status, room) =
        answer(server.post("/api/rooms").bearer_auth(&alice.session.token).json(&room)).await;
    assert_eq!((status, &room["ignored"]), (201, &json!(["topic", "visibility"])));
}

#[tokio::test]
async fn what_stands_beside_a_text_is_read_from_headers_and_the_query_in_other_spellings() {
    let server = TestServer::start().await;
    let read = async |request: reqwest::RequestBuilder| {
        let (status, entry) = answer(request.body("x")).await;
        assert_eq!(status, 201, "{entry}");
        ["title", "level", "tags", "link", "ignored"].map(|name| entry[name].clone())
    };
    let expected = ["DB", "error", "", "https://a.example/", ""].map(|text| json!(text));
    let as_expected = |mut read: [Value; 5], tags: Value, ignored: Value| {
        assert_eq!((&read[2], &read[4]), (&tags, &ignored));
        (read[2], read[4]) = (json!(""), json!(""));
        assert_eq!(read, expected);
    };
    let headers = [
        [("title", "DB"), ("priority", "5"), ("tags", "a"), ("click", "https://a.example/")],
        [("x-title", "DB"), ("x-priority", "max"), ("x-tags", "a"), ("x-click", "https://a.example/")],
        [("subject", "DB"), ("severity", "3"), ("tags", "a"), ("link", "<https://a.example/>")],
    ];
    for lines in headers {
        let request = server.post("/api/events/ops");
        let request = lines.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        as_expected(read(request).await, json!(["a"]), Value::Null);
    }
    let query = "/api/events/ops?title=DB&Level=error&url=https%3A%2F%2Fa.example%2F&tags=a,b&foo=1&_t=17";
    as_expected(read(server.post(query)).await, json!(["a", "b"]), json!(["?foo"]));
    // The `priority` header of browsers (RFC 9218) says nothing about an event.
    let [_, level, ..] = read(server.post("/api/events/ops").header("priority", "u=1, i")).await;
    assert_eq!(level, json!("info"));
    let (_, entry) = answer(server.post("/api/events/ops?source=ci").json(&json!({ "text": "x" }))).await;
    assert_eq!(entry["ignored"], json!(["?source"]));
    let (status, problem) = answer(server.post("/api/events/%FF").body("x")).await;
    let detail = problem["detail"].as_str().unwrap();
    assert!(status == 400 && detail.contains("not UTF-8") && !detail.contains("Invalid"), "{problem}");
}

#[tokio::test]
async fn what_begins_like_json_is_never_stored_as_a_text_of_braces() {
    let server = TestServer::start().await;
    let broken = [
        r#"{"type":"update","value":1e400}"#,
        r#"{"text":"x",}"#,
        r#"{ "text": NaN }"#,
        r#"[{"text":"a"]"#,
        "{}",
    ];
    for body in broken {
        for kind in [Some("application/x-www-form-urlencoded"), None] {
            let request = server.post("/api/events/ops").body(body);
            let request =
                kind.into_iter().fold(request, |request, kind| request.header("content-type", kind));
            let (status, problem) = answer(request).await;
            assert_eq!(status, 400, "{body} {kind:?} {problem}");
        }
    }
    for text in ["{name} is deployed", "[done] backup", "{'a': 1}"] {
        let (status, entry) = answer(server.post("/api/events/ops").body(text)).await;
        assert_eq!((status, &entry["text"]), (201, &json!(text)));
    }
    let (status, entry) = answer(send(&server, "text/plain", r#"{"text":"x",}"#)).await;
    assert_eq!(
        (status, &entry["text"]),
        (201, &json!(r#"{"text":"x",}"#)),
        "who says that it is a text means it"
    );
}

#[tokio::test]
async fn null_and_empty_members_of_frames_and_events_are_absent() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    let mut socket = alice.socket().await;
    for more in [json!({ "after": null, "last": null }), json!({ "after": "", "Last": 3 })] {
        socket.join("general", more).await;
    }
    socket.send(json!({ "type": "join", "room": {} })).await;
    let rejected = socket.expect("rejected").await;
    assert_eq!(rejected["message"], "room in the join has to be a text, not an object.");
    let mut client = SocketIo::open(&server.url, Some(&alice.session.token)).await.unwrap();
    client.join("general", json!({ "after": "", "last": null })).await;
    let posted = client.ask("message", json!({ "room": "general", "message": "hi", "id": null })).await;
    assert!(posted["offset"].is_u64() || posted[0]["offset"].is_u64(), "{posted}");
    let message = alice.post_body("general", &json!({ "id": new_id(), "text": "", "message": "hi" })).await;
    assert_eq!(message.status(), 201, "one that is empty hides no other");
    let post = json!({ "type": "post", "room": "general", "id": new_id(), "message": "hi" });
    socket.send(post).await;
    socket.expect("posted").await;
    let message = alice.post_body("general", &json!({ "id": new_id(), "body": "hi", "foo": 1 })).await;
    assert_eq!(message.status(), 201);
    assert_eq!(message.json::<Value>().await.unwrap()["ignored"], json!(["foo"]));
}
