//! Several servers on one database and one Redis, as in a real installation. Sessions are not sticky: a test uses any
//! node for anything.

use super::{Cluster, Person, RedisServer, TestServer, in_time};

/// The session key, which must be the same on all nodes.
const JWT_SECRET: &str = "the nodes of a test sign with this key";

/// The settings that nodes on this database share.
pub(crate) fn settings_of_nodes(database: &str) -> Vec<String> {
    let settings = ["--database-url", database, "--database-connections", "4", "--jwt-secret", JWT_SECRET];
    settings.map(str::to_owned).to_vec()
}

/// The nodes of one installation.
pub(crate) struct Nodes {
    pub(crate) servers: Vec<TestServer>,
    settings: Vec<String>,
}

impl Nodes {
    /// Starts `count` nodes on a fresh database, all with the Redis of this process.
    pub(crate) async fn start(count: usize) -> Self {
        let mut nodes = Self::none().await;
        for _ in 0..count {
            nodes.add(&RedisServer::shared().url()).await;
        }
        nodes
    }

    /// Starts nodes with limits.
    pub(crate) async fn start_limited(count: usize, limits: &[&str]) -> Self {
        let mut nodes = Self::none().await;
        let redis = RedisServer::shared().url();
        for _ in 0..count {
            let settings = nodes.settings.iter().map(String::as_str).chain(["--redis-url", &redis]);
            let settings: Vec<&str> = settings.chain(limits.iter().copied()).collect();
            nodes.servers.push(TestServer::start_limited(&settings).await);
        }
        nodes
    }

    /// Adds a node that reaches Redis at this address; returns its number.
    pub(crate) async fn add(&mut self, redis: &str) -> usize {
        let settings: Vec<&str> = self.settings.iter().map(String::as_str).collect();
        let server = TestServer::start_with(&[&settings[..], &["--redis-url", redis]].concat()).await;
        self.servers.push(server);
        self.servers.len() - 1
    }

    /// An installation without nodes, on a database of its own.
    pub(crate) async fn none() -> Self {
        let database = Cluster::shared().fresh_database().await;
        Self { servers: Vec::new(), settings: settings_of_nodes(&database) }
    }

    /// The same with more settings for the nodes that are added.
    pub(crate) fn with(mut self, settings: &[&str]) -> Self {
        self.settings.extend(settings.iter().map(|setting| (*setting).to_owned()));
        self
    }

    /// The address of the shared database.
    pub(crate) fn database(&self) -> &str {
        &self.settings[1]
    }

    /// Waits until a node's `/readyz` contains this text.
    pub(crate) async fn until_ready(&self, number: usize, word: &str) {
        in_time(async {
            loop {
                let answer = self.node(number).get("/readyz").send().await.unwrap();
                assert_eq!(answer.status(), 200);
                let text = answer.text().await.unwrap();
                if text == word || (word != "ready\n" && text.contains(word)) {
                    return;
                }
                tokio::task::yield_now().await;
            }
        })
        .await;
    }

    /// The node of this number.
    pub(crate) fn node(&self, number: usize) -> &TestServer {
        &self.servers[number]
    }

    /// Creates a user, who can use every node.
    pub(crate) async fn person(&self, name: &str) -> Person {
        self.node(0).person(name).await
    }
}
