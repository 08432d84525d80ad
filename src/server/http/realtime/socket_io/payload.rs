//! The JSON of the packets to clients: that of the chat's frames and the feed's entries, without the `type` that the
//! event's name carries, and with the epoch or cursor by which a client resumes. `rooms` and `feed` call it. It must
//! never build a frame of its own: the chat and the feed encode them.

use serde_json::{Map, Value, json};

use super::outbox::Outgoing;
use crate::{
    protocol::{
        chat::ServerFrame,
        cursor::{Cursor, Epoch},
        mark::{Marked, UserRoom},
        name::RoomId,
    },
    server::chat::encode_frame,
};

/// A message of a room.
pub(super) fn message(room: &RoomId, json: &[u8], epoch: &Epoch) -> Outgoing {
    let (name, mut data) = named(json);
    data.insert("epoch".into(), epoch.as_str().into());
    Outgoing::event(Some(room.clone()), name, data.into())
}

/// An ephemeral frame of a room. `user-joined` and `user-left` have the user's id as first argument, as in the seed.
pub(super) fn ephemeral(room: &RoomId, json: &[u8]) -> Outgoing {
    let (name, data) = named(json);
    match (name.as_str(), data.get("user_id")) {
        ("user-joined" | "user-left", Some(Value::String(id))) => {
            let id = id.clone();
            Outgoing::id_event(room.clone(), name, id, data.into())
        }
        _ => Outgoing::event(Some(room.clone()), name, data.into()),
    }
}

/// The answer to a join, or to following the user's own log.
pub(super) fn joined(frame: &ServerFrame, cursor: &Cursor) -> Value {
    let (_, mut data) = named(encode_frame(frame).as_bytes());
    data.insert("cursor".into(), cursor.to_string().into());
    data.into()
}

/// A mark of the user, with the epoch of their own log.
pub(super) fn mark(json: &[u8], epoch: &Epoch) -> Outgoing {
    let (name, mut data) = named(json);
    data.insert("epoch".into(), epoch.as_str().into());
    Outgoing::event(None, name, data.into())
}

/// The answer to a mark.
pub(super) fn marked(marked: Marked) -> Value {
    let (_, data) = named(encode_frame(&ServerFrame::Marked(marked)).as_bytes());
    data.into()
}

/// The unread counts of these rooms.
pub(super) fn counts(rooms: Vec<UserRoom>, list: bool) -> Value {
    let (_, data) = named(encode_frame(&ServerFrame::Unread { rooms, list }).as_bytes());
    data.into()
}

/// The same, for a client that follows it.
pub(super) fn unread(rooms: Vec<UserRoom>, list: bool) -> Outgoing {
    Outgoing::event(None, "unread", counts(rooms, list))
}

/// A reset of the user's own log: marks that the cursor lacked are gone.
pub(super) fn user_reset(cursor: &Cursor) -> Outgoing {
    let Cursor { epoch, offset } = cursor;
    let data = json!({ "epoch": epoch, "offset": offset, "cursor": cursor });
    Outgoing::event(None, "user-reset", data)
}

/// A reset: entries that the room's cursor lacked are gone.
pub(super) fn reset(room: &RoomId, cursor: &Cursor) -> Outgoing {
    let Cursor { epoch, offset } = cursor;
    let data = json!({ "room": room, "epoch": epoch, "offset": offset, "cursor": cursor });
    Outgoing::event(Some(room.clone()), "reset", data)
}

/// An entry of the feed.
pub(super) fn entry(json: &[u8], cursor: &Cursor) -> Outgoing {
    let mut data = object(json);
    data.insert("cursor".into(), cursor.to_string().into());
    Outgoing::event(None, "event", data.into())
}

/// A frame without its `type`, which is the event's name.
fn named(json: &[u8]) -> (String, Map<String, Value>) {
    let mut data = object(json);
    let name = data.remove("type").and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default();
    (name, data)
}

fn object(json: &[u8]) -> Map<String, Value> {
    serde_json::from_slice(json).expect("what we encoded is an object")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_is_left_out_and_the_epoch_put_in() {
        let epoch = Epoch::parse("e").expect("an epoch");
        let room = RoomId::parse("general").expect("a room");
        let json = br#"{"type":"message","room":"general","offset":7,"text":"hi"}"#;
        let expected = json!({ "room": "general", "offset": 7, "text": "hi", "epoch": "e" });
        assert_eq!(message(&room, json, &epoch), Outgoing::event(Some(room), "message", expected));
    }

    #[test]
    fn a_user_who_joined_comes_with_their_id_first() {
        let room = RoomId::parse("general").expect("a room");
        let json = br#"{"type":"user-joined","room":"general","user":"alice","user_id":"1"}"#;
        let data = json!({ "room": "general", "user": "alice", "user_id": "1" });
        let expected = Outgoing::id_event(room.clone(), "user-joined".into(), "1".into(), data.clone());
        assert_eq!(ephemeral(&room, json), expected);
        let json = br#"{"type":"typing","room":"general","user":"alice","user_id":"1"}"#;
        assert_eq!(ephemeral(&room, json), Outgoing::event(Some(room), "typing", data));
    }

    #[test]
    fn an_entry_of_the_feed_keeps_its_type_and_has_its_cursor() {
        let cursor = "e:7".parse().expect("a cursor");
        let expected = json!({ "type": "update", "value": 1, "cursor": "e:7" });
        assert_eq!(
            entry(br#"{"type":"update","value":1}"#, &cursor),
            Outgoing::event(None, "event", expected)
        );
    }
}
