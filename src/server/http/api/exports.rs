//! `GET /api/rooms/{room}/export` and `GET /api/user/export`: archives to take away, sent while they are made. The router calls
//! it. It must never check a right by itself: the chat and `server::export` do.

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use futures_util::stream;

use super::push::language_of;
use crate::{
    protocol::file::encoded_name,
    server::{
        error::Error,
        export::Export,
        http::extract::{actor::Acting, path::PathText, user::AuthenticatedUser},
        state::AppState,
    },
};

/// Sends a room as a ZIP file.
pub(crate) async fn of_room(
    State(state): State<AppState>,
    Acting(actor): Acting,
    PathText(room): PathText,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let room = state.chat.room(&room, actor.identity.as_ref()).await?;
    Ok(sent(state.exports.of_room(&room, actor, language_of(&state, &headers)).await?))
}

/// Sends what belongs to the caller as a ZIP file.
pub(crate) async fn of_person(
    State(state): State<AppState>,
    AuthenticatedUser(who): AuthenticatedUser,
    headers: HeaderMap,
) -> Result<Response, Error> {
    Ok(sent(state.exports.of_person(who, language_of(&state, &headers)).await?))
}

/// The answer with an archive. When that ends early, so does the connection: a reader must not take a part for the whole.
fn sent(Export { name, chunks }: Export) -> Response {
    let disposition = format!("attachment; filename*=UTF-8''{}", encoded_name(&name));
    let headers = [
        (header::CONTENT_TYPE, "application/zip".to_owned()),
        (header::CONTENT_DISPOSITION, disposition),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    let body = stream::unfold(chunks, async |mut chunks| Some((chunks.recv().await?, chunks)));
    (headers, Body::from_stream(body)).into_response()
}
