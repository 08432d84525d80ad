//! The commands of those who use a server, as processes beside a server.

mod ask;
mod follow;
mod publish;
mod run;
mod tls;

use std::{
    path::{Path, PathBuf},
    process::{Output, Stdio},
};

use serde_json::Value;
use tokio::{
    io::AsyncWriteExt,
    process::{Child, Command},
};

use crate::support::{PROGRAM, in_time};

/// Somebody with a home folder of their own, at a terminal.
struct Terminal {
    home: tempfile::TempDir,
    url: String,
}

impl Terminal {
    fn at(url: &str) -> Self {
        Self { home: tempfile::tempdir().unwrap(), url: url.to_owned() }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(arguments);
        self.at_home(command)
    }

    /// A command whose files grow to this many blocks of 512 bytes at most, as on a disk that gets full.
    fn with_blocks(&self, blocks: u32, arguments: &[&str]) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("ulimit -f {blocks}; exec \"$0\" \"$@\""), PROGRAM]).args(arguments);
        self.at_home(command)
    }

    fn at_home(&self, mut command: Command) -> Command {
        command.env("HOME", self.home.path()).env("IDOBATA_URL", &self.url).kill_on_drop(true);
        for name in ["XDG_CONFIG_HOME", "XDG_STATE_HOME", "IDOBATA_TOKEN"] {
            command.env_remove(name);
        }
        command
    }

    /// Starts a command with pipes.
    fn start(&self, arguments: &[&str]) -> Child {
        with_pipes(self.command(arguments))
    }

    /// Runs a command to its end with this input.
    async fn run(&self, arguments: &[&str], input: &[u8]) -> Ran {
        finish(self.start(arguments), input).await
    }

    /// The folder of the lines that wait.
    fn spool(&self) -> PathBuf {
        self.home.path().join(".local/state/idobata/spool")
    }
}

fn with_pipes(mut command: Command) -> Child {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Gives a command its input, and waits for its end.
async fn finish(mut child: Child, input: &[u8]) -> Ran {
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    tokio::spawn(async move {
        // A command that needs no input may have ended.
        let _ = stdin.write_all(&input).await;
    });
    Ran::of(in_time(child.wait_with_output()).await.unwrap())
}

/// The end of a command.
#[derive(Debug, PartialEq)]
struct Ran {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Ran {
    fn of(Output { status, stdout, stderr }: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: status.code(), stdout: text(stdout), stderr: text(stderr) }
    }

    /// Fails the test unless the command ended well and without a word.
    fn silently(self) {
        assert_eq!(self, Self { code: Some(0), stdout: String::new(), stderr: String::new() });
    }
}

/// Sends a process a signal.
async fn signal(child: &Child, signal: &str) {
    let id = child.id().unwrap().to_string();
    assert!(Command::new("kill").args([signal, &id]).status().await.unwrap().success());
}

/// The entries that the feed of a server keeps, without what the server made of them.
async fn feed(url: &str) -> Vec<Value> {
    let (mut entries, mut cursor) = (Vec::new(), "none:0".to_owned());
    loop {
        let request = reqwest::Client::new().get(format!("{url}/api/events?limit=200&after={cursor}"));
        let answer = request.header("accept", "application/json").send().await.unwrap();
        let mut page: Value = answer.json().await.unwrap();
        for mut entry in page["events"].as_array_mut().unwrap().drain(..) {
            entry.as_object_mut().unwrap().retain(|name, _| !matches!(&**name, "offset" | "timestamp"));
            entries.push(entry);
        }
        cursor = page["cursor"].as_str().unwrap().to_owned();
        if page["more"] != true {
            return entries;
        }
    }
}

/// The texts of entries.
fn texts(entries: &[Value]) -> Vec<&str> {
    entries.iter().map(|entry| entry["text"].as_str().unwrap()).collect()
}

/// The length of all files in a folder.
fn size(folder: &Path) -> u64 {
    let files = std::fs::read_dir(folder).into_iter().flatten();
    files.map(|file| file.unwrap().metadata().unwrap().len()).sum()
}
