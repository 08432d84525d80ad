//! The program as a process of its own.

use std::{path::Path, process::Stdio};

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use super::{UNLIMITED, in_time, own_database};

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_idobata");

/// A running program; killed when dropped.
pub(crate) struct Program {
    child: Child,
    pub(crate) url: String,
}

impl Program {
    pub(crate) async fn start(data: &Path) -> Self {
        Self::start_with(data, "127.0.0.1:0", &[]).await
    }

    /// Starts the program on this address with more settings.
    pub(crate) async fn start_with(data: &Path, listen: &str, settings: &[&str]) -> Self {
        Self::try_start(data, listen, settings)
            .await
            .unwrap_or_else(|said| panic!("it does not start: {said}"))
    }

    /// Starts the program; `Err` has its output if it ended instead of listening.
    pub(crate) async fn try_start(data: &Path, listen: &str, settings: &[&str]) -> Result<Self, String> {
        let mut child = Command::new(PROGRAM)
            .args(["--no-measure", "--listen", listen, "--data"])
            .arg(data)
            .args(UNLIMITED)
            .args(settings)
            .args(own_database(settings))
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let url = in_time(async {
            let mut said = String::new();
            while let Some(line) = lines.next_line().await.unwrap() {
                if let Some((_, url)) = line.split_once("listening on ") {
                    return Ok(url.to_owned());
                }
                said += &line;
            }
            Err(said)
        })
        .await?;
        // Its later output is read and dropped, so that the pipe never fills.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(Self { child, url })
    }

    /// Runs this command line in a shell, in which `$@` is the program with its settings. `stderr` receives its log. It
    /// listens on [`lone_address`], and this waits until it answers.
    pub(crate) async fn in_shell(script: &str, data: &Path, settings: &[&str], stderr: Stdio) -> Self {
        let listen = lone_address();
        let mut child = Command::new("sh")
            .args(["-c", script, "sh", PROGRAM, "--no-measure", "--listen", &listen, "--data"])
            .arg(data)
            .args(UNLIMITED)
            .args(settings)
            .args(own_database(settings))
            .stderr(stderr)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let url = format!("http://{listen}");
        in_time(async {
            while reqwest::get(format!("{url}/healthz")).await.is_err() {
                assert_eq!(child.try_wait().unwrap(), None, "it ended");
                tokio::task::yield_now().await;
            }
        })
        .await;
        Self { child, url }
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// Sends it a signal.
    pub(crate) async fn send(&self, signal: &str) {
        let id = self.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().await.unwrap().success());
    }

    /// Limits the size of its files, in bytes, from now on: a write past the limit fails as on a full disk.
    pub(crate) async fn limit_files(&self, bytes: &str) {
        let (pid, size) = (self.child.id().unwrap().to_string(), format!("--fsize={bytes}:unlimited"));
        assert!(Command::new("prlimit").args(["--pid", &pid, &size]).status().await.unwrap().success());
    }

    /// Ends it by a signal and returns its exit code; `None` if it was killed.
    pub(crate) async fn signal(&mut self, signal: &str) -> Option<i32> {
        self.send(signal).await;
        self.exit_code().await
    }

    /// Waits until it has ended and returns its exit code; `None` if it was killed.
    pub(crate) async fn exit_code(&mut self) -> Option<i32> {
        in_time(self.child.wait()).await.unwrap().code()
    }
}

/// An address of this machine on which no other process listens: all of 127.0.0.0/8 leads here.
pub(crate) fn lone_address() -> String {
    let part = || fastrand::u8(1..=254);
    format!("127.{}.{}.{}:3999", part(), part(), part())
}
