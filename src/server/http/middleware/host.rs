//! Rejects requests that were sent to a foreign host name. By DNS rebinding a foreign page reaches this server under
//! the page's own name, where the browser takes both for one site and the check of `Origin` finds nothing wrong.
//!
//! The log names each such name once. Most often it is this server's own name, which a proxy passes on and no setting
//! declares.

use std::{collections::HashSet, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method, Uri, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse, Response},
};
use parking_lot::Mutex;

use crate::{
    protocol::problem::{Code, Rejection},
    server::state::AppState,
};

/// Maximum number of names that are logged: a proxy has a few, and a client that makes names up must not fill the log.
const LOGGED_MAX: usize = 16;
/// Maximum length of a logged name, in characters: the longest that DNS has (RFC 1035, 2.3.4).
const NAME_MAX_CHARACTERS: usize = 255;

/// The foreign host names that were logged.
#[derive(Clone, Debug, Default)]
pub(crate) struct Unknown(Arc<Mutex<HashSet<String>>>);

impl Unknown {
    /// Returns true if the name is to be logged: it is new, and there is room for it.
    fn is_news(&self, name: &str) -> bool {
        let mut logged = self.0.lock();
        logged.len() < LOGGED_MAX && logged.insert(name.to_owned())
    }

    fn log(&self, authority: &str) {
        let name: String = authority.to_ascii_lowercase().chars().take(NAME_MAX_CHARACTERS).collect();
        if self.is_news(&name) {
            tracing::warn!(
                "rejected a request for {name:?}, which is not a name of this server: if people reach it under this name, \
                 start it with --public-url (IDOBATA_PUBLIC_URL), such as https://{name}"
            );
        }
    }
}

/// Middleware: passes requests that were sent to a name of this server and rejects the others. A request without a host
/// name passes, because browsers always send one. So do requests for the site's files, which reveal nothing: a page
/// that was delivered by a proxy still gets its style.
pub(crate) async fn check(
    State((state, unknown)): State<(AppState, Unknown)>,
    request: Request,
    next: Next,
) -> Response {
    let is_ours = |authority: &str| {
        let authority = authority.parse::<Authority>();
        authority.is_ok_and(|authority| state.site.answers_to(authority.host()))
    };
    match requested(request.headers(), request.uri()) {
        Some(authority) if !is_ours(authority) && !is_file(&request) => {
            unknown.log(authority);
            refused(authority).into_response()
        }
        _ => next.run(request).await,
    }
}

fn is_file(request: &Request) -> bool {
    let path = request.uri().path();
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    is_read && (path.starts_with("/pkg/") || path == "/favicon.svg")
}

fn refused(authority: &str) -> Rejection {
    let message = format!(
        "This server is not known as {authority:?}. If people reach it under this name, start it with --public-url."
    );
    Rejection::new(Code::BadHost, message)
}

/// Returns the host and port that a request was sent to. The request target takes precedence over the header (RFC 9112,
/// 3.2.2). A header that is not text becomes the empty string, which is no name of this server.
pub(crate) fn requested<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> Option<&'a str> {
    let header = || headers.get(header::HOST).map(|host| host.to_str().unwrap_or_default());
    uri.authority().map(Authority::as_str).or_else(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_unknown_name_is_logged_once_and_there_is_an_end_to_them() {
        let unknown = Unknown::default();
        assert!(unknown.is_news("talk.example"));
        assert!(!unknown.is_news("talk.example"));
        let news = (0..1_000).filter(|number| unknown.is_news(&format!("{number}.example"))).count();
        assert_eq!(news, LOGGED_MAX - 1);
    }
}
