//! Random plans for several people with devices on every transport: posts, answers, deletions, edits that add and take
//! names, mentions, direct messages, marks of devices that are behind, levels, removals from a room and returns to it, and
//! drops. After each part of a plan the counts of every device, and its list of mentions, equal a recount.
//!
//! [`super::plan`] follows the log of the person itself, in one room; here everything else is compared.

mod device;
mod recount;

use std::collections::BTreeMap;

use fastrand::Rng;
use idobata::{protocol::name::RoomId, server::store::TopicName};
use reqwest::Method;
use serde_json::{Value, json};

use self::{
    device::{Device, Transport},
    recount::{Marks, Room, recount, stored},
};
use crate::support::{DEADLINE, Nodes, Person, Socket, TestServer, new_id};

/// Steps between two comparisons, and comparisons in a plan.
const STEPS: usize = 30;
const PARTS: usize = 3;

/// Reruns one plan.
const SEED: &str = "IDOBATA_PLAN_SEED";

const NAMES: [&str; 3] = ["alice", "bob", "carol"];
/// Owns the private room.
const BOB: usize = 1;
const OPEN_ROOMS: [&str; 3] = ["general", "tech", "random"];
const SECRET: &str = "secret";
const LEVELS: [&str; 3] = ["all", "mentions", "nothing"];

impl Person {
    /// All pages of the list of mentions: room, offset, and whether it is read.
    async fn mention_list(&self) -> Vec<(String, u64, bool)> {
        let (mut all, mut before) = (Vec::new(), String::new());
        loop {
            let path = format!("/api/user/mentions?limit=7{before}");
            let page: Value = self.get(&path).send().await.unwrap().json().await.unwrap();
            all.extend(page["mentions"].as_array().unwrap().iter().map(|one| {
                let room = one["room"].as_str().unwrap().to_owned();
                (room, one["offset"].as_u64().unwrap(), one["read"].as_bool().unwrap())
            }));
            match page["next"].as_str() {
                Some(next) => before = format!("&before={next}"),
                None => return all,
            }
        }
    }
}

/// One of the people, at each node.
struct Somebody {
    at: Vec<Person>,
    /// By room.
    marks: BTreeMap<String, Marks>,
    is_member: bool,
    devices: Vec<Device>,
}

impl Somebody {
    fn id(&self) -> &str {
        &self.at[0].session.user.id
    }
}

struct World<'a> {
    servers: &'a [TestServer],
    random: Rng,
    people: Vec<Somebody>,
    /// The direct messages, with who is in them.
    direct: Vec<(String, Vec<usize>)>,
    /// Everybody is in #general, where a new member is found by their name.
    _present: Vec<Socket>,
}

impl<'a> World<'a> {
    async fn new(servers: &'a [TestServer], seed: u64) -> Self {
        let (mut people, mut present) = (Vec::new(), Vec::new());
        for name in NAMES {
            let person = servers[0].person(name).await;
            let mut socket = person.socket().await;
            socket.join("general", json!({})).await;
            present.push(socket);
            let at = servers.iter().map(|server| person.at(server)).collect();
            people.push(Somebody { at, marks: BTreeMap::new(), is_member: false, devices: Vec::new() });
        }
        let mut world =
            Self { servers, random: Rng::with_seed(seed), people, direct: Vec::new(), _present: present };
        let body = json!({ "name": "Secret", "private": true });
        let made = world.people[BOB].at[0].send(Method::POST, "/api/rooms", &body).await;
        assert_eq!(made.status(), 201);
        for index in 0..NAMES.len() {
            world.let_in(index).await;
            // So that each can be named there. In #random nobody is known at first.
            for room in ["general", "tech", SECRET] {
                let mark = json!({ "kind": "read", "room": room, "offset": 0 });
                assert_eq!(world.people[index].at[0].marked(mark).await.0, 201);
                world.people[index].marks.entry(room.to_owned()).or_default().read(0, 0);
            }
        }
        for (index, owner) in [0, 2].into_iter().cycle().take(2 * Transport::ALL.len()).enumerate() {
            let transport = Transport::ALL[index / 2];
            let person = world.somewhere(owner).clone();
            let device = Device::new(transport, person).await;
            world.people[owner].devices.push(device);
        }
        world
    }

    fn somewhere(&mut self, index: usize) -> &Person {
        let node = self.random.usize(..self.servers.len());
        &self.people[index].at[node]
    }

    async fn let_in(&mut self, index: usize) {
        if index != BOB {
            let body = json!({ "name": NAMES[index] });
            let path = format!("/api/rooms/{SECRET}/members");
            assert_eq!(self.people[BOB].at[0].send(Method::POST, &path, &body).await.status(), 201);
        }
        self.people[index].is_member = true;
    }

    async fn put_out(&mut self, index: usize) {
        let path = format!("/api/rooms/{SECRET}/members/{}", self.people[index].id());
        assert_eq!(self.people[BOB].at[0].send(Method::DELETE, &path, &json!({})).await.status(), 204);
        self.people[index].is_member = false;
    }

    /// The rooms that somebody may enter.
    fn rooms_of(&self, index: usize) -> Vec<String> {
        let secret = self.people[index].is_member.then_some(SECRET);
        let direct =
            self.direct.iter().filter(|(_, people)| people.contains(&index)).map(|(room, _)| room.clone());
        OPEN_ROOMS.into_iter().chain(secret).map(str::to_owned).chain(direct).collect()
    }

    fn a_room_of(&mut self, index: usize) -> String {
        let rooms = self.rooms_of(index);
        self.random.choice(rooms).unwrap()
    }

    fn text(&mut self) -> String {
        let name = self.random.choice(NAMES).unwrap();
        self.random
            .choice([format!("ask @{name}"), "nobody".to_owned(), "`@alice` in code".to_owned()])
            .unwrap()
    }

    async fn post(&mut self, is_answer: bool) {
        let author = self.random.usize(..NAMES.len());
        let (room, text) = (self.a_room_of(author), self.text());
        let messages = if is_answer { stored(&self.servers[0], &room).await } else { Vec::new() };
        let thread = self.random.choice(messages).map(|message| message.offset);
        let body = json!({ "id": new_id(), "text": text, "thread": thread });
        let answer = self.somewhere(author).post_body(&room, &body).await;
        assert!(answer.status() == 201 || thread.is_some(), "{room}: {}", answer.text().await.unwrap());
    }

    /// An author changes a message. One that is deleted already cannot be changed.
    async fn change(&mut self, kind: &str) {
        let index = self.random.usize(..NAMES.len());
        let (room, text) = (self.a_room_of(index), self.text());
        let messages = stored(&self.servers[0], &room).await.into_iter();
        let own: Vec<_> = messages.filter(|message| message.author == self.people[index].id()).collect();
        let Some(message) = self.random.choice(own) else { return };
        let body = json!({ "id": new_id(), "kind": kind, "text": text, "emoji": "🎉" });
        let path = format!("/api/rooms/{room}/messages/{}/changes", message.offset);
        let answer = self.somewhere(index).send(Method::POST, &path, &body).await;
        assert!(!answer.status().is_server_error(), "{path}: {body}");
    }

    async fn open_direct(&mut self) {
        let index = self.random.usize(..NAMES.len());
        let other = (index + 1 + self.random.usize(..2)) % 3;
        let body = json!({ "user_ids": [self.people[other].id()] });
        let answer = self.somewhere(index).send(Method::POST, "/api/direct", &body).await;
        assert!(answer.status().is_success());
        let answer: Value = answer.json().await.unwrap();
        let room = answer["room"].as_str().unwrap().to_owned();
        if self.direct.iter().all(|(known, _)| *known != room) {
            self.direct.push((room, vec![index, other]));
        }
    }

    /// Marks by a device, which may not have heard of the newest generation.
    async fn mark(&mut self, kind: &str) {
        let index = [0, 2][self.random.usize(..2)];
        let room = self.a_room_of(index);
        let topic = TopicName::Room(RoomId::parse(&room).unwrap());
        let head = self.servers[0].state.hub.store().bounds(&topic).await.unwrap().head;
        let offset = self.random.u64(..=head);
        let (level, is_behind) = (LEVELS[self.random.usize(..3)], self.random.u8(..4) == 0);
        let somebody = &mut self.people[index];
        let marks = somebody.marks.entry(room.clone()).or_default();
        let generation = marks.generation.saturating_sub(is_behind.into());
        match kind {
            "read" => marks.read(offset, generation),
            "unread" => marks.set_back(offset),
            _ => marks.level = Some(level),
        }
        let mark = json!({ "id": new_id(), "kind": kind, "room": room, "offset": offset, "level": level, "generation": generation });
        let device = self.random.usize(..somebody.devices.len());
        let answer = somebody.devices[device].mark(mark).await;
        assert_eq!(answer["generation"], marks.generation, "{answer}");
    }

    async fn come_back(&mut self) {
        let index = [0, 2][self.random.usize(..2)];
        let person = self.somewhere(index).clone();
        let device = self.random.usize(..Transport::ALL.len());
        self.people[index].devices[device].come_back(person).await;
    }

    async fn step(&mut self) {
        match self.random.u8(..24) {
            0..=7 => self.post(false).await,
            8 => self.post(true).await,
            9 | 10 => self.change("delete").await,
            11 | 12 => self.change("edit").await,
            13 => self.change("react").await,
            14..=16 => self.mark("read").await,
            17 => self.mark("unread").await,
            18 => self.mark("level").await,
            19 => self.open_direct().await,
            20 => {
                let index = [0, 2][self.random.usize(..2)];
                match self.people[index].is_member {
                    true => self.put_out(index).await,
                    false => self.let_in(index).await,
                }
            }
            21 => {
                // A poll that is not at its end yet.
                let index = [0, 2][self.random.usize(..2)];
                let devices = self.people[index].devices.iter_mut();
                let polls = [Transport::RoomPoll, Transport::FeedPoll];
                for device in devices.filter(|device| polls.contains(&device.transport)) {
                    device.hear(0).await;
                }
            }
            _ => self.come_back().await,
        }
    }

    /// Compares what every device was told, and its list of mentions, with a recount.
    async fn check(&mut self, place: &str) {
        for node in 0..self.servers.len() {
            // The last that is told: what was before it is heard before it.
            assert_eq!(self.people[BOB].at[node].post("general", &new_id(), "the last").await.status(), 201);
        }
        for index in [0, 2] {
            let mut rooms = Vec::new();
            for id in self.rooms_of(index) {
                let is_direct = self.direct.iter().any(|(direct, _)| *direct == id);
                let marks = self.people[index].marks.get(&id).cloned();
                if is_direct || marks.is_some() {
                    let messages = stored(&self.servers[0], &id).await;
                    rooms.push(Room { id, is_direct, marks: marks.unwrap_or_default(), messages });
                }
            }
            let id = self.people[index].id().to_owned();
            let counts = recount(&rooms, &id);
            let place = format!("{place}, {}", NAMES[index]);
            for device in &mut self.people[index].devices {
                device.settle(&counts, &place).await;
            }
            for person in &self.people[index].at {
                agree(person, &recount::mentions(&rooms, &id), &place).await;
            }
        }
    }
}

/// Waits until the list of mentions is right: a node may learn of a new member a moment later.
async fn agree(person: &Person, mentions: &[(String, u64, bool)], place: &str) {
    let deadline = tokio::time::Instant::now() + DEADLINE;
    loop {
        let listed = person.mention_list().await;
        if listed == mentions {
            return;
        }
        let is_late = tokio::time::Instant::now() > deadline;
        assert!(!is_late, "{place}: the mentions {listed:?} instead of {mentions:?}");
        tokio::task::yield_now().await;
    }
}

/// Says with which plan a test failed.
struct Seed(u64);

impl Drop for Seed {
    #[expect(clippy::print_stderr, reason = "the seed stands in the output of the test that failed")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "rerun this plan with: {SEED}={} cargo test --features ssr --test sockets marks::devices",
                self.0
            );
        }
    }
}

async fn run(servers: &[TestServer]) {
    let seed = std::env::var(SEED).ok().map(|seed| seed.parse().expect("a seed is a number"));
    let seed = Seed(seed.unwrap_or_else(|| fastrand::u64(..)));
    let mut world = World::new(servers, seed.0).await;
    for part in 1..=PARTS {
        for _ in 0..STEPS {
            world.step().await;
        }
        world.check(&format!("part {part}")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_any_plan_every_device_is_told_what_a_recount_gives() {
    for _ in 0..2 {
        run(&[TestServer::start().await]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_any_plan_on_several_nodes_every_device_is_told_what_a_recount_gives() {
    run(&Nodes::start(2).await.servers).await;
}
