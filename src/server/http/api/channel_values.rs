//! `GET /api/channels/{channel}/values`: the values of a channel over a time, for charts. `feed::value_range` draws them
//! together.

use axum::{
    Json,
    extract::State,
    http::header::CACHE_CONTROL,
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use crate::{
    protocol::{
        name::parse_channel,
        problem::{Code, Rejection},
    },
    server::{
        clock::now_ms,
        error::Error,
        feed::RangeQuery,
        http::extract::{path::PathText, query::Lenient, user::MaybeUser},
        state::AppState,
    },
};

/// Points of an answer that asks for no number: one for every few pixels of a chart.
const POINTS_DEFAULT: usize = 300;
/// Most points of an answer: as many as a wide screen has pixels.
const POINTS_MAX: usize = 2_000;

/// The query of `GET /api/channels/{channel}/values`.
#[derive(Deserialize)]
pub(crate) struct Query {
    /// Milliseconds since the Unix epoch; without it all that is kept.
    from: Option<i64>,
    /// Milliseconds since the Unix epoch; without it now.
    to: Option<i64>,
    points: Option<usize>,
}

impl Query {
    fn range(self) -> Result<RangeQuery, Rejection> {
        let bad = |message: String| Err(Rejection::new(Code::BadRequest, message));
        // As far as a date reaches, so that nothing overflows.
        let is_time = |time: &i64| time.unsigned_abs() <= 8_640_000_000_000_000;
        let (to, points) = (self.to.unwrap_or_else(now_ms), self.points.unwrap_or(POINTS_DEFAULT));
        if !(self.from.iter().all(is_time) && is_time(&to)) {
            return bad(
                "from and to are times in milliseconds since 1970-01-01, such as 1795348799000.".into()
            );
        }
        if self.from.is_some_and(|from| from > to) {
            return bad("from must not be after to.".into());
        }
        if !(1..=POINTS_MAX).contains(&points) {
            return bad(format!("points must be a number from 1 to {POINTS_MAX}."));
        }
        Ok(RangeQuery { from: self.from, to, points })
    }
}

/// Returns the values of a channel. One that the reader may not read is as empty as one that nobody has used.
pub(crate) async fn get(
    State(state): State<AppState>,
    MaybeUser(caller): MaybeUser,
    PathText(channel): PathText,
    Lenient(query): Lenient<Query>,
) -> Result<Response, Error> {
    state.rights.check_reader(caller.as_ref())?;
    let channel = parse_channel(&channel)?;
    let values = state.feed.values(caller.as_ref(), &channel, query.range()?).await?;
    Ok(([(CACHE_CONTROL, "no-store")], Json(values)).into_response())
}
