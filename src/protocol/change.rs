//! Changes of messages: their kinds, the request for one, and what the readers of a room hear of it. Server and browser
//! use them; what a change does to a message on a page is in `app/model/room`, and in the store in `server/chat`.

use serde::{Deserialize, Serialize};

use super::{
    cursor::Offset, members::Members, mention::GroupMention, name::RoomId, problem::Rejection,
    publication::TEXT_NAMES, session::User,
};

/// The kind of a change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", try_from = "String")]
pub enum ChangeKind {
    /// The author gives the message another text.
    #[default]
    Edit,
    /// The author, an owner of the room or an administrator removes the message: its texts are erased.
    Delete,
    /// Somebody reacts with an emoji. Doing it twice is the same as once.
    React,
    /// They take their reaction back. Without one it changes nothing.
    Unreact,
    /// Somebody pins the message to the room.
    Pin,
    /// Somebody takes it off.
    Unpin,
}

impl ChangeKind {
    /// Every kind.
    pub const ALL: [Self; 6] = [Self::Edit, Self::Delete, Self::React, Self::Unreact, Self::Pin, Self::Unpin];

    /// The kind as written on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Edit => "edit",
            Self::Delete => "delete",
            Self::React => "react",
            Self::Unreact => "unreact",
            Self::Pin => "pin",
            Self::Unpin => "unpin",
        }
    }

    /// Parses the text that [`ChangeKind::as_str`] returns.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

// A derived reader has code of its own for each kind.
impl TryFrom<String> for ChangeKind {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| format!("the kind of change {text} is unknown"))
    }
}

/// The request for a change: the body of `POST /api/rooms/{room}/messages/{offset}/changes`, and, beside the room and the
/// `ref` of the message, the members of a client frame and of an event of Socket.IO.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewChange {
    /// A UUID from the client; the same change sent again returns the first one.
    pub id: String,
    /// The kind.
    pub kind: ChangeKind,
    /// The new text, of an edit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The emoji or its shortcode, of a reaction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emoji: Option<String>,
}

impl NewChange {
    /// Takes the members of a change.
    pub fn from_members(members: &mut Members) -> Result<Self, Rejection> {
        let id = members.required_text(&["id"])?;
        let kind = members.required_text(&["kind"])?.trim().to_ascii_lowercase();
        let kind = ChangeKind::parse(&kind)
            .ok_or_else(|| members.rejection(format!("kind has to be one of: {}.", kinds())))?;
        let (mut text, mut emoji) = (None, None);
        match kind {
            ChangeKind::Edit => text = Some(members.required_text(&TEXT_NAMES)?),
            ChangeKind::React | ChangeKind::Unreact => emoji = Some(members.required_text(&["emoji"])?),
            ChangeKind::Delete | ChangeKind::Pin | ChangeKind::Unpin => {}
        }
        Ok(Self { id, kind, text, emoji })
    }
}

fn kinds() -> String {
    ChangeKind::ALL.map(ChangeKind::as_str).join(", ")
}

/// The people who reacted to a message with one emoji.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reaction {
    /// The emoji.
    pub emoji: String,
    /// The number of people who reacted with it; 0 in a change that took the last one back.
    pub count: u64,
    /// The first of them, at most [`REACTION_USERS_MAX`], in the order in which they reacted.
    pub users: Vec<User>,
}

impl Reaction {
    /// Puts it in the place of the same emoji's, at the end if there is none. One of nobody is left out.
    pub fn put_into(&self, reactions: &mut Vec<Self>) {
        let index = reactions.iter().position(|known| known.emoji == self.emoji);
        match index {
            Some(index) if self.count == 0 => _ = reactions.remove(index),
            Some(index) => reactions[index].clone_from(self),
            None if self.count > 0 => reactions.push(self.clone()),
            None => {}
        }
    }
}

/// The people of a reaction that every reader gets: as many as are named where the pointer rests.
pub const REACTION_USERS_MAX: usize = 20;

/// The kinds of emoji at one message: a row of them, and no wall.
pub const REACTIONS_MAX: usize = 20;

/// A change as every reader of the room gets it. It is an entry of the room's log, with an offset of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageChanged {
    /// The room.
    pub room: RoomId,
    /// Its offset in the room. A reader ignores it if the message's `rev` is not below it.
    pub offset: Offset,
    /// The offset of the changed message.
    #[serde(rename = "ref")]
    pub target: Offset,
    /// The UUID from its author's client.
    pub id: String,
    /// The kind.
    pub kind: ChangeKind,
    /// The name of who changed it, at that time.
    pub user: String,
    /// Their id.
    pub user_id: String,
    /// The time at which the server accepted it, in milliseconds since the Unix epoch.
    pub timestamp: i64,
    /// The new text, of an edit; empty if the message was deleted since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The HTML of the new text, as that of a message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub html: Option<String>,
    /// The people who react with the emoji of a reaction, after this change; absent if the message was deleted since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reaction: Option<Reaction>,
    /// The thread of the message, of a deletion: it has an answer less.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<Offset>,
    /// The people whom the new text mentions, of an edit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<User>,
    /// The groups that the new text mentions, of an edit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupMention>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::protocol::problem::Code;

    fn parse(value: serde_json::Value) -> Result<(Offset, NewChange), Rejection> {
        let mut members = Members::of(value, "change", Code::BadFrame).expect("an object");
        Ok((members.required_offset("ref")?, NewChange::from_members(&mut members)?))
    }

    #[test]
    fn a_change_is_parsed_as_programs_write_it() {
        let edit = NewChange { id: "1".into(), kind: ChangeKind::Edit, text: Some("b".into()), emoji: None };
        assert_eq!(parse(json!({ "ref": 7, "id": "1", "kind": "edit", "text": "b" })), Ok((7, edit.clone())));
        assert_eq!(
            parse(json!({ "ref": "7", "id": "1", "kind": "Edit", "message": "b" })),
            Ok((7, edit.clone()))
        );
        let delete = NewChange { kind: ChangeKind::Delete, text: None, ..edit.clone() };
        assert_eq!(
            parse(json!({ "ref": 7, "id": "1", "kind": "delete", "text": "no" })),
            Ok((7, delete.clone()))
        );
        let react = NewChange { kind: ChangeKind::React, emoji: Some("👍".into()), ..delete };
        assert_eq!(parse(json!({ "ref": 7, "id": "1", "kind": "react", "emoji": "👍" })), Ok((7, react)));
    }

    #[test]
    fn a_change_without_its_members_is_rejected() {
        for change in [
            json!({ "id": "1", "kind": "delete" }),
            json!({ "ref": -1, "id": "1", "kind": "delete" }),
            json!({ "ref": 1.5, "id": "1", "kind": "delete" }),
            json!({ "ref": "x", "id": "1", "kind": "delete" }),
            json!({ "ref": 1, "kind": "delete" }),
            json!({ "ref": 1, "id": "1" }),
            json!({ "ref": 1, "id": "1", "kind": "paint" }),
            json!({ "ref": 1, "id": "1", "kind": "edit" }),
            json!({ "ref": 1, "id": "1", "kind": "react", "text": "👍" }),
        ] {
            assert_eq!(parse(change.clone()).expect_err("incomplete").code, Code::BadFrame, "{change}");
        }
    }

    #[test]
    fn a_kind_is_written_as_its_serde_name() {
        for kind in ChangeKind::ALL {
            assert_eq!(serde_json::to_value(kind).expect("a unit variant"), kind.as_str());
        }
    }
}
