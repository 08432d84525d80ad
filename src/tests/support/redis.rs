//! A real Redis server for the tests: one for all tests of a process, or one for a test that stops it. Both the unit
//! tests of the backplane and the socket tests use it. It never uses the server that the system may run on 6379.
//!
//! Pub/Sub does not separate databases (Redis, "Pub/Sub"): all who share a server receive each other's messages.

use std::{
    io::{BufRead, BufReader, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::OnceLock,
};

const SCRIPT: &str = include_str!("redis.sh");
/// The range of ports: below those that Linux assigns by itself, so that the port of a stopped server is not assigned
/// to another process meanwhile.
const PORTS: std::ops::Range<u16> = 20_000..32_000;
/// Attempts to start, because another process may take a port between the check and the start.
const ATTEMPTS: usize = 20;

/// A running server. It ends when its standard input is closed: when this is dropped, or when the process ends in any
/// way.
pub(crate) struct RedisServer {
    port: u16,
    child: Child,
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl RedisServer {
    /// Starts a server.
    pub(crate) fn start() -> Self {
        Self::start_with("")
    }

    /// Starts a server that accepts only TLS, with the certificate and the key in these files.
    pub(crate) fn start_tls(certificate: &str, key: &str) -> Self {
        Self::start_with(&format!(" {certificate} {key}"))
    }

    fn start_with(certificate: &str) -> Self {
        let mut child = Command::new("sh")
            .args(["-c", SCRIPT, "redis"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("sh is there");
        let commands = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().expect("piped"));
        let mut server = Self { port: 0, child, commands, answers };
        for _ in 0..ATTEMPTS {
            server.port = free_port();
            match server.ask(&format!("start {}{certificate}", server.port)).as_str() {
                "done" => return server,
                "taken" => {}
                refusal => panic!("Redis does not start: {refusal}"),
            }
        }
        panic!("no free port after {ATTEMPTS} attempts");
    }

    /// The server that the tests of this process share.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<RedisServer> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// Its address, which it keeps through a crash.
    pub(crate) fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Its address in the form of `REDIS_URL`.
    pub(crate) fn url(&self) -> String {
        format!("redis://{}", self.address())
    }

    /// Kills it by SIGKILL: it loses its state, and its connections break.
    pub(crate) fn crash(&mut self) {
        assert_eq!(self.ask("crash"), "done");
    }

    /// Starts it again on the same port, empty.
    pub(crate) fn start_again(&mut self) {
        assert_eq!(self.ask(&format!("start {}", self.port)), "done");
    }

    fn ask(&mut self, command: &str) -> String {
        let commands = self.commands.as_mut().expect("open until dropped");
        // If the process has ended, the answer has the reason.
        drop(writeln!(commands, "{command}"));
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("it speaks text");
        line.trim().to_owned()
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        drop(self.commands.take());
        drop(self.child.wait());
    }
}

/// A free port.
fn free_port() -> u16 {
    std::iter::repeat_with(|| fastrand::u16(PORTS))
        .take(1_000)
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .expect("of a thousand ports one is free")
}

#[cfg(test)]
mod tests {
    use std::{
        io::{ErrorKind, Read},
        net::TcpStream,
        time::Duration,
    };

    use super::*;

    /// Sends one line and reads one line.
    fn ask(server: &RedisServer, question: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(server.address())?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        stream.write_all(format!("{question}\r\n").as_bytes())?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line)?;
        Ok(line.trim().to_owned())
    }

    #[test]
    fn a_redis_that_crashed_is_back_on_its_port_and_knows_nothing() {
        let mut server = RedisServer::start();
        assert_ne!(server.port, 6379);
        assert_eq!(ask(&server, "SET a 1").expect("it answers"), "+OK");
        let mut held = TcpStream::connect(server.address()).expect("it listens");
        server.crash();
        assert!(matches!(held.read(&mut [0]), Ok(0) | Err(_)), "its connections are broken");
        let refused = ask(&server, "PING").expect_err("nobody is there");
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        server.start_again();
        assert_eq!(ask(&server, "EXISTS a").expect("it answers"), ":0");
    }

    #[test]
    fn a_redis_without_its_owner_ends() {
        let server = RedisServer::start();
        let address = server.address();
        let mut held = TcpStream::connect(address).expect("it listens");
        drop(server);
        assert!(matches!(held.read(&mut [0]), Ok(0) | Err(_)), "its connections are broken");
        assert_eq!(TcpStream::connect(address).expect_err("gone").kind(), ErrorKind::ConnectionRefused);
    }
}
