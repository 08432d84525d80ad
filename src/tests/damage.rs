//! Damage to the data from outside of the program: files that are moved, lost or copied, and backups.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Output, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};

use crate::support::{PROGRAM, Program, TestServer, in_time, new_id};

/// Runs a command on a data folder. Returns whether it succeeded, and its output.
async fn command(data: &Path, arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).arg("--data").arg(data).arg("--database-url=sqlite:").kill_on_drop(true);
    let Output { status, stdout, stderr } = in_time(command.output()).await.unwrap();
    (status.success(), String::from_utf8([stdout, stderr].concat()).unwrap())
}

async fn status(server: &TestServer, path: &str) -> u16 {
    server.get(path).send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_database_that_is_replaced_while_the_server_runs_is_noticed_and_nothing_is_acknowledged() {
    let server = TestServer::start().await;
    server.publish("ops", "kept").await;
    let database = server.folder().join("idobata.db");
    fs::copy(&database, server.folder().join("backup.db")).unwrap();
    assert_eq!(status(&server, "/readyz").await, 200);
    fs::rename(server.folder().join("backup.db"), &database).unwrap();
    let post =
        server.client.post(format!("{}/api/events/ops", server.url)).body("lost?").send().await.unwrap();
    assert_eq!(post.status(), 503);
    assert_eq!(post.json::<Value>().await.unwrap()["code"], "unavailable");
    // The readiness answer may be reused for a second.
    in_time(async { while status(&server, "/readyz").await != 503 {} }).await;
    server.stop().await;
}

#[tokio::test]
async fn a_moved_folder_makes_the_server_unready_although_nobody_posts() {
    let parent = tempfile::tempdir().unwrap();
    let data = parent.path().join("data");
    let server = TestServer::start_on(&data, &[]).await;
    fs::rename(&data, parent.path().join("moved")).unwrap();
    in_time(async { while status(&server, "/readyz").await != 503 {} }).await;
    server.stop().await;
    let server = TestServer::start_on(&parent.path().join("moved"), &[]).await;
    assert_eq!(status(&server, "/readyz").await, 200);
}

#[tokio::test]
async fn a_log_that_is_lost_after_a_kill_is_refused_at_every_start_until_the_loss_is_accepted() {
    for is_cut in [false, true] {
        let data = tempfile::tempdir().unwrap();
        let mut program = Program::start(data.path()).await;
        let url = format!("{}/api/events/ops", program.url);
        for _ in 0..5 {
            assert_eq!(reqwest::Client::new().post(&url).body("x").send().await.unwrap().status(), 201);
        }
        program.signal("-KILL").await;
        let log = data.path().join("idobata.db-wal");
        if is_cut {
            fs::write(log, "").unwrap()
        } else {
            fs::remove_file(log).unwrap()
        }
        for _ in 0..2 {
            let said = Program::try_start(data.path(), "127.0.0.1:0", &[]).await.err().unwrap();
            assert!(said.contains("writes that were acknowledged"), "{said}");
            assert!(said.contains("--accept-loss") && said.contains("idobata restore"), "{said}");
        }
        Program::start_with(data.path(), "127.0.0.1:0", &["--accept-loss"]).await;
    }
}

#[tokio::test]
async fn a_start_on_a_taken_port_or_with_a_bad_setting_leaves_no_data_folder_behind() {
    let server = TestServer::start().await;
    let parent = tempfile::tempdir().unwrap();
    let data = parent.path().join("data");
    let taken = server.url.trim_start_matches("http://").to_owned();
    let cases: [(&str, &[&str]); 4] = [
        (&taken, &[]),
        ("127.0.0.1:0", &["--jwt-secret=short"]),
        ("127.0.0.1:0", &["--database-url", "mysql://a"]),
        ("127.0.0.1:0", &["--redis-url=redis://127.0.0.1:1"]),
    ];
    for (listen, settings) in cases {
        Program::try_start(&data, listen, settings).await.err().unwrap();
        assert!(!data.exists(), "{settings:?}");
    }
}

/// Starts the program, ends it when it listens, and returns its other log lines.
async fn said_at_a_start(data: &Path) -> Vec<String> {
    let mut command = Command::new(PROGRAM);
    command.args(["--listen=127.0.0.1:0", "--no-measure", "--database-url=sqlite:", "--data"]).arg(data);
    let mut child = command.stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut said = Vec::new();
    while let Some(line) = in_time(lines.next_line()).await.unwrap() {
        if line.contains("listening on") {
            let id = child.id().unwrap().to_string();
            assert!(Command::new("kill").args(["-TERM", &id]).status().await.unwrap().success());
        }
        said.push(line);
    }
    in_time(child.wait()).await.unwrap();
    said.retain(|line| !["listening on", "stopping", "stopped"].iter().any(|word| line.contains(word)));
    said
}

#[tokio::test]
async fn starts_say_nothing_that_means_nothing() {
    let data = tempfile::tempdir().unwrap();
    let first = said_at_a_start(data.path()).await;
    assert!(first.len() == 1 && first[0].contains("made a key"), "{first:?}");
    assert_eq!(said_at_a_start(data.path()).await, Vec::<String>::new());
    fs::set_permissions(data.path().join("jwt-secret"), fs::Permissions::from_mode(0o644)).unwrap();
    let third = said_at_a_start(data.path()).await;
    assert!(third.len() == 1 && third[0].contains("chmod 600"), "{third:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_has_all_that_was_acknowledged_and_is_put_back_with_a_reset() {
    let server = TestServer::start_with(&["--feed-entries", "1000000"]).await;
    for n in 0..50 {
        server.publish("ops", &format!("before {n}")).await;
    }
    // Several steps of the copy: one that starts over at each write would never end.
    let large: Vec<_> = (0..20).map(|_| serde_json::json!({ "text": "x".repeat(3_000) })).collect();
    for _ in 0..180 {
        let answer = server.post("/api/events/ops").json(&large).send().await.unwrap();
        assert_eq!(answer.status(), 201);
    }
    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..8)
        .map(|_| {
            let (stop, client, url) =
                (stop.clone(), server.client.clone(), format!("{}/api/events/ops", server.url));
            tokio::spawn(async move {
                while !stop.load(Relaxed) {
                    assert_eq!(client.post(&url).body(new_id()).send().await.unwrap().status(), 201);
                }
            })
        })
        .collect();
    let acknowledged = offset(&server.feed_cursor().await);
    let file = tempfile::tempdir().unwrap();
    let file = file.path().join("idobata.backup");
    let (is_done, said) = command(server.folder(), &["backup", file.to_str().unwrap()]).await;
    assert!(is_done, "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    let old_cursor = server.feed_cursor().await;
    let (is_done, said) = command(server.folder(), &["restore", file.to_str().unwrap()]).await;
    assert!(!is_done && said.contains("another idobata is using this data folder"), "{said}");
    stop.store(true, Relaxed);
    for writer in writers {
        in_time(writer).await.unwrap();
    }
    let data = server.stop().await.unwrap();

    let (is_done, said) = command(data.path(), &["restore", file.to_str().unwrap()]).await;
    assert!(is_done && said.contains("is kept in") && said.contains("start with"), "{said}");
    let server = TestServer::start_on(data.path(), &["--feed-entries", "1000000"]).await;
    let head = offset(&server.feed_cursor().await);
    assert!(head >= acknowledged, "{head} of {acknowledged}");
    let mut stream = server.stream(&format!("?after={old_cursor}")).await;
    stream.connected().await;
    assert_eq!(stream.event().await.1["type"], "reset");
    let texts = stream.texts(head as usize).await;
    let expected: Vec<_> = (0..50).map(|n| format!("before {n}")).collect();
    assert_eq!(texts[..50], expected, "from the first one, without a hole");
}

fn offset(cursor: &str) -> u64 {
    cursor.split_once(':').unwrap().1.parse().unwrap()
}

#[tokio::test]
async fn backup_and_restore_say_what_to_use_instead_for_postgres() {
    for (name, part) in [("backup", "pg_dump"), ("restore", "pg_restore")] {
        let mut command = Command::new(PROGRAM);
        command.args([name, "file"]).env("DATABASE_URL", "postgres://u:hunter2@h/d").kill_on_drop(true);
        let Output { status, stderr, .. } = in_time(command.output()).await.unwrap();
        let said = String::from_utf8(stderr).unwrap();
        assert!(!status.success() && said.contains(part) && !said.contains("hunter2"), "{said}");
    }
}
