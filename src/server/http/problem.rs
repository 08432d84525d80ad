//! Rejections as HTTP answers: RFC 9457 `application/problem+json`, and the status of each code. Handlers, extractors
//! and middleware return a [`Rejection`] or an [`Error`] and must not build such an answer themselves.

use axum::{
    http::{HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use tower_http::request_id::RequestId;

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
        let fault = status.is_server_error().then(|| ServerFault(self.clone()));
        let mut response = (status, content_type, problem_json(self)).into_response();
        // For `account_pages::rejections_as_pages`.
        response.extensions_mut().insert(RejectionReason { code, retry_after_ms });
        let headers = response.headers_mut();
        if let Some(wait_ms) = retry_after_ms {
            headers.insert(header::RETRY_AFTER, wait_ms.div_ceil(1_000).into());
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(fault) = fault {
            response.extensions_mut().insert(fault);
        }
        response
    }
}

/// The answer 422 to a body that was read and that means nothing by a rule that people set for it. No code of its own: it
/// would be one for the pages, which never see it.
pub(super) fn unprocessable(detail: String) -> Response {
    with_status(StatusCode::UNPROCESSABLE_ENTITY, Code::BadRequest, detail)
}

/// The answer 507 to what there is no room for, on the disk or in a quota. No code of its own, like [`unprocessable`].
pub(super) fn insufficient_storage(detail: String) -> Response {
    with_status(StatusCode::INSUFFICIENT_STORAGE, Code::Unavailable, detail)
}

/// A problem with another status than that of its code, for programs: pages never see it.
pub(super) fn with_status(status: StatusCode, code: Code, detail: String) -> Response {
    let title = status.canonical_reason().unwrap_or("Error").to_owned();
    let problem =
        Problem { title, status: status.as_u16(), detail, code, retry_after_ms: None, request: None };
    let json = serde_json::to_string(&problem).expect("plain data");
    (status, [(header::CONTENT_TYPE, "application/problem+json")], json).into_response()
}

/// The rejection of an answer with a 5xx status, until the request is named in it.
#[derive(Clone)]
struct ServerFault(Rejection);

/// Writes the id of the request into the problem of a server fault: `request`. Called where the id is known, for every
/// answer; one that became a page on its way has no problem any more and stays as it is.
pub(super) fn name_request(mut response: Response) -> Response {
    let fault = response.extensions_mut().remove::<ServerFault>();
    let request = response.extensions().get::<RequestId>().and_then(|id| id.header_value().to_str().ok());
    let Some((ServerFault(rejection), request)) = fault.zip(request.map(str::to_owned)) else {
        return response;
    };
    *response.body_mut() = to_json(rejection, Some(request)).into();
    // Those of the body before, which may have been compressed.
    response.headers_mut().remove(header::CONTENT_ENCODING);
    response.headers_mut().remove(header::CONTENT_LENGTH);
    response
}

/// A rejection as the JSON of a [`Problem`].
pub(super) fn problem_json(rejection: Rejection) -> String {
    to_json(rejection, None)
}

fn to_json(rejection: Rejection, request: Option<String>) -> String {
    let Rejection { code, message: detail, retry_after_ms } = rejection;
    let status = status_of(code);
    let title = status.canonical_reason().unwrap_or("Error").to_owned();
    let problem = Problem { title, status: status.as_u16(), detail, code, retry_after_ms, request };
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
        | Code::BadEmoji
        | Code::BadName
        | Code::BadPassword
        | Code::PasswordTooLong
        | Code::TextEmpty
        | Code::TextTooLong
        | Code::NotJoined
        | Code::TooManyJoins => StatusCode::BAD_REQUEST,
        Code::NoSession | Code::WrongPassword => StatusCode::UNAUTHORIZED,
        Code::BadOrigin
        | Code::TooManyRooms
        | Code::NotAllowed
        | Code::Blocked
        | Code::RoomArchived
        | Code::Muted => StatusCode::FORBIDDEN,
        Code::UnknownRoom | Code::UnknownMessage | Code::UnknownPerson | Code::NotFound => {
            StatusCode::NOT_FOUND
        }
        Code::BadMethod => StatusCode::METHOD_NOT_ALLOWED,
        Code::BadHost => StatusCode::MISDIRECTED_REQUEST,
        Code::RoomExists | Code::NameTaken | Code::TooLate | Code::TooManyReactions => StatusCode::CONFLICT,
        Code::MessageDeleted | Code::RoomRemoved | Code::BadLink => StatusCode::GONE,
        Code::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Code::BadMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Code::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
        Code::TooManyConnections | Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// The answer at addresses that have nothing.
pub(super) async fn not_found() -> Rejection {
    Rejection::new(Code::NotFound, "Nothing was found at this address.")
}

/// The answer to a request whose handler panicked: a fault of ours, which ends this request and no other. The log has
/// the panic already, within the request's span (`observability::logging`).
pub(super) fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    unavailable("The server failed to handle this request.").into_response()
}

/// The answer at addresses that take other methods; `Allow`, which the router adds, says which. To `OPTIONS` that is
/// the answer.
pub(super) async fn bad_method(method: Method) -> Response {
    match method {
        Method::OPTIONS => StatusCode::NO_CONTENT.into_response(),
        _ => Rejection::new(Code::BadMethod, "This address does not support this method.").into_response(),
    }
}
