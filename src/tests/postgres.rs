//! The server on PostgreSQL: its loss and return, and the migration from SQLite.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
};

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::support::{Cluster, PROGRAM, Person, Stream, TestServer, in_time, new_id, problem};

async fn on(url: &str) -> TestServer {
    TestServer::start_with(&["--database-url", url]).await
}

/// Polls until the condition is true.
async fn eventually(mut is_so: impl AsyncFnMut() -> bool) {
    in_time(async {
        while !is_so().await {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// All messages of a room: texts by offset.
async fn whole_room(server: &TestServer) -> Vec<(u64, String)> {
    let newest = server.json("/api/rooms/general/messages").await;
    let epoch = newest["cursor"].as_str().unwrap().split(':').next().unwrap().to_owned();
    let (mut found, mut cursor) = (Vec::new(), format!("{epoch}:0"));
    loop {
        let page = server.json(&format!("/api/rooms/general/messages?limit=200&after={cursor}")).await;
        found.extend(page["messages"].as_array().unwrap().iter().map(text));
        cursor = page["cursor"].as_str().unwrap().to_owned();
        if page["more"] != true {
            return found;
        }
    }
}

fn text(message: &Value) -> (u64, String) {
    (message["offset"].as_u64().unwrap(), message["text"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn history_epoch_and_sessions_survive_a_restart_on_postgresql() {
    let url = Cluster::shared().fresh_database().await;
    let server = on(&url).await;
    let alice = server.person("alice").await;
    alice.post("general", &new_id(), "before").await;
    server.publish("ops", "before").await;
    let (room, feed) = (server.json("/api/rooms/general/messages").await, server.json("/api/events").await);
    let data = server.stop().await.unwrap();

    let server = TestServer::start_on(data.path(), &["--database-url", &url]).await;
    assert_eq!(server.json("/api/rooms/general/messages").await, room);
    assert_eq!(server.json("/api/events").await, feed);
    let mut socket = alice.at(&server).socket().await;
    socket.join("general", json!({ "after": room["cursor"] })).await;
    socket.post("general", "after").await;
    assert_eq!(socket.texts(1).await, ["after"], "nothing twice, nothing missing");
    assert!(!data.path().join("idobata.db").exists(), "it is on the server only");
}

/// Posts one message after the other until it is stopped, each until it is acknowledged.
async fn talk(alice: Person, name: usize, stop: Arc<AtomicBool>, seen: Arc<Seen>) -> HashMap<u64, String> {
    let mut acknowledged = HashMap::new();
    for n in 0.. {
        if stop.load(SeqCst) {
            break;
        }
        let (id, words) = (new_id(), format!("{name}: {n}"));
        loop {
            let answer = alice.post("general", &id, &words).await;
            if answer.status().is_success() {
                let message: Value = answer.json().await.unwrap();
                assert_eq!(message["text"], words);
                acknowledged.insert(message["offset"].as_u64().unwrap(), words);
                seen.acknowledged.fetch_add(1, SeqCst);
                break;
            }
            assert_eq!(problem(answer, 503).await, "unavailable");
            seen.refused.fetch_add(1, SeqCst);
        }
    }
    acknowledged
}

#[derive(Default)]
struct Seen {
    acknowledged: AtomicUsize,
    refused: AtomicUsize,
}

/// Follows the room's stream up to the text `last`, and resumes at its cursor whenever the stream ends.
async fn follow(server: &TestServer, mut cursor: String, last: &str) -> Vec<u64> {
    let mut offsets = Vec::new();
    loop {
        let path = format!("/api/rooms/general/events?after={cursor}");
        let response = server.get(&path).send().await.unwrap();
        if response.status() != 200 {
            assert_eq!(problem(response, 503).await, "unavailable");
            continue;
        }
        let mut stream = Stream::open(server.get(&path)).await;
        while let Some(block) = stream.block().await {
            let Some(data) = block.data else { continue };
            assert_ne!(data["type"], "reset");
            if data["type"] == "message" {
                let (offset, words) = text(&data);
                offsets.push(offset);
                cursor = block.id.unwrap();
                if words == last {
                    return offsets;
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crashes_of_postgresql_under_load_lose_and_double_nothing() {
    let mut cluster = Cluster::start();
    let server = on(&cluster.fresh_database().await).await;
    let alice = server.person("alice").await;
    alice.post("general", &new_id(), "first").await;
    let cursor = server.json("/api/rooms/general/messages").await["cursor"].as_str().unwrap().to_owned();
    let (stop, seen) = (Arc::new(AtomicBool::new(false)), Arc::new(Seen::default()));
    let writers: Vec<_> =
        (0..8).map(|name| tokio::spawn(talk(alice.clone(), name, stop.clone(), seen.clone()))).collect();
    let reading = follow(&server, cursor, "last");
    let attacking = async {
        for _ in 0..3 {
            let (said, refused) = (seen.acknowledged.load(SeqCst), seen.refused.load(SeqCst));
            eventually(async || seen.acknowledged.load(SeqCst) > said + 100).await;
            cluster.crash();
            eventually(async || seen.refused.load(SeqCst) > refused + 8).await;
            let ready = async || server.get("/readyz").send().await.unwrap();
            // The readiness answer may be a second old.
            eventually(async || ready().await.status() == 503).await;
            assert_eq!(problem(ready().await, 503).await, "unavailable");
            cluster.start_again();
            eventually(async || ready().await.status() == 200).await;
        }
        stop.store(true, SeqCst);
        let acknowledged = in_time(join_all(writers)).await;
        alice.post("general", &new_id(), "last").await;
        acknowledged
    };
    let (offsets, acknowledged) = in_time(async { tokio::join!(reading, attacking) }).await;
    let room = whole_room(&server).await;
    let by_offset: HashMap<u64, String> = room.iter().cloned().collect();
    for (offset, words) in acknowledged.into_iter().flat_map(Result::unwrap) {
        assert_eq!(by_offset.get(&offset), Some(&words), "acknowledged at {offset}");
    }
    let numbers: Vec<u64> = room.iter().map(|(offset, _)| *offset).collect();
    assert_eq!(numbers, (1..=room.len() as u64).collect::<Vec<_>>(), "no holes");
    let distinct: std::collections::HashSet<_> = room.iter().map(|(_, words)| words).collect();
    assert_eq!(distinct.len(), room.len(), "none twice");
    assert_eq!(offsets, numbers[1..], "the reader got each once, in order, without a reset");
}

#[tokio::test]
async fn what_is_in_memory_is_read_while_postgresql_is_away() {
    let mut cluster = Cluster::start();
    let server = on(&cluster.fresh_database().await).await;
    let before = server.feed_cursor().await;
    let mut held = server.stream("").await;
    held.connected().await;
    server.publish("ops", "kept").await;
    assert_eq!(held.texts(1).await, ["kept"]);
    cluster.crash();
    let refused = server.post("/api/events/ops").body("lost").send().await.unwrap();
    assert_eq!(problem(refused, 503).await, "unavailable");
    let mut stream = server.stream(&format!("?after={before}")).await;
    stream.connected().await;
    assert_eq!(stream.texts(1).await, ["kept"]);
    cluster.start_again();
    server.publish("ops", "again").await;
    assert_eq!(stream.texts(1).await, ["again"], "by itself, and nothing of what was refused");
}

#[tokio::test]
async fn a_postgresql_database_has_one_server() {
    let url = Cluster::shared().fresh_database().await;
    let server = on(&url).await;
    let data = tempfile::tempdir().unwrap();
    let mut second = Command::new(PROGRAM);
    second.arg("--data").arg(data.path()).args(["--listen", "127.0.0.1:0"]).env("DATABASE_URL", &url);
    let refused = in_time(second.kill_on_drop(true).output()).await.unwrap();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && said.contains("another idobata is using this database"), "{said}");
    server.stop().await;
    drop(on(&url).await);
}

#[tokio::test]
async fn a_server_without_its_database_says_what_to_look_at_and_keeps_the_password() {
    let data = tempfile::tempdir().unwrap();
    for url in ["postgres://idobata:hunter2@127.0.0.1:1/idobata", "mysql://idobata:hunter2@127.0.0.1/idobata"]
    {
        let mut command = Command::new(PROGRAM);
        command.arg("--data").arg(data.path()).env("DATABASE_URL", url).kill_on_drop(true);
        let output = in_time(command.output()).await.unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains("DATABASE_URL"), "{said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
}

/// Runs `idobata migrate` with the address in the environment, because it has a password. Returns whether it succeeded,
/// and its output.
async fn migrate(database: &std::path::Path, url: &str) -> (bool, String) {
    let mut command = Command::new(PROGRAM);
    command.args(["migrate", "--from", &format!("sqlite:{}", database.display())]).env("DATABASE_URL", url);
    command.arg("--files").arg(database.with_file_name("copied-files"));
    let output = in_time(command.kill_on_drop(true).output()).await.unwrap();
    (output.status.success(), String::from_utf8(output.stderr).unwrap())
}

#[tokio::test]
async fn a_history_moves_to_postgresql_and_readers_resume() {
    let accounts = ["--auth", "accounts", "--guests-read", "--feed-entries", "5", "--trim-interval", "1s"];
    let server = TestServer::start_with(&accounts).await;
    let alice = server.account("alice").await;
    let id = new_id();
    alice.post("general", &id, "once").await;
    alice.send(reqwest::Method::POST, "/api/rooms", &json!({ "name": "井戸端", "private": true })).await;
    alice.post("井戸端", &new_id(), "among us").await;
    let change = async |alice: &Person, kind: &str| {
        let body = json!({ "id": new_id(), "kind": kind, "emoji": "🎉", "text": "among friends" });
        let answer = alice.send(reqwest::Method::POST, "/api/rooms/井戸端/messages/1/changes", &body).await;
        answer.json::<Value>().await.unwrap()
    };
    for kind in ["edit", "react", "pin"] {
        assert_eq!(change(&alice, kind).await["kind"], kind);
    }
    let answer = json!({ "id": new_id(), "text": "in a thread", "thread": 1 });
    alice.send(reqwest::Method::POST, "/api/rooms/井戸端/messages", &answer).await;
    let bob = server.account("bob").await;
    for text in ["hello", "never mind", "are you there?"] {
        bob.post("general", &new_id(), text).await;
    }
    let mark = |kind: &str, offset: u64| json!({ "id": new_id(), "kind": kind, "room": "general", "offset": offset, "level": "mentions" });
    for mark in [mark("unread", 1), mark("level", 0)] {
        alice.send(reqwest::Method::POST, "/api/user/marks", &mark).await;
    }
    let body = json!({ "user_ids": [alice.session.user.id] });
    let direct = bob.send(reqwest::Method::POST, "/api/direct", &body).await.json::<Value>().await.unwrap();
    let direct = direct["room"].as_str().unwrap().to_owned();
    assert_eq!(bob.post(&direct, &new_id(), "between us").await.status(), 201);
    let delete = json!({ "id": new_id(), "kind": "delete" });
    bob.send(reqwest::Method::POST, "/api/rooms/general/messages/3/changes", &delete).await;
    let made = alice
        .send(reqwest::Method::POST, "/api/publishers", &json!({ "name": "p", "channels": ["*"] }))
        .await;
    let token = made.json::<Value>().await.unwrap()["token"].as_str().unwrap().to_owned();
    let publish = async |server: &TestServer, n: usize| {
        let request =
            server.post("/api/events/ops").bearer_auth(&token).json(&json!({ "type": "update", "value": n }));
        let answer = request.header("idempotency-key", n.to_string()).send().await.unwrap();
        answer.json::<Value>().await.unwrap()
    };
    let first = publish(&server, 0).await;
    for n in 1..=20 {
        publish(&server, n).await;
    }
    eventually(async || server.json("/api/events").await["events"].as_array().unwrap().len() == 5).await;
    let before = (
        server.json("/api/events").await,
        server.json("/api/rooms/general/messages").await,
        alice.get("/api/rooms/井戸端/messages").send().await.unwrap().json::<Value>().await.unwrap(),
        alice.get("/api/rooms").send().await.unwrap().json::<Value>().await.unwrap(),
        alice.get("/api/rooms/井戸端/pins").send().await.unwrap().json::<Value>().await.unwrap(),
        alice.get("/api/user").send().await.unwrap().json::<Value>().await.unwrap(),
    );
    let general = json!({ "unread": 2, "generation": 1, "level": "mentions" });
    general
        .as_object()
        .unwrap()
        .iter()
        .for_each(|(name, value)| assert_eq!(before.5["rooms"][0][name], *value));
    assert_eq!(before.4["pins"][0]["reactions"][0]["count"], 1);
    let people = async |alice: &Person| {
        alice.get("/api/rooms/general/people?prefix=ALI").send().await.unwrap().json::<Value>().await.unwrap()
    };
    assert_eq!(people(&alice).await[0]["name"], "alice");
    let uploading = server.post("/api/files?room=general&name=a.txt").bearer_auth(&alice.session.token);
    let file = uploading.body("hello").send().await.unwrap().json::<Value>().await.unwrap();
    let push = alice.get("/api/push").send().await.unwrap().json::<Value>().await.unwrap();
    let url = Cluster::shared().fresh_database().await;
    let database = server.folder().join("idobata.db");
    let (went, said) = migrate(&database, &url).await;
    assert!(!went && said.contains("another idobata is using"), "a server has it: {said}");
    let data = server.stop().await.unwrap();

    let (went, said) = migrate(&database, &url).await;
    assert!(went && said.is_empty(), "no noise: {said}");
    let (went, said) = migrate(&database, &url).await;
    assert!(!went && said.contains("already has a history"), "{said}");
    let (went, said) = migrate(&data.path().join("missing.db"), &url).await;
    assert!(!went, "{said}");

    let files = data.path().join("copied-files").display().to_string();
    let server = TestServer::start_on(
        data.path(),
        &[&accounts[..], &["--database-url", &url, "--files", &files]].concat(),
    )
    .await;
    let alice = alice.at(&server);
    let read = alice.get(file["url"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(read.text().await.unwrap(), "hello", "from the folder that it was copied to");
    let after = alice.get("/api/push").send().await.unwrap().json::<Value>().await.unwrap();
    assert_eq!(after["public_key"], push["public_key"], "devices are bound to it");
    let after = (
        server.json("/api/events").await,
        server.json("/api/rooms/general/messages").await,
        alice.get("/api/rooms/井戸端/messages").send().await.unwrap().json::<Value>().await.unwrap(),
        alice.get("/api/rooms").send().await.unwrap().json::<Value>().await.unwrap(),
        alice.get("/api/rooms/井戸端/pins").send().await.unwrap().json::<Value>().await.unwrap(),
        alice.get("/api/user").send().await.unwrap().json::<Value>().await.unwrap(),
    );
    assert_eq!(after, before);
    assert_eq!(people(&alice).await[0]["name"], "alice");
    assert_eq!(alice.post(&direct, &new_id(), "still").await.status(), 201, "direct messages moved along");
    let body = json!({ "user_ids": [bob.session.user.id] });
    let again = alice.send(reqwest::Method::POST, "/api/direct", &body).await.json::<Value>().await.unwrap();
    assert_eq!(again["room"], direct);
    assert_eq!(change(&alice, "react").await["reaction"]["count"], 1, "it is there already");
    assert_eq!(change(&alice, "unreact").await["reaction"]["count"], 0);
    assert_eq!(after.2["threads"][0]["count"], 1);
    let again = alice.post("general", &id, "once").await;
    assert_eq!(again.status(), 200, "stored before the move");
    assert_eq!(
        publish(&server, 0).await["timestamp"],
        first["timestamp"],
        "removed before the move, and known"
    );
    let start = before.0["cursor"].as_str().unwrap().split(':').next().unwrap();
    for (channel, was_removed) in [("ops", true), ("quiet", false)] {
        let page = server.json(&format!("/api/events?channel={channel}&after={start}:0")).await;
        assert_eq!(page["reset"], was_removed, "what was removed of {channel} moved along");
    }
    let cursor = before.1["cursor"].as_str().unwrap();
    let mut stream = server.room_stream("general", &format!("?after={cursor}")).await;
    assert_eq!(stream.event().await.1["type"], "joined");
    alice.post("general", &new_id(), "after the move").await;
    let (id, message) = stream.event().await;
    assert_eq!(message["text"], "after the move");
    assert_eq!(id.split(':').next(), cursor.split(':').next(), "the epoch is the same");
    assert_eq!(message["offset"], 6);
}
