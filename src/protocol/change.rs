//! Changes of messages: their kinds, the request for one, and what the readers of a room hear of it. Server and browser
//! use them; what a change does to a message on a page is in `app/model/room`, and in the store in `server/chat`.

use serde::{Deserialize, Serialize};

use super::{cursor::Offset, members::Members, name::RoomId, problem::Rejection, publication::TEXT_NAMES};

/// The kind of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", try_from = "String")]
pub enum ChangeKind {
    /// The author gives the message another text.
    Edit,
    /// The author, an owner of the room or an administrator removes the message: its texts are erased.
    Delete,
}

impl ChangeKind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::Edit, Self::Delete];

    /// The kind as written on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Edit => "edit",
            Self::Delete => "delete",
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
}

impl NewChange {
    /// Takes the members of a change.
    pub fn from_members(members: &mut Members) -> Result<Self, Rejection> {
        let id = members.required_text(&["id"])?;
        let kind = members.required_text(&["kind"])?.trim().to_ascii_lowercase();
        let kind = ChangeKind::parse(&kind)
            .ok_or_else(|| members.rejection(format!("kind has to be one of: {}.", kinds())))?;
        let text = match kind {
            ChangeKind::Edit => Some(members.required_text(&TEXT_NAMES)?),
            ChangeKind::Delete => None,
        };
        Ok(Self { id, kind, text })
    }
}

fn kinds() -> String {
    ChangeKind::ALL.map(ChangeKind::as_str).join(", ")
}

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
        let edit = NewChange { id: "1".into(), kind: ChangeKind::Edit, text: Some("b".into()) };
        assert_eq!(parse(json!({ "ref": 7, "id": "1", "kind": "edit", "text": "b" })), Ok((7, edit.clone())));
        assert_eq!(parse(json!({ "ref": "7", "id": "1", "kind": "Edit", "message": "b" })), Ok((7, edit)));
        let delete = NewChange { id: "1".into(), kind: ChangeKind::Delete, text: None };
        assert_eq!(parse(json!({ "ref": 7, "id": "1", "kind": "delete", "text": "no" })), Ok((7, delete)));
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
