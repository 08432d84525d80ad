//! Protection against requests from the pages of other sites (CSRF). A browser sends our cookie with their requests
//! too, and a WebSocket is not bound by the same-origin policy at all, so a foreign page could otherwise act in its
//! visitor's name.
//!
//! Programs send neither `Origin` nor `Sec-Fetch-Site` and pass. Pages of an origin that a setting allows pass without
//! the visitor's cookie: they act for the user of their token.

use std::time::Duration;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tower_http::cors::CorsLayer;

use super::{host, trace::X_REQUEST_ID};
use crate::{
    protocol::problem::{Code, Rejection},
    server::{config::site::Site, state::AppState},
};

/// Maximum time for which a browser caches a preflight response: short, so that a changed setting soon takes effect.
const PREFLIGHT_MAX_AGE: Duration = Duration::from_secs(600);
/// Our request headers that a page of an allowed origin may send.
const SENT_HEADERS: [HeaderName; 13] = [
    header::AUTHORIZATION,
    header::CONTENT_TYPE,
    header::LINK,
    HeaderName::from_static("idempotency-key"),
    HeaderName::from_static("last-event-id"),
    HeaderName::from_static("level"),
    HeaderName::from_static("tags"),
    HeaderName::from_static("title"),
    HeaderName::from_static("tus-resumable"),
    HeaderName::from_static("upload-length"),
    HeaderName::from_static("upload-metadata"),
    HeaderName::from_static("upload-offset"),
    HeaderName::from_static("x-http-method-override"),
];
/// Our response headers that it may read.
const READ_HEADERS: [HeaderName; 9] = [
    header::LOCATION,
    header::RETRY_AFTER,
    HeaderName::from_static("tus-resumable"),
    HeaderName::from_static("upload-expires"),
    HeaderName::from_static("upload-file"),
    HeaderName::from_static("upload-length"),
    HeaderName::from_static("upload-metadata"),
    HeaderName::from_static("upload-offset"),
    X_REQUEST_ID,
];

/// The source of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sender {
    /// A page of this site, or a program.
    Own,
    /// A page of an origin that a setting allows.
    Allowed,
    /// A page of any other origin.
    Foreign,
}

/// Middleware: rejects requests from the pages of other sites, except navigation by a link. Requests from allowed
/// origins lose their cookie, and their responses set none.
pub(crate) async fn check(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    match sender(&state.site, &request) {
        Sender::Own => next.run(request).await,
        Sender::Allowed => {
            request.headers_mut().remove(header::COOKIE);
            let mut response = next.run(request).await;
            response.headers_mut().remove(header::SET_COOKIE);
            response
        }
        Sender::Foreign => {
            let message = "The request comes from a page of another site. If that page may use this server, start it \
                           with --allow-origin; if the address of the page is this server's, with --public-url.";
            Rejection::new(Code::BadOrigin, message).into_response()
        }
    }
}

/// The CORS layer: browsers let pages of the allowed origins read our responses (Fetch, "CORS protocol"). Never with
/// credentials.
pub(crate) fn cors(site: &Site) -> CorsLayer {
    let origins = site.allowed().iter().map(|origin| {
        HeaderValue::try_from(origin.as_str())
            .expect("an origin is written in ASCII, without control characters")
    });
    CorsLayer::new()
        .allow_origin(origins.collect::<Vec<_>>())
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers(SENT_HEADERS)
        .expose_headers(READ_HEADERS)
        .max_age(PREFLIGHT_MAX_AGE)
}

fn sender(site: &Site, request: &Request) -> Sender {
    let headers = request.headers();
    let Some(origin) = headers.get(header::ORIGIN) else {
        return if is_taken_in_by_another(headers, request.method()) { Sender::Foreign } else { Sender::Own };
    };
    // An opaque origin ("null") has no authority and is foreign.
    let origin = origin.to_str().unwrap_or_default();
    // Under the public name the scheme counts, too: a page that was not loaded by TLS may not change what TLS serves.
    let authority = origin.split_once("://").map(|(_, authority)| authority);
    let authority = authority.filter(|authority| !site.is_public_host(authority));
    if site.owns(origin) || (authority.is_some() && authority == host::requested(headers, request.uri())) {
        Sender::Own
    } else if site.allows(origin) {
        Sender::Allowed
    } else {
        Sender::Foreign
    }
}

/// Returns true if another site's page sends this request without an `Origin` (Fetch Metadata, section 2). Such a page
/// may lead here by a link, but not send a form, nor load a response of ours as its picture or script. `same-site` is
/// another origin, too.
fn is_taken_in_by_another(headers: &HeaderMap, method: &Method) -> bool {
    let says =
        |name, values: &[&str]| headers.get(name).is_some_and(|value| values.iter().any(|v| value == v));
    let is_link = matches!(*method, Method::GET | Method::HEAD) && says("sec-fetch-mode", &["navigate"]);
    says("sec-fetch-site", &["cross-site", "same-site"]) && !is_link
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn send(site: &Site, method: &str, headers: &[(&str, &str)]) -> Sender {
        send_to(site, "idobata.example:3000", method, headers)
    }

    fn send_to(site: &Site, host: &str, method: &str, headers: &[(&str, &str)]) -> Sender {
        let mut request = Request::builder().method(method).uri("/ws").header("host", host);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        sender(site, &request.body(Body::empty()).expect("a request"))
    }

    fn site(public_url: Option<&str>, allowed: &[&str]) -> Site {
        let parse = |text: &str| text.parse().expect("an origin");
        let listen = "127.0.0.1:3000".parse().expect("an address");
        Site::new(listen, public_url.map(parse), allowed.iter().map(|text| parse(text)).collect())
    }

    #[test]
    fn only_our_own_pages_and_programs_pass() {
        let site = site(None, &[]);
        assert_eq!(send(&site, "POST", &[]), Sender::Own);
        for (origin, expected) in [
            ("http://idobata.example:3000", Sender::Own),
            ("https://idobata.example:3000", Sender::Own), // a proxy may add TLS
            ("http://idobata.example", Sender::Foreign),
            ("http://evil.example", Sender::Foreign),
            ("http://idobata.example:3000.evil.example", Sender::Foreign),
            ("idobata.example:3000", Sender::Foreign),
            ("null", Sender::Foreign),
            ("", Sender::Foreign),
        ] {
            for method in ["GET", "POST", "OPTIONS"] {
                assert_eq!(send(&site, method, &[("origin", origin)]), expected, "{method} {origin}");
            }
        }
    }

    #[test]
    fn the_public_url_is_ours_and_the_allowed_are_not() {
        let site = site(Some("https://talk.example"), &["https://board.example", "http://localhost:5173"]);
        let own = |origin| send_to(&site, "talk.example", "POST", &[("origin", origin)]);
        assert_eq!(own("https://talk.example"), Sender::Own);
        assert_eq!(own("http://talk.example"), Sender::Foreign, "TLS was taken off on the way");
        for (origin, expected) in [
            ("https://talk.example", Sender::Own),
            ("http://talk.example", Sender::Foreign),
            ("https://board.example", Sender::Allowed),
            ("http://board.example", Sender::Foreign),
            ("http://localhost:5173", Sender::Allowed),
            ("http://localhost:5174", Sender::Foreign),
            ("https://sub.board.example", Sender::Foreign),
        ] {
            assert_eq!(send(&site, "POST", &[("origin", origin)]), expected, "{origin}");
        }
    }

    #[test]
    fn another_sites_page_without_an_origin_may_only_lead_here() {
        let site = site(None, &[]);
        for (method, from, mode, expected) in [
            ("GET", "cross-site", "navigate", Sender::Own),
            ("GET", "same-origin", "no-cors", Sender::Own),
            ("GET", "none", "navigate", Sender::Own),
            ("POST", "same-origin", "navigate", Sender::Own),
            ("POST", "cross-site", "navigate", Sender::Foreign),
            ("POST", "same-site", "navigate", Sender::Foreign),
            ("DELETE", "cross-site", "cors", Sender::Foreign),
            ("GET", "cross-site", "no-cors", Sender::Foreign),
            ("GET", "same-site", "no-cors", Sender::Foreign),
        ] {
            let headers = [("sec-fetch-site", from), ("sec-fetch-mode", mode)];
            assert_eq!(send(&site, method, &headers), expected, "{method} {from} {mode}");
        }
    }
}
