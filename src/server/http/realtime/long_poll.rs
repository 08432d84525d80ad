//! How a JSON page of a log is written. What is asked for says `query.rs`.

use axum::{
    http::header,
    response::{IntoResponse, Response},
};

use super::shutdown_retry::return_after_ms;
use crate::server::{
    log::hub::{Page, PageQuery},
    state::AppState,
};

/// Writes a page without decoding its entries: they are JSON already. `more_members` is put behind the page's own
/// members: empty, or `,"name":value` and so on.
pub(crate) fn answer(state: &AppState, name: &str, page: &Page, more_members: &str) -> Response {
    state.metrics.count_deliveries(page.entries.len());
    let mut body = format!("{{\"{name}\":[").into_bytes();
    for (index, entry) in page.entries.iter().enumerate() {
        if index > 0 {
            body.push(b',');
        }
        body.extend_from_slice(&entry.encoded.json());
    }
    let Page { cursor, more, reset, .. } = page;
    body.extend_from_slice(
        format!("],\"cursor\":\"{cursor}\",\"more\":{more},\"reset\":{reset}{more_members}}}").as_bytes(),
    );
    ([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")], body).into_response()
}

/// When to come back, as a member of the answer to a poll that was [`cut_short`].
pub(crate) fn return_member() -> String {
    format!(",\"retry\":{}", return_after_ms())
}

/// The answer to a poll that the server's end cuts short: nothing yet, the cursor as it was.
pub(crate) fn cut_short(query: &PageQuery) -> Page {
    let cursor = match query {
        PageQuery::After(cursor, _) | PageQuery::Before(cursor) => cursor.clone(),
        PageQuery::Newest => unreachable!("only a query with a cursor waits"),
    };
    Page { entries: Vec::new(), cursor, more: false, reset: false }
}
