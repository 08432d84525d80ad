//! Keeps the pages of other sites out: a browser sends our cookie with their requests too.
//!
//! Programs send no `Origin` and pass. WebSocket upgrades are checked as well: they are not bound by the
//! same-origin policy, so a foreign page could otherwise talk in its visitor's name.

use axum::{
    extract::Request,
    http::{HeaderMap, Method, Uri, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::protocol::problem::{Code, Rejection};

/// Lets a request through unless it changes something, or opens a socket, from a page of another origin.
pub(super) async fn check(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let is_safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if (!is_safe || headers.contains_key(header::UPGRADE)) && is_foreign(headers, request.uri()) {
        let message = "The request comes from a page of another site.";
        return Rejection::new(Code::BadOrigin, message).into_response();
    }
    next.run(request).await
}

fn is_foreign(headers: &HeaderMap, uri: &Uri) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return false };
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .or_else(|| uri.authority().map(|a| a.as_str()));
    let origin =
        origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, authority)| authority);
    // An opaque origin ("null") has no authority and is foreign.
    origin.is_none() || origin != host
}

#[cfg(test)]
mod tests {
    use super::*;

    fn foreign(origin: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, "idobata.example:3000".parse().expect("a header"));
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().expect("a header"));
        }
        is_foreign(&headers, &Uri::from_static("/ws"))
    }

    #[test]
    fn only_our_own_pages_and_programs_pass() {
        assert!(!foreign(None));
        assert!(!foreign(Some("http://idobata.example:3000")));
        assert!(!foreign(Some("https://idobata.example:3000")), "a proxy may add TLS");
        assert!(foreign(Some("http://idobata.example")));
        assert!(foreign(Some("http://evil.example")));
        assert!(foreign(Some("http://idobata.example:3000.evil.example")));
        assert!(foreign(Some("null")));
    }
}
