//! A random plan of posts, answers, deletions, edits, marks and drops, by several devices at once: after each step the
//! count of a room equals a recount of what the room shows, and in the end every device has heard the same state.

use fastrand::Rng;
use reqwest::Method;
use serde_json::{Value, json};

use super::follow;
use crate::support::{Nodes, Person, Socket, TestServer, new_id};

const STEPS: usize = 120;
const DEVICES: usize = 3;

/// A device of the reader: what it has heard so far.
struct Device {
    socket: Socket,
    /// The place in the person's own log up to which it has heard.
    cursor: String,
    /// The state of the room by the snapshot and the marks since.
    state: Value,
}

/// The members that a mark tells of a room.
fn told(state: &Value) -> Value {
    json!({ "read": state["read"], "generation": state["generation"], "level": state["level"], "mentions": state["mentions"] })
}

impl Device {
    async fn new(person: &Person) -> Self {
        let whole = person.state().await;
        let cursor = whole["cursor"].as_str().unwrap().to_owned();
        let mut socket = person.socket().await;
        follow(&mut socket, Some(&cursor)).await;
        Self { socket, cursor, state: told(&whole["rooms"][0]) }
    }

    /// Is dropped with what it has not heard, and comes back at another node.
    async fn come_back(&mut self, person: &Person) {
        self.socket = person.socket().await;
        follow(&mut self.socket, Some(&self.cursor)).await;
    }

    /// Takes the frames up to this place in the log.
    async fn hear_to(&mut self, cursor: &str) {
        let (epoch, head) = cursor.split_once(':').unwrap();
        while self.cursor != cursor {
            let mark = self.socket.expect("mark").await;
            let last = self.cursor.split_once(':').unwrap().1.parse::<u64>().unwrap();
            assert_eq!(mark["offset"], last + 1, "each once and in order, up to {head}");
            self.cursor = format!("{epoch}:{}", mark["offset"]);
            self.state = told(&mark);
        }
    }
}

struct World {
    random: Rng,
    /// The reader and the other one, at each node.
    alice: Vec<Person>,
    bob: Vec<Person>,
    devices: Vec<Device>,
    /// The offsets of the messages outside of threads.
    messages: Vec<u64>,
    head: u64,
}

impl World {
    fn somewhere<'a>(random: &mut Rng, people: &'a [Person]) -> &'a Person {
        &people[random.usize(..people.len())]
    }

    async fn post(&mut self, is_own: bool, root: Option<u64>) {
        let people = if is_own { &self.alice } else { &self.bob };
        let person = Self::somewhere(&mut self.random, people);
        let answer =
            person.post_body("general", &json!({ "id": new_id(), "text": "hi", "thread": root })).await;
        let posted: Value = answer.json().await.unwrap();
        // The thread of a deleted message has no answers.
        if let Some(offset) = posted["offset"].as_u64() {
            self.head = offset;
            self.messages.extend(root.is_none().then_some(offset));
        }
    }

    async fn change(&mut self, kind: &str) {
        let Some(offset) = self.random.choice(self.messages.clone()) else { return };
        let body = json!({ "id": new_id(), "kind": kind, "text": "other", "emoji": "🎉" });
        let path = format!("/api/rooms/general/messages/{offset}/changes");
        let answer = Self::somewhere(&mut self.random, &self.bob).send(Method::POST, &path, &body).await;
        let changed: Value = answer.json().await.unwrap();
        self.head = changed["offset"].as_u64().unwrap_or(self.head);
    }

    /// Marks by a device that may not have heard of the newest marks.
    async fn mark(&mut self, kind: &str) {
        let offset = self.random.u64(0..=self.head);
        let level = ["all", "mentions", "nothing"][self.random.usize(..3)];
        let index = self.random.usize(..DEVICES);
        let generation = &self.devices[index].state["generation"];
        let mut mark = json!({ "id": new_id(), "kind": kind, "room": "general", "offset": offset, "level": level, "generation": generation });
        if self.random.bool() {
            let answer = Self::somewhere(&mut self.random, &self.alice)
                .send(Method::POST, "/api/user/marks", &mark)
                .await;
            assert!(answer.status().is_success(), "{mark}");
        } else {
            mark["type"] = json!("mark");
            // The answer comes among the marks of other devices, which it has to hear as well.
            let Device { socket, cursor, state } = &mut self.devices[index];
            socket.send(mark).await;
            loop {
                let frame = socket.frame().await;
                match frame["type"].as_str().unwrap() {
                    "marked" => return,
                    "mark" => {
                        let epoch =
                            Self::somewhere(&mut self.random, &self.alice).state().await["cursor"].clone();
                        let epoch = epoch.as_str().unwrap().split(':').next().unwrap().to_owned();
                        *cursor = format!("{epoch}:{}", frame["offset"]);
                        *state = told(&frame);
                    }
                    other => panic!("{other}: {frame}"),
                }
            }
        }
    }

    async fn step(&mut self) {
        match self.random.u8(..12) {
            0..=2 => self.post(false, None).await,
            3 => self.post(true, None).await,
            4 => {
                let root = self.random.choice(self.messages.clone());
                self.post(false, root).await;
            }
            5 => self.change("delete").await,
            6 => {
                let kind = ["edit", "react", "pin"][self.random.usize(..3)];
                self.change(kind).await;
            }
            7 | 8 => self.mark("read").await,
            9 => self.mark("unread").await,
            10 => self.mark("level").await,
            _ => {
                let index = self.random.usize(..DEVICES);
                let person = Self::somewhere(&mut self.random, &self.alice);
                self.devices[index].come_back(person).await;
            }
        }
    }

    /// Compares the count with one of the tests' own.
    async fn check(&mut self, step: usize) {
        let alice = Self::somewhere(&mut self.random, &self.alice);
        let state = alice.room_state("general").await;
        let answer = alice.get("/api/rooms/general/messages?answers=false&limit=200").send().await.unwrap();
        let page: Value = answer.json().await.unwrap();
        let read = state["read"].as_str().map(|read| read.split_once(':').unwrap().1.parse::<u64>().unwrap());
        let is_unread = |message: &&Value| {
            let is_after = read.is_some_and(|read| message["offset"].as_u64().unwrap() > read);
            is_after && message["user"] == "bob" && message["deleted"] != true
        };
        let unread = page["messages"].as_array().unwrap().iter().filter(is_unread).count();
        assert_eq!(state["unread"], unread.min(100), "after step {step}: {state}");
        assert_eq!(state["head"], self.head);
    }
}

async fn run(servers: &[TestServer], seed: u64) {
    let (alice, bob) = (servers[0].person("alice").await, servers[0].person("bob").await);
    let at_each = |person: &Person| servers.iter().map(|server| person.at(server)).collect::<Vec<_>>();
    let (alice, bob) = (at_each(&alice), at_each(&bob));
    let mut devices = Vec::new();
    for index in 0..DEVICES {
        devices.push(Device::new(&alice[index % servers.len()]).await);
    }
    let random = Rng::with_seed(seed);
    let mut world = World { random, alice, bob, devices, messages: Vec::new(), head: 0 };
    for step in 0..STEPS {
        world.step().await;
        world.check(step).await;
    }
    let whole = world.alice[0].state().await;
    for device in &mut world.devices {
        device.hear_to(whole["cursor"].as_str().unwrap()).await;
        assert_eq!(device.state, told(&whole["rooms"][0]));
    }
}

/// Says with which plan a test failed.
struct Seed(u64);

impl Drop for Seed {
    #[expect(clippy::print_stderr, reason = "the seed stands in the output of the test that failed")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the plan's seed: {}", self.0);
        }
    }
}

#[tokio::test]
async fn counts_and_devices_agree_with_a_recount_whatever_happens() {
    let seed = Seed(fastrand::u64(..));
    let server = TestServer::start().await;
    run(&[server], seed.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_and_devices_agree_with_a_recount_on_several_nodes() {
    let seed = Seed(fastrand::u64(..));
    let nodes = Nodes::start(2).await;
    run(&nodes.servers, seed.0).await;
}
