//! `/api/events/{channel}/{question}/answer`: people answer questions of programs, and programs ask for the answer or close the
//! question. `feed/questions.rs` decides which answer is the first.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use axum::{
    Json,
    extract::{ConnectInfo, State},
    http::HeaderMap,
};
use serde::Deserialize;

use super::publish::author_of;
use crate::{
    protocol::{
        cursor::Offset,
        members::Members,
        name::parse_channel,
        problem::{Code, Rejection},
    },
    server::{
        auth::{Identity, publishers::Publishers},
        authz::publishing::Author,
        error::Error,
        feed::QuestionState,
        http::extract::{
            body::{FromMembers, JsonBody},
            client_address::ClientAddress,
            credentials::bearer,
            path::PathPair,
            query::Lenient,
            user::identify,
        },
        state::AppState,
    },
};

/// Longest wait for an answer, in seconds: proxies end a request that takes a minute.
const WAIT_MAX: u64 = 50;

/// The body of an answer.
pub(crate) struct Answer {
    /// `None`: a program closes the question without one.
    choice: Option<String>,
}

impl FromMembers for Answer {
    fn from_members(members: &mut Members) -> Result<Self, Rejection> {
        let choice = members.text(&["choice"])?;
        Ok(Self { choice })
    }
}

/// Somebody who answers.
enum Caller {
    Person(Box<Identity>),
    /// A program that may publish to the channel.
    Program,
}

/// Answers a question. The first answer counts, and is the answer to all.
pub(crate) async fn post(
    State(state): State<AppState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    ClientAddress(address): ClientAddress,
    PathPair(channel, question): PathPair,
    headers: HeaderMap,
    JsonBody(Answer { choice }): JsonBody<Answer>,
) -> Result<Json<QuestionState>, Error> {
    let channel = parse_channel(&channel)?;
    let by = match caller(&state, &channel, &headers, peer, address).await? {
        Caller::Person(identity) => Some(identity.user.name),
        Caller::Program => None,
    };
    if choice.is_none() && by.is_some() {
        return Err(Rejection::new(Code::BadRequest, "The answer needs the member choice.").into());
    }
    let question = parse_question(&question)?;
    Ok(Json(state.feed.answer(&channel, question, choice.as_deref(), by.as_deref()).await?))
}

/// The query of `GET`.
#[derive(Deserialize)]
pub(crate) struct Query {
    wait: Option<u64>,
}

/// Returns how a question was answered, as soon as it is or after `wait` seconds.
pub(crate) async fn get(
    State(state): State<AppState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    ClientAddress(address): ClientAddress,
    PathPair(channel, question): PathPair,
    headers: HeaderMap,
    Lenient(Query { wait }): Lenient<Query>,
) -> Result<Json<QuestionState>, Error> {
    let channel = parse_channel(&channel)?;
    caller(&state, &channel, &headers, peer, address).await?;
    let wait = Duration::from_secs(wait.unwrap_or_default().min(WAIT_MAX));
    let state_now = state.feed.question_state(&channel, parse_question(&question)?, wait);
    // A server that stops keeps nobody waiting.
    let answered = state.lifetime.stop.run_until_cancelled(state_now).await;
    let stopping = || Rejection::new(Code::Unavailable, "The server stops. Ask again.");
    Ok(Json(answered.ok_or_else(stopping)??))
}

/// A person who reads the channel, or a program that may publish to it with a token or as the operator.
async fn caller(
    state: &AppState,
    channel: &str,
    headers: &HeaderMap,
    peer: SocketAddr,
    address: IpAddr,
) -> Result<Caller, Error> {
    let is_publisher = bearer(headers)?.is_some_and(Publishers::is_token);
    if !is_publisher && let Some(identity) = identify(state, headers).await? {
        return match state.feed.is_readable(Some(&identity), channel) {
            true => Ok(Caller::Person(Box::new(identity))),
            // As a channel that nobody has used.
            false => Err(Rejection::new(Code::NotFound, "There is no such question.").into()),
        };
    }
    match author_of(state, channel, headers, peer, address).await? {
        Author::Publisher(_) | Author::Person(_) | Author::Loopback => Ok(Caller::Program),
        Author::Anonymous => {
            Err(Rejection::new(Code::NotAllowed, "An answer needs a session or a token.").into())
        }
    }
}

fn parse_question(text: &str) -> Result<Offset, Rejection> {
    text.parse().map_err(|_| Rejection::new(Code::BadRequest, "A question is named by its offset."))
}
