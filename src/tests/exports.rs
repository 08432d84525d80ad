//! Archives to take away: read as any program reads a ZIP file.

use std::io::{Cursor, Read};

use futures_util::StreamExt;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use zip::ZipArchive;

use crate::support::{Cluster, Person, TestServer, in_time, new_id, problem};

type Zip = ZipArchive<Cursor<Vec<u8>>>;

/// A whole archive.
async fn export(who: &Person, path: &str) -> Zip {
    let answer = who.get(path).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "application/zip");
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let disposition = answer.headers()["content-disposition"].to_str().unwrap().to_owned();
    assert!(disposition.starts_with("attachment; filename*=UTF-8''") && disposition.ends_with(".zip"));
    ZipArchive::new(Cursor::new(answer.bytes().await.unwrap().to_vec())).unwrap()
}

fn bytes(zip: &mut Zip, name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    zip.by_name(name).unwrap().read_to_end(&mut bytes).unwrap();
    bytes
}

fn text(zip: &mut Zip, name: &str) -> String {
    String::from_utf8(bytes(zip, name)).unwrap()
}

fn lines(zip: &mut Zip, name: &str) -> Vec<Value> {
    text(zip, name).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn upload(who: &Person, url: &str, room: &str, name: &str, bytes: &[u8]) -> Value {
    let name = utf8_percent_encode(name, NON_ALPHANUMERIC);
    let request = Client::new().post(format!("{url}/api/files?room={room}&name={name}"));
    let request = request.bearer_auth(&who.session.token).body(bytes.to_vec());
    request.send().await.unwrap().json().await.unwrap()
}

/// Makes a room of this person.
async fn room(who: &Person, name: &str) {
    assert_eq!(who.send(Method::POST, "/api/rooms", &json!({ "name": name })).await.status(), 201);
}

async fn change(who: &Person, room: &str, offset: u64, change: Value) {
    let mut body = change;
    body["id"] = new_id().into();
    let path = format!("/api/rooms/{room}/messages/{offset}/changes");
    assert_eq!(who.send(Method::POST, &path, &body).await.status(), 201);
}

#[tokio::test]
async fn a_room_is_exported_as_it_stands_with_its_files_under_safe_names() {
    exports_a_room(TestServer::start().await).await;
}

#[tokio::test]
async fn a_room_is_exported_from_postgresql_as_well() {
    let (data, url) = (tempfile::tempdir().unwrap(), Cluster::shared().fresh_database().await);
    exports_a_room(TestServer::start_on(data.path(), &["--database-url", &url]).await).await;
}

async fn exports_a_room(server: TestServer) {
    let (alice, bob) = (server.person("alice").await, server.person("bob <b>").await);
    room(&alice, "den").await;
    let post = async |who: &Person, body: Value| {
        let mut body = body;
        body["id"] = new_id().into();
        assert_eq!(who.post_body("den", &body).await.status(), 201);
    };
    post(&alice, json!({ "text": "**bold** <script>alert(1)</script>" })).await;
    post(&bob, json!({ "text": "first words", "reply_to": 1, "thread": 1 })).await;
    post(&bob, json!({ "text": "to be deleted" })).await;
    let mut ids = Vec::new();
    for (name, content) in [("../../evil.sh", "one"), ("evil.sh", "two"), ("a:b|c?.txt", "three")] {
        ids.push(upload(&alice, &server.url, "den", name, content.as_bytes()).await["id"].clone());
    }
    post(&alice, json!({ "text": "see", "files": ids })).await;
    let gone = upload(&bob, &server.url, "den", "gone.txt", b"gone").await;
    post(&bob, json!({ "text": "", "files": [gone["id"]] })).await;
    change(&bob, "den", 2, json!({ "kind": "edit", "text": "other words" })).await;
    change(&alice, "den", 1, json!({ "kind": "react", "emoji": "🎉" })).await;
    for offset in [3, 5] {
        change(&bob, "den", offset, json!({ "kind": "delete" })).await;
    }

    let mut zip = export(&alice, "/api/rooms/den/export").await;
    let names: Vec<_> = zip.file_names().map(str::to_owned).collect();
    let path = |number: usize, name: &str| format!("files/{}/{name}", ids[number].as_str().unwrap());
    let files = [path(0, "evil.sh"), path(1, "evil.sh"), path(2, "a_b_c_.txt")];
    assert_eq!(names[..3], ["room.json", "messages.jsonl", "index.html"]);
    assert_eq!(names[3..], files, "and none of a deleted message");
    for (file, content) in files.iter().zip(["one", "two", "three"]) {
        assert_eq!(text(&mut zip, file), content);
    }
    let messages = lines(&mut zip, "messages.jsonl");
    let texts: Vec<_> = messages.iter().map(|message| message["text"].as_str().unwrap()).collect();
    assert_eq!(texts, ["**bold** <script>alert(1)</script>", "other words", "", "see", ""]);
    let listed: Value =
        server_messages(&alice, "den").await.into_iter().map(|message| message["offset"].clone()).collect();
    let offsets: Value = messages.iter().map(|message| message["offset"].clone()).collect();
    assert_eq!(offsets, listed, "those of the API");
    assert_eq!((&messages[1]["edited"], &messages[1]["thread"]), (&json!(true), &json!(1)));
    assert_eq!(messages[0]["reactions"][0]["count"], 1);
    assert_eq!(messages[2]["deleted"], true);
    assert_eq!(messages[3]["files"][2]["path"], files[2]);
    let html = text(&mut zip, "index.html");
    assert!(html.contains("<strong>bold</strong>") && !html.contains("<script"), "{html}");
    assert!(
        html.contains("bob &lt;b&gt;") && html.contains("🎉 1") && html.contains(" UTC</time>"),
        "{html}"
    );
    assert!(html.contains(&format!("href=\"{}\"", files[2])) && html.contains("href=\"#m1\""), "{html}");
    assert!(!html.contains("first words") && !html.contains("to be deleted") && !html.contains("gone.txt"));
    assert!(!html.contains("http://") && !html.contains("https://") && !html.contains("src=\"/"), "{html}");

    let japanese = alice.get("/api/rooms/den/export").header("accept-language", "ja").send().await.unwrap();
    let mut zip = ZipArchive::new(Cursor::new(japanese.bytes().await.unwrap().to_vec())).unwrap();
    let html = text(&mut zip, "index.html");
    assert!(html.contains("<html lang=\"ja\">") && html.contains("編集済み"), "{html}");
}

/// The messages of a room by the API.
async fn server_messages(who: &Person, room: &str) -> Vec<Value> {
    let page: Value =
        who.get(&format!("/api/rooms/{room}/messages")).send().await.unwrap().json().await.unwrap();
    page["messages"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_beside_posts_has_all_that_was_there_and_no_hole() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    room(&alice, "den").await;
    for n in 0..250 {
        assert_eq!(alice.post("den", &new_id(), &format!("before {n}")).await.status(), 201);
    }
    let posting = {
        let (url, who) = (server.url.clone(), server.person("bob").await);
        tokio::spawn(async move {
            loop {
                let body = json!({ "id": new_id(), "text": "meanwhile" });
                let request = Client::new().post(format!("{url}/api/rooms/den/messages"));
                request.bearer_auth(&who.session.token).json(&body).send().await.unwrap();
            }
        })
    };
    let mut zip = export(&alice, "/api/rooms/den/export").await;
    posting.abort();
    let offsets: Vec<_> =
        lines(&mut zip, "messages.jsonl").iter().map(|message| message["offset"].as_u64().unwrap()).collect();
    assert!(offsets.len() >= 250, "{}", offsets.len());
    assert_eq!(offsets, (1..=offsets.len() as u64).collect::<Vec<_>>());
    assert_eq!(text(&mut zip, "index.html").matches("<article").count(), offsets.len(), "the same in both");
}

#[tokio::test]
async fn only_who_may_change_a_room_exports_it_and_a_cut_download_leaves_nothing() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    room(&alice, "den").await;
    let answer = bob.get("/api/rooms/den/export").send().await.unwrap();
    assert_eq!(problem(answer, 403).await, "not_allowed");
    let settings = alice.get("/rooms/den/settings").send().await.unwrap().text().await.unwrap();
    assert!(settings.contains("href=\"/api/rooms/den/export\""), "{settings}");
    let noise: Vec<u8> = (0..20_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let file = upload(&alice, &server.url, "den", "large.bin", &noise).await;
    let body = json!({ "id": new_id(), "text": "x", "files": [file["id"]] });
    assert_eq!(alice.post_body("den", &body).await.status(), 201);
    let before = std::fs::read_dir(server.folder()).unwrap().count();
    // More than may be made at the same time.
    for _ in 0..6 {
        let answer = alice.get("/api/rooms/den/export").send().await.unwrap();
        assert_eq!(answer.status(), 200, "the ones before have ended");
        assert!(answer.bytes_stream().next().await.unwrap().unwrap().len() < 1_000_000);
    }
    let mut zip = export(&alice, "/api/rooms/den/export").await;
    let path = format!("files/{}/large.bin", file["id"].as_str().unwrap());
    assert!(bytes(&mut zip, &path) == noise, "the whole content");
    assert_eq!(std::fs::read_dir(server.folder()).unwrap().count(), before);
    // If the room is removed meanwhile, the rest does not come, and what came does not look whole.
    let answer = alice.get("/api/rooms/den/export").send().await.unwrap();
    let mut chunks = answer.bytes_stream();
    chunks.next().await.unwrap().unwrap();
    assert_eq!(alice.send(Method::DELETE, "/api/rooms/den", &json!({})).await.status(), 204);
    let mut is_cut = false;
    while let Some(chunk) = in_time(chunks.next()).await {
        is_cut |= chunk.is_err();
    }
    assert!(is_cut);
}

#[tokio::test]
async fn a_person_exports_what_is_theirs_and_nothing_of_others() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    let file = upload(&alice, &server.url, "general", "mine.txt", b"mine").await;
    let body = json!({ "id": new_id(), "text": "hello from alice", "files": [file["id"]] });
    assert_eq!(alice.post_body("general", &body).await.status(), 201);
    // Whoever has marked a room is one of its people, whom a text can mention.
    let mark = json!({ "id": new_id(), "room": "general", "kind": "read", "offset": 1 });
    assert_eq!(alice.send(Method::POST, "/api/user/marks", &mark).await.status(), 201);
    assert_eq!(bob.post("general", &new_id(), "@alice, and of bob").await.status(), 201);
    let other = upload(&bob, &server.url, "general", "his.txt", b"his").await;
    let body = json!({ "id": new_id(), "text": "of bob alone", "files": [other["id"]] });
    assert_eq!(bob.post_body("general", &body).await.status(), 201);
    assert_eq!(alice.post("general", &new_id(), "to be deleted").await.status(), 201);
    change(&alice, "general", 4, json!({ "kind": "delete" })).await;

    let mut zip = export(&alice, "/api/user/export").await;
    let names: Vec<_> = zip.file_names().map(str::to_owned).collect();
    let path = format!("files/{}/mine.txt", file["id"].as_str().unwrap());
    assert_eq!(names, ["profile.json", "mentions.jsonl", "messages.jsonl", "index.html", path.as_str()]);
    assert_eq!(text(&mut zip, &path), "mine");
    let own = lines(&mut zip, "messages.jsonl");
    assert_eq!(
        (own.len(), &own[0]["text"], &own[0]["room"]),
        (1, &json!("hello from alice"), &json!("general"))
    );
    let mentions = lines(&mut zip, "mentions.jsonl");
    assert_eq!((mentions.len(), &mentions[0]["text"]), (1, &json!("@alice, and of bob")));
    let profile: Value = serde_json::from_str(&text(&mut zip, "profile.json")).unwrap();
    assert_eq!(profile["user"]["name"], "alice");
    assert!(profile["rooms"].as_array().unwrap().iter().any(|room| room["room"] == "general"), "{profile}");
    let html = text(&mut zip, "index.html");
    assert!(html.contains("hello from alice") && !html.contains("of bob"), "{html}");
}
