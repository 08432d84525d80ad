//! Tests of the log: readers, pages, gaps and trims.

use std::{
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    time::Duration,
};

use super::*;
use crate::{
    protocol::cursor::{Epoch, Offset},
    server::{
        clock::now_ms,
        cluster::backplane::Local,
        log::{subscription::Batch, topic::Encoders},
        observability::metrics::Metrics,
        store::{
            Announce, Appended, Channels,
            postgres::{PostgresStore, cluster::Cluster},
            sqlite::SqliteStore,
        },
    },
};

/// Passes on only the announcements that `lets_through` accepts: the backplane between two nodes may lose some.
struct Lossy {
    topics: Arc<Topics>,
    count: AtomicUsize,
    lets_through: fn(usize) -> bool,
}

impl Announce for Lossy {
    fn announce(&self, epoch: &Epoch, records: &[Appended]) {
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
        let metrics = Arc::new(Metrics::default());
        let topics =
            Arc::new(Topics::start(Encoders::verbatim(), metrics, Arc::new(Local::new())).expect("started"));
        let announce = Lossy { topics: topics.clone(), count: AtomicUsize::new(0), lets_through };
        let store = SqliteStore::open(&folder.path().join("test.db"), Arc::new(announce)).expect("opened");
        Self { hub: Hub::new(Arc::new(store), topics), _folder: Some(folder) }
    }

    /// A node on a database that it may share with others.
    async fn node(url: &str) -> Self {
        let metrics = Arc::new(Metrics::default());
        let topics =
            Arc::new(Topics::start(Encoders::verbatim(), metrics, Arc::new(Local::new())).expect("started"));
        let store = PostgresStore::open(&url.into(), 4, topics.clone()).await.expect("opened");
        Self { hub: Hub::new(Arc::new(store), topics), _folder: None }
    }

    async fn publish(&self, channel: &str) -> Offset {
        let (author, body) = ("a".into(), "{}".into());
        let draft = NewEntry {
            author,
            client_id: None,
            channel: Some(channel.into()),
            lasting: true,
            body,
            change: None,
            reference: None,
            state: None,
            files: Vec::new(),
        };
        self.hub.publish(&TopicName::Feed, vec![draft]).await.expect("stored")[0].record.offset
    }

    async fn reader(&self, start: StartFrom) -> Reader {
        let wakeup = Arc::new(Wakeup::default());
        let subscribed = self.hub.subscribe(&TopicName::Feed, start, Filter::default(), wakeup.clone()).await;
        let Subscribed { subscription, recovered } = subscribed.expect("subscribed");
        Reader { subscription, wakeup, recovered }
    }
}

struct Reader {
    subscription: Subscription,
    wakeup: Arc<Wakeup>,
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
                    let notified =
                        tokio::time::timeout(Duration::from_secs(20), self.wakeup.notified()).await;
                    notified.expect("the wakeup is notified when there is something to read");
                }
            }
        }
        offsets
    }
}

#[tokio::test]
async fn a_gap_in_the_announcements_is_filled_from_the_store() {
    let bench = Bench::new(|count| count % 3 == 2);
    let mut reader = bench.reader(StartFrom::New).await;
    for _ in 0..30 {
        bench.publish("c").await;
    }
    assert_eq!(reader.read_to(30).await, (1..=30).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_that_another_node_appends_in_between_are_filled_from_the_store() {
    let url = Cluster::shared().fresh_database().await;
    let (here, there) = (Bench::node(&url).await, Bench::node(&url).await);
    let mut reader = here.reader(StartFrom::New).await;
    // The other's entries are not announced to this node: it sees a gap, and fills it.
    for _ in 0..20 {
        tokio::join!(here.publish("c"), there.publish("c"));
    }
    let last = here.publish("c").await;
    assert_eq!((reader.read_to(last).await, last), ((1..=41).collect::<Vec<_>>(), 41));
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_that_are_never_announced_are_found_at_the_head_of_the_store() {
    let url = Cluster::shared().fresh_database().await;
    let (here, there) = (Bench::node(&url).await, Bench::node(&url).await);
    let (stop, connectivity) = (CancellationToken::new(), watch::Sender::new(false));
    let (hub, watched, down) = (here.hub.clone(), stop.clone(), connectivity.subscribe());
    let watching = tokio::spawn(async move { hub.watch_heads(down, watched).await });
    let mut reader = here.reader(StartFrom::New).await;
    for last in 1..=3 {
        assert_eq!(there.publish("c").await, last);
        assert_eq!(reader.read_to(last).await, [last]);
        connectivity.send_replace(last % 2 == 1); // with Redis as well as without
    }
    stop.cancel();
    watching.await.expect("it ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_that_subscribe_while_others_publish_miss_nothing_and_get_nothing_twice() {
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
                let start =
                    if n % 2 == 0 { StartFrom::New } else { StartFrom::After(Cursor { epoch, offset: 0 }) };
                // Each subscribes at its own moment of the publishing, and the topic is left and entered meanwhile.
                drop(bench.reader(StartFrom::New).await);
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
    let mut reader = bench.reader(StartFrom::New).await;
    for _ in 0..400 {
        bench.publish("c").await;
    }
    bench
        .hub
        .trim(|_| Retention { entries: 10, age_ms: i64::MAX / 2, client_id_age_ms: 0 }, now_ms())
        .await
        .expect("trimmed");
    let Batch::Reset(cursor) = reader.subscription.read().await.expect("read") else {
        panic!("it lacks removed entries")
    };
    assert_eq!((cursor.offset, reader.subscription.cursor().offset), (390, 390));
    assert_eq!(reader.read_to(400).await, (391..=400).collect::<Vec<_>>(), "told once");
}

/// A notification in `ops`, then values that a trim removed: 1 is retained, and 17 to 21.
async fn with_a_notification_below_the_floor() -> Bench {
    let bench = Bench::new(|_| true);
    bench.publish_and_trim().await;
    bench
}

impl Bench {
    async fn publish_and_trim(&self) {
        self.publish("ops").await;
        let value = |_| NewEntry {
            author: "a".into(),
            client_id: None,
            channel: Some("server".into()),
            lasting: false,
            body: "{}".into(),
            change: None,
            reference: None,
            state: None,
            files: Vec::new(),
        };
        self.hub.publish(&TopicName::Feed, (0..20).map(value).collect()).await.expect("stored");
        let retention = Retention { entries: 5, age_ms: i64::MAX / 2, client_id_age_ms: 0 };
        self.hub.trim(|_| retention, crate::server::clock::now_ms()).await.expect("trimmed");
    }

    async fn cursor(&self, offset: Offset) -> Cursor {
        Cursor { epoch: self.hub.store().bounds(&TopicName::Feed).await.expect("read").epoch, offset }
    }

    async fn page(&self, after: &Cursor, filter: Filter, limit: usize) -> Page {
        let query = PageQuery::After(after.clone(), Duration::ZERO);
        self.hub.page(&TopicName::Feed, query, filter, limit).await.expect("read")
    }
}

fn only(channel: &str) -> Filter {
    Filter { channels: Channels::Only([channel.to_owned()].into()), lasting: false, ..Filter::default() }
}

fn offsets(page: &Page) -> Vec<Offset> {
    page.entries.iter().map(|entry| entry.offset).collect()
}

#[tokio::test]
async fn a_reader_is_reset_only_when_something_that_it_reads_was_removed() {
    let bench = with_a_notification_below_the_floor().await;
    let start = bench.cursor(0).await;
    let except = Filter {
        channels: Channels::Except(["server".to_owned()].into()),
        lasting: false,
        ..Filter::default()
    };
    for filter in [only("ops"), except] {
        let page = bench.page(&start, filter, 9).await;
        assert_eq!(
            (offsets(&page), page.reset, page.cursor.to_string()),
            (vec![1], false, bench.cursor(21).await.to_string())
        );
    }
    let page = bench.page(&start, only("server"), 9).await;
    assert_eq!((offsets(&page), page.reset), ((17..=21).collect(), true));
    let page = bench.page(&bench.cursor(16).await, Filter::default(), 9).await;
    assert_eq!((offsets(&page), page.reset), ((17..=21).collect(), false));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trim_of_another_node_is_known_from_the_store() {
    let url = Cluster::shared().fresh_database().await;
    let (here, there) = (Bench::node(&url).await, Bench::node(&url).await);
    let mut reader = here.reader(StartFrom::New).await;
    there.publish_and_trim().await;
    // All that this node ever learns: there is a later head.
    let bounds = here.hub.store().bounds_of(&[TopicName::Feed]).await.expect("read");
    here.hub.topics.learn_all(&bounds);
    let reset = loop {
        match reader.subscription.read().await.expect("read") {
            Batch::Idle => reader.wakeup.notified().await,
            Batch::Reset(cursor) => break cursor,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!((reset.offset, reset.epoch.told_loss()), (0, 16));
    assert_eq!(reader.read_to(21).await, [1, 17, 18, 19, 20, 21]);
    let page = here.page(&here.cursor(0).await, only("ops"), 9).await;
    assert_eq!((offsets(&page), page.reset), (vec![1], false));
}

#[tokio::test]
async fn after_one_reset_all_retained_entries_come_however_often_the_reader_is_cut() {
    let bench = with_a_notification_below_the_floor().await;
    let (mut cursor, mut seen, mut resets) = (bench.cursor(0).await, Vec::new(), 0);
    loop {
        // One entry a page: a new subscription for each.
        let page = bench.page(&cursor, Filter::default(), 1).await;
        seen.extend(offsets(&page));
        resets += usize::from(page.reset);
        cursor = page.cursor.to_string().parse().expect("a cursor");
        if !page.more {
            break;
        }
    }
    assert_eq!((seen, resets), ([1].into_iter().chain(17..=21).collect(), 1));
    assert_eq!(cursor.to_string(), bench.cursor(21).await.to_string(), "nothing is left to be remembered");
    // Entries that are removed after that are a loss of their own.
    let inside = bench.page(&bench.cursor(0).await, Filter::default(), 1).await.cursor;
    assert_eq!((inside.offset, inside.epoch.told_loss()), (1, 16));
    let retention = Retention { entries: 3, age_ms: i64::MAX / 2, client_id_age_ms: 0 };
    bench.hub.trim(|_| retention, crate::server::clock::now_ms()).await.expect("trimmed");
    let page = bench.page(&inside, Filter::default(), 9).await;
    assert_eq!((offsets(&page), page.reset), ((19..=21).collect(), true));
}

#[tokio::test]
async fn a_log_of_another_epoch_is_read_from_its_oldest_retained_entry() {
    let bench = with_a_notification_below_the_floor().await;
    let beyond = bench.cursor(99).await;
    let elsewhere = Cursor { epoch: Epoch::parse("other").expect("fine"), offset: 20 };
    for lost in [beyond, elsewhere] {
        let page = bench.page(&lost, Filter::default(), 9).await;
        assert_eq!((offsets(&page), page.reset), ([1].into_iter().chain(17..=21).collect(), true));
        let reader = bench.reader(StartFrom::After(lost)).await;
        assert_eq!((reader.recovered, reader.subscription.cursor().offset), (false, 0));
    }
}

#[tokio::test]
async fn the_newest_entries_are_those_that_are_retained() {
    let bench = with_a_notification_below_the_floor().await;
    for (count, expected) in [(3, vec![19, 20, 21]), (6, [1].into_iter().chain(17..=21).collect())] {
        let mut reader = bench.reader(StartFrom::Last(count)).await;
        assert_eq!((reader.read_to(21).await, reader.recovered), (expected, true), "no reset is needed");
    }
}

#[tokio::test]
async fn a_topic_without_readers_is_forgotten() {
    let bench = Bench::new(|_| true);
    let (one, other) = (bench.reader(StartFrom::New).await, bench.reader(StartFrom::New).await);
    assert_eq!(bench.hub.topics.count(), 1);
    drop(one);
    assert_eq!(bench.hub.topics.count(), 1);
    drop(other);
    assert_eq!(bench.hub.topics.count(), 0);
    // A subscription that is dropped while it is being made leaves nothing either.
    let wakeup = Arc::new(Wakeup::default());
    let subscribing = bench.hub.subscribe(&TopicName::Feed, StartFrom::New, Filter::default(), wakeup);
    drop(tokio::time::timeout(Duration::ZERO, subscribing).await);
    assert_eq!(bench.hub.topics.count(), 0);
}

#[tokio::test]
async fn a_page_forwards_has_the_cursor_to_read_on() {
    let bench = Bench::new(|_| true);
    for _ in 0..300 {
        bench.publish("c").await;
    }
    let mut cursor =
        Cursor { epoch: bench.reader(StartFrom::New).await.subscription.cursor().epoch, offset: 0 };
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
    assert_eq!(bench.reader(StartFrom::Last(2)).await.read_to(5).await, [4, 5]);
    let all = bench.reader(StartFrom::Last(99)).await;
    assert!(all.recovered);
    assert_eq!(all.subscription.cursor().offset, 0);
}

#[tokio::test]
async fn a_batch_of_long_entries_is_small_from_memory_and_from_the_store() {
    let bench = Bench::new(|_| true);
    let mut live = bench.reader(StartFrom::New).await;
    let draft = |_| NewEntry {
        author: "a".into(),
        client_id: None,
        channel: None,
        lasting: true,
        body: format!("\"{}\"", "x".repeat(5_000)),
        change: None,
        reference: None,
        state: None,
        files: Vec::new(),
    };
    bench.hub.publish(&TopicName::Feed, (0..40).map(draft).collect()).await.expect("stored");
    // A topic that was never read has nothing in memory.
    let (elsewhere, cursor) = (Bench::new(|_| true), PageQuery::Newest);
    elsewhere.hub.publish(&TopicName::Feed, (0..40).map(draft).collect()).await.expect("stored");
    let page = elsewhere.hub.page(&TopicName::Feed, cursor, Filter::default(), 1).await.expect("read");
    let mut late = elsewhere.reader(StartFrom::After(Cursor { offset: 0, ..page.cursor })).await;
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

fn room() -> TopicName {
    "room:general".parse().expect("a room's log")
}

/// Appends messages to a room, one after the other; every third entry is none. Returns the entries.
async fn talk(bench: &Bench, entries: u64) -> Vec<crate::server::store::Record> {
    let mut records = Vec::new();
    for n in 1..=entries {
        let entry = NewEntry {
            author: "a".into(),
            client_id: None,
            channel: None,
            lasting: !n.is_multiple_of(3),
            body: format!("{{\"n\":{n}}}"),
            change: None,
            reference: None,
            state: None,
            files: Vec::new(),
        };
        let appended = bench.hub.publish(&room(), vec![entry]).await.expect("stored");
        records.push(appended[0].record.clone());
        if n.is_multiple_of(5) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
    records
}

/// On both stores: a page around an offset, and the first entry of a time.
async fn with_both_stores(test: impl AsyncFn(Bench)) {
    test(Bench::new(|_| true)).await;
    test(Bench::node(&Cluster::shared().fresh_database().await).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_around_an_offset_has_lasting_entries_of_both_sides() {
    with_both_stores(async |bench| {
        talk(&bench, 30).await;
        let epoch = bench.hub.store().bounds(&room()).await.expect("read").epoch;
        let around = async |offset, limit| {
            let query = PageQuery::Around(offset, Some(epoch.clone()));
            let page = bench.hub.page(&room(), query, Filter::default(), limit).await.expect("read");
            let offsets: Vec<_> = page.entries.iter().map(|entry| entry.offset).collect();
            assert!(!page.reset);
            (offsets, page.more, page.more_after.expect("told"), page.cursor.offset)
        };
        assert_eq!(around(13, 4).await, (vec![10, 11, 13, 14], true, true, 14));
        assert_eq!(around(13, 1).await, (vec![13], true, true, 13));
        assert_eq!(around(15, 2).await, (vec![14, 16], true, true, 16), "no lasting one: those beside it");
        assert_eq!(around(1, 4).await, (vec![1, 2, 4, 5], false, true, 5));
        assert_eq!(around(0, 2).await, (vec![1, 2], false, true, 2));
        assert_eq!(around(29, 4).await, (vec![25, 26, 28, 29], true, false, 30), "complete up to the head");
        assert_eq!(around(99, 3).await, (vec![26, 28, 29], true, false, 30));
        assert_eq!(around(10, 200).await.0.len(), 20);
        // Of another epoch, and of an empty log.
        let query = PageQuery::Around(3, Epoch::parse("other"));
        let page = bench.hub.page(&room(), query, Filter::default(), 4).await.expect("read");
        assert!(page.reset && page.entries.is_empty());
        assert_eq!((page.cursor.epoch, page.cursor.offset), (epoch.clone(), 30));
        let empty: TopicName = "room:empty".parse().expect("a room's log");
        let page =
            bench.hub.page(&empty, PageQuery::Around(3, None), Filter::default(), 4).await.expect("read");
        assert_eq!((page.entries.len(), page.more, page.more_after), (0, false, Some(false)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_trim_a_page_around_an_offset_has_those_that_are_nearest() {
    with_both_stores(async |bench| {
        talk(&bench, 30).await;
        let retention = Retention { entries: 6, age_ms: i64::MAX / 2, client_id_age_ms: i64::MAX / 2 };
        bench.hub.trim(|_| retention, now_ms()).await.expect("trimmed");
        let query = PageQuery::Around(5, None);
        let page = bench.hub.page(&room(), query, Filter::default(), 3).await.expect("read");
        let lasting = Filter { lasting: true, ..Filter::default() };
        let newest = bench.hub.page(&room(), PageQuery::Newest, lasting, 99).await.expect("read");
        let kept: Vec<_> = newest.entries.iter().map(|entry| entry.offset).collect();
        let offsets: Vec<_> = page.entries.iter().map(|entry| entry.offset).collect();
        assert!(kept.len() < 10 && !kept.contains(&5));
        assert_eq!(offsets, kept[..3]);
        assert_eq!((page.more, page.more_after), (false, Some(true)));
        let first = bench.hub.first_since(&room(), 0).await.expect("read").expect("there");
        assert_eq!(first.offset, kept[0]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_lasting_entry_of_a_time_is_found() {
    with_both_stores(async |bench| {
        let records = talk(&bench, 40).await;
        let is_lasting = |record: &&crate::server::store::Record| !record.offset.is_multiple_of(3);
        let end = records.last().expect("forty").timestamp;
        for since in
            records.iter().flat_map(|record| [record.timestamp, record.timestamp + 1]).chain([0, end + 1])
        {
            let found =
                bench.hub.first_since(&room(), since).await.expect("read").map(|cursor| cursor.offset);
            let expected = records.iter().filter(is_lasting).find(|record| record.timestamp >= since);
            assert_eq!(found, expected.map(|record| record.offset), "since {since}");
        }
        let empty: TopicName = "room:empty".parse().expect("a room's log");
        assert_eq!(bench.hub.first_since(&empty, 0).await.expect("read"), None);
    })
    .await;
}

/// The log of a user that nobody has written to.
fn user() -> TopicName {
    TopicName::of_user("u1").expect("fine")
}

impl Bench {
    async fn write(&self, body: &str) -> Offset {
        let (author, body) = ("u1".into(), body.into());
        let draft = NewEntry {
            author,
            client_id: None,
            channel: None,
            lasting: false,
            body,
            change: None,
            reference: None,
            state: None,
            files: Vec::new(),
        };
        self.hub.publish(&user(), vec![draft]).await.expect("stored")[0].record.offset
    }

    async fn user_reader(&self, start: StartFrom) -> Reader {
        let wakeup = Arc::new(Wakeup::default());
        let subscribed = self.hub.subscribe(&user(), start, Filter::default(), wakeup.clone()).await;
        let Subscribed { subscription, recovered } = subscribed.expect("subscribed");
        Reader { subscription, wakeup, recovered }
    }
}

#[tokio::test]
async fn a_cursor_of_a_log_that_nobody_has_written_to_stays_good_at_the_first_write() {
    let bench = Bench::new(|_| true);
    let mut live = bench.user_reader(StartFrom::New).await;
    let nothing = live.subscription.cursor();
    assert_eq!((nothing.to_string().as_str(), live.recovered), ("none:0", true));
    assert!(bench.hub.store().topics().await.expect("read").is_empty(), "a reader makes no log");
    bench.write("1").await;
    assert_eq!(live.read_to(1).await, [1]);
    assert!(!live.subscription.cursor().epoch.is_unwritten());
    bench.write("2").await;
    assert_eq!(live.read_to(2).await, [2]);
    drop(live);
    // The log is closed now, and open in the second round, where its epoch is known.
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut resumed = bench.user_reader(StartFrom::After(nothing.clone())).await;
        assert!(resumed.recovered);
        assert_eq!(resumed.read_to(2).await, [1, 2]);
        held.push(resumed);
    }
    let page = bench.hub.page(&user(), PageQuery::After(nothing, Duration::ZERO), Filter::default(), 9).await;
    let page = page.expect("read");
    assert_eq!((page.entries.len(), page.reset, page.cursor.offset), (2, false, 2));
}

#[tokio::test]
async fn the_first_write_of_another_node_reaches_a_reader_though_it_is_not_announced() {
    let url = Cluster::shared().fresh_database().await;
    let (here, there) = (Bench::node(&url).await, Bench::node(&url).await);
    let mut reader = here.user_reader(StartFrom::New).await;
    there.write("1").await;
    there.write("2").await;
    let connectivity = watch::channel(false).1;
    let stop = CancellationToken::new();
    let (hub, stopped) = (here.hub.clone(), stop.clone());
    let watching = tokio::spawn(async move { hub.watch_heads(connectivity, stopped).await });
    assert_eq!(reader.read_to(2).await, [1, 2]);
    stop.cancel();
    watching.await.expect("no panic");
}

#[tokio::test]
async fn a_reader_of_a_users_log_behind_what_is_kept_is_reset() {
    let bench = Bench::new(|_| true);
    let nothing = bench.user_reader(StartFrom::New).await.subscription.cursor();
    let kept = |entries| Retention { entries, age_ms: i64::MAX, client_id_age_ms: 0 };
    for n in 0..20 {
        bench.write(&n.to_string()).await;
    }
    bench.hub.trim(|_| kept(20), now_ms()).await.expect("trimmed");
    assert!(bench.user_reader(StartFrom::After(nothing.clone())).await.recovered, "nothing is gone yet");
    bench.hub.trim(|_| kept(5), now_ms()).await.expect("trimmed");
    let behind = bench.user_reader(StartFrom::After(nothing)).await;
    assert_eq!((behind.recovered, behind.subscription.cursor().offset), (false, 15));
    let lost = "none:7".parse().expect("a cursor");
    assert!(!bench.user_reader(StartFrom::After(lost)).await.recovered, "nobody was ever given that one");
}
