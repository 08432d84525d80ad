//! `idobata publish`: events, lines, and lines while the server is away.

use serde_json::json;
use tokio::{
    fs,
    io::{AsyncReadExt, AsyncWriteExt},
};

use super::{Terminal, feed, finish, signal, size, texts, with_pipes};
use crate::support::{Program, TestServer, in_time, lone_address};

const KEEP_ALL: [&str; 2] = ["--feed-entries", "1000000"];

#[tokio::test]
async fn an_event_is_published_with_all_that_the_flags_say() {
    let server = TestServer::start().await;
    let terminal = Terminal::at(&server.url);
    let flags = ["--title", "Disk", "--level", "warn", "--tag", "db-1,x", "--key", "k", "--markdown"];
    let link = ["--link", "https://a.example/7"];
    let line = [&["publish", "ops", "92 %", "of /var"], &flags[..], &link].concat();
    terminal.run(&line, b"").await.silently();
    terminal.run(&["publish", "ops"], "from a pipe\nin two lines\n".as_bytes()).await.silently();
    terminal
        .run(&["publish", "api", "--value", "-1.5", "--unit", "ms", "--key", "p99"], b"")
        .await
        .silently();
    terminal
        .run(&["publish", "jobs", "--done", "3", "--total", "10", "--key", "import"], b"")
        .await
        .silently();
    let expected = [
        json!({"type": "notification", "title": "Disk", "text": "92 % of /var", "level": "warning", "channel": "ops",
            "tags": ["db-1", "x"], "link": "https://a.example/7", "key": "k", "markdown": true}),
        json!({"type": "notification", "text": "from a pipe\nin two lines", "level": "info", "channel": "ops"}),
        json!({"type": "update", "value": -1.5, "unit": "ms", "key": "p99", "channel": "api"}),
        json!({"type": "progress", "key": "import", "done": 3.0, "total": 10.0, "channel": "jobs"}),
    ];
    assert_eq!(feed(&server.url).await, expected);
}

#[tokio::test]
async fn exit_codes_tell_what_went_wrong() {
    let server = TestServer::start().await;
    let terminal = Terminal::at(&server.url);
    for (line, code, part) in [
        (&["publish", "ops", "x", "--level", "loud"][..], 2, "info, success"),
        (&["publish", "o/ps", "x"], 2, "channel"),
        (&["publish", "ops", "x", "--url", "ftp://a"], 2, "https://idobata.example"),
        (&["publish", "ops", "x", "--config", "/nowhere"], 2, "/nowhere cannot be read"),
        (&["publish", "ops", "x", "--token", "idp_wrong"], 1, "refused it"),
        (
            &["publish", "ops", "x", "--url", "http://127.0.0.1:1", "--timeout", "1s"],
            69,
            "cannot reach http://127.0.0.1:1",
        ),
    ] {
        let ran = terminal.run(line, b"").await;
        assert_eq!(ran.code, Some(code), "{line:?}: {ran:?}");
        assert!(ran.stderr.contains(part) && ran.stdout.is_empty(), "{line:?}: {ran:?}");
    }
    assert!(feed(&server.url).await.is_empty());
}

#[tokio::test]
async fn the_configuration_file_names_the_server_and_the_token() {
    let server = TestServer::start().await;
    let made = server.post("/api/publishers").json(&json!({"name": "cron", "channels": ["ops"]}));
    let made: serde_json::Value = made.send().await.unwrap().json().await.unwrap();
    let terminal = Terminal::at("");
    let folder = terminal.home.path().join(".config/idobata");
    fs::create_dir_all(&folder).await.unwrap();
    let file = format!("url = \"{}\"\ntoken = {}\n", server.url, made["token"]);
    fs::write(folder.join("config.toml"), file).await.unwrap();
    let ran = terminal.run(&["publish", "ops", "x"], b"").await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stderr.contains("others can read the token") && !ran.stderr.contains("idp_"), "{ran:?}");
    let refused = terminal.run(&["publish", "other", "x"], b"").await;
    assert_eq!(refused.code, Some(1), "the token is of one channel: {refused:?}");
}

#[tokio::test]
async fn a_rate_that_is_reached_makes_lines_wait_and_loses_none() {
    let server = TestServer::start_limited(&["--limit-publishes", "2/1s"]).await;
    let lines: Vec<String> = (0..450).map(|number| format!("line {number}")).collect();
    let terminal = Terminal::at(&server.url);
    terminal.run(&["publish", "ops", "--lines"], lines.join("\n").as_bytes()).await.silently();
    assert_eq!(texts(&feed(&server.url).await), lines);
}

#[tokio::test]
async fn a_line_that_the_server_refuses_is_told_and_the_others_are_stored() {
    let server = TestServer::start().await;
    let terminal = Terminal::at(&server.url);
    let folder = terminal.spool();
    // A line of which a power cut may have left only a part: it has no text.
    fs::create_dir_all(&folder).await.unwrap();
    let place = server.url.strip_prefix("http://").unwrap().replace(':', "_");
    let header = format!("{:127}\n", r#"{"id":"a","sent":128,"batch":128}"#);
    let lines = "{\"text\":\"one\"}\n{\"text\":\"\"}\n{\"text\":\"three\"}\n";
    fs::write(folder.join(format!("http-{place}-ops.1")), header + lines).await.unwrap();
    let ran = terminal.run(&["publish", "ops", "--lines"], b"four\n").await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stderr.contains("a line was refused and left out"), "{ran:?}");
    assert_eq!(texts(&feed(&server.url).await), ["one", "three", "four"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_survive_kills_of_the_server_and_none_is_stored_twice() {
    const LINES: usize = 20_000;
    let (data, listen) = (tempfile::tempdir().unwrap(), lone_address());
    let terminal = Terminal::at(&format!("http://{listen}"));
    let mut child = terminal.start(&["publish", "log", "--lines", "--timeout", "20s"]);
    let mut stdin = child.stdin.take().unwrap();
    for round in 0..5 {
        let mut server = Program::start_with(data.path(), &listen, &KEEP_ALL).await;
        let before = feed(&server.url).await.len();
        let lines = round * LINES / 5..(round + 1) * LINES / 5;
        let lines: String = lines.map(|number| format!("line {number}\n")).collect();
        let writer = tokio::spawn(async move {
            stdin.write_all(lines.as_bytes()).await.unwrap();
            stdin
        });
        // In the middle: some of the lines are stored, and many are not.
        in_time(async { while feed(&server.url).await.len() < before + 200 {} }).await;
        assert_eq!(server.signal("-KILL").await, None);
        stdin = in_time(writer).await.unwrap();
    }
    drop(stdin);
    let server = Program::start_with(data.path(), &listen, &KEEP_ALL).await;
    let output = in_time(child.wait_with_output()).await.unwrap();
    assert!(output.status.success(), "{output:?}");
    let expected: Vec<String> = (0..LINES).map(|number| format!("line {number}")).collect();
    assert!(texts(&feed(&server.url).await) == expected, "each line once and in order");
}

#[tokio::test]
async fn what_a_killed_publisher_has_read_is_sent_by_the_next_one() {
    let (data, listen) = (tempfile::tempdir().unwrap(), lone_address());
    let terminal = Terminal::at(&format!("http://{listen}"));
    let mut child = terminal.start(&["publish", "log", "--lines"]);
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"one\ntwo\n").await.unwrap();
    in_time(async {
        while size(&terminal.spool()) < 128 + 60 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    signal(&child, "-KILL").await;
    let ended = terminal.run(&["publish", "log", "--lines", "--timeout", "1s"], b"three\n").await;
    assert_eq!(ended.code, Some(75), "{ended:?}");
    assert!(ended.stderr.contains("3 lines are kept in"), "{ended:?}");
    let server = Program::start_with(data.path(), &listen, &[]).await;
    terminal.run(&["publish", "log", "--lines"], b"four").await.silently();
    assert_eq!(texts(&feed(&server.url).await), ["one", "two", "three", "four"]);
}

#[tokio::test]
async fn ctrl_c_ends_it_when_what_was_read_is_sent() {
    let server = TestServer::start().await;
    let terminal = Terminal::at(&server.url);
    let mut child = terminal.start(&["publish", "log", "--lines"]);
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"one\n").await.unwrap();
    in_time(async { while feed(&server.url).await.is_empty() {} }).await;
    signal(&child, "-INT").await;
    let status = in_time(child.wait()).await.unwrap();
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).await.unwrap();
    assert_eq!((status.code(), said.as_str()), (Some(0), ""));
    drop(stdin);
}

#[tokio::test]
async fn lines_that_do_not_fit_on_the_disk_together_are_sent_in_turn() {
    let server = TestServer::start_limited(&["--feed-entries", "1000000"]).await;
    let terminal = Terminal::at(&server.url);
    let lines: Vec<String> = (0..8_000).map(|number| format!("line {number}")).collect();
    // Some of them, as JSON, are more than the file takes.
    let child = with_pipes(terminal.with_blocks(64, &["publish", "log", "--lines"]));
    finish(child, lines.join("\n").as_bytes()).await.silently();
    assert!(texts(&feed(&server.url).await) == lines, "each line once and in order");
}

#[tokio::test]
async fn a_line_that_fits_nowhere_ends_it_with_an_error_and_leaves_nothing_of_itself() {
    let server = TestServer::start().await;
    let terminal = Terminal::at(&server.url);
    let input = format!("one\n{}\ntwo\n", "x".repeat(2_000));
    let ran =
        finish(with_pipes(terminal.with_blocks(2, &["publish", "log", "--lines"])), input.as_bytes()).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stderr.contains("standard input was not read to its end"), "{ran:?}");
    terminal.run(&["publish", "log", "--lines"], b"three\n").await.silently();
    assert_eq!(texts(&feed(&server.url).await), ["one", "three"]);
}
