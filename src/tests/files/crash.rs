//! The program is killed at random instants while people upload, post and delete. No file that a message names may lack its
//! content, no content may stay that nobody needs, and an upload in pieces goes on with what was stored and becomes one file.

use std::{
    collections::HashSet,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use reqwest::Client;
use rusqlite::Connection;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    contents, expect_contents,
    resuming::{ask, bytes, partial_in},
    send, upload,
};
use crate::support::{Nodes, Person, Program, RedisServer, TestServer, new_id};

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

/// An upload in pieces that has not ended, as its client knows it.
#[derive(Clone)]
struct Piecewise {
    who: Person,
    path: String,
    content: Arc<Vec<u8>>,
}

type Unended = Arc<Mutex<Vec<Piecewise>>>;

/// Uploads in pieces until the server is gone.
async fn work_in_pieces(url: String, who: Person, seed: u64, unended: Unended) -> Option<()> {
    let mut chance = fastrand::Rng::with_seed(seed);
    for number in 0.. {
        let content = Arc::new((0..chance.usize(1..200_000)).map(|_| chance.u8(..)).collect::<Vec<_>>());
        let path = format!("/api/uploads?room=general&name={seed}-{number}");
        let request = ask("POST", &url, &who, &path).header("upload-length", content.len());
        let path = request.send().await.ok()?.headers()["location"].to_str().unwrap().to_owned();
        let upload = Piecewise { who: who.clone(), path, content };
        unended.lock().unwrap().push(upload.clone());
        go_on(&url, &upload, &mut chance).await?;
        unended.lock().unwrap().retain(|other| other.path != upload.path);
    }
    Some(())
}

/// Continues an upload to its end, and posts its file.
async fn go_on(url: &str, upload: &Piecewise, chance: &mut fastrand::Rng) -> Option<()> {
    let Piecewise { who, path, content } = upload;
    let mut response = ask("HEAD", url, who, path).send().await.ok()?;
    loop {
        let status = response.status();
        assert!(status.is_success(), "{status}");
        let offset: usize = response.headers()["upload-offset"].to_str().unwrap().parse().unwrap();
        let Some(file) = response.headers().get("upload-file") else {
            let end = (offset + chance.usize(1..100_000)).min(content.len());
            let request = bytes(url, who, path, offset).body(content[offset..end].to_vec());
            response = request.send().await.ok()?;
            continue;
        };
        let file = file.to_str().unwrap();
        let read = who.at_url(url).get(file).send().await.ok()?.bytes().await.ok()?;
        assert!(read == **content, "{file} is not what was sent");
        let body = json!({ "id": new_id(), "text": "x", "files": [file.split('/').nth(2)] });
        let post = Client::new().post(format!("{url}/api/rooms/general/messages"));
        let status = post.bearer_auth(&who.session.token).json(&body).send().await.ok()?.status();
        // Not found: it was posted, and the answer was lost.
        assert!([201, 404].contains(&status.as_u16()), "{status}");
        return Some(());
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

/// The names of files that are there more than once, of those that were uploaded in pieces.
fn doubled(data: &Path) -> Vec<String> {
    let database = std::fs::read_dir(data).unwrap().map(|entry| entry.unwrap().path());
    let database = database.into_iter().find(|path| path.extension().is_some_and(|end| end == "db")).unwrap();
    let connection = Connection::open(database).unwrap();
    let select = "SELECT name FROM files WHERE name <> 'a.txt' GROUP BY name HAVING count(*) > 1";
    let mut select = connection.prepare(select).unwrap();
    select.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_at_any_instant_leaves_neither_a_hole_nor_an_orphan() {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().join("files");
    let (unended, mut cuts) = (Unended::default(), 0);
    for kill in 0..KILLS {
        let mut program = Program::start(data.path()).await;
        let mut working = Vec::new();
        let cut = std::mem::take(&mut *unended.lock().unwrap());
        cuts += cut.len();
        for upload in cut {
            let (url, unended) = (program.url.clone(), unended.clone());
            working.push(tokio::spawn(async move {
                let is_ended = go_on(&url, &upload, &mut fastrand::Rng::new()).await.is_some();
                unended.lock().unwrap().extend((!is_ended).then_some(upload));
                None
            }));
        }
        for worker in 0..2 {
            let who = Person::new(&program.url, &format!("bob {kill} {worker}")).await;
            let seed = 1_000 + kill * 10 + worker;
            working.push(tokio::spawn(work_in_pieces(program.url.clone(), who, seed, unended.clone())));
        }
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
    let cut = std::mem::take(&mut *unended.lock().unwrap());
    cuts += cut.len();
    assert!(cuts > 0, "no upload was cut");
    for upload in &cut {
        go_on(&server.url, upload, &mut fastrand::Rng::new()).await.unwrap();
    }
    server.state.files.sweep(true).await.unwrap();
    server.stop().await;
    let is_open = |path: &std::path::PathBuf| path.extension().unwrap() != "done";
    let open: Vec<_> = partial_in(&folder).into_iter().filter(is_open).collect();
    println!("{cuts} times an upload was cut; left open: {open:?}");
    // Begun, and killed before the answer.
    assert!(open.len() <= 2 * KILLS as usize && open.iter().all(|path| path.extension().unwrap() == "json"));
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
    assert_eq!(doubled(data.path()), [] as [String; 0], "an upload became two files");
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
    // An unfinished file that a crash left, and a content of which no record tells.
    std::fs::write(folder.join("incoming/.tmpAAAA"), "half").unwrap();
    std::fs::create_dir_all(folder.join("ab")).unwrap();
    std::fs::write(folder.join("ab").join(format!("ab{:062}", 0)), "nobody's").unwrap();
    let server = TestServer::start_on(data.path(), &[]).await;
    server.state.files.sweep(true).await.unwrap();
    expect_contents(&folder, 1).await;
    let left: Vec<_> = contents(&folder).into_iter().map(|path| std::fs::read(path).unwrap()).collect();
    assert_eq!(left, [b"young".to_vec()]);
}

#[tokio::test]
async fn a_removal_that_a_node_did_not_end_is_ended_by_another() {
    let shared = tempfile::tempdir().unwrap();
    let place = format!("--files={}", shared.path().display());
    let mut nodes = Nodes::none().await.with(&[&place]);
    for _ in 0..2 {
        nodes.add(&RedisServer::shared().url()).await;
    }
    let alice = nodes.node(0).person("alice").await;
    let file = upload(nodes.node(0), &alice, "general", "a.txt", b"needed").await;
    // As if a node had been killed in the middle: one that was deleted, and one that was uploaded again meanwhile.
    let [needed] = <[_; 1]>::try_from(contents(shared.path())).unwrap();
    let hash = needed.file_name().unwrap().to_str().unwrap();
    std::fs::rename(&needed, shared.path().join(format!("removing/{hash}.of-a-killed-node"))).unwrap();
    std::fs::write(shared.path().join(format!("removing/{}.of-another", "ab".repeat(32))), "deleted")
        .unwrap();
    let read = async || {
        let read = alice.at(nodes.node(1)).get(file["url"].as_str().unwrap()).send().await.unwrap();
        (read.status().as_u16(), read.text().await.unwrap())
    };
    assert_eq!(read().await, (200, "needed".to_owned()), "readers do not notice");
    nodes.node(1).state.files.sweep(false).await.unwrap();
    assert_eq!(contents(shared.path()), [needed]);
    assert_eq!(read().await, (200, "needed".to_owned()));
}
