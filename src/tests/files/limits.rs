//! The size limits of files, alone and together. A refused file leaves nothing.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use futures_util::{StreamExt, stream};
use serde_json::Value;

use super::{contents, expect_contents, send, upload};
use crate::support::{TestServer, problem};

/// The sentence of a refusal for lack of room.
async fn no_room(response: reqwest::Response) -> String {
    assert_eq!(response.status(), 507);
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let problem: Value = response.json().await.unwrap();
    assert_eq!((problem["status"].as_u64(), problem["code"].as_str()), (Some(507), Some("unavailable")));
    problem["detail"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_file_that_is_too_large_is_refused_and_leaves_nothing() {
    let server = TestServer::start_with(&["--max-file=10KiB"]).await;
    let alice = server.person("alice").await;
    upload(&server, &alice, "general", "fits", &[b'a'; 10 * 1024]).await;
    let large = vec![b'a'; 10 * 1024 + 1];
    assert_eq!(
        problem(send(&server.url, &alice, "general", "a", large.clone()).await, 413).await,
        "too_large"
    );
    // Without a length it is known when it comes.
    let pieces = stream::iter(
        large.chunks(1_000).map(|piece| Ok::<_, std::io::Error>(piece.to_vec())).collect::<Vec<_>>(),
    );
    let body = reqwest::Body::wrap_stream(pieces);
    assert_eq!(problem(send(&server.url, &alice, "general", "a", body).await, 413).await, "too_large");
    assert_eq!(contents(&server.folder().join("files")).len(), 1);
}

#[tokio::test]
async fn a_form_whose_head_has_no_end_is_refused_before_it_fills_the_memory() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    for beginning in ["--xyz\r\nA: ", ""] {
        let taken = Arc::new(AtomicUsize::new(0));
        let counted = taken.clone();
        let pieces = stream::iter(0..1_000).map(move |_| {
            counted.fetch_add(1, Relaxed);
            vec![b'a'; 64 * 1024]
        });
        let body = stream::iter([beginning.as_bytes().to_vec()]).chain(pieces).map(Ok::<_, std::io::Error>);
        let request = server.post("/api/files?room=general").bearer_auth(&alice.session.token);
        let request = request.header("content-type", "multipart/form-data; boundary=xyz");
        let answer = request.body(reqwest::Body::wrap_stream(body)).send().await;
        // It may close the connection before it has read all.
        if let Ok(answer) = answer {
            assert_eq!(problem(answer, 400).await, "bad_request", "{beginning}");
        }
        let taken = taken.load(Relaxed);
        assert!(taken < 500, "{taken} of 1000 pieces were read");
    }
    // A file after fields that are passed over, and a large one, are taken as before.
    let form = "--xyz\r\nContent-Disposition: form-data; name=text\r\n\r\nhello\r\n\
                --xyz\r\nContent-Disposition: form-data; name=file; filename=a.txt\r\n\r\n";
    let body = format!("{form}{}\r\n--xyz--\r\n", "b".repeat(2 * 1024 * 1024));
    let request = server.post("/api/files?room=general").bearer_auth(&alice.session.token);
    let request = request.header("content-type", "multipart/form-data; boundary=xyz").body(body);
    assert_eq!(request.send().await.unwrap().status(), 201);
}

#[tokio::test]
async fn the_files_of_a_person_and_of_a_room_have_an_end() {
    let settings = ["--max-files-per-person=25B", "--max-files-per-room=45B"];
    let server = TestServer::start_with(&settings).await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    for (who, name) in [(&alice, "a"), (&alice, "b"), (&bob, "c"), (&bob, "d")] {
        upload(&server, who, "general", name, format!("{name:10}").as_bytes()).await;
    }
    let detail = no_room(send(&server.url, &alice, "general", "e", vec![b'e'; 6]).await).await;
    assert!(detail.contains("--max-files-per-person"), "{detail}");
    let carol = server.person("carol").await;
    let detail = no_room(send(&server.url, &carol, "general", "e", vec![b'e'; 6]).await).await;
    assert!(detail.contains("--max-files-per-room"), "{detail}");
    upload(&server, &carol, "tech", "e", &[b'e'; 6]).await;
    assert_eq!(contents(&server.folder().join("files")).len(), 5);
}

#[tokio::test]
async fn a_full_disk_is_a_clear_refusal() {
    let server = TestServer::start_limited(&["--min-free-disk=1024TiB"]).await;
    let alice = server.person("alice").await;
    let detail = no_room(send(&server.url, &alice, "general", "a", "hello").await).await;
    assert!(detail.contains("full") && detail.contains("nothing was stored"), "{detail}");
    assert_eq!(contents(&server.folder().join("files")).len(), 0);
}

#[tokio::test]
async fn files_come_as_fast_as_the_limit_says() {
    let server = TestServer::start_limited(&["--limit-files=2/1h", "--min-free-disk=0B"]).await;
    let alice = server.person("alice").await;
    for _ in 0..2 {
        upload(&server, &alice, "general", "a", b"hello").await;
    }
    assert_eq!(
        problem(send(&server.url, &alice, "general", "a", "hello").await, 429).await,
        "too_many_requests"
    );
}

#[tokio::test]
async fn an_upload_that_is_cut_leaves_nothing() {
    let server = TestServer::start().await;
    let (alice, folder) = (server.person("alice").await, server.folder().join("files"));
    let first = stream::iter([Ok::<_, std::io::Error>(vec![b'a'; 100_000])]);
    let body = reqwest::Body::wrap_stream(first.chain(stream::pending()));
    let (url, sender) = (server.url.clone(), alice.clone());
    let sending = tokio::spawn(async move { send(&url, &sender, "general", "a", body).await });
    expect_contents(&folder, 1).await;
    sending.abort();
    expect_contents(&folder, 0).await;
}

#[tokio::test]
async fn a_request_that_is_no_upload_is_told_why() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    let post = async |path: &str, coding: &str| {
        let request = server.post(path).bearer_auth(&alice.session.token).header("content-encoding", coding);
        request.body("hello").send().await.unwrap()
    };
    assert_eq!(problem(post("/api/files", "identity").await, 400).await, "bad_request");
    assert_eq!(problem(post("/api/files?room=general&other=x", "identity").await, 400).await, "bad_request");
    assert_eq!(problem(post("/api/files?room=nowhere", "identity").await, 404).await, "unknown_room");
    assert_eq!(problem(post("/api/files?room=general", "gzip").await, 415).await, "bad_media_type");
    let anonymous = server.post("/api/files?room=general").body("hello").send().await.unwrap();
    assert_eq!(problem(anonymous, 401).await, "no_session");
}
