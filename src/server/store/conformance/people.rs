//! Conformance of the people who were seen.

use super::{Bench, states::add};
use crate::server::store::{Person, TopicName};

fn person(id: &str, name: &str, seen: i64) -> Person {
    Person { id: id.into(), name: name.into(), name_key: name.to_lowercase(), since: seen, seen }
}

impl Bench {
    async fn note(&self, people: &[Person]) {
        for person in people {
            self.store.note_person(person).await.expect("noted");
        }
    }

    /// Gives the person's log a key.
    async fn keyed(&self, id: &str, key: &str) {
        let topic = TopicName::of_user(id).expect("fine");
        self.store.append(&topic, vec![add(key, "one")]).await.expect("appended");
    }

    async fn ids(&self, key: &str, prefix: &str) -> Vec<String> {
        let people = self.store.people(key, prefix, 10).await.expect("read");
        people.into_iter().map(|person| person.id).collect()
    }

    async fn named(&self, key: &str, names: &[&str]) -> Vec<String> {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let people = self.store.people_named(key, &names).await.expect("read");
        people.into_iter().map(|person| person.id).collect()
    }
}

pub(super) async fn a_person_is_noted_once_and_keeps_what_they_began_with(bench: Bench) {
    bench.note(&[person("u1", "Alice", 10), person("u1", "Alicia", 20), person("u1", "Alicia", 15)]).await;
    bench.keyed("u1", "general").await;
    let bench = bench.reopened().await;
    let expected = Person { since: 10, ..person("u1", "Alicia", 20) };
    let ids = ["u1", "u2", "u\0"].map(str::to_owned);
    assert_eq!(bench.store.people_by_id(&ids).await.expect("read"), std::slice::from_ref(&expected));
    assert_eq!(bench.store.people("general", "", 10).await.expect("read"), [expected]);
    assert_eq!(bench.ids("general", "alice").await, [] as [&str; 0], "the name of before is no more");
}

pub(super) async fn people_are_those_whose_log_has_the_key_by_how_their_name_begins(bench: Bench) {
    let all = [
        person("u1", "Bob", 1),
        person("u2", "花子", 1),
        person("井|2", "花", 1),
        person("u4", "Alice", 1),
        person("u5", "Alba", 1),
        person("u6", "Alan", 1),
    ];
    bench.note(&all).await;
    for id in ["u1", "u2", "井|2", "u4", "u5", "nobody"] {
        bench.keyed(id, "general").await;
    }
    bench.keyed("u6", "tech").await;
    assert_eq!(
        bench.ids("general", "").await,
        ["u5", "u4", "u1", "井|2", "u2"],
        "whoever has no row has no name"
    );
    assert_eq!(bench.ids("general", "al").await, ["u5", "u4"]);
    assert_eq!(bench.ids("general", "花").await, ["井|2", "u2"]);
    assert_eq!(bench.ids("general", "花子").await, ["u2"]);
    assert_eq!(bench.ids("tech", "").await, ["u6"]);
    for none in ["%", "a_", "al\0", "z"] {
        assert_eq!(bench.ids("general", none).await, [] as [&str; 0], "{none:?}");
    }
    let two = bench.store.people("general", "", 2).await.expect("read");
    assert_eq!(two.iter().map(|person| person.id.as_str()).collect::<Vec<_>>(), ["u5", "u4"]);
}

pub(super) async fn people_are_found_by_whole_names_those_first_who_were_seen_last(bench: Bench) {
    let all = [
        person("u1", "Bob", 1),
        person("u2", "bob", 3),
        person("u3", "花子", 2),
        person("u4", "Bobby", 4),
        person("u5", "bob", 9),
    ];
    bench.note(&all).await;
    for id in ["u1", "u2", "u3", "u4"] {
        bench.keyed(id, "general").await;
    }
    assert_eq!(bench.named("general", &["bob", "花子", "b", "bob\0"]).await, ["u2", "u3", "u1"]);
    assert_eq!(bench.named("tech", &["bob"]).await, [] as [&str; 0]);
    assert_eq!(bench.named("general", &[]).await, [] as [&str; 0]);
}

pub(super) async fn who_was_not_seen_for_long_and_has_no_marks_is_forgotten(bench: Bench) {
    bench.note(&[person("u1", "a", 5), person("u2", "b", 5), person("u3", "c", 10)]).await;
    bench.keyed("u2", "general").await;
    assert_eq!(bench.store.expire_people(10).await.expect("expired"), 1);
    assert_eq!(bench.store.expire_people(10).await.expect("expired"), 0);
    // Whoever is forgotten begins anew.
    bench.note(&[person("u1", "a", 20), person("u3", "c", 20)]).await;
    for id in ["u1", "u3"] {
        bench.keyed(id, "general").await;
    }
    let people = bench.store.people("general", "", 10).await.expect("read");
    let since: Vec<_> = people.iter().map(|person| (person.id.as_str(), person.since)).collect();
    assert_eq!(since, [("u1", 20), ("u2", 5), ("u3", 10)]);
}
