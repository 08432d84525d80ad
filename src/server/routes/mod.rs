//! Transport in, transport out: this file is the route table. A handler parses, calls the chat or the feed, and
//! answers; what things mean is said there, not here.

mod administrator;
mod assets;
mod body;
mod body_coding;
mod channels;
mod charset;
mod chat_socket;
mod clean_path;
mod client_address;
mod completion;
mod content_coding;
mod cookies;
mod credentials;
mod document_data;
mod documents;
mod event_stream;
mod farewell;
mod feed_events;
mod forms;
mod handshake;
mod headers;
mod host;
mod limit;
mod live;
mod media_type;
mod members;
mod once;
mod operate;
mod origin;
mod page_answer;
mod pages;
mod path;
mod problem;
#[cfg(test)]
mod properties;
mod publish;
mod publishers;
mod query;
mod reading;
mod request_head;
mod room_events;
mod rooms;
mod session;
mod socket_io;
mod start;
mod visitor;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware,
    routing::{any, delete, get, post, put},
};
use tower::util::MapRequest;
use tower_http::{CompressionLevel, catch_panic::CatchPanicLayer, compression::CompressionLayer};

use super::state::AppState;
use crate::app::routes;

/// The largest request body, and the largest frame on a socket: a message of 4,000 characters of the widest kind
/// with room to spare.
pub const BODY_MAX_BYTES: usize = 64 * 1024;

/// How hard pages are compressed, for brotli and gzip alike. They are made for one reader each: harder saves half a kilobyte
/// and takes longer than it takes to send it, mostly to clear a megabyte of tables for nine kilobytes of page.
const PAGE_COMPRESSION: CompressionLevel = CompressionLevel::Precise(1);

/// Every address of the server.
pub fn router(state: AppState) -> Router {
    // For the operator, and files that browsers keep: never refused for coming too often.
    let unlimited = Router::new()
        .route("/healthz", get(operate::healthz))
        .route("/readyz", get(operate::readyz))
        .route("/metrics", get(operate::metrics))
        .route("/pkg/{version}/{*file}", get(assets::versioned))
        .route("/favicon.svg", get(assets::favicon))
        .method_not_allowed_fallback(problem::bad_method);

    let api = Router::new()
        .route("/api/events", get(feed_events::get))
        .route("/api/events/{channel}", post(publish::post).put(publish::post))
        .route("/api/rooms", get(rooms::list).post(rooms::create))
        .route("/api/rooms/{room}/messages", get(rooms::messages).post(rooms::post))
        .route("/api/rooms/{room}/typing", post(rooms::typing))
        .route("/api/rooms/{room}/events", get(room_events::get))
        .route("/api/rooms/{room}/members", get(members::list).post(members::add))
        .route("/api/rooms/{room}/members/{user}", delete(members::remove))
        .route("/api/channels", get(channels::list))
        .route("/api/channels/{channel}/readers", put(channels::limit).delete(channels::open))
        .route("/api/publishers", get(publishers::list).post(publishers::create))
        .route("/api/publishers/{id}", delete(publishers::remove))
        .route("/api/session", get(session::show).post(session::create).delete(session::end))
        .route("/api", any(problem::not_found))
        .route("/api/", any(problem::not_found))
        .route("/api/{*rest}", any(problem::not_found))
        .route("/ws", get(chat_socket::get))
        .merge(socket_io::router(&state));

    // What a browser asks for by itself: pages, their forms and what they ask for.
    let site = pages::router()
        .merge(documents::router(&state))
        .route("/rooms", get(pages::nowhere).post(forms::create_room))
        .route(routes::ROOM, post(forms::post_message))
        .route("/name", post(forms::rename))
        .route("/language/{language}", get(forms::choose_language))
        .layer(middleware::from_fn_with_state(state.clone(), visitor::welcome));

    let limited = |router: Router<AppState>| {
        router
            .method_not_allowed_fallback(problem::bad_method)
            .layer(middleware::from_fn_with_state(state.clone(), completion::complete))
            .layer(middleware::from_fn_with_state(state.clone(), limit::requests))
    };
    let site = limited(site)
        .layer(middleware::from_fn_with_state(state.clone(), documents::in_words))
        .layer(CompressionLayer::new().quality(PAGE_COMPRESSION));

    let inside = limited(api)
        .merge(site)
        .merge(unlimited)
        .layer(DefaultBodyLimit::max(BODY_MAX_BYTES))
        .layer(middleware::from_fn_with_state(state.clone(), origin::check));
    let others = state.site.allowed();
    let inside = if others.is_empty() { inside } else { inside.layer(origin::cors(&state.site)) };
    let inside = inside
        .layer(middleware::from_fn_with_state((state.clone(), host::Unknown::default()), host::check))
        .layer(middleware::from_fn(request_head::check))
        .layer(CatchPanicLayer::custom(problem::panicked))
        .layer(middleware::from_fn_with_state(state.clone(), headers::add))
        .with_state(state);
    // Around all of it, because layers of a router run when the address has been looked for.
    Router::new().fallback_service(MapRequest::new(inside, clean_path::rewrite))
}
