//! `/api/rooms`: the rooms and their talk over plain HTTP.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use serde::Serialize;

use crate::{
    protocol::{
        chat::{Message, Room},
        members::Members,
        name::RoomId,
        problem::Rejection,
        publication::TEXT_NAMES,
    },
    server::{
        auth::Identity,
        error::Error,
        http::{
            extract::{
                body::{FromMembers, JsonBody},
                path::PathText,
                query::{RoomQuery, misspelt},
                user::{AuthenticatedUser, MaybeUser, admit, no_session, revoked},
            },
            realtime::{
                live_connection::{Client, connect_poll},
                long_poll::{answer, cut_short, return_member},
            },
        },
        log::hub::PageQuery,
        state::AppState,
    },
};

/// What was made, and the names of what was sent and not read.
#[derive(Serialize)]
pub(crate) struct Answer<T> {
    #[serde(flatten)]
    made: T,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ignored: Vec<String>,
}

/// The body of `POST /api/rooms`.
pub(crate) struct NewRoom {
    /// As people shall see it.
    name: String,
    /// Only those may enter whom its owner lets in.
    private: bool,
    ignored: Vec<String>,
}

impl FromMembers for NewRoom {
    fn from_members(members: &mut Members) -> Result<Self, Rejection> {
        let name = members.required_text(&["name"])?;
        let private = members.truth("private")?.unwrap_or(false);
        members.refuse_left(&["name", "private"], looks_like_a_right)?;
        Ok(Self { name, private, ignored: members.ignored() })
    }
}

/// The body of `POST /api/rooms/{room}/messages`.
pub(crate) struct NewMessage {
    /// A UUID made by the client.
    id: String,
    text: String,
    ignored: Vec<String>,
}

impl FromMembers for NewMessage {
    fn from_members(members: &mut Members) -> Result<Self, Rejection> {
        let (id, text) = (members.required_text(&["id"])?, members.required_text(&TEXT_NAMES)?);
        Ok(Self { id, text, ignored: members.ignored() })
    }
}

/// Whether who sent this member may have meant to say who may enter: then a room is not made without it. By the words
/// that other chats use, and by what is nearly `private`.
fn looks_like_a_right(name: &str) -> bool {
    /// Words of their own: in `filenames` it means no people.
    const WHOLE: [&str; 1] = ["names"];
    const WORDS: [&str; 39] = [
        "acl",
        "confid",
        "exclu",
        "group",
        "hide",
        "intern",
        "listed",
        "mode",
        "participa",
        "people",
        "protect",
        "priv",
        "pass",
        "guest",
        "audience",
        "reader",
        "scope",
        "secret",
        "secur",
        "team",
        "viewer",
        "public",
        "hidden",
        "visib",
        "access",
        "member",
        "owner",
        "role",
        "right",
        "permission",
        "invit",
        "restrict",
        "close",
        "open",
        "lock",
        "allow",
        "deny",
        "user",
        "type",
    ];
    let letters: String = name.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect();
    WHOLE.contains(&letters.as_str())
        || WORDS.iter().any(|word| letters.contains(word))
        || misspelt(&letters, &["private"]).is_some()
}

/// All rooms that the caller may enter.
pub(crate) async fn list(
    State(state): State<AppState>,
    MaybeUser(caller): MaybeUser,
) -> Result<Json<Vec<Room>>, Error> {
    Ok(Json(state.chat.rooms(caller.as_ref()).await?))
}

/// Makes a room.
pub(crate) async fn create(
    State(state): State<AppState>,
    AuthenticatedUser(identity): AuthenticatedUser,
    JsonBody(NewRoom { name, private, ignored }): JsonBody<NewRoom>,
) -> Result<(StatusCode, Json<Answer<Room>>), Error> {
    let made = state.chat.create_room(&identity, &name, private).await?;
    Ok((StatusCode::CREATED, Json(Answer { made, ignored })))
}

/// A page of what was said.
pub(crate) async fn messages(
    State(state): State<AppState>,
    PathText(room): PathText,
    client: Client,
    headers: HeaderMap,
    RoomQuery(query): RoomQuery,
) -> Result<Response, Error> {
    let caller = client.caller.as_ref();
    let room = state.chat.room(&room, caller).await?;
    let seen = query.seen.clone();
    let (query, limit) = query.page(&headers)?;
    let _counted = connect_poll(&state, &query, &client)?;
    if let Some(seen) = seen {
        return poll(&state, &room, caller, query, limit, &seen).await;
    }
    let admission = admit(&state, caller.filter(|_| query.waits())).await?;
    let (page, more_members) = tokio::select! {
        biased; // who may not read any more gets nothing more
        () = revoked(admission.as_ref()) => return Err(no_session().into()),
        page = state.chat.page(&room, caller, query.clone(), limit) => (page?, String::new()),
        () = state.lifetime.stop.cancelled(), if query.waits() => (cut_short(&query), return_member()),
    };
    Ok(answer(&state, "messages", &page, &more_members))
}

/// A room for who has neither a socket nor a stream, see [`crate::protocol::chat::Polled`].
async fn poll(
    state: &AppState,
    room: &RoomId,
    caller: Option<&Identity>,
    query: PageQuery,
    limit: usize,
    seen: &str,
) -> Result<Response, Error> {
    let admission = admit(state, caller).await?;
    let (page, presence, retry) = tokio::select! {
        biased; // see above
        () = revoked(admission.as_ref()) => return Err(no_session().into()),
        polled = state.chat.poll(room, caller, query.clone(), limit, seen) => {
            let (page, presence) = polled?;
            (page, presence, String::new())
        }
        () = state.lifetime.stop.cancelled(), if query.waits() => {
            (cut_short(&query), state.chat.presence_state(room), return_member())
        }
    };
    let presence = serde_json::to_string(&presence).expect("plain data");
    let members = presence.trim_start_matches('{').trim_end_matches('}');
    Ok(answer(state, "messages", &page, &format!(",{members}{retry}")))
}

/// "I am typing", for who has no socket. The room must be followed by a stream or by polls with `seen`.
pub(crate) async fn typing(
    State(state): State<AppState>,
    AuthenticatedUser(identity): AuthenticatedUser,
    PathText(room): PathText,
) -> Result<StatusCode, Error> {
    let room = state.chat.room(&room, Some(&identity)).await?;
    state.chat.typing(&room, &identity.user).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Says something: 201, or 200 when this id had been said before.
pub(crate) async fn post(
    State(state): State<AppState>,
    AuthenticatedUser(identity): AuthenticatedUser,
    PathText(room): PathText,
    JsonBody(NewMessage { id, text, ignored }): JsonBody<NewMessage>,
) -> Result<(StatusCode, Json<Answer<Message>>), Error> {
    let room = state.chat.room(&room, Some(&identity)).await?;
    let (made, is_new) = state.chat.post(&room, &identity.user, &id, &text).await?;
    Ok((if is_new { StatusCode::CREATED } else { StatusCode::OK }, Json(Answer { made, ignored })))
}

#[cfg(test)]
mod tests {
    use super::looks_like_a_right;

    #[test]
    fn what_looks_like_a_right_is_told_from_what_does_not() {
        for name in [
            "Privat",
            "prviate",
            "pirvate",
            "is_private",
            "isPrivate",
            "visibility",
            "members",
            "Public",
            "privte",
            "readers",
            "viewers",
            "Names",
            "scope",
            "groups",
            "team_id",
            "people",
            "security",
        ] {
            assert!(looks_like_a_right(name), "{name}");
        }
        for name in ["description", "topic", "colour", "icon", "id", "pirate ship", "filenames", "nick"] {
            assert!(!looks_like_a_right(name), "{name}");
        }
    }
}
