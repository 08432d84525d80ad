//! The program itself: started as its users start it, ended as their systems end it.

use std::process::Output;

use serde_json::Value;
use tokio::process::Command;

use crate::support::{PROGRAM, Program, Stream, in_time};

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
async fn help_explains_every_setting() {
    let output = Command::new(PROGRAM).arg("--help").output().await.unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    for part in [
        "--listen",
        "--data",
        "JWT_SECRET",
        "--feed-entries",
        "--room-age",
        "--max-connections",
        "--transport",
        "--write-timeout",
        "curl -d",
    ] {
        assert!(help.contains(part), "{part} is missing in\n{help}");
    }
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
        (vec!["--feed-age", "soon"], vec![], "such as 12h or 7d"),
        (vec!["--max-connections", "0"], vec![], "above 0"),
        (vec!["--data", folder, "--listen", "127.0.0.1:0"], vec![("JWT_SECRET", "short")], "openssl rand"),
        (vec!["--data", folder, "--listen", "192.0.2.1:3000"], vec![], "--listen"),
        (vec!["--data", in_a_file.to_str().unwrap(), "--listen", "127.0.0.1:0"], vec![], "cannot be made"),
        (vec!["--data", folder], vec![("RUST_LOG", "=,=")], "RUST_LOG"),
    ] {
        let said = refused(&arguments, &environment).await;
        assert!(said.contains(part), "{arguments:?}: {part} is missing in\n{said}");
    }
}
