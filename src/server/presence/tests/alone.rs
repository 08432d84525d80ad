//! Presence on a server without other nodes.

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

type Events = Arc<Mutex<Vec<(String, PresenceEvent)>>>;

fn presence() -> (Arc<Presence>, Events) {
    let events = Arc::new(Mutex::new(Vec::new()));
    let log = events.clone();
    let notify =
        move |_: &RoomId, user: &User, event| log.lock().expect("whole").push((user.name.clone(), event));
    (Arc::new(Presence::new(Arc::new(Local::new()), notify)), events)
}

#[test]
fn a_user_with_two_windows_joins_and_leaves_once() {
    let (presence, events) = presence();
    let first = presence.enter(&room(), &user("1", "alice"));
    let second = presence.enter(&room(), &user("1", "alice"));
    drop(first);
    assert_eq!(presence.members(&room()), [user("1", "alice")]);
    drop(second);
    assert!(presence.members(&room()).is_empty());
    let events = events.lock().expect("whole");
    assert_eq!(*events, [("alice".into(), PresenceEvent::Joined), ("alice".into(), PresenceEvent::Left)]);
}

#[test]
fn a_polling_user_stays_between_two_polls_and_leaves_in_time() {
    let (presence, events) = presence();
    for _ in 0..3 {
        drop(presence.enter_for_poll(&room(), &user("1", "alice")));
        presence.sweep();
    }
    assert_eq!(presence.members(&room()), [user("1", "alice")]);
    presence.lingering.expire();
    presence.sweep();
    assert!(presence.members(&room()).is_empty());
    assert_eq!(events.lock().expect("whole").len(), 2, "one joined, one left");
}

#[test]
fn typing_is_announced_once_in_a_while_and_only_for_users_in_the_room() {
    let (presence, events) = presence();
    assert!(!presence.note_typing(&room(), "1"));
    let _guard = presence.enter(&room(), &user("1", "alice"));
    assert!(presence.typing(&room()).is_empty());
    for _ in 0..3 {
        assert!(presence.note_typing(&room(), "1"));
    }
    assert_eq!(presence.typing(&room()), [user("1", "alice")]);
    let events = events.lock().expect("whole");
    assert_eq!(*events, [("alice".into(), PresenceEvent::Joined), ("alice".into(), PresenceEvent::Typing)]);
}

#[test]
fn the_version_names_the_users_and_those_who_are_typing() {
    let (presence, _) = presence();
    let empty = presence.version(&room());
    let guard = presence.enter(&room(), &user("1", "alice"));
    let alice = presence.version(&room());
    let bob = presence.enter(&room(), &user("2", "bob"));
    let both = presence.version(&room());
    assert!(presence.note_typing(&room(), "1"));
    let typing = presence.version(&room());
    drop(bob);
    let alice_typing = presence.version(&room());
    let renamed = presence.enter(&room(), &user("1", "Alice"));
    let all = [&empty, &alice, &both, &typing, &alice_typing, &presence.version(&room())];
    assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len(), "{all:?}");
    drop((guard, renamed));
    assert_eq!(presence.version(&room()), empty);
    let _guard = presence.enter(&room(), &user("1", "alice"));
    assert_eq!(presence.version(&room()), alice, "the same people are the same version");
}

#[test]
fn a_new_name_is_an_event() {
    let (presence, events) = presence();
    let _first = presence.enter(&room(), &user("1", "alice"));
    let _second = presence.enter(&room(), &user("1", "Alice"));
    assert_eq!(presence.members(&room()), [user("1", "Alice")]);
    assert_eq!(events.lock().expect("whole").last(), Some(&("Alice".into(), PresenceEvent::Joined)));
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
