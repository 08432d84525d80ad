//! The program as a process, started as users start it and ended as their systems end it.

use std::{
    collections::{HashMap, HashSet},
    process::Output,
};

use clap::CommandFactory;
use futures_util::future::join_all;
use idobata::server::Config;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::support::{PROGRAM, Program, Stream, in_time, new_id};

async fn publish(program: &Program, text: &str) {
    let request =
        reqwest::Client::new().post(format!("{}/api/events/ops", program.url)).body(text.to_owned());
    assert_eq!(request.send().await.unwrap().status(), 201);
}

async fn feed(program: &Program) -> Value {
    let request = reqwest::Client::new().get(format!("{}/api/events", program.url));
    request.header("accept", "application/json").send().await.unwrap().json().await.unwrap()
}

async fn refused(arguments: &[&str], environment: &[(&str, &str)]) -> String {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).envs(environment.iter().copied()).kill_on_drop(true);
    let Output { status, stderr, .. } = in_time(command.output()).await.unwrap();
    assert!(!status.success());
    String::from_utf8(stderr).unwrap()
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill() {
    let data = tempfile::tempdir().unwrap();
    let mut program = Program::start(data.path()).await;
    for n in 1..=20 {
        publish(&program, &n.to_string()).await;
    }
    let before = feed(&program).await;
    assert_eq!(program.signal("-KILL").await, None);
    let program = Program::start(data.path()).await;
    assert_eq!(feed(&program).await, before, "history, offsets and epoch");
}

#[tokio::test]
async fn sigterm_ends_the_program_cleanly_with_streams_open() {
    let data = tempfile::tempdir().unwrap();
    let mut program = Program::start(data.path()).await;
    let mut stream = Stream::open(reqwest::Client::new().get(format!("{}/api/events", program.url))).await;
    stream.connected().await;
    assert_eq!(program.signal("-TERM").await, Some(0));
}

#[tokio::test]
async fn the_help_knows_every_setting() {
    let output = Command::new(PROGRAM).arg("--help").output().await.unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    for setting in Config::command().get_arguments().filter_map(|argument| argument.get_long()) {
        assert!(help.contains(&format!("--{setting}")), "--{setting} is missing");
    }
    assert!(help.contains("curl -d") && help.contains("JWT_SECRET"), "{help}");
}

#[tokio::test]
async fn guests_from_elsewhere_come_in_when_that_is_said() {
    let data = tempfile::tempdir().unwrap();
    let program = Program::start_with(data.path(), "0.0.0.0:0", &["--open-to-guests"]).await;
    let port = program.url.rsplit(':').next().unwrap();
    let page = reqwest::get(format!("http://127.0.0.1:{port}/")).await.unwrap();
    assert_eq!(page.status(), 200);
}

#[tokio::test]
async fn an_unknown_or_impossible_setting_is_refused_with_the_fix() {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().to_str().unwrap();
    let file = data.path().join("file");
    std::fs::write(&file, "").unwrap();
    let in_a_file = file.join("data");
    for (arguments, environment, part) in [
        (vec!["--port", "80"], vec![], "unexpected argument '--port'"),
        (vec!["--listen", "everywhere"], vec![], "--listen"),
        (vec!["--listen", "127.0.0.1:70000"], vec![], "0 to 65535"),
        (vec!["--feed-age", "soon"], vec![], "from 1s to 36500d"),
        (vec!["--trim-interval", "500ms"], vec![], "from 1s to 36500d"),
        (vec!["--max-connections", "0"], vec![], "from 1 to 1000000"),
        (vec!["--feed-entries", "0"], vec![], "from 1 to 1000000000000"),
        (vec!["--room-entries", "18446744073709551615"], vec![], "from 1 to 1000000000000"),
        (vec!["--max-rooms", "many"], vec![], "from 0 to 1000000"),
        (vec!["--database-connections", "1"], vec![], "from 2 to 1000"),
        (vec!["--limit-messages", "0/1m"], vec![], "1 to 1000000"),
        (vec!["--max-tcp-connections", "0"], vec![], "from 1 to 1000000, or off"),
        (vec!["--jwt-issuer", ""], vec![], "leave the setting out"),
        (vec![], vec![("IDOBATA_OPEN_TO_GUESTS", "maybe")], "neither yes nor no"),
        (vec!["--data", folder, "--listen", "127.0.0.1:0"], vec![("JWT_SECRET", "short")], "openssl rand"),
        (
            vec!["--data", folder, "--listen", "192.0.2.1:3000", "--open-to-guests"],
            vec![],
            "does not have the address",
        ),
        (vec!["--data", folder, "--listen", "0.0.0.0:0"], vec![], "add --open-to-guests"),
        (
            vec!["--data", folder, "--listen", "0.0.0.0:0"],
            vec![("IDOBATA_OPEN_TO_GUESTS", "false")],
            "as a guest",
        ),
        (vec!["--public-url", "idobata.example"], vec![], "such as https://idobata.example"),
        (
            vec![],
            vec![("IDOBATA_PUBLIC_URL", "https://idobata.example/chat")],
            "Give it a host name of its own",
        ),
        (vec!["--allow-origin", "https://board.example,*"], vec![], "\"*\" is not a site's address"),
        (vec!["--data", in_a_file.to_str().unwrap(), "--listen", "127.0.0.1:0"], vec![], "cannot be made"),
    ] {
        let said = refused(&arguments, &environment).await;
        assert!(said.contains(part), "{arguments:?}: {part} is missing in\n{said}");
    }
}

/// Publishes many entries per request until the server is gone. Returns the acknowledged ones: offset and text.
async fn publish_until_gone(url: String) -> Vec<(u64, String)> {
    let (client, mut acknowledged) = (reqwest::Client::new(), Vec::new());
    loop {
        let entries: Vec<_> = (0..60).map(|_| json!({ "text": new_id() })).collect();
        let Ok(answer) = client.post(format!("{url}/api/events/ops")).json(&entries).send().await else {
            return acknowledged;
        };
        // A head without its body is no acknowledgement.
        let Ok(stored) = answer.json::<Vec<Value>>().await else { return acknowledged };
        acknowledged.extend(stored.iter().map(entry));
    }
}

fn entry(entry: &Value) -> (u64, String) {
    (entry["offset"].as_u64().unwrap(), entry["text"].as_str().unwrap().to_owned())
}

async fn page(url: &str, query: &str) -> Value {
    let request = reqwest::Client::new().get(format!("{url}/api/events?{query}"));
    request.header("accept", "application/json").send().await.unwrap().json().await.unwrap()
}

/// The feed's epoch and its newest offset.
async fn head(url: &str) -> (String, u64) {
    let cursor = page(url, "limit=1").await["cursor"].as_str().unwrap().to_owned();
    let (epoch, offset) = cursor.split_once(':').unwrap();
    (epoch.to_owned(), offset.parse().unwrap())
}

/// The whole feed, by offset.
async fn whole_feed(url: &str) -> HashMap<u64, String> {
    let (mut feed, mut cursor) = (HashMap::new(), format!("{}:0", head(url).await.0));
    loop {
        let page = page(url, &format!("limit=200&after={cursor}")).await;
        feed.extend(page["events"].as_array().unwrap().iter().map(entry));
        cursor = page["cursor"].as_str().unwrap().to_owned();
        if page["more"] != true {
            return feed;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_in_the_middle_of_many_commits_loses_nothing_that_was_acknowledged() {
    let data = tempfile::tempdir().unwrap();
    let mut acknowledged = Vec::new();
    let keep_all = ["--feed-entries", "1000000"];
    for round in 0..5 {
        let mut program = Program::start_with(data.path(), "127.0.0.1:0", &keep_all).await;
        let begin = head(&program.url).await.1;
        // So many at once that a commit takes a while: the test is about the moment between the work and its commit.
        let writers: Vec<_> =
            (0..40).map(|_| tokio::spawn(publish_until_gone(program.url.clone()))).collect();
        in_time(async { while head(&program.url).await.1 < begin + 3_000 + round * 500 {} }).await;
        assert_eq!(program.signal("-KILL").await, None);
        for writer in in_time(join_all(writers)).await {
            acknowledged.extend(writer.unwrap());
        }
    }
    let program = Program::start_with(data.path(), "127.0.0.1:0", &keep_all).await;
    let feed = whole_feed(&program.url).await;
    for (offset, text) in &acknowledged {
        assert_eq!(feed.get(offset), Some(text), "acknowledged at {offset}");
    }
    assert_eq!(feed.values().collect::<HashSet<_>>().len(), feed.len(), "none twice");
}
