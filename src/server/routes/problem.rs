//! How a refusal looks over HTTP: RFC 9457 `application/problem+json`, and the status of each code.

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::{
    protocol::problem::{Code, Problem, Rejection},
    server::error::Error,
};

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        self.into_rejection().into_response()
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        let status = status_of(self.code);
        let problem = Problem {
            title: status.canonical_reason().unwrap_or("Error").to_owned(),
            status: status.as_u16(),
            detail: self.message,
            code: self.code,
        };
        let body = serde_json::to_string(&problem).expect("plain data");
        (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response()
    }
}

fn status_of(code: Code) -> StatusCode {
    match code {
        Code::BadJson
        | Code::BadRequest
        | Code::UnknownFrame
        | Code::BadFrame
        | Code::BadCursor
        | Code::BadChannel
        | Code::BadId
        | Code::BadName
        | Code::TextEmpty
        | Code::TextTooLong
        | Code::NotJoined
        | Code::TooManyJoins => StatusCode::BAD_REQUEST,
        Code::NoSession => StatusCode::UNAUTHORIZED,
        Code::BadOrigin | Code::TooManyRooms | Code::NotAllowed => StatusCode::FORBIDDEN,
        Code::UnknownRoom | Code::NotFound => StatusCode::NOT_FOUND,
        Code::BadMethod => StatusCode::METHOD_NOT_ALLOWED,
        Code::RoomExists => StatusCode::CONFLICT,
        Code::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Code::TooManyConnections | Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// For addresses that are none.
pub(super) async fn not_found() -> Rejection {
    Rejection::new(Code::NotFound, "There is nothing at this address.")
}

/// For addresses that take other methods.
pub(super) async fn bad_method() -> Rejection {
    Rejection::new(Code::BadMethod, "This address does not take this method.")
}
