//! The operator's addresses: `/healthz`, `/readyz` and `/metrics`. `router` serves them without a limit, to anybody who
//! can reach the server, so none of them may tell anything of users or contents.

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};

use crate::server::{error::Error, state::AppState};

/// Answers 200 as long as the process runs.
pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

/// Answers 200 if the store answered too, a second ago at most, and 503 if it did not or the server is about to stop.
pub(crate) async fn readyz(State(state): State<AppState>) -> Result<(StatusCode, &'static str), Error> {
    if state.lifetime.stop.is_cancelled() {
        return Ok((StatusCode::SERVICE_UNAVAILABLE, "stopping\n"));
    }
    state.readiness.check(async { Ok(state.hub.store().check().await?) }).await?;
    let is_up = *state.backplane.connectivity().borrow();
    Ok((StatusCode::OK, if is_up { "ready\n" } else { WITHOUT_REDIS }))
}

/// Still 200: the node serves all the same, so a balancer should send nobody elsewhere.
const WITHOUT_REDIS: &str =
    "ready, but Redis cannot be reached: what other nodes append comes from the database, twice a second\n";

/// The metrics in the Prometheus text format 0.0.4.
pub(crate) async fn metrics(State(state): State<AppState>) -> impl IntoResponse {
    let is_up = state.backplane.is_shared().then(|| *state.backplane.connectivity().borrow());
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], state.metrics.render(is_up))
}
