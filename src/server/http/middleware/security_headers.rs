//! The security headers of every response, in one table. `router` makes this the outermost layer, so that rejections
//! have them too.

use std::{env, sync::LazyLock};

use axum::{
    extract::{Request, State},
    http::{HeaderName, HeaderValue, header},
    middleware::Next,
    response::Response,
};

use crate::server::state::AppState;

/// The headers of every response that does not set them itself.
const EVERY_ANSWER: [(&str, &str); 6] = [
    // A response that is not a page loads nothing and is shown in no frame. Pages have a policy of their own, see
    // `page_policy`.
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
    // No window of another origin can keep a reference to one of ours.
    ("cross-origin-opener-policy", "same-origin"),
    // No page of another origin can embed a response of ours. Reads by CORS are not affected.
    ("cross-origin-resource-policy", "same-origin"),
    // None of these features is used here, so nothing that gets into a page may use them either.
    (
        "permissions-policy",
        "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), \
         microphone=(), midi=(), payment=(), usb=()",
    ),
    // Addresses contain rooms, which a link to another site must not reveal. Not `no-referrer`, with which a browser
    // sends `Origin: null` with our own forms (Fetch, "append a request Origin header").
    ("referrer-policy", "same-origin"),
    // Browsers must not guess another type: a text is a text, whatever it looks like.
    ("x-content-type-options", "nosniff"),
];

/// HSTS, where people reach the server by TLS: browsers use nothing else for a year (RFC 6797). For this host alone,
/// because the others of its domain are not ours to speak for.
const ALWAYS_TLS: (HeaderName, HeaderValue) =
    (header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));

/// An addition to `connect-src`: `cargo leptos watch` tells open pages of changes by a socket on a port of its own.
static MORE_CONNECTIONS: LazyLock<&str> =
    LazyLock::new(|| if env::var_os("LEPTOS_WATCH").is_some() { " ws:" } else { "" });

/// Middleware: adds the security headers to a response.
pub(crate) async fn add(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in EVERY_ANSWER {
        headers.entry(HeaderName::from_static(name)).or_insert(HeaderValue::from_static(value));
    }
    headers.extend(state.site.is_secure().then_some(ALWAYS_TLS));
    response
}

/// The Content Security Policy of an account page: its style, its pictures, and its forms. Nearly all of them have no
/// scripts; one that has may run our own files, the worker, and requests to this server.
pub(crate) fn document_policy(has_script: bool) -> HeaderValue {
    HeaderValue::from_static(match has_script {
        false => {
            "default-src 'none'; style-src 'self'; img-src 'self'; manifest-src 'self'; base-uri 'none'; \
             form-action 'self'; frame-ancestors 'none'"
        }
        true => {
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
             worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
        }
    })
}

/// The Content Security Policy of a page (CSP level 3): its own scripts, style, pictures and connections (`'self'`
/// includes `ws:` and `wss:` of this host, in every browser of the last years). Nothing inline except scripts with the
/// nonce, no frames, no forms that lead to another site.
///
/// Not `'strict-dynamic'`: it would trust whatever a script puts into the page. `'self'` gives an intruder nothing: the
/// only responses that a browser runs as scripts are our own files, because `nosniff` keeps it from taking any other
/// response for a script.
pub(crate) fn page_policy(nonce: &str) -> HeaderValue {
    let policy = format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self'; \
         img-src 'self'; media-src 'self'; connect-src 'self'{}; worker-src 'self'; manifest-src 'self'; object-src 'none'; \
         base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
        *MORE_CONNECTIONS
    );
    HeaderValue::try_from(policy).expect("a nonce is base64, which is ASCII")
}
