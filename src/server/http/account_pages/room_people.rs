//! The forms of a room's settings about people: its moderators, and those who may not write for a while.

use axum::response::Response;
use serde::Deserialize;

use super::{
    answer::SignedIn,
    document::Done,
    rejected::rejected_beside,
    room_parts::time_of,
    room_settings::{Form, Typed, actor_of, page},
};
use crate::{
    app::routes,
    protocol::name::RoomId,
    server::{
        auth::Actor,
        error::Error,
        http::{
            api::members::find,
            extract::{body::FormBody, path::PathText},
            redirect::see,
        },
        state::AppState,
    },
};

/// Makes a change by `form`, and shows the settings again.
async fn change(
    room: &str,
    signed_in: SignedIn,
    form: Form,
    name: Option<String>,
    change: impl AsyncFnOnce(&AppState, &RoomId, &Actor) -> Result<(), Error>,
) -> Result<Response, Error> {
    let actor = actor_of(&signed_in);
    let SignedIn { asked, identity } = signed_in;
    let room = asked.state.chat.room(room, Some(&identity)).await?;
    let path = routes::room_settings(&room);
    Ok(match change(&asked.state, &room, &actor).await {
        Ok(()) => see(&path, &[("done", Done::Saved.as_str())]),
        Err(error) => {
            let typed = Typed { person: name, ..Typed::default() };
            let page = async |signed_in, reason| {
                page(room.as_str(), signed_in, Some((form, reason)), typed, None).await
            };
            rejected_beside(asked, &path, &[], error, page).await
        }
    })
}

/// The field of the form that names a moderator.
#[derive(Deserialize)]
pub(super) struct ModeratorForm {
    moderator: String,
}

/// Names a moderator.
pub(super) async fn add_moderator(
    PathText(room): PathText,
    signed_in: SignedIn,
    FormBody(ModeratorForm { moderator }): FormBody<ModeratorForm>,
) -> Result<Response, Error> {
    let named = async |state: &AppState, room: &RoomId, actor: &Actor| {
        state.chat.check_manager(room, actor)?;
        let user = find(state, &moderator).await?;
        state.chat.add_moderator(room, actor, &user).await
    };
    change(&room, signed_in, Form::Moderator, Some(moderator.clone()), named).await
}

/// The field of the forms that take something back.
#[derive(Deserialize)]
pub(super) struct UserForm {
    user: String,
}

/// Takes the rights of a moderator away.
pub(super) async fn remove_moderator(
    PathText(room): PathText,
    signed_in: SignedIn,
    FormBody(UserForm { user }): FormBody<UserForm>,
) -> Result<Response, Error> {
    let removed = async |state: &AppState, room: &RoomId, actor: &Actor| {
        state.chat.remove_moderator(room, actor, &user).await
    };
    change(&room, signed_in, Form::Moderator, None, removed).await
}

/// The fields of the form that mutes.
#[derive(Deserialize)]
pub(super) struct MuteForm {
    muted: String,
    #[serde(default)]
    minutes: u32,
}

/// Mutes somebody.
pub(super) async fn mute(
    PathText(room): PathText,
    signed_in: SignedIn,
    FormBody(MuteForm { muted, minutes }): FormBody<MuteForm>,
) -> Result<Response, Error> {
    let done = async |state: &AppState, room: &RoomId, actor: &Actor| {
        state.chat.check_moderator(room, actor)?;
        let user = find(state, &muted).await?;
        state.chat.mute(room, actor, &user, time_of(minutes)).await.map(drop)
    };
    change(&room, signed_in, Form::Mute, Some(muted.clone()), done).await
}

/// Takes a mute back.
pub(super) async fn unmute(
    PathText(room): PathText,
    signed_in: SignedIn,
    FormBody(UserForm { user }): FormBody<UserForm>,
) -> Result<Response, Error> {
    let done =
        async |state: &AppState, room: &RoomId, actor: &Actor| state.chat.unmute(room, actor, &user).await;
    change(&room, signed_in, Form::Mute, None, done).await
}
