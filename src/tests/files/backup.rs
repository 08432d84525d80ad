//! `idobata backup` and `restore` with files: complete beside a running server, checked by their hashes, and clear about what
//! is not there.

use std::{
    collections::HashSet,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::Stdio,
};

use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::process::Command;

use super::{
    contents,
    crash::{hashes, work},
    send, upload,
};
use crate::support::{PROGRAM, Person, Program, TestServer, in_time, new_id};

/// Runs a command on a data folder: whether it succeeded, and its output.
pub(super) async fn run(name: &str, file: &Path, data: &Path, more: &[&str]) -> (bool, String) {
    let mut command = Command::new(PROGRAM);
    command.arg(name).arg(file).arg("--data").arg(data).arg("--database-url=sqlite:").args(more);
    let output = in_time(command.kill_on_drop(true).output()).await.unwrap();
    let said = [output.stdout, output.stderr].map(|said| String::from_utf8(said).unwrap()).concat();
    (output.status.success(), said)
}

/// The hashes of the whole contents in a folder. Each has its hash as its name.
fn stored(folder: &Path) -> HashSet<String> {
    let paths = contents(folder).into_iter();
    let whole = paths.map(|path| {
        let hash = Sha256::digest(fs::read(&path).unwrap());
        let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(path.ends_with(&hash), "{} has another content", path.display());
        hash
    });
    whole.collect()
}

fn hash_of(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn path_of(folder: &Path, bytes: &[u8]) -> PathBuf {
    let hash = hash_of(bytes);
    folder.join(&hash[..2]).join(hash)
}

/// Posts a message with a file of these bytes; the file's address, and the message's offset.
async fn post(server: &TestServer, who: &Person, name: &str, bytes: &[u8]) -> (String, Value) {
    let file = upload(server, who, "general", name, bytes).await;
    let body = json!({ "id": new_id(), "text": "x", "files": [file["id"]] });
    let answer = who.post_body("general", &body).await;
    assert_eq!(answer.status(), 201);
    let answer: Value = answer.json().await.unwrap();
    (file["url"].as_str().unwrap().to_owned(), answer["offset"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_beside_uploads_and_deletions_is_whole_and_is_put_back_after_a_kill() {
    let (data, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let file = to.path().join("idobata.backup");
    let mut program = Program::start(data.path()).await;
    let alice = Person::new(&program.url, "alice").await;
    let mut before = Vec::new();
    for n in 0..5 {
        let bytes = format!("file {n}").repeat(1_000);
        let sent = send(&program.url, &alice, "general", "a.txt", bytes.clone()).await;
        let sent: Value = sent.json().await.unwrap();
        let body = json!({ "id": new_id(), "text": "x", "files": [sent["id"]] });
        assert_eq!(alice.post_body("general", &body).await.status(), 201);
        before.push((sent["url"].as_str().unwrap().to_owned(), bytes));
    }
    let push = async |who: &Person| who.get("/api/push").send().await.unwrap().json::<Value>().await.unwrap();
    let key = push(&alice).await;
    let mut working = Vec::new();
    for worker in 0..3 {
        let who = Person::new(&program.url, &format!("worker {worker}")).await;
        working.push(tokio::spawn(work(program.url.clone(), who, worker)));
    }
    for _ in 0..3 {
        let (is_done, said) = run("backup", &file, data.path(), &["--force"]).await;
        assert!(is_done && said.lines().count() == 1, "{said}");
    }
    program.signal("-KILL").await;
    for worker in working {
        worker.await.unwrap();
    }
    let beside = to.path().join("idobata.backup.files");
    assert!(stored(&beside).len() >= before.len());

    // On another machine.
    let data = tempfile::tempdir().unwrap();
    let (is_done, said) = run("restore", &file, data.path(), &[]).await;
    assert!(is_done && said.contains("files ("), "{said}");
    // Those that were deleted between the snapshot and their turn are missing, and the backup knows of them.
    let is_told = said.contains("that were removed while the backup was made");
    let (named, _) = hashes(data.path());
    let missing = named.difference(&stored(&data.path().join("files"))).count();
    assert_eq!(missing > 0, is_told, "{said}");
    assert_eq!(stored(&beside), stored(&data.path().join("files")), "and nothing else");
    let server = TestServer::start_on(data.path(), &[]).await;
    let alice = alice.at(&server);
    for (url, bytes) in before {
        let read = alice.get(&url).send().await.unwrap();
        assert_eq!((read.status().as_u16(), read.text().await.unwrap()), (200, bytes));
    }
    // The session was signed by a key of the backup, and devices are bound to its other key.
    assert_eq!(push(&alice).await, key);
    assert!(key["public_key"].is_string(), "{key}");
}

#[tokio::test]
async fn a_content_that_is_missing_or_damaged_is_named_and_the_others_are_copied() {
    let server = TestServer::start().await;
    let folder = server.folder().join("files");
    let alice = server.person("alice").await;
    for (name, bytes) in [("gone.txt", &b"gone"[..]), ("bad.txt", b"bad"), ("good.txt", b"good")] {
        post(&server, &alice, name, bytes).await;
    }
    fs::remove_file(path_of(&folder, b"gone")).unwrap();
    fs::write(path_of(&folder, b"bad"), "b0d").unwrap();
    let to = tempfile::tempdir().unwrap();
    let (file, beside) = (to.path().join("backup"), to.path().join("backup.files"));
    let (is_done, said) = run("backup", &file, server.folder(), &[]).await;
    assert!(!is_done && said.contains("2 contents of files are missing or damaged"), "{said}");
    assert!(said.contains("\"gone.txt\" is missing") && said.contains("\"bad.txt\" is damaged"), "{said}");
    assert_eq!(stored(&beside), [hash_of(b"good")].into());
    // Neither the file nor the folder is overwritten without being told to.
    fs::remove_file(&file).unwrap();
    let (is_done, said) = run("backup", &file, server.folder(), &[]).await;
    assert!(!is_done && said.contains("backup.files is there already") && !file.exists(), "{said}");
    assert_eq!(stored(&beside).len(), 1);

    fs::write(path_of(&folder, b"bad"), "bad").unwrap();
    fs::write(path_of(&folder, b"gone"), "gone").unwrap();
    let (is_done, said) = run("backup", &file, server.folder(), &["--force"]).await;
    assert!(is_done && said.contains("3 files"), "{said}");
    fs::write(path_of(&beside, b"bad"), "b0d").unwrap();
    let data = tempfile::tempdir().unwrap();
    let (is_done, said) = run("restore", &file, data.path(), &[]).await;
    assert!(
        !is_done && said.contains("\"bad.txt\" is damaged") && said.contains("is restored, but 1"),
        "{said}"
    );
    assert_eq!(stored(&data.path().join("files")), [hash_of(b"good"), hash_of(b"gone")].into());
    TestServer::start_on(data.path(), &[]).await.stop().await;
}

#[tokio::test]
async fn a_restore_keeps_the_files_that_only_the_previous_data_needs() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    let (old, _) = post(&server, &alice, "old.txt", b"old").await;
    let (_, offset) = post(&server, &alice, "both.txt", b"both").await;
    let to = tempfile::tempdir().unwrap();
    let file = to.path().join("backup");
    let (is_done, said) = run("backup", &file, server.folder(), &[]).await;
    assert!(is_done && said.contains("2 files (7 B)"), "{said}");
    post(&server, &alice, "new.txt", b"new").await;
    let deletion = json!({ "id": new_id(), "kind": "delete" });
    let path = format!("/api/rooms/general/messages/{offset}/changes");
    assert_eq!(alice.send(Method::POST, &path, &deletion).await.status(), 201);
    let data = server.stop().await.unwrap();
    let (is_done, said) = run("restore", &file, data.path(), &[]).await;
    assert!(is_done && said.contains("the files of the previous data are kept in"), "{said}");
    let folder = data.path().join("files");
    let is_away = |path: &Path| {
        let folder = path.parent().unwrap().file_name().unwrap().to_string_lossy().into_owned();
        folder.starts_with("replaced-") && fs::read(path).unwrap() == b"new"
    };
    let server = TestServer::start_on(data.path(), &[]).await;
    server.state.files.sweep(true).await.unwrap();
    assert!(contents(&folder).iter().any(|path| is_away(path)), "the server leaves it alone");
    let alice = alice.at(&server);
    assert_eq!(alice.get(&old).send().await.unwrap().text().await.unwrap(), "old");
    assert!(path_of(&folder, b"both").exists(), "what was deleted since is back");
}

#[tokio::test]
async fn a_restore_that_is_killed_when_the_database_is_in_its_place_has_kept_the_previous_files() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    post(&server, &alice, "old.txt", b"old").await;
    let to = tempfile::tempdir().unwrap();
    let file = to.path().join("backup");
    let (is_done, said) = run("backup", &file, server.folder(), &[]).await;
    assert!(is_done, "{said}");
    let data = server.stop().await.unwrap();
    // So many that to move them would take a while.
    let previous: Vec<_> = (0..500).map(|number| format!("previous {number}").into_bytes()).collect();
    for bytes in &previous {
        let path = path_of(&data.path().join("files"), bytes);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    let (database, mut command) = (data.path().join("idobata.db"), Command::new(PROGRAM));
    let inode = || fs::metadata(&database).map(|database| database.ino()).ok();
    let before = inode();
    command.arg("restore").arg(&file).arg("--data").arg(data.path()).arg("--database-url=sqlite:");
    let mut restore = command.kill_on_drop(true).stdout(Stdio::null()).spawn().unwrap();
    in_time(async {
        while inode().is_none_or(|now| Some(now) == before) && restore.try_wait().unwrap().is_none() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(inode() != before, "the restore ended before it replaced the database");
    drop(restore.kill().await);
    let server = TestServer::start_on(data.path(), &[]).await;
    server.state.files.sweep(true).await.unwrap();
    let stored = stored(&data.path().join("files"));
    let lost = previous.iter().filter(|bytes| !stored.contains(&hash_of(bytes))).count();
    assert_eq!(lost, 0, "of {} previous files", previous.len());
}

#[tokio::test]
async fn a_restore_that_fails_leaves_no_second_copies() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    let to = tempfile::tempdir().unwrap();
    let file = to.path().join("backup");
    let (is_done, said) = run("backup", &file, server.folder(), &[]).await;
    assert!(is_done, "{said}");
    post(&server, &alice, "new.txt", b"new").await;
    let data = server.stop().await.unwrap();
    // A content of the previous data that can be given no second name: the last of the names in order.
    let folder = data.path().join("files/ff");
    fs::create_dir_all(folder.join("f".repeat(64))).unwrap();
    let (is_done, said) = run("restore", &file, data.path(), &[]).await;
    assert!(!is_done && said.contains("cannot be used"), "{said}");
    let names = fs::read_dir(data.path().join("files")).unwrap().map(|entry| entry.unwrap().file_name());
    let kept: Vec<_> = names.filter(|name| name.to_string_lossy().starts_with("replaced-")).collect();
    assert!(kept.is_empty(), "{kept:?}");
    fs::remove_dir_all(&folder).unwrap();
    let server = TestServer::start_on(data.path(), &[]).await;
    server.state.files.sweep(true).await.unwrap();
    assert!(path_of(&data.path().join("files"), b"new").exists(), "nothing was replaced");
}
