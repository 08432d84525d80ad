//! How a refusal looks over HTTP: RFC 9457 `application/problem+json`, and the status of each code.

use axum::{
    http::{HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::{
    app::model::room::RejectionReason,
    protocol::problem::{Code, Problem, Rejection},
    server::error::{Error, unavailable},
};

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        self.into_rejection().into_response()
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        let (code, retry_after_ms) = (self.code, self.retry_after_ms);
        let status = status_of(code);
        let content_type = [(header::CONTENT_TYPE, "application/problem+json")];
        let mut response = (status, content_type, problem_json(self)).into_response();
        // For `documents::in_words`.
        response.extensions_mut().insert(RejectionReason { code, retry_after_ms });
        let headers = response.headers_mut();
        if let Some(wait_ms) = retry_after_ms {
            headers.insert(header::RETRY_AFTER, wait_ms.div_ceil(1_000).into());
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// A refusal as JSON, see [`Problem`].
pub(super) fn problem_json(rejection: Rejection) -> String {
    let Rejection { code, message: detail, retry_after_ms } = rejection;
    let status = status_of(code);
    let title = status.canonical_reason().unwrap_or("Error").to_owned();
    let problem = Problem { title, status: status.as_u16(), detail, code, retry_after_ms };
    serde_json::to_string(&problem).expect("plain data")
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
        | Code::BadPassword
        | Code::PasswordTooLong
        | Code::TextEmpty
        | Code::TextTooLong
        | Code::NotJoined
        | Code::TooManyJoins => StatusCode::BAD_REQUEST,
        Code::NoSession | Code::WrongPassword => StatusCode::UNAUTHORIZED,
        Code::BadOrigin | Code::TooManyRooms | Code::NotAllowed => StatusCode::FORBIDDEN,
        Code::UnknownRoom | Code::UnknownPerson | Code::NotFound => StatusCode::NOT_FOUND,
        Code::BadMethod => StatusCode::METHOD_NOT_ALLOWED,
        Code::BadHost => StatusCode::MISDIRECTED_REQUEST,
        Code::RoomExists | Code::NameTaken => StatusCode::CONFLICT,
        Code::BadLink => StatusCode::GONE,
        Code::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Code::BadMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Code::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
        Code::TooManyConnections | Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// For addresses that are none.
pub(super) async fn not_found() -> Rejection {
    Rejection::new(Code::NotFound, "There is nothing at this address.")
}

/// For a request whose handler panicked: a fault of ours, which ends this request and no other.
pub(super) fn panicked(panic: Box<dyn std::any::Any + Send>) -> Response {
    let text =
        panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    tracing::error!(panic = text.unwrap_or("(not a text)"), "a request panicked");
    unavailable("The server failed at this request.").into_response()
}

/// For addresses that take other methods; `Allow`, which the router adds, says which. To `OPTIONS` that is the answer.
pub(super) async fn bad_method(method: Method) -> Response {
    match method {
        Method::OPTIONS => StatusCode::NO_CONTENT.into_response(),
        _ => Rejection::new(Code::BadMethod, "This address does not take this method.").into_response(),
    }
}
