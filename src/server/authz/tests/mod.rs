//! Several nodes on one real database apply each other's changes, with messages between them and without.

mod exchange;

use std::time::Duration;

use futures_util::future::join_all;
use tokio_util::sync::CancellationToken;

use self::exchange::{Exchange, LetsThrough};
use super::*;
use crate::{
    protocol::chat::Room,
    server::{
        auth::{Accounts, Auth, LiveSession, Mode, Secret},
        clock::Clock,
        cluster::{
            backplane::{Backplane, Local},
            directory_replica::ChangeListener,
        },
        log::{
            hub::{StartFrom, Subscribed},
            subscription::{Batch, Subscription},
            topic::{Encoders, Topics, Wakeup},
        },
        observability::metrics::Metrics,
        store::{
            Channels, Filter, Store, TopicName,
            postgres::{
                PostgresStore,
                cluster::{Cluster, execute},
            },
            sqlite::SqliteStore,
        },
    },
};

const SECRET: &str = "a secret of at least 32 characters";
const PASSWORD: &str = "correct horse";
const PATIENCE: Duration = Duration::from_secs(24 * 3_600);

/// A node with all listeners of changes. It applies the changes of the others while it lives.
struct Node {
    store: Arc<PostgresStore>,
    hub: Hub,
    replica: Arc<DirectoryReplica>,
    rights: Arc<Rights>,
    auth: Arc<Auth>,
    stop: CancellationToken,
}

impl Drop for Node {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Node {
    /// A node that does nothing by itself: it receives no messages and does not read the log.
    async fn idle(url: &str, exchange: &Arc<Exchange>) -> Self {
        let topics =
            Topics::start(Encoders::verbatim(), Arc::new(Metrics::default()), Arc::new(Local::new()));
        let topics = Arc::new(topics.expect("started"));
        let store = Arc::new(PostgresStore::open(&url.into(), 4, topics.clone()).await.expect("opened"));
        let hub = Hub::new(store.clone(), topics);
        let wire = exchange.connect();
        let replica = DirectoryReplica::open(store.clone(), wire.clone()).await.expect("opened");
        wire.attach("", replica.clone());
        let rights = Arc::new(Rights::open(&replica, hub.clone(), false).await.expect("read"));
        let clock = Arc::new(Clock::system(PATIENCE));
        let accounts = Mode::Accounts(Accounts::new(replica.clone(), clock.clone()));
        let auth = Arc::new(Auth::new(
            accounts,
            &Secret::from_setting(SECRET).expect("long enough"),
            replica.clone(),
            clock,
        ));
        let listeners: [Arc<dyn ChangeListener>; 2] = [rights.clone(), auth.clone()];
        replica.attach(listeners.iter().map(Arc::downgrade).collect());
        Self { store, hub, replica, rights, auth, stop: CancellationToken::new() }
    }

    async fn start(url: &str, exchange: &Arc<Exchange>) -> Self {
        let node = Self::idle(url, exchange).await;
        let (replica, stop) = (node.replica.clone(), node.stop.clone());
        tokio::spawn(async move { replica.run(stop).await });
        node
    }

    fn accounts(&self) -> &Accounts {
        self.auth.accounts().expect("they have some")
    }

    /// A reader of a topic at this node.
    async fn reader(&self, topic: TopicName, user: &User) -> Reader {
        let wakeup = Arc::new(Wakeup::default());
        let subscribed = self.hub.subscribe(&topic, StartFrom::New, Filter::default(), wakeup.clone()).await;
        let Subscribed { subscription, .. } = subscribed.expect("subscribed");
        subscription.set_owner(user.id.as_str().into());
        Reader { subscription, wakeup }
    }

    /// A live connection of an account, in a session that began at this node, and its identity.
    async fn connection(&self, account: &str) -> (LiveSession, Identity) {
        let account = self.accounts().account(account).await.expect("read").expect("there");
        let session = self.auth.sign_in(&account, "a browser").await.expect("signed in");
        let identity = self.auth.identify(&session.token).await.expect("read").expect("signed in");
        (self.auth.open_live_session(&identity).await.expect("read").expect("admitted"), identity)
    }

    fn lets_in(&self, who: &User) -> bool {
        self.rights.may_enter(&secret(), Some(&identity(who)))
    }
}

struct Reader {
    subscription: Subscription,
    wakeup: Arc<Wakeup>,
}

impl Reader {
    async fn is_out(&mut self) -> bool {
        matches!(self.subscription.read().await.expect("read"), Batch::Evicted)
    }

    /// Returns when the reader is evicted.
    async fn out(&mut self) {
        in_time(async {
            while !self.is_out().await {
                self.wakeup.notified().await;
            }
        })
        .await;
    }
}

async fn in_time<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), work).await.expect("in time")
}

async fn eventually(mut is_so: impl FnMut() -> bool) {
    in_time(async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

fn user(name: &str) -> User {
    User { id: name.to_owned(), name: name.to_owned() }
}

fn identity(user: &User) -> Identity {
    Identity {
        user: user.clone(),
        session: None,
        is_admin: false,
        rooms: None,
        channels: Vec::new(),
        expires_at: u64::MAX,
        is_stale: false,
    }
}

fn secret() -> RoomId {
    RoomId::parse("secret").expect("fine")
}

/// Several nodes on a new database, between which `lets_through` decides which messages arrive.
async fn nodes<const COUNT: usize>(lets_through: LetsThrough) -> [Node; COUNT] {
    let (url, exchange) = (Cluster::shared().fresh_database().await, Exchange::new(lets_through));
    let nodes = join_all((0..COUNT).map(|_| Node::start(&url, &exchange))).await;
    nodes.try_into().unwrap_or_else(|_| unreachable!("so many were started"))
}

/// A private room of Alice with Bob as a member, reserved at the node.
async fn set_up(node: &Node) -> (User, User) {
    let (alice, bob) = (user("alice"), user("bob"));
    assert!(node.rights.reserve(&secret(), &alice, true).await.expect("answered"));
    node.rights.add_member(&secret(), &identity(&alice), &bob).await.expect("let in");
    (alice, bob)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_removed_at_one_node_is_out_at_every_node_when_that_is_answered() {
    let nodes: [Node; 3] = nodes(|_| true).await;
    let (alice, bob) = set_up(&nodes[0]).await;
    eventually(|| nodes.iter().all(|node| node.replica.knows(2))).await;
    for round in 0..12 {
        let (adding, removing) = (&nodes[round % 3], &nodes[(round + 1) % 3]);
        adding.rights.add_member(&secret(), &identity(&alice), &bob).await.expect("let in");
        eventually(|| nodes.iter().all(|node| node.lets_in(&bob))).await;
        let room = || TopicName::Room(secret());
        let mut readers = join_all(nodes.iter().map(|node| node.reader(room(), &bob))).await;
        let mut stays = nodes[0].reader(room(), &alice).await;
        let begun = std::time::Instant::now();
        removing.rights.remove_member(&secret(), &identity(&alice), &bob.id).await.expect("removed");
        for (node, reader) in nodes.iter().zip(&mut readers) {
            assert!(!node.lets_in(&bob) && reader.is_out().await, "round {round}");
        }
        assert!(begun.elapsed() < Duration::from_secs(2), "all said that they go by it");
        assert!(!stays.is_out().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_removed_is_out_though_no_word_arrives() {
    let nodes: [Node; 2] = nodes(|_| false).await;
    let (alice, bob) = set_up(&nodes[0]).await;
    eventually(|| nodes[1].lets_in(&bob)).await;
    let mut reader = nodes[1].reader(TopicName::Room(secret()), &bob).await;
    nodes[0].rights.remove_member(&secret(), &identity(&alice), &bob.id).await.expect("removed");
    reader.out().await;
    assert!(!nodes[1].lets_in(&bob));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_missed_more_than_is_kept_reads_everything_anew() {
    let (url, exchange) = (Cluster::shared().fresh_database().await, Exchange::new(|_| true));
    let (here, there) = (Node::idle(&url, &exchange).await, Node::idle(&url, &exchange).await);
    let (alice, bob) = set_up(&here).await;
    here.rights.channels().limit("ops", vec![bob.clone()]).await.expect("limited");
    here.accounts()
        .join(&here.accounts().invite("x").await.expect("made"), "carol", PASSWORD)
        .await
        .expect("in");
    let carol = here.accounts().find("carol").await.expect("read").expect("there").id;
    there.replica.catch_up().await.expect("read");
    let room = || TopicName::Room(secret());
    let (mut out, mut stays) = (there.reader(room(), &bob).await, there.reader(room(), &alice).await);
    let mut feed = there.reader(TopicName::Feed, &bob).await;
    let (ended, identity_of_ended) = there.connection(&carol).await;
    let (open, _) = there.connection(&carol).await;
    here.rights.remove_member(&secret(), &identity(&alice), &bob.id).await.expect("removed");
    here.rights.channels().limit("ops", vec![alice.clone()]).await.expect("limited");
    here.auth.sign_out(&carol, identity_of_ended.session.as_deref()).await.expect("ended");
    execute(&url, "DELETE FROM changes").await;
    there.replica.catch_up().await.expect("read");
    assert!(out.is_out().await && !stays.is_out().await && feed.is_out().await);
    assert!(!there.lets_in(&bob) && there.lets_in(&alice));
    in_time(ended.revoked()).await;
    assert!(tokio::time::timeout(Duration::ZERO, open.revoked()).await.is_err(), "it was not ended");
    // It goes on from there.
    here.rights.add_member(&secret(), &identity(&alice), &bob).await.expect("let in");
    there.replica.catch_up().await.expect("read");
    assert!(there.lets_in(&bob));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_is_limited_at_one_node_comes_to_its_readers_only_at_the_other() {
    let [here, there]: [Node; 2] = nodes(|_| true).await;
    let (alice, bob) = (user("alice"), user("bob"));
    let (mut out, mut stays) =
        (there.reader(TopicName::Feed, &bob).await, there.reader(TopicName::Feed, &alice).await);
    here.rights.channels().limit("ops", vec![alice.clone()]).await.expect("limited");
    out.out().await;
    assert!(!stays.is_out().await);
    let readable =
        |node: &Node, who: &User| node.rights.channels().readable(Some(&who.id), Channels::default());
    assert_eq!(readable(&there, &bob), readable(&here, &bob));
    assert_ne!(readable(&there, &bob), readable(&there, &alice));
    here.rights.channels().open_to_all("ops").await.expect("opened");
    eventually(|| readable(&there, &bob) == readable(&there, &alice)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_revocations_at_one_node_wait_for_the_others_at_the_same_time() {
    let (url, exchange) = (Cluster::shared().fresh_database().await, Exchange::new(|_| true));
    // It does not know the other nodes, so each revocation waits for 2.5 s.
    let node = Node::idle(&url, &exchange).await;
    let begun = std::time::Instant::now();
    let channels = node.rights.channels();
    let (one, other) = tokio::join!(channels.limit("ops", Vec::new()), channels.limit("db", Vec::new()));
    one.and(other).expect("limited");
    let waited = begun.elapsed().as_millis();
    assert!((2_500..4_500).contains(&waited), "{waited} ms");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_ends_at_one_node_takes_its_connections_at_the_other_along() {
    let [here, there]: [Node; 2] = nodes(|_| true).await;
    let accounts = here.accounts();
    let setup = accounts.make_setup_link().await.expect("made").expect("nobody is there");
    accounts.join(&setup, "alice", PASSWORD).await.expect("joined");
    let bob =
        accounts.join(&accounts.invite("alice").await.expect("made"), "bob", PASSWORD).await.expect("joined");
    let (phone, phone_identity) = there.connection(&bob.id).await;
    let (desk, desk_identity) = there.connection(&bob.id).await;
    here.auth.sign_out(&bob.id, phone_identity.session.as_deref()).await.expect("ended");
    in_time(phone.revoked()).await;
    let (tablet, _) = there.connection(&bob.id).await;
    let kept = desk_identity.session.as_deref();
    accounts.change_password(&bob.id, PASSWORD, "battery staple", kept).await.expect("changed");
    in_time(tablet.revoked()).await;
    assert!(
        tokio::time::timeout(Duration::ZERO, desk.revoked()).await.is_err(),
        "it is the one that was kept"
    );
    accounts.set_blocked(&bob.id, true).await.expect("blocked");
    in_time(desk.revoked()).await;
    assert!(there.auth.open_live_session(&desk_identity).await.expect("read").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_of_changes_at_three_nodes_ends_alike_at_all_though_every_third_word_is_lost() {
    let nodes: [Node; 3] = nodes(|count| count % 3 != 2).await;
    let (alice, _) = set_up(&nodes[0]).await;
    // A node that does not know the room yet takes it for public.
    eventually(|| nodes.iter().all(|node| node.rights.owns(&secret(), &identity(&alice)))).await;
    let change = |n: usize| {
        let (node, alice) = (&nodes[n % 3], identity(&alice));
        // Nine people, each added and removed all the time, at every node.
        let somebody = user(&format!("{}", n % 9));
        async move {
            match n / 9 % 2 {
                0 => node.rights.add_member(&secret(), &alice, &somebody).await.expect("let in"),
                _ => {
                    let mutation = Mutation::remove(
                        Kind::Member,
                        member_key(&secret(), &somebody.id),
                        Precondition::Anything,
                    );
                    node.replica.grant(vec![mutation]).await.expect("put out");
                }
            }
        }
    };
    join_all((0..1_000).map(change)).await;
    let newest = nodes[0].store.changes_after(0).await.expect("read").newest;
    assert_eq!(newest, 1_002);
    let kept = nodes[0].store.list(Kind::Member, "").await.expect("read").into_iter();
    let kept: Vec<String> = kept.map(|(id, _)| id.split_once('/').expect("a place").1.to_owned()).collect();
    for node in &nodes {
        eventually(|| {
            let mut members: Vec<_> =
                node.rights.members(&secret()).into_iter().map(|user| user.id).collect();
            members.sort_unstable();
            members == kept
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_change_that_comes_late_undoes_nothing() {
    let (url, exchange) = (Cluster::shared().fresh_database().await, Exchange::new(|_| true));
    let (here, there) = (Node::idle(&url, &exchange).await, Node::idle(&url, &exchange).await);
    let (alice, bob) = set_up(&here).await;
    there.replica.catch_up().await.expect("read");
    // The change here does not reach the other node, and is older than the change there.
    here.rights.add_member(&secret(), &identity(&alice), &bob).await.expect("let in");
    there.rights.remove_member(&secret(), &identity(&alice), &bob.id).await.expect("removed");
    assert!(!there.lets_in(&bob));
    here.replica.catch_up().await.expect("read");
    there.replica.catch_up().await.expect("read");
    assert!(!there.lets_in(&bob) && !here.lets_in(&bob));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_starts_leaves_the_room_that_another_one_is_making() {
    let (url, exchange) = (Cluster::shared().fresh_database().await, Exchange::new(|_| true));
    let here = Node::idle(&url, &exchange).await;
    let (alice, lost) = (user("alice"), RoomId::parse("lost").expect("fine"));
    let ahead = RoomId::parse("ahead").expect("fine");
    for room in [secret(), lost.clone(), ahead.clone()] {
        assert!(here.rights.reserve(&room, &alice, true).await.expect("answered"));
    }
    // As a node reserved it whose clock was two years ahead, and was corrected since.
    let claimed_at = crate::server::clock::now_ms() + 730 * 86_400_000;
    let later = serde_json::json!({ "owner": alice, "is_private": true, "claimed_at": claimed_at });
    let mutation = Mutation::put(Kind::Room, ahead.as_str(), Precondition::Present, &later);
    assert!(here.store.grant(vec![mutation]).await.expect("answered").is_committed());
    // As it is stored after a while, or was written by an earlier version.
    let earlier = serde_json::json!({ "owner": alice, "is_private": true });
    let mutation = Mutation::put(Kind::Room, lost.as_str(), Precondition::Present, &earlier);
    assert!(here.store.grant(vec![mutation]).await.expect("answered").is_committed());
    let there = Node::idle(&url, &exchange).await;
    let clock = Clock::system(PATIENCE);
    there.rights.drop_lost_reservations(&[], &clock).await.expect("dropped");
    assert_eq!(there.rights.reserved(), [secret()], "it may be made just now");
    assert!(there.rights.reserve(&lost, &user("bob"), true).await.expect("answered"), "the name is free");
    here.replica.catch_up().await.expect("read");
    assert!(here.rights.owns(&lost, &identity(&user("bob"))));
    assert!(!here.rights.may_enter(&lost, Some(&identity(&alice))), "nothing of the first claim is left");
    // A reservation that was cancelled and made again is another one.
    here.rights.cancel_reservation(&lost, &alice).await.expect("answered");
    assert!(here.rights.owns(&lost, &identity(&user("bob"))), "it is not hers any more");
    let room = Room::new(lost.clone(), "lost".to_owned());
    there.store.create_room(room.clone(), 10).await.expect("made");
    there.rights.drop_lost_reservations(&[room], &clock).await.expect("dropped");
    assert!(there.rights.reserved().contains(&lost));
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_file_rights_are_applied_in_the_order_in_which_they_were_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let topics = Topics::start(Encoders::verbatim(), Arc::new(Metrics::default()), Arc::new(Local::new()));
    let topics = Arc::new(topics.expect("started"));
    let store = SqliteStore::open(&folder.path().join("test.db"), topics.clone()).expect("opened");
    let store = Arc::new(store);
    let replica = DirectoryReplica::open(store.clone(), Arc::new(Local::new())).await.expect("opened");
    let hub = Hub::new(store.clone(), topics);
    let rights = Arc::new(Rights::open(&replica, hub, false).await.expect("read"));
    let listener: Arc<dyn ChangeListener> = rights.clone();
    replica.attach(vec![Arc::downgrade(&listener)]);
    let (alice, bob) = (user("alice"), user("bob"));
    assert!(rights.reserve(&secret(), &alice, true).await.expect("answered"));
    for _ in 0..40 {
        let changes = (0..16).map(|n| {
            let (rights, alice, bob) = (rights.clone(), identity(&alice), bob.clone());
            tokio::spawn(async move {
                match n % 2 {
                    0 => rights.add_member(&secret(), &alice, &bob).await.expect("let in"),
                    _ => rights.remove_member(&secret(), &alice, &bob.id).await.expect("put out"),
                }
            })
        });
        join_all(changes).await.into_iter().for_each(|done| done.expect("no panic"));
        let is_in = store.get(Kind::Member, "secret/bob").await.expect("read").is_some();
        assert_eq!(rights.may_enter(&secret(), Some(&identity(&bob))), is_in);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_room_is_nobody_elses_at_any_node_before_it_is_made() {
    let [here, there]: [Node; 2] = nodes(|_| true).await;
    eventually(|| here.replica.knows(1) && there.replica.knows(1)).await;
    for n in 0..20 {
        let room = RoomId::parse(&format!("secret-{n}")).expect("fine");
        assert!(here.rights.reserve(&room, &user("alice"), true).await.expect("answered"));
        assert!(!there.rights.may_enter(&room, Some(&identity(&user("bob")))));
    }
}
