//! The marks of a user in their own log.

use serde_json::json;

use crate::{
    protocol::{
        chat::ServerFrame,
        mark::{MarkChanged, RoomMark},
    },
    server::{chat::encode_frame, store::Record},
};

/// The JSON of an entry of a user's log as its readers get it: a `mark` frame. One that cannot be read is logged, and says
/// only where it stands.
pub fn encode_mark(record: &Record) -> String {
    let Record { offset, timestamp, .. } = *record;
    match serde_json::from_str::<RoomMark>(&record.body) {
        Ok(mark) => encode_frame(&ServerFrame::Mark(MarkChanged { offset, timestamp, mark })),
        Err(error) => {
            tracing::error!(topic = %record.topic, offset, %error, "cannot read a stored mark");
            json!({ "type": "mark", "offset": offset, "timestamp": timestamp }).to_string()
        }
    }
}
