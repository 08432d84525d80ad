//! `/api/uploads`: uploads that are continued after a cut, by the protocol tus 1.0.0 (core, creation, creation-with-upload,
//! termination, expiration). The router calls it. It reads requests and writes answers; what holds of an upload is decided in
//! `server::files`.
//!
//! Beyond tus: `GET` answers how far an upload is as JSON, the last `PATCH` of a client that accepts JSON has the file as its
//! body, and `Upload-File` has the address of the file for those that read only headers.

use axum::{
    Json,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Serialize;

use super::files::{Stored, length_of, refuse_coding};
use crate::{
    protocol::problem::{Code, Rejection},
    server::{
        auth::Identity,
        error::unavailable,
        files::{Progress, ResumeError, Upload},
        http::{
            extract::{
                client_address::ClientAddress,
                path::PathText,
                query::{FileTarget, UploadQuery},
                user::AuthenticatedUser,
            },
            problem,
        },
        state::AppState,
    },
};

const VERSION: HeaderValue = HeaderValue::from_static("1.0.0");
const EXTENSIONS: HeaderValue =
    HeaderValue::from_static("creation,creation-with-upload,termination,expiration");
/// The media type of bytes.
const BYTES: &str = "application/offset+octet-stream";
/// Longest `Upload-Metadata`: the longest name, its room and a type, encoded, with as much again for what clients add.
const METADATA_MAX_BYTES: usize = 4096;

const TUS_RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
const TUS_VERSION: HeaderName = HeaderName::from_static("tus-version");
const TUS_EXTENSION: HeaderName = HeaderName::from_static("tus-extension");
const TUS_MAX_SIZE: HeaderName = HeaderName::from_static("tus-max-size");
const UPLOAD_LENGTH: HeaderName = HeaderName::from_static("upload-length");
const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const UPLOAD_EXPIRES: HeaderName = HeaderName::from_static("upload-expires");
const UPLOAD_METADATA: HeaderName = HeaderName::from_static("upload-metadata");
const UPLOAD_FILE: HeaderName = HeaderName::from_static("upload-file");
/// The method of a client that can send none but POST.
const OVERRIDE: HeaderName = HeaderName::from_static("x-http-method-override");

/// The progress of an upload, as JSON.
#[derive(Serialize)]
struct ProgressJson {
    id: String,
    offset: u64,
    length: u64,
    /// In milliseconds since the Unix epoch.
    expires: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<Stored>,
}

impl IntoResponse for ResumeError {
    fn into_response(self) -> Response {
        let told = |status, code, detail: &str| problem::with_status(status, code, detail.to_owned());
        match self {
            Self::File(error) => error.into_response(),
            Self::Unknown => told(
                StatusCode::NOT_FOUND,
                Code::NotFound,
                "There is no such upload of yours, or it has expired: begin one with POST /api/uploads.",
            ),
            Self::Gone => told(StatusCode::GONE, Code::NotFound, "The file of this upload was removed."),
            Self::Busy => {
                let detail = "Another request writes this upload: ask how far it is (HEAD), and try again.";
                let mut response = told(StatusCode::LOCKED, Code::Unavailable, detail);
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
                response
            }
            Self::Offset(offset) => {
                let detail = format!(
                    "Bytes were sent for another offset: this upload is at {offset}. Go on from there."
                );
                let mut response = told(StatusCode::CONFLICT, Code::BadRequest, &detail);
                response.headers_mut().insert(UPLOAD_OFFSET, offset.into());
                response
            }
            Self::TooLong(length) => {
                let detail = format!("More bytes were sent than the upload has: Upload-Length is {length}.");
                told(StatusCode::PAYLOAD_TOO_LARGE, Code::TooLarge, &detail)
            }
        }
    }
}

/// Layer: every answer says by which version it is, also a refusal.
pub(crate) async fn name_version(mut response: Response) -> Response {
    response.headers_mut().insert(TUS_RESUMABLE, VERSION);
    response
}

/// Tells what is supported: 204.
pub(crate) async fn options(State(state): State<AppState>) -> Response {
    let told = [
        (TUS_VERSION, VERSION),
        (TUS_EXTENSION, EXTENSIONS),
        (TUS_MAX_SIZE, HeaderValue::from(state.files.max_bytes())),
    ];
    (StatusCode::NO_CONTENT, told).into_response()
}

/// Begins an upload: 201 with its address. Its first bytes may come with it.
pub(crate) async fn create(
    State(state): State<AppState>,
    AuthenticatedUser(who): AuthenticatedUser,
    ClientAddress(address): ClientAddress,
    UploadQuery(target): UploadQuery,
    request: Request,
) -> Result<Response, ResumeError> {
    let (parts, body) = request.into_parts();
    let (target, metadata) = described(target, &parts.headers)?;
    let room = state.chat.room(&target.room, Some(&who)).await?;
    state.chat.check_may_post(&room, &who)?;
    if let Some(response) = refuse_version(&parts.headers) {
        return Ok(response);
    }
    let length = number(&parts.headers, &UPLOAD_LENGTH)?;
    let has_bytes = parts.headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == BYTES);
    refuse_coding(&parts.headers)?;
    let name = target.name.unwrap_or_default();
    let upload = Upload { room: &room, who: &who, name: &name, length: Some(length) };
    let mut progress = state.files.begin(upload, metadata, address).await?;
    if has_bytes && progress.file.is_none() {
        progress = with_first_bytes(&state, &who, &progress.id, &parts.headers, body).await?;
    }
    let mut response = (StatusCode::CREATED, Json(ProgressJson::from(&progress))).into_response();
    let location = format!("/api/uploads/{}", progress.id);
    response.headers_mut().insert(header::LOCATION, HeaderValue::try_from(location).expect("an id is ASCII"));
    describe(response.headers_mut(), &progress);
    Ok(response)
}

/// Without an answer nobody knows of the upload, so one that was cut here goes.
async fn with_first_bytes(
    state: &AppState,
    who: &Identity,
    id: &str,
    headers: &HeaderMap,
    body: Body,
) -> Result<Progress, ResumeError> {
    let written = state.files.append(who, id, 0, length_of(headers), body.into_data_stream()).await;
    if written.is_err()
        && let Err(error) = state.files.give_up(who, id).await
        && !matches!(error, ResumeError::Unknown)
    {
        return Err(error);
    }
    written
}

/// Tells how far an upload is: by headers for HEAD, and as JSON for GET.
pub(crate) async fn show(
    State(state): State<AppState>,
    AuthenticatedUser(who): AuthenticatedUser,
    PathText(id): PathText,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, ResumeError> {
    shown(&state, who, id, method == Method::HEAD, &headers).await
}

async fn shown(
    state: &AppState,
    who: Identity,
    id: String,
    is_tus: bool,
    headers: &HeaderMap,
) -> Result<Response, ResumeError> {
    check_rights(state, &who, &id).await?;
    if is_tus && let Some(response) = refuse_version(headers) {
        return Ok(response);
    }
    // It may be the end of an upload, which a client that has gone must not cut in the middle.
    let files = state.files.clone();
    let looked = state.lifetime.live.spawn(async move { files.look(&who, &id).await }).await;
    let progress = looked.map_err(|_| unavailable("The server is stopping."))??;
    let mut response = Json(ProgressJson::from(&progress)).into_response();
    describe(response.headers_mut(), &progress);
    let headers = response.headers_mut();
    headers.insert(UPLOAD_LENGTH, progress.length.into());
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(metadata) = HeaderValue::try_from(&progress.metadata).ok().filter(|text| !text.is_empty()) {
        headers.insert(UPLOAD_METADATA, metadata);
    }
    Ok(response)
}

/// Adds bytes: 204, and with the last of them 200 and the file for who accepts JSON.
pub(crate) async fn append(
    State(state): State<AppState>,
    AuthenticatedUser(who): AuthenticatedUser,
    PathText(id): PathText,
    request: Request,
) -> Result<Response, ResumeError> {
    let (parts, body) = request.into_parts();
    appended(&state, &who, &id, &parts.headers, body).await
}

async fn appended(
    state: &AppState,
    who: &Identity,
    id: &str,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, ResumeError> {
    check_rights(state, who, id).await?;
    if let Some(response) = refuse_version(headers) {
        return Ok(response);
    }
    if headers.get(header::CONTENT_TYPE).is_none_or(|kind| kind != BYTES) {
        return Err(
            Rejection::new(Code::BadMediaType, format!("Send bytes with Content-Type: {BYTES}")).into()
        );
    }
    refuse_coding(headers)?;
    let offset = number(headers, &UPLOAD_OFFSET)?;
    let progress = state.files.append(who, id, offset, length_of(headers), body.into_data_stream()).await?;
    let takes_json = headers.get(header::ACCEPT).is_some_and(|accepted| accepted == "application/json");
    // Clients of tus take no other answer than 204.
    let mut response = match ProgressJson::from(&progress).file {
        Some(file) if takes_json => Json(file).into_response(),
        _ => StatusCode::NO_CONTENT.into_response(),
    };
    describe(response.headers_mut(), &progress);
    Ok(response)
}

/// Gives up an upload: 204.
pub(crate) async fn remove(
    State(state): State<AppState>,
    AuthenticatedUser(who): AuthenticatedUser,
    PathText(id): PathText,
    headers: HeaderMap,
) -> Result<Response, ResumeError> {
    removed(&state, &who, &id, &headers).await
}

async fn removed(
    state: &AppState,
    who: &Identity,
    id: &str,
    headers: &HeaderMap,
) -> Result<Response, ResumeError> {
    // Also in a room that they may not enter any more.
    state.files.room_of_upload(who, id).await?;
    if let Some(response) = refuse_version(headers) {
        return Ok(response);
    }
    state.files.give_up(who, id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// One of the others, for clients that can send none but POST.
pub(crate) async fn other(
    State(state): State<AppState>,
    AuthenticatedUser(who): AuthenticatedUser,
    PathText(id): PathText,
    request: Request,
) -> Result<Response, ResumeError> {
    let (parts, body) = request.into_parts();
    match parts.headers.get(OVERRIDE).map(HeaderValue::as_bytes) {
        Some(b"PATCH") => appended(&state, &who, &id, &parts.headers, body).await,
        Some(b"DELETE") => removed(&state, &who, &id, &parts.headers).await,
        Some(b"HEAD") => shown(&state, who, id, true, &parts.headers).await,
        _ => {
            let message = "Send PATCH, HEAD, GET or DELETE, or name one of them in X-HTTP-Method-Override.";
            Err(Rejection::new(Code::BadMethod, message).into())
        }
    }
}

/// Checks that the person still may write where the file will be. That may change while it is uploaded.
async fn check_rights(state: &AppState, who: &Identity, id: &str) -> Result<(), ResumeError> {
    let room = state.files.room_of_upload(who, id).await?;
    let room = state.chat.room(room.as_str(), Some(who)).await?;
    Ok(state.chat.check_may_post(&room, who)?)
}

/// Writes how far an upload is.
fn describe(headers: &mut HeaderMap, progress: &Progress) {
    headers.insert(UPLOAD_OFFSET, progress.offset.into());
    match &progress.file {
        Some(file) => {
            let url = Stored::from(file.clone()).url;
            headers.insert(UPLOAD_FILE, HeaderValue::try_from(url).expect("it is percent-encoded"));
        }
        None => {
            let expires = jiff::Timestamp::from_millisecond(progress.expires_ms).ok();
            let printer = jiff::fmt::rfc2822::DateTimePrinter::new();
            let date = expires.and_then(|expires| printer.timestamp_to_rfc9110_string(&expires).ok());
            if let Some(date) = date.and_then(|date| HeaderValue::try_from(date).ok()) {
                headers.insert(UPLOAD_EXPIRES, date);
            }
        }
    }
}

impl From<&Progress> for ProgressJson {
    fn from(progress: &Progress) -> Self {
        Self {
            id: progress.id.clone(),
            offset: progress.offset,
            length: progress.length,
            expires: progress.expires_ms,
            file: progress.file.clone().map(Stored::from),
        }
    }
}

/// The answer to another version than ours: 412.
fn refuse_version(headers: &HeaderMap) -> Option<Response> {
    if headers.get(TUS_RESUMABLE).is_some_and(|version| version == VERSION) {
        return None;
    }
    let detail = "Send the header Tus-Resumable: 1.0.0, the version of tus that is spoken here.".to_owned();
    let mut response = problem::with_status(StatusCode::PRECONDITION_FAILED, Code::BadRequest, detail);
    response.headers_mut().insert(TUS_VERSION, VERSION);
    Some(response)
}

/// The number in a header that must be there.
fn number(headers: &HeaderMap, name: &HeaderName) -> Result<u64, Rejection> {
    let text = headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    // `parse` would take a sign.
    let digits = Some(text).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    digits.and_then(|text| text.parse().ok()).ok_or_else(|| {
        bad(&format!("Send {name} with a number of bytes; it must be known from the beginning (no Upload-Defer-Length)."))
    })
}

/// The room and the name of an upload, of which the address has precedence, and the metadata as they were sent.
fn described(mut target: FileTarget, headers: &HeaderMap) -> Result<(FileTarget, String), Rejection> {
    let not_well_formed = || {
        bad(
            "Upload-Metadata is not well formed: pairs with commas between them, each a key, a space and a value in base64, at most 4096 bytes.",
        )
    };
    let text = match headers.get(UPLOAD_METADATA) {
        Some(text) if text.len() > METADATA_MAX_BYTES => return Err(not_well_formed()),
        Some(text) => text.to_str().map_err(|_| not_well_formed())?,
        None => "",
    };
    for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once(' ').unwrap_or((pair, ""));
        if !matches!(key, "filename" | "name" | "room") {
            continue;
        }
        let value = STANDARD.decode(value).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let value = value.ok_or_else(not_well_formed)?;
        match key {
            "room" if target.room.is_empty() => target.room = value,
            "filename" | "name" if target.name.is_none() => target.name = Some(value),
            _ => {}
        }
    }
    match target.room.is_empty() {
        true => Err(bad("Say to which room the file belongs: ?room=ROOM, or room in Upload-Metadata.")),
        false => Ok((target, text.to_owned())),
    }
}

fn bad(message: &str) -> Rejection {
    Rejection::new(Code::BadRequest, message)
}
