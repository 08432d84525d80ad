//! Channels of a filter as parameters of an SQL statement. `read` and `removals` bind them.

use crate::server::store::Channels;

/// The `(only, except)` bounds as JSON arrays, which is how SQLite takes lists.
pub(super) fn names_of(channels: &Channels) -> (Option<String>, Option<String>) {
    let json = |names: &[String]| serde_json::json!(names).to_string();
    let (only, except) = channels.bounds();
    (only.map(json), except.map(json))
}
