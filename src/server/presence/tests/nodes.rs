//! What single troubles between nodes come to, and what is said on the line how often.

use std::time::Duration;

use super::{room, user, world::World};
use crate::server::presence::subject::{Message, NODES_MAX, PEOPLE_MAX};

/// What the module promises.
const BOUND: Duration = Duration::from_secs(10);
/// Longer than comings and goings are collected.
const MOMENT: Duration = Duration::from_millis(200);

/// Nodes that know each other and have answered all questions.
fn acquainted(nodes: usize) -> World {
    let mut world = World::new(nodes);
    world.pass(Duration::from_millis(1_500));
    world
}

fn told(world: &World) -> Vec<usize> {
    world.nodes.values().map(|node| node.told).collect()
}

#[test]
fn a_person_comes_with_the_first_node_and_goes_with_the_last() {
    let mut world = acquainted(3);
    world.enter(0, &room(), &user("1", "alice"));
    world.pass(MOMENT);
    world.enter(1, &room(), &user("1", "alice"));
    world.pass(MOMENT);
    world.leave(0, 0);
    world.pass(MOMENT);
    world.check_agreement();
    assert_eq!(told(&world), [1, 1, 1]);
    world.leave(1, 0);
    world.pass(MOMENT);
    world.check_agreement();
    assert_eq!(told(&world), [2, 2, 2]);
}

#[test]
fn a_killed_nodes_people_leave_within_the_bound() {
    let mut world = acquainted(3);
    world.enter(0, &room(), &user("1", "alice"));
    world.pass(MOMENT);
    world.kill(0);
    world.pass(Duration::from_secs(5));
    assert_eq!(told(&world), [1, 1], "it may come back");
    world.pass(BOUND - Duration::from_secs(5));
    world.check_agreement();
    assert_eq!(told(&world), [2, 2]);
}

#[test]
fn a_node_that_stops_takes_its_people_along_at_once() {
    let mut world = acquainted(2);
    world.enter(0, &room(), &user("1", "alice"));
    world.pass(MOMENT);
    world.stop(0);
    world.pass(MOMENT);
    world.check_agreement();
}

#[test]
fn nothing_is_said_after_the_last_word() {
    let mut world = acquainted(2);
    world.enter(0, &room(), &user("1", "alice"));
    let now = world.now + BOUND;
    let state = &mut world.nodes.get_mut(&0).expect("it runs").state;
    state.listening();
    assert_eq!(state.end(), Some(Message::Gone));
    assert_eq!(state.tick(now).1, []);
}

#[test]
fn a_short_break_changes_nothing_for_anybody() {
    let mut world = acquainted(3);
    for node in 0..3 {
        world.enter(node, &room(), &user(&node.to_string(), "alice"));
    }
    world.pass(MOMENT);
    let before = told(&world);
    world.cut(1);
    world.pass(Duration::from_secs(6));
    world.mend(1);
    world.pass(BOUND);
    assert_eq!(told(&world), before);
    world.check_agreement();
}

#[test]
fn who_changed_during_a_break_is_all_that_is_told_after_it() {
    let mut world = acquainted(2);
    for id in 0..100 {
        world.enter(0, &room(), &user(&id.to_string(), "alice"));
    }
    world.pass(MOMENT);
    let before = world.nodes[&1].told;
    world.cut(1);
    world.leave(0, 50);
    world.enter(0, &room(), &user("bob", "bob"));
    world.pass(Duration::from_secs(5));
    world.mend(1);
    world.pass(Duration::from_secs(1));
    world.check_agreement();
    assert_eq!(world.nodes[&1].told - before, 2, "one went, one came");
}

#[test]
fn a_node_without_the_others_shows_its_own_people_only() {
    let mut world = acquainted(2);
    world.enter(0, &room(), &user("1", "alice"));
    world.enter(1, &room(), &user("2", "bob"));
    world.pass(MOMENT);
    world.cut(0);
    world.pass(BOUND);
    assert_eq!(world.nodes[&0].state.rooms().members(&room()), [user("1", "alice")]);
    assert_eq!(world.nodes[&1].state.rooms().members(&room()), [user("2", "bob")]);
    world.mend(0);
    world.pass(Duration::from_secs(1));
    world.check_agreement();
}

#[test]
fn a_change_that_was_lost_is_noticed_with_the_next_word() {
    let mut world = acquainted(2);
    world.lose(0, 1, 1);
    world.enter(0, &room(), &user("1", "alice"));
    world.pass(MOMENT);
    assert_eq!(world.nodes[&1].told, 0, "nothing was heard of it yet");
    world.pass(Duration::from_millis(2_500));
    world.check_agreement();
}

#[test]
fn a_node_that_stood_still_does_not_take_its_silence_for_the_others() {
    let mut world = acquainted(2);
    world.enter(0, &room(), &user("1", "alice"));
    world.pass(MOMENT);
    world.pass_without(Duration::from_secs(30), Some(1));
    // Its own clock goes on before it hears anything.
    world.tick(1);
    world.pass(BOUND);
    assert_eq!(world.nodes[&1].told, 1);
    world.check_agreement();
}

#[test]
fn a_thousand_people_who_return_at_once_are_one_message() {
    let mut world = acquainted(2);
    world.said.clear();
    for id in 0..PEOPLE_MAX {
        world.enter(0, &room(), &user(&id.to_string(), "alice"));
    }
    world.pass(MOMENT);
    let count = |world: &World, is_meant: fn(&Message) -> bool| {
        world.said.iter().filter(|(from, message)| *from == 0 && is_meant(message)).count()
    };
    assert_eq!(count(&world, |message| matches!(message, Message::Changes { .. })), 1);
    world.enter(0, &room(), &user("one more", "alice"));
    world.start();
    world.pass(Duration::from_secs(2));
    world.check_agreement();
    assert_eq!(count(&world, |message| matches!(message, Message::Snapshot { .. })), 2, "in two parts");
}

#[test]
fn however_many_ask_and_however_often_it_is_one_answer_a_second() {
    let mut world = acquainted(8);
    world.said.clear();
    for _ in 0..10 {
        for node in 1..8 {
            world.cut(node);
            world.mend(node);
        }
        world.pass(Duration::from_millis(200));
    }
    let of_first = world.said.iter().filter(|(from, _)| *from == 0);
    let answers = of_first.filter(|(_, message)| matches!(message, Message::Snapshot { .. })).count();
    assert!((1..=3).contains(&answers), "{answers} in two seconds");
    let questions =
        world.said.iter().filter(|(_, message)| matches!(message, Message::SyncRequest { .. })).count();
    assert!((7..=3 * 7).contains(&questions), "{questions} of seven nodes in two seconds");
}

#[test]
fn all_nodes_call_a_person_by_the_newest_of_their_names() {
    let mut world = acquainted(3);
    // The clock of node 2 is ahead of the others.
    for (node, name) in
        [(2, "alice"), (0, "Alice"), (1, "alice the third"), (2, "alice"), (1, "alice the fourth")]
    {
        world.enter(node, &room(), &user("1", name));
        world.pass(MOMENT);
        world.check_agreement();
        assert!(world.nodes.values().all(|node| node.seen.values().eq([name])), "{name}");
    }
    world.kill(1);
    world.pass(BOUND);
    world.check_agreement();
    assert!(world.nodes.values().all(|node| node.seen.values().eq(["alice"])));
}

#[test]
fn signs_of_typing_are_the_same_everywhere_whatever_the_clocks_say() {
    let mut world = acquainted(3);
    world.enter(0, &room(), &user("1", "alice"));
    // Before the others know of her: they hear of both in this order.
    assert!(world.sign(0, &room(), "1"));
    world.pass(MOMENT);
    let typing = |world: &World, node: usize| world.nodes[&node].state.rooms().typing(&room(), world.now);
    (0..3).for_each(|node| assert_eq!(typing(&world, node), [user("1", "alice")]));
    for _ in 0..3 {
        // Her next requests come to other nodes, whose clocks are behind and ahead.
        for node in [2, 0, 1] {
            assert!(world.sign(node, &room(), "1"));
            world.pass(MOMENT);
            (0..3).for_each(|node| assert_eq!(typing(&world, node), [user("1", "alice")]));
            world.check_agreement();
        }
    }
    world.pass(Duration::from_secs(4));
    (0..3).for_each(|node| assert_eq!(typing(&world, node), []));
    world.check_agreement();
    assert!(!world.sign(1, &room(), "somebody else"));
}

#[test]
fn parts_of_two_tellings_are_not_put_together() {
    let mut world = World::new(1);
    let (now, node) = (world.now, world.nodes.get_mut(&0).expect("it runs"));
    let mut hear = |snapshot_id: u64, part: u32, id: &str| {
        let rooms = format!(r#"{{"general":[["{id}","{id}",1]]}}"#);
        let message = format!(
            r#"{{"type":"whole","number":1,"telling":{snapshot_id},"part":{part},"parts":2,"rooms":{rooms}}}"#
        );
        node.state.hear("other", &message, now).expect("a part").len()
    };
    assert_eq!(hear(1, 0, "alice"), 0);
    assert_eq!(hear(2, 1, "alice"), 0, "what is in the first part of this one is not known");
    assert_eq!(hear(3, 0, "alice"), 0);
    assert_eq!(hear(3, 0, "alice"), 0, "it came twice");
    assert_eq!(hear(3, 1, "bob"), 2);
    assert_eq!(node.state.rooms().members(&room()).len(), 2);
}

#[test]
fn what_cannot_be_is_refused_and_what_was_known_stays() {
    let mut world = acquainted(2);
    world.enter(0, &room(), &user("1", "alice"));
    world.pass(MOMENT);
    let people = |count: usize| vec![r#"["id","name",1]"#; count].join(",");
    let changes = |number: u64, room: &str, came: &str| {
        format!(
            r#"{{"type":"changes","number":{number},"rooms":{{"{room}":{{"came":[{came}],"went":[]}}}}}}"#
        )
    };
    let now = world.now;
    let state = &mut world.nodes.get_mut(&1).expect("it runs").state;
    for message in [
        "",
        "[]",
        r#"{"type":"dance"}"#,
        r#"{"type":"word","number":-1}"#,
        r#"{"type":"typing","room":"no room","user":"1","at":1}"#,
        r#"{"type":"whole","number":1,"telling":1,"part":0,"parts":0,"rooms":{}}"#,
        r#"{"type":"whole","number":1,"telling":1,"part":0,"parts":1001,"rooms":{}}"#,
        &changes(2, "general", r#"["","nobody",1]"#),
        &changes(2, "general", &format!(r#"["{}","long",1]"#, "x".repeat(1_025))),
        &changes(2, "no room", &people(1)),
        &changes(2, "general", &people(PEOPLE_MAX + 1)),
        &" ".repeat(5_000_000),
    ] {
        let shown = &message[..message.len().min(80)];
        state.hear("node-0", message, now).expect_err(shown);
    }
    // From numbers that cannot be true, and from the highest, it comes back by itself.
    for number in [0, 7, u64::MAX] {
        state.hear("node-0", &format!(r#"{{"type":"word","number":{number}}}"#), now).expect("a word");
        state.hear("node-0", &changes(number, "general", &people(1)), now).expect("changes");
    }
    world.pass(Duration::from_secs(3));
    world.check_agreement();
    let state = &mut world.nodes.get_mut(&1).expect("it runs").state;
    let strangers = 0..NODES_MAX;
    let word = r#"{"type":"word","number":0}"#;
    let refused = strangers.filter(|n| state.hear(&format!("stranger-{n}"), word, now).is_err()).count();
    assert_eq!(refused, 1, "the first node is one of them");
}
