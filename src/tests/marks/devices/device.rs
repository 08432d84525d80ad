//! A device in a plan: it hears what is unread by one transport, and puts together what it was told.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};
use tokio::time::timeout;

use super::recount::Counts;
use crate::support::{DEADLINE, Person, Socket, SocketIo, Stream};

/// The way in which a device hears.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Transport {
    Socket,
    RoomStream,
    FeedStream,
    RoomPoll,
    FeedPoll,
    SocketIo,
}

impl Transport {
    pub(super) const ALL: [Self; 6] =
        [Self::Socket, Self::RoomStream, Self::FeedStream, Self::RoomPoll, Self::FeedPoll, Self::SocketIo];
}

enum Link {
    Socket(Socket),
    Stream(Stream),
    Poll { path: &'static str, cursor: String, seen: String },
    SocketIo(SocketIo),
}

/// A device of a person.
pub(super) struct Device {
    pub(super) transport: Transport,
    person: Person,
    link: Link,
    /// The first frame of a connection has every room that the person has marked.
    is_first: bool,
    /// The rooms as they were told.
    known: BTreeMap<String, Value>,
}

impl Device {
    pub(super) async fn new(transport: Transport, person: Person) -> Self {
        let link = Self::connect(transport, &person).await;
        Self { transport, person, link, is_first: true, known: BTreeMap::new() }
    }

    async fn connect(transport: Transport, person: &Person) -> Link {
        let poll = |path| Link::Poll { path, cursor: String::new(), seen: String::new() };
        match transport {
            Transport::Socket => {
                let mut socket = person.socket().await;
                socket.send(json!({ "type": "unread" })).await;
                Link::Socket(socket)
            }
            Transport::RoomStream => Link::Stream(person.room_stream("tech", "?unread=true").await),
            Transport::FeedStream => Link::Stream(Stream::open(person.get("/api/events?unread=true")).await),
            Transport::RoomPoll => poll("/api/rooms/tech/messages"),
            Transport::FeedPoll => poll("/api/events"),
            Transport::SocketIo => {
                let mut client = person.socket_io().await;
                client.tell("unread", json!(null)).await;
                Link::SocketIo(client)
            }
        }
    }

    /// Is cut off with what it has not heard, and comes back, perhaps at another node. A poll goes on with its word.
    pub(super) async fn come_back(&mut self, person: Person) {
        self.person = person;
        if !matches!(self.link, Link::Poll { .. }) {
            self.link = Self::connect(self.transport, &self.person).await;
            self.is_first = true;
        }
    }

    /// Marks by its own transport, or by a request where it has none for that. Returns the answer.
    pub(super) async fn mark(&mut self, mut mark: Value) -> Value {
        match &mut self.link {
            Link::Socket(socket) => {
                mark["type"] = json!("mark");
                socket.send(mark).await;
                loop {
                    let Link::Socket(socket) = &mut self.link else { unreachable!("it stays") };
                    let frame = socket.frame().await;
                    match frame["type"].as_str().unwrap() {
                        "marked" | "rejected" => return frame,
                        "unread" => self.take(&frame).await,
                        other => panic!("{other}: {frame}"),
                    }
                }
            }
            Link::SocketIo(client) => client.ask("mark", mark).await,
            _ => self.person.marked(mark).await.1,
        }
    }

    /// Hears the next thing. A poll waits for it.
    pub(super) async fn hear(&mut self, wait: u64) {
        let unread = match &mut self.link {
            Link::Socket(socket) => Some(socket.frame().await).filter(|frame| frame["type"] == "unread"),
            Link::Stream(stream) => {
                let data = stream.block().await.expect("the stream goes on").data;
                data.filter(|data| data["type"] == "unread")
            }
            Link::SocketIo(client) => {
                let (name, mut arguments) = client.next().await.expect("the connection goes on");
                (name == "unread").then(|| arguments.remove(0))
            }
            Link::Poll { path, cursor, seen } => {
                let after = if cursor.is_empty() { String::new() } else { format!("&after={cursor}") };
                let query = format!("?wait={wait}&unread=true&unread_seen={seen}{after}");
                let request = self.person.get(&format!("{path}{query}"));
                let answer = request.header("accept", "application/json").send().await.unwrap();
                assert_eq!(answer.status(), 200, "{path}{query}");
                let mut answer: Value = answer.json().await.unwrap();
                *cursor = answer["cursor"].as_str().unwrap().to_owned();
                *seen = answer["unread_seen"].as_str().unwrap().to_owned();
                Some(answer["unread"].take()).filter(|unread| !unread.is_null())
            }
        };
        if let Some(unread) = unread {
            self.take(&unread).await;
        }
    }

    /// Takes what is told as a page does: rooms replace what was known of them, and a list that has changed is read anew.
    async fn take(&mut self, unread: &Value) {
        let state = if unread["list"] == true { self.person.state().await } else { Value::Null };
        let is_whole = unread["list"] == true || std::mem::take(&mut self.is_first);
        if is_whole && !matches!(self.link, Link::Poll { .. }) || unread["list"] == true {
            self.known.clear();
        }
        for frame in [unread, &state] {
            for room in frame["rooms"].as_array().into_iter().flatten() {
                self.known.insert(room["room"].as_str().unwrap().to_owned(), told(room));
            }
        }
    }

    /// Waits until what it was told is right.
    pub(super) async fn settle(&mut self, counts: &Counts, place: &str) {
        let settled = timeout(DEADLINE - Duration::from_secs(1), async {
            while !self.agrees(counts) {
                self.hear(5).await;
            }
        });
        let is_settled = settled.await.is_ok();
        assert!(is_settled, "{place}, {:?}: {:#?} instead of {counts:#?}", self.transport, self.known);
    }

    fn agrees(&self, counts: &Counts) -> bool {
        let nothing = told(&json!({ "unread": 0 }));
        let is_right = |(room, count): (&String, &Value)| self.known.get(room).unwrap_or(&nothing) == count;
        // Of a room that was never marked a device may hear that nothing is unread.
        let is_quiet = |(room, count): (&String, &Value)| counts.contains_key(room) || *count == nothing;
        counts.iter().all(is_right) && self.known.iter().all(is_quiet)
    }
}

/// The members that are compared, as a recount has them.
pub(super) fn told(room: &Value) -> Value {
    let read = room["read"].as_str().map(|read| read.split_once(':').unwrap().1.parse::<u64>().unwrap());
    let level = room["level"].as_str().unwrap_or("all");
    let mentions = room["mentions"].as_array().cloned().unwrap_or_default();
    let generation = room["generation"].as_u64().unwrap_or_default();
    json!({ "unread": room["unread"], "read": read, "generation": generation, "level": level, "mentions": mentions })
}
