//! Files in a bucket of an S3 service: what is sent to and read from one node is there on the others, and goes with its
//! message.

use image::{DynamicImage, ImageFormat, RgbImage};
use reqwest::Method;
use serde_json::{Value, json};

use super::{backup::run, send, upload};
use crate::support::{Bucket, Nodes, Person, RedisServer, S3Service, TestServer, in_time, new_id};

async fn server_with(bucket: &Bucket, more: &[&str]) -> TestServer {
    let settings = bucket.settings();
    let settings: Vec<&str> = settings.iter().map(String::as_str).chain(more.iter().copied()).collect();
    TestServer::start_with(&settings).await
}

/// Deletes the first message of the room.
async fn delete_the_first(who: &Person) {
    let deletion = json!({ "id": new_id(), "kind": "delete" });
    let answer = who.send(Method::POST, "/api/rooms/general/messages/1/changes", &deletion).await;
    assert_eq!(answer.status(), 201);
}

/// Waits until the bucket has this many objects.
async fn expect_objects(bucket: &Bucket, count: usize) {
    in_time(async { while bucket.names().await.len() != count {} }).await;
}

#[tokio::test]
async fn a_file_is_stored_in_the_bucket_and_read_back_whole_and_in_parts() {
    let bucket = S3Service::shared().bucket().await;
    let server = server_with(&bucket, &[]).await;
    let alice = server.person("alice").await;
    let file = upload(&server, &alice, "general", "a.txt", b"0123456789").await;
    let empty = upload(&server, &alice, "general", "empty", b"").await;
    let names = bucket.names().await;
    assert_eq!(names.len(), 2);
    assert!(names.iter().all(|name| name.starts_with("team/files/")), "{names:?}");
    let read = async |url: &Value, range: &str| {
        let request = alice.get(url.as_str().unwrap()).header("range", range);
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let length = response.headers()["content-length"].to_str().unwrap().to_owned();
        (status, length, response.text().await.unwrap())
    };
    assert_eq!(read(&file["url"], "").await, (200, "10".into(), "0123456789".into()));
    assert_eq!(read(&file["url"], "bytes=2-4").await, (206, "3".into(), "234".into()));
    assert_eq!(read(&file["url"], "bytes=-1").await, (206, "1".into(), "9".into()));
    assert_eq!(read(&file["url"], "bytes=10-").await.0, 416);
    assert_eq!(read(&empty["url"], "").await, (200, "0".into(), String::new()));
    assert_eq!(std::fs::read_dir(server.folder().join("files/incoming")).unwrap().count(), 0);
}

#[tokio::test]
async fn a_file_of_several_parts_is_the_same_again() {
    let bucket = S3Service::shared().bucket().await;
    let server = server_with(&bucket, &[]).await;
    let alice = server.person("alice").await;
    let large: Vec<u8> =
        (0..20 * 1024 * 1024).map(|at: u32| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let file = upload(&server, &alice, "general", "large", &large).await;
    let read = alice.get(file["url"].as_str().unwrap()).send().await.unwrap();
    assert!(read.bytes().await.unwrap() == large, "the bytes are the same");
}

#[tokio::test]
async fn a_large_picture_has_a_thumbnail_in_the_bucket() {
    let bucket = S3Service::shared().bucket().await;
    let server = server_with(&bucket, &[]).await;
    let alice = server.person("alice").await;
    let mut bytes = std::io::Cursor::new(Vec::new());
    DynamicImage::from(RgbImage::new(2_000, 10)).write_to(&mut bytes, ImageFormat::Png).unwrap();
    let file = upload(&server, &alice, "general", "wide.png", bytes.get_ref()).await;
    let small = format!("{}?thumbnail", file["url"].as_str().unwrap());
    for _ in 0..2 {
        let read = alice.get(&small).send().await.unwrap();
        assert_eq!(
            (read.status().as_u16(), read.headers()["content-type"].as_bytes()),
            (200, &b"image/jpeg"[..])
        );
        let picture = image::load_from_memory(&read.bytes().await.unwrap()).unwrap();
        assert_eq!((picture.width(), picture.height()), (960, 5));
    }
    assert_eq!(bucket.names().await.len(), 2);
    assert_eq!(std::fs::read_dir(server.folder().join("files/incoming")).unwrap().count(), 0);
}

#[tokio::test]
async fn what_one_node_stores_the_others_send_and_a_deletion_takes_it_from_all() {
    let bucket = S3Service::shared().bucket().await;
    let settings = bucket.settings();
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    let mut nodes = Nodes::none().await.with(&settings);
    for _ in 0..3 {
        nodes.add(&RedisServer::shared().url()).await;
    }
    let alice = nodes.node(0).person("alice").await;
    let file = upload(nodes.node(0), &alice, "general", "a.txt", b"for all").await;
    let again = upload(nodes.node(1), &alice.at(nodes.node(1)), "general", "b.txt", b"for all").await;
    assert_eq!(bucket.names().await.len(), 1, "a content is there once");
    let id = new_id();
    let body = json!({ "id": id, "text": "Look", "files": [file["id"]] });
    assert_eq!(alice.post_body("general", &body).await.status(), 201);
    for number in 0..3 {
        let reader = alice.at(nodes.node(number));
        let read = reader.get(file["url"].as_str().unwrap()).send().await.unwrap();
        assert_eq!(read.text().await.unwrap(), "for all", "node {number}");
    }
    delete_the_first(&alice.at(nodes.node(2))).await;
    for number in 0..3 {
        let read = alice.at(nodes.node(number)).get(file["url"].as_str().unwrap()).send().await.unwrap();
        assert_eq!(read.status(), 404, "node {number}");
    }
    let body = json!({ "id": new_id(), "text": "The other", "files": [again["id"]] });
    assert_eq!(alice.post_body("general", &body).await.status(), 201);
    let read = alice.get(again["url"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(read.text().await.unwrap(), "for all", "the content stays for the other file");
}

#[tokio::test]
async fn a_content_goes_from_the_bucket_with_the_last_message() {
    let bucket = S3Service::shared().bucket().await;
    let server = server_with(&bucket, &[]).await;
    let alice = server.person("alice").await;
    let file = upload(&server, &alice, "general", "a.txt", b"gone soon").await;
    let body = json!({ "id": new_id(), "text": "", "files": [file["id"]] });
    assert_eq!(alice.post_body("general", &body).await.status(), 201);
    assert_eq!(bucket.names().await.len(), 1);
    delete_the_first(&alice).await;
    expect_objects(&bucket, 0).await;
}

#[tokio::test]
async fn what_no_record_knows_is_removed_from_the_bucket() {
    let bucket = S3Service::shared().bucket().await;
    let unknown = "ab".repeat(32);
    bucket.put(&format!("team/files/ab/{unknown}"), b"of a crash").await;
    bucket.put(&format!("team/files/thumbnails/ab/{unknown}"), b"of a crash").await;
    bucket.put("elsewhere/ab/mine", b"not ours").await;
    let _server = server_with(&bucket, &[]).await;
    expect_objects(&bucket, 1).await;
    assert_eq!(bucket.names().await, ["elsewhere/ab/mine"]);
}

#[tokio::test]
async fn a_bucket_that_is_not_there_ends_the_start_with_a_sentence() {
    let bucket = S3Service::shared().bucket().await;
    let settings = bucket.settings();
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    bucket.remove().await;
    let refusal = TestServer::refused(&settings).await;
    assert!(refusal.contains(&bucket.name) && refusal.contains("--files"), "{refusal}");
    let large = [&settings[..], &["--max-file=6GiB"]].concat();
    assert!(TestServer::refused(&large).await.contains("lower --max-file"));
}

#[tokio::test]
async fn a_bucket_that_fails_is_told_and_leaves_no_message_without_its_file() {
    let bucket = S3Service::shared().bucket().await;
    let server = server_with(&bucket, &[]).await;
    let alice = server.person("alice").await;
    let file = upload(&server, &alice, "general", "a.txt", b"lost").await;
    bucket.remove().await;
    let response = send(&server.url, &alice, "general", "b.txt", "hello").await;
    assert_eq!(response.status(), 503);
    let problem: Value = response.json().await.unwrap();
    assert!(problem["detail"].as_str().unwrap().contains("could not use its files"), "{problem}");
    let read = alice.get(file["url"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(read.status(), 503, "it is not answered as if there were no such file");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_takes_contents_from_a_bucket_and_puts_them_into_another() {
    let (from, to) = (S3Service::shared().bucket().await, S3Service::shared().bucket().await);
    let server = server_with(&from, &[]).await;
    let alice = server.person("alice").await;
    let file = upload(&server, &alice, "general", "a.txt", b"carried").await;
    let body = json!({ "id": new_id(), "text": "Look", "files": [file["id"]] });
    assert_eq!(alice.post_body("general", &body).await.status(), 201);
    let folder = tempfile::tempdir().unwrap();
    let (backup, data) = (folder.path().join("idobata.backup"), folder.path().join("data"));
    let settings = from.settings();
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    let (is_done, said) = run("backup", &backup, server.folder(), &settings).await;
    assert!(is_done && said.contains("1 files (7 B)"), "{said}");

    let settings = to.settings();
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    to.put(&format!("team/files/ab/{}", "ab".repeat(32)), b"of before").await;
    let (is_done, said) = run("restore", &backup, &data, &settings).await;
    assert!(is_done && said.contains("restored 1 files") && said.contains("s3://"), "{said}");
    assert!(to.names().await.iter().any(|name| name.starts_with("team/files/replaced-")), "it is kept");
    let server = TestServer::start_on(&data, &settings).await;
    let read = alice.at(&server).get(file["url"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(read.text().await.unwrap(), "carried");
}
