//! `/api/rooms`: the rooms and their messages over plain HTTP. The router calls it. It parses requests and writes
//! answers; it must never check a right by itself: the chat does.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use serde::Serialize;

use crate::{
    protocol::{
        chat::{Message, NewMessage, Room},
        members::Members,
        name::RoomId,
        problem::Rejection,
    },
    server::{
        auth::Identity,
        error::Error,
        http::{
            extract::{
                body::{FromMembers, JsonBody},
                path::PathText,
                query::{RoomQuery, misspelt},
                user::{AuthenticatedUser, MaybeUser, no_session, open_live_session, revoked},
                writer::Writer,
            },
            realtime::{
                beside::{Beside, ReadBeside},
                live_connection::{Client, connect_poll},
                long_poll::{self, cut_short},
                shutdown_retry::return_after_ms,
            },
        },
        log::hub::PageQuery,
        state::AppState,
    },
};

/// The created room, message or change, and the names of the members of the request that were not read.
#[derive(Serialize)]
pub(crate) struct Answer<T> {
    #[serde(flatten)]
    created: T,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ignored: Vec<String>,
}

impl<T> Answer<T> {
    /// The answer with `created`.
    pub(crate) fn new(created: T, ignored: Vec<String>) -> Self {
        Self { created, ignored }
    }
}

/// The body of `POST /api/rooms`.
pub(crate) struct NewRoom {
    /// The name that people see.
    name: String,
    /// Only invited members may enter.
    private: bool,
    ignored: Vec<String>,
}

impl FromMembers for NewRoom {
    fn from_members(members: &mut Members) -> Result<Self, Rejection> {
        let name = members.required_text(&["name"])?;
        let private = members.truth("private")?.unwrap_or(false);
        members.reject_unknown(&["name", "private"], looks_like_a_right)?;
        Ok(Self { name, private, ignored: members.ignored() })
    }
}

/// The body of `POST /api/rooms/{room}/messages`.
pub(crate) struct MessageBody {
    message: NewMessage,
    ignored: Vec<String>,
}

impl FromMembers for MessageBody {
    fn from_members(members: &mut Members) -> Result<Self, Rejection> {
        let message = NewMessage::from_members(members)?;
        Ok(Self { message, ignored: members.ignored() })
    }
}

/// Returns true if the sender of this member may have meant to restrict entry: then no room is made without it. The
/// test goes by the words that other chats use, and by names that are nearly `private`.
fn looks_like_a_right(name: &str) -> bool {
    /// Words that count only as the whole name: `filenames` does not speak of people.
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

/// Lists all rooms that the caller may enter.
pub(crate) async fn list(
    State(state): State<AppState>,
    MaybeUser(caller): MaybeUser,
) -> Result<Json<Vec<Room>>, Error> {
    Ok(Json(state.chat.rooms(caller.as_ref()).await?))
}

/// Creates a room: 201.
pub(crate) async fn create(
    State(state): State<AppState>,
    AuthenticatedUser(identity): AuthenticatedUser,
    JsonBody(NewRoom { name, private, ignored }): JsonBody<NewRoom>,
) -> Result<(StatusCode, Json<Answer<Room>>), Error> {
    let created = state.chat.create_room(&identity, &name, private).await?;
    Ok((StatusCode::CREATED, Json(Answer { created, ignored })))
}

/// Answers with a page of messages; a query with `wait` waits for the first.
pub(crate) async fn messages(
    State(state): State<AppState>,
    PathText(room): PathText,
    client: Client,
    headers: HeaderMap,
    RoomQuery(query): RoomQuery,
) -> Result<Response, Error> {
    let caller = client.caller.as_ref();
    let room = state.chat.room(&room, caller).await?;
    let (seen, thread, answers) = (query.seen.clone(), query.thread, query.answers);
    let (user_after, asked) = (query.user_after()?, &query);
    let (query, limit) = asked.page(&headers)?;
    let own =
        user_after.map(|after| caller.map(|caller| (caller, after)).ok_or_else(no_session)).transpose()?;
    let _counted = connect_poll(&state, &query, &client)?;
    let beside = Beside::asked(&state, &client, asked, own);
    if let Some(seen) = seen {
        return poll(&state, &room, caller, query, limit, &seen, beside).await;
    }
    if let Some(root) = thread {
        let page = state.chat.thread_page(&room, caller, root, &query, limit).await?;
        let context = state.chat.context(&room, caller, &page).await?;
        return Ok(long_poll::Answer::of_room(&page, None).with_context(context).into_response(&state));
    }
    let outside_threads = answers == Some(false);
    let session = open_live_session(&state, caller.filter(|_| query.waits())).await?;
    let read = |query| state.chat.page(&room, caller, query, outside_threads, limit);
    let ((page, beside), retry) = tokio::select! {
        biased; // a revoked reader gets nothing more
        () = revoked(session.as_ref()) => return Err(no_session().into()),
        read = beside.read(&query, read) => (read?, None),
        () = state.lifetime.stop.cancelled(), if query.waits() => {
            ((cut_short(&query), ReadBeside::default()), Some(return_after_ms()))
        }
    };
    let context = state.chat.context(&room, caller, &page).await?;
    let answer = long_poll::Answer::of_room(&page, retry).with_context(context);
    Ok(answer.with_beside(&beside).into_response(&state))
}

/// Answers a poll that takes the place of a socket or a stream: a page and the presence in the room, as
/// [`crate::protocol::chat::Polled`].
async fn poll(
    state: &AppState,
    room: &RoomId,
    caller: Option<&Identity>,
    query: PageQuery,
    limit: usize,
    seen: &str,
    beside: Beside<'_>,
) -> Result<Response, Error> {
    let session = open_live_session(state, caller).await?;
    let read = |query| state.chat.poll(room, caller, query, limit, seen);
    let (((page, presence), beside), retry) = tokio::select! {
        biased; // a revoked reader gets nothing more
        () = revoked(session.as_ref()) => return Err(no_session().into()),
        polled = beside.read(&query, read) => (polled?, None),
        () = state.lifetime.stop.cancelled(), if query.waits() => {
            let polled = (cut_short(&query), state.chat.presence_state(room));
            ((polled, ReadBeside::default()), Some(return_after_ms()))
        }
    };
    let context = state.chat.context(room, caller, &page).await?;
    let answer = long_poll::Answer::of_room(&page, retry).with_presence(&presence);
    Ok(answer.with_context(context).with_beside(&beside).into_response(state))
}

/// Tells the room that the user is typing, for clients without a socket: 204. The user must follow the room by a stream
/// or by polls with `seen`.
pub(crate) async fn typing(
    State(state): State<AppState>,
    AuthenticatedUser(identity): AuthenticatedUser,
    PathText(room): PathText,
) -> Result<StatusCode, Error> {
    let room = state.chat.room(&room, Some(&identity)).await?;
    state.chat.typing(&room, &identity.user).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Posts a message: 201, or 200 if a message with this id was posted before.
pub(crate) async fn post(
    State(state): State<AppState>,
    writer: Writer,
    PathText(room): PathText,
    JsonBody(MessageBody { message, ignored }): JsonBody<MessageBody>,
) -> Result<(StatusCode, Json<Answer<Message>>), Error> {
    let (room, identity) = writer.in_room(&state, &room).await?;
    let (created, is_new) = state.chat.post(&room, &identity, message).await?;
    Ok((if is_new { StatusCode::CREATED } else { StatusCode::OK }, Json(Answer { created, ignored })))
}

#[cfg(test)]
mod tests {
    use super::looks_like_a_right;

    #[test]
    fn members_that_look_like_a_right_are_told_from_others() {
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
