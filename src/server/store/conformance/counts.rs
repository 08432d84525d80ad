//! Conformance of the counts of what a room shows: compared with a count of the tests' own over what was done.

use std::sync::Arc;

use super::{Bench, changes::message, draft};
use crate::{
    protocol::{chat::Room, cursor::Offset, name::RoomId, problem::Rejection},
    server::store::{
        Change, Fold, Folded, NewEntry, Record, Reference, Resolve, Resolved, TagState, TopicName,
    },
};

fn room(id: &str) -> TopicName {
    TopicName::Room(RoomId::parse(id).expect("fine"))
}

/// Places an entry in a thread.
struct Into(Offset);

impl Resolve for Into {
    fn resolve(&self, _: &[Option<Record>]) -> Result<Resolved, Rejection> {
        Ok(Resolved { body: "an answer".into(), thread: Some(self.0) })
    }
}

/// Erases the entry, or leaves it as it is.
struct Rewrite {
    erases: bool,
}

impl Fold for Rewrite {
    fn fold(&self, stored: Option<&Record>, _: &TagState, _: Offset) -> Result<Folded, Rejection> {
        let body = stored.map(|record| record.body.clone()).unwrap_or_default();
        Ok(Folded { body, change_body: None, erase: self.erases.then_some(|_: &str| String::new()) })
    }
}

fn by(author: &str, entry: NewEntry) -> NewEntry {
    NewEntry { author: author.into(), ..entry }
}

fn answer(root: Offset) -> NewEntry {
    NewEntry { reference: Some(Reference { targets: vec![root], rule: Arc::new(Into(root)) }), ..message("") }
}

fn change(target: Offset, erases: bool) -> NewEntry {
    let change = Some(Change { target, tag: None, fold: Arc::new(Rewrite { erases }) });
    NewEntry { lasting: false, change, ..message("a change") }
}

impl Bench {
    async fn write(&self, topic: &TopicName, drafts: Vec<NewEntry>) {
        self.store.append(topic, drafts).await.expect("appended");
    }

    async fn count(&self, topic: &TopicName, after: Offset, author: &str, max: u64) -> u64 {
        let counts = self.store.count_after(&[(topic.clone(), after)], author, max).await;
        counts.expect("counted")[0]
    }
}

pub(super) async fn what_others_said_is_counted_as_a_room_shows_it(bench: Bench) {
    let general = room("general");
    let words = ["a", "b", "b", "a", "c"].map(|author| by(author, message("hi")));
    bench.write(&general, words.to_vec()).await; // 1 to 5
    bench.write(&general, vec![by("b", answer(1)), by("b", change(2, false)), by("b", message("hi"))]).await; // 6, 7, 8
    assert_eq!(bench.count(&general, 0, "a", 100).await, 4, "2, 3, 5 and 8");
    assert_eq!(bench.count(&general, 2, "a", 100).await, 3, "3, 5 and 8");
    assert_eq!(bench.count(&general, 0, "nobody", 100).await, 6);
    assert_eq!(bench.count(&general, 0, "a", 3).await, 3, "no more than asked for");
    for after in [8, 9, Offset::MAX] {
        assert_eq!(bench.count(&general, after, "a", 100).await, 0);
    }
    bench.write(&general, vec![change(3, true), change(6, true)]).await;
    assert_eq!(
        bench.count(&general, 2, "a", 100).await,
        2,
        "a deletion makes it less, and one in a thread not more"
    );
    // A message that is deleted in the batch in which it was said.
    bench.write(&general, vec![by("b", message("oops")), change(11, true)]).await;
    assert_eq!(bench.count(&general, 2, "a", 100).await, 2);
    bench.write(&general, vec![change(5, false), change(8, true)]).await;
    assert_eq!(bench.count(&general, 2, "a", 100).await, 1, "another change changes nothing");
    let bench = bench.reopened().await;
    assert_eq!(bench.count(&general, 2, "a", 100).await, 1);
}

pub(super) async fn many_rooms_are_counted_at_once_in_the_order_in_which_they_were_asked_for(bench: Bench) {
    let mut places = Vec::new();
    for n in 1..=40u64 {
        let topic = room(&format!("r{n}"));
        let words: Vec<_> = (0..n).map(|_| by("b", message("hi"))).collect();
        bench.write(&topic, words).await;
        places.push((topic, n / 2));
    }
    bench.write(&TopicName::Feed, vec![draft("ops")]).await;
    places.insert(7, (room("nowhere"), 0));
    places.push((places[3].0.clone(), 0));
    let counts = bench.store.count_after(&places, "a", 15).await.expect("counted");
    let mut expected: Vec<u64> = (1..=40).map(|n| (n - n / 2).min(15)).collect();
    expected.insert(7, 0);
    expected.push(4);
    assert_eq!(counts, expected);
    assert_eq!(bench.store.count_after(&[], "a", 15).await.expect("counted"), [0; 0]);
    assert_eq!(bench.store.newest_counted(&room("nowhere"), 9).await.expect("read"), None);
    assert_eq!(bench.store.topics().await.expect("read").len(), 41, "a count makes no log");
}

/// The tests' knowledge of an entry.
struct Said {
    author: &'static str,
    is_shown: bool,
}

pub(super) async fn counts_equal_a_count_of_what_was_done_in_any_order(bench: Bench) {
    let (general, seed) = (room("general"), fastrand::u64(..));
    let mut random = fastrand::Rng::with_seed(seed);
    let mut said: Vec<Said> = Vec::new();
    for _ in 0..60 {
        let mut drafts = Vec::new();
        for _ in 0..random.usize(1..5) {
            let author = ["a", "b", "c"][random.usize(..3)];
            let target = random.u64(0..=said.len() as u64);
            let is_message = |offset: u64| offset > 0 && said[offset as usize - 1].author != "change";
            let (entry, is_shown) = match random.u8(..6) {
                0 if target > 0 => (answer(target), false),
                1 if is_message(target) => (change(target, false), false),
                2 | 3 if is_message(target) => {
                    said[target as usize - 1].is_shown = false;
                    (change(target, true), false)
                }
                _ => (message("hi"), true),
            };
            let author = if entry.change.is_some() { "change" } else { author };
            said.push(Said { author, is_shown });
            drafts.push(by(author, entry));
        }
        bench.write(&general, drafts).await;
        let after = random.usize(0..=said.len());
        for author in ["a", "nobody"] {
            let expected = said[after..].iter().filter(|one| one.is_shown && one.author != author).count();
            let counted = bench.count(&general, after as Offset, author, 1_000).await;
            assert_eq!(counted, expected as u64, "after {after} of {} by seed {seed}", said.len());
        }
        let shown = said.iter().enumerate().rev().filter(|(_, one)| one.is_shown);
        let newest: Vec<(Offset, String)> =
            shown.map(|(index, one)| (index as Offset + 1, one.author.into())).take(20).collect();
        let read = bench.store.newest_counted(&general, 20).await.expect("read").expect("it is there");
        assert_eq!((read.bounds.head, read.entries), (said.len() as Offset, newest), "by seed {seed}");
    }
}

#[tokio::test]
async fn what_was_deleted_before_there_were_counts_is_not_counted() {
    let bench = Bench::sqlite().await;
    let general = Room::new(RoomId::parse("general").expect("fine"), "general".into());
    bench.store.create_room(general, 9).await.expect("made");
    let texts = [
        r#"{"user":"b","text":"","rev":9,"deleted":true}"#,
        r#"{"user":"b","text":"{\"deleted\":true}"}"#,
        r#"{"user":"b","text":"hi","deleted":false}"#,
    ];
    bench.write(&room("general"), texts.map(|text| by("b", message(text))).to_vec()).await;
    bench.store.close().await;
    let Bench { location, folder, .. } = bench;
    let path = folder.as_ref().expect("it has one").path().join("test.db");
    let connection = rusqlite::Connection::open(&path).expect("opened");
    let downgrade = "DROP TABLE files; DROP TABLE removed_contents; DROP TABLE search_words; DROP TABLE search_documents; DROP TABLE search_pending; DROP TABLE search_version; DROP TABLE erasures; DROP TABLE people; DROP INDEX states_by_key; DROP INDEX entries_counted; ALTER TABLE entries DROP COLUMN erased; PRAGMA user_version = 11;";
    connection.execute_batch(downgrade).expect("taken back");
    drop(connection);
    let bench = Bench::open(location, folder).await;
    assert_eq!(bench.count(&room("general"), 0, "a", 100).await, 2);
}
