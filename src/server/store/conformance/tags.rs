//! Conformance of tags: a fold knows who holds the tag of its change, whoever gives and takes it at the same time.

use std::sync::Arc;

use super::{
    Bench,
    changes::{message, room},
    keep,
};
use crate::{
    protocol::{
        cursor::Offset,
        problem::{Code, Rejection},
    },
    server::store::{Change, Fold, Folded, NewEntry, Record, StoreError, TAG_HOLDERS, TagChange, TagState},
};

const DELETE: &str = "delete";
const BAD: &str = "bad";

/// Makes the body what the state says: the count of a given tag, and the first holders before the change. `delete` erases
/// and `bad` is rejected.
struct Count(TagChange);

impl Fold for Count {
    fn fold(&self, stored: Option<&Record>, tag: &TagState, _: Offset) -> Result<Folded, Rejection> {
        let body = stored.map_or("", |record| record.body.as_str());
        let count: i64 = body.split(' ').next().and_then(|count| count.parse().ok()).unwrap_or_default();
        let erase = (self.0.name == DELETE).then_some((|_: &str| String::new()) as fn(&str) -> String);
        if self.0.name == BAD {
            return Err(Rejection::new(Code::NotFound, "It is bad."));
        }
        let difference = match (self.0.is_given, tag.is_held) {
            (true, false) => 1,
            (false, true) => -1,
            _ => 0,
        };
        let first: Vec<_> = tag.first.iter().map(|(id, name)| format!("{id}={name}")).collect();
        let body = format!("{} {}", count + difference, first.join(","));
        Ok(Folded { change_body: Some(format!("{} by {}", body, self.0.holder)), body, erase })
    }
}

fn tag(target: Offset, name: &str, holder: &str, is_given: bool) -> NewEntry {
    let (name, holder_name) = (name.to_owned(), holder.to_uppercase());
    let tag = TagChange { name, holder: holder.to_owned(), holder_name, is_given };
    let change = Change { target, tag: Some(tag.clone()), fold: Arc::new(Count(tag)) };
    NewEntry { author: holder.into(), lasting: false, change: Some(change), ..message("as sent") }
}

fn give(holder: &str) -> NewEntry {
    tag(1, "+1", holder, true)
}

fn take(holder: &str) -> NewEntry {
    tag(1, "+1", holder, false)
}

impl Bench {
    /// Appends the entries and returns the body of the first message then.
    async fn body_after(&self, drafts: Vec<NewEntry>) -> String {
        let appended = self.store.append(&room(), drafts).await.expect("appended");
        appended.last().and_then(|one| one.folded.clone()).expect("folded").body
    }

    async fn held(&self, holder: &str, pairs: &[(Offset, &str)]) -> Vec<(Offset, String)> {
        let pairs = pairs.iter().map(|(target, name)| (*target, (*name).to_owned())).collect();
        self.store.held(&room(), holder, pairs).await.expect("read")
    }
}

pub(super) async fn a_tag_has_its_holders_in_the_order_in_which_they_got_it(bench: Bench) {
    bench.store.append(&room(), vec![message("0"), message("0")]).await.expect("appended");
    assert_eq!(bench.body_after(vec![give("b")]).await, "1 ");
    assert_eq!(bench.body_after(vec![give("a"), give("a")]).await, "2 b=B,a=A", "twice is once");
    assert_eq!(bench.body_after(vec![tag(1, "tada", "b", true)]).await, "3 ", "another tag");
    assert_eq!(bench.body_after(vec![tag(2, "+1", "b", true)]).await, "1 ", "another entry");
    let bench = bench.reopened().await;
    assert_eq!(bench.body_after(vec![take("c")]).await, "3 b=B,a=A", "taking what is not there is nothing");
    assert_eq!(bench.body_after(vec![take("b"), take("b"), give("b"), give("c")]).await, "4 a=A,b=B");
    let pairs = [(1, "+1"), (1, "tada"), (2, "+1"), (2, "tada"), (9, "+1")];
    let mut held = bench.held("b", &pairs).await;
    held.sort();
    assert_eq!(held, [(1, "+1".to_owned()), (1, "tada".to_owned()), (2, "+1".to_owned())]);
    assert_eq!(bench.held("nobody", &pairs).await, []);
    let changes = bench.store.read_after(&room(), 2, &super::Filter::default(), 1).await.expect("read");
    assert_eq!(changes.records[0].body, "1  by b", "a fold writes the body of its change");
}

pub(super) async fn the_next_holder_takes_a_free_place_among_the_first(bench: Bench) {
    bench.store.append(&room(), vec![message("0")]).await.expect("appended");
    let holders: Vec<_> = (0..30).map(|index| format!("h{index:02}")).collect();
    bench.store.append(&room(), holders.iter().map(|holder| give(holder)).collect()).await.expect("appended");
    let first = |from: usize| {
        let named: Vec<_> = holders
            .iter()
            .skip(from)
            .take(TAG_HOLDERS)
            .map(|id| format!("{id}={}", id.to_uppercase()))
            .collect();
        named.join(",")
    };
    assert_eq!(bench.body_after(vec![take("h00")]).await, format!("29 {}", first(0)));
    assert_eq!(
        bench.body_after(vec![take("h01"), take("h02"), take("h03")]).await,
        format!("26 {}", first(3))
    );
    assert_eq!(
        bench.body_after(vec![take("h29")]).await,
        format!("25 {}", first(4)),
        "who is not among the first"
    );
}

pub(super) async fn a_rejected_change_gives_and_takes_no_tag(bench: Bench) {
    bench.store.append(&room(), vec![message("0")]).await.expect("appended");
    bench.body_after(vec![give("a")]).await;
    let room = room();
    let (half, whole) = tokio::join!(
        bench.store.append(&room, vec![give("b"), take("a"), tag(1, BAD, "b", true)]),
        bench.store.append(&room, vec![give("c")]),
    );
    assert!(matches!(half, Err(StoreError::Rejected(_))) && whole.is_ok());
    assert_eq!(bench.body_after(vec![take("nobody")]).await, "2 a=A,c=C");
}

pub(super) async fn tags_of_many_holders_are_counted_once_each(bench: Bench) {
    bench.store.append(&room(), vec![message("0")]).await.expect("appended");
    let tasks: Vec<_> = (0..90)
        .map(|index| {
            let (store, holder) = (bench.store.clone(), format!("h{:02}", index % 30));
            // Of each holder two give and one takes, in whatever order.
            tokio::spawn(async move { store.append(&room(), vec![tag(1, "+1", &holder, index < 60)]).await })
        })
        .collect();
    for task in tasks {
        task.await.expect("no panic").expect("appended");
    }
    let mut count = 0;
    for index in 0..30 {
        count += bench.held(&format!("h{index:02}"), &[(1, "+1")]).await.len();
    }
    let body = bench.body_after(vec![take("nobody")]).await;
    assert_eq!(
        body.split(' ').next(),
        Some(&*count.to_string()),
        "the body counts what the table has: {body}"
    );
}

pub(super) async fn tags_go_with_their_entry(bench: Bench) {
    let pin = |target, is_given| tag(target, "pin", "", is_given);
    bench.store.append(&room(), vec![message("0"), message("0"), message("0")]).await.expect("appended");
    for target in [1, 3, 2] {
        bench.store.append(&room(), vec![pin(target, true)]).await.expect("appended");
    }
    let tagged =
        async |limit| super::offsets(&bench.store.tagged(&room(), "pin", limit).await.expect("read"));
    assert_eq!(tagged(9).await, [2, 3, 1], "those first that got it last");
    assert_eq!(tagged(2).await, [2, 3]);
    bench
        .store
        .append(&room(), vec![pin(3, false), tag(3, "pin", "somebody", true)])
        .await
        .expect("appended");
    assert_eq!(tagged(9).await, [2, 1], "not those that somebody holds");
    bench.store.append(&room(), vec![tag(2, DELETE, "a", true)]).await.expect("appended");
    assert_eq!(tagged(9).await, [1], "an erased entry has none");
    bench.store.append(&room(), vec![message("0")]).await.expect("appended");
    bench.store.trim(&room(), keep(3), 0).await.expect("trimmed");
    assert_eq!(tagged(9).await, [0; 0], "nor has a removed one");
    assert_eq!(bench.held("", &[(1, "pin")]).await, []);
}
