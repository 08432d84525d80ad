//! `GET /api/events`: the feed as a stream or as a page, as the request's `Accept` says. The router calls it; `sse` and
//! `long_poll` write the answers. It must never read an entry: they are encoded already.

use std::sync::Arc;

use axum::{body::Bytes, extract::State, http::HeaderMap, response::Response};

use super::{
    beside::{Beside, ReadBeside},
    live_connection::{Client, connect, connect_poll},
    long_poll::{Answer, cut_short},
    shutdown_retry::return_after_ms,
    sse::{Followed, lost_cursor, respond},
};
use crate::{
    protocol::{cursor::Cursor, feed::Control, problem::Rejection},
    server::{
        clock::now_ms,
        error::Error,
        feed::encode_control,
        http::{
            channel_choices::ChannelChoices,
            extract::{
                media_type::accepted,
                query::{FeedQuery, LogQuery},
                user::{no_session, open_live_session, revoked},
            },
            problem::problem_json,
        },
        log::{hub::Subscribed, subscription::Subscription, topic::Wakeup},
        observability::metrics::Kind,
        state::AppState,
        store::Channels,
    },
};

/// Answers with a page of JSON or with a stream of server-sent events.
pub(crate) async fn get(
    State(state): State<AppState>,
    headers: HeaderMap,
    client: Client,
    FeedQuery(query): FeedQuery,
) -> Result<Response, Error> {
    state.rights.check_reader(client.caller.as_ref())?;
    let channels = match query.channels()? {
        // A page of the whole feed in a browser where some are muted. Programs have no such cookie.
        Channels::All => ChannelChoices::read(&state.site, &headers).channels(None),
        channels => channels,
    };
    if wants_json(&headers) {
        page(&state, &client, channels, &headers, &query).await
    } else {
        stream(&state, &client, channels, &headers, &query).await
    }
}

/// Returns true if the reader asks for JSON and not for a stream. A reader that says nothing gets the stream.
fn wants_json(headers: &HeaderMap) -> bool {
    let accepted = accepted(headers);
    accepted.contains("application/json") && !accepted.contains("text/event-stream")
}

async fn page(
    state: &AppState,
    client: &Client,
    channels: Channels,
    headers: &HeaderMap,
    asked: &LogQuery,
) -> Result<Response, Error> {
    let (query, limit) = asked.page(headers)?;
    let span = asked.span()?;
    let _counted = connect_poll(state, &query, client)?;
    let caller = client.caller.as_ref();
    let session = open_live_session(state, caller.filter(|_| query.waits())).await?;
    let beside = Beside::asked(state, client, asked, None);
    let read = |query| {
        let channels = channels.clone();
        async move {
            match span {
                Some(span) => state.feed.page_during(query, caller, channels, limit, span).await,
                None => state.feed.page(query, caller, channels, limit).await,
            }
        }
    };
    let ((page, beside), retry) = tokio::select! {
        biased; // a revoked reader gets nothing more
        () = revoked(session.as_ref()) => return Err(no_session().into()),
        read = beside.read(&query, read) => (read?, None),
        () = state.lifetime.stop.cancelled(), if query.waits() => {
            ((cut_short(&query), ReadBeside::default()), Some(return_after_ms()))
        }
    };
    Ok(Answer::of_feed(&page, retry).with_beside(&beside).into_response(state))
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
    let activity = client.follow_activity(state, query, &wakeup);
    let followed = Followed {
        wakeup,
        greeting: encode_control(&Control::Connected { timestamp: now_ms(), head }),
        has_heartbeat: query.heartbeat,
        activity,
        lost: lost_cursor(&start, recovered),
        reset: encode_reset,
        eviction: |_, _| None, // other channels than before are readable
        rejection: encode_rejection,
        members: |_, _| None, // the feed has no ephemeral frames
        session: open_live_session(state, client.caller.as_ref()).await?,
        user: None,
        _presence: None,
        subscription,
    };
    Ok(respond(state, followed, connection))
}

/// An event with a name, because it is no entry: a listener for entries does not get it.
fn encode_rejection(rejection: Rejection) -> Bytes {
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
