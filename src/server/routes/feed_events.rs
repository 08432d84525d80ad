//! `GET /api/events`: the feed as a stream or as a page, by what the reader accepts.

use axum::{
    extract::State,
    http::{HeaderMap, header},
    response::Response,
};
use serde::Deserialize;

use super::{
    feed_stream,
    page_query::{LIMIT_MAX, ParsedQuery, RawPageQuery, answer, connect, count_poll, cut_short},
};
use crate::{
    protocol::problem::{Code, Rejection},
    server::{error::Error, feed::Channels, hub::Start, metrics::Kind, state::AppState},
};

/// The query as it is written. `last` is for the stream only, `before`, `limit` and `wait` for the page.
#[derive(Debug, Deserialize)]
pub(super) struct RawQuery {
    before: Option<String>,
    after: Option<String>,
    last: Option<usize>,
    limit: Option<usize>,
    wait: Option<u64>,
    channel: Option<String>,
}

/// See the module.
pub(super) async fn get(
    State(state): State<AppState>,
    headers: HeaderMap,
    ParsedQuery(query): ParsedQuery<RawQuery>,
) -> Result<Response, Error> {
    let channels = Channels::parse(query.channel.as_deref())?;
    if wants_json(&headers) {
        return page(&state, channels, query).await;
    }
    let start = start(&headers, query)?;
    let connection = connect(&state, Kind::Stream)?;
    feed_stream::open(&state, start, channels, connection).await
}

async fn page(state: &AppState, channels: Channels, query: RawQuery) -> Result<Response, Error> {
    let RawQuery { before, after, limit, wait, .. } = query;
    let (query, limit) = RawPageQuery { before, after, limit, wait }.parse()?;
    let _counted = count_poll(state, &query)?;
    let page = tokio::select! {
        page = state.feed.page(query.clone(), channels, limit) => page?,
        () = state.lifetime.stop.cancelled(), if query.waits() => cut_short(&query),
    };
    Ok(answer(state, "events", &page))
}

/// Whether the reader asks for JSON and not for a stream. A reader that says nothing gets the stream.
fn wants_json(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    accept.contains("application/json") && !accept.contains("text/event-stream")
}

/// Where a stream starts. A browser that reconnects repeats the address it first asked for and adds the header,
/// so the header is the newer of the two.
fn start(headers: &HeaderMap, query: RawQuery) -> Result<Start, Rejection> {
    let last_event_id = headers.get("last-event-id").filter(|value| !value.is_empty());
    let last_event_id = last_event_id.map(|value| value.to_str().unwrap_or_default());
    if let Some(cursor) = last_event_id.or(query.after.as_deref()) {
        return Ok(Start::After(cursor.parse()?));
    }
    match query.last {
        None => Ok(Start::New),
        Some(last) if last <= LIMIT_MAX => Ok(Start::Last(last)),
        Some(_) => {
            Err(Rejection::new(Code::BadRequest, format!("last is at most {LIMIT_MAX}; page back for more.")))
        }
    }
}
