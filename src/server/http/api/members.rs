//! `/api/rooms/{room}/members`: membership of a private room. Its members see the list, its owner changes it.

use axum::{Json, extract::State, http::StatusCode};

use crate::{
    protocol::{
        members::Members,
        problem::{Code, Rejection},
        session::User,
    },
    server::{
        error::Error,
        http::extract::{
            body::{FromMembers, JsonBody},
            path::{PathPair, PathText},
            user::AuthenticatedUser,
        },
        state::AppState,
    },
};

/// The body of `POST /api/rooms/{room}/members`.
pub(crate) struct NewMember {
    /// A user with an account or, on a server without accounts, a user who is in a room now.
    name: String,
}

impl FromMembers for NewMember {
    fn from_members(members: &mut Members) -> Result<Self, Rejection> {
        let name = members.required_text(&["name"])?;
        members.reject_unknown(&["name"], |_| true)?;
        Ok(Self { name })
    }
}

/// Lists the members, the owner first. Empty for a room that has no owner.
pub(crate) async fn list(
    State(state): State<AppState>,
    AuthenticatedUser(identity): AuthenticatedUser,
    PathText(room): PathText,
) -> Result<Json<Vec<User>>, Error> {
    let room = state.chat.room(&room, Some(&identity)).await?;
    Ok(Json(state.rights.members(&room)))
}

/// Adds a member.
pub(crate) async fn add(
    State(state): State<AppState>,
    AuthenticatedUser(identity): AuthenticatedUser,
    PathText(room): PathText,
    JsonBody(NewMember { name }): JsonBody<NewMember>,
) -> Result<(StatusCode, Json<User>), Error> {
    let room = state.chat.room(&room, Some(&identity)).await?;
    // Checked before the name is looked up: a user who may not add members must not learn which people there are.
    state.rights.check_owner(&room, &identity)?;
    let user = find(&state, &name).await?;
    state.chat.add_member(&room, &identity, &user).await?;
    Ok((StatusCode::CREATED, Json(user)))
}

/// Finds the user that an owner or an administrator names. Errors: [`Code::UnknownPerson`].
pub(crate) async fn find(state: &AppState, name: &str) -> Result<User, Error> {
    let found = match state.auth.accounts() {
        Some(accounts) => accounts.find(name).await?.map(|account| account.user()),
        None => state.chat.find_present(name),
    };
    found.ok_or_else(|| Rejection::new(Code::UnknownPerson, "Nobody with this name is here now.").into())
}

/// Removes a member; members may remove themselves.
pub(crate) async fn remove(
    State(state): State<AppState>,
    AuthenticatedUser(identity): AuthenticatedUser,
    PathPair(room, user_id): PathPair,
) -> Result<StatusCode, Error> {
    let room = state.chat.room(&room, Some(&identity)).await?;
    state.chat.remove_member(&room, &identity, &user_id).await?;
    Ok(StatusCode::NO_CONTENT)
}
