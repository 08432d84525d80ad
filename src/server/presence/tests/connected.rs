//! Two nodes that speak over a line within the process: what [`Presence`] does with its clock, its task and its line.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
    time::timeout,
};

use super::{room, user};
use crate::{
    protocol::{name::RoomId, session::User},
    server::{
        cluster::backplane::{Allowance, Backplane, MessageHandler, Unreachable},
        config::Rate,
        presence::{Presence, PresenceEvent, SUBJECT},
    },
};

/// How long any wait may take: less than it takes to notice that a node is silent.
const DEADLINE: Duration = Duration::from_secs(6);

/// What comes to a node: who said what. Nobody has said that a line is heard.
type Arriving = (Option<String>, String);
/// Where all nodes are reached, with their names.
type Addresses = Arc<Mutex<Vec<(String, mpsc::UnboundedSender<Arriving>)>>>;

struct Wire {
    node: String,
    addresses: Addresses,
    arriving: Mutex<Option<mpsc::UnboundedReceiver<Arriving>>>,
    connectivity: watch::Sender<bool>,
}

impl Wire {
    fn new(node: &str, addresses: &Addresses) -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        addresses.lock().expect("whole").push((node.to_owned(), sender));
        let arriving = Mutex::new(Some(receiver));
        Self {
            node: node.to_owned(),
            addresses: addresses.clone(),
            arriving,
            connectivity: watch::Sender::new(true),
        }
    }

    fn send(&self, is_meant: impl Fn(&str) -> bool, arriving: &Arriving) {
        for (_, sender) in self.addresses.lock().expect("whole").iter().filter(|(name, _)| is_meant(name)) {
            drop(sender.send(arriving.clone())); // who has ended hears nothing
        }
    }
}

#[async_trait]
impl Backplane for Wire {
    fn node(&self) -> &str {
        &self.node
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn attach(&self, _installation: &str, handler: Arc<dyn MessageHandler>) {
        let mut arriving = self.arriving.lock().expect("whole").take().expect("attached once");
        tokio::spawn(async move {
            while let Some((node, message)) = arriving.recv().await {
                match node {
                    Some(node) => handler.on_message(SUBJECT, &node, &message),
                    None => handler.on_subscribed(SUBJECT),
                }
            }
        });
    }

    fn publish(&self, line: &str, message: String) {
        assert_eq!(line, SUBJECT);
        self.send(|name| name != self.node, &(Some(self.node.clone()), message));
    }

    fn subscribe(&self, _: &str) {
        self.send(|name| name == self.node, &(None, String::new()));
    }

    fn unsubscribe(&self, _: &str) {}

    async fn allow(&self, _: &str, _: Rate) -> Result<Allowance, Unreachable> {
        Err(Unreachable)
    }

    fn connectivity(&self) -> watch::Receiver<bool> {
        self.connectivity.subscribe()
    }

    async fn close(&self) {}
}

struct Node {
    presence: Arc<Presence>,
    told: mpsc::UnboundedReceiver<(String, PresenceEvent)>,
    exchange: JoinHandle<()>,
}

impl Node {
    fn start(name: &str, addresses: &Addresses) -> Self {
        let (log, told) = mpsc::unbounded_channel();
        let publish = move |_: &RoomId, user: &User, change| drop(log.send((user.name.clone(), change)));
        let wire = Arc::new(Wire::new(name, addresses));
        let presence = Arc::new(Presence::new(wire.clone(), publish));
        wire.attach("", presence.clone());
        let exchange = presence.clone();
        Self { presence, told, exchange: tokio::spawn(async move { exchange.exchange().await }) }
    }

    async fn hears(&mut self, name: &str, change: PresenceEvent) {
        let told = timeout(DEADLINE, self.told.recv()).await.expect("it came in time").expect("it runs");
        assert_eq!(told, (name.to_owned(), change));
    }
}

#[tokio::test]
async fn people_at_two_nodes_see_each_other_come_type_and_go() {
    let addresses = Addresses::default();
    let mut a = Node::start("a", &addresses);
    let early = a.presence.enter(&room(), &user("1", "alice"));
    a.hears("alice", PresenceEvent::Joined).await;
    let mut b = Node::start("b", &addresses);
    b.hears("alice", PresenceEvent::Joined).await;
    let bob = b.presence.enter(&room(), &user("2", "bob"));
    for node in [&mut a, &mut b] {
        node.hears("bob", PresenceEvent::Joined).await;
    }
    assert_eq!(a.presence.members(&room()), [user("1", "alice"), user("2", "bob")]);
    assert_eq!(a.presence.version(&room()), b.presence.version(&room()));
    // She polls: her sign comes to a node that she is not in on.
    assert!(b.presence.note_typing(&room(), "1"));
    for node in [&mut a, &mut b] {
        node.hears("alice", PresenceEvent::Typing).await;
    }
    assert_eq!(a.presence.typing(&room()), [user("1", "alice")]);
    let late = b.presence.enter(&room(), &user("1", "alice"));
    let carol = b.presence.enter(&room(), &user("3", "carol"));
    for node in [&mut a, &mut b] {
        node.hears("carol", PresenceEvent::Joined).await;
    }
    drop(early);
    drop(bob);
    for node in [&mut a, &mut b] {
        node.hears("bob", PresenceEvent::Left).await;
    }
    assert_eq!(a.presence.find("alice"), Some(user("1", "alice")), "she is at the other node");
    drop(late);
    for node in [&mut a, &mut b] {
        node.hears("alice", PresenceEvent::Left).await;
    }
    drop(carol);
}

#[tokio::test]
async fn a_node_that_closes_takes_its_people_along_at_once() {
    let addresses = Addresses::default();
    let (a, mut b) = (Node::start("a", &addresses), Node::start("b", &addresses));
    let guard = a.presence.enter(&room(), &user("1", "alice"));
    b.hears("alice", PresenceEvent::Joined).await;
    a.presence.close();
    b.hears("alice", PresenceEvent::Left).await;
    timeout(DEADLINE, a.exchange).await.expect("it ends").expect("it ends well");
    drop(guard);
}
