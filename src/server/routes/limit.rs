//! The limit on requests of every kind, before anything is done for one.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::client_address::ClientAddress;
use crate::server::state::AppState;

/// Lets a request through unless its address has made too many.
pub(super) async fn requests(
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
