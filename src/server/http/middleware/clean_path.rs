//! Extra slashes in a request's path: `POST //api/events/ops/` means `/api/events/ops`. Programs join addresses from
//! pieces, and not all of them send their body again when they are redirected. `router` calls [`rewrite`] before it
//! looks a route up.
//!
//! A browser that asks for a page is redirected instead ([`redirect`], called by `pages`), so that a page has one
//! address.

use axum::{
    extract::{OriginalUri, Request},
    http::{Method, Uri, uri::PathAndQuery},
};

/// First path segments that only programs request.
const FOR_PROGRAMS: [&str; 13] = [
    "api", "fn", "health", "healthz", "hooks", "message", "metrics", "ping", "pkg", "readyz", "v1",
    "version", "ws",
];
/// The first segment of Socket.IO's path, which ends in a slash; its engine compares the path by itself.
const SOCKET_IO: &str = "socket.io";

/// Returns true for a path that only programs request, and browsers for the files of a page.
pub(crate) fn is_for_programs(path: &str) -> bool {
    let first = path.split('/').find(|part| !part.is_empty()).unwrap_or_default();
    first == SOCKET_IO || FOR_PROGRAMS.contains(&first)
}

/// Removes extra slashes from the path of a request. The path of a page (GET or HEAD) stays as it is; `is_of_topics` is true
/// for what looks like one, and is for programs.
pub(crate) fn rewrite(mut request: Request, is_of_topics: fn(&str) -> bool) -> Request {
    let Some(clean) = clean(request.uri().path()) else { return request };
    let is_for_page = matches!(*request.method(), Method::GET | Method::HEAD)
        && !(is_for_programs(&clean) || is_of_topics(&clean));
    if !is_for_page && let Some(uri) = with_path(request.uri(), &clean) {
        *request.uri_mut() = uri.clone();
        request.extensions_mut().insert(OriginalUri(uri));
    }
    request
}

/// Returns the path and query of the page that is meant by an address with extra slashes; `None`: it has none.
pub(crate) fn redirect(uri: &Uri) -> Option<String> {
    let clean = clean(uri.path())?;
    Some(with_path(uri, &clean)?.path_and_query()?.as_str().to_owned())
}

/// Returns the path without empty segments; `None`: it has none.
fn clean(path: &str) -> Option<String> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let mut clean = format!("/{}", parts.join("/"));
    if parts.first() == Some(&SOCKET_IO) && path.ends_with('/') {
        clean.push('/');
    }
    (path.starts_with('/') && clean != path).then_some(clean)
}

fn with_path(uri: &Uri, path: &str) -> Option<Uri> {
    let target = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(target).ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn rewritten(method: &str, target: &str) -> String {
        let request = Request::builder().method(method).uri(target).body(Body::empty()).expect("a request");
        rewrite(request, |path| path.ends_with("/json") && !path.starts_with("/rooms")).uri().to_string()
    }

    #[test]
    fn slashes_too_many_are_left_out() {
        for (method, target, meant) in [
            ("POST", "//api/events/ops", "/api/events/ops"),
            ("POST", "/api/events/ops/", "/api/events/ops"),
            ("PUT", "/api//events///ops//?a=b//c", "/api/events/ops?a=b//c"),
            ("GET", "/api/events/?last=1", "/api/events?last=1"),
            ("GET", "//ws/", "/ws"),
            ("GET", "/ping/idp_1_2//backup/?x=1", "/ping/idp_1_2/backup?x=1"),
            ("GET", "//a,b/json/?poll=1", "/a,b/json?poll=1"),
            ("GET", "/version/", "/version"),
            ("GET", "/rooms/json/", "/rooms/json/"), // a page, too
            ("GET", "//healthz", "/healthz"),
            ("GET", "//socket.io/?EIO=4", "/socket.io/?EIO=4"),
            ("GET", "/socket.io?EIO=4", "/socket.io?EIO=4"),
            ("POST", "/rooms/general/", "/rooms/general"),
            ("GET", "/rooms/general/", "/rooms/general/"), // a page: by a redirect
            ("GET", "/", "/"),
            ("POST", "/api/events/a%2Fb", "/api/events/a%2Fb"),
            ("POST", "http://localhost//api/events/ops", "http://localhost/api/events/ops"),
        ] {
            assert_eq!(rewritten(method, target), meant, "{method} {target}");
        }
    }

    #[test]
    fn a_page_is_redirected_to_within_this_site() {
        for (target, page) in [
            ("/rooms/general/?problem=x", Some("/rooms/general?problem=x")),
            ("//evil.example/", Some("/evil.example")),
            ("//", Some("/")),
            ("/rooms/general", None),
            ("/", None),
        ] {
            assert_eq!(redirect(&target.parse().expect("a target")).as_deref(), page, "{target}");
        }
    }
}
