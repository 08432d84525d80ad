//! The service worker, `/service-worker.js`: the script `public/service-worker.js` with this build's version in it. It
//! stands at the root of the site, because a worker rules over the addresses below its own.

use std::sync::LazyLock;

use axum::{
    http::header,
    response::{IntoResponse, Response},
};

use crate::server::http::pages::assets::VERSION;

/// The script. Browsers take a worker for a new one when its bytes are others, so every build has its own.
static SCRIPT: LazyLock<String> = LazyLock::new(|| {
    const SOURCE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/public/service-worker.js"));
    SOURCE.replacen("VERSION_OF_THE_BUILD", &VERSION, 1)
});

/// The Content Security Policy of the worker, which governs what it requests: pages and files of this site, and the pictures of
/// notifications. It loads no further script.
const POLICY: &str = "default-src 'none'; connect-src 'self'; img-src 'self'; frame-ancestors 'none'";

/// Serves the script. No cache may answer for us: a worker that is kept would keep its build.
pub(crate) async fn serve() -> Response {
    let head = [
        (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
    ];
    (head, SCRIPT.as_str()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_has_the_version_of_the_build_once() {
        assert_eq!(SCRIPT.matches(VERSION.as_str()).count(), 1);
        assert!(!SCRIPT.contains("VERSION_OF_THE_BUILD"));
    }
}
