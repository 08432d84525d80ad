//! Tests of the reactions that a page shows.

use super::{
    tests::{general, message, model},
    *,
};
use crate::protocol::{
    change::{ChangeKind, MessageChanged, NewChange, Reaction},
    cursor::Epoch,
};

fn user(id: &str) -> User {
    User { id: id.into(), name: id.to_uppercase() }
}

/// A room with the message 1.
fn with_message() -> RoomModel {
    let mut model = model(0);
    model.apply(ServerFrame::Message(message(1, "a", "x")), 0);
    model
}

/// The change with this offset: `user_id` reacts, or takes it back, and then these people are there.
fn heard(offset: Offset, user_id: &str, kind: ChangeKind, (count, users): (u64, &[&str])) -> MessageChanged {
    let users = users.iter().map(|id| user(id)).collect();
    MessageChanged {
        room: general(),
        offset,
        target: 1,
        id: format!("{user_id} {offset}"),
        kind,
        user: user_id.to_uppercase(),
        user_id: user_id.into(),
        timestamp: 0,
        text: None,
        html: None,
        reaction: Some(Reaction { emoji: "👍".into(), count, users }),
        thread: None,
        mentions: Vec::new(),
        groups: Vec::new(),
    }
}

fn hear(model: &mut RoomModel, offset: Offset, user_id: &str, kind: ChangeKind, state: (u64, &[&str])) {
    let change = heard(offset, user_id, kind, state);
    assert_eq!(model.apply(ServerFrame::MessageChanged(change), 0), Missing::Nothing);
}

fn send(model: &mut RoomModel, id: &str, kind: ChangeKind, emoji: &str) {
    model.change(1, NewChange { id: id.into(), kind, text: None, emoji: Some(emoji.into()) });
}

/// The reactions as a person reads them: emoji, number, names, and a star on the user's own.
fn read(model: &RoomModel) -> String {
    let row = |ShownReaction { emoji, count, others, is_mine }: ShownReaction| {
        format!("{emoji}{count}{} {}", if is_mine { "*" } else { "" }, others.join(","))
    };
    model.reactions(1).into_iter().map(row).collect::<Vec<_>>().join("; ")
}

#[test]
fn the_users_own_reactions_are_shown_at_once_on_those_of_the_log() {
    let mut model = with_message();
    assert_eq!((read(&model), model.reactions_version(1)), (String::new(), None));
    hear(&mut model, 2, "b", ChangeKind::React, (1, &["b"]));
    let before = model.reactions_version(1);
    send(&mut model, "1", ChangeKind::React, "👍");
    send(&mut model, "2", ChangeKind::React, "🎉");
    assert_eq!(read(&model), "👍2* B; 🎉1* ");
    assert_ne!(model.reactions_version(1), before);
    // Another one comes first.
    hear(&mut model, 3, "c", ChangeKind::React, (2, &["b", "c"]));
    assert_eq!(read(&model), "👍3* B,C; 🎉1* ");
    assert_eq!(model.resume_frames().len(), 3, "both are sent again after a drop");
}

#[test]
fn a_reaction_counts_once_however_often_it_comes() {
    let mut model = with_message();
    send(&mut model, "1", ChangeKind::React, "👍");
    send(&mut model, "2", ChangeKind::React, "👍");
    assert_eq!(read(&model), "👍1* ");
    // The same person has reacted in another tab: the log has it already.
    hear(&mut model, 2, "me", ChangeKind::React, (1, &["me"]));
    assert_eq!(read(&model), "👍1* ");
    send(&mut model, "3", ChangeKind::Unreact, "👍");
    assert_eq!(read(&model), "");
    assert_eq!(model.reactions_version(1), None, "there is no row without any");
    send(&mut model, "4", ChangeKind::Unreact, "👍");
    send(&mut model, "5", ChangeKind::React, "👍");
    assert_eq!(read(&model), "👍1* ");
}

#[test]
fn the_log_takes_the_place_of_what_was_on_its_way() {
    let mut model = with_message();
    send(&mut model, "me 2", ChangeKind::React, "👍");
    model.apply(ServerFrame::Posted { room: general(), id: "me 2".into(), offset: 2, timestamp: 0 }, 0);
    assert_eq!(read(&model), "👍1* ", "it is acknowledged before it comes");
    hear(&mut model, 2, "me", ChangeKind::React, (1, &["me"]));
    assert_eq!(read(&model), "👍1* ");
    assert_eq!(model.resume_frames().len(), 1, "nothing is sent again");
}

#[test]
fn a_rejected_reaction_is_taken_back_and_says_why() {
    let mut model = with_message();
    send(&mut model, "1", ChangeKind::React, "👍");
    let before = model.reactions_version(1);
    let rejected = ServerFrame::Rejected {
        room: Some("general".into()),
        id: Some("1".into()),
        code: Code::TooManyReactions,
        message: String::new(),
        retry_after_ms: None,
    };
    model.apply(rejected, 0);
    assert_eq!(read(&model), "");
    assert_eq!(model.rejected_reactions(1).len(), 1);
    assert!(model.reactions_version(1).is_some_and(|version| Some(version) != before));
    assert_eq!(model.pending_change(1), None, "the message itself is not drawn again");
    model.discard_change(1);
    assert_eq!((model.rejected_reactions(1).len(), model.reactions_version(1)), (0, None));
}

#[test]
fn ones_own_reaction_is_known_where_the_first_people_do_not_show_it() {
    let first: Vec<String> = (0..20).map(|n| format!("u{n}")).collect();
    let first: Vec<&str> = first.iter().map(String::as_str).collect();
    let mut model = with_message();
    hear(&mut model, 2, "me", ChangeKind::React, (21, &first));
    let shown = model.reaction(1, "👍");
    assert!((shown.is_mine, shown.count, shown.unnamed()) == (true, 21, 0));
    hear(&mut model, 3, "z", ChangeKind::React, (22, &first));
    assert!(model.reaction(1, "👍").is_mine, "what others do changes nothing about it");
    send(&mut model, "1", ChangeKind::Unreact, "👍");
    assert_eq!(model.reaction(1, "👍").count, 21);
    hear(&mut model, 4, "me", ChangeKind::Unreact, (21, &first));
    let shown = model.reaction(1, "👍");
    assert!((shown.is_mine, shown.count, shown.unnamed()) == (false, 21, 1));
}

#[test]
fn a_page_tells_of_ones_own_reactions_as_of_the_time_when_it_was_read() {
    let mut model = with_message();
    let mut reacted = message(1, "a", "x");
    let first = (0..20).map(|n| user(&format!("u{n}"))).collect();
    reacted.reactions = vec![Reaction { emoji: "👍".into(), count: 30, users: first }];
    reacted.rev = 2;
    let page = MessagePage {
        messages: vec![reacted],
        cursor: Cursor { epoch: Epoch::parse("e").expect("fine"), offset: 2 },
        more: false,
        reset: false,
        as_of: 2,
        own_reactions: vec![OwnReaction { target: 1, emoji: "👍".into() }],
        quoted: vec![],
        threads: vec![],
    };
    model.reload(page.clone());
    assert!(model.reaction(1, "👍").is_mine);
    hear(&mut model, 3, "me", ChangeKind::Unreact, (29, &[]));
    assert!(!model.reaction(1, "👍").is_mine);
    // The same page again, which was on its way meanwhile.
    model.reload(page);
    let shown = model.reaction(1, "👍");
    assert!(!shown.is_mine && shown.count == 29);
}
