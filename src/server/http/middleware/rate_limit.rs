//! The limit on requests of every kind, before anything is done for one.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::server::{http::extract::client_address::ClientAddress, state::AppState};

/// Lets a request through unless its address has made too many.
pub(crate) async fn requests(
    State(state): State<AppState>,
    ClientAddress(address): ClientAddress,
    request: Request,
    next: Next,
) -> Response {
    match state.limits.request(address) {
        Ok(()) => next.run(request).await,
        Err(rejection) => {
            tracing::debug!(client.address = %address, "an address makes too many requests");
            rejection.into_response()
        }
    }
}
