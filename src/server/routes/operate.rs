//! For whoever runs the server: is it alive, is it ready, what does it count.

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};

use crate::server::{error::Error, state::AppState};

/// The process answers.
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// The store answered too, a second ago at most, and the server is not about to stop.
pub(super) async fn readyz(State(state): State<AppState>) -> Result<(StatusCode, &'static str), Error> {
    if state.lifetime.stop.is_cancelled() {
        return Ok((StatusCode::SERVICE_UNAVAILABLE, "stopping\n"));
    }
    state.readiness.check(async { Ok(state.hub.store().check().await?) }).await?;
    Ok((StatusCode::OK, "ready\n"))
}

/// The counters, for Prometheus.
pub(super) async fn metrics(State(state): State<AppState>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], state.metrics.render())
}
