//! Tests of the room as a page shows it.

use super::{timeline::GROUP_MS, *};
use crate::protocol::{
    change::{ChangeKind, MessageChanged, NewChange},
    cursor::Epoch,
    name::RoomId,
    text::MessageText,
};

fn user(id: &str) -> User {
    User { id: id.into(), name: id.to_uppercase() }
}

pub(super) fn general() -> RoomId {
    RoomId::parse("general").expect("fine")
}

pub(super) fn text(typed: &str) -> MessageText {
    MessageText::parse(typed).expect("fine")
}

pub(super) fn message(offset: Offset, user_id: &str, id: &str) -> Message {
    let (user, text) = (user_id.to_uppercase(), format!("text {offset}"));
    Message {
        room: general(),
        offset,
        id: id.into(),
        user,
        user_id: user_id.into(),
        text,
        html: None,
        timestamp: 0,
        rev: 0,
        edited: false,
        deleted: false,
        reactions: Vec::new(),
        pinned: false,
        reply_to: None,
        thread: None,
        mentions: Vec::new(),
        groups: Vec::new(),
    }
}

fn new_change(id: &str, kind: ChangeKind, text: Option<String>) -> NewChange {
    NewChange { id: id.into(), kind, text, emoji: None }
}

pub(super) fn change(offset: Offset, target: Offset, kind: ChangeKind, text: Option<&str>) -> ServerFrame {
    let (user, user_id, id) = ("A".into(), "a".into(), format!("change {offset}"));
    let text = text.map(str::to_owned);
    ServerFrame::MessageChanged(MessageChanged {
        room: general(),
        offset,
        target,
        id,
        kind,
        user,
        user_id,
        timestamp: 0,
        text,
        html: None,
        reaction: None,
        thread: None,
        mentions: Vec::new(),
        groups: Vec::new(),
    })
}

pub(super) fn model(offset: Offset) -> RoomModel {
    let cursor = Cursor { epoch: Epoch::parse("e").expect("fine"), offset };
    let page = MessagePage {
        messages: vec![],
        cursor,
        more: false,
        reset: false,
        as_of: 0,
        own_reactions: vec![],
        quoted: vec![],
        threads: vec![],
    };
    RoomModel::new(Room::new(general(), "general".into()), user("me"), page, vec![], SavedView::default())
}

/// Applies messages of another user, one after the other.
pub(super) fn receive(model: &mut RoomModel, offsets: impl Iterator<Item = Offset>) {
    for offset in offsets {
        assert_eq!(model.apply(ServerFrame::Message(message(offset, "a", "x")), 0), Missing::Nothing);
    }
}

pub(super) fn keys(model: &RoomModel) -> Vec<String> {
    let key = |item: &TimelineItem| match item {
        TimelineItem::Message(shown) => shown.message.offset.to_string(),
        TimelineItem::Draft(draft) => format!("{} {:?}", draft.id, draft.state),
        TimelineItem::Divider => "divider".to_owned(),
    };
    model.timeline().iter().map(key).collect()
}

#[test]
fn a_draft_becomes_the_message_it_was() {
    let mut model = model(4);
    model.post("id-1".into(), text("hello"));
    assert_eq!(keys(&model), ["id-1 Pending"]);
    model.apply(ServerFrame::Posted { room: general(), id: "id-1".into(), offset: 5, timestamp: 0 }, 0);
    model.apply(ServerFrame::Message(message(5, "me", "id-1")), 0);
    assert_eq!(keys(&model), ["5"]);
}

#[test]
fn a_draft_whose_message_came_before_the_acknowledgement_is_done() {
    let mut model = model(4);
    model.post("id-1".into(), text("hello"));
    // Another tab has made this browser another guest since the page was loaded.
    model.apply(ServerFrame::Message(message(5, "me-too", "id-1")), 0);
    assert_eq!(keys(&model), ["5", "id-1 Pending"]);
    model.apply(ServerFrame::Posted { room: general(), id: "id-1".into(), offset: 5, timestamp: 0 }, 0);
    assert_eq!(keys(&model), ["5"]);
}

#[test]
fn drafts_outlive_the_view_of_the_room() {
    let mut model = model(4);
    model.post("id-1".into(), text("sent"));
    model.post("id-2".into(), text("not yet sent"));
    let saved = model.save("half a sen".into(), None);
    let cursor = Cursor { epoch: Epoch::parse("e").expect("fine"), offset: 5 };
    let page = MessagePage {
        messages: vec![message(5, "me", "id-1")],
        cursor,
        more: false,
        reset: false,
        as_of: 0,
        own_reactions: vec![],
        quoted: vec![],
        threads: vec![],
    };
    let room = Room::new(general(), "general".into());
    let model = RoomModel::new(room, user("me"), page, vec![], saved);
    assert_eq!(keys(&model), ["5", "id-2 Pending"]);
    assert_eq!(model.resume_frames().len(), 2, "and is sent when the room is joined again");
}

#[test]
fn a_page_that_stays_open_has_a_bound() {
    let mut model = model(0);
    receive(&mut model, 1..=1_100);
    assert_eq!(model.timeline().len(), timeline::MESSAGES_MAX);
    assert!(model.more);
    assert_eq!(model.oldest().offset, 101);
}

#[test]
fn another_users_message_with_the_same_id_removes_no_draft() {
    let mut model = model(4);
    model.post("id-1".into(), text("hello"));
    model.apply(ServerFrame::Message(message(5, "eve", "id-1")), 0);
    assert_eq!(keys(&model), ["5", "id-1 Pending"]);
}

#[test]
fn a_rejected_draft_stays_and_can_be_sent_again() {
    let mut model = model(0);
    let frame = model.post("id-1".into(), text("hello"));
    let (room, id) = (None, Some("id-1".into()));
    let rejected = ServerFrame::Rejected {
        room,
        id,
        code: Code::TextTooLong,
        message: String::new(),
        retry_after_ms: None,
    };
    model.apply(rejected, 0);
    assert!(
        matches!(&model.timeline()[0], TimelineItem::Draft(draft) if draft.state == DraftState::Failed(RejectionReason::new(Code::TextTooLong)))
    );
    assert_eq!(model.resume_frames().len(), 1, "a rejected draft is not sent again by itself");
    assert_eq!(model.retry("id-1"), Some(frame));
    assert_eq!(model.resume_frames().len(), 2);
}

/// The server rejects a draft by its rate limit.
fn rate_limit(model: &mut RoomModel, id: &str) {
    let (room, id) = (Some("general".into()), Some(id.into()));
    let (code, message) = (Code::TooManyRequests, String::new());
    model.apply(ServerFrame::Rejected { room, id, code, message, retry_after_ms: Some(600) }, 0);
}

#[test]
fn a_rate_limited_draft_goes_back_into_the_composer() {
    let mut model = model(0);
    model.apply(joined(0), 0);
    model.post("id-1".into(), text("one"));
    model.post("id-2".into(), text("two"));
    assert_eq!(model.rate_limited(None), None, "nothing was rejected");
    rate_limit(&mut model, "id-2");
    let draft = model.rate_limited(None).expect("rejected").clone();
    assert_eq!(draft.text, "two");
    let reason = RejectionReason { code: Code::TooManyRequests, retry_after_ms: Some(600) };
    assert_eq!(draft.state, DraftState::Failed(reason));
    model.discard(&draft.id);
    assert_eq!((model.rate_limited(None), keys(&model)), (None, vec!["id-1 Pending".to_owned()]));
}

#[test]
fn a_draft_that_was_stored_before_it_was_rejected_is_not_written_again() {
    let mut model = model(0);
    model.post("id-1".into(), text("stored, and cut off before the answer"));
    model.apply(joined(1), 0);
    rate_limit(&mut model, "id-1");
    assert_eq!(model.rate_limited(None), None, "the message may still arrive");
    model.apply(ServerFrame::Message(message(1, "me", "id-1")), 0);
    assert_eq!((model.rate_limited(None), keys(&model)), (None, vec!["1".to_owned()]));
}

#[test]
fn a_join_that_was_rate_limited_is_repeated() {
    let mut model = model(0);
    let (room, message) = (Some("general".into()), String::new());
    let code = Code::TooManyRequests;
    let rejected = ServerFrame::Rejected { room, id: None, code, message, retry_after_ms: Some(900) };
    assert_eq!(model.apply(rejected, 0), Missing::Room);
    assert_eq!(model.problem, Some(Code::TooManyRequests));
    model.apply(joined(0), 0);
    assert_eq!(model.problem, None);
}

#[test]
fn a_message_that_comes_twice_is_shown_once() {
    let mut model = model(0);
    model.apply(ServerFrame::Message(message(1, "a", "x")), 0);
    model.apply(ServerFrame::Message(message(1, "a", "x")), 0);
    assert_eq!(keys(&model), ["1"]);
}

#[test]
fn the_connection_resumes_from_the_cursor() {
    let mut model = model(3);
    model.apply(ServerFrame::Message(message(4, "a", "x")), 0);
    let join = ClientFrame::Join { room: "general".into(), after: Some("e:4".into()), last: None };
    assert_eq!(model.resume_frames(), [join]);
}

#[test]
fn older_messages_go_above_and_none_twice() {
    let mut model = model(5);
    model.apply(ServerFrame::Message(message(6, "a", "x")), 0);
    let cursor = Cursor { offset: 4, ..model.oldest() };
    let messages = vec![message(4, "a", "v"), message(5, "a", "w"), message(6, "a", "x")];
    let before = model.oldest();
    model.prepend(
        MessagePage {
            messages,
            cursor,
            more: true,
            reset: false,
            as_of: 0,
            own_reactions: vec![],
            quoted: vec![],
            threads: vec![],
        },
        &before,
    );
    assert_eq!(keys(&model), ["4", "5", "6"]);
    assert!(model.more);
}

#[test]
fn members_join_and_leave() {
    let mut model = model(0);
    let joined = |id: &str| ServerFrame::UserJoined { room: general(), user: id.into(), user_id: id.into() };
    model.apply(joined("a"), 0);
    model.apply(joined("a"), 0);
    assert_eq!(model.members().len(), 1);
    assert_eq!(model.presence_change, Some(PresenceChange::Joined("a".into())));
    model.apply(joined("me"), 0);
    assert_eq!(model.presence_change, Some(PresenceChange::Joined("a".into())), "one's own join is not news");
    let away = |away| ServerFrame::UserAway { room: general(), user: "a".into(), user_id: "a".into(), away };
    model.apply(away(true), 0);
    model.apply(away(true), 0);
    assert_eq!(model.away, ["a"]);
    model.apply(away(false), 0);
    assert!(model.away.is_empty());
    model.apply(away(true), 0);
    model.apply(ServerFrame::UserLeft { room: general(), user: "a".into(), user_id: "a".into() }, 0);
    assert!(model.away.is_empty(), "who is gone is not away");
    assert_eq!(model.members(), [User { id: "me".into(), name: "me".into() }]);
}

#[test]
fn typing_ends_with_the_message() {
    let mut model = model(0);
    let typing = |id: &str| ServerFrame::Typing { room: general(), user: id.into(), user_id: id.into() };
    model.apply(typing("me"), 0);
    assert_eq!(model.typing(), None, "one's own typing is not news");
    model.apply(typing("a"), 1_000);
    assert_eq!(model.typing().map(|typing| typing.at_ms), Some(1_000));
    model.apply(ServerFrame::Message(message(1, "a", "x")), 0);
    assert_eq!(model.typing(), None);
}

#[test]
fn a_reset_is_noted_and_the_log_goes_on() {
    let mut model = model(3);
    model.apply(ServerFrame::Message(message(4, "a", "x")), 0);
    model
        .apply(ServerFrame::Reset { room: general(), epoch: Epoch::parse("f").expect("fine"), offset: 0 }, 0);
    model.apply(ServerFrame::Message(message(1, "a", "y")), 0);
    assert!(model.was_reset);
    assert_eq!(keys(&model), ["1"]);
    assert!(
        matches!(&model.resume_frames()[0], ClientFrame::Join { after: Some(after), .. } if after == "f:1")
    );
}

fn joined(head: Offset) -> ServerFrame {
    let (epoch, members) = (Epoch::parse("e").expect("fine"), vec![]);
    ServerFrame::Joined {
        room: general(),
        epoch,
        offset: 0,
        recovered: true,
        head,
        members,
        away: Vec::new(),
    }
}

#[test]
fn messages_that_were_missed_offline_stand_below_a_divider() {
    let mut model = model(0);
    model.reconnect();
    model.apply(joined(0), 0);
    model.apply(ServerFrame::Message(message(1, "a", "v")), 0);
    assert_eq!(keys(&model), ["1"], "a present reader misses nothing");
    model.disconnect();
    model.post("tunnel".into(), text("from the tunnel"));
    model.discard("tunnel");
    model.reconnect();
    assert!(!model.is_caught_up());
    model.apply(joined(3), 0);
    model.apply(ServerFrame::Message(message(2, "a", "w")), 0);
    assert!(!model.is_caught_up());
    model.apply(ServerFrame::Message(message(3, "a", "x")), 0);
    assert!(model.is_caught_up());
    model.apply(ServerFrame::Message(message(4, "a", "y")), 0);
    assert_eq!(keys(&model), ["1", "divider", "2", "3", "4"]);
    model.post("id".into(), text("I see"));
    assert_eq!(keys(&model), ["1", "2", "3", "4", "id Pending"], "an answer ends it");
}

#[test]
fn an_absence_without_messages_leaves_no_divider() {
    let mut model = model(5);
    model.disconnect();
    model.set_visible(false);
    model.reconnect();
    model.apply(joined(5), 0);
    model.set_visible(true);
    model.apply(ServerFrame::Message(message(6, "a", "v")), 0);
    assert_eq!(keys(&model), ["6"]);
}

#[test]
fn ones_own_messages_while_away_are_not_news() {
    let mut model = model(0);
    model.set_visible(false);
    model.apply(ServerFrame::Message(message(1, "me", "v")), 0);
    assert_eq!(keys(&model), ["1"]);
    model.apply(ServerFrame::Message(message(2, "a", "w")), 0);
    assert_eq!(keys(&model), ["divider", "1", "2"]);
}

#[test]
fn a_reader_who_comes_back_finds_the_divider_where_they_left() {
    let mut model = model(0);
    receive(&mut model, 1..=3);
    model.restore_read_mark(&Cursor { epoch: Epoch::parse("other").expect("fine"), offset: 1 });
    assert_eq!(keys(&model), ["1", "2", "3"], "another epoch says nothing");
    model.restore_read_mark(&Cursor { epoch: Epoch::parse("e").expect("fine"), offset: 1 });
    assert_eq!(keys(&model), ["1", "divider", "2", "3"]);
}

#[test]
fn unsent_drafts_are_restored_in_order_without_those_sent_since() {
    let mut model = model(0);
    model.apply(ServerFrame::Message(message(1, "me", "id-1")), 0);
    model.post("id-3".into(), text("third"));
    let unsent = [("id-1", "first"), ("id-2", "second"), ("id-3", "third")];
    model.restore(unsent.map(|(id, text)| Draft::pending(id.to_owned(), text.to_owned())).into());
    assert_eq!(keys(&model), ["1", "id-2 Pending", "id-3 Pending"]);
    assert_eq!(model.unsent(), 2);
}

#[test]
fn nothing_leaves_the_page_while_the_reader_reads_back() {
    let mut model = model(0);
    model.set_reading_back(true);
    receive(&mut model, 1..=1_100);
    assert_eq!(model.timeline().len(), 1_100);
    model.set_reading_back(false);
    model.apply(ServerFrame::Message(message(1_101, "a", "x")), 0);
    assert_eq!(model.timeline().len(), timeline::MESSAGES_MAX);
}

#[test]
fn a_gap_is_read_again_instead_of_being_skipped() {
    let mut model = model(3);
    assert_eq!(model.apply(ServerFrame::Message(message(5, "a", "x")), 0), Missing::Entries);
    assert!(keys(&model).is_empty());
    assert!(
        matches!(&model.resume_frames()[0], ClientFrame::Join { after: Some(after), .. } if after == "e:3")
    );
    receive(&mut model, 4..=5);
    assert_eq!(keys(&model), ["4", "5"]);
}

#[test]
fn a_reload_keeps_the_messages_that_arrived_since() {
    let mut model = model(3);
    receive(&mut model, 4..=5);
    let cursor = Cursor { epoch: Epoch::parse("e").expect("fine"), offset: 4 };
    model.reload(MessagePage {
        messages: vec![message(4, "a", "x")],
        cursor,
        more: true,
        reset: false,
        as_of: 0,
        own_reactions: vec![],
        quoted: vec![],
        threads: vec![],
    });
    assert_eq!(keys(&model), ["4", "5"]);
    receive(&mut model, 6..=6);
}

#[test]
fn a_draft_whose_room_was_not_joined_stays_pending() {
    let mut model = model(0);
    model.post("id-1".into(), text("hello"));
    let (room, id) = (Some("general".into()), Some("id-1".into()));
    let code = Code::NotJoined;
    let rejected = ServerFrame::Rejected { room, id, code, message: String::new(), retry_after_ms: None };
    model.apply(rejected, 0);
    assert_eq!(keys(&model), ["id-1 Pending"]);
}

#[test]
fn a_room_that_opens_hidden_keeps_the_read_mark_of_the_earlier_visit() {
    let mut model = model(0);
    receive(&mut model, 1..=3);
    model.set_visible(false);
    model.restore_read_mark(&Cursor { epoch: Epoch::parse("e").expect("fine"), offset: 1 });
    model.apply(joined(3), 0);
    model.set_visible(true);
    assert_eq!(keys(&model), ["1", "divider", "2", "3"]);
    model.set_visible(false);
    model.set_visible(true);
    assert_eq!(keys(&model), ["1", "2", "3"], "it was read, and nothing came since");
}

#[test]
fn an_entry_of_a_newer_build_moves_the_cursor_and_leaves_no_gap() {
    let mut model = model(4);
    let unreadable =
        |offset| ServerFrame::Unreadable(crate::protocol::chat::UnreadableEntry { room: general(), offset });
    assert!(!model.is_outdated);
    assert_eq!(model.apply(unreadable(5), 0), Missing::Nothing);
    assert_eq!(model.apply(ServerFrame::Message(message(6, "u2", "six")), 0), Missing::Nothing);
    assert!(model.is_outdated);
    assert_eq!(model.cursor().offset, 6);
    // It may be repeated, and one that is no entry of the log may name any offset.
    assert_eq!(model.apply(unreadable(5), 0), Missing::Nothing);
    assert_eq!(model.apply(unreadable(99), 0), Missing::Nothing);
    assert_eq!(model.cursor().offset, 6);
    assert_eq!(model.apply(ServerFrame::Message(message(8, "u2", "eight")), 0), Missing::Entries);
}

#[test]
fn a_reading_place_is_the_same_after_it_was_stored() {
    let place = ScrollPosition { offset: 165, top_px: -12.5, head: 180 };
    assert_eq!(ScrollPosition::parse(&place.to_string()), Some(place));
    for text in ["", "165", "165 x 180", "165 1.0"] {
        assert_eq!(ScrollPosition::parse(text), None, "{text}");
    }
}

#[test]
fn a_page_from_the_browsers_cache_marks_what_came_since_and_nothing_else() {
    let mut model = model(0);
    receive(&mut model, 1..=3);
    model.restore_read_mark(&Cursor { epoch: Epoch::parse("e").expect("fine"), offset: 3 });
    receive(&mut model, 4..=5);
    model.apply(joined(5), 0);
    assert_eq!(keys(&model), ["1", "2", "3", "divider", "4", "5"]);

    let mut model = self::model(0);
    receive(&mut model, 1..=3);
    model.restore_read_mark(&Cursor { epoch: Epoch::parse("e").expect("fine"), offset: 3 });
    model.apply(joined(3), 0);
    receive(&mut model, 4..=4);
    assert_eq!(keys(&model), ["1", "2", "3", "4"], "the reader was there when it came");
}

#[test]
fn messages_of_one_author_stand_together_while_each_follows_within_five_minutes() {
    const MINUTE: i64 = 60_000;
    let first = Message { timestamp: 10 * MINUTE, ..message(1, "a", "1") };
    let second = |user_id: &str, minute| Message { timestamp: minute * MINUTE, ..message(2, user_id, "2") };
    for (next, together) in [
        (second("a", 10), true),
        (Message { timestamp: 15 * MINUTE - 1, ..second("a", 0) }, true),
        (second("a", 15), false),
        (second("b", 11), false),
        (Message { user: "renamed".into(), ..second("a", 11) }, false),
        (second("a", 9), false), // the clock was set back
    ] {
        assert_eq!(continues(&next, &first), together, "{next:?}");
    }
}

#[test]
fn a_message_knows_the_one_before_it_as_far_as_they_are_loaded() {
    let mut model = model(4);
    receive(&mut model, 5..=7);
    let previous = |model: &RoomModel, offset| {
        let shown = |item| match item {
            TimelineItem::Message(shown) if shown.message.offset == offset => Some(shown),
            _ => None,
        };
        let shown = model.timeline().into_iter().find_map(shown).expect("it is loaded");
        shown.previous.map(|message| message.offset)
    };
    assert_eq!([5, 6, 7].map(|offset| previous(&model, offset)), [None, Some(5), Some(6)]);
    let cursor = Cursor { epoch: Epoch::parse("e").expect("fine"), offset: 4 };
    let (messages, before) = (vec![message(4, "a", "4")], model.oldest());
    model.prepend(
        MessagePage {
            messages,
            cursor,
            more: false,
            reset: false,
            as_of: 7,
            own_reactions: vec![],
            quoted: vec![],
            threads: vec![],
        },
        &before,
    );
    assert_eq!(previous(&model, 5), Some(4));
    model.apply(change(8, 6, ChangeKind::Delete, None), 0);
    assert_eq!(previous(&model, 7), Some(5), "one that is deleted is above nothing");
}

#[test]
fn a_draft_stands_under_the_head_of_the_authors_last_message_or_draft() {
    let mut model = model(4);
    let post = |model: &mut RoomModel, id: &str| _ = model.post(id.into(), text("hello"));
    post(&mut model, "id-1");
    post(&mut model, "id-2");
    assert!(!model.draft_continues("id-1", 0), "the room is empty");
    assert!(model.draft_continues("id-2", 0));
    model.apply(ServerFrame::Message(message(5, "me", "x")), 0);
    assert!(model.draft_continues("id-1", GROUP_MS - 1));
    assert!(!model.draft_continues("id-1", GROUP_MS), "it is long ago");
    receive(&mut model, 6..=6);
    assert!(!model.draft_continues("id-1", 0), "somebody else spoke");
}

fn texts(model: &RoomModel) -> Vec<(Offset, String)> {
    let text = |item| match item {
        TimelineItem::Message(shown) => Some((shown.message.offset, shown.message.text.clone())),
        _ => None,
    };
    model.timeline().into_iter().filter_map(text).collect()
}

#[test]
fn a_change_moves_the_cursor_and_changes_its_message_once() {
    let mut model = model(0);
    receive(&mut model, 1..=2);
    assert_eq!(model.apply(change(3, 1, ChangeKind::Edit, Some("edited")), 0), Missing::Nothing);
    assert_eq!(texts(&model)[0], (1, "edited".to_owned()));
    assert_eq!(model.cursor().offset, 3);
    // Repeated, as after a reconnect, and one that the message has already.
    model.apply(change(3, 1, ChangeKind::Edit, Some("again")), 0);
    assert_eq!(texts(&model)[0], (1, "edited".to_owned()));
    assert_eq!(model.apply(change(5, 1, ChangeKind::Delete, None), 0), Missing::Entries, "4 is missing");
    model.apply(change(4, 1, ChangeKind::Delete, None), 0);
    assert_eq!(texts(&model), [(2, "text 2".to_owned())]);
}

#[test]
fn a_page_that_was_read_before_a_change_is_shown_with_it_and_one_after_it_as_it_is() {
    let mut model = model(9);
    receive(&mut model, 10..=10);
    let before = model.oldest();
    model.apply(change(11, 5, ChangeKind::Edit, Some("edited")), 0);
    model.apply(change(12, 6, ChangeKind::Edit, Some("first edit")), 0);
    let cursor = Cursor { epoch: Epoch::parse("e").expect("fine"), offset: 5 };
    // The page was read after the second of these, and before the third.
    let later = Message { text: "second edit".into(), rev: 13, edited: true, ..message(6, "a", "6") };
    let messages = vec![message(5, "a", "5"), later];
    model.prepend(
        MessagePage {
            messages,
            cursor,
            more: false,
            reset: false,
            as_of: 10,
            own_reactions: vec![],
            quoted: vec![],
            threads: vec![],
        },
        &before,
    );
    assert_eq!(texts(&model)[..2], [(5, "edited".to_owned()), (6, "second edit".to_owned())]);
}

#[test]
fn a_page_from_before_changes_that_are_not_kept_is_not_taken() {
    let mut model = model(9);
    receive(&mut model, 10..=10);
    let before = model.oldest();
    for offset in 11..=1_011 {
        model.apply(change(offset, 5, ChangeKind::Edit, Some("edited")), 0);
    }
    let cursor = Cursor { epoch: Epoch::parse("e").expect("fine"), offset: 5 };
    let page = |as_of| MessagePage {
        messages: vec![message(5, "a", "5")],
        cursor: cursor.clone(),
        more: false,
        reset: false,
        as_of,
        own_reactions: vec![],
        quoted: vec![],
        threads: vec![],
    };
    model.prepend(page(10), &before);
    assert_eq!(texts(&model).len(), 1, "it may lack a change");
    model.prepend(page(11), &before);
    assert_eq!(texts(&model)[0], (5, "edited".to_owned()));
}

#[test]
fn an_own_change_is_shown_at_once_and_sent_again_until_it_comes() {
    let mut model = model(0);
    model.apply(ServerFrame::Message(message(1, "me", "1")), 0);
    model.change(1, new_change("id-1", ChangeKind::Edit, Some("edited".into())));
    assert_eq!(model.pending_change(1).and_then(|pending| pending.text.as_deref()), Some("edited"));
    assert_eq!(model.resume_frames().len(), 2, "the join and the change");
    model.apply(ServerFrame::Posted { room: general(), id: "id-1".into(), offset: 2, timestamp: 0 }, 0);
    let mine = match change(2, 1, ChangeKind::Edit, Some("edited")) {
        ServerFrame::MessageChanged(change) => {
            MessageChanged { id: "id-1".into(), user_id: "me".into(), ..change }
        }
        _ => unreachable!("it is a change"),
    };
    model.apply(ServerFrame::MessageChanged(mine), 0);
    assert_eq!(model.pending_change(1), None);
    assert_eq!(texts(&model), [(1, "edited".to_owned())]);
}

#[test]
fn a_deletion_hides_its_message_at_once_and_a_rejected_one_shows_it_again() {
    let mut model = model(0);
    model.apply(ServerFrame::Message(message(1, "me", "1")), 0);
    model.change(1, new_change("id-1", ChangeKind::Delete, None));
    assert_eq!(texts(&model), []);
    let reject = |code| ServerFrame::Rejected {
        room: None,
        id: Some("id-1".into()),
        code,
        message: String::new(),
        retry_after_ms: None,
    };
    model.apply(reject(Code::Unavailable), 0);
    assert_eq!(texts(&model).len(), 1);
    assert!(matches!(model.pending_change(1), Some(pending) if pending.state != DraftState::Pending));
    model.discard_change(1);
    assert_eq!(model.pending_change(1), None);
    model.change(1, new_change("id-1", ChangeKind::Delete, None));
    model.apply(reject(Code::MessageDeleted), 0);
    assert_eq!(model.pending_change(1), None, "somebody else has deleted it");

    model.change(1, new_change("id-2", ChangeKind::Edit, Some("a long text".into())));
    let reject = |id: &str| ServerFrame::Rejected {
        room: None,
        id: Some(id.into()),
        code: Code::MessageDeleted,
        message: String::new(),
        retry_after_ms: None,
    };
    model.apply(reject("id-2"), 0);
    assert_eq!(model.pending_change(1), None);
    let [draft] = model.drafts() else { panic!("{:?}", model.drafts()) };
    assert_eq!((draft.text.as_str(), draft.id.as_str()), ("a long text", "id-2"), "what was typed stays");
}

#[test]
fn changes_that_came_while_the_reader_was_away_are_no_news() {
    let mut model = model(0);
    receive(&mut model, 1..=2);
    model.apply(joined(2), 0);
    model.set_visible(false);
    model.apply(change(3, 1, ChangeKind::Edit, Some("edited")), 0);
    model.set_visible(true);
    receive(&mut model, 4..=4);
    assert_eq!(keys(&model), ["1", "2", "4"], "the reader was there when it came");
}

#[test]
fn up_to_a_loss_that_a_reset_told_of_offsets_may_have_gaps() {
    let mut model = model(0);
    let reset = Epoch::parse("e").expect("fine").at(0, 4);
    model.apply(ServerFrame::Reset { room: general(), epoch: reset, offset: 0 }, 0);
    // The changes among them are removed.
    for offset in [1, 3, 5] {
        assert_eq!(model.apply(ServerFrame::Message(message(offset, "a", "x")), 0), Missing::Nothing);
    }
    assert_eq!(model.apply(ServerFrame::Message(message(7, "a", "x")), 0), Missing::Entries);
}
