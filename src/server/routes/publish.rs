//! `POST /api/events/{channel}`: how programs publish. JSON, or plain text so that `curl -d` is enough.

use std::{fmt, net::SocketAddr};

use axum::{
    Json,
    body::Bytes,
    extract::{ConnectInfo, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::Value;

use super::{
    administrator::is_operator,
    body::RawBody,
    client_address::ClientAddress,
    path::PathText,
    visitor::{Caller, bearer},
};
use crate::{
    protocol::{
        feed::{Body, Level, Publication},
        problem::{Code, Rejection},
    },
    server::{
        auth::{Identity, covers},
        error::Error,
        publishers::Publishers,
        state::AppState,
    },
};

/// Longest `Idempotency-Key`, in bytes: a UUID or a hash fits many times.
const KEY_MAX_BYTES: usize = 200;

/// See the module. 201 with what was stored, an array for an array; 200 when it had been stored before.
pub(super) async fn post(
    State(state): State<AppState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    ClientAddress(address): ClientAddress,
    Caller(caller): Caller,
    PathText(channel): PathText,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Result<Response, Error> {
    let author = author(&state, peer, caller, &channel, &headers).await?;
    state.limits.publish(author.token(), address).await?;
    let (publications, is_array) = parse(&headers, &body)?;
    let key = header_text(&headers, "idempotency-key")?;
    if key.is_some_and(|key| !(1..=KEY_MAX_BYTES).contains(&key.len())) {
        let message = format!("An Idempotency-Key has 1 to {KEY_MAX_BYTES} bytes.");
        return Err(Rejection::new(Code::BadRequest, message).into());
    }
    let (mut entries, is_new) = state.feed.publish(&channel, &author.to_string(), publications, key).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    match entries.pop().filter(|_| !is_array) {
        Some(entry) => Ok((status, Json(entry)).into_response()),
        None => Ok((status, Json(entries)).into_response()),
    }
}

/// Who publishes. An `Idempotency-Key` is unique among what one author publishes.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Author {
    /// A program with a token of its own.
    Publisher(String),
    /// A person whose token is good for it.
    Person(String),
    /// Whoever shares this machine: all of them are one.
    Loopback,
}

impl Author {
    /// Who has a token, and a limit of their own with it.
    fn token(&self) -> Option<&str> {
        match self {
            Self::Publisher(id) | Self::Person(id) => Some(id),
            Self::Loopback => None,
        }
    }
}

impl fmt::Display for Author {
    /// As it stands in the store.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Publisher(id) => write!(f, "publisher:{id}"),
            Self::Person(id) => write!(f, "person:{id}"),
            Self::Loopback => f.write_str("loopback"),
        }
    }
}

/// Who publishes, if they may: a publisher by its token, a person whose token names the channel, or, where people are
/// guests, whoever is on this machine.
async fn author(
    state: &AppState,
    peer: SocketAddr,
    caller: Option<Identity>,
    channel: &str,
    headers: &HeaderMap,
) -> Result<Author, Error> {
    if let Some(token) = bearer(headers).filter(|token| Publishers::is_token(token)) {
        return Ok(Author::Publisher(state.publishers.admit(token, channel).await?.id));
    }
    let may_publish = |identity: &Identity| covers(&identity.channels, channel);
    if let Some(identity) = caller.filter(may_publish) {
        return Ok(Author::Person(identity.user.id));
    }
    if is_operator(state, peer, headers) {
        return Ok(Author::Loopback);
    }
    let message =
        "To publish here takes a publisher's token: Authorization: Bearer idp_… (see /api/publishers).";
    Err(Rejection::new(Code::NotAllowed, message).into())
}

pub(super) fn parse(headers: &HeaderMap, body: &Bytes) -> Result<(Vec<Publication>, bool), Rejection> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.starts_with("application/json") {
        // Also what `curl -d` calls a form: it sends the text as it is.
        return Ok((vec![notification(headers, body)?], false));
    }
    let value: Value = serde_json::from_slice(body)
        .map_err(|error| Rejection::new(Code::BadJson, format!("The body is not JSON: {error}.")))?;
    match value {
        Value::Array(values) => {
            Ok((values.into_iter().map(Publication::from_json).collect::<Result<_, _>>()?, true))
        }
        value => Ok((vec![Publication::from_json(value)?], false)),
    }
}

/// A notification from plain text and headers.
fn notification(headers: &HeaderMap, body: &Bytes) -> Result<Publication, Rejection> {
    let text =
        std::str::from_utf8(body).map_err(|_| Rejection::new(Code::BadRequest, "The text is not UTF-8."))?;
    let level = header_text(headers, "level")?.map_or(Ok(Level::default()), |level| {
        serde_json::from_value(Value::from(level.to_lowercase()))
            .map_err(|_| Rejection::new(Code::BadRequest, "Level is info, success, warning or error."))
    })?;
    let tags = header_text(headers, "tags")?.unwrap_or_default();
    Publication::new(Body::Notification {
        title: header_text(headers, "title")?.map(str::to_owned),
        text: text.trim_end().to_owned(),
        level,
        tags: tags.split(',').map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned).collect(),
        link: header_text(headers, "link")?.map(str::to_owned),
        key: None,
    })
}

/// A header as UTF-8. Not `to_str()`: curl sends a title as it was typed, and people type in their language.
fn header_text<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Rejection> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let text = std::str::from_utf8(value.as_bytes());
    text.map(Some).map_err(|_| Rejection::new(Code::BadRequest, format!("The header {name} is not UTF-8.")))
}
