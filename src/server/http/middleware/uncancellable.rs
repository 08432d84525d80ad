//! What changes something is carried out to its end, also when who asked for it goes away in the middle.
//!
//! A handler ends where it stands when its connection closes. A change is made of several steps (the directory, then
//! memory, then those who lose a right), and who cuts the line between two of them must not have half of it.

use std::panic::resume_unwind;

use axum::{
    extract::{Request, State},
    http::Method,
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::{
    protocol::problem::{Code, Rejection},
    server::state::AppState,
};

/// Runs every request but those that only read in a task of its own. A stop of the server waits for it.
pub(crate) async fn complete(State(state): State<AppState>, request: Request, next: Next) -> Response {
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        return next.run(request).await;
    }
    match state.lifetime.live.spawn(next.run(request)).await {
        Ok(response) => response,
        Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
        // The runtime is going away.
        Err(_) => Rejection::new(Code::Unavailable, "The server is stopping.").into_response(),
    }
}
