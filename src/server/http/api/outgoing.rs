//! `/api/outgoing`: outgoing webhooks. Those of channels of the feed are for administrators, those of a room for who may change
//! it.

use axum::{Json, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};

use crate::{
    protocol::{
        cursor::Offset,
        members::Members,
        name::RoomId,
        problem::{Code, Rejection},
    },
    server::{
        auth::{Actor, Pattern},
        error::Error,
        http::extract::{
            actor::Acting,
            body::{FromMembers, JsonBody},
            path::PathText,
            query::Lenient,
        },
        outgoing::{Delivery, NewWebhook, Source, Webhook},
        state::AppState,
    },
};

/// The body of `POST /api/outgoing`.
pub(crate) struct New {
    url: String,
    of: Of,
    values: bool,
}

/// The room, or the channels of the feed.
enum Of {
    Room(String),
    Channels(Vec<Pattern>),
}

impl FromMembers for New {
    fn from_members(members: &mut Members) -> Result<Self, Rejection> {
        let url = members.required_text(&["url"])?;
        let (room, channels) = (members.text(&["room"])?, members.texts(&["channels"])?);
        let values = members.truth("values")?.unwrap_or_default();
        members.reject_unknown(&["url", "room", "channels", "values"], |_| true)?;
        let of = match (room, channels) {
            (Some(room), None) => Of::Room(room),
            (None, Some(channels)) if (1..=50).contains(&channels.len()) => {
                Of::Channels(channels.iter().map(|one| Pattern::parse(one)).collect::<Result<_, _>>()?)
            }
            _ => {
                let message = "An outgoing webhook has either a room, or 1 to 50 channels.";
                return Err(Rejection::new(Code::BadRequest, message));
            }
        };
        Ok(Self { url, of, values })
    }
}

/// A webhook with the state of its delivery.
#[derive(Serialize)]
pub(crate) struct Shown {
    #[serde(flatten)]
    pub(crate) webhook: Webhook,
    pub(crate) delivery: Delivery,
    /// The newest offset of what it follows: what lies between it and the cursor waits.
    pub(crate) head: Offset,
}

impl Shown {
    async fn of(state: &AppState, webhook: Webhook) -> Result<Self, Error> {
        let (delivery, head) =
            (state.outgoing.delivery(&webhook).await?, state.outgoing.head(&webhook).await?);
        Ok(Self { webhook: Webhook { secret: String::new(), ..webhook }, delivery, head })
    }
}

/// The query of the list.
#[derive(Default, Deserialize)]
pub(crate) struct ListQuery {
    room: Option<String>,
}

/// Lists those of a room, or all those of the feed.
pub(crate) async fn list(
    State(state): State<AppState>,
    Acting(actor): Acting,
    Lenient(ListQuery { room }): Lenient<ListQuery>,
) -> Result<Json<Vec<Shown>>, Error> {
    let room = match room {
        Some(room) => Some(state.chat.room(&room, actor.identity.as_ref()).await?),
        None => None,
    };
    Ok(Json(listed(&state, &actor, room.as_ref()).await?))
}

/// Those of a room, or all those of the feed, for whoever may change them.
pub(crate) async fn listed(
    state: &AppState,
    actor: &Actor,
    room: Option<&RoomId>,
) -> Result<Vec<Shown>, Error> {
    match room {
        Some(room) => state.chat.check_manager(room, actor)?,
        None => check_administrator(actor)?,
    }
    let mut shown = Vec::new();
    for webhook in state.outgoing.list().await? {
        let is_asked = match (&webhook.source, room) {
            (Source::Room { room }, Some(asked)) => room == asked,
            (Source::Feed { .. }, None) => true,
            _ => false,
        };
        if is_asked {
            shown.push(Shown::of(state, webhook).await?);
        }
    }
    Ok(shown)
}

/// Makes one: 201, with the secret, this once.
pub(crate) async fn create(
    State(state): State<AppState>,
    Acting(actor): Acting,
    JsonBody(New { url, of, values }): JsonBody<New>,
) -> Result<(StatusCode, Json<Webhook>), Error> {
    let source = match of {
        Of::Room(room) => Source::Room { room: state.chat.room(&room, actor.identity.as_ref()).await? },
        Of::Channels(channels) => Source::Feed { channels },
    };
    check(&state, &actor, &source)?;
    let submission = state.submissions.of(&actor.user().id, None, &[]);
    let webhook = state.outgoing.add(&actor, NewWebhook { url, source, values }, &submission).await?;
    Ok((StatusCode::CREATED, Json(webhook)))
}

/// Removes one: 204.
pub(crate) async fn remove(
    State(state): State<AppState>,
    Acting(actor): Acting,
    PathText(id): PathText,
) -> Result<StatusCode, Error> {
    let webhook = found(&state, &actor, &id).await?;
    state.outgoing.remove(&actor, &webhook).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The body of `POST /api/outgoing/{id}/replay`.
pub(crate) struct Replay(Option<Offset>);

impl FromMembers for Replay {
    fn from_members(members: &mut Members) -> Result<Self, Rejection> {
        let after = members.offset("after")?;
        members.reject_unknown(&["after"], |_| true)?;
        Ok(Self(after))
    }
}

/// Delivers again from an offset on, or, without one, what waits, at once.
pub(crate) async fn replay(
    State(state): State<AppState>,
    Acting(actor): Acting,
    PathText(id): PathText,
    JsonBody(Replay(after)): JsonBody<Replay>,
) -> Result<Json<Delivery>, Error> {
    let webhook = found(&state, &actor, &id).await?;
    Ok(Json(state.outgoing.replay(&webhook, after).await?))
}

/// The webhook with an id, if the caller may change it.
pub(crate) async fn found(state: &AppState, actor: &Actor, id: &str) -> Result<Webhook, Error> {
    let unknown = || Rejection::new(Code::NotFound, "There is no outgoing webhook with this id.");
    let webhook = state.outgoing.find(id).await?.ok_or_else(unknown)?;
    // Whoever may not know of it learns nothing by its id.
    check(state, actor, &webhook.source).map_err(|_| unknown())?;
    Ok(webhook)
}

/// Checks that a user may have a webhook told of this.
pub(crate) fn check(state: &AppState, actor: &Actor, source: &Source) -> Result<(), Rejection> {
    match source {
        Source::Room { room } => state.chat.check_manager(room, actor),
        Source::Feed { .. } => check_administrator(actor),
    }
}

fn check_administrator(actor: &Actor) -> Result<(), Rejection> {
    match actor.is_admin {
        true => Ok(()),
        false => Err(Rejection::new(Code::NotAllowed, "Only administrators may do this.")),
    }
}
