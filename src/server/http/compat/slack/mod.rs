//! `POST /hooks/{token}`: incoming webhooks as Slack and Mattermost have them. The token is that of a webhook of a room, or of
//! a publisher, which publishes to a channel of the feed. The answer is `ok`, and errors are Slack's words, in plain text:
//! senders look for those.
//!
//! * `payload`: the body, and what it says
//! * `mrkdwn`, `blocks`, `attachments`: its texts as Markdown

mod attachments;
mod blocks;
mod mrkdwn;
mod payload;

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use self::payload::Payload;
use crate::{
    protocol::problem::{Code, Rejection},
    server::{
        chat::HookMessage,
        http::{
            api::publish::idempotency_key,
            compat::{hook_target::HookTarget, signature},
            extract::{body::RawBody, client_address::ClientAddress, path::PathText, query::Lenient},
        },
        state::AppState,
    },
};

/// The query of a webhook.
#[derive(Deserialize)]
pub(crate) struct HookQuery {
    /// The channel of the feed, of a publisher's token.
    channel: Option<String>,
    /// The thread, of a room's webhook.
    #[serde(rename = "threadkey")] // in any case, as `threadKey` of Google Chat
    thread_key: Option<String>,
}

/// Takes a message.
pub(crate) async fn post(
    State(state): State<AppState>,
    ClientAddress(address): ClientAddress,
    PathText(token): PathText,
    Lenient(query): Lenient<HookQuery>,
    headers: HeaderMap,
    body: Result<RawBody, Rejection>,
) -> Response {
    let posted = async {
        let key = idempotency_key(&headers)?;
        let RawBody(body) = body?;
        // The channel may stand in the body, so that it is read first.
        let read = Payload::read(&headers, body.clone());
        let named = read.as_ref().ok().and_then(|payload| payload.channel().map(str::to_owned));
        let channel = query.channel.clone().or(named);
        let (target, secret) = HookTarget::of_token(&state, &token, channel, address).await?;
        signature::check(secret.as_ref(), &headers, &body)?;
        let payload = read?;
        let message = |key| {
            let thread_key = query.thread_key.or_else(|| payload.thread_key());
            Ok(HookMessage { name: payload.name(), text: payload.markdown()?, thread_key, key })
        };
        target.deliver(&state, key, message, || payload.publication()).await
    };
    match posted.await {
        Ok(_) => plain(StatusCode::OK, "ok"),
        Err(error) => refused(error.into_rejection()),
    }
}

fn plain(status: StatusCode, word: &'static str) -> Response {
    (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], word).into_response()
}

/// The words of Slack's errors.
fn refused(rejection: Rejection) -> Response {
    let (status, word) = match rejection.code {
        Code::NoSession => (StatusCode::NOT_FOUND, "no_service"),
        Code::NotAllowed | Code::Muted => (StatusCode::FORBIDDEN, "action_prohibited"),
        Code::RoomArchived => (StatusCode::GONE, "channel_is_archived"),
        Code::RoomRemoved | Code::UnknownRoom | Code::BadChannel => {
            (StatusCode::NOT_FOUND, "channel_not_found")
        }
        Code::TextEmpty => (StatusCode::BAD_REQUEST, "no_text"),
        Code::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "invalid_payload"),
        Code::TooManyRequests => (StatusCode::TOO_MANY_REQUESTS, "rate_limited"),
        Code::Unavailable | Code::TooManyConnections => (StatusCode::SERVICE_UNAVAILABLE, "rollup_error"),
        _ => (StatusCode::BAD_REQUEST, "invalid_payload"),
    };
    let mut response = plain(status, word);
    if let Some(wait_ms) = rejection.retry_after_ms {
        response.headers_mut().insert(header::RETRY_AFTER, wait_ms.div_ceil(1_000).into());
    }
    response
}
