//! Support for the tests: a server, users with sessions, and readers of streams and sockets. Every wait has a deadline
//! and waits for a fact.

#[allow(dead_code, reason = "the unit tests need more of it")]
mod cluster;
#[allow(dead_code, reason = "for the tests of many nodes")]
mod gate;
mod machine;
mod nodes;
mod program;
#[allow(dead_code, reason = "the unit tests need it")]
mod redis;
mod s3;
mod socket;
mod socket_io;
mod stream;

use std::{path::Path, time::Duration};

use clap::Parser;
use idobata::{
    protocol::session::{Session, User},
    server::{self, Config, auth::Accounts, clock::Clock, state::AppState},
};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

pub(crate) use self::{
    cluster::{Cluster, execute as postgres_execute},
    gate::Gate,
    machine::Machine,
    nodes::{Nodes, settings_of_nodes},
    program::{PROGRAM, Program, lone_address},
    redis::RedisServer,
    s3::{Bucket, S3Service},
    socket::Socket,
    socket_io::SocketIo,
    stream::{Block, Stream},
};

/// The password of every account.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// Limit of any wait.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// Limits that no test reaches: its many users share one address and act faster than people do.
const UNLIMITED: [&str; 17] = [
    "--limit-messages=off",
    "--limit-joins=off",
    "--limit-rooms=off",
    "--limit-typing=off",
    "--limit-marks=off",
    "--limit-sessions=off",
    "--limit-publishes=off",
    "--limit-files=off",
    "--limit-files-per-address=off",
    "--min-free-disk=0B",
    "--limit-feed-pushes=off",
    "--limit-requests=off",
    "--limit-frames=off",
    "--max-connections-per-person=off",
    "--max-connections-per-address=off",
    "--max-tcp-connections=off",
    "--max-tcp-connections-per-address=off",
];

/// Keeps a server on its data folder even if `DATABASE_URL` is set for another purpose.
fn own_database(settings: &[&str]) -> &'static [&'static str] {
    if settings.contains(&"--database-url") { &[] } else { &["--database-url=sqlite:"] }
}

/// The settings of a server on this data folder and a free port.
fn config(data: &Path, settings: &[&str]) -> Config {
    let fixed = ["idobata", "--listen", "127.0.0.1:0", "--data", data.to_str().unwrap()];
    Config::try_parse_from(fixed.iter().chain(settings).chain(own_database(settings))).unwrap()
}

/// Fails the test if a future takes longer than [`DEADLINE`].
pub(crate) async fn in_time<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, what).await.expect("it came in time")
}

/// A running server. Dropping it stops it.
pub(crate) struct TestServer {
    pub(crate) url: String,
    pub(crate) client: Client,
    pub(crate) state: AppState,
    /// The link by which the first administrator joins; `None` without accounts.
    pub(crate) setup_link: Option<String>,
    stop: CancellationToken,
    serving: Option<tokio::task::JoinHandle<anyhow::Result<()>>>,
    data: Option<tempfile::TempDir>,
}

impl TestServer {
    /// A server on a fresh database.
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// A server with more settings.
    pub(crate) async fn start_with(settings: &[&str]) -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut server = Self::start_on(data.path(), settings).await;
        server.data = Some(data);
        server
    }

    /// A server on this data folder.
    pub(crate) async fn start_on(data: &Path, settings: &[&str]) -> Self {
        Self::start_from(data, &[&["--no-measure"], &UNLIMITED[..], settings].concat()).await
    }

    /// A server with the limits of these settings, and default limits otherwise.
    pub(crate) async fn start_limited(settings: &[&str]) -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut server = Self::start_from(data.path(), &[&["--no-measure"], settings].concat()).await;
        server.data = Some(data);
        server
    }

    /// The error with which a server with these settings does not start.
    pub(crate) async fn refused(settings: &[&str]) -> String {
        let data = tempfile::tempdir().unwrap();
        let fixed = ["idobata", "--listen", "127.0.0.1:0", "--data", data.path().to_str().unwrap()];
        let arguments = fixed.iter().chain(settings).chain(own_database(settings));
        let config = Config::try_parse_from(arguments).unwrap();
        let Err(refused) = server::bind(config).await else { panic!("it started") };
        format!("{refused:#}")
    }

    /// A server that publishes its own metrics to the feed.
    pub(crate) async fn start_measuring(data: &Path) -> Self {
        Self::start_from(data, &[]).await
    }

    /// A server on this data folder that uses this clock.
    pub(crate) async fn start_on_clock(data: &Path, settings: &[&str], clock: Clock) -> Self {
        let settings = [&["--no-measure"], &UNLIMITED[..], settings].concat();
        let server = server::bind_with_clock(config(data, &settings), clock).await;
        Self::serve(server.unwrap()).await
    }

    async fn start_from(data: &Path, settings: &[&str]) -> Self {
        Self::serve(server::bind(config(data, settings)).await.unwrap()).await
    }

    async fn serve(server: server::Server) -> Self {
        let url = format!("http://{}", server.address);
        let setup_link = server.setup_link().await.unwrap();
        let state = server.state.clone();
        let stop = state.lifetime.stop.clone();
        let serving = Some(tokio::spawn(server.serve()));
        Self { url, client: Client::new(), state, setup_link, stop, serving, data: None }
    }

    /// Stops the server as SIGTERM does, and waits until it has ended.
    pub(crate) async fn stop(mut self) -> Option<tempfile::TempDir> {
        self.stop.cancel();
        in_time(self.serving.take().unwrap()).await.unwrap().unwrap();
        self.data.take()
    }

    /// The data folder, if the server created it.
    pub(crate) fn folder(&self) -> &Path {
        self.data.as_ref().unwrap().path()
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.url))
    }

    pub(crate) fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(format!("{}{path}", self.url))
    }

    /// The JSON at this path.
    pub(crate) async fn json(&self, path: &str) -> Value {
        let response = self.get(path).header("accept", "application/json").send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        response.json().await.unwrap()
    }

    /// Publishes one text to a channel and returns the entry.
    pub(crate) async fn publish(&self, channel: &str, text: &str) -> Value {
        let response =
            self.post(&format!("/api/events/{channel}")).body(text.to_owned()).send().await.unwrap();
        assert_eq!(response.status(), 201);
        response.json().await.unwrap()
    }

    /// The cursor at the feed's end.
    pub(crate) async fn feed_cursor(&self) -> String {
        self.json("/api/events").await["cursor"].as_str().unwrap().to_owned()
    }

    /// Opens the feed's stream.
    pub(crate) async fn stream(&self, query: &str) -> Stream {
        Stream::open(self.get(&format!("/api/events{query}"))).await
    }

    /// Opens a room's stream anonymously.
    pub(crate) async fn room_stream(&self, room: &str, query: &str) -> Stream {
        Stream::open(self.get(&format!("/api/rooms/{room}/events{query}"))).await
    }

    /// Creates a user with a session.
    pub(crate) async fn person(&self, name: &str) -> Person {
        Person::new(&self.url, name).await
    }

    /// The accounts, of a server that has some.
    pub(crate) fn accounts(&self) -> &Accounts {
        self.state.auth.accounts().unwrap()
    }

    /// Creates an account and signs in. The first one is the administrator's.
    pub(crate) async fn account(&self, name: &str) -> Person {
        let accounts = self.accounts();
        let link = match accounts.make_setup_link().await.unwrap() {
            Some(link) => link,
            None => accounts.invite("the administrator").await.unwrap(),
        };
        accounts.join(&link, name, PASSWORD).await.unwrap();
        self.signed_in(name).await
    }

    /// A new session of an existing account.
    pub(crate) async fn signed_in(&self, name: &str) -> Person {
        Person::enter(&self.url, &json!({ "name": name, "password": PASSWORD })).await
    }

    /// The value of a series in `/metrics`.
    pub(crate) async fn metric(&self, series: &str) -> u64 {
        let text = self.get("/metrics").send().await.unwrap().text().await.unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(series)).unwrap();
        line.trim().parse().unwrap()
    }

    /// Waits until the server counts this number of live connections of a kind.
    pub(crate) async fn expect_connections(&self, kind: &str, count: u64) {
        let series = format!("idobata_connections{{kind=\"{kind}\"}}");
        in_time(async {
            while self.metric(&series).await != count {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// A user with a session.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) session: Session,
    url: String,
    client: Client,
}

impl Person {
    /// Creates a user at this server.
    pub(crate) async fn new(url: &str, name: &str) -> Self {
        Self::enter(url, &json!({ "name": name })).await
    }

    /// Creates a session with this body.
    async fn enter(url: &str, body: &Value) -> Self {
        let client = Client::new();
        let request = client.post(format!("{url}/api/session")).json(body);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 201);
        Self { session: response.json().await.unwrap(), url: url.to_owned(), client }
    }

    /// The same session at another server with the same data.
    pub(crate) fn at(&self, server: &TestServer) -> Self {
        self.at_url(&server.url)
    }

    /// The same session at this address.
    pub(crate) fn at_url(&self, url: &str) -> Self {
        Self { url: url.to_owned(), ..self.clone() }
    }

    /// Opens a chat socket.
    pub(crate) async fn socket(&self) -> Socket {
        Socket::open(&self.url, Some(&self.session.token)).await.unwrap()
    }

    /// Connects by Socket.IO.
    pub(crate) async fn socket_io(&self) -> SocketIo {
        SocketIo::open(&self.url, Some(&self.session.token)).await.unwrap()
    }

    /// A user with this token.
    pub(crate) fn with_token(server: &TestServer, token: &str) -> Self {
        let user = User { id: String::new(), name: String::new() };
        let session = Session { user, token: token.to_owned() };
        Self { session, url: server.url.clone(), client: server.client.clone() }
    }

    /// Sends JSON to a path of the server.
    pub(crate) async fn send(&self, method: Method, path: &str, body: &Value) -> Response {
        let request = self.client.request(method, format!("{}{path}", self.url));
        request.bearer_auth(&self.session.token).json(body).send().await.unwrap()
    }

    /// A GET request for a path of the server.
    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.url)).bearer_auth(&self.session.token)
    }

    /// Opens a room's stream; the user is then present in the room.
    pub(crate) async fn room_stream(&self, room: &str, query: &str) -> Stream {
        Stream::open(self.get(&format!("/api/rooms/{room}/events{query}"))).await
    }

    /// Reports over HTTP that the user is typing.
    pub(crate) async fn type_in(&self, room: &str) -> Response {
        let request = self.client.post(format!("{}/api/rooms/{room}/typing", self.url));
        request.bearer_auth(&self.session.token).send().await.unwrap()
    }

    /// Posts a message over HTTP.
    pub(crate) async fn post(&self, room: &str, id: &str, text: &str) -> Response {
        self.post_body(room, &json!({ "id": id, "text": text })).await
    }

    pub(crate) async fn post_body(&self, room: &str, body: &Value) -> Response {
        self.client
            .post(format!("{}/api/rooms/{room}/messages", self.url))
            .bearer_auth(&self.session.token)
            .json(body)
            .send()
            .await
            .unwrap()
    }
}

/// A new client id.
pub(crate) fn new_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// The `code` of a rejection, after checking its status and its media type.
pub(crate) async fn problem(response: Response, status: u16) -> String {
    assert_eq!(response.status(), status);
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let problem: Value = response.json().await.unwrap();
    assert_eq!(problem["status"], status);
    assert!(!problem["detail"].as_str().unwrap().is_empty());
    problem["code"].as_str().unwrap().to_owned()
}
