//! Conformance of changes: entries that are folded into an earlier one. The rules here are simple ones of the tests' own.

use std::sync::Arc;

use super::{Bench, draft, keep, offsets};
use crate::{
    protocol::{
        cursor::Offset,
        name::RoomId,
        problem::{Code, Rejection},
    },
    server::store::{
        Appended, Change, Filter, Fold, Folded, NewEntry, Record, StoreError, TagState, TopicName,
    },
};

/// Appends its text and its own offset to the body; `delete` empties it. What is not there or empty is rejected.
struct Add(&'static str);

const DELETE: &str = "delete";

impl Fold for Add {
    fn fold(&self, stored: Option<&Record>, _: &TagState, offset: Offset) -> Result<Folded, Rejection> {
        let body = stored.map(|record| record.body.as_str()).filter(|body| !body.is_empty());
        let Some(body) = body else { return Err(Rejection::new(Code::NotFound, "It is not there.")) };
        Ok(match self.0 {
            DELETE => Folded {
                body: String::new(),
                change_body: None,
                erase: Some(|body| body.replace("secret", "")),
            },
            text => Folded { body: format!("{body} {text}@{offset}"), change_body: None, erase: None },
        })
    }
}

pub(super) fn room() -> TopicName {
    TopicName::Room(RoomId::parse("general").expect("fine"))
}

pub(super) fn message(text: &str) -> NewEntry {
    NewEntry { channel: None, body: text.into(), ..draft("") }
}

pub(super) fn change(target: Offset, text: &'static str) -> NewEntry {
    let change = Some(Change { target, tag: None, fold: Arc::new(Add(text)) });
    NewEntry { lasting: false, change, ..message(text) }
}

impl Bench {
    async fn post(&self, drafts: Vec<NewEntry>) -> Result<Vec<Appended>, StoreError> {
        self.store.append(&room(), drafts).await
    }

    /// Every stored entry's offset, body, and the entry that it changes.
    async fn stored(&self) -> Vec<(Offset, String, Option<Offset>)> {
        let slice = self.store.read_after(&room(), 0, &Filter::default(), 1_000).await.expect("read");
        slice.records.into_iter().map(|record| (record.offset, record.body, record.target)).collect()
    }
}

fn is_rejected<T>(outcome: Result<T, StoreError>) -> bool {
    matches!(outcome, Err(StoreError::Rejected(Rejection { code: Code::NotFound, .. })))
}

pub(super) async fn a_change_is_an_entry_and_part_of_the_one_that_it_changes(bench: Bench) {
    bench.post(vec![message("one"), message("two")]).await.expect("appended");
    let changed = bench.post(vec![change(1, "more"), change(1, "still")]).await.expect("appended");
    let folded: Vec<_> = changed.iter().map(|one| one.folded.as_ref().expect("folded")).collect();
    assert_eq!((folded[0].offset, folded[0].body.as_str()), (1, "one more@3"));
    assert_eq!((folded[1].offset, folded[1].body.as_str()), (1, "one more@3 still@4"));
    let bench = bench.reopened().await;
    let row = |offset, body: &str, target| (offset, body.to_owned(), target);
    let expected = [
        row(1, "one more@3 still@4", None),
        row(2, "two", None),
        row(3, "more", Some(1)),
        row(4, "still", Some(1)),
    ];
    assert_eq!(bench.stored().await, expected);
    // In the append of the message itself.
    bench.post(vec![message("three"), change(5, "at once")]).await.expect("appended");
    assert_eq!(bench.stored().await[4], row(5, "three at once@6", None));
    let messages = Filter { lasting: true, ..Filter::default() };
    let page = bench.store.read_before(&room(), Offset::MAX, &messages, 2).await.expect("read");
    assert_eq!((offsets(&page.records), page.more), (vec![2, 5], true), "pages count messages");
}

pub(super) async fn a_rejected_change_leaves_nothing_and_takes_no_other_with_it(bench: Bench) {
    bench.post(vec![message("one")]).await.expect("appended");
    let with_id = |entry: NewEntry| NewEntry { client_id: Some("id".into()), ..entry };
    let (bad, good, half) = tokio::join!(
        bench.post(vec![change(9, "nothing there")]),
        bench.post(vec![message("two")]),
        bench.post(vec![with_id(message("half")), change(1, "half"), change(9, "nothing there")]),
    );
    assert!(is_rejected(bad) && is_rejected(half));
    assert_eq!(good.expect("appended")[0].record.offset, 2, "offsets have no gap");
    assert_eq!(bench.stored().await, [(1, "one".to_owned(), None), (2, "two".to_owned(), None)]);
    let again = bench.post(vec![with_id(message("whole"))]).await.expect("appended").remove(0);
    assert!(again.first, "the client id of what was rejected is free");
}

pub(super) async fn a_repeated_change_is_folded_once(bench: Bench) {
    bench.post(vec![message("one")]).await.expect("appended");
    let sent = || NewEntry { client_id: Some("id".into()), ..change(1, "more") };
    let first = bench.post(vec![sent()]).await.expect("appended").remove(0);
    let again = bench.post(vec![sent()]).await.expect("answered").remove(0);
    assert_eq!(again, Appended { record: first.record, first: false, folded: None, unchanged: None });
    let twice = bench.post(vec![change(1, "x"), sent()]).await.expect("answered");
    assert_eq!((twice[0].first, twice[1].first), (true, false));
    assert_eq!(bench.stored().await[0].1, "one more@2 x@3");
}

pub(super) async fn changes_of_many_writers_are_folded_in_the_order_of_their_offsets(bench: Bench) {
    bench.post(vec![message("one")]).await.expect("appended");
    let tasks: Vec<_> = (0..60)
        .map(|_| {
            let store = bench.store.clone();
            tokio::spawn(async move { store.append(&room(), vec![change(1, "x"), message("m")]).await })
        })
        .collect();
    for task in tasks {
        task.await.expect("no panic").expect("appended");
    }
    let stored = bench.stored().await;
    let expected = stored
        .iter()
        .filter(|(.., target)| *target == Some(1))
        .fold("one".to_owned(), |body, (offset, ..)| format!("{body} x@{offset}"));
    assert_eq!((stored.len(), &stored[0].1), (121, &expected));
}

pub(super) async fn a_deletion_erases_earlier_changes_of_its_entry_and_no_others(bench: Bench) {
    bench.post(vec![message("secret one"), message("secret two")]).await.expect("appended");
    bench.post(vec![change(1, "secret a"), change(2, "secret b")]).await.expect("appended");
    let deleted =
        bench.post(vec![change(1, "secret c"), change(1, DELETE), change(2, "d")]).await.expect("appended");
    assert_eq!(deleted[1].folded.as_ref().expect("folded").body, "");
    let bodies: Vec<_> = bench.stored().await.into_iter().map(|(_, body, _)| body).collect();
    assert_eq!(bodies, ["", "secret two secret b@4 d@7", " a", "secret b", " c", DELETE, "d"]);
    assert!(is_rejected(bench.post(vec![change(1, "too late")]).await));
}

pub(super) async fn an_entry_that_retention_removed_cannot_be_changed(bench: Bench) {
    bench.post(vec![message("one"), message("two")]).await.expect("appended");
    bench.store.trim(&room(), keep(1), 0).await.expect("trimmed");
    assert!(is_rejected(bench.post(vec![change(1, "too late")]).await));
    bench.post(vec![change(2, "in time")]).await.expect("appended");
    assert_eq!(bench.stored().await[0].1, "two in time@3");
}

pub(super) async fn retention_counts_messages_and_not_changes(bench: Bench) {
    bench.post(vec![message("one"), message("two")]).await.expect("appended");
    for _ in 0..10 {
        bench.post(vec![change(1, "x")]).await.expect("appended");
    }
    bench.store.trim(&room(), keep(2), 0).await.expect("trimmed");
    let messages = Filter { lasting: true, ..Filter::default() };
    let page = bench.store.read_before(&room(), Offset::MAX, &messages, 9).await.expect("read");
    assert_eq!(offsets(&page.records), [1, 2], "both are there");
    assert_eq!(page.removed, 0, "a reader of messages missed nothing");
    let all = bench.store.read_before(&room(), Offset::MAX, &Filter::default(), 9).await.expect("read");
    assert_eq!(all.removed, 10, "a reader of changes missed those that are gone");
}
