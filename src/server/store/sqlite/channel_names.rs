//! A filter's channels as a parameter of a statement. `read` and `removals` bind it.

use crate::server::store::Channels;

/// The bounds of channels as JSON, which is how SQLite takes a list.
pub(super) fn names_of(channels: &Channels) -> (Option<String>, Option<String>) {
    let json = |names: &[String]| serde_json::json!(names).to_string();
    let (only, except) = channels.bounds();
    (only.map(json), except.map(json))
}
