//! Two nodes on a backplane within the process: [`Presence`] with its clock, its task and its backplane.

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

/// The longest wait of a test: shorter than it takes to notice that a node is silent.
const DEADLINE: Duration = Duration::from_secs(6);

/// A message to a node with its sender; without a sender: the node receives the subject from now on.
type Incoming = (Option<String>, String);
/// The channels of all nodes, with their names.
type Addresses = Arc<Mutex<Vec<(String, mpsc::UnboundedSender<Incoming>)>>>;

struct ChannelBackplane {
    node: String,
    addresses: Addresses,
    incoming: Mutex<Option<mpsc::UnboundedReceiver<Incoming>>>,
    connectivity: watch::Sender<bool>,
}

impl ChannelBackplane {
    fn new(node: &str, addresses: &Addresses) -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        addresses.lock().expect("whole").push((node.to_owned(), sender));
        let incoming = Mutex::new(Some(receiver));
        Self {
            node: node.to_owned(),
            addresses: addresses.clone(),
            incoming,
            connectivity: watch::Sender::new(true),
        }
    }

    fn send(&self, is_meant: impl Fn(&str) -> bool, incoming: &Incoming) {
        for (_, sender) in self.addresses.lock().expect("whole").iter().filter(|(name, _)| is_meant(name)) {
            drop(sender.send(incoming.clone())); // a node that has stopped receives nothing
        }
    }
}

#[async_trait]
impl Backplane for ChannelBackplane {
    fn node(&self) -> &str {
        &self.node
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn attach(&self, _installation: &str, handler: Arc<dyn MessageHandler>) {
        let mut incoming = self.incoming.lock().expect("whole").take().expect("attached once");
        tokio::spawn(async move {
            while let Some((node, message)) = incoming.recv().await {
                match node {
                    Some(node) => handler.on_message(SUBJECT, &node, &message),
                    None => handler.on_subscribed(SUBJECT),
                }
            }
        });
    }

    fn publish(&self, subject: &str, message: String) {
        assert_eq!(subject, SUBJECT);
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
    events: mpsc::UnboundedReceiver<(String, PresenceEvent)>,
    exchange: JoinHandle<()>,
}

impl Node {
    fn start(name: &str, addresses: &Addresses) -> Self {
        let (log, events) = mpsc::unbounded_channel();
        let notify = move |_: &RoomId, user: &User, event| drop(log.send((user.name.clone(), event)));
        let backplane = Arc::new(ChannelBackplane::new(name, addresses));
        let presence = Arc::new(Presence::new(backplane.clone(), notify));
        backplane.attach("", presence.clone());
        let exchange = presence.clone();
        Self { presence, events, exchange: tokio::spawn(async move { exchange.exchange().await }) }
    }

    async fn expect(&mut self, name: &str, event: PresenceEvent) {
        let next = timeout(DEADLINE, self.events.recv()).await.expect("it came in time").expect("it runs");
        assert_eq!(next, (name.to_owned(), event));
    }
}

#[tokio::test]
async fn users_on_two_nodes_see_each_other_join_type_and_leave() {
    let addresses = Addresses::default();
    let mut a = Node::start("a", &addresses);
    let early = a.presence.enter(&room(), &user("1", "alice"));
    a.expect("alice", PresenceEvent::Joined).await;
    let mut b = Node::start("b", &addresses);
    b.expect("alice", PresenceEvent::Joined).await;
    let bob = b.presence.enter(&room(), &user("2", "bob"));
    for node in [&mut a, &mut b] {
        node.expect("bob", PresenceEvent::Joined).await;
    }
    assert_eq!(a.presence.members(&room()), [user("1", "alice"), user("2", "bob")]);
    assert_eq!(a.presence.version(&room()), b.presence.version(&room()));
    // She polls: her typing indicator reaches a node on which she is not present.
    assert!(b.presence.note_typing(&room(), "1"));
    for node in [&mut a, &mut b] {
        node.expect("alice", PresenceEvent::Typing).await;
    }
    assert_eq!(a.presence.typing(&room()), [user("1", "alice")]);
    let late = b.presence.enter(&room(), &user("1", "alice"));
    let carol = b.presence.enter(&room(), &user("3", "carol"));
    for node in [&mut a, &mut b] {
        node.expect("carol", PresenceEvent::Joined).await;
    }
    drop(early);
    drop(bob);
    for node in [&mut a, &mut b] {
        node.expect("bob", PresenceEvent::Left).await;
    }
    assert_eq!(a.presence.find("alice"), Some(user("1", "alice")), "she is on the other node");
    drop(late);
    for node in [&mut a, &mut b] {
        node.expect("alice", PresenceEvent::Left).await;
    }
    drop(carol);
}

#[tokio::test]
async fn the_users_of_a_node_that_closes_leave_at_once() {
    let addresses = Addresses::default();
    let (a, mut b) = (Node::start("a", &addresses), Node::start("b", &addresses));
    let guard = a.presence.enter(&room(), &user("1", "alice"));
    b.expect("alice", PresenceEvent::Joined).await;
    a.presence.close();
    b.expect("alice", PresenceEvent::Left).await;
    timeout(DEADLINE, a.exchange).await.expect("it ends").expect("it ends well");
    drop(guard);
}
