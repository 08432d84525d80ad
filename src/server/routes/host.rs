//! Keeps out requests that were sent to another name: by DNS rebinding a foreign page reaches this server under its
//! own name, where the browser takes both for one site and the check of `Origin` finds nothing wrong.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, Uri, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::{
    protocol::problem::{Code, Rejection},
    server::state::AppState,
};

/// Lets a request through that was sent to a name of ours. One without any passes: browsers always say it.
pub(super) async fn check(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let is_ours = |authority: &str| {
        let authority = authority.parse::<Authority>();
        authority.is_ok_and(|authority| state.site.answers_to(authority.host()))
    };
    match requested(request.headers(), request.uri()) {
        Some(authority) if !is_ours(authority) => refused(authority).into_response(),
        _ => next.run(request).await,
    }
}

fn refused(authority: &str) -> Rejection {
    let message = format!(
        "This server is not known as {authority:?}. If people reach it under this name, start it with --public-url."
    );
    Rejection::new(Code::BadHost, message)
}

/// The host and port that a request was sent to; what stands in the target goes before the header (RFC 9112, 3.2.2).
/// A header that is not a text is no name of ours.
pub(super) fn requested<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> Option<&'a str> {
    let header = || headers.get(header::HOST).map(|host| host.to_str().unwrap_or_default());
    uri.authority().map(Authority::as_str).or_else(header)
}
