//! The posts and changes that writers send to a room, and the rule by which readers fold changes into messages: the tests'
//! own, so that it can be compared with the server's.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use fastrand::Rng;
use serde_json::{Value, json};

use crate::support::new_id;

/// The emoji of reactions: few, so that several people take the same.
const EMOJI: [&str; 4] = ["👍", "🎉", "👀", "🦆"];

/// A post or a change, sent until it is acknowledged.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) id: String,
    pub(super) change: Option<Change>,
    pub(super) file: Option<File>,
}

/// A file that was uploaded for a post.
#[derive(Clone, Debug)]
pub(super) struct File {
    pub(super) id: String,
    /// Its content, which has the form of a message's text, and which no other file has.
    pub(super) content: String,
}

#[derive(Clone, Debug)]
pub(super) struct Change {
    /// The offset of the message.
    pub(super) target: u64,
    pub(super) kind: &'static str,
    emoji: Option<&'static str>,
}

/// The text of a post or an edit. It does not contain the id, which stays when the text is deleted.
pub(super) fn text_of(id: &str) -> String {
    format!("text {}", id.chars().rev().collect::<String>())
}

impl Sent {
    pub(super) fn post() -> Self {
        Self { id: new_id(), change: None, file: None }
    }

    /// The body of the request, and the members of a frame besides `type`, `room` and `ref`.
    pub(super) fn body(&self) -> Value {
        match &self.change {
            None => {
                let files: Vec<_> = self.file.iter().map(|file| &file.id).collect();
                json!({ "id": self.id, "text": text_of(&self.id), "files": files })
            }
            Some(Change { kind: "edit", .. }) => {
                json!({ "id": self.id, "kind": "edit", "text": text_of(&self.id) })
            }
            Some(Change { kind, emoji: Some(emoji), .. }) => {
                json!({ "id": self.id, "kind": kind, "emoji": emoji })
            }
            Some(Change { kind, .. }) => json!({ "id": self.id, "kind": kind }),
        }
    }

    /// The frame of a socket.
    pub(super) fn frame(&self, room: &str) -> String {
        let mut frame = self.body();
        frame["type"] = json!(if self.change.is_some() { "change" } else { "post" });
        frame["room"] = json!(room);
        if let Some(change) = &self.change {
            frame["ref"] = json!(change.target);
        }
        frame.to_string()
    }
}

/// The offsets of the acknowledged messages of a room, of all writers.
#[derive(Clone, Default)]
pub(super) struct Messages(Arc<Mutex<Vec<u64>>>);

impl Messages {
    pub(super) fn add(&self, offset: u64) {
        self.0.lock().expect("nobody panics with it").push(offset);
    }

    /// A random change: of anybody's message a reaction or a pin, of one's own an edit or a deletion. Recent messages are
    /// changed more often. `None` while there is no message.
    pub(super) fn change(&self, own: &[u64], rng: &mut Rng) -> Option<Sent> {
        let all = self.0.lock().expect("nobody panics with it");
        let mut recent = |offsets: &[u64]| {
            let back = rng.usize(..offsets.len().clamp(1, 20));
            offsets.len().checked_sub(1 + back).map(|index| offsets[index])
        };
        let (target, own) = (recent(&all)?, recent(own));
        let (kind, target) = match (rng.u8(..12), own) {
            (0..=2, Some(own)) => ("edit", own),
            (3, Some(own)) => ("delete", own),
            (4, _) => ("pin", target),
            (5, _) => ("unpin", target),
            (6..=7, _) => ("unreact", target),
            _ => ("react", target),
        };
        let emoji = kind.ends_with("react").then(|| EMOJI[rng.usize(..EMOJI.len())]);
        Some(Sent { id: new_id(), change: Some(Change { target, kind, emoji }), file: None })
    }
}

/// Messages by offset, as a reader has them after the changes that it heard.
pub(super) type Folded = BTreeMap<u64, Value>;

/// Takes an entry: a message, or a change of one.
pub(super) fn fold(messages: &mut Folded, entry: &Value) {
    let mut entry = entry.as_object().expect("an entry").clone();
    entry.remove("type");
    let offset = entry["offset"].as_u64().expect("every entry has an offset");
    let Some(target) = entry.get("ref").and_then(Value::as_u64) else {
        messages.insert(offset, Value::Object(entry));
        return;
    };
    let Some(message) = messages.get_mut(&target).and_then(Value::as_object_mut) else { return };
    if offset <= message.get("rev").and_then(Value::as_u64).unwrap_or(0) {
        return;
    }
    message.insert("rev".into(), offset.into());
    match entry["kind"].as_str() {
        Some("edit") => {
            message.insert("text".into(), entry["text"].clone());
            message.insert("edited".into(), true.into());
            match entry.remove("html") {
                Some(html) => drop(message.insert("html".into(), html)),
                None => drop(message.remove("html")),
            }
        }
        Some("delete") => {
            message.insert("text".into(), "".into());
            message.insert("deleted".into(), true.into());
            for gone in ["edited", "reactions", "pinned", "files", "html"] {
                message.remove(gone);
            }
        }
        Some("pin") => drop(message.insert("pinned".into(), true.into())),
        Some("unpin") => drop(message.remove("pinned")),
        _ => react(message, entry.remove("reaction").unwrap_or_default()),
    }
}

/// Puts the people of an emoji in the place of those before; without any, the emoji goes.
fn react(message: &mut serde_json::Map<String, Value>, reaction: Value) {
    let mut reactions =
        message.remove("reactions").and_then(|list| list.as_array().cloned()).unwrap_or_default();
    let index = reactions.iter().position(|known| known["emoji"] == reaction["emoji"]);
    match index {
        Some(index) if reaction["count"] == 0 => drop(reactions.remove(index)),
        Some(index) => reactions[index] = reaction,
        None if reaction["count"] != 0 => reactions.push(reaction),
        None => {}
    }
    if !reactions.is_empty() {
        message.insert("reactions".into(), reactions.into());
    }
}
