//! Conformance of references and threads: entries that take their place among earlier ones. The rules here are simple ones of
//! the tests' own.

use std::sync::Arc;

use super::{Bench, draft, keep, offsets};
use crate::{
    protocol::{
        cursor::Offset,
        name::RoomId,
        problem::{Code, Rejection},
    },
    server::store::{
        Appended, Change, Filter, Fold, Folded, NewEntry, Record, Reference, Resolve, Resolved, Side,
        StoreError, TagState, TopicName,
    },
};

/// Takes the place behind an entry in its thread, and copies its body, which must be there.
struct Behind(Offset);

impl Resolve for Behind {
    fn resolve(&self, stored: &[Option<Record>]) -> Result<Resolved, Rejection> {
        let body = stored[0].as_ref().map(|record| record.body.as_str()).filter(|body| !body.is_empty());
        let body = body.ok_or_else(|| Rejection::new(Code::NotFound, "It is not there."))?;
        Ok(Resolved { body: format!("after {body}"), thread: Some(self.0) })
    }
}

/// Empties the entry.
struct Erase;

impl Fold for Erase {
    fn fold(&self, _: Option<&Record>, _: &TagState, _: Offset) -> Result<Folded, Rejection> {
        Ok(Folded { body: String::new(), change_body: None, erase: Some(|_| String::new()) })
    }
}

fn room() -> TopicName {
    TopicName::Room(RoomId::parse("general").expect("fine"))
}

fn message(text: &str) -> NewEntry {
    NewEntry { channel: None, body: text.into(), ..draft("") }
}

fn answer(target: Offset) -> NewEntry {
    let reference = Some(Reference { targets: vec![target], rule: Arc::new(Behind(target)) });
    NewEntry { reference, ..message("") }
}

fn deletion(target: Offset) -> NewEntry {
    let change = Some(Change { target, tag: None, fold: Arc::new(Erase) });
    NewEntry { lasting: false, change, ..message("") }
}

impl Bench {
    async fn say(&self, drafts: Vec<NewEntry>) -> Result<Vec<Appended>, StoreError> {
        self.store.append(&room(), drafts).await
    }

    async fn thread(&self, root: Offset, side: Side, limit: usize) -> (Vec<Offset>, bool) {
        let slice = self.store.read_thread(&room(), root, side, limit).await.expect("read");
        (offsets(&slice.records), slice.more)
    }

    /// Root, count and newest entry of each of these threads.
    async fn counted(&self, roots: &[Offset]) -> Vec<(Offset, u64, Offset)> {
        let (_, threads) = self.store.threads(&room(), roots).await.expect("read");
        threads.into_iter().map(|thread| (thread.root, thread.count, thread.last.offset)).collect()
    }
}

pub(super) async fn an_answer_is_placed_by_its_rule_under_the_lock_and_once(bench: Bench) {
    bench.say(vec![message("one")]).await.expect("appended");
    let sent = || NewEntry { client_id: Some("id".into()), ..answer(1) };
    let first = bench.say(vec![sent()]).await.expect("appended").remove(0);
    assert_eq!(first.record.body, "after one");
    // In the batch of what it answers, and of what erases that.
    let resolved = bench.say(vec![message("two"), answer(3)]).await.expect("appended");
    assert_eq!(resolved[1].record.body, "after two");
    let rejected = bench.say(vec![deletion(3), answer(3)]).await.expect_err("it is gone");
    assert!(matches!(rejected, StoreError::Rejected(_)), "{rejected}");
    for target in [0, 9, Offset::MAX] {
        bench.say(vec![answer(target)]).await.expect_err("it never was");
    }
    bench.say(vec![deletion(1)]).await.expect("appended");
    bench.say(vec![answer(1)]).await.expect_err("it is gone");
    let again = bench.say(vec![sent()]).await.expect("answered").remove(0);
    assert_eq!((again.record, again.first), (first.record, false), "a repeat is not resolved again");
}

pub(super) async fn what_is_placed_in_a_thread_is_read_with_its_root_in_both_directions(bench: Bench) {
    bench.say(vec![message("one"), message("two")]).await.expect("appended");
    for target in [1, 2, 1, 1, 2] {
        bench.say(vec![answer(target)]).await.expect("appended");
    }
    let bench = bench.reopened().await;
    assert_eq!(bench.thread(1, Side::After(0), 9).await, (vec![1, 3, 5, 6], false));
    assert_eq!(bench.thread(1, Side::After(1), 2).await, (vec![3, 5], true));
    assert_eq!(bench.thread(1, Side::Before(Offset::MAX), 2).await, (vec![5, 6], true));
    assert_eq!(bench.thread(1, Side::Before(5), 9).await, (vec![1, 3], false));
    assert_eq!(bench.thread(3, Side::After(0), 9).await, (vec![3], false), "an answer begins none");
    assert_eq!(bench.thread(9, Side::After(0), 9).await, (vec![], false));
    let outside = Filter { lasting: true, outside_threads: true, ..Filter::default() };
    let slice = bench.store.read_before(&room(), Offset::MAX, &outside, 9).await.expect("read");
    assert_eq!(offsets(&slice.records), [1, 2]);
    bench.store.trim(&room(), keep(4), 0).await.expect("trimmed");
    assert_eq!(bench.thread(1, Side::After(0), 9).await, (vec![5, 6], false), "the root is gone");
}

pub(super) async fn threads_are_counted_with_their_newest_entry_and_without_what_was_erased(bench: Bench) {
    assert_eq!(bench.counted(&[1]).await, []);
    bench.say(vec![message("one"), message("two"), message("three")]).await.expect("appended");
    for target in [2, 1, 1, 1] {
        bench.say(vec![answer(target)]).await.expect("appended");
    }
    assert_eq!(bench.counted(&[1, 2, 3, 9]).await, [(1, 3, 7), (2, 1, 4)]);
    bench.say(vec![deletion(7)]).await.expect("appended");
    bench.say(vec![deletion(4)]).await.expect("appended");
    let bench = bench.reopened().await;
    assert_eq!(bench.counted(&[1, 2]).await, [(1, 2, 6)]);
    assert_eq!(bench.thread(1, Side::After(0), 9).await, (vec![1, 5, 6], false));
    assert_eq!(bench.store.threads(&room(), &[]).await.expect("read").0, 9, "the head is told");
}

pub(super) async fn entries_are_read_by_their_offsets(bench: Bench) {
    bench.say(vec![message("one"), message("two"), message("three")]).await.expect("appended");
    let found = bench.store.read_each(&room(), &[3, 1, 9, 3]).await.expect("read");
    assert_eq!(offsets(&found), [1, 3]);
    assert!(bench.store.read_each(&room(), &[]).await.expect("read").is_empty());
}
