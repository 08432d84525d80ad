//! Properties: whatever happens to the nodes and the links between them, every node knows the users who are really
//! present within the bound after the links work again. And no message makes a node panic.

use std::time::{Duration, Instant};

use proptest::{collection::vec, prelude::*};

use super::{room, user, world::World};
use crate::{
    protocol::{name::RoomId, properties::nearly},
    server::presence::state::State,
};

/// The bound that the module promises.
const BOUND: Duration = Duration::from_secs(10);
/// Most nodes that run at once; each of them sends everything to each other.
const NODES_MAX: usize = 4;

#[derive(Clone, Debug)]
enum Event {
    Enter { node: usize, room: usize, user: usize, name: usize },
    Leave { node: usize, which: usize },
    Typing { node: usize, room: usize, user: usize },
    Pass { tenths: u32 },
    StandStill { node: usize, tenths: u32 },
    Hold { from: usize, to: usize, is_held: bool },
    Lose { from: usize, to: usize, count: usize },
    Repeat { from: usize, to: usize, count: usize },
    Cut { node: usize },
    Mend { node: usize },
    Kill { node: usize },
    Stop { node: usize },
    Start,
}

fn event() -> impl Strategy<Value = Event> {
    let node = || 0..NODES_MAX;
    prop_oneof![
        6 => (node(), 0..2_usize, 0..4_usize, 0..2_usize)
            .prop_map(|(node, room, user, name)| Event::Enter { node, room, user, name }),
        4 => (node(), 0..9_usize).prop_map(|(node, which)| Event::Leave { node, which }),
        1 => (node(), 0..2_usize, 0..4_usize).prop_map(|(node, room, user)| Event::Typing { node, room, user }),
        6 => (1..40_u32).prop_map(|tenths| Event::Pass { tenths }),
        1 => (node(), 1..120_u32).prop_map(|(node, tenths)| Event::StandStill { node, tenths }),
        3 => (node(), node(), any::<bool>()).prop_map(|(from, to, is_held)| Event::Hold { from, to, is_held }),
        3 => (node(), node(), 1..4_usize).prop_map(|(from, to, count)| Event::Lose { from, to, count }),
        2 => (node(), node(), 1..9_usize).prop_map(|(from, to, count)| Event::Repeat { from, to, count }),
        1 => node().prop_map(|node| Event::Cut { node }),
        2 => node().prop_map(|node| Event::Mend { node }),
        1 => node().prop_map(|node| Event::Kill { node }),
        1 => node().prop_map(|node| Event::Stop { node }),
        2 => Just(Event::Start),
    ]
}

/// The room with this number.
fn room_of(number: usize) -> RoomId {
    RoomId::parse(["general", "tech"][number]).expect("fine")
}

fn happen(world: &mut World, event: &Event) {
    let nodes: Vec<usize> = world.nodes.keys().copied().collect();
    let at = |number: usize| nodes[number % nodes.len()];
    let tenths = |count: u32| Duration::from_millis(100) * count;
    match *event {
        Event::Start if nodes.len() < NODES_MAX => world.start(),
        Event::Start => {}
        _ if nodes.is_empty() => {}
        Event::Enter { node, room, user: id, name } => {
            let user = user(&id.to_string(), ["alice", "Alice"][name]);
            world.enter(at(node), &room_of(room), &user);
        }
        Event::Leave { node, which } => world.leave(at(node), which),
        Event::Typing { node, room, user } => {
            world.note_typing(at(node), &room_of(room), &user.to_string());
        }
        Event::Pass { tenths: count } => world.pass(tenths(count)),
        Event::StandStill { node, tenths: count } => world.pass_without(tenths(count), Some(at(node))),
        Event::Hold { from, to, is_held } => world.hold(at(from), at(to), is_held),
        Event::Lose { from, to, count } => world.lose(at(from), at(to), count),
        Event::Repeat { from, to, count } => world.repeat(at(from), at(to), count),
        Event::Cut { node } => world.cut(at(node)),
        Event::Mend { node } => world.mend(at(node)),
        Event::Kill { node } => world.kill(at(node)),
        Event::Stop { node } => world.stop(at(node)),
    }
}

proptest! {
    #[test]
    fn nodes_that_reach_each_other_again_agree_within_the_bound(events in vec(event(), 0..80)) {
        let mut world = World::new(3);
        events.iter().for_each(|event| happen(&mut world, event));
        world.mend_all();
        world.pass(BOUND);
        world.check_agreement();
    }

    #[test]
    fn any_message_is_accepted_or_rejected(
        messages in vec(
            nearly(
                &["changes", "typing", "word", "ask", "whole", "gone"],
                &["number", "rooms", "room", "user", "at", "nodes", "telling", "part", "parts"],
            ),
            0..20,
        ),
    ) {
        let mut state = State::new("node", true);
        let now = Instant::now();
        state.enter(&room(), &user("1", "alice"), 0);
        for message in messages {
            // Both are fine, a panic is not.
            drop(state.on_message("hostile", &message.to_string(), now));
            state.tick(now);
        }
        prop_assert!(state.roster().members(&room()).contains(&user("1", "alice")));
    }
}
