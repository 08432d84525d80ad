//! Round trips: every type of the wire is read, and written again as it was.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, from_value, json, to_value};

use super::{
    chat::{Message, MessagePage, Polled, ServerFrame},
    feed::{self, Event, Snapshot},
    problem::{Code, Problem},
};

fn read<T: DeserializeOwned>(value: &Value) -> T {
    from_value(value.clone()).unwrap_or_else(|error| panic!("{error}: {value}"))
}

fn read_and_write<T: DeserializeOwned + Serialize>(value: &Value) {
    assert_eq!(to_value(read::<T>(value)).expect("plain data"), *value);
}

fn message() -> Value {
    json!({ "room": "general", "offset": 7, "id": "i", "user": "alice", "user_id": "u", "text": "井戸\n端", "timestamp": 1_795_348_799_123_i64 })
}

#[test]
fn every_frame_of_the_server_is_read_and_written() {
    let person = json!({ "id": "u", "name": "alice" });
    let mut message = message();
    message["type"] = json!("message");
    for frame in [
        json!({ "type": "joined", "room": "r", "epoch": "e1", "offset": 3, "recovered": true, "head": 9, "members": [person] }),
        message,
        json!({ "type": "posted", "room": "r", "id": "i", "offset": 3, "timestamp": 5 }),
        json!({ "type": "rejected", "code": "text_too_long", "message": "m" }),
        json!({ "type": "rejected", "room": "r", "id": "i", "code": "unavailable", "message": "m", "retry_after_ms": 7 }),
        json!({ "type": "user-joined", "room": "r", "user": "alice", "user_id": "u" }),
        json!({ "type": "user-left", "room": "r", "user": "alice", "user_id": "u" }),
        json!({ "type": "members", "room": "r", "members": [] }),
        json!({ "type": "members", "room": "r", "members": [person], "away": ["u"] }),
        json!({ "type": "user-away", "room": "r", "user": "alice", "user_id": "u", "away": true }),
        json!({ "type": "user-away", "room": "r", "user": "alice", "user_id": "u", "away": false }),
        json!({ "type": "typing", "room": "r", "user": "alice", "user_id": "u" }),
        json!({ "type": "reset", "room": "r", "epoch": "e1", "offset": 0 }),
        json!({ "type": "pong" }),
    ] {
        read_and_write::<ServerFrame>(&frame);
    }
}

#[test]
fn every_event_of_the_feed_is_read_and_written() {
    let of = |mut body: Value| {
        for (name, value) in [("channel", json!("ops")), ("offset", json!(4)), ("timestamp", json!(-1))] {
            body[name] = value;
        }
        body
    };
    for event in [
        of(json!({ "type": "update", "value": -0.125 })),
        of(json!({ "type": "update", "value": 2, "unit": "ms", "key": "latency" })),
        of(json!({ "type": "notification", "text": "t", "level": "warning" })),
        of(
            json!({ "type": "notification", "title": "T", "text": "", "level": "info", "tags": ["a", "b"], "link": "https://example.org/", "key": "k" }),
        ),
        of(json!({ "type": "progress", "key": "import", "done": 3, "total": 10, "text": "half" })),
        json!({ "type": "connected", "timestamp": 5, "head": 9 }),
        json!({ "type": "reset", "cursor": "e1:9", "timestamp": 5 }),
    ] {
        let event_read: Event = read(&event);
        let written = match &event_read {
            Event::Entry(entry) => to_value(entry),
            Event::Control(control) => to_value(control),
            Event::Unreadable(entry) => panic!("this build's own entry: {entry:?}"),
        };
        assert_eq!(read::<Event>(&written.expect("plain data")), event_read, "{event}");
    }
}

#[test]
fn pages_and_problems_are_read_and_written() {
    let page = json!({ "messages": [message()], "cursor": "e1:7", "more": false, "reset": true });
    read_and_write::<MessagePage>(&page);
    read_and_write::<Message>(&message());
    let mut polled = page;
    polled["members"] = json!([{ "id": "u", "name": "alice" }]);
    polled["typing"] = json!([]);
    polled["seen"] = json!("s");
    read_and_write::<Polled>(&polled);
    read_and_write::<feed::EntryPage>(
        &json!({ "events": [], "cursor": "e1:0", "more": true, "reset": false }),
    );
    read_and_write::<Snapshot>(&json!({ "cursor": "e1:0", "values": [], "notices": [], "more": true }));
    read_and_write::<Problem>(&json!({ "title": "t", "status": 400, "detail": "d", "code": "bad_json" }));
}

#[test]
fn every_code_survives_a_round_trip() {
    for code in Code::ALL {
        assert_eq!(to_value(code).expect("plain data"), code.as_str());
        assert_eq!(from_value::<Code>(json!(code.as_str())).expect("its own word"), code);
        assert_eq!(Code::parse(code.as_str()), Some(code));
    }
    assert!(from_value::<Code>(json!("no_such_code")).is_err());
    assert_eq!(Code::parse("no_such_code"), None);
}

#[test]
fn other_values_are_rejected() {
    for frame in [
        json!(null),
        json!({}),
        json!({ "type": "unknown" }),
        json!({ "type": "posted", "room": "r" }),
        json!({ "type": "reset", "room": "r", "epoch": 5, "offset": 0 }),
    ] {
        assert!(from_value::<ServerFrame>(frame.clone()).is_err(), "{frame}");
    }
}
