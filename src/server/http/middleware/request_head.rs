//! Validation of a request's head, before anything is decided by it: one valid `Host` (RFC 9112, 3.2), and at most one
//! line of each header that a right or a limit depends on. With a repeated header, two readers could each trust another
//! line. `router` runs it before the checks of host and origin. It must never look at the identity of the client.

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Uri, Version, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::protocol::problem::{Code, Rejection};

/// Headers with one value, not lists (RFC 9110, 5.5), that identify, authorize, count or interpret a request.
const SINGLE: [HeaderName; 9] = [
    header::AUTHORIZATION,
    header::CONTENT_TYPE,
    HeaderName::from_static("idempotency-key"),
    HeaderName::from_static("last-event-id"),
    header::ORIGIN,
    HeaderName::from_static("sec-fetch-mode"),
    HeaderName::from_static("sec-fetch-site"),
    header::SEC_WEBSOCKET_KEY,
    header::SEC_WEBSOCKET_VERSION,
];

/// Middleware: rejects a malformed head with 400. Afterwards `Host` is the host that the request was sent to, also if
/// the target is an absolute URL, which takes precedence over the header (RFC 9112, 3.2.2).
pub(crate) async fn check(mut request: Request, next: Next) -> Response {
    let host = match host_of(request.version(), request.headers(), request.uri()) {
        Ok(host) => host,
        Err(rejection) => return rejection.into_response(),
    };
    if let Some(name) = SINGLE.iter().find(|name| is_repeated(request.headers(), name)) {
        return refused(format!("The header {name} appears more than once.")).into_response();
    }
    if let Some(host) = host {
        request.headers_mut().insert(header::HOST, host);
    }
    next.run(request).await
}

/// Returns the host that a request was sent to. `None`: HTTP/1.0 need not send one; a request without it is never taken
/// for the operator's.
fn host_of(version: Version, headers: &HeaderMap, uri: &Uri) -> Result<Option<HeaderValue>, Rejection> {
    let mut lines = headers.get_all(header::HOST).iter();
    let (line, another) = (lines.next(), lines.next());
    if another.is_some() {
        return Err(refused("The header Host appears more than once (RFC 9112, 3.2).".into()));
    }
    if line.is_none() && version >= Version::HTTP_11 {
        return Err(refused("An HTTP/1.1 request must have a Host header (RFC 9112, 3.2).".into()));
    }
    if line.is_some_and(|line| !is_host(line.to_str().unwrap_or_default())) {
        return Err(refused("The Host header is not a host with an optional port (RFC 9112, 3.2).".into()));
    }
    match uri.authority() {
        Some(target) if !is_host(target.as_str()) => {
            Err(refused("The requested address has no valid host.".into()))
        }
        Some(target) => Ok(HeaderValue::from_str(target.as_str()).ok()),
        None => Ok(line.cloned()),
    }
}

/// Returns true for a name or an address, with or without a port, and without a user (RFC 9110, 4.2.4). Names are
/// ASCII: browsers send names in other scripts in their ASCII form.
fn is_host(text: &str) -> bool {
    let Ok(authority) = text.parse::<Authority>() else { return false };
    let host = authority.host();
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    let is_host = !host.is_empty() && (host.starts_with('[') || host.bytes().all(is_name));
    is_host && text.strip_prefix(host).is_some_and(is_port)
}

/// Returns true for an empty text, or for a colon and a port, which may be empty.
fn is_port(text: &str) -> bool {
    let digits = text.strip_prefix(':');
    text.is_empty() || digits.is_some_and(|digits| digits.is_empty() || digits.parse::<u16>().is_ok())
}

fn is_repeated(headers: &HeaderMap, name: &HeaderName) -> bool {
    headers.get_all(name).iter().nth(1).is_some()
}

fn refused(message: String) -> Rejection {
    Rejection::new(Code::BadRequest, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The host of a request with these `Host` lines, sent to `target`.
    fn host(version: Version, target: &str, lines: &[&str]) -> Result<Option<String>, Code> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::HOST, HeaderValue::from_bytes(line.as_bytes()).expect("a header"));
        }
        let host = host_of(version, &headers, &target.parse().expect("a target"));
        host.map(|host| host.map(|host| host.to_str().expect("ASCII").to_owned()))
            .map_err(|refused| refused.code)
    }

    #[test]
    fn a_request_has_one_valid_host() {
        for line in ["localhost", "localhost:3000", "127.0.0.1:3000", "[::1]:3000", "[::1]", "Talk.Example"] {
            assert_eq!(host(Version::HTTP_11, "/", &[line]), Ok(Some(line.to_owned())), "{line}");
        }
        for line in [
            "",
            " ",
            "a b",
            "a,b",
            "me@localhost",
            "localhost/",
            "http://localhost",
            "localhost:x",
            "x:99999",
            "井",
            "[::1",
            ":80",
        ] {
            assert_eq!(host(Version::HTTP_11, "/", &[line]), Err(Code::BadRequest), "{line}");
            assert_eq!(host(Version::HTTP_10, "/", &[line]), Err(Code::BadRequest), "{line}");
        }
        for lines in [["localhost", "evil.example"], ["localhost", "localhost"]] {
            assert_eq!(host(Version::HTTP_11, "/", &lines), Err(Code::BadRequest), "{lines:?}");
            assert_eq!(host(Version::HTTP_10, "/", &lines), Err(Code::BadRequest), "{lines:?}");
        }
        assert_eq!(host(Version::HTTP_11, "/", &[]), Err(Code::BadRequest));
        assert_eq!(host(Version::HTTP_10, "/", &[]), Ok(None), "it knew no such header");
    }

    #[test]
    fn the_target_goes_before_the_header() {
        let sent = |target| host(Version::HTTP_11, target, &["localhost:3000"]);
        assert_eq!(sent("http://evil.example/api"), Ok(Some("evil.example".into())));
        assert_eq!(sent("http://evil@localhost/api"), Err(Code::BadRequest));
        assert_eq!(host(Version::HTTP_11, "http://localhost/", &[]), Err(Code::BadRequest));
    }
}
