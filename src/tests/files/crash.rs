//! The program is killed at random instants while people upload, post and delete. No file that a message names may lack its
//! content, and no content may stay that nobody needs.

use std::{collections::HashSet, path::Path, time::Duration};

use reqwest::Client;
use rusqlite::Connection;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{contents, expect_contents, send};
use crate::support::{Person, Program, TestServer, new_id};

/// Kills in a test: each takes a second, and a fault between two of the five steps shows in a few.
const KILLS: u64 = 6;

/// Uploads, posts and deletes until the server is gone.
pub(super) async fn work(url: String, who: Person, seed: u64) -> Option<()> {
    let mut chance = fastrand::Rng::with_seed(seed);
    loop {
        // Some contents are the same: they come and go at the same time.
        let bytes = vec![chance.u8(b'a'..b'f'); chance.usize(1..300_000)];
        let request = Client::new().post(format!("{url}/api/files?room=general&name=a.txt"));
        let answer = request.bearer_auth(&who.session.token).body(bytes).send().await.ok()?;
        let file: Value = answer.json().await.ok()?;
        let body = json!({ "id": new_id(), "text": "x", "files": [file["id"]] });
        let path = format!("{url}/api/rooms/general/messages");
        let request = Client::new().post(&path).bearer_auth(&who.session.token).json(&body);
        let posted: Value = request.send().await.ok()?.json().await.ok()?;
        if chance.bool() {
            let path = format!("{path}/{}/changes", posted["offset"]);
            let deletion = json!({ "id": new_id(), "kind": "delete" });
            Client::new().post(path).bearer_auth(&who.session.token).json(&deletion).send().await.ok()?;
        }
    }
}

/// The hashes that the database has of files which a message names, and of all files.
pub(super) fn hashes(data: &Path) -> (HashSet<String>, HashSet<String>) {
    let database = std::fs::read_dir(data).unwrap().map(|entry| entry.unwrap().path());
    let database = database.into_iter().find(|path| path.extension().is_some_and(|end| end == "db")).unwrap();
    let connection = Connection::open(database).unwrap();
    let read = |select: &str| {
        let mut select = connection.prepare(select).unwrap();
        let rows = select.query_map([], |row| row.get(0)).unwrap();
        rows.collect::<Result<HashSet<String>, _>>().unwrap()
    };
    (read("SELECT hash FROM files WHERE offset IS NOT NULL"), read("SELECT hash FROM files"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_at_any_instant_leaves_neither_a_hole_nor_an_orphan() {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().join("files");
    for kill in 0..KILLS {
        let mut program = Program::start(data.path()).await;
        let mut working = Vec::new();
        for worker in 0..3 {
            let who = Person::new(&program.url, &format!("alice {kill} {worker}")).await;
            working.push(tokio::spawn(work(program.url.clone(), who, kill * 10 + worker)));
        }
        // Not a wait for a fact: the instant is what is tried.
        tokio::time::sleep(Duration::from_millis(fastrand::u64(50..600))).await;
        program.signal("-KILL").await;
        for worker in working {
            worker.await.unwrap();
        }
    }
    let server = TestServer::start_on(data.path(), &[]).await;
    server.state.files.sweep(true).await.unwrap();
    server.stop().await;
    let (named, known) = hashes(data.path());
    let mut stored = HashSet::new();
    for path in contents(&folder) {
        let hash = Sha256::digest(std::fs::read(&path).unwrap());
        let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(path.ends_with(&hash), "{} has another content", path.display());
        stored.insert(hash);
    }
    println!("{} of {} files are named by a message, {} contents", named.len(), known.len(), stored.len());
    assert!(!named.is_empty(), "nothing was tried");
    assert_eq!(named.difference(&stored).collect::<Vec<_>>(), [] as [&str; 0], "a hole");
    assert_eq!(stored.difference(&known).collect::<Vec<_>>(), [] as [&str; 0], "an orphan");
}

#[tokio::test]
async fn a_file_that_no_message_names_goes_after_a_day() {
    let data = tempfile::tempdir().unwrap();
    let server = TestServer::start_on(data.path(), &[]).await;
    let alice = server.person("alice").await;
    let folder = data.path().join("files");
    for name in ["old", "young"] {
        assert_eq!(send(&server.url, &alice, "general", name, name).await.status(), 201);
    }
    server.state.files.sweep(true).await.unwrap();
    assert_eq!(contents(&folder).len(), 2);
    server.stop().await;
    let database = std::fs::read_dir(data.path()).unwrap().map(|entry| entry.unwrap().path());
    let database = database.into_iter().find(|path| path.extension().is_some_and(|end| end == "db")).unwrap();
    let connection = Connection::open(database).unwrap();
    let age = "UPDATE files SET created = created - 24 * 3600000 - 1 WHERE name = 'old'";
    assert_eq!(connection.execute(age, []).unwrap(), 1);
    drop(connection);
    // What a crash left, and a content of which no record tells.
    std::fs::write(folder.join("incoming/.tmpAAAA"), "half").unwrap();
    std::fs::create_dir_all(folder.join("ab")).unwrap();
    std::fs::write(folder.join("ab").join(format!("ab{:062}", 0)), "nobody's").unwrap();
    let server = TestServer::start_on(data.path(), &[]).await;
    server.state.files.sweep(true).await.unwrap();
    expect_contents(&folder, 1).await;
    let left: Vec<_> = contents(&folder).into_iter().map(|path| std::fs::read(path).unwrap()).collect();
    assert_eq!(left, [b"young".to_vec()]);
}
