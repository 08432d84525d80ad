//! Property tests of the protocol's parsers with hostile input: they never panic, and accepted input survives a round
//! trip. The property tests of the routes use the same inputs. `PROPTEST_CASES` sets the number of cases of each
//! property (256 without it); `make fuzz` runs them for as long as you like.

use proptest::{collection::vec, option, prelude::*, sample::select};
use serde_json::{Map, Value};

use super::{
    chat::{ClientFrame, NewMessage},
    cursor::{Cursor, Epoch},
    feed::{Action, Body, Details, Level, ProgressState},
    mark::{MarkKind, NewMark, RoomLevel},
    name::{CHANNEL_MAX_CHARACTERS, NAME_MAX_CHARACTERS, RoomId, parse_channel, parse_name},
    publication::Publication,
    text::{MESSAGE_MAX_CHARACTERS, MessageText, count_characters, is_forbidden},
};

/// Any text: every kind of character, with more of those that break parsers.
pub(crate) fn text() -> impl Strategy<Value = String> {
    let spicy = select(vec![
        '\0', '\r', '\n', '\t', ' ', '"', '\\', '/', ':', ',', '*', '%', '+', '-', '_', '.', '0', 'a', 'Z',
        'İ', 'Σ', 'ß', '井', '\u{301}', '\u{200b}', '\u{202e}', '\u{2028}', '\u{3000}', '\u{feff}', '👨',
        '\u{200d}',
    ]);
    prop_oneof![
        vec(any::<char>(), 0..60).prop_map(String::from_iter),
        vec(spicy, 0..60).prop_map(String::from_iter),
        "[a-zA-Z0-9:. -]{0,50}",
    ]
}

/// Any JSON, two levels deep.
pub(crate) fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        3 => text().prop_map(Value::from),
        2 => any::<f64>().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<u64>().prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
        1 => Just(Value::Null),
    ];
    leaf.prop_recursive(2, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((text(), inner), 0..4).prop_map(|members| Value::Object(Map::from_iter(members))),
        ]
    })
}

/// An object that is nearly valid: one of `types` or another, and some of `members` with any value.
pub(crate) fn nearly(
    types: &'static [&'static str],
    members: &'static [&'static str],
) -> impl Strategy<Value = Value> {
    let kind = prop_oneof![4 => select(types).prop_map(Value::from), 1 => json_value()];
    let member = (select(members).prop_map(str::to_owned), json_value());
    (option::weighted(0.9, kind), vec(member, 0..8)).prop_map(|(kind, members)| {
        let kind = kind.map(|kind| ("type".to_owned(), kind));
        Value::Object(members.into_iter().chain(kind).collect())
    })
}

fn mark() -> impl Strategy<Value = NewMark> {
    let position = prop_oneof![
        "[a-z0-9]{1,9}:[0-9]{1,9}".prop_map(|cursor| (Some(cursor), None)),
        any::<u64>().prop_map(|offset| (None, Some(offset))),
    ];
    let (kind, level) = (select(MarkKind::ALL.to_vec()), select(RoomLevel::ALL.to_vec()));
    (text(), kind, text(), position, option::of(any::<u64>()), level).prop_map(
        |(id, kind, room, (cursor, offset), generation, level)| match kind {
            MarkKind::Level => {
                NewMark { id, kind, room, cursor: None, offset: None, generation: None, level: Some(level) }
            }
            _ => {
                let generation = generation.filter(|_| kind == MarkKind::Read);
                NewMark { id, kind, room, cursor, offset, generation, level: None }
            }
        },
    )
}

fn frame() -> impl Strategy<Value = ClientFrame> {
    prop_oneof![
        mark().prop_map(ClientFrame::Mark),
        option::of("[a-z0-9]{1,9}:[0-9]{1,9}").prop_map(|after| ClientFrame::Follow { after }),
        (text(), option::of("[a-z0-9]{1,9}:[0-9]{1,9}"), option::of(any::<u32>()))
            .prop_map(|(room, after, last)| ClientFrame::Join { room, after, last }),
        text().prop_map(|room| ClientFrame::Leave { room }),
        (text(), text(), text(), option::of(any::<u64>()), option::of(any::<u64>())).prop_map(
            |(room, id, text, reply_to, thread)| ClientFrame::Post {
                room,
                message: NewMessage { id, text, reply_to, thread, files: Vec::new() }
            }
        ),
        text().prop_map(|room| ClientFrame::Typing { room }),
        Just(ClientFrame::Ping),
    ]
}

fn number() -> impl Strategy<Value = f64> {
    use proptest::num::f64::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
    POSITIVE | NEGATIVE | NORMAL | SUBNORMAL | ZERO
}

fn word() -> impl Strategy<Value = String> {
    "\\PC{0,63}x"
}

fn details() -> impl Strategy<Value = Details> {
    let action = (word(), "https?://[a-z][!-~]{0,60}").prop_map(|(label, url)| Action { label, url });
    let icon = option::of("https?://[a-z][!-~]{0,60}");
    (option::of(1..=5_u8), icon, any::<bool>(), vec(action, 0..4)).prop_map(
        |(priority, icon, markdown, actions)| Details {
            priority,
            icon,
            markdown,
            html: None,
            actions,
            ..Details::default()
        },
    )
}

/// A valid body of an entry.
fn body() -> impl Strategy<Value = Body> {
    let level = select(vec![Level::Info, Level::Success, Level::Warning, Level::Error]);
    let notification =
        (option::of("\\PC{0,40}x"), "\\PC{0,90}x", level, vec(word(), 0..10), option::of(word()));
    prop_oneof![
        (number(), option::of(word()), option::of(word())).prop_map(|(value, unit, key)| Body::Update {
            value,
            unit,
            key
        }),
        (notification, option::of("https?://[a-z][!-~]{0,60}"), details()).prop_map(
            |((title, text, level, tags, key), link, details)| Body::Notification {
                title,
                text,
                level,
                tags,
                link,
                key,
                details,
            }
        ),
        (word(), 0.0..=1.0, option::of(number()), progress_state(), option::of("\\PC{0,90}x")).prop_map(
            |(key, part, total, state, text)| {
                let total = total.map(|total| total.abs().max(f64::MIN_POSITIVE));
                Body::Progress { key, done: total.unwrap_or(7.0) * part, total, state, text }
            }
        ),
    ]
}

fn progress_state() -> impl Strategy<Value = ProgressState> {
    select(vec![ProgressState::Running, ProgressState::Paused, ProgressState::Failed, ProgressState::Done])
}

/// Asserts that an accepted publication survives a round trip.
pub(crate) fn assert_same_again(publication: &Publication) {
    let written = serde_json::to_string(publication.body()).expect("plain data");
    let value = serde_json::from_str(&written).expect("JSON");
    let read = Publication::from_json(value).map(|(read, _)| read);
    assert_eq!(read.as_ref(), Ok(publication), "{written}");
}

fn assert_frame_survives(frame: &ClientFrame) {
    let written = serde_json::to_string(frame).expect("plain data");
    assert_eq!(ClientFrame::parse(&written).as_ref(), Ok(frame), "{written}");
}

proptest! {
    #[test]
    fn any_text_is_a_frame_or_is_rejected(text in text()) {
        let _ = ClientFrame::parse(&text);
    }

    #[test]
    fn a_nearly_valid_frame_is_accepted_or_rejected(
        value in nearly(
            &["join", "leave", "post", "typing", "mark", "follow", "ping"],
            &["room", "after", "last", "id", "text", "kind", "cursor", "offset", "generation", "level"],
        ),
    ) {
        if let Ok(frame) = ClientFrame::parse(&value.to_string()) {
            assert_frame_survives(&frame);
        }
    }

    #[test]
    fn every_frame_survives_the_wire(frame in frame()) {
        assert_frame_survives(&frame);
    }

    #[test]
    fn a_truncated_frame_is_rejected(frame in frame(), cut in any::<prop::sample::Index>()) {
        let written = serde_json::to_string(&frame).expect("plain data");
        let mut end = cut.index(written.len());
        while !written.is_char_boundary(end) {
            end -= 1;
        }
        prop_assert!(ClientFrame::parse(&written[..end]).is_err());
    }

    #[test]
    fn a_cursor_has_one_spelling(text in prop_oneof![text(), "[a-zA-Z0-9]{1,4}:[+0]?[0-9]{0,21}"]) {
        if let Ok(cursor) = text.parse::<Cursor>() {
            prop_assert_eq!(cursor.to_string(), text);
        }
    }

    #[test]
    fn every_cursor_survives_the_wire(epoch in "[a-zA-Z0-9]{1,32}", offset in any::<u64>()) {
        let cursor = Cursor { epoch: Epoch::parse(&epoch).expect("letters and digits"), offset };
        prop_assert_eq!(cursor.to_string().parse::<Cursor>(), Ok(cursor));
    }

    #[test]
    fn a_nearly_valid_publication_is_accepted_or_rejected(
        value in nearly(
            &["update", "notification", "progress"],
            &["value", "unit", "key", "title", "text", "level", "tags", "link", "done", "total"],
        ),
    ) {
        if let Ok((publication, _)) = Publication::from_json(value) {
            assert_same_again(&publication);
        }
    }

    #[test]
    fn every_publication_survives_a_round_trip(body in body()) {
        let publication = Publication::new(body);
        assert_same_again(&publication.expect("within the limits"));
    }

    #[test]
    fn parsing_a_name_is_idempotent(typed in text()) {
        if let Ok(name) = parse_name(&typed) {
            prop_assert!((1..=NAME_MAX_CHARACTERS).contains(&count_characters(&name)));
            prop_assert!(!name.chars().any(char::is_control));
            prop_assert_eq!(parse_name(&name), Ok(name));
        }
    }

    #[test]
    fn a_rooms_id_is_kept_as_written(typed in text()) {
        if let Ok(id) = RoomId::parse(&typed) {
            prop_assert_eq!(id.as_str(), typed);
        }
    }

    #[test]
    fn a_channels_name_is_kept_as_written(typed in prop_oneof![text(), "[a-z.]{60,70}"]) {
        if let Ok(channel) = parse_channel(&typed) {
            prop_assert_eq!(&channel, &typed);
            prop_assert!((1..=CHANNEL_MAX_CHARACTERS).contains(&channel.len()));
        }
    }

    #[test]
    fn parsing_a_message_is_idempotent(typed in text(), times in 1usize..200) {
        if let Ok(message) = MessageText::parse(&typed.repeat(times)) {
            prop_assert!(count_characters(message.as_str()) <= MESSAGE_MAX_CHARACTERS);
            prop_assert!(!message.as_str().contains(|c| c == '\r' || is_forbidden(c)));
            prop_assert_eq!(MessageText::parse(message.as_str()), Ok(message.clone()));
        }
    }
}
