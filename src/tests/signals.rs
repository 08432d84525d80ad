//! The signals that end the program, and those that do not.

use std::process::Stdio;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{Program, Stream, in_time};

#[tokio::test]
async fn every_signal_that_means_stop_ends_it_cleanly() {
    // The test's own environment may ignore SIGHUP, and processes inherit that.
    let script = "exec env --default-signal=HUP \"$@\"";
    for signal in ["-TERM", "-INT", "-HUP", "-QUIT"] {
        let data = tempfile::tempdir().unwrap();
        let mut program = Program::in_shell(script, data.path(), &[], Stdio::null()).await;
        assert_eq!(program.signal(signal).await, Some(0), "{signal}");
    }
}

#[tokio::test]
async fn a_program_that_was_told_to_ignore_hangups_does() {
    let data = tempfile::tempdir().unwrap();
    let script = "trap '' HUP; exec \"$@\"";
    let mut program = Program::in_shell(script, data.path(), &[], Stdio::null()).await;
    program.send("-HUP").await;
    let answer = reqwest::get(format!("{}/readyz", program.url)).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(program.signal("-TERM").await, Some(0));
}

#[tokio::test]
async fn signals_about_files_and_pipes_do_nothing() {
    let data = tempfile::tempdir().unwrap();
    let mut program = Program::start(data.path()).await;
    for signal in ["-PIPE", "-XFSZ"] {
        program.send(signal).await;
        assert_eq!(reqwest::get(format!("{}/readyz", program.url)).await.unwrap().status(), 200, "{signal}");
    }
    assert_eq!(program.signal("-TERM").await, Some(0));
}

#[tokio::test]
async fn a_second_signal_hurries() {
    let data = tempfile::tempdir().unwrap();
    let mut program = Program::start(data.path()).await;
    // A clean stop waits for a body that never ends. The server has begun to read it when it sends `100 Continue`.
    let mut request = TcpStream::connect(program.url.strip_prefix("http://").unwrap()).await.unwrap();
    let head = "POST /api/events/ops HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n";
    request.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 25];
    in_time(request.read_exact(&mut answer)).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 100 Continue\r\n\r\n");
    let mut stream = Stream::open(reqwest::Client::new().get(format!("{}/api/events", program.url))).await;
    stream.connected().await;
    program.send("-INT").await;
    // The end of the stream shows that the stop has begun.
    in_time(async { while stream.block().await.is_some() {} }).await;
    assert_eq!(program.signal("-INT").await, Some(130));
    drop(request);
}
