//! `/api/search`: messages and events by their words. The router calls it.

use axum::{
    Json,
    extract::State,
    http::header::CACHE_CONTROL,
    response::{IntoResponse, Response},
};
use jiff::{Timestamp, tz::TimeZone};
use serde::Deserialize;

use crate::{
    protocol::problem::{Code, Rejection},
    server::{
        error::Error,
        http::extract::{client_address::ClientAddress, query::Lenient, user::MaybeUser},
        search::{Asker, Order, Query, Wanted},
        state::AppState,
    },
};

/// Hits of a page that asks for no number.
const LIMIT_DEFAULT: usize = 20;
/// Most hits of a page.
const LIMIT_MAX: usize = 100;

/// The query of `GET /api/search`.
#[derive(Deserialize)]
pub(crate) struct Parameters {
    q: Option<String>,
    order: Option<String>,
    before: Option<String>,
    limit: Option<usize>,
    /// The time zone of days, such as `Asia/Tokyo`.
    zone: Option<String>,
}

/// Finds messages and events that the caller may read.
pub(crate) async fn find(
    State(state): State<AppState>,
    MaybeUser(caller): MaybeUser,
    ClientAddress(address): ClientAddress,
    Lenient(Parameters { q, order, before, limit, zone }): Lenient<Parameters>,
) -> Result<Response, Error> {
    let who = caller.as_ref();
    state.rights.check_reader(who)?;
    state.limits.search(who.map(|identity| &identity.user), address).await?;
    let zone = zone.as_deref().map(zone_of).transpose()?.unwrap_or(TimeZone::UTC);
    let asker = Asker { id: who.map(|identity| identity.user.id.as_str()), now: Timestamp::now(), zone };
    let query = Query::parse(q.as_deref().unwrap_or_default(), &asker).map_err(Rejection::from)?;
    let order = order.as_deref().map(Order::parse).transpose()?.unwrap_or_default();
    let limit = limit.unwrap_or(LIMIT_DEFAULT).clamp(1, LIMIT_MAX);
    let page = state.searching.search(who, &query, &Wanted { order, before, limit }).await?;
    Ok(([(CACHE_CONTROL, "private, no-store")], Json(page)).into_response())
}

fn zone_of(name: &str) -> Result<TimeZone, Rejection> {
    TimeZone::get(name).map_err(|_| {
        Rejection::new(Code::BadRequest, "zone is the name of a time zone, such as Asia/Tokyo or UTC.")
    })
}
