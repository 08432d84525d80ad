//! What a server without others knows and tells.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
};

use super::{room, user};
use crate::{
    protocol::{name::RoomId, session::User},
    server::{
        cluster::backplane::Local,
        presence::{Presence, PresenceEvent},
    },
};

type Told = Arc<Mutex<Vec<(String, PresenceEvent)>>>;

fn presence() -> (Arc<Presence>, Told) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let log = told.clone();
    let tell =
        move |_: &RoomId, user: &User, change| log.lock().expect("whole").push((user.name.clone(), change));
    (Arc::new(Presence::new(Arc::new(Local::new()), tell)), told)
}

#[test]
fn a_person_with_two_windows_comes_and_goes_once() {
    let (presence, told) = presence();
    let first = presence.enter(&room(), &user("1", "alice"));
    let second = presence.enter(&room(), &user("1", "alice"));
    drop(first);
    assert_eq!(presence.members(&room()), [user("1", "alice")]);
    drop(second);
    assert!(presence.members(&room()).is_empty());
    let told = told.lock().expect("whole");
    assert_eq!(*told, [("alice".into(), PresenceEvent::Joined), ("alice".into(), PresenceEvent::Left)]);
}

#[test]
fn who_polls_stays_between_two_polls_and_goes_in_time() {
    let (presence, told) = presence();
    for _ in 0..3 {
        drop(presence.enter_for_poll(&room(), &user("1", "alice")));
        presence.sweep();
    }
    assert_eq!(presence.members(&room()), [user("1", "alice")]);
    presence.lingering.expire();
    presence.sweep();
    assert!(presence.members(&room()).is_empty());
    assert_eq!(told.lock().expect("whole").len(), 2, "one coming, one going");
}

#[test]
fn signs_of_typing_are_told_once_in_a_while_and_only_of_who_is_there() {
    let (presence, told) = presence();
    assert!(!presence.note_typing(&room(), "1"));
    let _guard = presence.enter(&room(), &user("1", "alice"));
    assert!(presence.typing(&room()).is_empty());
    for _ in 0..3 {
        assert!(presence.note_typing(&room(), "1"));
    }
    assert_eq!(presence.typing(&room()), [user("1", "alice")]);
    let told = told.lock().expect("whole");
    assert_eq!(*told, [("alice".into(), PresenceEvent::Joined), ("alice".into(), PresenceEvent::Typing)]);
}

#[test]
fn the_version_names_who_is_there_and_who_is_typing() {
    let (presence, _) = presence();
    let nobody = presence.version(&room());
    let guard = presence.enter(&room(), &user("1", "alice"));
    let alice = presence.version(&room());
    let bob = presence.enter(&room(), &user("2", "bob"));
    let both = presence.version(&room());
    assert!(presence.note_typing(&room(), "1"));
    let typing = presence.version(&room());
    drop(bob);
    let alice_typing = presence.version(&room());
    let renamed = presence.enter(&room(), &user("1", "Alice"));
    let all = [&nobody, &alice, &both, &typing, &alice_typing, &presence.version(&room())];
    assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len(), "{all:?}");
    drop((guard, renamed));
    assert_eq!(presence.version(&room()), nobody);
    let _guard = presence.enter(&room(), &user("1", "alice"));
    assert_eq!(presence.version(&room()), alice, "the same people are the same version");
}

#[test]
fn a_new_name_is_news() {
    let (presence, told) = presence();
    let _first = presence.enter(&room(), &user("1", "alice"));
    let _second = presence.enter(&room(), &user("1", "Alice"));
    assert_eq!(presence.members(&room()), [user("1", "Alice")]);
    assert_eq!(told.lock().expect("whole").last(), Some(&("Alice".into(), PresenceEvent::Joined)));
}

#[test]
fn a_name_finds_the_one_person_who_has_it() {
    let (presence, _) = presence();
    let _first = presence.enter(&room(), &user("1", "alice"));
    let tech = RoomId::parse("tech").expect("fine");
    let _second = presence.enter(&tech, &user("1", "alice"));
    assert_eq!(presence.find("alice"), Some(user("1", "alice")));
    let _third = presence.enter(&tech, &user("2", "alice"));
    assert_eq!(presence.find("alice"), None, "there are two of them");
    assert_eq!(presence.find("bob"), None);
}
