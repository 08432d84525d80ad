//! ntfy's HTTP protocol over the feed: a topic is a channel. `publish` takes what senders to ntfy send, `follow` gives
//! readers of ntfy the channel's notifications in ntfy's shape, by the same subscriptions as every other transport.
//!
//! * `topic`, `credentials`, `parameters`, `fault`: names, sign-in, headers and queries, and errors in ntfy's form
//! * `publish`, `notification`, `actions`, `delay`: publishing
//! * `follow`, `query`, `message`, `message_id`: reading
//! * `account`: what clients ask about the server and themselves
//!
//! docs/ntfy.md says for users what differs.

mod account;
mod actions;
mod credentials;
mod delay;
mod fault;
mod follow;
mod message;
mod message_id;
mod notification;
mod parameters;
mod publish;
mod query;
mod topic;

use axum::{
    Router,
    middleware::{from_fn_with_state, map_response},
    routing::{get, post, put},
};

use self::credentials::PasswordSessions;
use crate::server::{
    http::{
        middleware::{rate_limit, uncancellable},
        problem,
    },
    state::AppState,
};

/// Returns true for the path of an address at which programs read topics, or publish by GET.
pub(crate) fn is_of_topics(path: &str) -> bool {
    topic::is_of_topics(path)
}

/// Returns true if a channel can be the topic of senders and readers of ntfy.
pub(crate) fn is_topic(channel: &str) -> bool {
    topic::parse(channel).is_ok()
}

/// ntfy's addresses. The first three are a browser's for GET: `pages` answers those.
pub(crate) fn router(state: &AppState) -> Router<AppState> {
    let beside_pages = Router::new()
        .route("/", post(publish::by_json).put(publish::by_json))
        .route("/{topic}", post(publish::to_topic).put(publish::to_topic))
        .route(
            "/{topic}/{sequence_id}",
            post(publish::to_sequence).put(publish::to_sequence).delete(publish::delete),
        );
    let own = Router::new()
        .route("/{topic}/publish", get(publish::by_get))
        .route("/{topic}/send", get(publish::by_get))
        .route("/{topic}/trigger", get(publish::by_get))
        .route("/{topic}/{sequence_id}/clear", put(publish::refuse_clear))
        .route("/{topic}/{sequence_id}/read", put(publish::refuse_clear))
        .route("/{topic}/json", get(follow::json))
        .route("/{topic}/sse", get(follow::sse))
        .route("/{topic}/raw", get(follow::raw))
        .route("/{topic}/ws", get(follow::ws))
        .route("/{topic}/auth", get(account::check))
        .route("/v1/health", get(account::health))
        .route("/v1/account", get(account::show))
        .method_not_allowed_fallback(problem::bad_method);
    let sessions = PasswordSessions::default();
    // Only one of two routers may say what happens to other methods of an address: `pages` does.
    beside_pages
        .merge(own)
        .layer(from_fn_with_state((state.clone(), sessions), credentials::normalize))
        .layer(from_fn_with_state(state.clone(), uncancellable::complete))
        .layer(from_fn_with_state(state.clone(), rate_limit::requests))
        .layer(map_response(fault::in_shape))
}
