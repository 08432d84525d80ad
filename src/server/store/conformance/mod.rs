//! Conformance tests: the behaviour that every [`Store`] and [`DocumentStore`] must have. Each test is a function that
//! takes a store and knows nothing else about it; the macro at the end turns each into one test per store.

use std::sync::{Arc, Mutex};

use super::{
    Announce, Appended, Channels, Document, Filter, NewEntry, Record, RoomCreation, Sharing, Store,
    TopicName,
    directory::{DocumentStore, Kind, Mutation, Precondition},
    location::{Location, Opened},
    postgres::cluster::{Cluster, execute},
    sqlite::SqliteStore,
};
use crate::{
    protocol::{
        chat::Room,
        cursor::{Epoch, Offset},
        name::RoomId,
    },
    server::config::{FileSettings, Retention},
};

mod changes;
mod counts;
mod files;
mod people;
mod search;
mod states;
mod tags;
mod threads;

use changes::*;
use counts::*;
use files::*;
use people::*;
use search::*;
use states::*;
use tags::*;
use threads::*;

/// Connections to PostgreSQL per test: fewer than there are concurrent callers.
const CONNECTIONS: usize = 4;

/// Records the announced offsets.
#[derive(Default)]
struct Announced(Mutex<Vec<Offset>>);

impl Announce for Announced {
    fn announce(&self, _: &Epoch, appended: &[Appended]) {
        self.0.lock().expect("whole").extend(appended.iter().map(|one| one.record.offset));
    }

    fn document(&self, record: &Record) -> Option<Document> {
        search::document_of(record)
    }
}

/// A store on a fresh database, with the offsets that it announced.
struct Bench {
    store: Arc<dyn Store>,
    directory: Arc<dyn DocumentStore>,
    announced: Arc<Announced>,
    location: Location,
    folder: Option<tempfile::TempDir>,
}

impl Bench {
    async fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self::open(Location::File(folder.path().join("test.db")), Some(folder)).await
    }

    async fn postgres() -> Self {
        Self::open(Location::Server(Cluster::shared().fresh_database().await.into()), None).await
    }

    /// Opens another, empty database of the same kind.
    async fn afresh(&self) -> Self {
        match self.location {
            Location::File(_) => Self::sqlite().await,
            Location::Server(_) => Self::postgres().await,
        }
    }

    /// Closes the store and opens the same database again, as a restart does.
    async fn reopened(self) -> Self {
        self.store.close().await;
        Self::open(self.location, self.folder).await
    }

    async fn open(location: Location, folder: Option<tempfile::TempDir>) -> Self {
        let announced = Arc::new(Announced::default());
        let Opened { store, directory } = location
            .open(CONNECTIONS, Sharing::Alone, FileSettings::default(), announced.clone())
            .await
            .expect("opened");
        Self { store, directory, announced, location, folder }
    }

    async fn append(&self, drafts: Vec<NewEntry>) -> Vec<Appended> {
        self.store.append(&TopicName::Feed, drafts).await.expect("appended")
    }

    async fn append_values(&self, channel: &str, count: usize) {
        self.append((0..count).map(|_| NewEntry { lasting: false, ..draft(channel) }).collect()).await;
    }
}

fn draft(channel: &str) -> NewEntry {
    NewEntry {
        author: "a".into(),
        client_id: None,
        channel: Some(channel.into()),
        lasting: true,
        body: "{}".into(),
        change: None,
        reference: None,
        state: None,
        files: Vec::new(),
    }
}

fn offsets(records: &[Record]) -> Vec<Offset> {
    records.iter().map(|record| record.offset).collect()
}

fn keep(entries: u64) -> Retention {
    Retention { entries, age_ms: i64::MAX / 2, client_id_age_ms: i64::MAX / 2 }
}

async fn offsets_have_no_holes_whoever_appends_at_the_same_time(bench: Bench) {
    let append = |_| {
        let store = bench.store.clone();
        tokio::spawn(
            async move { store.append(&TopicName::Feed, vec![draft("c"); 3]).await.expect("appended") },
        )
    };
    let tasks: Vec<_> = (0..100).map(append).collect();
    for task in tasks {
        let appended = task.await.expect("no panic");
        let first = appended[0].record.offset;
        assert_eq!(
            offsets(&appended.iter().map(|one| one.record.clone()).collect::<Vec<_>>()),
            [first, first + 1, first + 2]
        );
    }
    let all: Vec<Offset> = (1..=300).collect();
    let slice = bench.store.read_after(&TopicName::Feed, 0, &Filter::default(), 1_000).await.expect("read");
    assert_eq!(offsets(&slice.records), all);
    assert_eq!(*bench.announced.0.lock().expect("whole"), all, "announced in order, each once");
}

async fn history_offsets_and_epoch_survive_a_restart(bench: Bench) {
    bench.append(vec![draft("c"), draft("c")]).await;
    let before = bench.store.bounds(&TopicName::Feed).await.expect("read");
    let bench = bench.reopened().await;
    assert_eq!(bench.store.bounds(&TopicName::Feed).await.expect("read"), before);
    assert_eq!(bench.append(vec![draft("c")]).await[0].record.offset, 3);
}

async fn the_same_client_id_returns_the_first_entry(bench: Bench) {
    let with_id = |author: &str, body: &str| NewEntry {
        author: author.into(),
        client_id: Some("id".into()),
        body: body.into(),
        ..draft("c")
    };
    let first = bench.append(vec![with_id("a", "one")]).await.remove(0);
    let again = bench.append(vec![with_id("a", "two")]).await.remove(0);
    assert_eq!(again, Appended { first: false, record: first.record, folded: None, unchanged: None });
    let other = bench.append(vec![with_id("b", "three")]).await.remove(0);
    assert!(other.first, "another author's id is another id");
    assert_eq!(other.record.offset, 2);
    assert_eq!(*bench.announced.0.lock().expect("whole"), [1, 2], "a repeat is not announced");
}

async fn a_client_id_outlives_its_entry_until_its_own_age(bench: Bench) {
    let sent = NewEntry { client_id: Some("id".into()), ..draft("first") };
    let first = bench.append(vec![sent.clone()]).await.remove(0).record;
    bench.append(vec![draft("b"), draft("c")]).await;
    assert_eq!(bench.store.trim(&TopicName::Feed, keep(1), 0).await.expect("trimmed"), 2);
    let again = bench.append(vec![sent.clone()]).await.remove(0);
    assert_eq!((&again.record, again.first), (&first, false), "removed, and not stored anew");
    let by_age = Retention { client_id_age_ms: 0, ..keep(1) };
    bench.store.trim(&TopicName::Feed, by_age, first.timestamp + 1).await.expect("trimmed");
    assert!(bench.append(vec![sent]).await.remove(0).first, "forgotten in the end");
}

async fn the_same_client_id_twice_in_one_append_is_one_entry(bench: Bench) {
    let twice = NewEntry { client_id: Some("id".into()), ..draft("c") };
    let appended = bench.append(vec![twice.clone(), twice, draft("c")]).await;
    assert_eq!(appended.iter().map(|one| one.record.offset).collect::<Vec<_>>(), [1, 1, 2]);
}

async fn slices_read_in_both_directions_and_tell_if_there_is_more(bench: Bench) {
    bench.append(vec![draft("c"); 5]).await;
    let (store, feed, all) = (&bench.store, TopicName::Feed, Filter::default());
    let after = store.read_after(&feed, 1, &all, 3).await.expect("read");
    assert_eq!((offsets(&after.records), after.more), (vec![2, 3, 4], true));
    let rest = store.read_after(&feed, 4, &all, 3).await.expect("read");
    assert_eq!((offsets(&rest.records), rest.more), (vec![5], false));
    let before = store.read_before(&feed, 5, &all, 2).await.expect("read");
    assert_eq!((offsets(&before.records), before.more), (vec![3, 4], true));
    let newest = store.read_before(&feed, Offset::MAX, &all, 9).await.expect("read");
    assert_eq!((offsets(&newest.records), newest.more), (vec![1, 2, 3, 4, 5], false));
}

async fn a_filter_lets_its_channels_through(bench: Bench) {
    bench.append(vec![draft("a"), draft("b"), draft("a"), draft("it's; \"odd\"")]).await;
    let only = |channels: &[&str]| Filter {
        channels: Channels::Only(channels.iter().map(|channel| (*channel).to_owned()).collect()),
        lasting: false,
        ..Filter::default()
    };
    let read = async |filter| {
        offsets(&bench.store.read_after(&TopicName::Feed, 0, &filter, 9).await.expect("read").records)
    };
    assert_eq!(read(only(&["a"])).await, [1, 3]);
    assert_eq!(read(only(&["b", "it's; \"odd\""])).await, [2, 4]);
    assert_eq!(read(only(&[])).await, Vec::<Offset>::new());
    let but = |channel: &str| Filter {
        channels: Channels::Except([channel.to_owned()].into()),
        lasting: false,
        ..Filter::default()
    };
    assert_eq!(read(but("a")).await, [2, 4]);
    assert_eq!(read(but("c")).await, [1, 2, 3, 4]);
    let notice = Filter { lasting: true, ..but("b") };
    let page = bench.store.read_before(&TopicName::Feed, Offset::MAX, &notice, 2).await.expect("read");
    assert_eq!((offsets(&page.records), page.more), (vec![3, 4], true));
}

async fn trimming_by_count_raises_the_floor(bench: Bench) {
    bench.append(vec![draft("c"); 10]).await;
    let removed = bench.store.trim(&TopicName::Feed, keep(4), 0).await.expect("trimmed");
    let slice = bench.store.read_after(&TopicName::Feed, 0, &Filter::default(), 99).await.expect("read");
    assert_eq!((removed, slice.bounds.floor, offsets(&slice.records)), (6, 6, vec![7, 8, 9, 10]));
    assert_eq!(bench.append(vec![draft("c")]).await[0].record.offset, 11, "the numbering goes on");
}

async fn trimming_by_age_may_empty_a_log_and_keeps_its_numbering(bench: Bench) {
    let last = bench.append(vec![draft("c"); 3]).await.remove(2).record;
    let by_age = Retention { entries: 100, age_ms: 1_000, client_id_age_ms: 0 };
    let now = last.timestamp + 1_000;
    assert_eq!(
        bench.store.trim(&TopicName::Feed, by_age, now).await.expect("trimmed"),
        0,
        "not older than allowed"
    );
    assert_eq!(bench.store.trim(&TopicName::Feed, by_age, now + 1).await.expect("trimmed"), 3);
    let bounds = bench.store.bounds(&TopicName::Feed).await.expect("read");
    assert_eq!((bounds.floor, bounds.head), (3, 3));
    let bench = bench.reopened().await;
    assert_eq!(bench.append(vec![draft("c")]).await[0].record.offset, 4);
}

/// Helpers that give entries another timestamp, as a wrong clock would have.
impl Bench {
    async fn date(&self, offset: Offset, timestamp: i64) {
        match &self.location {
            Location::File(path) => {
                let connection = rusqlite::Connection::open(path).expect("opened");
                connection.busy_timeout(std::time::Duration::from_secs(5)).expect("set");
                let date = "UPDATE entries SET timestamp = ?2 WHERE offset = ?1";
                connection.execute(date, (offset, timestamp)).expect("dated");
                connection.execute("UPDATE topics SET timestamp = ?1", [timestamp]).expect("dated");
            }
            Location::Server(address) => {
                let date = format!(
                    r#"UPDATE entries SET timestamp = {timestamp} WHERE "offset" = {offset};
                       UPDATE topics SET timestamp = {timestamp}"#
                );
                execute(&address.url, &date).await;
            }
        }
    }

    /// Appends one entry per age, oldest offset first, all of them lasting or none.
    async fn append_aged(&self, is_lasting: bool, ages_ms: &[i64]) {
        for age_ms in ages_ms {
            let appended = self.append(vec![NewEntry { lasting: is_lasting, ..draft("c") }]).await.remove(0);
            self.date(appended.record.offset, NOW_MS - age_ms).await;
        }
    }

    async fn retained(&self) -> Vec<Offset> {
        let slice = self.store.read_after(&TopicName::Feed, 0, &Filter::default(), 99).await.expect("read");
        offsets(&slice.records)
    }
}

const NOW_MS: i64 = 1_800_000_000_000;
const DAY_MS: i64 = 86_400_000;
/// The age of an entry that is dated two years ahead.
const AHEAD: i64 = -730 * DAY_MS;
/// The age of an entry that is dated decades ago.
const BEHIND: i64 = 20_000 * DAY_MS;

fn keep_days(days: i64) -> Retention {
    Retention { entries: 100, age_ms: days * DAY_MS, client_id_age_ms: i64::MAX / 2 }
}

async fn what_is_appended_is_dated_by_the_clock_whatever_was_before_it(bench: Bench) {
    let first = bench.append(vec![draft("c")]).await.remove(0).record;
    bench.date(1, first.timestamp + 730 * DAY_MS).await;
    let next = bench.append(vec![draft("c")]).await.remove(0).record;
    assert!((first.timestamp..first.timestamp + DAY_MS).contains(&next.timestamp), "the clock was put right");
    assert_eq!(next.offset, 2);
}

async fn an_entry_with_a_wrong_date_goes_by_age_with_its_neighbours(bench: Bench) {
    for (is_lasting, ages_ms, retained) in [
        // Dated in the future among old entries: it does not keep them, and it is removed with them.
        (true, vec![9 * DAY_MS, AHEAD, 8 * DAY_MS, DAY_MS], vec![4]),
        (false, vec![9 * DAY_MS, AHEAD, 8 * DAY_MS, DAY_MS], vec![4]),
        // No later entry shows that it is old.
        (true, vec![9 * DAY_MS, AHEAD, AHEAD], vec![2, 3]),
        (false, vec![9 * DAY_MS, AHEAD, DAY_MS], vec![2, 3]),
        // Dated in the past among young entries.
        (true, vec![9 * DAY_MS, DAY_MS, BEHIND, DAY_MS], vec![2, 3, 4]),
        (false, vec![9 * DAY_MS, DAY_MS, BEHIND], vec![2, 3]),
        // Only a clock that was never set says that they are old.
        (true, vec![BEHIND, BEHIND, DAY_MS], vec![1, 2, 3]),
        (false, vec![BEHIND], vec![1]),
    ] {
        let bench = bench.afresh().await;
        bench.append_aged(is_lasting, &ages_ms).await;
        bench.store.trim(&TopicName::Feed, keep_days(7), NOW_MS).await.expect("trimmed");
        assert_eq!(bench.retained().await, retained, "{is_lasting} {ages_ms:?}");
    }
}

async fn a_lasting_entry_below_the_floor_goes_by_age_with_its_neighbours(bench: Bench) {
    bench.append_aged(true, &[AHEAD, 8 * DAY_MS, DAY_MS, BEHIND]).await;
    bench.append_values("server", 9).await;
    let by_count = Retention { entries: 6, ..keep_days(400) };
    bench.store.trim(&TopicName::Feed, by_count, NOW_MS).await.expect("trimmed");
    assert_eq!(bench.store.bounds(&TopicName::Feed).await.expect("read").floor, 7);
    assert_eq!(bench.retained().await[..4], [1, 2, 3, 4]);
    let by_age = Retention { entries: 6, ..keep_days(7) };
    bench.store.trim(&TopicName::Feed, by_age, NOW_MS).await.expect("trimmed");
    assert_eq!(bench.retained().await[..3], [3, 4, 8]);
}

async fn the_newest_time_is_that_of_the_last_entry_that_is_not_of_the_future(bench: Bench) {
    let newest = async |until_ms| bench.store.newest_timestamp(until_ms).await.expect("read");
    bench.store.bounds(&TopicName::Feed).await.expect("made");
    assert_eq!(newest(i64::MAX).await, None);
    bench.append_aged(true, &[DAY_MS]).await;
    assert_eq!(newest(NOW_MS).await, Some(NOW_MS - DAY_MS));
    assert_eq!(newest(NOW_MS - 2 * DAY_MS).await, None);
}

async fn lasting_entries_outlive_the_values_around_them(bench: Bench) {
    bench.append(vec![draft("ops")]).await;
    bench.append_values("server", 20).await;
    bench.store.trim(&TopicName::Feed, keep(5), 0).await.expect("trimmed");
    let lasting = Filter { lasting: true, channels: Channels::All, ..Filter::default() };
    let notices = bench.store.read_before(&TopicName::Feed, Offset::MAX, &lasting, 9).await.expect("read");
    assert_eq!(
        (offsets(&notices.records), notices.bounds.floor),
        (vec![1], 16),
        "below the floor, and still there"
    );
    bench.append(vec![draft("ops"); 5]).await;
    bench.store.trim(&TopicName::Feed, keep(5), 0).await.expect("trimmed");
    let notices = bench.store.read_before(&TopicName::Feed, Offset::MAX, &lasting, 9).await.expect("read");
    assert_eq!(offsets(&notices.records), [22, 23, 24, 25, 26], "as many newer ones came");
}

fn only(channels: &[&str]) -> Filter {
    let channels = channels.iter().map(|channel| (*channel).to_owned()).collect();
    Filter { channels: Channels::Only(channels), lasting: false, ..Filter::default() }
}

impl Bench {
    /// The highest removed offset among the entries that pass the filter; both calls that report it must agree.
    async fn removed(&self, filter: &Filter) -> Offset {
        let slice = self.store.read_after(&TopicName::Feed, 0, filter, 1).await.expect("read");
        let (bounds, removed) = self.store.bounds_for(&TopicName::Feed, filter).await.expect("read");
        assert_eq!((&bounds, removed), (&slice.bounds, slice.removed));
        removed
    }
}

async fn each_channel_knows_how_far_it_was_removed(bench: Bench) {
    let (all, none) = (Filter::default(), NewEntry { channel: None, ..draft("") });
    assert_eq!(bench.removed(&all).await, 0, "of a log that is made now");
    bench.append(vec![draft("ops"), none, draft("db")]).await;
    bench.append_values("server", 20).await;
    bench.append_values("ops", 1).await;
    bench.store.trim(&TopicName::Feed, keep(10), 0).await.expect("trimmed");
    let except = Filter {
        channels: Channels::Except(["server".to_owned()].into()),
        lasting: false,
        ..Filter::default()
    };
    let lasting = Filter { lasting: true, channels: Channels::All, ..Filter::default() };
    let bench = bench.reopened().await;
    for (filter, removed) in [
        (&all, 14),
        (&only(&["server"]), 14),
        (&only(&["ops", "server"]), 14),
        (&only(&["ops"]), 0),
        (&only(&["ops", "db", "never"]), 0),
        (&only(&[]), 0),
        (&except, 0),
        (&lasting, 0),
    ] {
        assert_eq!(bench.removed(filter).await, removed, "{filter:?}");
    }
    bench.append(vec![draft("db"); 2]).await;
    bench.store.trim(&TopicName::Feed, keep(2), 0).await.expect("trimmed");
    for (filter, removed) in [
        (&all, 24),
        (&only(&["server"]), 23),
        (&only(&["ops"]), 24),
        (&Filter { lasting: true, ..only(&["ops"]) }, 1),
        (&only(&["db"]), 3),
        (&except, 24),
        (&lasting, 3),
    ] {
        assert_eq!(bench.removed(filter).await, removed, "{filter:?}");
    }
    let newest = bench.store.read_before(&TopicName::Feed, 99, &only(&["db"]), 9).await.expect("read");
    assert_eq!((newest.removed, offsets(&newest.records)), (3, vec![25, 26]));
    let values = bench.store.latest_by_channel(&TopicName::Feed, &Channels::All, 9, 9).await.expect("read");
    assert_eq!((values.removed, values.records.len()), (24, 0));
}

async fn channels_without_end_are_folded_and_the_recent_ones_stay_exact(bench: Bench) {
    let channels = 1_003;
    let value = |n: usize| NewEntry { lasting: false, ..draft(&format!("c{n}")) };
    bench.append((1..=channels).map(value).chain([draft("last")]).collect()).await;
    bench.store.trim(&TopicName::Feed, keep(1), 0).await.expect("trimmed");
    for (channel, removed) in [("c1003", 1_003), ("c4", 4), ("c3", 3), ("c1", 3), ("never", 3)] {
        assert_eq!(bench.removed(&only(&[channel])).await, removed, "{channel}");
    }
    bench.append(vec![value(1), draft("last")]).await;
    bench.store.trim(&TopicName::Feed, keep(1), 0).await.expect("trimmed");
    for (channel, removed) in [("c1", 1_005), ("last", 1_004), ("c6", 6), ("c5", 5), ("never", 5)] {
        assert_eq!(bench.removed(&only(&[channel])).await, removed, "{channel}");
    }
}

async fn a_large_trim_goes_in_steps_to_its_end(bench: Bench) {
    for _ in 0..12 {
        bench.append_values("server", 1_000).await;
    }
    assert_eq!(bench.store.trim(&TopicName::Feed, keep(10), 0).await.expect("trimmed"), 11_990);
    assert_eq!(bench.store.bounds(&TopicName::Feed).await.expect("read").floor, 11_990);
}

async fn the_latest_values_come_by_channel(bench: Bench) {
    bench.append_values("old", 3).await;
    bench.append_values("chatty", 50).await;
    bench.append_values("late", 1).await;
    bench.append(vec![draft("ops")]).await;
    let slice = bench.store.latest_by_channel(&TopicName::Feed, &Channels::All, 2, 2).await.expect("read");
    let found: Vec<_> = slice
        .records
        .iter()
        .map(|record| (record.offset, record.channel.as_deref().unwrap_or_default()))
        .collect();
    assert_eq!(found, [(52, "chatty"), (53, "chatty"), (54, "late")]);
    assert_eq!(slice.bounds.head, 55);
    let channels = async |channels: Channels| {
        let slice = bench.store.latest_by_channel(&TopicName::Feed, &channels, 9, 1).await.expect("read");
        slice.records.into_iter().filter_map(|record| record.channel).collect::<Vec<_>>()
    };
    assert_eq!(channels(Channels::Only(["old".to_owned(), "ops".to_owned()].into())).await, ["old"]);
    assert_eq!(channels(Channels::Except(["chatty".to_owned()].into())).await, ["old", "late"]);
}

async fn channels_with_entries_of_either_kind_are_named_once_in_order(bench: Bench) {
    let names = async |except: &[&str], limit| {
        let except: Vec<_> = except.iter().map(|name| (*name).to_owned()).collect();
        bench.store.channel_names(&TopicName::Feed, &except, limit).await.expect("read")
    };
    assert_eq!(names(&[], 9).await, [""; 0], "there is no feed yet");
    bench.append_values("measured", 3).await;
    bench.append_values("both", 2).await;
    bench.append(vec![draft("both"), draft("Noted"), draft("noted"), draft("noted")]).await;
    let room = TopicName::Room(RoomId::parse("general").expect("fine"));
    bench.store.append(&room, vec![NewEntry { channel: None, ..draft("") }]).await.expect("appended");
    assert_eq!(names(&[], 9).await, ["Noted", "both", "measured", "noted"]);
    assert_eq!(names(&["both", "never"], 2).await, ["Noted", "measured"]);
    assert_eq!(names(&[], 1).await, ["Noted"]);
    bench.append_values("late", 1).await;
    bench.store.trim(&TopicName::Feed, keep(1), 0).await.expect("trimmed");
    assert_eq!(names(&[], 9).await, ["late", "noted"], "the others have none any more");
}

async fn the_entries_of_one_channel_come_in_order_of_either_kind(bench: Bench) {
    for _ in 0..3 {
        bench.append_values("ops", 1).await;
        bench.append(vec![draft("ops"), draft("other"), NewEntry { lasting: false, ..draft("other") }]).await;
    }
    let (feed, all) = (TopicName::Feed, only(&["ops"]));
    let notices = Filter { lasting: true, ..all.clone() };
    let after = async |filter: &Filter, offset, limit| {
        let slice = bench.store.read_after(&feed, offset, filter, limit).await.expect("read");
        (offsets(&slice.records), slice.more)
    };
    let before = async |filter: &Filter, offset, limit| {
        let slice = bench.store.read_before(&feed, offset, filter, limit).await.expect("read");
        (offsets(&slice.records), slice.more)
    };
    assert_eq!(after(&all, 0, 9).await, (vec![1, 2, 5, 6, 9, 10], false));
    assert_eq!(after(&all, 1, 3).await, (vec![2, 5, 6], true));
    assert_eq!(before(&all, 10, 3).await, (vec![5, 6, 9], true));
    assert_eq!(before(&all, Offset::MAX, 9).await, (vec![1, 2, 5, 6, 9, 10], false));
    assert_eq!(after(&notices, 2, 9).await, (vec![6, 10], false));
    assert_eq!(before(&notices, 10, 1).await, (vec![6], true));
    assert_eq!(before(&only(&["never"]), 10, 1).await, (vec![], false));
}

async fn topics_do_not_see_each_other(bench: Bench) {
    let room = TopicName::Room(RoomId::parse("general").expect("fine"));
    bench.append(vec![draft("c")]).await;
    let said = bench.store.append(&room, vec![draft("c")]).await.expect("appended");
    assert_eq!(said[0].record.offset, 1);
    let epochs = (
        bench.store.bounds(&room).await.expect("read").epoch,
        bench.store.bounds(&TopicName::Feed).await.expect("read").epoch,
    );
    assert_ne!(epochs.0, epochs.1);
    assert_eq!(bench.store.topics().await.expect("read"), [TopicName::Feed, room]);
}

async fn rooms_are_made_once_and_not_without_end(bench: Bench) {
    let room = |id: &str| Room::new(RoomId::parse(id).expect("fine"), id.to_uppercase());
    let create = async |id| bench.store.create_room(room(id), 2).await.expect("answered");
    assert_eq!(create("b").await, RoomCreation::Created);
    assert_eq!(create("a").await, RoomCreation::Created);
    assert_eq!(create("a").await, RoomCreation::Exists);
    assert_eq!(create("c").await, RoomCreation::Full);
    assert_eq!(bench.store.rooms().await.expect("read"), [room("b"), room("a")]);
}

async fn of_a_removed_room_the_log_keeps_its_epoch_and_its_head_and_nothing_else(bench: Bench) {
    let room = Room::new(RoomId::parse("a").expect("fine"), "A".to_owned());
    let topic = TopicName::Room(room.id.clone());
    assert_eq!(bench.store.create_room(room.clone(), 1).await.expect("answered"), RoomCreation::Created);
    let entry = |index: u32, lasting| NewEntry {
        client_id: Some(format!("c{index}")),
        channel: None,
        lasting,
        ..draft("c")
    };
    for index in 0..7 {
        bench.store.append(&topic, vec![entry(index, index % 2 == 0)]).await.expect("appended");
    }
    let before = bench.store.bounds(&topic).await.expect("read");
    for _ in 0..2 {
        bench.store.remove_room(&room.id).await.expect("removed, also twice");
    }
    let bench = bench.reopened().await;
    let slice = bench.store.read_after(&topic, 0, &Filter::default(), 10).await.expect("read");
    assert_eq!((slice.records, slice.removed), (vec![], 7));
    let lasting = Filter { lasting: true, ..Filter::default() };
    assert_eq!(bench.store.read_before(&topic, 9, &lasting, 10).await.expect("read").records, []);
    let bounds = bench.store.bounds(&topic).await.expect("read");
    assert_eq!((bounds.epoch, bounds.head, bounds.floor), (before.epoch, 7, 7));
    assert_eq!(bench.store.rooms().await.expect("read"), []);
    // Its place is free; a late entry goes with the next trim.
    let other = Room::new(RoomId::parse("b").expect("fine"), "B".to_owned());
    assert_eq!(bench.store.create_room(other, 1).await.expect("answered"), RoomCreation::Created);
    bench.store.append(&topic, vec![entry(9, true)]).await.expect("appended");
    assert_eq!(bench.store.trim(&topic, Retention::NOTHING, 1).await.expect("trimmed"), 1);
}

async fn a_change_of_documents_is_made_whole_or_not_at_all(bench: Bench) {
    let put = |id: &str, expect, body: &str| Mutation::put(Kind::Account, id, expect, &body);
    let change = async |steps| bench.directory.grant(steps).await.expect("answered").is_committed();
    assert!(change(vec![put("a", Precondition::Absent, "1"), put("b", Precondition::Absent, "1")]).await);
    assert!(
        !change(vec![put("c", Precondition::Absent, "2"), put("a", Precondition::Absent, "2")]).await,
        "a is there"
    );
    assert!(
        !change(vec![put("a", Precondition::Present, "3"), put("d", Precondition::Present, "3")]).await,
        "d is not"
    );
    assert!(
        change(vec![
            Mutation::remove(Kind::Account, "b", Precondition::Present),
            put("a", Precondition::Anything, "4")
        ])
        .await
    );
    let bench = bench.reopened().await;
    let all: Vec<(String, String)> = bench.directory.read_all(Kind::Account, "").await.expect("read");
    assert_eq!(all, [("a".to_owned(), "4".to_owned())]);
}

async fn documents_are_found_by_kind_and_how_their_id_begins(bench: Bench) {
    for (kind, id) in
        [(Kind::Member, "井/b"), (Kind::Member, "井/a"), (Kind::Member, "井戸/c"), (Kind::Session, "井/d")]
    {
        let step = Mutation::put(kind, id, Precondition::Absent, &id);
        assert!(bench.directory.grant(vec![step]).await.expect("answered").is_committed());
    }
    let found: Vec<(String, String)> = bench.directory.read_all(Kind::Member, "井/").await.expect("read");
    assert_eq!(found.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), ["井/a", "井/b"]);
    assert_eq!(bench.directory.get(Kind::Member, "井/d").await.expect("read"), None);
}

async fn of_many_who_take_one_document_one_gets_it(bench: Bench) {
    let steps = || vec![Mutation::put(Kind::AccountName, "alice", Precondition::Absent, &"id")];
    let taken = futures_util::future::join_all((0..8).map(|_| bench.directory.grant(steps()))).await;
    assert_eq!(taken.into_iter().filter(|taken| taken.as_ref().expect("answered").is_committed()).count(), 1);
}

async fn a_document_is_changed_as_it_was_read_and_not_when_it_is_a_newer_one(bench: Bench) {
    let directory = &*bench.directory;
    let change = async |steps| directory.grant(steps).await.expect("answered").is_committed();
    assert_eq!(directory.read_to_change::<u64>(Kind::Account, "a").await.expect("read"), None);
    assert!(
        !change(vec![Mutation::put(Kind::Account, "a", Precondition::Is("0".into()), &1)]).await,
        "it is not there"
    );
    assert!(change(vec![Mutation::put(Kind::Account, "a", Precondition::Absent, &0)]).await);
    let add_one = async || loop {
        let (count, unchanged) =
            directory.read_to_change::<u64>(Kind::Account, "a").await.expect("read").expect("it is there");
        if change(vec![Mutation::put(Kind::Account, "a", unchanged, &(count + 1))]).await {
            return;
        }
    };
    futures_util::future::join_all((0..8).map(|_| add_one())).await;
    let (count, unchanged) =
        directory.read_to_change::<u64>(Kind::Account, "a").await.expect("read").expect("it is there");
    assert_eq!(count, 8, "none wrote over another one");
    let held = || Mutation::check(Kind::Account, "a", unchanged.clone());
    assert!(change(vec![held(), Mutation::put(Kind::Account, "b", Precondition::Absent, &1)]).await);
    assert_eq!(
        directory.get(Kind::Account, "a").await.expect("read").as_deref(),
        Some("8"),
        "it was only held"
    );
    assert!(change(vec![Mutation::remove(Kind::Account, "a", unchanged.clone())]).await);
    assert!(!change(vec![held(), Mutation::put(Kind::Account, "c", Precondition::Absent, &1)]).await);
    assert_eq!(directory.get(Kind::Account, "c").await.expect("read"), None);
}

async fn all_documents_of_a_prefix_go_but_for_one(bench: Bench) {
    let ids = ["a/1", "a/2", "a/3", "ab/1", "a"];
    let steps = ids.map(|id| Mutation::put(Kind::Session, id, Precondition::Absent, &id));
    assert!(bench.directory.grant(steps.to_vec()).await.expect("answered").is_committed());
    let left = async || {
        let found = bench.directory.list(Kind::Session, "").await.expect("read").into_iter();
        found.map(|(id, _)| id).collect::<Vec<_>>()
    };
    for (except, expected) in [(Some("a/2"), vec!["a", "a/2", "ab/1"]), (None, vec!["a", "ab/1"])] {
        let step = Mutation::remove_under(Kind::Session, "a/", except.map(str::to_owned));
        assert!(bench.directory.grant(vec![step]).await.expect("answered").is_committed());
        assert_eq!(left().await, expected);
    }
}

async fn a_closed_store_refuses_and_does_not_hang(bench: Bench) {
    bench.store.close().await;
    bench.store.append(&TopicName::Feed, vec![draft("c")]).await.expect_err("closed");
}

#[tokio::test]
async fn what_was_removed_before_it_was_noted_is_assumed_of_every_channel() {
    let bench = Bench::sqlite().await;
    bench.append(vec![draft("ops")]).await;
    bench.append_values("server", 20).await;
    bench.store.trim(&TopicName::Feed, keep(5), 0).await.expect("trimmed");
    bench.store.close().await;
    let Bench { location, folder, .. } = bench;
    let path = folder.as_ref().expect("it has one").path().join("test.db");
    // The schema as the version before `removals` left it.
    let connection = rusqlite::Connection::open(&path).expect("opened");
    let downgrade = "DROP TABLE files; DROP TABLE removed_contents; DROP TABLE search_words; DROP TABLE search_documents; DROP TABLE search_pending; DROP TABLE search_version; DROP TABLE erasures; DROP TABLE people; DROP INDEX entries_notices_by_channel; DROP TABLE changes; DROP TABLE removals; ALTER TABLE topics DROP COLUMN removed;
                     DROP INDEX entries_counted; ALTER TABLE entries DROP COLUMN erased; DROP TABLE states; DROP TABLE tags; DROP INDEX entries_by_thread; ALTER TABLE entries DROP COLUMN thread;
                     DROP INDEX entries_by_target; ALTER TABLE entries DROP COLUMN target; PRAGMA user_version = 4;";
    connection.execute_batch(downgrade).expect("taken back");
    drop(connection);
    let bench = Bench::open(location, folder).await;
    assert_eq!(bench.removed(&only(&["ops"])).await, 16);
    bench.append_values("server", 5).await;
    bench.store.trim(&TopicName::Feed, keep(5), 0).await.expect("trimmed");
    assert_eq!((bench.removed(&only(&["ops"])).await, bench.removed(&Filter::default()).await), (16, 21));
}

#[tokio::test]
async fn a_database_of_a_later_version_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("test.db");
    let store = SqliteStore::open(&path, Arc::new(Announced::default())).expect("opened");
    store.close().await;
    let connection = rusqlite::Connection::open(&path).expect("opened");
    connection.pragma_update(None, "user_version", 999).expect("written");
    let refused =
        SqliteStore::open(&path, Arc::new(Announced::default())).err().expect("too new").to_string();
    assert!(refused.contains("newer idobata"), "{refused}");
}

/// Turns each function into one test per store.
macro_rules! on_both_stores {
    ($($name:ident,)*) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name(super::Bench::sqlite().await).await;
            })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name(super::Bench::postgres().await).await;
            })*
        }
    };
}

on_both_stores! {
    offsets_have_no_holes_whoever_appends_at_the_same_time,
    history_offsets_and_epoch_survive_a_restart,
    the_same_client_id_returns_the_first_entry,
    a_client_id_outlives_its_entry_until_its_own_age,
    the_same_client_id_twice_in_one_append_is_one_entry,
    slices_read_in_both_directions_and_tell_if_there_is_more,
    a_filter_lets_its_channels_through,
    trimming_by_count_raises_the_floor,
    trimming_by_age_may_empty_a_log_and_keeps_its_numbering,
    what_is_appended_is_dated_by_the_clock_whatever_was_before_it,
    an_entry_with_a_wrong_date_goes_by_age_with_its_neighbours,
    a_lasting_entry_below_the_floor_goes_by_age_with_its_neighbours,
    the_newest_time_is_that_of_the_last_entry_that_is_not_of_the_future,
    lasting_entries_outlive_the_values_around_them,
    each_channel_knows_how_far_it_was_removed,
    channels_without_end_are_folded_and_the_recent_ones_stay_exact,
    a_large_trim_goes_in_steps_to_its_end,
    the_latest_values_come_by_channel,
    channels_with_entries_of_either_kind_are_named_once_in_order,
    the_entries_of_one_channel_come_in_order_of_either_kind,
    topics_do_not_see_each_other,
    rooms_are_made_once_and_not_without_end,
    of_a_removed_room_the_log_keeps_its_epoch_and_its_head_and_nothing_else,
    a_change_of_documents_is_made_whole_or_not_at_all,
    documents_are_found_by_kind_and_how_their_id_begins,
    of_many_who_take_one_document_one_gets_it,
    a_document_is_changed_as_it_was_read_and_not_when_it_is_a_newer_one,
    all_documents_of_a_prefix_go_but_for_one,
    a_closed_store_refuses_and_does_not_hang,
    a_change_is_an_entry_and_part_of_the_one_that_it_changes,
    a_rejected_change_leaves_nothing_and_takes_no_other_with_it,
    a_repeated_change_is_folded_once,
    changes_of_many_writers_are_folded_in_the_order_of_their_offsets,
    a_deletion_erases_earlier_changes_of_its_entry_and_no_others,
    an_entry_that_retention_removed_cannot_be_changed,
    retention_counts_messages_and_not_changes,
    a_tag_has_its_holders_in_the_order_in_which_they_got_it,
    the_next_holder_takes_a_free_place_among_the_first,
    a_rejected_change_gives_and_takes_no_tag,
    tags_of_many_holders_are_counted_once_each,
    tags_go_with_their_entry,
    an_answer_is_placed_by_its_rule_under_the_lock_and_once,
    what_is_placed_in_a_thread_is_read_with_its_root_in_both_directions,
    threads_are_counted_with_their_newest_entry_and_without_what_was_erased,
    entries_are_read_by_their_offsets,
    an_entry_changes_the_state_of_its_key_by_its_rule,
    what_changes_nothing_is_no_entry_and_tells_what_is_stored,
    a_rejected_state_leaves_nothing_and_takes_no_other_with_it,
    a_repeated_entry_changes_the_state_once,
    states_of_many_writers_are_folded_in_the_order_of_their_offsets,
    state_outlives_the_entries_that_made_it,
    the_keys_of_a_log_have_an_end,
    a_users_log_is_made_by_its_first_write_and_not_by_reading,
    what_others_said_is_counted_as_a_room_shows_it,
    many_rooms_are_counted_at_once_in_the_order_in_which_they_were_asked_for,
    counts_equal_a_count_of_what_was_done_in_any_order,
    a_person_is_noted_once_and_keeps_what_they_began_with,
    people_are_those_whose_log_has_the_key_by_how_their_name_begins,
    people_are_found_by_whole_names_those_first_who_were_seen_last,
    who_was_not_seen_for_long_and_has_no_marks_is_forgotten,
    a_query_finds_what_the_table_says,
    what_is_found_comes_newest_first_page_by_page_and_only_where_it_is_looked_for,
    an_edit_and_a_deletion_change_what_is_found_at_once,
    what_retention_or_a_removed_room_takes_is_not_found,
    an_entry_may_take_earlier_ones_out,
    what_is_not_indexed_yet_is_indexed_step_by_step_also_after_a_restart,
    a_file_is_read_back_as_it_was_added,
    a_file_that_exceeds_a_quota_is_not_added,
    a_hash_that_lost_a_record_is_noted_until_somebody_looked_after_it,
    a_file_becomes_part_of_one_entry_of_its_owner,
    the_files_of_an_entry_go_with_it,
}
