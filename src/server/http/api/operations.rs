//! For whoever runs the server: is it alive, is it ready, what does it count.

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};

use crate::server::{error::Error, state::AppState};

/// The process answers.
pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

/// The store answered too, a second ago at most, and the server is not about to stop.
pub(crate) async fn readyz(State(state): State<AppState>) -> Result<(StatusCode, &'static str), Error> {
    if state.lifetime.stop.is_cancelled() {
        return Ok((StatusCode::SERVICE_UNAVAILABLE, "stopping\n"));
    }
    state.readiness.check(async { Ok(state.hub.store().check().await?) }).await?;
    let is_up = *state.backplane.connectivity().borrow();
    Ok((StatusCode::OK, if is_up { "ready\n" } else { WITHOUT_REDIS }))
}

/// It serves all the same, so nobody should be sent elsewhere.
const WITHOUT_REDIS: &str =
    "ready, but Redis cannot be reached: what other nodes append comes from the database, twice a second\n";

/// The counters, for Prometheus.
pub(crate) async fn metrics(State(state): State<AppState>) -> impl IntoResponse {
    let mut text = state.metrics.render();
    if state.backplane.is_shared() {
        let is_up = u8::from(*state.backplane.connectivity().borrow());
        text.push_str(BACKPLANE_UP);
        text.push_str(&format!("idobata_backplane_up {is_up}\n"));
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text)
}

const BACKPLANE_UP: &str = "# HELP idobata_backplane_up Whether this node and the others can tell each other.\n\
    # TYPE idobata_backplane_up gauge\n";
