//! The limit on requests of every kind, checked before a handler does anything for one. `router` puts it around all
//! routes but the operator's and those of the site's files.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::server::{http::extract::client_address::ClientAddress, state::AppState};

/// Middleware: rejects a request whose client address has made too many.
pub(crate) async fn requests(
    State(state): State<AppState>,
    ClientAddress(address): ClientAddress,
    request: Request,
    next: Next,
) -> Response {
    match state.limits.request(address) {
        Ok(()) => next.run(request).await,
        Err(rejection) => {
            tracing::debug!(client.address = %address, "rate limited an address");
            rejection.into_response()
        }
    }
}
