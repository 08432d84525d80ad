//! The system under attack: a single server, or nodes with their own PostgreSQL and Redis. It applies the plan's faults
//! to its components independently, so that several can be down at the same time.

use std::{
    collections::HashSet,
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::future::join_all;
use tempfile::TempDir;
use tokio::{
    task::spawn_blocking,
    time::{Instant, sleep, sleep_until},
};

use super::plan::{Blow, Harm, Plan};
use crate::support::{
    Cluster, DEADLINE, Gate, Program, RedisServer, in_time, postgres_execute, settings_of_nodes,
};

/// The servers of a run, and their services.
pub(super) struct Target {
    nodes: Vec<Node>,
    services: Option<Services>,
    /// The folder of the files, which the servers share.
    files: TempDir,
}

/// A server process.
struct Node {
    program: Program,
    data: TempDir,
    address: SocketAddr,
    settings: Vec<String>,
}

/// The services that nodes share.
struct Services {
    database: Arc<Mutex<Cluster>>,
    redis: Arc<Mutex<RedisServer>>,
    database_url: String,
    /// One gate per node, on its way to Redis.
    ways: Vec<Gate>,
}

impl Target {
    /// Starts the plan's servers; more than one share a PostgreSQL and a Redis.
    pub(super) async fn start(plan: &Plan) -> Self {
        let retained = plan.retained.to_string();
        let files = tempfile::tempdir().expect("a folder");
        let folder = files.path().to_str().expect("it is UTF-8");
        let settings = ["--trim-interval", "1s", "--room-entries", &retained, "--feed-entries", &retained];
        let settings: Vec<_> = settings.into_iter().chain(["--files", folder]).map(str::to_owned).collect();
        if plan.nodes == 1 {
            return Self { nodes: vec![Node::start(settings).await], services: None, files };
        }
        let (database, redis) =
            spawn_blocking(|| (Cluster::start(), RedisServer::start())).await.expect("both start");
        let database_url = database.fresh_database().await;
        let shared = settings_of_nodes(&database_url);
        let (mut nodes, mut ways) = (Vec::new(), Vec::new());
        for _ in 0..plan.nodes {
            let way = Gate::before(redis.address()).await;
            let redis = ["--redis-url".to_owned(), format!("redis://{}", way.address())];
            nodes.push(Node::start([&settings[..], &shared, &redis].concat()).await);
            ways.push(way);
        }
        let (database, redis) = (Arc::new(Mutex::new(database)), Arc::new(Mutex::new(redis)));
        Self { nodes, services: Some(Services { database, redis, database_url, ways }), files }
    }

    /// The servers' addresses, which they keep through restarts.
    pub(super) fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.nodes.iter().map(|node| node.address)
    }

    /// Applies all faults of the plan. When it returns, everything is running again.
    pub(super) async fn suffer(&mut self, plan: &Plan) {
        let (began, blows) = (Instant::now(), &plan.blows);
        let nodes = self.nodes.iter_mut().enumerate();
        let nodes = join_all(nodes.map(|(number, node)| node.suffer(number, blows, began)));
        match &self.services {
            None => drop(nodes.await),
            Some(services) => drop(tokio::join!(nodes, services.suffer(blows, began))),
        }
    }

    /// Applies the last fault, and does not undo it.
    pub(super) async fn end_with(&self, finale: Option<Harm>) {
        let (Some(harm), Some(services)) = (finale, &self.services) else { return };
        match harm {
            Harm::CrashRedis => do_to(&services.redis, RedisServer::crash).await,
            Harm::SilenceWay(number) => services.ways[number].silence(),
            other => unreachable!("no plan ends with {other:?}"),
        }
    }

    /// Checks that none of the texts is stored, in files of the data folders or in rows of PostgreSQL. Files follow a
    /// deletion within seconds.
    pub(super) async fn expect_without(&self, texts: HashSet<String>) -> Result<(), String> {
        if let Some(services) = &self.services {
            let list: Vec<_> = texts.iter().map(|text| format!("'%{text}%'")).collect();
            let check = format!(
                "DO $$ BEGIN IF EXISTS (SELECT 1 FROM entries WHERE body LIKE ANY (ARRAY[{}]::text[]))
                 THEN RAISE EXCEPTION 'a deleted text is in a row'; END IF; END $$",
                list.join(", ")
            );
            in_time(postgres_execute(&services.database_url, &check)).await;
        }
        let folders = self.nodes.iter().map(|node| &node.data).chain([&self.files]);
        let folders: Vec<_> = folders.map(|folder| folder.path().to_owned()).collect();
        let search = move || {
            let until = std::time::Instant::now() + DEADLINE;
            loop {
                let found = folders.iter().find_map(|folder| text_in_files(folder, &texts));
                match found {
                    None => return Ok(()),
                    Some(found) if std::time::Instant::now() > until => return Err(found),
                    Some(_) => std::thread::sleep(Duration::from_millis(100)),
                }
            }
        };
        spawn_blocking(search).await.expect("it does not panic")
    }

    /// Waits until every server is ready.
    pub(super) async fn until_well(&self) {
        for node in &self.nodes {
            let url = format!("http://{}/readyz", node.address);
            in_time(async {
                while reqwest::get(&url).await.unwrap().text().await.unwrap() != "ready\n" {
                    tokio::task::yield_now().await;
                }
            })
            .await;
        }
    }
}

impl Node {
    async fn start(settings: Vec<String>) -> Self {
        let data = tempfile::tempdir().expect("a folder");
        let words: Vec<&str> = settings.iter().map(String::as_str).collect();
        let program = Program::start_with(data.path(), "127.0.0.1:0", &words).await;
        let address = program.url.trim_start_matches("http://").parse().expect("an address");
        Self { program, data, address, settings }
    }

    async fn suffer(&mut self, number: usize, blows: &[Blow], began: Instant) {
        for Blow { at, lasts, .. } in blows.iter().filter(|blow| blow.harm == Harm::KillNode(number)) {
            sleep_until(began + *at).await;
            self.program.signal("-KILL").await;
            sleep(*lasts).await;
            in_time(self.start_again()).await;
        }
    }

    /// Starts the node again. Without its database a node exits at once, so this repeats until the database is back.
    async fn start_again(&mut self) {
        let settings: Vec<&str> = self.settings.iter().map(String::as_str).collect();
        let needs_others = settings.contains(&"--database-url");
        loop {
            match Program::try_start(self.data.path(), &self.address.to_string(), &settings).await {
                Ok(program) => return self.program = program,
                Err(said) => assert!(needs_others, "it does not start again: {said}"),
            }
        }
    }
}

impl Services {
    async fn suffer(&self, blows: &[Blow], began: Instant) {
        let ways = join_all(self.ways.iter().enumerate().map(async |(number, way)| {
            for Blow { harm, at, lasts } in blows {
                let harm: fn(&Gate) = match harm {
                    Harm::CloseWay(to) if *to == number => Gate::close,
                    Harm::SilenceWay(to) if *to == number => Gate::silence,
                    _ => continue,
                };
                sleep_until(began + *at).await;
                harm(way);
                sleep(*lasts).await;
                way.open();
            }
        }));
        let redis = async {
            for Blow { at, lasts, .. } in blows.iter().filter(|blow| blow.harm == Harm::CrashRedis) {
                sleep_until(began + *at).await;
                do_to(&self.redis, RedisServer::crash).await;
                sleep(*lasts).await;
                do_to(&self.redis, RedisServer::start_again).await;
            }
        };
        let database = async {
            for Blow { harm, at, lasts } in blows {
                match harm {
                    Harm::RestartDatabase => {
                        sleep_until(began + *at).await;
                        do_to(&self.database, Cluster::restart).await;
                    }
                    Harm::CrashDatabase => {
                        sleep_until(began + *at).await;
                        do_to(&self.database, Cluster::crash).await;
                        sleep(*lasts).await;
                        do_to(&self.database, Cluster::start_again).await;
                    }
                    _ => {}
                }
            }
        };
        tokio::join!(ways, redis, database);
    }
}

/// The first of the texts that a file of the folder has, with the file's name. All texts begin in the same way.
fn text_in_files(folder: &Path, texts: &HashSet<String>) -> Option<String> {
    let length = texts.iter().next()?.len();
    // Files of the folder may go meanwhile.
    for file in std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.expect("an entry").path()) {
        if file.is_dir()
            && let Some(found) = text_in_files(&file, texts)
        {
            return Some(found);
        }
        let bytes = if file.is_file() { std::fs::read(&file).unwrap_or_default() } else { Vec::new() };
        let begins = bytes.windows(5).enumerate().filter(|(_, window)| window == b"text ");
        for at in begins.map(|(at, _)| at) {
            let found = bytes.get(at..at + length).and_then(|found| std::str::from_utf8(found).ok());
            if let Some(found) = found.filter(|found| texts.contains(*found)) {
                return Some(format!("the deleted {found} is in {}", file.display()));
            }
        }
    }
    None
}

/// Runs a blocking action on a thread of its own, so that the other components go on.
async fn do_to<T: Send + 'static>(server: &Arc<Mutex<T>>, act: fn(&mut T)) {
    let server = server.clone();
    let done = spawn_blocking(move || act(&mut server.lock().unwrap_or_else(PoisonError::into_inner)));
    done.await.expect("it obeys");
}
