//! Failures among several nodes: Redis killed under load, again and again, and a node killed together with the
//! connections of its users.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    time::Instant,
};

use futures_util::future::join_all;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{
    Cluster, Nodes, Person, Program, RedisServer, Socket, in_time, new_id, settings_of_nodes,
};

/// Number of times that Redis is killed and restarted.
const RESTARTS: u64 = 5;
/// Posts between two such events.
const POSTS: u64 = 60;
const LAST: &str = "the last";

/// Posts at one node until it is stopped. Returns the offsets.
async fn talk(person: Person, stop: Arc<AtomicBool>, said: Arc<AtomicU64>) -> Vec<u64> {
    let mut offsets = Vec::new();
    while !stop.load(SeqCst) {
        let posted = person.post("general", &new_id(), "under load").await;
        assert_eq!(posted.status(), 201, "without Redis posts are taken as ever");
        offsets.push(posted.json::<Value>().await.unwrap()["offset"].as_u64().unwrap());
        said.fetch_add(1, SeqCst);
    }
    offsets
}

/// The offsets of all messages up to the last one.
async fn follow(mut socket: Socket) -> Vec<u64> {
    let mut offsets = Vec::new();
    loop {
        let message = socket.expect("message").await;
        offsets.push(message["offset"].as_u64().unwrap());
        if message["text"] == LAST {
            return offsets;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_that_restarts_under_load_loses_and_doubles_nothing() {
    let mut redis = RedisServer::start();
    let mut nodes = Nodes::none().await;
    for _ in 0..3 {
        nodes.add(&redis.url()).await;
    }
    let alice = nodes.person("alice").await;
    let (stop, said) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let mut readers = Vec::new();
    for server in &nodes.servers {
        let mut socket = alice.at(server).socket().await;
        socket.join("general", json!({})).await;
        readers.push(tokio::spawn(follow(socket)));
    }
    let writers = nodes.servers.iter().map(|server| talk(alice.at(server), stop.clone(), said.clone()));
    let writers: Vec<_> = writers.map(tokio::spawn).collect();
    let more_is_said = async || {
        let enough = said.load(SeqCst) + POSTS;
        in_time(async {
            while said.load(SeqCst) < enough {
                tokio::task::yield_now().await;
            }
        })
        .await;
    };
    for _ in 0..RESTARTS {
        more_is_said().await;
        redis.crash();
        more_is_said().await;
        redis.start_again();
        for number in 0..3 {
            nodes.until_ready(number, "ready\n").await;
        }
    }
    // The last message is posted while Redis is down.
    redis.crash();
    stop.store(true, SeqCst);
    let mut stored: Vec<u64> = join_all(writers).await.into_iter().flat_map(Result::unwrap).collect();
    assert_eq!(alice.post("general", &new_id(), LAST).await.status(), 201);
    stored.sort_unstable();
    let all: Vec<u64> = (1..=stored.len() as u64 + 1).collect();
    assert_eq!(stored, all[..stored.len()], "each post has a place of its own");
    for reader in readers {
        let read = in_time(reader).await.unwrap();
        let fault = read.iter().zip(&all).find(|(read, offset)| read != offset);
        assert_eq!((fault, read.len()), (None, all.len()), "each once, in order, on one connection");
    }
    let (mut heard, mut filled) = (0, 0);
    for server in &nodes.servers {
        heard += server.metric("idobata_announcements_heard_total ").await;
        filled += server.metric("idobata_holes_filled_total ").await;
    }
    println!(
        "{RESTARTS} restarts of Redis under load: {} entries, read by 3 readers on 3 nodes, {} in all; nodes heard {heard} \
         of the other two's {}, and filled {filled} times from PostgreSQL",
        all.len(),
        3 * all.len(),
        2 * all.len(),
    );
}

/// Nodes as processes of their own, so that they can be killed.
struct Processes(Vec<(Program, TempDir)>);

impl Processes {
    async fn start(count: usize) -> Self {
        let mut settings = settings_of_nodes(&Cluster::shared().fresh_database().await);
        settings.extend(["--redis-url".to_owned(), RedisServer::shared().url()]);
        let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
        let mut processes = Vec::new();
        for _ in 0..count {
            let data = tempfile::tempdir().unwrap();
            processes.push((Program::start_with(data.path(), "127.0.0.1:0", &settings).await, data));
        }
        Self(processes)
    }

    fn url(&self, number: usize) -> &str {
        &self.0[number].0.url
    }

    async fn kill(&mut self, number: usize) {
        self.0[number].0.signal("-KILL").await;
    }

    /// Waits until a node counts `people` present users, and returns a new socket of `person` there.
    async fn socket_among(&self, person: &Person, number: usize, people: usize) -> Socket {
        in_time(async {
            loop {
                let mut socket = person.at_url(self.url(number)).socket().await;
                let joined = socket.join("general", json!({})).await;
                if joined["members"].as_array().unwrap().len() == people {
                    return socket;
                }
            }
        })
        .await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_people_of_a_killed_node_vanish() {
    let mut nodes = Processes::start(3).await;
    let (mut sockets, mut people) = (Vec::new(), Vec::new());
    for (number, name) in ["alice", "bob", "carol"].into_iter().enumerate() {
        let person = Person::new(nodes.url(number), name).await;
        let mut socket = person.socket().await;
        socket.join("general", json!({})).await;
        sockets.push(socket);
        people.push(person);
    }
    let mut bob = nodes.socket_among(&people[1], 1, 3).await;
    nodes.kill(0).await;
    let killed = Instant::now();
    let left = in_time(bob.expect("user-left")).await;
    assert_eq!(left["user"], "alice");
    println!("the people of a killed node vanished after {:.1?} (the bound is 10 s)", killed.elapsed());
    nodes.socket_among(&people[2], 2, 2).await;
    bob.is_alive().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hundreds_who_come_back_from_a_killed_node_are_little_news() {
    const PEOPLE: usize = 300;
    const AWAY: &str = "who stays away";
    let mut nodes = Processes::start(3).await;
    let bob = Person::new(nodes.url(1), "bob").await;
    let people =
        join_all((0..PEOPLE).map(async |n| Person::new(nodes.url(0), &format!("person {n}")).await)).await;
    let away = Person::new(nodes.url(0), AWAY).await;
    let come_to = |url: &str, person: &Person| {
        let person = person.at_url(url);
        async move {
            let mut socket = person.socket().await;
            socket.join("general", json!({})).await;
            socket
        }
    };
    let before = join_all(people.iter().chain([&away]).map(|person| come_to(nodes.url(0), person))).await;
    let mut reader = nodes.socket_among(&bob, 1, PEOPLE + 2).await;
    nodes.kill(0).await;
    let killed = Instant::now();
    drop(before);
    let turns = people.iter().enumerate();
    let back = join_all(turns.map(|(n, person)| come_to(nodes.url(1 + n % 2), person))).await;
    println!("{PEOPLE} people of a killed node were back after {:.1?}", killed.elapsed());
    let mut frames: BTreeMap<String, usize> = BTreeMap::new();
    loop {
        let frame = reader.frame().await;
        let kind = frame["type"].as_str().unwrap();
        *frames.entry(kind.to_owned()).or_default() += 1;
        // Many changes at once arrive as one list of everyone present.
        let is_told = match kind {
            "user-left" => frame["user"] == AWAY,
            "members" => !frame["members"].as_array().unwrap().iter().any(|member| member["name"] == AWAY),
            _ => false,
        };
        if is_told {
            break;
        }
    }
    println!("somebody on another node was told of it in {frames:?} until {:.1?}", killed.elapsed());
    assert!(frames.values().sum::<usize>() < PEOPLE, "{frames:?}");
    for number in [1, 2] {
        nodes.socket_among(&bob, number, PEOPLE + 1).await;
    }
    drop(back);
}
