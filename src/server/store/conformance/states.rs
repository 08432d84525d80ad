//! Conformance of keyed state, and of the logs that are made by their first write. The rules here are simple ones of
//! the tests' own.

use std::sync::Arc;

use super::{Bench, draft, keep, offsets};
use crate::{
    protocol::{
        cursor::Offset,
        problem::{Code, Rejection},
    },
    server::store::{
        Appended, Filter, FoldState, FoldedState, NewEntry, STATE_KEYS_MAX, State, StateChange, StoreError,
        TopicName, Unchanged,
    },
};

/// Appends its text and its own offset to the value. `same` changes nothing, and `bad` is rejected.
struct Add(&'static str);

impl FoldState for Add {
    fn fold(&self, stored: Option<&str>, offset: Offset) -> Result<Option<FoldedState>, Rejection> {
        match self.0 {
            "same" => Ok(None),
            "bad" => Err(Rejection::new(Code::NotFound, "It is bad.")),
            text => {
                let value = format!("{}{text}@{offset} ", stored.unwrap_or_default());
                Ok(Some(FoldedState { body: format!("became {value}"), value }))
            }
        }
    }
}

fn user() -> TopicName {
    TopicName::of_user("井戸|a:b/c").expect("fine")
}

pub(super) fn add(key: &str, text: &'static str) -> NewEntry {
    let state = Some(StateChange { key: key.to_owned(), rule: Arc::new(Add(text)) });
    NewEntry { channel: None, lasting: false, body: "as sent".into(), state, ..draft("") }
}

fn state(key: &str, value: &str, offset: Offset) -> State {
    State { key: key.into(), value: value.into(), offset }
}

impl Bench {
    async fn mark(&self, drafts: Vec<NewEntry>) -> Result<Vec<Appended>, StoreError> {
        self.store.append(&user(), drafts).await
    }

    async fn states(&self) -> (Offset, Vec<State>) {
        let (bounds, states) = self.store.states(&user()).await.expect("read");
        (bounds.head, states)
    }

    async fn bodies(&self) -> Vec<(Offset, String)> {
        let slice = self.store.read_after(&user(), 0, &Filter::default(), 1_000).await.expect("read");
        slice.records.into_iter().map(|record| (record.offset, record.body)).collect()
    }
}

fn is_rejected<T>(outcome: Result<T, StoreError>) -> bool {
    matches!(outcome, Err(StoreError::Rejected(Rejection { code: Code::NotFound, .. })))
}

pub(super) async fn an_entry_changes_the_state_of_its_key_by_its_rule(bench: Bench) {
    bench.mark(vec![add("b", "one"), add("a", "two")]).await.expect("appended");
    let again = bench.mark(vec![add("b", "three"), add("b", "four")]).await.expect("appended");
    assert_eq!(again[1].record.body, "became one@1 three@3 four@4 ");
    let bench = bench.reopened().await;
    let expected = vec![state("a", "two@2 ", 2), state("b", "one@1 three@3 four@4 ", 4)];
    assert_eq!(bench.states().await, (4, expected.clone()));
    assert_eq!(bench.store.state(&user(), "b").await.expect("read"), Some(expected[1].clone()));
    assert_eq!(bench.store.state(&user(), "c").await.expect("read"), None);
    let bodies = bench.bodies().await;
    assert_eq!(bodies[2], (3, "became one@1 three@3 ".to_owned()), "what readers get is what it became");
    assert_eq!(bench.store.states(&TopicName::Feed).await.expect("read").1, [], "another log has none of it");
    assert_eq!(
        bench.store.topics().await.expect("read"),
        [user(), TopicName::Feed],
        "its name is read again"
    );
}

pub(super) async fn what_changes_nothing_is_no_entry_and_tells_what_is_stored(bench: Bench) {
    let unchanged = bench.mark(vec![add("a", "same")]).await.expect("no error").remove(0);
    assert_eq!((unchanged.first, unchanged.unchanged), (false, Some(Unchanged { stored: None })));
    assert_eq!(bench.store.topics().await.expect("read"), [], "it made no log");
    let mixed = bench.mark(vec![add("a", "one"), add("a", "same"), add("a", "two")]).await.expect("appended");
    let placed: Vec<_> = mixed.iter().map(|one| (one.record.offset, one.first)).collect();
    assert_eq!(placed, [(1, true), (0, false), (2, true)], "it takes no offset");
    let stored = Some(state("a", "one@1 ", 1));
    assert_eq!(mixed[1].unchanged, Some(Unchanged { stored }));
    assert_eq!(*bench.announced.0.lock().expect("whole"), [1, 2], "and is not announced");
    assert_eq!(bench.states().await, (2, vec![state("a", "one@1 two@2 ", 2)]));
    // Neither is a client id kept: what was ignored once may count later.
    let with_id = |entry: NewEntry| NewEntry { client_id: Some("id".into()), ..entry };
    bench.mark(vec![with_id(add("a", "same"))]).await.expect("no error");
    let later = bench.mark(vec![with_id(add("a", "three"))]).await.expect("appended").remove(0);
    assert_eq!((later.record.offset, later.first), (3, true));
}

pub(super) async fn a_rejected_state_leaves_nothing_and_takes_no_other_with_it(bench: Bench) {
    assert!(is_rejected(bench.mark(vec![add("a", "one"), add("a", "bad")]).await));
    assert_eq!((bench.states().await, bench.store.topics().await.expect("read")), ((0, vec![]), vec![]));
    bench.mark(vec![add("a", "one")]).await.expect("appended");
    let all = ["bad", "two", "bad", "same", "two", "bad", "two"];
    let marks = all.map(|text| bench.mark(vec![add("a", "in vain"), add("b", text)]));
    let mut rejected = 0;
    for (outcome, text) in futures_util::future::join_all(marks).await.into_iter().zip(all) {
        rejected += usize::from(is_rejected(outcome));
        assert!(rejected <= 3, "{text}");
    }
    assert_eq!(rejected, 3);
    let (head, states) = bench.states().await;
    assert_eq!(head, 8, "three times two, one of which the other one changed nothing, and the first");
    let words = |key: usize| states[key].value.split('@').count() - 1;
    assert_eq!((words(0), words(1)), (5, 3), "{states:?}");
    let numbered: Vec<_> = bench.bodies().await.iter().map(|(offset, _)| *offset).collect();
    assert_eq!(numbered, (1..=8).collect::<Vec<_>>());
}

pub(super) async fn a_repeated_entry_changes_the_state_once(bench: Bench) {
    let sent = || NewEntry { client_id: Some("id".into()), ..add("a", "one") };
    let first = bench.mark(vec![sent(), sent()]).await.expect("appended");
    assert_eq!((first[0].record.clone(), first[1].first), (first[1].record.clone(), false));
    let again = bench.mark(vec![sent()]).await.expect("known").remove(0);
    assert_eq!((again.record, again.first), (first[0].record.clone(), false));
    assert_eq!(bench.states().await, (1, vec![state("a", "one@1 ", 1)]));
    bench.mark(vec![add("a", "two"), add("b", "three")]).await.expect("appended");
    bench.store.trim(&user(), keep(1), 0).await.expect("trimmed");
    let late = bench.mark(vec![sent()]).await.expect("known").remove(0);
    assert_eq!((late.record.offset, late.first), (1, false), "also when its entry is gone");
    assert_eq!(bench.states().await.1[0], state("a", "one@1 two@2 ", 2));
}

pub(super) async fn states_of_many_writers_are_folded_in_the_order_of_their_offsets(bench: Bench) {
    let mark = |n: usize| {
        let store = bench.store.clone();
        let drafts = vec![add(["a", "b"][n % 2], "x"), add("both", "y")];
        tokio::spawn(async move { store.append(&user(), drafts).await.expect("appended") })
    };
    for task in (0..60).map(mark).collect::<Vec<_>>() {
        task.await.expect("no panic");
    }
    let (head, states) = bench.states().await;
    let places = |key: &str| -> Vec<Offset> {
        let state = states.iter().find(|state| state.key == key).expect("it is there");
        let words = state.value.split_whitespace().map(|word| word.split_once('@').expect("a place").1);
        words.map(|offset| offset.parse().expect("a number")).collect()
    };
    let both = places("both");
    assert!(both.is_sorted() && both.len() == 60, "{both:?}");
    let mut all = [places("a"), places("b"), both].concat();
    all.sort_unstable();
    assert_eq!((head, all), (120, (1..=120).collect::<Vec<_>>()));
}

pub(super) async fn state_outlives_the_entries_that_made_it(bench: Bench) {
    for _ in 0..5 {
        bench.mark(vec![add("a", "x"), add("b", "y")]).await.expect("appended");
    }
    let before = bench.states().await;
    bench.store.trim(&user(), keep(3), 0).await.expect("trimmed");
    let slice = bench.store.read_after(&user(), 0, &Filter::default(), 99).await.expect("read");
    assert_eq!((offsets(&slice.records), slice.removed), (vec![8, 9, 10], 7));
    assert_eq!(bench.states().await, before);
}

pub(super) async fn the_keys_of_a_log_have_an_end(bench: Bench) {
    let keys: Vec<String> = (1..=STATE_KEYS_MAX).map(|n| n.to_string()).collect();
    bench.mark(keys.iter().map(|key| add(key, "x")).collect()).await.expect("as many as there may be");
    let surplus = bench.mark(vec![add("1", "y"), add("one more", "x")]).await.expect_err("too many");
    assert!(matches!(surplus, StoreError::Rejected(Rejection { code: Code::NotAllowed, .. })), "{surplus}");
    bench.mark(vec![add("1", "y")]).await.expect("a key that is there changes");
    let other = TopicName::of_user("other").expect("fine");
    bench.store.append(&other, vec![add("one more", "x")]).await.expect("another log has its own");
    assert_eq!(bench.states().await.1.len() as u64, STATE_KEYS_MAX);
}

pub(super) async fn a_users_log_is_made_by_its_first_write_and_not_by_reading(bench: Bench) {
    let (all, store) = (Filter::default(), &bench.store);
    let bounds = store.bounds(&user()).await.expect("read");
    assert_eq!((bounds.epoch.as_str(), bounds.floor, bounds.head), ("none", 0, 0));
    assert_eq!(store.bounds_for(&user(), &all).await.expect("read"), (bounds.clone(), 0));
    assert_eq!(store.bounds_of(&[user()]).await.expect("read"), []);
    assert_eq!(store.states(&user()).await.expect("read"), (bounds.clone(), Vec::new()));
    assert_eq!(store.state(&user(), "a").await.expect("read"), None);
    for slice in [store.read_after(&user(), 0, &all, 9).await, store.read_before(&user(), 9, &all, 9).await] {
        let slice = slice.expect("read");
        assert_eq!((slice.bounds, slice.records, slice.more), (bounds.clone(), vec![], false));
    }
    store.trim(&user(), keep(1), 0).await.expect("nothing to trim");
    assert_eq!(store.topics().await.expect("read"), [], "nothing of this made it");
    bench.mark(vec![add("a", "x")]).await.expect("appended");
    let first = store.bounds(&user()).await.expect("read");
    assert_ne!(first.epoch, bounds.epoch);
    let bench = bench.reopened().await;
    assert_eq!(bench.store.bounds(&user()).await.expect("read"), first);
}

#[test]
fn the_log_of_a_user_is_named_by_any_id_that_a_user_can_have() {
    let longest = "井".repeat(128);
    for id in ["u1", "auth0|5f7c", "a:b", "user:a", "井戸端", "feed", longest.as_str()] {
        let name = TopicName::of_user(id).expect(id);
        assert_eq!(name.to_string().parse::<TopicName>().expect("a name"), name);
    }
    for id in ["", "a\0b", &"x".repeat(513)] {
        assert_eq!(TopicName::of_user(id), None, "{id:?}");
        format!("user:{id}").parse::<TopicName>().expect_err("no name");
    }
    for name in ["user", "users:a", "room:", "room", "feed:", ""] {
        name.parse::<TopicName>().expect_err("no name");
    }
}
