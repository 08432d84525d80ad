//! Errors in ntfy's form: `{"code":40009,"http":400,"error":"…","link":"…"}`, with ntfy's own codes where it has one. The
//! handlers of this folder answer by it, and the router puts [`in_shape`] around them for what stands before them.

use axum::{
    body::{Body, to_bytes},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::{
    app::model::room::RejectionReason,
    protocol::problem::{Code, Problem, Rejection},
    server::{error::Error, http::BODY_MAX_BYTES, store::StoreError},
};

/// One of ntfy's errors: its code, its status, its words, and the page about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Known(u32, u16, &'static str, &'static str);

const PUBLISH: &str = "https://ntfy.sh/docs/publish/";

pub(super) const INVALID: Known = Known(40000, 400, "invalid request", "");
pub(super) const NO_EMAIL: Known = Known(40001, 400, "e-mail notifications are not enabled", "");
pub(super) const DELAY: Known = Known(40004, 400, "invalid delay parameter: unable to parse delay", PUBLISH);
pub(super) const DELAY_TOO_SMALL: Known = Known(40005, 400, "invalid delay parameter: too small", PUBLISH);
pub(super) const DELAY_TOO_LARGE: Known = Known(40006, 400, "invalid delay parameter: too large", PUBLISH);
pub(super) const PRIORITY: Known = Known(40007, 400, "invalid priority parameter", PUBLISH);
pub(super) const SINCE: Known =
    Known(40008, 400, "invalid since parameter", "https://ntfy.sh/docs/subscribe/api/");
pub(super) const TOPIC: Known = Known(40009, 400, "invalid request: topic invalid", "");
pub(super) const TOPIC_DISALLOWED: Known =
    Known(40010, 400, "invalid request: topic name is not allowed", "");
pub(super) const NOT_UTF8: Known = Known(40011, 400, "invalid message: message must be UTF-8 encoded", "");
pub(super) const ATTACHMENT_URL: Known =
    Known(40013, 400, "invalid request: attachment URL is invalid", PUBLISH);
pub(super) const NO_ATTACHMENTS: Known = Known(40014, 400, "invalid request: attachments not allowed", "");
pub(super) const NO_WEBSOCKET: Known =
    Known(40016, 400, "invalid request: client not using the websocket protocol", "");
pub(super) const JSON: Known =
    Known(40017, 400, "invalid request: request body must be message JSON", PUBLISH);
pub(super) const ACTIONS: Known = Known(40018, 400, "invalid request: actions invalid", PUBLISH);
pub(super) const ICON: Known = Known(40021, 400, "invalid request: icon URL is invalid", PUBLISH);
pub(super) const NO_CALLS: Known = Known(40032, 400, "invalid request: calling is disabled", "");
pub(super) const UNAUTHORIZED: Known = Known(40101, 401, "unauthorized", PUBLISH);
pub(super) const FORBIDDEN: Known = Known(40301, 403, "forbidden", PUBLISH);
const NOT_FOUND: Known = Known(40401, 404, "page not found", "");
pub(super) const TOO_LARGE: Known = Known(41303, 413, "body too large", "");
const TOO_MANY_REQUESTS: Known = Known(42901, 429, "limit reached: too many requests", "");
const FAILED: Known = Known(50001, 500, "internal server error", "");

/// An answer that says what is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    known: Known,
    /// The status, where ours is more exact than ntfy's.
    status: StatusCode,
    error: String,
    retry_after_ms: Option<u64>,
}

impl Fault {
    /// One of ntfy's errors with our reason behind its words.
    pub(super) fn new(known: Known, reason: impl AsRef<str>) -> Self {
        let Known(_, status, words, _) = known;
        let status = StatusCode::from_u16(status).expect("the table has statuses only");
        Self { known, status, error: format!("{words}: {}", reason.as_ref()), retry_after_ms: None }
    }

    #[cfg(test)]
    pub(super) fn known(&self) -> Known {
        self.known
    }
}

impl From<Rejection> for Fault {
    fn from(rejection: Rejection) -> Self {
        let known = match rejection.code {
            Code::NoSession | Code::WrongPassword => UNAUTHORIZED,
            Code::NotAllowed | Code::BadOrigin => FORBIDDEN,
            Code::NotFound => NOT_FOUND,
            Code::BadChannel => TOPIC,
            Code::TooLarge => TOO_LARGE,
            Code::TooManyRequests => TOO_MANY_REQUESTS,
            Code::TooManyConnections | Code::Unavailable => FAILED,
            _ => INVALID,
        };
        let mut fault = Self::new(known, &rejection.message);
        fault.retry_after_ms = rejection.retry_after_ms;
        fault.status = rejection.into_response().status();
        fault
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        error.into_rejection().into()
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Error::from(error).into()
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let Known(code, _, _, link) = self.known;
        let mut body = json!({ "code": code, "http": self.status.as_u16(), "error": self.error });
        if !link.is_empty() {
            body["link"] = json!(link);
        }
        let content_type = [(header::CONTENT_TYPE, "application/json")];
        let mut response = (self.status, content_type, body.to_string()).into_response();
        let headers = response.headers_mut();
        if let Some(wait_ms) = self.retry_after_ms {
            headers.insert(header::RETRY_AFTER, wait_ms.div_ceil(1_000).into());
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// Puts a rejection of the middleware or of an extractor into ntfy's form.
pub(super) async fn in_shape(response: Response) -> Response {
    let Some(reason) = response.extensions().get::<RejectionReason>().copied() else { return response };
    let allow = response.headers().get(header::ALLOW).cloned();
    let body = to_bytes(response.into_body(), BODY_MAX_BYTES).await.unwrap_or_default();
    let words = serde_json::from_slice::<Problem>(&body).map(|problem| problem.detail).unwrap_or_default();
    let RejectionReason { code, retry_after_ms } = reason;
    let rejection = Rejection { code, message: words, retry_after_ms };
    let mut response: Response<Body> = Fault::from(rejection).into_response();
    response.headers_mut().extend(allow.map(|allow| (header::ALLOW, allow)));
    response
}
