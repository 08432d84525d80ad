//! The query of every JSON page of a log: `before`, `after`, `limit`, `wait`. And how such a page is written.

use std::time::Duration;

use axum::{
    extract::{FromRequestParts, Query},
    http::{header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use super::farewell::return_after_ms;
use crate::{
    protocol::problem::{Code, Rejection},
    server::{
        hub::{Page, PageQuery},
        state::AppState,
    },
};

const LIMIT_DEFAULT: usize = 50;
/// Most entries in a page: with the longest messages still only a few megabytes.
pub(super) const LIMIT_MAX: usize = 200;
/// Longest wait of a poll: below what proxies commonly allow (60 s).
const WAIT_MAX_SECONDS: u64 = 50;

/// A query string whose faults are answered like all others. Takes the place of axum's own extractor.
pub(super) struct ParsedQuery<T>(pub(super) T);

impl<T: serde::de::DeserializeOwned, S: Send + Sync> FromRequestParts<S> for ParsedQuery<T> {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
        let query = Query::try_from_uri(&parts.uri);
        query
            .map(|Query(query)| Self(query))
            .map_err(|error| Rejection::new(Code::BadRequest, error.body_text()))
    }
}

/// The query as it is written.
#[derive(Debug, Default, Deserialize)]
pub(super) struct RawPageQuery {
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
    pub(super) limit: Option<usize>,
    pub(super) wait: Option<u64>,
    /// For rooms: the presence state that the reader knows, see [`crate::protocol::chat::PresenceState`].
    pub(super) seen: Option<String>,
}

impl RawPageQuery {
    /// What is asked for, and how many of it.
    pub(super) fn parse(self) -> Result<(PageQuery, usize), Rejection> {
        let limit = self.limit.unwrap_or(LIMIT_DEFAULT);
        if !(1..=LIMIT_MAX).contains(&limit) {
            return Err(bad(format!("limit is 1 to {LIMIT_MAX}")));
        }
        let wait = self.wait.unwrap_or(0);
        if wait > WAIT_MAX_SECONDS {
            return Err(bad(format!("wait is at most {WAIT_MAX_SECONDS} seconds")));
        }
        let query = match (self.before, self.after) {
            (Some(_), Some(_)) => return Err(bad("before and after exclude each other".into())),
            (Some(before), None) => PageQuery::Before(before.parse()?),
            (None, Some(after)) => PageQuery::After(after.parse()?, Duration::from_secs(wait)),
            (None, None) => PageQuery::Newest,
        };
        Ok((query, limit))
    }
}

fn bad(what: String) -> Rejection {
    Rejection::new(Code::BadRequest, format!("The query is not well formed: {what}."))
}

/// Writes a page without decoding its entries: they are JSON already. `more_members` is put behind the page's own
/// members: empty, or `,"name":value` and so on.
pub(super) fn answer(state: &AppState, name: &str, page: &Page, more_members: &str) -> Response {
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
pub(super) fn return_member() -> String {
    format!(",\"retry\":{}", return_after_ms())
}

/// The answer to a poll that the server's end cuts short: nothing yet, the cursor as it was.
pub(super) fn cut_short(query: &PageQuery) -> Page {
    let cursor = match query {
        PageQuery::After(cursor, _) | PageQuery::Before(cursor) => cursor.clone(),
        PageQuery::Newest => unreachable!("only a query with a cursor waits"),
    };
    Page { entries: Vec::new(), cursor, more: false, reset: false }
}
