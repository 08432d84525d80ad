//! What is read without serde is what serde reads.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{Decode, Json};
use crate::protocol::{
    chat::{Message, Page, Polled, ServerFrame},
    feed::{self, Event, Snapshot},
    problem::{Code, Problem},
};

impl Json for Value {
    fn member(&self, name: &str) -> Option<Self> {
        self.get(name).filter(|value| !value.is_null()).cloned()
    }

    fn text(&self) -> Option<String> {
        self.as_str().map(str::to_owned)
    }

    fn number(&self) -> Option<f64> {
        self.as_f64()
    }

    fn truth(&self) -> Option<bool> {
        self.as_bool()
    }

    fn items(&self) -> Option<Vec<Self>> {
        self.as_array().cloned()
    }
}

/// Both readers make the same of it, and serde writes what both have read.
fn agree<T: Decode + DeserializeOwned + PartialEq + std::fmt::Debug>(value: &Value) -> T {
    let ours = T::decode(value).unwrap_or_else(|| panic!("not read: {value}"));
    let serdes: T = serde_json::from_value(value.clone()).expect("serde reads it");
    assert_eq!(ours, serdes, "{value}");
    ours
}

fn agree_and_write<T: Decode + DeserializeOwned + Serialize + PartialEq + std::fmt::Debug>(value: &Value) {
    assert_eq!(serde_json::to_value(agree::<T>(value)).expect("plain data"), *value);
}

fn message() -> Value {
    json!({ "room": "general", "offset": 7, "id": "i", "user": "alice", "user_id": "u", "text": "井戸\n端", "timestamp": 1_795_348_799_123_i64 })
}

#[test]
fn every_frame_of_the_server_is_read_as_serde_reads_it() {
    let person = json!({ "id": "u", "name": "alice" });
    let mut said = message();
    said["type"] = json!("message");
    for frame in [
        json!({ "type": "joined", "room": "r", "epoch": "e1", "offset": 3, "recovered": true, "head": 9, "members": [person] }),
        said,
        json!({ "type": "posted", "room": "r", "id": "i", "offset": 3, "timestamp": 5 }),
        json!({ "type": "rejected", "code": "text_too_long", "message": "m" }),
        json!({ "type": "rejected", "room": "r", "id": "i", "code": "unavailable", "message": "m", "retry_after_ms": 7 }),
        json!({ "type": "user-joined", "room": "r", "user": "alice", "user_id": "u" }),
        json!({ "type": "user-left", "room": "r", "user": "alice", "user_id": "u" }),
        json!({ "type": "members", "room": "r", "members": [] }),
        json!({ "type": "typing", "room": "r", "user": "alice", "user_id": "u" }),
        json!({ "type": "reset", "room": "r", "epoch": "e1", "offset": 0 }),
        json!({ "type": "pong" }),
    ] {
        agree_and_write::<ServerFrame>(&frame);
    }
}

#[test]
fn every_event_of_the_feed_is_read_as_serde_reads_it() {
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
        agree::<Event>(&event);
    }
}

#[test]
fn pages_and_problems_are_read_as_serde_reads_them() {
    let page = json!({ "messages": [message()], "cursor": "e1:7", "more": false, "reset": true });
    agree_and_write::<Page>(&page);
    agree_and_write::<Message>(&message());
    let mut polled = page;
    polled["members"] = json!([{ "id": "u", "name": "alice" }]);
    polled["typing"] = json!([]);
    polled["seen"] = json!("s");
    agree_and_write::<Polled>(&polled);
    agree_and_write::<feed::Page>(&json!({ "events": [], "cursor": "e1:0", "more": true, "reset": false }));
    agree_and_write::<Snapshot>(&json!({ "cursor": "e1:0", "values": [], "notices": [], "more": true }));
    agree_and_write::<Problem>(&json!({ "title": "t", "status": 400, "detail": "d", "code": "bad_json" }));
}

#[test]
fn every_code_is_read_by_the_word_that_serde_writes() {
    for code in Code::ALL {
        assert_eq!(serde_json::to_value(code).expect("plain data"), code.as_str());
        assert_eq!(Code::parse(code.as_str()), Some(code));
    }
    assert_eq!(Code::parse("nothing_of_ours"), None);
}

#[test]
fn what_is_something_else_is_refused() {
    for frame in [
        json!(null),
        json!({}),
        json!({ "type": "unknown" }),
        json!({ "type": "posted", "room": "r" }),
        json!({ "type": "reset", "room": "r", "epoch": 5, "offset": 0 }),
    ] {
        assert_eq!(ServerFrame::decode(&frame), None, "{frame}");
    }
}
