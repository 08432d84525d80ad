//! Files: uploaded, named by messages, read by those who may read the room, and gone with their message.

mod backup;
mod bucket;
mod crash;
mod form;
mod hostile;
mod limits;
mod messages;
mod resuming;
mod rights;

use std::path::{Path, PathBuf};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Client, Response};
use serde_json::{Value, json};

use crate::support::{Person, TestServer, in_time, problem};

/// A picture of one pixel.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\
    \0\0\0\nIDATx\x9cc\0\x01\0\0\x05\0\x01\r\n-\xb4\0\0\0\0IEND\xaeB`\x82";

/// Uploads bytes to a room.
async fn send(url: &str, who: &Person, room: &str, name: &str, bytes: impl Into<reqwest::Body>) -> Response {
    let name = utf8_percent_encode(name, NON_ALPHANUMERIC);
    let request = Client::new().post(format!("{url}/api/files?room={room}&name={name}"));
    request.bearer_auth(&who.session.token).body(bytes).send().await.unwrap()
}

/// Uploads bytes that are accepted; the answer.
async fn upload(server: &TestServer, who: &Person, room: &str, name: &str, bytes: &[u8]) -> Value {
    let response = send(&server.url, who, room, name, bytes.to_vec()).await;
    assert_eq!(response.status(), 201, "{name}");
    response.json().await.unwrap()
}

/// The paths of the contents in a folder of files, and of what is on its way in or out, but for uploads that resume.
fn contents(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for part in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if !part.ends_with("partial") {
            found.extend(std::fs::read_dir(part).unwrap().map(|entry| entry.unwrap().path()));
        }
    }
    found
}

/// Waits until a folder of files has this many contents.
async fn expect_contents(folder: &Path, count: usize) {
    in_time(async {
        while contents(folder).len() != count {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_file_is_answered_with_its_address_and_read_back() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    let file = upload(&server, &alice, "general", "../photo 花.png", PNG).await;
    assert_eq!((file["name"].as_str(), file["type"].as_str()), (Some("photo 花.png"), Some("image/png")));
    assert_eq!(file["size"], PNG.len());
    assert_eq!((&file["width"], &file["height"]), (&json!(1), &json!(1)));
    let url = file["url"].as_str().unwrap();
    assert_eq!(url, format!("/files/{}/photo%20%E8%8A%B1.png", file["id"].as_str().unwrap()));
    let response = alice.get(url).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let headers = response.headers().clone();
    for (name, value) in [
        ("content-type", "image/png"),
        ("content-disposition", "inline; filename*=UTF-8''photo%20%E8%8A%B1.png"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "private, no-cache"),
        ("accept-ranges", "bytes"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        assert_eq!(headers[name], value, "{name}");
    }
    assert!(headers["content-security-policy"].to_str().unwrap().ends_with("sandbox"));
    assert!(!headers.contains_key("last-modified"), "it would tell when another one uploaded the same");
    assert_eq!(response.bytes().await.unwrap(), PNG);
    let again = alice.get(url).header("if-none-match", &headers["etag"]).send().await.unwrap();
    assert_eq!(again.status(), 304);
}

#[tokio::test]
async fn a_part_of_a_file_is_read_by_its_range() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    let file = upload(&server, &alice, "general", "a.txt", b"0123456789").await;
    let url = file["url"].as_str().unwrap();
    let part = async |range: &str, if_range: &str| {
        let mut request = alice.get(url).header("range", range);
        if !if_range.is_empty() {
            request = request.header("if-range", if_range);
        }
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    };
    assert_eq!(part("bytes=2-4", "").await, (206, "234".to_owned()));
    assert_eq!(part("bytes=-3", "").await, (206, "789".to_owned()));
    assert_eq!(part("bytes=8-", "").await, (206, "89".to_owned()));
    assert_eq!(part("bytes=20-", "").await.0, 416);
    assert_eq!(part("bytes=2-4", "\"another\"").await, (200, "0123456789".to_owned()));
    // Ranges are those of GET.
    let head = Client::new().head(format!("{}{url}", server.url)).bearer_auth(&alice.session.token);
    let head = head.header("range", "bytes=2-4");
    let head = head.send().await.unwrap();
    assert_eq!((head.status().as_u16(), head.headers()["content-length"].as_bytes()), (200, &b"10"[..]));
}

#[tokio::test]
async fn a_form_has_one_file() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    let send = async |parts: &[(&str, &str)]| {
        let mut body = String::new();
        for (disposition, text) in parts {
            body += &format!("--xyz\r\nContent-Disposition: form-data; {disposition}\r\n\r\n{text}\r\n");
        }
        let request = server.post("/api/files?room=general").bearer_auth(&alice.session.token);
        let request = request.header("content-type", "multipart/form-data; boundary=xyz");
        request.body(body + "--xyz--\r\n").send().await.unwrap()
    };
    let form = [("name=\"why\"", "because"), ("name=\"file\"; filename=\"notes.md\"", "# Notes")];
    let response = send(&form).await;
    assert_eq!(response.status(), 201);
    let file: Value = response.json().await.unwrap();
    assert_eq!((file["name"].as_str(), file["type"].as_str()), (Some("notes.md"), Some("text/plain")));
    let read = alice.get(file["url"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(read.headers()["content-type"], "text/plain; charset=utf-8");
    assert_eq!(read.text().await.unwrap(), "# Notes");
    assert_eq!(problem(send(&form[..1]).await, 400).await, "bad_request");
    assert_eq!(problem(send(&[form[1], form[1]]).await, 400).await, "bad_request");
}

#[tokio::test]
async fn a_file_is_only_its_owners_until_a_message_names_it() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    let file = upload(&server, &alice, "general", "a.txt", b"hello").await;
    let url = file["url"].as_str().unwrap();
    assert_eq!(alice.get(url).send().await.unwrap().status(), 200);
    assert_eq!(problem(bob.get(url).send().await.unwrap(), 404).await, "not_found");
    assert_eq!(problem(server.get(url).send().await.unwrap(), 404).await, "not_found");
    for other in ["/files/nothing/a.txt", "/files/..%2f..%2fidobata.db/a", "/files/%00/a"] {
        assert_eq!(problem(alice.get(other).send().await.unwrap(), 404).await, "not_found", "{other}");
    }
}

#[tokio::test]
async fn the_same_content_is_on_the_disk_once() {
    let server = TestServer::start().await;
    let folder = server.folder().join("files");
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    for who in [&alice, &bob, &alice] {
        upload(&server, who, "general", "a.txt", b"hello").await;
    }
    assert_eq!(contents(&folder).len(), 1);
    upload(&server, &alice, "general", "a.txt", b"hello!").await;
    assert_eq!(contents(&folder).len(), 2);
}

#[tokio::test]
async fn a_picture_that_may_move_has_a_thumbnail_which_goes_with_it() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    // One pixel, drawn twice.
    let gif = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff\x21\xf9\x04\0\x0a\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0;";
    let file = upload(&server, &alice, "general", "a.gif", gif).await;
    let url = format!("{}?thumbnail", file["url"].as_str().unwrap());
    let body = json!({ "id": crate::support::new_id(), "text": "x", "files": [file["id"]] });
    assert_eq!(alice.post_body("general", &body).await.status(), 201);
    let small = alice.get(&url).send().await.unwrap();
    let headers = small.headers().clone();
    assert!(["image/png", "image/jpeg"].contains(&headers["content-type"].to_str().unwrap()), "{headers:?}");
    assert_ne!(small.bytes().await.unwrap(), &gif[..]);
    assert_eq!(alice.get(&url).header("if-none-match", &headers["etag"]).send().await.unwrap().status(), 304);
    let whole = alice.get(file["url"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(whole.bytes().await.unwrap(), &gif[..]);
    // A small photograph has none, and is sent itself.
    let png = upload(&server, &alice, "general", "a.png", PNG).await;
    let small = alice.get(&format!("{}?thumbnail", png["url"].as_str().unwrap())).send().await.unwrap();
    assert_eq!(small.bytes().await.unwrap(), PNG);
    let thumbnails = server.folder().join("files/thumbnails");
    assert_eq!(contents(&thumbnails).len(), 1);
    let deletion = json!({ "id": crate::support::new_id(), "kind": "delete" });
    let path = "/api/rooms/general/messages/1/changes";
    assert_eq!(alice.send(reqwest::Method::POST, path, &deletion).await.status(), 201);
    expect_contents(&thumbnails, 0).await;
    assert_eq!(problem(alice.get(&url).send().await.unwrap(), 404).await, "not_found");
}
