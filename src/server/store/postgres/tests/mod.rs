//! Tests of behaviour that only a store on a server has: several nodes on one database, connections that break at the
//! worst moment, databases that are restored from a backup.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU8, Ordering::SeqCst},
};

use futures_util::future::join_all;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, UnixStream},
};

use super::{
    append::{New, Undecided},
    cluster::{Cluster, execute},
    *,
};
use crate::{
    protocol::{cursor::Epoch, problem::Rejection},
    server::store::{
        Appended, FoldState, FoldedState, Record, StateChange,
        directory::{Change, Op, Precondition},
    },
};

mod tls;

/// Records the announced offsets.
#[derive(Default)]
struct Announced(Mutex<Vec<Offset>>);

impl Announced {
    fn offsets(&self) -> Vec<Offset> {
        self.0.lock().expect("whole").clone()
    }
}

impl Announce for Announced {
    fn announce(&self, _: &Epoch, records: &[Appended]) {
        self.0.lock().expect("whole").extend(records.iter().map(|one| one.record.offset));
    }
}

async fn open(url: &str) -> (Arc<PostgresStore>, Arc<Announced>) {
    let announced = Arc::new(Announced::default());
    let store = PostgresStore::open(&url.into(), 4, announced.clone()).await.expect("opened");
    (Arc::new(store), announced)
}

async fn refused(url: &str) -> StoreError {
    PostgresStore::open(&url.into(), 4, Arc::new(Announced::default())).await.err().expect("refused")
}

fn draft(client_id: &str) -> NewEntry {
    let (author, body) = ("a".into(), "{}".into());
    NewEntry {
        author,
        client_id: Some(client_id.into()),
        channel: None,
        lasting: true,
        body,
        change: None,
        reference: None,
        state: None,
        files: Vec::new(),
    }
}

async fn epoch(store: &PostgresStore) -> String {
    store.bounds(&TopicName::Feed).await.expect("read").epoch.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_number_one_topic_without_holes_and_each_tells_its_own_in_order() {
    let url = Cluster::shared().fresh_database().await;
    let nodes = join_all((0..2).map(|_| open(&url))).await;
    let append = |n: usize| {
        let store = nodes[n % 2].0.clone();
        tokio::spawn(async move {
            let drafts = vec![draft(&format!("{n}a")), draft(&format!("{n}b"))];
            store.append(&TopicName::Feed, drafts).await.expect("appended")
        })
    };
    for appended in join_all((0..200).map(append)).await {
        let appended = appended.expect("no panic");
        assert_eq!(appended[0].record.offset + 1, appended[1].record.offset, "one append stays together");
    }
    let all: Vec<Offset> = (1..=400).collect();
    let slice = nodes[0].0.read_after(&TopicName::Feed, 0, &Filter::default(), 1_000).await.expect("read");
    assert_eq!(slice.records.iter().map(|record| record.offset).collect::<Vec<_>>(), all);
    let mut told: Vec<Vec<Offset>> = nodes.iter().map(|(_, announced)| announced.offsets()).collect();
    assert!(told.iter().all(|offsets| offsets.len() == 200 && offsets.is_sorted()));
    let mut both = told.remove(0);
    both.extend(told.remove(0));
    both.sort_unstable();
    assert_eq!(both, all);
}

/// Counts the entries that change it, and keeps their offsets.
struct Count;

impl FoldState for Count {
    fn fold(&self, stored: Option<&str>, offset: Offset) -> Result<Option<FoldedState>, Rejection> {
        let value = format!("{}{offset} ", stored.unwrap_or_default());
        Ok(Some(FoldedState { value, body: "{}".into() }))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_change_one_state_in_the_order_of_its_log() {
    let url = Cluster::shared().fresh_database().await;
    let nodes = join_all((0..2).map(|_| open(&url))).await;
    let user = TopicName::of_user("u1").expect("fine");
    // None of them has seen the log before: both make it at once.
    let write = |n: usize| {
        let (store, user) = (nodes[n % 2].0.clone(), user.clone());
        tokio::spawn(async move {
            let state = Some(StateChange { key: "a".into(), rule: Arc::new(Count) });
            // Each mark comes twice, at both nodes.
            let draft = NewEntry { state, ..draft(&(n / 2).to_string()) };
            store.append(&user, vec![draft]).await.expect("appended")
        })
    };
    for appended in join_all((0..100).map(write)).await {
        appended.expect("no panic");
    }
    let all: String = (1..=50).map(|offset| format!("{offset} ")).collect();
    for (store, _) in &nodes {
        let (bounds, states) = store.states(&user).await.expect("read");
        let expected = State { key: "a".into(), value: all.clone(), offset: 50 };
        assert_eq!((bounds.head, states), (50, vec![expected.clone()]));
        assert_eq!(store.state(&user, "a").await.expect("read"), Some(expected));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_client_id_at_two_nodes_is_one_entry() {
    let url = Cluster::shared().fresh_database().await;
    let (one, other) = (open(&url).await, open(&url).await);
    for n in 0..20 {
        let id = n.to_string();
        let (at_one, at_other) = tokio::join!(
            one.0.append(&TopicName::Feed, vec![draft(&id)]),
            other.0.append(&TopicName::Feed, vec![draft(&id)])
        );
        let (at_one, at_other) = (at_one.expect("stored").remove(0), at_other.expect("stored").remove(0));
        assert_eq!(at_one.record, at_other.record);
        assert_ne!(at_one.first, at_other.first, "one of them was the first");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_start_at_once_make_one_schema() {
    let url = Cluster::shared().fresh_database().await;
    let nodes = join_all((0..4).map(|_| open(&url))).await;
    let epochs = join_all(nodes.iter().map(|(store, _)| epoch(store))).await;
    assert!(epochs.iter().all(|epoch| *epoch == epochs[0]), "{epochs:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_nodes_that_take_names_crosswise_each_change_is_whole() {
    let url = Cluster::shared().fresh_database().await;
    let (one, other) = (open(&url).await.0, open(&url).await.0);
    let steps = |names: [String; 2]| {
        names.map(|name| Mutation::put(Kind::AccountName, name, Precondition::Absent, &"id")).to_vec()
    };
    for n in 0..20 {
        let (a, b) = (format!("{n}a"), format!("{n}b"));
        let (forth, back) = tokio::join!(
            one.grant(steps([a.clone(), b.clone()])),
            other.grant(steps([b.clone(), a.clone()]))
        );
        assert_ne!(forth.expect("no deadlock"), back.expect("no deadlock"), "one got both");
    }
}

/// Reads the whole change log, as a directory replica does.
async fn log(store: &PostgresStore) -> Vec<Change> {
    let mut log: Vec<Change> = Vec::new();
    loop {
        let after = log.last().map_or(0, |change| change.number);
        let found = store.changes_after(after).await.expect("read").after.expect("all is kept");
        if found.is_empty() {
            return log;
        }
        log.extend(found);
    }
}

fn member(n: usize, body: &impl serde::Serialize) -> Mutation {
    Mutation::put(Kind::Member, format!("room/{n}"), Precondition::Anything, body)
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_of_two_nodes_are_numbered_without_gaps_and_in_the_order_they_came_about() {
    let url = Cluster::shared().fresh_database().await;
    let nodes = [open(&url).await.0, open(&url).await.0];
    let write = |n: usize| {
        let store = nodes[n % 2].clone();
        // Seven documents, so that many changes concern the same ones, and some concern two in opposite order.
        let steps = vec![member(n % 7, &n), member((n + n / 2) % 7, &n)];
        tokio::spawn(async move { store.grant(steps).await.expect("no deadlock") })
    };
    let taken = join_all((0..300).map(write)).await;
    let log = log(&nodes[0]).await;
    let numbers: Vec<u64> = log.iter().map(|change| change.number).collect();
    assert_eq!(numbers, (1..=300).collect::<Vec<_>>());
    for (n, taken) in taken.into_iter().enumerate() {
        let Outcome::Logged(number) = taken.expect("no panic") else { panic!("others have to know") };
        let Op::Put(body) = &log[number as usize - 1].ops[0].op else { panic!("it was written") };
        assert_eq!(*body, n.to_string(), "the number is that of the change");
    }
    let mut followed = std::collections::BTreeMap::new();
    for step in log.into_iter().flat_map(|change| change.ops) {
        let Op::Put(body) = step.op else { panic!("nothing else was done") };
        followed.insert(step.id, body);
    }
    let kept = nodes[1].list(Kind::Member, "").await.expect("read");
    assert_eq!(followed.into_iter().collect::<Vec<_>>(), kept, "who follows the log has what is there");
}

#[tokio::test]
async fn the_log_has_no_secret_and_nothing_that_nobody_has_in_memory() {
    let url = Cluster::shared().fresh_database().await;
    let (store, _) = open(&url).await;
    let quiet =
        [Kind::Account, Kind::AccountName, Kind::Link, Kind::Publisher, Kind::Session, Kind::Submission];
    for kind in quiet {
        let step = Mutation::put(kind, "a/b", Precondition::Absent, &"hunter2");
        assert_eq!(store.grant(vec![step]).await.expect("answered"), Outcome::Unlogged, "{kind}");
    }
    let refused = vec![member(1, &1), Mutation::check(Kind::Room, "room", Precondition::Present)];
    assert_eq!(store.grant(refused).await.expect("answered"), Outcome::Conflict);
    let steps = vec![
        Mutation::put(Kind::Account, "a", Precondition::Anything, &"hunter2"),
        Mutation::remove_under(Kind::Session, "a/", None),
    ];
    assert_eq!(store.grant(steps).await.expect("answered"), Outcome::Logged(1), "no number was lost");
    let log = format!("{:?}", log(&store).await);
    assert!(log.contains("RemoveUnder") && !log.contains("hunter2"), "{log}");
}

#[tokio::test]
async fn who_missed_more_than_is_kept_is_told_so() {
    let url = Cluster::shared().fresh_database().await;
    let (store, _) = open(&url).await;
    execute(&url, "UPDATE change_head SET number = 9998; INSERT INTO changes VALUES (9998, 0, '[]')").await;
    let logged = store.grant(vec![member(1, &1)]).await.expect("answered");
    assert_eq!(logged, Outcome::Logged(9_999));
    let missed = store.changes_after(1).await.expect("read");
    assert_eq!((missed.newest, missed.after), (9_999, None));
    let found = store.changes_after(9_997).await.expect("read").after.expect("kept");
    assert_eq!(found.len(), 2);
    for _ in 0..9 {
        store.grant(vec![member(1, &1)]).await.expect("answered");
    }
    let found =
        store.changes_after(9_997).await.expect("read").after.expect("those within the newest 10,000");
    assert_eq!(found.len(), 11);
    execute(&url, "UPDATE change_head SET number = 19998").await;
    store.grant(vec![member(1, &1)]).await.expect("answered");
    let missed = store.changes_after(9_998).await.expect("read");
    assert_eq!((missed.newest, missed.after), (19_999, None), "the old ones are gone");
    let ahead = store.changes_after(30_000).await.expect("read");
    assert_eq!(ahead.after, None, "a number that was not given out");
    execute(&url, "UPDATE changes SET steps = '[{\"kind\":\"later\"}]' WHERE number = 19999").await;
    assert_eq!(store.changes_after(19_998).await.expect("read").after, None, "of a later version");
}

#[tokio::test]
async fn a_database_of_the_first_schema_gets_a_log() {
    let url = Cluster::shared().fresh_database().await;
    open(&url)
        .await
        .0
        .grant(vec![Mutation::put(Kind::Room, "a", Precondition::Absent, &1)])
        .await
        .expect("made");
    let downgrade = "DROP TABLE files, removed_contents, search_documents, search_pending, search_version; DROP INDEX entries_notices_by_channel; DROP TABLE changes, change_head, removals; ALTER TABLE topics DROP COLUMN removed;
                     ALTER TABLE entries DROP COLUMN target, DROP COLUMN thread, DROP COLUMN erased; DROP TABLE tags, states, people; UPDATE schema_version SET version = 1";
    execute(&url, downgrade).await;
    let (store, _) = open(&url).await;
    assert_eq!(store.get(Kind::Room, "a").await.expect("read").as_deref(), Some("1"));
    assert_eq!(store.grant(vec![member(1, &1)]).await.expect("answered"), Outcome::Logged(1));
}

#[tokio::test]
async fn what_was_removed_before_it_was_noted_is_assumed_of_every_channel() {
    let url = Cluster::shared().fresh_database().await;
    open(&url).await.0.append(&TopicName::Feed, vec![draft("1")]).await.expect("stored");
    let downgrade =
        "DROP TABLE files, removed_contents, search_documents, search_pending, search_version; DROP INDEX entries_notices_by_channel; DROP TABLE removals; ALTER TABLE topics DROP COLUMN removed; ALTER TABLE entries DROP COLUMN target, DROP COLUMN thread, DROP COLUMN erased; DROP TABLE tags, states, people;
                     UPDATE topics SET floor = 7;
                     UPDATE schema_version SET version = 2";
    execute(&url, downgrade).await;
    let (store, _) = open(&url).await;
    let quiet =
        Filter { channels: Channels::Only(["ops".to_owned()].into()), lasting: false, ..Filter::default() };
    assert_eq!(store.bounds_for(&TopicName::Feed, &quiet).await.expect("read").1, 7);
}

#[tokio::test]
async fn a_copy_of_a_database_gets_new_epochs_once() {
    let cluster = Cluster::shared();
    let url = cluster.fresh_database().await;
    let (store, _) = open(&url).await;
    store.append(&TopicName::Feed, vec![draft("1")]).await.expect("stored");
    let first = epoch(&store).await;
    store.close().await;
    drop(store);
    assert_eq!(epoch(&open(&url).await.0).await, first, "a restart changes nothing");

    // The tables are dropped and restored in place.
    let restore =
        "CREATE TABLE restored (LIKE entries INCLUDING ALL); INSERT INTO restored SELECT * FROM entries;
                   DROP TABLE entries; ALTER TABLE restored RENAME TO entries;";
    execute(&url, restore).await;
    let second = epoch(&open(&url).await.0).await;
    assert_ne!(second, first);
    assert_eq!(epoch(&open(&url).await.0).await, second, "told once");
    execute(&url, "DELETE FROM identity").await;
    assert_ne!(epoch(&open(&url).await.0).await, second, "as an operator says it");
}

#[tokio::test]
async fn a_server_that_is_another_one_suddenly_is_refused() {
    let url = Cluster::shared().fresh_database().await;
    drop(open(&url).await);
    let connections = Connections::new(&url.into(), 1).expect("an address");
    connections.expect_identity("another".into());
    let refused = connections.get().await.err().expect("refused");
    assert!(matches!(refused, StoreError::Replaced), "{refused}");
}

#[tokio::test]
async fn a_database_that_is_not_utf8_is_refused_before_a_table_is_made() {
    for encoding in ["SQL_ASCII", "LATIN1"] {
        let name = format!("encoded_{}", encoding.to_lowercase());
        let make = format!(
            "CREATE DATABASE {name} ENCODING '{encoding}' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'"
        );
        execute(&Cluster::shared().url("postgres"), &make).await;
        let url = Cluster::shared().url(&name);
        let refused = PostgresStore::open(&url.clone().into(), 2, Arc::new(Announced::default()))
            .await
            .err()
            .expect("refused");
        let told = refused.to_string();
        assert!(told.contains(encoding) && told.contains("--encoding UTF8"), "{told}");
        let expect_none = "DO $$ BEGIN ASSERT to_regclass('schema_version') IS NULL; END $$";
        execute(&url, expect_none).await;
    }
}

#[tokio::test]
async fn a_database_of_a_later_version_is_refused() {
    let url = Cluster::shared().fresh_database().await;
    drop(open(&url).await);
    execute(&url, "UPDATE schema_version SET version = 999").await;
    let refused = refused(&url).await.to_string();
    assert!(refused.contains("newer idobata"), "{refused}");
}

#[tokio::test]
async fn an_address_that_leads_nowhere_is_refused_without_its_password() {
    for url in
        ["postgres://u:hunter2@127.0.0.1:1/d", "postgres://u:hunter2@h/d?sslmode=require", "postgres://%"]
    {
        let refused = refused(url).await.to_string();
        assert!(!refused.contains("hunter2"), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_null_character_is_refused_alone_and_found_nowhere() {
    let url = Cluster::shared().fresh_database().await;
    let (store, _) = open(&url).await;
    let bad = NewEntry { author: "a\0".into(), ..draft("1") };
    let (refused, stored) = tokio::join!(
        store.append(&TopicName::Feed, vec![bad]),
        store.append(&TopicName::Feed, vec![draft("2")])
    );
    assert!(matches!(refused, Err(StoreError::NullCharacter)));
    assert_eq!(stored.expect("stored")[0].record.offset, 1);
    assert_eq!(store.get(Kind::Account, "\0").await.expect("answered"), None);
    let removal = Mutation::remove(Kind::Account, "\0", Precondition::Present);
    assert_eq!(store.grant(vec![removal]).await.expect("answered"), Outcome::Conflict);
}

#[tokio::test]
async fn a_commit_is_decided_when_its_transaction_has_ended() {
    let url = Cluster::shared().fresh_database().await;
    let (store, _) = open(&url).await;
    store.bounds(&TopicName::Feed).await.expect("made");
    let NewEntry { author, client_id, channel, body, .. } = draft("1");
    let record = Record {
        topic: TopicName::Feed,
        offset: 1,
        timestamp: 5,
        author,
        client_id,
        channel,
        body,
        target: None,
    };
    let new = New {
        epoch: Epoch::parse("e").expect("fine"),
        appended: vec![Appended { record, first: true, folded: None, unchanged: None }],
        has_erased: false,
    };
    let mut undecided = Undecided { name: TopicName::Feed, new };
    for (end, is_stored) in [("ROLLBACK", false), ("COMMIT", true)] {
        let (writing, asking) =
            (store.connection().await.expect("free"), store.connection().await.expect("free"));
        let write = "BEGIN; UPDATE topics SET head = 1;
                     INSERT INTO entries SELECT id, 1, 5, 'a', '1', NULL, true, '{}' FROM topics";
        writing.batch_execute(write).await.expect("written");
        let end_it = async {
            expect_waiting(&store).await;
            writing.batch_execute(end).await.expect("ended");
        };
        let (asked, ()) = tokio::join!(undecided.is_stored(&asking), end_it);
        assert_eq!(asked.expect("answered"), is_stored);
    }
}

/// Waits until a connection waits for a lock in the store's database.
async fn expect_waiting(store: &PostgresStore) {
    let watching = store.connection().await.expect("free");
    let select = "SELECT EXISTS (SELECT 1 FROM pg_stat_activity
                                 WHERE datname = current_database() AND wait_event_type = 'Lock')";
    let watch = async { while !watching.query_one(select, &[]).await.expect("one").get::<_, bool>(0) {} };
    tokio::time::timeout(std::time::Duration::from_secs(20), watch).await.expect("it waits for the lock");
}

#[tokio::test]
async fn a_change_waits_for_one_that_has_its_document_though_it_is_not_there_yet() {
    let url = Cluster::shared().fresh_database().await;
    let (store, _) = open(&url).await;
    let other = store.connection().await.expect("free");
    let lock = "BEGIN; SELECT pg_advisory_xact_lock(hashtextextended('account-name/a', 0))";
    other.batch_execute(lock).await.expect("locked");
    let steps = ["b", "a"].map(|name| Mutation::put(Kind::AccountName, name, Precondition::Absent, &"id"));
    let take_it = async {
        expect_waiting(&store).await;
        let insert = "INSERT INTO documents VALUES ('account-name', 'a', '{}'); COMMIT";
        other.batch_execute(insert).await.expect("taken");
    };
    let (changed, ()) = tokio::join!(store.grant(steps.to_vec()), take_it);
    assert_eq!(changed.expect("answered"), Outcome::Conflict, "the other one has it");
    assert_eq!(store.get(Kind::AccountName, "b").await.expect("read"), None);
}

/// A proxy between a store and its server that breaks connections.
struct Breaker {
    url: String,
    fault: Arc<AtomicU8>,
}

/// Passes everything on.
const WHOLE: u8 = 0;
/// Cuts the next connection that commits, before PostgreSQL receives the commit …
const BEFORE_COMMIT: u8 = 1;
/// … or after it has committed, before the store receives the answer.
const AFTER_COMMIT: u8 = 2;

impl Breaker {
    async fn start(cluster: &Cluster, url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let port = listener.local_addr().expect("an address").port();
        let database = url.rsplit('/').next().expect("it has one");
        let url = format!("postgres://idobata@127.0.0.1:{port}/{database}");
        let socket = format!("{}/.s.PGSQL.5432", cluster.folder());
        let fault = Arc::new(AtomicU8::new(WHOLE));
        let faults = fault.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = UnixStream::connect(&socket).await.expect("it runs");
                tokio::spawn(pass(client, server, faults.clone()));
            }
        });
        Self { url, fault }
    }
}

fn has_commit(bytes: &[u8]) -> bool {
    // With the final null byte: `BEGIN` has the word in `READ COMMITTED`.
    bytes.windows(7).any(|window| window == b"COMMIT\0")
}

/// Passes bytes on in both directions until one side ends, or the fault occurs.
async fn pass(mut client: TcpStream, mut server: UnixStream, fault: Arc<AtomicU8>) {
    let (mut asked, mut answered) = (vec![0; 65_536], vec![0; 65_536]);
    let mut is_deaf = false;
    loop {
        tokio::select! {
            Ok(count) = client.read(&mut asked) => {
                let bytes = &asked[..count];
                if has_commit(bytes) {
                    match fault.swap(WHOLE, SeqCst) {
                        BEFORE_COMMIT => return,
                        AFTER_COMMIT => is_deaf = true,
                        _ => {}
                    }
                }
                if count == 0 || server.write_all(bytes).await.is_err() {
                    return;
                }
            }
            Ok(count) = server.read(&mut answered) => {
                let bytes = &answered[..count];
                if count == 0 || is_deaf && has_commit(bytes) {
                    return;
                }
                if !is_deaf && client.write_all(bytes).await.is_err() {
                    return;
                }
            }
            else => return,
        }
    }
}

/// Appends repeatedly until it succeeds.
async fn append_at_last(store: &PostgresStore, client_id: &str) -> Appended {
    let attempts = async {
        loop {
            if let Ok(mut appended) = store.append(&TopicName::Feed, vec![draft(client_id)]).await {
                return appended.remove(0);
            }
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), attempts).await.expect("it recovers")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_answer_is_lost_is_announced_in_its_place_and_stored_once() {
    let cluster = Cluster::shared();
    let breaker = Breaker::start(cluster, &cluster.fresh_database().await).await;
    let (store, announced) = open(&breaker.url).await;
    append_at_last(&store, "1").await;
    breaker.fault.store(AFTER_COMMIT, SeqCst);
    let lost = store.append(&TopicName::Feed, vec![draft("2")]).await.expect_err("nobody heard");
    assert!(lost.is_undecided(), "{lost}");
    let next = append_at_last(&store, "3").await;
    assert_eq!((next.record.offset, announced.offsets()), (3, vec![1, 2, 3]));
    let again = append_at_last(&store, "2").await;
    assert_eq!((again.record.offset, again.first), (2, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_never_arrived_is_not_announced() {
    let cluster = Cluster::shared();
    let breaker = Breaker::start(cluster, &cluster.fresh_database().await).await;
    let (store, announced) = open(&breaker.url).await;
    append_at_last(&store, "1").await;
    breaker.fault.store(BEFORE_COMMIT, SeqCst);
    let lost = store.append(&TopicName::Feed, vec![draft("2")]).await.expect_err("nobody heard");
    assert!(lost.is_undecided(), "{lost}");
    let again = append_at_last(&store, "2").await;
    assert_eq!((again.record.offset, again.first, announced.offsets()), (2, true, vec![1, 2]));
}

#[tokio::test]
async fn repeats_are_looked_for_by_their_ids_whatever_the_table_was_when_it_was_planned() {
    let url = Cluster::shared().fresh_database().await;
    let (store, _) = open(&url).await;
    let connection = store.connection().await.expect("free");
    connection.batch_execute("SET plan_cache_mode = force_generic_plan").await.expect("set");
    let plan = append::explain_find(&connection).await.expect("planned");
    for condition in ["author = d.author", "client_id = d.client_id", "author = d_1.author"] {
        let by_index = plan.iter().any(|line| line.contains("Index Cond") && line.contains(condition));
        assert!(by_index, "{condition} is not looked up: {plan:#?}");
    }
}

#[tokio::test]
async fn what_a_room_shows_is_counted_by_an_index_of_its_own() {
    let url = Cluster::shared().fresh_database().await;
    let (store, _) = open(&url).await;
    let room: TopicName = "room:general".parse().expect("a name");
    for batch in 0..6 {
        let drafts = (0..500).map(|n| draft(&format!("{batch}/{n}"))).collect();
        store.append(&room, drafts).await.expect("appended");
    }
    let connection = store.connection().await.expect("free");
    connection.batch_execute("VACUUM ANALYZE entries").await.expect("done");
    for mode in ["force_generic_plan", "force_custom_plan"] {
        connection
            .batch_execute(&format!("SET plan_cache_mode = {mode}; DEALLOCATE ALL"))
            .await
            .expect("set");
        let plan = counts::explain(&connection).await.expect("planned").join("\n");
        assert!(plan.contains("Index Only Scan using entries_counted on entries"), "{plan}");
        assert!(plan.contains("Index Cond: ((topic = t.id) AND (\"offset\" > d.after))"), "{plan}");
    }
}

#[tokio::test]
async fn a_server_without_space_is_told_by_the_check_until_it_has_some() {
    let url = Cluster::shared().fresh_database().await;
    let (store, _) = open(&url).await;
    append_at_last(&store, "1").await;
    store.check().await.expect("it can be written to");
    // The error when a file cannot grow; a row that keeps its size needs no more space.
    let fill = "CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS
                    $$ BEGIN RAISE 'could not extend file' USING ERRCODE = '53100'; END $$;
                CREATE TRIGGER fill BEFORE INSERT ON entries FOR EACH ROW EXECUTE FUNCTION fill();
                CREATE TRIGGER fill BEFORE INSERT ON documents FOR EACH ROW EXECUTE FUNCTION fill()";
    execute(&url, fill).await;
    for _ in 0..2 {
        let refused = store.append(&TopicName::Feed, vec![draft("2")]).await.expect_err("full");
        assert!(
            matches!(&refused, StoreError::Batch(cause) if matches!(**cause, StoreError::NotWritable(_)))
        );
        store.check().await.expect_err("full");
    }
    assert_eq!(store.topics().await.expect("it is read"), [TopicName::Feed]);
    execute(&url, "DROP FUNCTION fill CASCADE").await;
    store.check().await.expect("there is space again, and nobody posted");
    assert_eq!(append_at_last(&store, "2").await.record.offset, 2);
    assert!(store.list(Kind::Account, "").await.expect("read").is_empty());
}

/// Changes the setting with which the connections to a database begin.
async fn set_read_only(url: &str, value: &str) {
    let name = url.rsplit('/').next().expect("a name");
    let alter = format!("ALTER DATABASE {name} SET default_transaction_read_only = {value}");
    execute(&Cluster::shared().url("postgres"), &alter).await;
}

#[tokio::test]
async fn a_connection_from_the_read_only_time_is_not_used_after_it() {
    let url = Cluster::shared().fresh_database().await;
    let (store, _) = open(&url).await;
    set_read_only(&url, "on").await;
    let connect = async || store.connections.get().await.expect("connected");
    // A connection that is dropped without `finish` is closed, so none of the pool's is from before.
    drop(join_all((0..4).map(|_| connect())).await);

    let noticing = connect().await;
    let in_use = connect().await;
    let refused = noticing.finish(probe::write_a_row(&noticing)).await;
    assert!(matches!(refused, Err(StoreError::NotWritable(_))), "{refused:?}");
    drop(noticing);
    let opened_later = connect().await;
    set_read_only(&url, "off").await;
    store.check().await.expect("writable again");
    for connection in [in_use, opened_later] {
        connection.finish(async { Ok(()) }).await.expect("finished");
    }
    for id in ["1", "2", "3"] {
        store.append(&TopicName::Feed, vec![draft(id)]).await.expect("the connection may write");
    }
}

#[tokio::test]
async fn a_connection_that_began_read_only_is_not_used_later_even_if_nobody_wrote_meanwhile() {
    let url = Cluster::shared().fresh_database().await;
    let (store, _) = open(&url).await;
    set_read_only(&url, "on").await;
    let connect = async || store.connections.get().await.expect("connected");
    // None of the pool's connections is from before: each is dropped without `finish`, which closes it.
    drop(join_all((0..4).map(|_| connect())).await);

    let reading = connect().await;
    set_read_only(&url, "off").await;
    store.check().await.expect("writable again");
    reading.finish(async { Ok(()) }).await.expect("finished");
    drop(reading);
    for id in ["1", "2", "3"] {
        store.append(&TopicName::Feed, vec![draft(id)]).await.expect("the connection may write");
    }
}
