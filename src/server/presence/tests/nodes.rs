//! Single faults between nodes and their effects, and how often nodes send each message.

use std::time::Duration;

use super::{room, user, world::World};
use crate::server::presence::message::{NODES_MAX, NodeMessage, PEOPLE_MAX};

/// The bound that the module promises.
const BOUND: Duration = Duration::from_secs(10);
/// Longer than a tick, for which changes are collected.
const MOMENT: Duration = Duration::from_millis(200);

/// Nodes that know each other and have answered all sync requests.
fn acquainted(nodes: usize) -> World {
    let mut world = World::new(nodes);
    world.pass(Duration::from_millis(1_500));
    world
}

fn events(world: &World) -> Vec<usize> {
    world.nodes.values().map(|node| node.events).collect()
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
    assert_eq!(events(&world), [1, 1, 1]);
    world.leave(1, 0);
    world.pass(MOMENT);
    world.check_agreement();
    assert_eq!(events(&world), [2, 2, 2]);
}

#[test]
fn a_killed_nodes_people_leave_within_the_bound() {
    let mut world = acquainted(3);
    world.enter(0, &room(), &user("1", "alice"));
    world.pass(MOMENT);
    world.kill(0);
    world.pass(Duration::from_secs(5));
    assert_eq!(events(&world), [1, 1], "it may come back");
    world.pass(BOUND - Duration::from_secs(5));
    world.check_agreement();
    assert_eq!(events(&world), [2, 2]);
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
fn nothing_is_sent_after_the_last_message() {
    let mut world = acquainted(2);
    world.enter(0, &room(), &user("1", "alice"));
    let now = world.now + BOUND;
    let state = &mut world.nodes.get_mut(&0).expect("it runs").state;
    state.on_subscribed();
    assert_eq!(state.end(), Some(NodeMessage::Gone));
    assert_eq!(state.tick(now).1, []);
}

#[test]
fn a_short_break_changes_nothing_for_anybody() {
    let mut world = acquainted(3);
    for node in 0..3 {
        world.enter(node, &room(), &user(&node.to_string(), "alice"));
    }
    world.pass(MOMENT);
    let before = events(&world);
    world.cut(1);
    world.pass(Duration::from_secs(6));
    world.mend(1);
    world.pass(BOUND);
    assert_eq!(events(&world), before);
    world.check_agreement();
}

#[test]
fn after_a_break_readers_hear_only_of_those_who_changed() {
    let mut world = acquainted(2);
    for id in 0..100 {
        world.enter(0, &room(), &user(&id.to_string(), "alice"));
    }
    world.pass(MOMENT);
    let before = world.nodes[&1].events;
    world.cut(1);
    world.leave(0, 50);
    world.enter(0, &room(), &user("bob", "bob"));
    world.pass(Duration::from_secs(5));
    world.mend(1);
    world.pass(Duration::from_secs(1));
    world.check_agreement();
    assert_eq!(world.nodes[&1].events - before, 2, "one went, one came");
}

#[test]
fn a_node_without_the_others_shows_its_own_people_only() {
    let mut world = acquainted(2);
    world.enter(0, &room(), &user("1", "alice"));
    world.enter(1, &room(), &user("2", "bob"));
    world.pass(MOMENT);
    world.cut(0);
    world.pass(BOUND);
    assert_eq!(world.nodes[&0].state.roster().members(&room()), [user("1", "alice")]);
    assert_eq!(world.nodes[&1].state.roster().members(&room()), [user("2", "bob")]);
    world.mend(0);
    world.pass(Duration::from_secs(1));
    world.check_agreement();
}

#[test]
fn a_change_that_was_lost_is_noticed_with_the_next_heartbeat() {
    let mut world = acquainted(2);
    world.lose(0, 1, 1);
    world.enter(0, &room(), &user("1", "alice"));
    world.pass(MOMENT);
    assert_eq!(world.nodes[&1].events, 0, "it was lost");
    world.pass(Duration::from_millis(2_500));
    world.check_agreement();
}

#[test]
fn a_node_that_stood_still_does_not_take_its_silence_for_the_others() {
    let mut world = acquainted(2);
    world.enter(0, &room(), &user("1", "alice"));
    world.pass(MOMENT);
    world.pass_without(Duration::from_secs(30), Some(1));
    // Its own clock goes on before it receives anything.
    world.tick(1);
    world.pass(BOUND);
    assert_eq!(world.nodes[&1].events, 1);
    world.check_agreement();
}

#[test]
fn a_thousand_people_who_return_at_once_are_one_message() {
    let mut world = acquainted(2);
    world.sent.clear();
    for id in 0..PEOPLE_MAX {
        world.enter(0, &room(), &user(&id.to_string(), "alice"));
    }
    world.pass(MOMENT);
    let count = |world: &World, is_meant: fn(&NodeMessage) -> bool| {
        world.sent.iter().filter(|(from, message)| *from == 0 && is_meant(message)).count()
    };
    assert_eq!(count(&world, |message| matches!(message, NodeMessage::Changes { .. })), 1);
    world.enter(0, &room(), &user("one more", "alice"));
    world.start();
    world.pass(Duration::from_secs(2));
    world.check_agreement();
    assert_eq!(count(&world, |message| matches!(message, NodeMessage::Snapshot { .. })), 2, "in two parts");
}

#[test]
fn however_many_nodes_ask_there_is_one_snapshot_a_second() {
    let mut world = acquainted(8);
    world.sent.clear();
    for _ in 0..10 {
        for node in 1..8 {
            world.cut(node);
            world.mend(node);
        }
        world.pass(Duration::from_millis(200));
    }
    let of_first = world.sent.iter().filter(|(from, _)| *from == 0);
    let snapshots = of_first.filter(|(_, message)| matches!(message, NodeMessage::Snapshot { .. })).count();
    assert!((1..=3).contains(&snapshots), "{snapshots} in two seconds");
    let requests =
        world.sent.iter().filter(|(_, message)| matches!(message, NodeMessage::SyncRequest { .. })).count();
    assert!((7..=3 * 7).contains(&requests), "{requests} of seven nodes in two seconds");
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
fn typing_indicators_are_the_same_on_all_nodes_whatever_the_clocks_say() {
    let mut world = acquainted(3);
    world.enter(0, &room(), &user("1", "alice"));
    // Before the others know of her: they receive both in this order.
    assert!(world.note_typing(0, &room(), "1"));
    world.pass(MOMENT);
    let typing = |world: &World, node: usize| world.nodes[&node].state.roster().typing(&room(), world.now);
    (0..3).for_each(|node| assert_eq!(typing(&world, node), [user("1", "alice")]));
    for _ in 0..3 {
        // Her next requests reach other nodes, whose clocks are behind and ahead.
        for node in [2, 0, 1] {
            assert!(world.note_typing(node, &room(), "1"));
            world.pass(MOMENT);
            (0..3).for_each(|node| assert_eq!(typing(&world, node), [user("1", "alice")]));
            world.check_agreement();
        }
    }
    world.pass(Duration::from_secs(4));
    (0..3).for_each(|node| assert_eq!(typing(&world, node), []));
    world.check_agreement();
    assert!(!world.note_typing(1, &room(), "somebody else"));
}

#[test]
fn parts_of_two_snapshots_are_not_put_together() {
    let mut world = World::new(1);
    let (now, node) = (world.now, world.nodes.get_mut(&0).expect("it runs"));
    let mut receive = |snapshot_id: u64, part: u32, id: &str| {
        let rooms = format!(r#"{{"general":[["{id}","{id}",1]]}}"#);
        let message = format!(
            r#"{{"type":"whole","number":1,"telling":{snapshot_id},"part":{part},"parts":2,"rooms":{rooms}}}"#
        );
        node.state.on_message("other", &message, now).expect("a part").len()
    };
    assert_eq!(receive(1, 0, "alice"), 0);
    assert_eq!(receive(2, 1, "alice"), 0, "the first part of this one is missing");
    assert_eq!(receive(3, 0, "alice"), 0);
    assert_eq!(receive(3, 0, "alice"), 0, "it came twice");
    assert_eq!(receive(3, 1, "bob"), 2);
    assert_eq!(node.state.roster().members(&room()).len(), 2);
}

#[test]
fn an_invalid_message_is_rejected_and_changes_nothing() {
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
        state.on_message("node-0", message, now).expect_err(shown);
    }
    // It recovers by itself from numbers that cannot be true, and from the highest.
    for number in [0, 7, u64::MAX] {
        state
            .on_message("node-0", &format!(r#"{{"type":"word","number":{number}}}"#), now)
            .expect("a heartbeat");
        state.on_message("node-0", &changes(number, "general", &people(1)), now).expect("changes");
    }
    world.pass(Duration::from_secs(3));
    world.check_agreement();
    let state = &mut world.nodes.get_mut(&1).expect("it runs").state;
    let strangers = 0..NODES_MAX;
    let heartbeat = r#"{"type":"word","number":0}"#;
    let rejected =
        strangers.filter(|n| state.on_message(&format!("stranger-{n}"), heartbeat, now).is_err()).count();
    assert_eq!(rejected, 1, "the first node is one of them");
}
