//! The initial data of a page, made safe for an HTML document. `pages` calls it for every page that the server renders.
//!
//! The server renders the page from this data, and the browser hydrates it from the same data as JSON. An HTML parser
//! drops NUL and turns CR into LF, so the text that the browser finds would differ from the one that it computes, and
//! hydration would fail. New texts have no such characters; an old database may have some, in every field.

use serde_json::Value;

use crate::{
    app::page_data::InitialData,
    protocol::text::{clean, is_forbidden},
};

/// Returns the data and its JSON, both without characters that a document cannot hold.
pub(crate) fn of(start: InitialData) -> (InitialData, String) {
    let json = serde_json::to_string(&start).expect("plain data");
    if !may_need_cleaning(&json) {
        return (start, json);
    }
    let mut value = serde_json::to_value(&start).expect("plain data");
    clean_all(&mut value);
    let json = value.to_string();
    (serde_json::from_value(value).expect("the same data with other texts"), json)
}

/// Returns false for nearly every page, which saves the second pass. JSON escapes CR as `\r`, most other control
/// characters as `\u00..`.
fn may_need_cleaning(json: &str) -> bool {
    let escapes =
        json.match_indices('\\').any(|(at, _)| matches!(json.as_bytes()[at + 1], b'u' | b'b' | b'f' | b'r'));
    escapes || json.chars().any(is_forbidden)
}

fn clean_all(value: &mut Value) {
    match value {
        Value::String(text) => *text = clean(text).into_owned(),
        Value::Array(items) => items.iter_mut().for_each(clean_all),
        Value::Object(members) => members.values_mut().for_each(clean_all),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
