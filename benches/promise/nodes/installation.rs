//! PostgreSQL, Redis, and any number of nodes that share them, each time with a fresh database.

use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::{
    super::{Fault, reader::GENERAL, server::Server},
    cluster::Cluster,
    redis::RedisServer,
};

/// The session key, which must be the same on all nodes.
const JWT_SECRET: &str = "the nodes of a bench sign with this key";
/// Limit for a node to notice that Redis is gone or back.
const PATIENCE: Duration = Duration::from_secs(20);
/// A node's readiness with Redis, and without it.
const READY: &str = "ready\n";
const ALONE: &str = "Redis cannot be reached";

pub(crate) struct Installation {
    cluster: Cluster,
    pub(crate) redis: RedisServer,
}

/// Running nodes, with the rooms and the user for them.
pub(crate) struct Nodes {
    pub(crate) servers: Vec<Server>,
    pub(crate) token: String,
    pub(crate) rooms: Vec<Room>,
    _data: Vec<TempDir>,
}

pub(crate) struct Room {
    pub(crate) name: String,
    pub(crate) epoch: String,
}

impl Installation {
    /// Starts PostgreSQL and Redis. Commits wait for the disk, as in production.
    pub(crate) fn start() -> Self {
        Self { cluster: Cluster::start_with_fsync("on"), redis: RedisServer::start() }
    }

    /// Starts this number of nodes on a fresh database with this number of empty rooms.
    pub(crate) async fn nodes(&self, count: usize, rooms: usize) -> Result<Nodes, Fault> {
        let database = self.cluster.fresh_database().await;
        let redis = self.redis.url();
        let settings = ["--database-url", &database, "--redis-url", &redis, "--jwt-secret", JWT_SECRET];
        let (mut servers, mut data) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let folder = tempfile::tempdir()?;
            servers.push(Server::start(folder.path(), &settings).await?);
            data.push(folder);
        }
        let token = servers[0].session("somebody").await?;
        let mut nodes = Nodes { servers, token, rooms: Vec::new(), _data: data };
        nodes.make_rooms(rooms).await?;
        nodes.until_redis(true).await?;
        Ok(nodes)
    }
}

impl Nodes {
    /// Creates the rooms; one exists from the start.
    async fn make_rooms(&mut self, count: usize) -> Result<(), Fault> {
        let server = &self.servers[0];
        for index in 0..count {
            let name = if index == 0 { GENERAL.to_owned() } else { format!("room-{index}") };
            if index > 0 {
                server.make_room(&self.token, &name).await?;
            }
            let (epoch, _) = server.head_of(&name).await?;
            self.rooms.push(Room { name, epoch });
        }
        Ok(())
    }

    /// Waits until every node has noticed that Redis is there, or gone.
    pub(crate) async fn until_redis(&self, is_there: bool) -> Result<(), Fault> {
        let until = Instant::now() + PATIENCE;
        for server in &self.servers {
            loop {
                let word = server.readiness().await?;
                let has_noticed = if is_there { word == READY } else { word.contains(ALONE) };
                if has_noticed {
                    break;
                }
                if Instant::now() > until {
                    return Err(format!("a node says {word:?} after {PATIENCE:?}").into());
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        Ok(())
    }

    pub(crate) fn room_names(&self) -> Vec<String> {
        self.rooms.iter().map(|room| room.name.clone()).collect()
    }

    /// Number of entries that all nodes received from each other.
    pub(crate) async fn heard(&self) -> Result<u64, Fault> {
        let mut heard = 0;
        for server in &self.servers {
            heard += server.metric("idobata_announcements_heard_total").await?;
        }
        Ok(heard)
    }

    pub(crate) async fn stop(self) -> Result<(), Fault> {
        for server in self.servers {
            server.kill().await?;
        }
        Ok(())
    }
}
