//! Tests of the log: readers, pages, holes and trims.

use std::{
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    time::Duration,
};

use super::*;
use crate::protocol::cursor::Epoch;
use crate::server::{
    backplane::Local,
    clock::now_ms,
    metrics::Metrics,
    store::{
        Announce, Record,
        postgres::{PostgresStore, cluster::Cluster},
        sqlite::SqliteStore,
    },
    subscription::Batch,
};

/// Passes on only those announcements that `lets_through` has: what is between two nodes may lose some.
struct Lossy {
    topics: Arc<Topics>,
    count: AtomicUsize,
    lets_through: fn(usize) -> bool,
}

impl Announce for Lossy {
    fn announce(&self, epoch: &Epoch, records: &[Record]) {
        if (self.lets_through)(self.count.fetch_add(1, Relaxed)) {
            self.topics.announce(epoch, records);
        }
    }
}

struct Bench {
    hub: Hub,
    _folder: Option<tempfile::TempDir>,
}

impl Bench {
    fn new(lets_through: fn(usize) -> bool) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let metrics = Arc::new(Metrics::new(u64::MAX));
        let topics = Arc::new(
            Topics::start(|record| record.body.clone(), metrics, Arc::new(Local::new())).expect("started"),
        );
        let announce = Lossy { topics: topics.clone(), count: AtomicUsize::new(0), lets_through };
        let store = SqliteStore::open(&folder.path().join("test.db"), Arc::new(announce)).expect("opened");
        Self { hub: Hub::new(Arc::new(store), topics), _folder: Some(folder) }
    }

    /// A node on a database that it may have in common with others.
    async fn node(url: &str) -> Self {
        let metrics = Arc::new(Metrics::new(u64::MAX));
        let topics = Arc::new(
            Topics::start(|record| record.body.clone(), metrics, Arc::new(Local::new())).expect("started"),
        );
        let store = PostgresStore::open(&url.into(), 4, topics.clone()).await.expect("opened");
        Self { hub: Hub::new(Arc::new(store), topics), _folder: None }
    }

    async fn publish(&self, channel: &str) -> Offset {
        let (author, body) = ("a".into(), "{}".into());
        let draft = Draft { author, client_id: None, channel: Some(channel.into()), lasting: true, body };
        self.hub.publish(&TopicName::Feed, vec![draft]).await.expect("stored")[0].record.offset
    }

    async fn reader(&self, start: Start) -> Reader {
        let bell = Arc::new(Bell::default());
        let subscribed = self.hub.subscribe(&TopicName::Feed, start, Filter::default(), bell.clone()).await;
        let Subscribed { subscription, recovered } = subscribed.expect("subscribed");
        Reader { subscription, bell, recovered }
    }
}

struct Reader {
    subscription: Subscription,
    bell: Arc<Bell>,
    recovered: bool,
}

impl Reader {
    async fn read_to(&mut self, last: Offset) -> Vec<Offset> {
        let mut offsets = Vec::new();
        while self.subscription.cursor().offset < last {
            match self.subscription.read().await.expect("read") {
                Batch::Entries(entries) => offsets.extend(entries.iter().map(|entry| entry.offset)),
                Batch::Reset(cursor) => panic!("reset to {cursor}"),
                Batch::Evicted => panic!("evicted"),
                Batch::Idle => {
                    let rung = tokio::time::timeout(Duration::from_secs(20), self.bell.rung()).await;
                    rung.expect("the bell rings when there is something to read");
                }
            }
        }
        offsets
    }
}

#[tokio::test]
async fn a_hole_in_the_announcements_is_filled_from_the_store() {
    let bench = Bench::new(|count| count % 3 == 2);
    let mut reader = bench.reader(Start::New).await;
    for _ in 0..30 {
        bench.publish("c").await;
    }
    assert_eq!(reader.read_to(30).await, (1..=30).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_node_appends_in_between_is_filled_from_the_store() {
    let url = Cluster::shared().fresh_database().await;
    let (here, there) = (Bench::node(&url).await, Bench::node(&url).await);
    let mut reader = here.reader(Start::New).await;
    // Nobody tells this node of the other's entries: it sees a hole, and fills it.
    for _ in 0..20 {
        tokio::join!(here.publish("c"), there.publish("c"));
    }
    let last = here.publish("c").await;
    assert_eq!((reader.read_to(last).await, last), ((1..=41).collect::<Vec<_>>(), 41));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_tells_is_found_at_the_head_of_the_store() {
    let url = Cluster::shared().fresh_database().await;
    let (here, there) = (Bench::node(&url).await, Bench::node(&url).await);
    let (stop, link) = (CancellationToken::new(), watch::Sender::new(false));
    let (hub, watched, down) = (here.hub.clone(), stop.clone(), link.subscribe());
    let watching = tokio::spawn(async move { hub.watch_heads(down, watched).await });
    let mut reader = here.reader(Start::New).await;
    for last in 1..=3 {
        assert_eq!(there.publish("c").await, last);
        assert_eq!(reader.read_to(last).await, [last]);
        link.send_replace(last % 2 == 1); // with Redis as well as without
    }
    stop.cancel();
    watching.await.expect("it ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_that_come_while_others_publish_miss_nothing_and_get_nothing_twice() {
    let bench = Arc::new(Bench::new(|_| true));
    const LAST: Offset = 600;
    let publishers: Vec<_> = (0..6)
        .map(|_| {
            let bench = bench.clone();
            tokio::spawn(async move {
                for _ in 0..LAST / 6 {
                    bench.publish("c").await;
                }
            })
        })
        .collect();
    let epoch = bench.hub.store().bounds(&TopicName::Feed).await.expect("read").epoch;
    let readers: Vec<_> = (0..40)
        .map(|n| {
            let (bench, epoch) = (bench.clone(), epoch.clone());
            tokio::spawn(async move {
                let start = if n % 2 == 0 { Start::New } else { Start::After(Cursor { epoch, offset: 0 }) };
                // Each comes at its own moment of the publishing, and the topic is left and entered meanwhile.
                drop(bench.reader(Start::New).await);
                let mut reader = bench.reader(start).await;
                let first = reader.subscription.cursor().offset + 1;
                assert_eq!(reader.read_to(LAST).await, (first..=LAST).collect::<Vec<_>>());
            })
        })
        .collect();
    for task in publishers.into_iter().chain(readers) {
        task.await.expect("it held");
    }
}

#[tokio::test]
async fn a_reader_that_a_trim_overtakes_is_reset_and_reads_on() {
    let bench = Bench::new(|_| true);
    let mut reader = bench.reader(Start::New).await;
    for _ in 0..400 {
        bench.publish("c").await;
    }
    bench
        .hub
        .trim(|_| Retention { entries: 10, age_ms: i64::MAX / 2, client_id_age_ms: 0 }, now_ms())
        .await
        .expect("trimmed");
    let Batch::Reset(cursor) = reader.subscription.read().await.expect("read") else {
        panic!("it lacks what is gone")
    };
    assert_eq!((cursor.offset, reader.subscription.cursor().offset), (390, 390));
    assert_eq!(reader.read_to(400).await, (391..=400).collect::<Vec<_>>(), "told once");
}

#[tokio::test]
async fn a_topic_that_nobody_reads_is_forgotten() {
    let bench = Bench::new(|_| true);
    let (one, other) = (bench.reader(Start::New).await, bench.reader(Start::New).await);
    assert_eq!(bench.hub.topics.count(), 1);
    drop(one);
    assert_eq!(bench.hub.topics.count(), 1);
    drop(other);
    assert_eq!(bench.hub.topics.count(), 0);
    // One that is given up while it is being made leaves nothing either.
    let bell = Arc::new(Bell::default());
    let subscribing = bench.hub.subscribe(&TopicName::Feed, Start::New, Filter::default(), bell);
    drop(tokio::time::timeout(Duration::ZERO, subscribing).await);
    assert_eq!(bench.hub.topics.count(), 0);
}

#[tokio::test]
async fn a_page_forwards_tells_where_to_go_on() {
    let bench = Bench::new(|_| true);
    for _ in 0..300 {
        bench.publish("c").await;
    }
    let mut cursor = Cursor { epoch: bench.reader(Start::New).await.subscription.cursor().epoch, offset: 0 };
    let mut offsets = Vec::new();
    loop {
        let query = PageQuery::After(cursor, Duration::ZERO);
        let page = bench.hub.page(&TopicName::Feed, query, Filter::default(), 70).await.expect("read");
        assert!(page.entries.len() <= 70);
        offsets.extend(page.entries.iter().map(|entry| entry.offset));
        cursor = page.cursor;
        if !page.more {
            break;
        }
    }
    assert_eq!(offsets, (1..=300).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_reader_of_the_newest_starts_where_they_start() {
    let bench = Bench::new(|_| true);
    for channel in ["a", "b", "a", "b", "b"] {
        bench.publish(channel).await;
    }
    assert_eq!(bench.reader(Start::Last(2)).await.read_to(5).await, [4, 5]);
    let all = bench.reader(Start::Last(99)).await;
    assert!(all.recovered);
    assert_eq!(all.subscription.cursor().offset, 0);
}

#[tokio::test]
async fn a_batch_of_long_entries_is_small_from_memory_and_from_the_store() {
    let bench = Bench::new(|_| true);
    let mut live = bench.reader(Start::New).await;
    let draft = |_| Draft {
        author: "a".into(),
        client_id: None,
        channel: None,
        lasting: true,
        body: format!("\"{}\"", "x".repeat(5_000)),
    };
    bench.hub.publish(&TopicName::Feed, (0..40).map(draft).collect()).await.expect("stored");
    // A topic that nobody read has nothing in memory.
    let (elsewhere, cursor) = (Bench::new(|_| true), PageQuery::Newest);
    elsewhere.hub.publish(&TopicName::Feed, (0..40).map(draft).collect()).await.expect("stored");
    let page = elsewhere.hub.page(&TopicName::Feed, cursor, Filter::default(), 1).await.expect("read");
    let mut late = elsewhere.reader(Start::After(Cursor { offset: 0, ..page.cursor })).await;
    for reader in [&mut live, &mut late] {
        let mut offsets = Vec::new();
        while let Batch::Entries(entries) = reader.subscription.read().await.expect("read") {
            let bytes: usize = entries.iter().map(|entry| entry.encoded.json().len()).sum();
            assert!(bytes <= 32 * 1024, "{bytes} bytes for a peer that may not take them");
            offsets.extend(entries.iter().map(|entry| entry.offset));
        }
        assert_eq!(offsets, (1..=40).collect::<Vec<_>>());
    }
}
