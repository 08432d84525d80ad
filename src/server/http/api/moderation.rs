//! `/api/rooms/{room}/moderators`, `…/mutes`, `…/reports` and `…/actions`, and `/api/actions`: the moderation of rooms. The
//! router calls it. It must never check a right by itself: the chat does.

use std::time::Duration;

use axum::{Json, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};

use super::{changes::offset_of, members::find};
use crate::{
    protocol::{
        chat::Message,
        cursor::Offset,
        members::Members,
        name::RoomId,
        problem::{Code, Rejection},
        session::User,
    },
    server::{
        auth::Actor,
        authz::{Action, Mute, Report},
        chat::ReportOfMessage,
        clock::now_ms,
        error::Error,
        http::extract::{
            actor::Acting,
            body::{FromMembers, JsonBody},
            path::{PathPair, PathText},
            query::Lenient,
            user::AuthenticatedUser,
        },
        state::AppState,
    },
};

/// Actions of a page.
const ACTIONS_LIMIT: usize = 100;

/// The body of `POST /api/rooms/{room}/moderators`.
pub(crate) struct NewModerator(String);

impl FromMembers for NewModerator {
    fn from_members(members: &mut Members) -> Result<Self, Rejection> {
        let name = members.required_text(&["name"])?;
        members.reject_unknown(&["name"], |_| true)?;
        Ok(Self(name))
    }
}

/// The room of an address, for who asks.
async fn room_of(state: &AppState, room: &str, actor: &Actor) -> Result<RoomId, Error> {
    state.chat.room(room, actor.identity.as_ref()).await
}

/// Lists the moderators.
pub(crate) async fn moderators(
    State(state): State<AppState>,
    Acting(actor): Acting,
    PathText(room): PathText,
) -> Result<Json<Vec<User>>, Error> {
    let room = room_of(&state, &room, &actor).await?;
    Ok(Json(state.rights.moderators(&room)))
}

/// Names a moderator: 201.
pub(crate) async fn add_moderator(
    State(state): State<AppState>,
    Acting(actor): Acting,
    PathText(room): PathText,
    JsonBody(NewModerator(name)): JsonBody<NewModerator>,
) -> Result<(StatusCode, Json<User>), Error> {
    let room = room_of(&state, &room, &actor).await?;
    // Checked before the name is looked up, as with members.
    state.chat.check_manager(&room, &actor)?;
    let user = find(&state, &name).await?;
    state.chat.add_moderator(&room, &actor, &user).await?;
    Ok((StatusCode::CREATED, Json(user)))
}

/// Takes the rights of a moderator away: 204.
pub(crate) async fn remove_moderator(
    State(state): State<AppState>,
    Acting(actor): Acting,
    PathPair(room, user): PathPair,
) -> Result<StatusCode, Error> {
    let room = room_of(&state, &room, &actor).await?;
    state.chat.remove_moderator(&room, &actor, &user).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The body of `POST /api/rooms/{room}/mutes`: the name of a user, or a message whose author is meant.
pub(crate) struct NewMute {
    name: Option<String>,
    message: Option<Offset>,
    seconds: Option<u32>,
}

impl FromMembers for NewMute {
    fn from_members(members: &mut Members) -> Result<Self, Rejection> {
        let (name, message) = (members.text(&["name"])?, members.offset("message")?);
        let seconds = members.count("seconds")?;
        members.reject_unknown(&["name", "message", "seconds"], |_| true)?;
        if name.is_none() && message.is_none() {
            return Err(members.missing(&["name"]));
        }
        Ok(Self { name, message, seconds })
    }
}

/// A muted user.
#[derive(Serialize)]
pub(crate) struct MutedUser {
    id: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<i64>,
}

impl MutedUser {
    fn of((User { id, .. }, Mute { name, until }): (User, Mute)) -> Self {
        Self { id, name, until }
    }
}

/// Lists the users who may not write in the room now.
pub(crate) async fn mutes(
    State(state): State<AppState>,
    Acting(actor): Acting,
    PathText(room): PathText,
) -> Result<Json<Vec<MutedUser>>, Error> {
    let room = room_of(&state, &room, &actor).await?;
    state.chat.check_moderator(&room, &actor)?;
    Ok(Json(state.rights.muted(&room, now_ms()).into_iter().map(MutedUser::of).collect()))
}

/// Mutes a user: 201.
pub(crate) async fn mute(
    State(state): State<AppState>,
    Acting(actor): Acting,
    PathText(room): PathText,
    JsonBody(NewMute { name, message, seconds }): JsonBody<NewMute>,
) -> Result<(StatusCode, Json<MutedUser>), Error> {
    let room = room_of(&state, &room, &actor).await?;
    state.chat.check_moderator(&room, &actor)?;
    let user = match (name, message) {
        (_, Some(offset)) => author_of(&state, &room, &actor, offset).await?,
        (name, None) => find(&state, &name.unwrap_or_default()).await?,
    };
    let time = seconds.map(|seconds| Duration::from_secs(seconds.into()));
    let mute = state.chat.mute(&room, &actor, &user, time).await?;
    Ok((StatusCode::CREATED, Json(MutedUser::of((user, mute)))))
}

/// The author of a message.
pub(in crate::server::http) async fn author_of(
    state: &AppState,
    room: &RoomId,
    actor: &Actor,
    offset: Offset,
) -> Result<User, Error> {
    let (message, _) = state.chat.message(room, actor.identity.as_ref(), offset).await?;
    Ok(User { id: message.user_id, name: message.user })
}

/// Takes a mute back: 204.
pub(crate) async fn unmute(
    State(state): State<AppState>,
    Acting(actor): Acting,
    PathPair(room, user): PathPair,
) -> Result<StatusCode, Error> {
    let room = room_of(&state, &room, &actor).await?;
    state.chat.unmute(&room, &actor, &user).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The body of a report.
pub(crate) struct NewReport(Option<String>);

impl FromMembers for NewReport {
    fn from_members(members: &mut Members) -> Result<Self, Rejection> {
        let note = members.text(&["note"])?;
        members.reject_unknown(&["note"], |_| true)?;
        Ok(Self(note))
    }
}

/// Reports a message: 204.
pub(crate) async fn report(
    State(state): State<AppState>,
    AuthenticatedUser(identity): AuthenticatedUser,
    PathPair(room, message): PathPair,
    JsonBody(NewReport(note)): JsonBody<NewReport>,
) -> Result<StatusCode, Error> {
    let room = state.chat.room(&room, Some(&identity)).await?;
    state.chat.report(&room, &identity, offset_of(&message)?, note.as_deref()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A reported message.
#[derive(Serialize)]
pub(crate) struct Reported {
    room: RoomId,
    offset: Offset,
    /// `None`: it is not kept any more.
    message: Option<Message>,
    reports: Vec<Report>,
}

/// Lists the reported messages of a room.
pub(crate) async fn reports(
    State(state): State<AppState>,
    Acting(actor): Acting,
    PathText(room): PathText,
) -> Result<Json<Vec<Reported>>, Error> {
    let room = room_of(&state, &room, &actor).await?;
    let reports = state.chat.reports(&room, &actor).await?.into_iter();
    let reported = |ReportOfMessage { message, reported }: ReportOfMessage| Reported {
        room: reported.room,
        offset: reported.offset,
        message,
        reports: reported.reports,
    };
    Ok(Json(reports.map(reported).collect()))
}

/// Dismisses the reports of a message: 204.
pub(crate) async fn dismiss(
    State(state): State<AppState>,
    Acting(actor): Acting,
    PathPair(room, message): PathPair,
) -> Result<StatusCode, Error> {
    let room = room_of(&state, &room, &actor).await?;
    state.chat.dismiss_reports(&room, &actor, offset_of(&message)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The query of a page of actions.
#[derive(Deserialize)]
pub(crate) struct ActionsQuery {
    before: Option<String>,
}

/// A page of actions, the newest first.
#[derive(Serialize)]
pub(crate) struct Actions {
    actions: Vec<Action>,
    /// The next page is before this.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<String>,
}

/// Reads a page of what was done, in one room or in all.
async fn page(
    state: &AppState,
    room: Option<&RoomId>,
    before: Option<String>,
) -> Result<Json<Actions>, Error> {
    let found = state.rights.actions(room, before.as_deref(), ACTIONS_LIMIT).await?;
    let before = found.last().filter(|_| found.len() == ACTIONS_LIMIT).map(|(id, _)| id.clone());
    Ok(Json(Actions { actions: found.into_iter().map(|(_, action)| action).collect(), before }))
}

/// Lists what was done in a room.
pub(crate) async fn actions_in_room(
    State(state): State<AppState>,
    Acting(actor): Acting,
    PathText(room): PathText,
    Lenient(ActionsQuery { before }): Lenient<ActionsQuery>,
) -> Result<Json<Actions>, Error> {
    let room = room_of(&state, &room, &actor).await?;
    state.chat.check_manager(&room, &actor)?;
    page(&state, Some(&room), before).await
}

/// Lists what was done anywhere, for administrators.
pub(crate) async fn actions(
    State(state): State<AppState>,
    Acting(actor): Acting,
    Lenient(ActionsQuery { before }): Lenient<ActionsQuery>,
) -> Result<Json<Actions>, Error> {
    if !actor.is_admin {
        return Err(Rejection::new(Code::NotAllowed, "Only administrators may do this.").into());
    }
    page(&state, None, before).await
}
