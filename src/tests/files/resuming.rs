//! Uploads that are continued after a cut, by tus: what the protocol asks for, and what holds of every upload.

use std::path::{Path, PathBuf};

use base64::{Engine, engine::general_purpose::STANDARD};
use futures_util::{StreamExt, stream};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};

use super::{contents, upload};
use crate::support::{Machine, Person, TestServer, in_time, problem};

const DAY_MS: i64 = 24 * 3_600_000;

/// A request of a client of tus.
pub(super) fn ask(method: &str, url: &str, who: &Person, path: &str) -> RequestBuilder {
    let request = Client::new().request(method.parse().unwrap(), format!("{url}{path}"));
    request.bearer_auth(&who.session.token).header("tus-resumable", "1.0.0")
}

/// Begins an upload; the answer.
async fn begin(server: &TestServer, who: &Person, target: &str, length: usize) -> Response {
    let request = ask("POST", &server.url, who, &format!("/api/uploads?{target}"));
    request.header("upload-length", length).send().await.unwrap()
}

/// Begins an upload of this length to `general`; its address.
async fn begun(server: &TestServer, who: &Person, length: usize) -> String {
    let response = begin(server, who, "room=general&name=a.txt", length).await;
    assert_eq!(response.status(), 201);
    header(&response, "location")
}

/// A request that adds bytes.
pub(super) fn bytes(url: &str, who: &Person, path: &str, offset: usize) -> RequestBuilder {
    let request = ask("PATCH", url, who, path).header("upload-offset", offset);
    request.header("content-type", "application/offset+octet-stream")
}

async fn append(
    server: &TestServer,
    who: &Person,
    path: &str,
    offset: usize,
    body: impl Into<reqwest::Body>,
) -> Response {
    bytes(&server.url, who, path, offset).body(body).send().await.unwrap()
}

async fn head(server: &TestServer, who: &Person, path: &str) -> Response {
    ask("HEAD", &server.url, who, path).send().await.unwrap()
}

async fn offset(server: &TestServer, who: &Person, path: &str) -> String {
    let response = head(server, who, path).await;
    assert_eq!(response.status(), 200);
    header(&response, "upload-offset")
}

fn header(response: &Response, name: &str) -> String {
    response.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

/// The files of uploads that are not complete, or were a short time ago.
fn partial(server: &TestServer) -> Vec<PathBuf> {
    partial_in(&server.folder().join("files"))
}

pub(super) fn partial_in(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder.join("partial")).unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// A body whose beginning comes and whose rest does not.
fn hanging(beginning: &[u8]) -> reqwest::Body {
    let first = stream::iter([Ok::<_, std::io::Error>(beginning.to_vec())]);
    reqwest::Body::wrap_stream(first.chain(stream::pending()))
}

/// Waits until this many bytes of the only upload have come.
async fn arrived(server: &TestServer, count: u64) {
    in_time(async {
        let is_there = |path: &PathBuf| path.metadata().is_ok_and(|file| file.len() == count);
        while !partial(server).iter().any(|path| path.extension().unwrap() == "bytes" && is_there(path)) {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_file_that_comes_in_pieces_is_one() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    let metadata =
        format!("filename {},room {},is_draft", STANDARD.encode("花.txt"), STANDARD.encode("general"));
    let request = ask("POST", &server.url, &alice, "/api/uploads").header("upload-length", 11);
    let response = request.header("upload-metadata", &metadata).send().await.unwrap();
    assert_eq!(response.status(), 201);
    assert_eq!(header(&response, "tus-resumable"), "1.0.0");
    assert_eq!(header(&response, "upload-offset"), "0");
    assert!(header(&response, "upload-expires").ends_with(" GMT"), "{:?}", response.headers());
    let path = header(&response, "location");
    let first = append(&server, &alice, &path, 0, "hello").await;
    assert_eq!((first.status().as_u16(), header(&first, "upload-offset")), (204, "5".to_owned()));
    let response = head(&server, &alice, &path).await;
    for (name, value) in [
        ("upload-offset", "5"),
        ("upload-length", "11"),
        ("upload-metadata", &metadata),
        ("cache-control", "no-store"),
        ("tus-resumable", "1.0.0"),
    ] {
        assert_eq!(header(&response, name), value, "{name}");
    }
    let last = bytes(&server.url, &alice, &path, 5).header("accept", "application/json").body(" world");
    let last = last.send().await.unwrap();
    assert_eq!((last.status().as_u16(), header(&last, "upload-offset")), (200, "11".to_owned()));
    let url = header(&last, "upload-file");
    let file: Value = last.json().await.unwrap();
    assert_eq!(
        (&file["name"], &file["type"], &file["size"]),
        (&json!("花.txt"), &json!("text/plain"), &json!(11))
    );
    assert_eq!(file["url"], url);
    assert_eq!(alice.get(&url).send().await.unwrap().text().await.unwrap(), "hello world");
    // The same content as by the other way.
    upload(&server, &alice, "general", "b.txt", b"hello world").await;
    let stored = contents(&server.folder().join("files"));
    assert_eq!(stored.len(), 1, "{stored:?}");
}

#[tokio::test]
async fn a_client_whose_last_answer_was_lost_learns_of_the_file() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    let path = begun(&server, &alice, 5).await;
    let last = append(&server, &alice, &path, 0, "hello").await;
    assert_eq!((last.status().as_u16(), header(&last, "upload-offset")), (204, "5".to_owned()));
    let url = header(&last, "upload-file");
    assert!(url.starts_with("/files/"), "{url}");
    for _ in 0..2 {
        let response = head(&server, &alice, &path).await;
        assert_eq!(
            (header(&response, "upload-offset"), header(&response, "upload-file")),
            ("5".into(), url.clone())
        );
        let again = append(&server, &alice, &path, 5, "").await;
        assert_eq!((again.status().as_u16(), header(&again, "upload-file")), (204, url.clone()));
        let again = append(&server, &alice, &path, 0, "hello").await;
        assert_eq!((again.status().as_u16(), header(&again, "upload-offset")), (409, "5".to_owned()));
    }
    let state: Value = alice.get(&path).send().await.unwrap().json().await.unwrap();
    assert_eq!((&state["offset"], &state["file"]["url"]), (&json!(5), &json!(url)));
    // It is one file: when its message goes, nothing is left.
    let body = json!({ "id": crate::support::new_id(), "text": "x", "files": [state["file"]["id"]] });
    assert_eq!(alice.post_body("general", &body).await.status(), 201);
    let deletion = json!({ "id": crate::support::new_id(), "kind": "delete" });
    let changes = "/api/rooms/general/messages/1/changes";
    assert_eq!(alice.send(Method::POST, changes, &deletion).await.status(), 201);
    super::expect_contents(&server.folder().join("files"), 0).await;
    assert_eq!(head(&server, &alice, &path).await.status(), 410);
}

#[tokio::test]
async fn an_upload_that_is_cut_goes_on_where_it_stopped() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    let path = begun(&server, &alice, 10).await;
    // The connection hangs, as after a change of the network: the server knows of no cut.
    let request = bytes(&server.url, &alice, &path, 0).body(hanging(b"01234"));
    let sending = tokio::spawn(request.send());
    arrived(&server, 5).await;
    let other = append(&server, &alice, &path, 5, "56789").await;
    assert_eq!(
        (problem(other, 423).await.as_str(), offset(&server, &alice, &path).await.as_str()),
        ("unavailable", "5")
    );
    let interrupted = sending.await.unwrap().unwrap();
    assert_eq!(interrupted.status(), 423, "whoever looks takes it over");
    // The connection breaks.
    let sending = tokio::spawn(bytes(&server.url, &alice, &path, 5).body(hanging(b"567")).send());
    arrived(&server, 8).await;
    sending.abort();
    assert_eq!(offset(&server, &alice, &path).await, "8");
    let last = append(&server, &alice, &path, 8, "89").await;
    assert_eq!(last.status(), 204);
    let read = alice.get(&header(&last, "upload-file")).send().await.unwrap();
    assert_eq!(read.text().await.unwrap(), "0123456789");
}

#[tokio::test]
async fn an_upload_survives_a_restart() {
    let data = tempfile::tempdir().unwrap();
    let server = TestServer::start_on(data.path(), &[]).await;
    let alice = server.person("alice").await;
    let path = begun(&server, &alice, 10).await;
    assert_eq!(append(&server, &alice, &path, 0, "01234").await.status(), 204);
    server.stop().await;
    let server = TestServer::start_on(data.path(), &[]).await;
    server.state.files.sweep(true).await.unwrap();
    assert_eq!(offset(&server, &alice, &path).await, "5");
    let last = append(&server, &alice, &path, 5, "56789").await;
    let read = alice.at(&server).get(&header(&last, "upload-file")).send().await.unwrap();
    assert_eq!(read.text().await.unwrap(), "0123456789");
}

#[tokio::test]
async fn every_fault_of_a_request_has_its_answer() {
    let server = TestServer::start_with(&["--max-file=1KiB"]).await;
    let alice = server.person("alice").await;
    let options =
        Client::new().request(Method::OPTIONS, format!("{}/api/uploads", server.url)).send().await.unwrap();
    assert_eq!(options.status(), 204);
    for (name, value) in [
        ("tus-version", "1.0.0"),
        ("tus-resumable", "1.0.0"),
        ("tus-max-size", "1024"),
        ("tus-extension", "creation,creation-with-upload,termination,expiration"),
    ] {
        assert_eq!(header(&options, name), value);
    }
    let path = begun(&server, &alice, 10).await;
    let token = &alice.session.token;
    let raw = |method: Method, path: &str| {
        Client::new().request(method, format!("{}{path}", server.url)).bearer_auth(token)
    };
    let target = "/api/uploads?room=general";
    let offset_bytes = "application/offset+octet-stream";
    let patch = |offset: &str, kind: &str| {
        ask("PATCH", &server.url, &alice, &path).header("upload-offset", offset).header("content-type", kind)
    };
    let create = |name: &str, value: &str| ask("POST", &server.url, &alice, target).header(name, value);
    let long = "x".repeat(5_000);
    for (request, status, code) in [
        (raw(Method::POST, target).header("upload-length", 1), 412, "bad_request"),
        (
            raw(Method::POST, target).header("upload-length", 1).header("tus-resumable", "0.2.2"),
            412,
            "bad_request",
        ),
        (raw(Method::PATCH, &path), 412, "bad_request"),
        (raw(Method::DELETE, &path), 412, "bad_request"),
        (create("upload-length", "-1"), 400, "bad_request"),
        (create("upload-length", "+1"), 400, "bad_request"),
        (create("upload-defer-length", "1"), 400, "bad_request"),
        (create("upload-length", "1025"), 413, "too_large"),
        (create("upload-metadata", "filename ?"), 400, "bad_request"),
        (create("upload-metadata", &long), 400, "bad_request"),
        (ask("POST", &server.url, &alice, "/api/uploads").header("upload-length", 1), 400, "bad_request"),
        (
            ask("POST", &server.url, &alice, "/api/uploads?room=none").header("upload-length", 1),
            404,
            "unknown_room",
        ),
        (ask("PATCH", &server.url, &alice, "/api/uploads/..%2f..%2fidobata"), 404, "not_found"),
        (patch("0", "text/plain").body("0"), 415, "bad_media_type"),
        (patch("", offset_bytes).body("0"), 400, "bad_request"),
        (patch("1", offset_bytes).body("0"), 409, "bad_request"),
        (patch("0", offset_bytes).body("0123456789a"), 413, "too_large"),
        (patch("0", offset_bytes).header("content-encoding", "gzip").body("0"), 415, "bad_media_type"),
        (ask("POST", &server.url, &alice, &path), 405, "bad_method"),
    ] {
        let response = request.send().await.unwrap();
        let version = header(&response, "tus-resumable");
        assert_eq!(problem(response, status).await, code);
        assert!(version == "1.0.0" || status == 404, "{status}");
    }
    // Without a length, too many bytes are found when they come.
    let pieces = stream::iter([Ok::<_, std::io::Error>(vec![b'0'; 9]), Ok(vec![b'1'; 9])]);
    let response = append(&server, &alice, &path, 0, reqwest::Body::wrap_stream(pieces)).await;
    assert_eq!(problem(response, 413).await, "too_large");
    assert!(["0", "9"].contains(&offset(&server, &alice, &path).await.as_str()));
    assert_eq!(header(&append(&server, &alice, &path, 3, "x").await, "upload-offset").len(), 1);
}

#[tokio::test]
async fn bytes_may_come_with_the_beginning_and_by_post() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    let with = |length: usize, body: &'static str| {
        let request =
            ask("POST", &server.url, &alice, "/api/uploads?room=general").header("upload-length", length);
        request.header("content-type", "application/offset+octet-stream").body(body).send()
    };
    let part = with(10, "01234").await.unwrap();
    assert_eq!((part.status().as_u16(), header(&part, "upload-offset")), (201, "5".to_owned()));
    let path = header(&part, "location");
    let request = ask("POST", &server.url, &alice, &path).header("x-http-method-override", "PATCH");
    let request =
        request.header("upload-offset", 5).header("content-type", "application/offset+octet-stream");
    let last = request.body("56789").send().await.unwrap();
    assert_eq!((last.status().as_u16(), header(&last, "upload-offset")), (204, "10".to_owned()));
    for (length, body) in [(5, "01234"), (0, "")] {
        let whole = with(length, body).await.unwrap();
        assert_eq!(whole.status(), 201);
        let read = alice.get(&header(&whole, "upload-file")).send().await.unwrap();
        assert_eq!(read.text().await.unwrap(), body);
    }
    // Nobody knows of one that was cut here.
    assert_eq!(problem(with(3, "01234").await.unwrap(), 413).await, "too_large");
    assert!(
        partial(&server).iter().all(|path| path.extension().unwrap() == "done"),
        "{:?}",
        partial(&server)
    );
}

#[tokio::test]
async fn an_upload_is_its_owners_and_can_be_given_up() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    let path = begun(&server, &alice, 10).await;
    append(&server, &alice, &path, 0, "01234").await;
    assert_eq!(head(&server, &bob, &path).await.status(), 404);
    assert_eq!(problem(append(&server, &bob, &path, 5, "56789").await, 404).await, "not_found");
    assert_eq!(
        problem(ask("DELETE", &server.url, &bob, &path).send().await.unwrap(), 404).await,
        "not_found"
    );
    assert_eq!(offset(&server, &alice, &path).await, "5");
    assert_eq!(ask("DELETE", &server.url, &alice, &path).send().await.unwrap().status(), 204);
    assert_eq!(head(&server, &alice, &path).await.status(), 404);
    assert_eq!(partial(&server), [] as [PathBuf; 0]);
}

#[tokio::test]
async fn who_lost_the_room_adds_nothing_any_more() {
    let server = TestServer::start_with(&["--auth", "accounts"]).await;
    let (owner, alice) = (server.account("owner").await, server.account("alice").await);
    let room = json!({ "name": "Secret", "private": true });
    assert_eq!(owner.send(Method::POST, "/api/rooms", &room).await.status(), 201);
    let members = "/api/rooms/secret/members";
    assert_eq!(owner.send(Method::POST, members, &json!({ "name": "alice" })).await.status(), 201);
    let path = header(&begin(&server, &alice, "room=secret", 10).await, "location");
    assert_eq!(append(&server, &alice, &path, 0, "01234").await.status(), 204);
    let member = format!("{members}/{}", alice.session.user.id);
    assert_eq!(owner.send(Method::DELETE, &member, &json!(null)).await.status(), 204);
    assert_eq!(problem(append(&server, &alice, &path, 5, "56789").await, 404).await, "unknown_room");
    assert_eq!(head(&server, &alice, &path).await.status(), 404);
    assert_eq!(ask("DELETE", &server.url, &alice, &path).send().await.unwrap().status(), 204);
    assert_eq!(partial(&server), [] as [PathBuf; 0]);
}

#[tokio::test]
async fn an_upload_expires_after_a_day() {
    let (data, machine) = (tempfile::tempdir().unwrap(), Machine::new());
    let server = TestServer::start_on_clock(data.path(), &[], machine.clock()).await;
    let alice = server.person("alice").await;
    let path = begun(&server, &alice, 10).await;
    append(&server, &alice, &path, 0, "01234").await;
    let done = begun(&server, &alice, 1).await;
    append(&server, &alice, &done, 0, "0").await;
    machine.pass(DAY_MS - 60_000);
    server.state.files.sweep(true).await.unwrap();
    assert_eq!(offset(&server, &alice, &path).await, "5");
    machine.pass(120_000);
    server.state.files.sweep(true).await.unwrap();
    for path in [&path, &done] {
        assert_eq!(head(&server, &alice, path).await.status(), 404);
    }
    assert_eq!(partial_in(&data.path().join("files")), [] as [PathBuf; 0]);
}

#[tokio::test]
async fn parts_take_no_more_of_the_disk_than_files_may() {
    let server = TestServer::start_with(&["--max-files-per-person=45B"]).await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    let paths = [begun(&server, &alice, 20).await, begun(&server, &alice, 20).await];
    assert_eq!(begin(&server, &alice, "room=general", 6).await.status(), 507);
    begun(&server, &bob, 20).await;
    append(&server, &alice, &paths[0], 0, vec![b'a'; 20]).await;
    // A file now, and counted as one when the next is complete: what has come stays, and is a file when there is room.
    let other = begun(&server, &alice, 10).await;
    append(&server, &alice, &paths[1], 0, vec![b'b'; 20]).await;
    let full = append(&server, &alice, &other, 0, vec![b'c'; 10]).await;
    assert_eq!(problem(full, 507).await, "unavailable");
    assert_eq!(head(&server, &alice, &other).await.status(), 507);
    assert_eq!(contents(&server.folder().join("files")).len(), 2);
    for _ in 0..30 {
        begun(&server, &bob, 0).await;
    }
    let carol = server.person("carol").await;
    for _ in 0..30 {
        begun(&server, &carol, 1).await;
    }
    assert_eq!(problem(begin(&server, &carol, "room=general", 1).await, 429).await, "too_many_requests");
}

#[tokio::test]
async fn an_upload_counts_once_for_its_limit_and_needs_room_on_the_disk() {
    let server = TestServer::start_limited(&["--limit-files=1/1h", "--min-free-disk=0B"]).await;
    let alice = server.person("alice").await;
    let path = begun(&server, &alice, 3).await;
    for offset in 0..3 {
        assert_eq!(append(&server, &alice, &path, offset, "x").await.status(), 204);
    }
    assert_eq!(problem(begin(&server, &alice, "room=general", 3).await, 429).await, "too_many_requests");
    let server = TestServer::start_limited(&["--min-free-disk=1024TiB"]).await;
    let alice = server.person("alice").await;
    assert_eq!(begin(&server, &alice, "room=general", 3).await.status(), 507);
    assert_eq!(partial(&server), [] as [PathBuf; 0]);
}

#[tokio::test]
async fn a_picture_that_comes_in_pieces_loses_its_details_and_a_bad_one_is_refused() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    let mut png = super::PNG.to_vec();
    // A comment, before the end.
    let at = png.len() - 12;
    let comment = b"tEXtComment\0me!";
    let mut sum = flate2::Crc::new();
    sum.update(comment);
    png.splice(at..at, [b"\0\0\0\x0b", &comment[..], &sum.sum().to_be_bytes()].concat());
    let path = begun(&server, &alice, png.len()).await;
    append(&server, &alice, &path, 0, png[..20].to_vec()).await;
    let last = append(&server, &alice, &path, 20, png[20..].to_vec()).await;
    assert_eq!((last.status().as_u16(), header(&last, "upload-offset")), (204, png.len().to_string()));
    let read = alice.get(&header(&last, "upload-file")).send().await.unwrap();
    assert_eq!(read.bytes().await.unwrap(), super::PNG);
    let mut bomb = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\xc3\x50\0\0\xc3\x50\x08\x06\0\0\0".to_vec();
    bomb.extend([0; 100]);
    let path = begun(&server, &alice, bomb.len()).await;
    assert_eq!(problem(append(&server, &alice, &path, 0, bomb).await, 413).await, "too_large");
    assert_eq!(head(&server, &alice, &path).await.status(), 404);
    assert_eq!(contents(&server.folder().join("files")).len(), 1);
}
