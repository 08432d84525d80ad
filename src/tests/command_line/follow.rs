//! `idobata follow`: events as they come, from anywhere in the log, through kills of both sides.

use std::{process::Stdio, time::Duration};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout},
};

use super::{Ran, Terminal, signal};
use crate::support::{DEADLINE, Program, TestServer, in_time, lone_address};

/// The lines that a command prints.
fn lines_of(child: &mut Child) -> Lines<BufReader<ChildStdout>> {
    BufReader::new(child.stdout.take().unwrap()).lines()
}

/// The texts of the events that it prints, with `--json`, until it ends.
async fn texts(terminal: &Terminal, arguments: &[&str]) -> Vec<String> {
    let ran = terminal.run(&[&["follow", "--json"], arguments].concat(), b"").await;
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{arguments:?}");
    ran.stdout.lines().map(text).collect()
}

fn text(line: &str) -> String {
    let event: Value = serde_json::from_str(line).unwrap();
    event["text"].as_str().unwrap().to_owned()
}

async fn publish(url: &str, text: &str) {
    let request = reqwest::Client::new().post(format!("{url}/api/events/ops")).body(text.to_owned());
    assert_eq!(request.send().await.unwrap().status(), 201);
}

#[tokio::test]
async fn new_events_are_printed_a_line_each_for_people() {
    let server = TestServer::start().await;
    server.publish("ops", "before").await;
    let terminal = Terminal::at(&server.url);
    let state = terminal.home.path().join("state");
    let line = ["follow", "ops", "api", "--count", "2", "--state", state.to_str().unwrap()];
    let mut child = terminal.start(&line);
    // It listens when it has written where.
    in_time(async {
        while !state.exists() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    server.publish("other", "of another channel").await;
    let event = json!({"title": "Disk", "text": "full\nquite", "level": "error", "tags": ["db"]});
    server.post("/api/events/ops").json(&event).send().await.unwrap();
    server
        .post("/api/events/api")
        .json(&json!({"type": "update", "value": 2.5, "unit": "ms"}))
        .send()
        .await
        .unwrap();
    assert!(in_time(child.wait()).await.unwrap().success());
    let mut lines = lines_of(&mut child);
    let mut next = async || lines.next_line().await.unwrap().unwrap().split_off("2026-11-18 11:06:40 ".len());
    assert_eq!(next().await, "ops error Disk: full \u{23ce} quite #db");
    assert_eq!(next().await, "api value 2.5 ms");
}

#[tokio::test]
async fn it_begins_where_one_says() {
    let server = TestServer::start().await;
    for number in 0..30 {
        server.publish(if number % 2 == 0 { "even" } else { "odd" }, &number.to_string()).await;
    }
    let terminal = Terminal::at(&server.url);
    let cursor = server.json("/api/events?limit=1").await["cursor"].as_str().unwrap().to_owned();
    let (epoch, _) = cursor.split_once(':').unwrap();
    let from =
        |first: usize, step: usize| (first..30).step_by(step).map(|n| n.to_string()).collect::<Vec<_>>();
    assert_eq!(texts(&terminal, &["--since", "all", "--count", "30"]).await, from(0, 1));
    assert_eq!(texts(&terminal, &["--since", "5", "--count", "5"]).await, from(25, 1));
    assert_eq!(texts(&terminal, &["odd", "--since", "3", "--count", "3"]).await, from(25, 2));
    let after = format!("{epoch}:20");
    assert_eq!(texts(&terminal, &["--since", &after, "--count", "10"]).await, from(20, 1));
    assert_eq!(texts(&terminal, &["even", "--since", "1h", "--count", "15"]).await, from(0, 2));
    let until = texts(&terminal, &["--since", "all", "--until", "channel=odd", "--until", "text=7"]).await;
    assert_eq!(until, (0..8).map(|n| n.to_string()).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_duration_leaves_out_what_is_older() {
    let server = TestServer::start().await;
    for number in 0..20 {
        server.publish("ops", &number.to_string()).await;
    }
    let feed = server.json("/api/events?limit=1").await;
    let last = feed["events"][0]["timestamp"].as_i64().unwrap();
    let now = i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap();
    // Waits for a fact: the events are more than a second old.
    let wait = u64::try_from((last + 1_100 - now).max(0)).unwrap();
    tokio::time::sleep(Duration::from_millis(wait)).await;
    server.publish("ops", "new").await;
    let terminal = Terminal::at(&server.url);
    assert_eq!(texts(&terminal, &["--since", "1s", "--count", "1"]).await, ["new"]);
}

#[tokio::test]
async fn a_program_gets_each_event_and_its_exit_code_is_told() {
    let server = TestServer::start().await;
    let event = json!({"title": "$(touch broken)", "text": "it's \"so\"", "tags": ["a", "b"], "key": "k"});
    server.post("/api/events/ops").json(&event).send().await.unwrap();
    server.publish("ops", "second").await;
    let terminal = Terminal::at(&server.url);
    let script = "cat; echo \"$IDOBATA_EVENT_TITLE|$IDOBATA_EVENT_TEXT|$IDOBATA_EVENT_TAGS|$IDOBATA_EVENT_LEVEL\"; \
        exit $((IDOBATA_EVENT_OFFSET + 2))";
    let line = ["follow", "--since", "all", "--count", "2", "--exec", script];
    let ran = terminal.run(&line, b"").await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let lines: Vec<_> = ran.stdout.lines().collect();
    let first: Value = serde_json::from_str(lines[0]).unwrap();
    assert_eq!((first["text"].as_str(), first["offset"].as_u64()), (Some("it's \"so\""), Some(1)));
    assert_eq!(lines[1], "$(touch broken)|it's \"so\"|a,b|info");
    assert_eq!(lines[3], "|second||info");
    assert!(ran.stderr.contains("exit status: 3 for the event 1 of \"ops\""), "{ran:?}");
    assert!(ran.stderr.contains("exit status: 4 for the event 2"), "{ran:?}");
}

#[tokio::test]
async fn a_reset_is_told_to_people_and_to_programs() {
    let server = TestServer::start().await;
    server.publish("ops", "kept").await;
    let terminal = Terminal::at(&server.url);
    let ran = terminal.run(&["follow", "--json", "--since", "lost1234:7", "--count", "1"], b"").await;
    let lines: Vec<Value> = ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        (lines[0]["type"].as_str(), lines[1]["text"].as_str()),
        (Some("reset"), Some("kept")),
        "{ran:?}"
    );
    assert!(ran.stderr.contains("reset: events up to"), "{ran:?}");
}

#[tokio::test]
async fn what_cannot_be_followed_is_refused() {
    let server = TestServer::start_with(&["--auth", "accounts"]).await;
    let terminal = Terminal::at(&server.url);
    let ran = terminal.run(&["follow", "ops"], b"").await;
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("no_session"), "{ran:?}");
    for (line, part) in [(&["follow", "--since", "yesterday"][..], "10m"), (&["follow", "--count", "0"], "0")]
    {
        let ran = terminal.run(line, b"").await;
        assert_eq!(ran.code, Some(2));
        assert!(ran.stderr.contains(part), "{ran:?}");
    }
}

#[tokio::test]
async fn a_reader_that_has_gone_ends_it() {
    let server = TestServer::start().await;
    let terminal = Terminal::at(&server.url);
    let mut child = terminal.start(&["follow", "--since", "all"]);
    drop(child.stdout.take());
    server.publish("ops", "x").await;
    let ran = Ran::of(in_time(child.wait_with_output()).await.unwrap());
    ran.silently();
}

/// Publishes numbers for as long as it runs; kills of the server do not matter, each number comes in once and in order.
async fn publish_all(url: String, count: usize) {
    let client = reqwest::Client::new();
    for number in 0..count {
        let request = client.post(format!("{url}/api/events/ops")).body(number.to_string());
        let request = request.header("idempotency-key", number.to_string());
        while !request.try_clone().unwrap().send().await.is_ok_and(|answer| answer.status().is_success()) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_of_both_sides_make_it_miss_nothing() {
    const EVENTS: usize = 1_500;
    const KILLS: usize = 5;
    let (data, listen) = (tempfile::tempdir().unwrap(), lone_address());
    let url = format!("http://{listen}");
    let terminal = Terminal::at(&url);
    let state = terminal.home.path().join("state");
    let (mut seen, mut repeated) = (Vec::<usize>::new(), 0);
    let mut server = Program::start_with(data.path(), &listen, &[]).await;
    let publisher = tokio::spawn(publish_all(url.clone(), EVENTS));
    for round in 0..=KILLS {
        let line = ["follow", "--json", "--since", "all", "--state", state.to_str().unwrap()];
        let mut child = terminal.command(&line).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = lines_of(&mut child);
        let enough = EVENTS * (round + 1) / (KILLS + 1);
        let mut is_killed = false;
        while seen.len() < enough || is_killed {
            let Some(line) = tokio::time::timeout(DEADLINE, lines.next_line()).await.unwrap().unwrap() else {
                break;
            };
            let number: usize = text(&line).parse().unwrap();
            // Only the event at which it was killed may come again.
            if seen.last() == Some(&number) {
                repeated += 1;
            } else {
                assert_eq!(number, seen.len(), "none is missed, and the order is kept");
                seen.push(number);
            }
            if seen.len() == enough && !is_killed {
                signal(&child, "-KILL").await;
                is_killed = true;
            }
            // The server is killed while it follows.
            if seen.len() + EVENTS / KILLS / 3 == enough {
                assert_eq!(server.signal("-KILL").await, None);
                server = Program::start_with(data.path(), &listen, &[]).await;
            }
        }
    }
    in_time(publisher).await.unwrap();
    assert_eq!(seen.len(), EVENTS);
    assert!(repeated <= KILLS + 1, "{repeated}");
}

#[tokio::test]
async fn with_a_state_it_goes_on_where_it_ended() {
    let server = TestServer::start().await;
    let terminal = Terminal::at(&server.url);
    let state = terminal.home.path().join("state");
    let state = state.to_str().unwrap();
    for text in ["1", "2", "3"] {
        publish(&server.url, text).await;
    }
    assert_eq!(texts(&terminal, &["--state", state, "--since", "all", "--count", "2"]).await, ["1", "2"]);
    publish(&server.url, "4").await;
    assert_eq!(texts(&terminal, &["--state", state, "--since", "all", "--count", "2"]).await, ["3", "4"]);
}

#[tokio::test]
async fn it_ends_when_nobody_reads_it_any_more_though_nothing_comes() {
    let server = TestServer::start().await;
    let terminal = Terminal::at(&server.url);
    terminal.run(&["publish", "quiet", "one"], b"").await.silently();
    let mut child = terminal.start(&["follow", "quiet", "--since", "1"]);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(in_time(lines.next_line()).await.unwrap().unwrap().contains("one"));
    drop(lines);
    assert_eq!(in_time(child.wait()).await.unwrap().code(), Some(0));
}

#[tokio::test]
async fn an_event_that_cannot_be_printed_is_an_error_and_comes_again() {
    let server = TestServer::start().await;
    let terminal = Terminal::at(&server.url);
    terminal.run(&["publish", "ops", "one"], b"").await.silently();
    let state = terminal.home.path().join("cursor");
    let line = ["follow", "ops", "--since", "all", "--count", "1", "--state", state.to_str().unwrap()];
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let child = terminal.command(&line).stdout(full).stderr(Stdio::piped()).spawn().unwrap();
    let output = in_time(child.wait_with_output()).await.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("an event cannot be printed"), "{said}");
    assert!(terminal.run(&line, b"").await.stdout.contains("one"));
}
