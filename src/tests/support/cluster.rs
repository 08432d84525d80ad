//! A real PostgreSQL server for the tests: one for all tests of a process, each with a database of its own, or one for
//! a test that stops it. Both the unit tests of the store and the socket tests use it.

use std::{
    io::{BufRead, BufReader, Write},
    net::{Ipv4Addr, TcpListener},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use deadpool_postgres::tokio_postgres::{self, NoTls};

const SCRIPT: &str = include_str!("cluster.sh");

/// A running server. It ends when its standard input is closed: when this is dropped, or when the process ends in any
/// way.
pub(crate) struct Cluster {
    folder: String,
    databases: AtomicUsize,
    keeper: Keeper,
}

struct Keeper {
    child: Child,
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Cluster {
    /// Creates a cluster and starts it, without fsync: no test cuts the power.
    pub(crate) fn start() -> Self {
        Self::start_with_fsync("off")
    }

    /// Creates a cluster and starts it. `fsync` is PostgreSQL's setting, `on` or `off`; `on` gives commits their real
    /// cost.
    pub(crate) fn start_with_fsync(fsync: &str) -> Self {
        let mut child = Command::new("sh")
            .args(["-c", SCRIPT, "cluster", SCRIPT])
            .env("FSYNC", fsync)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("sh is there");
        let commands = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().expect("piped"));
        let mut keeper = Keeper { child, commands, answers };
        let folder = keeper.answer();
        assert!(folder.starts_with('/'), "{folder} {}", keeper.answer());
        Self { folder, databases: AtomicUsize::new(0), keeper }
    }

    /// The cluster that the tests of this process share.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// The folder of the server's socket.
    pub(crate) fn folder(&self) -> &str {
        &self.folder
    }

    /// The address of a database.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://idobata@{}/{database}", self.folder.replace('/', "%2F"))
    }

    /// A new database, with nothing in it.
    pub(crate) async fn fresh_database(&self) -> String {
        let name = format!("test{}", self.databases.fetch_add(1, Relaxed));
        execute(&self.url("postgres"), &format!("CREATE DATABASE {name}")).await;
        self.url(&name)
    }

    /// Kills it, as a crash does; the next start has to recover.
    pub(crate) fn crash(&mut self) {
        self.keeper.command("crash");
    }

    /// Shuts it down in order, which breaks its connections, and starts it again.
    pub(crate) fn restart(&mut self) {
        self.keeper.command("restart");
    }

    /// Starts it again.
    pub(crate) fn start_again(&mut self) {
        self.keeper.command("start");
    }

    /// Restarts it with TLS on a port of 127.0.0.1, which is returned. The certificate and its key are PEM. From then
    /// on it can be reached only there.
    pub(crate) fn serve_tls(&mut self, certificate: &str, key: &str) -> u16 {
        let port = free_port();
        let on_one_line = |pem: &str| pem.trim().replace("\r", "").replace('\n', "|").replace(' ', "_");
        self.keeper.command(&format!("tls {port} {} {}", on_one_line(certificate), on_one_line(key)));
        port
    }
}

/// A free port outside of the range that Linux assigns by itself.
fn free_port() -> u16 {
    std::iter::repeat_with(|| fastrand::u16(20_000..32_000))
        .take(1_000)
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .expect("of a thousand ports one is free")
}

/// Executes SQL in a database, on a connection of its own.
pub(crate) async fn execute(url: &str, sql: &str) {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("connected");
    let connection = tokio::spawn(connection);
    client.batch_execute(sql).await.expect("done");
    drop(client);
    connection.await.expect("no panic").expect("ended well");
}

impl Keeper {
    fn command(&mut self, word: &str) {
        let commands = self.commands.as_mut().expect("open until dropped");
        writeln!(commands, "{word}").expect("it listens");
        assert_eq!(self.answer(), "done");
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("it speaks text");
        line.trim().to_owned()
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.commands.take());
        drop(self.child.wait());
    }
}
