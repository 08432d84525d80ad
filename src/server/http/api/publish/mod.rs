//! `POST /api/events/{channel}`: programs publish to the feed. JSON, a form, or plain text so that `curl -d` is enough.
//!
//! `author.rs` finds out who publishes and whether they may, and `read.rs` reads the entries by the body's media type; `headers.rs`,
//! `form.rs` and `multipart.rs` read the formats that a body may have. `protocol/publication/` defines the meaning of an
//! entry.

mod author;
mod encoded_words;
mod form;
mod headers;
pub(crate) mod multipart;
mod read;

use std::net::SocketAddr;

use axum::{
    Json,
    extract::{ConnectInfo, RawQuery, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde::Serialize;

pub(crate) use self::{
    author::author_of,
    headers::{idempotency_key, text_of},
    read::{Read, read},
};
use crate::{
    protocol::feed::Entry,
    server::{
        error::Error,
        http::extract::{body::RawBody, client_address::ClientAddress, path::PathText},
        state::AppState,
    },
};

/// A stored entry, as the response shows it.
#[derive(Serialize)]
struct Published {
    #[serde(flatten)]
    entry: Entry,
    /// The names of members that were sent and not read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ignored: Vec<String>,
}

/// Publishes. 201 with the stored entry, or an array of them for an array; 200 when it had been stored before.
pub(crate) async fn post(
    State(state): State<AppState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    ClientAddress(address): ClientAddress,
    PathText(channel): PathText,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Result<Response, Error> {
    let author = author_of(&state, &channel, &headers, peer, address).await?;
    let Read { publications, is_array } = read(&headers, query.as_deref(), &body)?;
    let key = idempotency_key(&headers)?;
    let (publications, ignored): (Vec<_>, Vec<_>) = publications.into_iter().unzip();
    let published = state.feed.publish(&channel, &author.to_string(), publications, key.as_deref()).await?;
    let (entries, is_new) = published;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    let stored = entries.into_iter().zip(ignored).map(|(entry, ignored)| Published { entry, ignored });
    let mut stored: Vec<Published> = stored.collect();
    if is_array {
        return Ok((status, Json(stored)).into_response());
    }
    let one = stored.pop().expect("a body that is no array publishes one entry");
    Ok((status, Json(one)).into_response())
}
