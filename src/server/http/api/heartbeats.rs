//! `/api/heartbeats`: the jobs that are expected to ping, managed by administrators. `compat/pings` takes the pings.

use axum::{Json, extract::State, http::StatusCode};
use serde::Serialize;

use crate::{
    protocol::{
        members::Members,
        problem::{Code, Rejection},
    },
    server::{
        authz::{Action, Deed},
        error::Error,
        feed::heartbeats::{Heartbeat, HeartbeatSettings, Schedule},
        http::extract::{
            actor::Acting,
            administrator::Administrator,
            body::{FromMembers, JsonBody},
            path::PathText,
        },
        state::AppState,
    },
};

/// The grace if nobody names one, in seconds: jobs do not always take the same time.
pub(in crate::server::http) const USUAL_GRACE_SECONDS: u32 = 300;

/// The body of `PUT /api/heartbeats/{name}`.
pub(crate) struct Settings {
    channel: String,
    schedule: Schedule,
    grace: u32,
    paused: bool,
}

impl FromMembers for Settings {
    fn from_members(members: &mut Members) -> Result<Self, Rejection> {
        let channel = members.required_text(&["channel"])?;
        let (period, cron) = (members.count("period")?, members.text(&["cron"])?);
        let zone = members.text(&["zone", "tz"])?;
        let grace = members.count("grace")?.unwrap_or(USUAL_GRACE_SECONDS);
        let paused = members.truth("paused")?.unwrap_or_default();
        members.reject_unknown(&["channel", "period", "cron", "zone", "grace", "paused"], |_| true)?;
        let schedule = match (period, cron) {
            (Some(period), None) => Schedule::every(period)?,
            (None, Some(cron)) => Schedule::cron(&cron, zone.as_deref())?,
            _ => {
                let message = "A heartbeat has either a period in seconds or a cron expression.";
                return Err(Rejection::new(Code::BadRequest, message));
            }
        };
        Ok(Self { channel, schedule, grace, paused })
    }
}

/// A heartbeat, with what follows from its times.
#[derive(Serialize)]
pub(crate) struct Shown {
    #[serde(flatten)]
    heartbeat: Heartbeat,
    /// Its ping should have come, and is not too late yet.
    late: bool,
}

/// Lists all of them.
pub(crate) async fn list(State(state): State<AppState>, _: Administrator) -> Result<Json<Vec<Shown>>, Error> {
    let now = state.clock.wall_ms();
    let heartbeats = state.heartbeats.list().await?.into_iter();
    let shown =
        heartbeats.map(|heartbeat| Shown { late: heartbeat.is_late(now), heartbeat: heartbeat.told() });
    Ok(Json(shown.collect()))
}

/// Makes one, or changes the settings of the one with this name.
pub(crate) async fn set(
    State(state): State<AppState>,
    _: Administrator,
    Acting(actor): Acting,
    PathText(name): PathText,
    JsonBody(Settings { channel, schedule, grace, paused }): JsonBody<Settings>,
) -> Result<Json<Heartbeat>, Error> {
    let settings = HeartbeatSettings { name, channel, schedule, grace, paused };
    let heartbeat = state.heartbeats.set(&settings).await?;
    state.rights.note_action(&Action::new(&actor, Deed::SetHeartbeat).with(settings.name)).await?;
    Ok(Json(heartbeat.told()))
}

/// Removes one. Errors: [`Code::NotFound`] for an unknown name.
pub(crate) async fn remove(
    State(state): State<AppState>,
    _: Administrator,
    Acting(actor): Acting,
    PathText(name): PathText,
) -> Result<StatusCode, Error> {
    if !state.heartbeats.remove(&name).await? {
        return Err(Rejection::new(Code::NotFound, "There is no heartbeat with this name.").into());
    }
    state.rights.note_action(&Action::new(&actor, Deed::RemoveHeartbeat).with(name)).await?;
    Ok(StatusCode::NO_CONTENT)
}
