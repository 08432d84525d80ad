//! Whoever writes messages: a user, or a webhook by its token in the `Authorization` header. The routes that post and change
//! messages take it as an argument. On every other route the token of a webhook is rejected by `user`.

use axum::{extract::FromRequestParts, http::request::Parts};

use super::{
    credentials::{bearer, invalid_token},
    user::AuthenticatedUser,
};
use crate::{
    protocol::{
        change::ChangeKind,
        name::RoomId,
        problem::{Code, Rejection},
        session::User,
    },
    server::{auth::Identity, authz::Hook, error::Error, state::AppState},
};

/// Whoever writes messages.
pub(crate) enum Writer {
    /// A user.
    User(Identity),
    /// A program, in one room.
    Webhook(Hook),
}

impl FromRequestParts<AppState> for Writer {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Error> {
        let token = bearer(&parts.headers)?.filter(|token| Hook::is_token(token));
        let Some(token) = token else {
            let AuthenticatedUser(identity) = AuthenticatedUser::from_request_parts(parts, state).await?;
            return Ok(Self::User(identity));
        };
        match state.rights.hook_of(token).await? {
            Some((hook, None)) => Ok(Self::Webhook(hook)),
            Some((_, Some(_))) => {
                let message = "This webhook has a secret: it takes signed requests only, at /hooks/TOKEN.";
                Err(Rejection::new(Code::NotAllowed, message).into())
            }
            None => Err(invalid_token().into()),
        }
    }
}

impl Writer {
    /// Rejects a change that is for people: those of programs are edits and deletions of their own messages.
    pub(crate) fn check_change(&self, kind: ChangeKind) -> Result<(), Rejection> {
        match (self, kind) {
            (Self::User(_), _) | (_, ChangeKind::Edit | ChangeKind::Delete) => Ok(()),
            (Self::Webhook(_), _) => {
                let message = "A webhook can only edit and delete messages of its own.";
                Err(Rejection::new(Code::NotAllowed, message))
            }
        }
    }

    /// The room with this name, and who writes there. Errors: [`Code::UnknownRoom`] for a room that they may not enter.
    pub(crate) async fn in_room(self, state: &AppState, room: &str) -> Result<(RoomId, Identity), Error> {
        match self {
            Self::User(identity) => Ok((state.chat.room(room, Some(&identity)).await?, identity)),
            Self::Webhook(hook) if state.chat.id_of(room)? == hook.room => {
                Ok((hook.room, Identity::of(User::of_hook(&hook.id, hook.name))))
            }
            Self::Webhook(_) => {
                let message = "This webhook belongs to another room.";
                Err(Rejection::new(Code::UnknownRoom, message).into())
            }
        }
    }
}
