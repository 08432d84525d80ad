//! `POST /api/files` and `/files`: files of rooms, uploaded and read. The router calls it. It reads requests and writes
//! answers; what a file may be and who may read it is decided in `server::files`.
//!
//! A file is somebody's content under our address: whatever is in it, it must run nowhere. So its type comes from its bytes,
//! browsers must not guess another, and they get a sandbox for it.

use std::ops::Range;

use axum::{
    Json,
    body::Body,
    extract::{RawQuery, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use crate::{
    protocol::{
        file::{THUMBNAIL, encoded_name, path_of_file},
        problem::{Code, Rejection},
    },
    server::{
        files::{FileError, Reading, Upload, is_shown_in_place},
        http::{
            extract::{
                client_address::ClientAddress,
                media_type::{Kind, MediaType},
                part::Part,
                path::PathPair,
                query::{FileQuery, FileTarget},
                upload_form::UploadForm,
                user::{AuthenticatedUser, MaybeUser},
            },
            problem,
        },
        state::AppState,
        store::FileRecord,
    },
};

/// The `Content-Security-Policy` of a file: a browser shows its pictures, its sound and its text, and runs nothing of it.
/// `sandbox` gives it an origin of its own, without our cookies, even if one of the other headers is lost.
const POLICY: &str = "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; \
                      frame-ancestors 'none'; sandbox";
/// The same for PDF. Browsers do not start their viewers in a sandbox; the viewers have one of their own.
const PDF_POLICY: &str =
    "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'";

/// A copy may be kept by the browser of the reader, and is shown only after we were asked whether they still may read it.
const CACHING: &str = "private, no-cache";

/// The answer to an upload: the file that is stored.
#[derive(Serialize)]
pub(super) struct Stored {
    id: String,
    name: String,
    #[serde(rename = "type")]
    media_type: String,
    size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    width: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    height: Option<u32>,
    pub(super) url: String,
}

impl From<FileRecord> for Stored {
    fn from(file: FileRecord) -> Self {
        let url = path_of_file(&file.id, &file.name);
        let FileRecord { id, name, media_type, size, width, height, .. } = file;
        Self { id, name, media_type, size, width, height, url }
    }
}

impl IntoResponse for FileError {
    fn into_response(self) -> Response {
        match self.into_rejection() {
            (rejection, false) => rejection.into_response(),
            (rejection, true) => problem::insufficient_storage(rejection.message),
        }
    }
}

/// Stores a file that a message can then name: 201. The body is the file, or a form with one (`multipart/form-data`).
pub(crate) async fn upload(
    State(state): State<AppState>,
    AuthenticatedUser(who): AuthenticatedUser,
    ClientAddress(address): ClientAddress,
    FileQuery(FileTarget { room, name }): FileQuery,
    request: Request,
) -> Result<Response, FileError> {
    let room = state.chat.room(&room, Some(&who)).await?;
    state.chat.check_may_post(&room, &who)?;
    let (parts, body) = request.into_parts();
    refuse_coding(&parts.headers)?;
    let body = body.into_data_stream();
    let file = match MediaType::of(&parts.headers)?.kind {
        Kind::Multipart => {
            let mut form = UploadForm::of(&parts.headers, body, state.files.max_bytes())?;
            let field = form.file().await?.ok_or_else(no_file)?;
            let name = name.or_else(|| field.file_name().map(str::to_owned)).unwrap_or_default();
            let upload = Upload { room: &room, who: &who, name: &name, length: None };
            let file = state.files.receive(upload, address, field).await?;
            if form.file().await?.is_some() {
                return Err(several_files().into());
            }
            file
        }
        _ => {
            let name = name.unwrap_or_default();
            let upload = Upload { room: &room, who: &who, name: &name, length: length_of(&parts.headers) };
            state.files.receive(upload, address, body).await?
        }
    };
    let answer = Stored::from(file);
    let location = HeaderValue::try_from(&answer.url).expect("it is percent-encoded");
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(answer)).into_response())
}

/// Sends a file, or the range of it that is asked for, to who may read the room.
pub(crate) async fn read(
    State(state): State<AppState>,
    MaybeUser(caller): MaybeUser,
    PathPair(id, _): PathPair,
    RawQuery(query): RawQuery,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, FileError> {
    let mut file = state.files.read(&id, caller.as_ref()).await?;
    let mut tag = format!("\"{}\"", file.id);
    let small = match query.as_deref() {
        Some(THUMBNAIL) => state.files.thumbnail(&file).await,
        _ => None,
    };
    if let Some((_, media_type)) = &small {
        (file.media_type, tag) = ((*media_type).to_owned(), format!("\"{}-small\"", file.id));
    }
    let mut response = match (is_known(&headers, &tag), small) {
        (true, _) => StatusCode::NOT_MODIFIED.into_response(),
        (false, Some((reading, _))) => whole(reading),
        // Ranges are those of GET (RFC 9110, 14.2), and nobody gets the content.
        (false, None) if method == Method::HEAD => whole(Reading::of_size(file.size)),
        (false, None) => match Part::asked(&headers, &tag, file.size) {
            Part::Whole => whole(state.files.open_part(&file, None).await?),
            Part::Of(part) => part_of(state.files.open_part(&file, Some(part.clone())).await?, &part),
            Part::Outside => outside(file.size),
        },
    };
    describe(response.headers_mut(), &file, &tag);
    Ok(response)
}

fn whole(reading: Reading) -> Response {
    let size = HeaderValue::from(reading.size);
    ([(header::CONTENT_LENGTH, size)], Body::from_stream(reading.bytes)).into_response()
}

fn part_of(reading: Reading, part: &Range<u64>) -> Response {
    let range = format!("bytes {}-{}/{}", part.start, part.end - 1, reading.size);
    let length = HeaderValue::from(part.end - part.start);
    let range = HeaderValue::try_from(range).expect("it is ASCII");
    let headers = [(header::CONTENT_LENGTH, length), (header::CONTENT_RANGE, range)];
    (StatusCode::PARTIAL_CONTENT, headers, Body::from_stream(reading.bytes)).into_response()
}

fn outside(size: u64) -> Response {
    let range = HeaderValue::try_from(format!("bytes */{size}")).expect("it is ASCII");
    (StatusCode::RANGE_NOT_SATISFIABLE, [(header::CONTENT_RANGE, range)]).into_response()
}

/// Sets the headers that say what the file is and what may be done with it.
fn describe(headers: &mut HeaderMap, file: &FileRecord, tag: &str) {
    let is_shown = is_shown_in_place(&file.media_type);
    let media_type = match file.media_type.as_str() {
        "text/plain" => "text/plain; charset=utf-8",
        other => other,
    };
    let policy = if file.media_type == "application/pdf" { PDF_POLICY } else { POLICY };
    let disposition = format!(
        "{}; filename*=UTF-8''{}",
        if is_shown { "inline" } else { "attachment" },
        encoded_name(&file.name)
    );
    let written: [(HeaderName, &str); 7] = [
        (header::ACCEPT_RANGES, "bytes"),
        (header::CONTENT_TYPE, media_type),
        (header::CONTENT_DISPOSITION, &disposition),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::CACHE_CONTROL, CACHING),
        (header::ETAG, tag),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    for (name, value) in written {
        headers.insert(name, HeaderValue::from_str(value).expect("types, ids and encoded names are ASCII"));
    }
}

/// Returns true if the reader has this version already (RFC 9110, 13.1.2).
fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let lines = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|one| {
        let one = one.trim();
        one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag
    })
}

/// A file is stored as it comes. Undoing a coding would cost what its sender chooses.
pub(super) fn refuse_coding(headers: &HeaderMap) -> Result<(), Rejection> {
    match headers.get(header::CONTENT_ENCODING) {
        Some(coding) if coding != "identity" => {
            Err(Rejection::new(Code::BadMediaType, "Send a file without Content-Encoding."))
        }
        _ => Ok(()),
    }
}

pub(super) fn length_of(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn no_file() -> Rejection {
    Rejection::new(Code::BadRequest, "The form has no file: curl -F file=@photo.png")
}

fn several_files() -> Rejection {
    let message = "The form has more than one file: send each by a request of its own.";
    Rejection::new(Code::BadRequest, message)
}
