//! Runs requests that change something to their end, even if the client disconnects in the middle. `router` puts it
//! around the handlers of the API and of the site.
//!
//! A handler is dropped where it stands when its connection closes. A change takes several steps (the document store,
//! then memory, then the connections of those who lose a right), and a client that disconnects between two of them must
//! not leave half of it.

use std::panic::resume_unwind;

use axum::{
    extract::{Request, State},
    http::Method,
    middleware::Next,
    response::{IntoResponse, Response},
};
use tracing::Instrument;

use crate::{
    protocol::problem::{Code, Rejection},
    server::state::AppState,
};

/// Middleware: runs every request except GET, HEAD and OPTIONS in a task of its own. A shutdown of the server waits for
/// it.
pub(crate) async fn complete(State(state): State<AppState>, request: Request, next: Next) -> Response {
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        return next.run(request).await;
    }
    match state.lifetime.live.spawn(next.run(request).in_current_span()).await {
        Ok(response) => response,
        Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
        // The runtime is shutting down.
        Err(_) => Rejection::new(Code::Unavailable, "The server is stopping.").into_response(),
    }
}
