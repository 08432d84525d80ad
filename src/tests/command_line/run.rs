//! `idobata run` and `idobata progress`: the work stays as it is, with and without a server.

use std::{process::Stdio, time::Instant};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};

use super::{Terminal, feed, signal};
use crate::support::{TestServer, in_time};

/// A server that is not there.
const NOWHERE: &str = "http://127.0.0.1:1";

fn last<'a>(entries: &'a [Value], kind: &str) -> &'a Value {
    entries.iter().rfind(|entry| entry["type"] == kind).unwrap()
}

#[tokio::test]
async fn streams_and_exit_code_stay_and_the_end_is_published() {
    let server = TestServer::start().await;
    let terminal = Terminal::at(&server.url);
    let script = "cat; printf 'out\\n'; printf '\\033[31merr' >&2; exit 7";
    let ran = terminal.run(&["run", "--key", "backup", "--", "sh", "-c", script], b"in\n").await;
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (Some(7), "in\nout\n", "\u{1b}[31merr"));
    let entries = feed(&server.url).await;
    let (progress, end) = (last(&entries, "progress"), last(&entries, "notification"));
    assert_eq!((&progress["key"], &progress["channel"]), (&"backup".into(), &"jobs".into()));
    assert_eq!((&progress["state"], progress.get("total")), (&"failed".into(), None));
    assert_eq!((&end["title"], &end["level"]), (&"backup failed".into(), &"error".into()));
    let text = end["text"].as_str().unwrap();
    assert!(text.contains("exit code 7 after") && text.contains("out") && text.ends_with("err"), "{text}");
}

#[tokio::test]
async fn progress_is_read_from_the_output() {
    let server = TestServer::start().await;
    let terminal = Terminal::at(&server.url);
    let line =
        ["run", "--match", r"(\d+)/(\d+)", "--channel", "c", "--", "sh", "-c", "echo 1/4; echo 3/4; exit 1"];
    assert_eq!(terminal.run(&line, b"").await.code, Some(1));
    let entries = feed(&server.url).await;
    let progress = last(&entries, "progress");
    assert_eq!(
        (&progress["done"], &progress["total"], &progress["key"]),
        (&3.0.into(), &4.0.into(), &"sh".into())
    );
}

#[tokio::test]
async fn it_runs_without_a_server_and_tells_that_the_end_is_not_published() {
    let terminal = Terminal::at(NOWHERE);
    let begun = Instant::now();
    let ran = terminal.run(&["run", "--", "sh", "-c", "echo out; exit 3"], b"").await;
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(3), "out\n"));
    assert!(ran.stderr.contains("the end is not published: cannot reach"), "{ran:?}");
    assert!(begun.elapsed().as_secs() < 10, "the time for it is bounded");
}

#[tokio::test]
async fn exit_codes_are_those_of_a_shell() {
    let server = TestServer::start().await;
    let terminal = Terminal::at(&server.url);
    for (command, code) in [
        (&["true"][..], 0),
        (&["/no/such/program"], 127),
        (&["/etc/passwd"], 126),
        (&["sh", "-c", "kill -9 $$"], 137),
        (&["sh", "-c", "kill -15 $$"], 143),
    ] {
        let ran = terminal.run(&[&["run", "--"], command].concat(), b"").await;
        assert_eq!(ran.code, Some(code), "{command:?}: {ran:?}");
    }
}

#[tokio::test]
async fn signals_are_passed_on() {
    let server = TestServer::start().await;
    let terminal = Terminal::at(&server.url);
    // Not SIGINT: who starts the tests in the background ignores it, and then it is not passed on.
    for (name, sent) in [("TERM", "-TERM"), ("USR2", "-USR2"), ("USR1", "-USR1")] {
        let script =
            format!("trap 'echo got {name}; exit 5' {name}; echo ready; while :; do sleep 0.05; done");
        let mut command = terminal.command(&["run", "--", "sh", "-c", &script]);
        // A session of its own has no terminal whose foreground it could be in.
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert_eq!(in_time(lines.next_line()).await.unwrap().as_deref(), Some("ready"));
        signal(&child, sent).await;
        let got = in_time(lines.next_line()).await.unwrap();
        assert_eq!(got, Some(format!("got {name}")));
        assert_eq!(in_time(child.wait()).await.unwrap().code(), Some(5), "{name}");
    }
}

#[tokio::test]
async fn much_output_comes_through_whole_and_in_the_order_of_both_streams() {
    let server = TestServer::start().await;
    let terminal = Terminal::at(&server.url);
    let script =
        "i=0; while [ $i -lt 3000 ]; do echo $i; echo $i >&2; i=$((i+1)); done; head -c 5000000 /dev/zero";
    let mut command = tokio::process::Command::new("sh");
    command.args(["-c", "exec \"$@\" 2>&1", "sh", crate::support::PROGRAM, "run", "--", "sh", "-c", script]);
    command.env("IDOBATA_URL", &server.url).env("HOME", terminal.home.path()).kill_on_drop(true);
    let output = in_time(command.output()).await.unwrap();
    assert!(output.status.success());
    let expected: String = (0..3_000).map(|number| format!("{number}\n{number}\n")).collect();
    let (text, zeros) = output.stdout.split_at(expected.len());
    assert!(text == expected.as_bytes(), "in order");
    assert!(zeros.len() == 5_000_000 && zeros.iter().all(|byte| *byte == 0));
}

#[tokio::test]
async fn a_reader_that_goes_ends_the_program_as_if_it_stood_alone() {
    let server = TestServer::start().await;
    let terminal = Terminal::at(&server.url);
    let mut child = terminal.start(&["run", "--", "yes"]);
    let mut some = [0; 4];
    child.stdout.take().unwrap().read_exact(&mut some).await.unwrap();
    assert_eq!(in_time(child.wait()).await.unwrap().code(), Some(128 + 13));
}

#[tokio::test]
async fn what_a_program_leaves_behind_does_not_hold_the_end_up() {
    let server = TestServer::start().await;
    let terminal = Terminal::at(&server.url);
    let mut child = terminal.start(&["run", "--", "sh", "-c", "sleep 60 & echo $!"]);
    let mut output = String::new();
    child.stdout.take().unwrap().read_to_string(&mut output).await.unwrap();
    assert_eq!(in_time(child.wait()).await.unwrap().code(), Some(0));
    let id: u32 = output.trim().parse().unwrap();
    assert!(tokio::process::Command::new("kill").arg(id.to_string()).status().await.unwrap().success());
}

#[tokio::test]
async fn a_copy_tells_how_far_it_is() {
    let server = TestServer::start().await;
    let terminal = Terminal::at(&server.url);
    let input = vec![b'x'; 300_000];
    let ran = terminal.run(&["progress", "jobs", "--key", "dump", "--total", "600000"], &input).await;
    assert_eq!((ran.code, ran.stdout.len(), ran.stderr.as_str()), (Some(0), 300_000, ""));
    let entries = feed(&server.url).await;
    let end = last(&entries, "progress");
    assert_eq!((&end["done"], &end["total"]), (&300_000.0.into(), &600_000.0.into()));
    assert!(end["text"].as_str().unwrap().starts_with("300.0 kB, "), "{end}");
    let ran = terminal.run(&["progress", "jobs", "--key", "lines", "--lines"], b"a\nb\n").await;
    assert_eq!(ran.stdout, "a\nb\n");
    let entries = feed(&server.url).await;
    let end = last(&entries, "progress");
    assert_eq!((&end["done"], &end["state"], end.get("total")), (&2.0.into(), &"done".into(), None));
}

#[tokio::test]
async fn a_copy_goes_on_without_a_server() {
    let terminal = Terminal::at(NOWHERE);
    let ran = terminal.run(&["progress", "jobs", "--key", "dump"], b"data").await;
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "data"));
    assert!(ran.stderr.contains("the end is not published"), "{ran:?}");
}

#[tokio::test]
async fn shells_and_man_learn_the_commands() {
    let terminal = Terminal::at(NOWHERE);
    for shell in ["bash", "zsh", "fish"] {
        let ran = terminal.run(&["completions", shell], b"").await;
        assert!(
            ran.code == Some(0) && ran.stdout.contains("publish") && ran.stdout.contains("follow"),
            "{shell}"
        );
    }
    let manual = terminal.run(&["man"], b"").await.stdout;
    assert!(
        manual.contains(".TH") && manual.contains("COMMAND PUBLISH") && manual.contains("\\-\\-feed\\-age")
    );
}

#[tokio::test]
async fn a_program_whose_output_cannot_be_written_has_failed() {
    let server = TestServer::start().await;
    let terminal = Terminal::at(&server.url);
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = terminal.command(&["run", "--key", "dump", "--", "seq", "100"]);
    let child = command.stdin(Stdio::null()).stdout(full).stderr(Stdio::piped()).spawn().unwrap();
    let output = in_time(child.wait_with_output()).await.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("the output of seq could not be written"), "{said}");
    assert_eq!(last(&feed(&server.url).await, "notification")["title"], "dump failed");
}

#[tokio::test]
async fn a_key_that_the_server_does_not_take_is_refused_before_the_program_begins() {
    let (terminal, long) = (Terminal::at(NOWHERE), "k".repeat(200));
    for key in ["", "  ", &long] {
        let ran = terminal.run(&["run", "--key", key, "--", "echo", "begun"], b"").await;
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{ran:?}");
        let ran = terminal.run(&["progress", "jobs", "--key", key], b"").await;
        assert_eq!(ran.code, Some(2), "{ran:?}");
    }
}

#[tokio::test]
async fn progress_that_a_signal_ends_has_failed() {
    let server = TestServer::start().await;
    let terminal = Terminal::at(&server.url);
    for (name, code) in [("-TERM", 143), ("-INT", 130), ("-HUP", 129), ("-QUIT", 131)] {
        let mut child = terminal.start(&["progress", "jobs", "--key", &name[1..]]);
        let mut stdin = child.stdin.take().unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stdin, b"some").await.unwrap();
        let mut copied = [0; 4];
        in_time(child.stdout.as_mut().unwrap().read_exact(&mut copied)).await.unwrap();
        signal(&child, name).await;
        assert_eq!(in_time(child.wait()).await.unwrap().code(), Some(code), "{name}");
        let entries = feed(&server.url).await;
        let progress = last(&entries, "progress");
        assert_eq!((&progress["key"], &progress["state"]), (&name[1..].into(), &"failed".into()));
    }
}
