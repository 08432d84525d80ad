//! Request bodies whose faults are answered like all others: too large, not JSON, not of the expected form.

use std::time::Duration;

use axum::{
    Form,
    body::{Body, Bytes},
    extract::{FromRequest, Request},
    http::StatusCode,
};
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::BODY_MAX_BYTES;
use crate::protocol::problem::{Code, Rejection};

/// A body is at most 64 KiB: whoever takes longer for it is not sending it. Of Socket.IO four times as much.
pub(super) const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// A body as it came.
pub(super) struct RawBody(pub(super) Bytes);

impl<S: Send + Sync> FromRequest<S> for RawBody {
    type Rejection = Rejection;

    async fn from_request(request: Request, state: &S) -> Result<Self, Rejection> {
        let read = timeout(BODY_TIMEOUT, Bytes::from_request(request, state)).await;
        let read = read.map_err(|_| Rejection::new(Code::BadRequest, "The request body took too long."))?;
        read.map(Self).map_err(|error| match error.status() {
            StatusCode::PAYLOAD_TOO_LARGE => {
                Rejection::new(Code::TooLarge, format!("A request body has at most {BODY_MAX_BYTES} bytes."))
            }
            _ => Rejection::new(Code::BadRequest, "The request body did not come through."),
        })
    }
}

/// A body of JSON, whatever it calls itself.
pub(super) struct JsonBody<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Rejection;

    async fn from_request(request: Request, state: &S) -> Result<Self, Rejection> {
        let RawBody(body) = RawBody::from_request(request, state).await?;
        serde_json::from_slice(&body).map(Self).map_err(|error| {
            let (code, what) = match error.classify() {
                serde_json::error::Category::Data => (Code::BadRequest, "does not have the expected form"),
                _ => (Code::BadJson, "is not JSON"),
            };
            Rejection::new(code, format!("The body {what}: {error}."))
        })
    }
}

/// A form, as a browser sends one.
pub(super) struct FormBody<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for FormBody<T> {
    type Rejection = Rejection;

    async fn from_request(request: Request, state: &S) -> Result<Self, Rejection> {
        let (parts, body) = request.into_parts();
        let RawBody(body) = RawBody::from_request(Request::from_parts(parts.clone(), body), state).await?;
        let form = Form::from_request(Request::from_parts(parts, Body::from(body)), state).await;
        form.map(|Form(form)| Self(form)).map_err(|error| Rejection::new(Code::BadRequest, error.body_text()))
    }
}
