//! Extractors of request bodies. A faulty body (too large, not JSON, not of the expected form) is answered with a
//! problem, like every other fault. The handlers of `api`, `forms` and `account_pages` take them as arguments.

use std::time::Duration;

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::{HeaderMap, StatusCode},
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::{
    body_coding, charset,
    media_type::{Kind, MediaType},
};
use crate::{
    protocol::{
        members::{Members, parse_json},
        problem::{Code, Rejection},
    },
    server::http::BODY_MAX_BYTES,
};

/// Maximum time for a body. A body is at most 64 KiB, so a client that takes longer is not sending it; one of Socket.IO
/// is at most four times as large.
pub(crate) const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// A body as bytes, with its `Content-Encoding` undone.
pub(crate) struct RawBody(pub(in crate::server::http) Bytes);

impl<S: Send + Sync> FromRequest<S> for RawBody {
    type Rejection = Rejection;

    async fn from_request(request: Request, state: &S) -> Result<Self, Rejection> {
        let headers = request.headers().clone();
        body_coding::decode(&headers, read_body(request, state).await?).map(Self)
    }
}

/// Reads a body as it was sent, within the limits of its size and time.
pub(crate) async fn read_body<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Rejection> {
    let read = timeout(BODY_TIMEOUT, Bytes::from_request(request, state)).await;
    let read = read.map_err(|_| Rejection::new(Code::BadRequest, "The request body took too long."))?;
    read.map_err(|error| match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Rejection::new(Code::TooLarge, format!("A request body has at most {BODY_MAX_BYTES} bytes."))
        }
        _ => Rejection::new(Code::BadRequest, "The request body could not be read."),
    })
}

/// Reads a body with a limit of its own, as it was sent and again when its `Content-Encoding` is undone.
pub(crate) async fn read_within(request: Request, max_bytes: usize) -> Result<Bytes, Rejection> {
    let (parts, body) = request.into_parts();
    let read = timeout(BODY_TIMEOUT, Limited::new(body, max_bytes).collect()).await;
    let read = read.map_err(|_| Rejection::new(Code::BadRequest, "The request body took too long."))?;
    let body = read.map_err(|error| match error.is::<LengthLimitError>() {
        true => Rejection::new(Code::TooLarge, format!("A request body has at most {max_bytes} bytes here.")),
        false => Rejection::new(Code::BadRequest, "The request body could not be read."),
    })?;
    body_coding::decode_within(&parts.headers, body.to_bytes(), max_bytes)
}

/// A type that is read from the members of a JSON object.
pub(crate) trait FromMembers: Sized {
    /// Takes its members. It ignores or rejects those that are left over.
    fn from_members(members: &mut Members) -> Result<Self, Rejection>;
}

/// A body of JSON, whatever media type it declares.
pub(crate) struct JsonBody<T>(pub(in crate::server::http) T);

impl<T: FromMembers, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Rejection;

    async fn from_request(request: Request, state: &S) -> Result<Self, Rejection> {
        let media_type = MediaType::of(request.headers())?;
        let RawBody(body) = RawBody::from_request(request, state).await?;
        let json = charset::decode(&body, media_type.charset.as_deref())?;
        let mut members = Members::of(parse_json(&json, "body")?, "body", Code::BadRequest)?;
        T::from_members(&mut members).map(Self)
    }
}

/// An HTML form (`application/x-www-form-urlencoded`). Names of fields are read in any case.
pub(crate) struct FormBody<T>(pub(in crate::server::http) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for FormBody<T> {
    type Rejection = Rejection;

    async fn from_request(request: Request, state: &S) -> Result<Self, Rejection> {
        let media_type = MediaType::of(request.headers())?;
        let RawBody(body) = RawBody::from_request(request, state).await?;
        if media_type.kind != Kind::Form {
            let message = "Send a form with Content-Type: application/x-www-form-urlencoded.";
            return Err(Rejection::new(Code::BadRequest, message));
        }
        parse_form(&charset::decode(&body, media_type.charset.as_deref())?, media_type.charset.as_deref())
            .map(Self)
    }
}

/// Returns the fields of a form, names in lower case.
pub(crate) fn fields_of(headers: &HeaderMap, body: Bytes) -> Result<Vec<(String, String)>, Rejection> {
    let charset = MediaType::of(headers)?.charset;
    let body = body_coding::decode(headers, body)?;
    parse_fields(&charset::decode(&body, charset.as_deref())?, charset.as_deref())
}

/// Reads the fields of a form. They are decoded by hand, because the crate puts question marks in the place of
/// characters that it cannot decode.
fn parse_fields(body: &str, charset: Option<&str>) -> Result<Vec<(String, String)>, Rejection> {
    let fields = body.split('&').filter(|field| !field.is_empty()).map(|field| {
        let (name, value) = field.split_once('=').unwrap_or((field, ""));
        let name = charset::decode_form(name, charset)?.to_ascii_lowercase();
        Ok((name, charset::decode_form(value, charset)?))
    });
    fields.collect()
}

fn parse_form<T: DeserializeOwned>(body: &str, charset: Option<&str>) -> Result<T, Rejection> {
    let refused = |error| Rejection::new(Code::BadRequest, describe(&error));
    let fields = parse_fields(body, charset)?;
    let fields = serde_urlencoded::to_string(fields).expect("texts are always encoded");
    serde_urlencoded::from_str(&fields).map_err(refused)
}

/// Words a fault of a form, with the field that serde names.
fn describe(error: &serde::de::value::Error) -> String {
    let said = error.to_string();
    let field = said.split('`').nth(1).unwrap_or_default();
    match said.split_whitespace().next() {
        Some("missing") => format!("The form needs the field {field}."),
        Some("duplicate") => format!("The form has the field {field} more than once."),
        _ => "A field of the form has an invalid value.".to_owned(),
    }
}
