//! `GET /api/events`: the feed as a stream or as a page, by what the reader accepts.

use std::sync::Arc;

use axum::{body::Bytes, extract::State, http::HeaderMap, response::Response};

use super::{
    live_connection::{Client, connect, connect_poll},
    long_poll::{answer, cut_short, return_member},
    sse::{Followed, lost_cursor, respond},
};
use crate::{
    protocol::{cursor::Cursor, feed::Control, problem::Rejection},
    server::{
        clock::now_ms,
        error::Error,
        feed::encode_control,
        http::{
            extract::{
                media_type::accepted,
                query::{FeedQuery, LogQuery},
                user::{admit, no_session, revoked},
            },
            problem::problem_json,
        },
        log::{hub::Subscribed, subscription::Subscription, topic::Wakeup},
        observability::metrics::Kind,
        state::AppState,
        store::Channels,
    },
};

/// See the module.
pub(crate) async fn get(
    State(state): State<AppState>,
    headers: HeaderMap,
    client: Client,
    FeedQuery(query): FeedQuery,
) -> Result<Response, Error> {
    state.rights.check_reader(client.caller.as_ref())?;
    let channels = query.channels()?;
    if wants_json(&headers) {
        page(&state, &client, channels, &headers, &query).await
    } else {
        stream(&state, &client, channels, &headers, &query).await
    }
}

/// Whether the reader asks for JSON and not for a stream. A reader that says nothing gets the stream.
fn wants_json(headers: &HeaderMap) -> bool {
    let accepted = accepted(headers);
    accepted.contains("application/json") && !accepted.contains("text/event-stream")
}

async fn page(
    state: &AppState,
    client: &Client,
    channels: Channels,
    headers: &HeaderMap,
    query: &LogQuery,
) -> Result<Response, Error> {
    let (query, limit) = query.page(headers)?;
    let _counted = connect_poll(state, &query, client)?;
    let caller = client.caller.as_ref();
    let admission = admit(state, caller.filter(|_| query.waits())).await?;
    let (page, more_members) = tokio::select! {
        biased; // who may not read any more gets nothing more
        () = revoked(admission.as_ref()) => return Err(no_session().into()),
        page = state.feed.page(query.clone(), caller, channels, limit) => (page?, String::new()),
        () = state.lifetime.stop.cancelled(), if query.waits() => (cut_short(&query), return_member()),
    };
    Ok(answer(state, "events", &page, &more_members))
}

async fn stream(
    state: &AppState,
    client: &Client,
    channels: Channels,
    headers: &HeaderMap,
    query: &LogQuery,
) -> Result<Response, Error> {
    let start = query.start(headers)?;
    let connection = connect(state, Kind::Stream, client)?;
    let wakeup = Arc::new(Wakeup::default());
    let Subscribed { subscription, recovered } =
        state.feed.subscribe(start.clone(), client.caller.as_ref(), channels, wakeup.clone()).await?;
    let head = subscription.readable_head().await?;
    let followed = Followed {
        wakeup,
        greeting: encode_control(&Control::Connected { timestamp: now_ms(), head }),
        has_heartbeat: query.heartbeat,
        lost: lost_cursor(&start, recovered),
        reset: encode_reset,
        eviction: || None, // other channels than before are readable
        refusal: encode_refusal,
        make_up: |_, _| None, // nobody whispers in the feed
        admission: admit(state, client.caller.as_ref()).await?,
        _presence: None,
        subscription,
    };
    Ok(respond(state, followed, connection))
}

/// An event of its own, because it is no entry: who listens to entries only is not bothered.
fn encode_refusal(rejection: Rejection) -> Bytes {
    format!("event: rejected\ndata: {}\n\n", problem_json(rejection)).into()
}

fn encode_reset(_: &Subscription, cursor: &Cursor) -> String {
    encode_control(&Control::Reset { cursor: cursor.clone(), timestamp: now_ms() })
}

#[cfg(test)]
mod tests {
    use axum::http::header;

    use super::*;

    #[test]
    fn json_is_asked_for_in_any_case_and_on_any_line() {
        for (lines, expected) in [
            (&["application/json"][..], true),
            (&["Application/JSON; charset=utf-8"], true),
            (&["text/plain", "application/json"], true),
            (&["application/json", "Text/Event-Stream"], false),
            (&["*/*"], false),
            (&[], false),
        ] {
            let accept = lines.iter().map(|line| (header::ACCEPT, line.parse().expect("a header")));
            assert_eq!(wants_json(&accept.collect::<HeaderMap>()), expected, "{lines:?}");
        }
    }
}
