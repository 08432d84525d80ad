//! What every answer tells the browser to keep to, in one table. The outermost layer, so that refusals have it too.

use std::{env, sync::LazyLock};

use axum::{
    extract::{Request, State},
    http::{HeaderName, HeaderValue, header},
    middleware::Next,
    response::Response,
};

use crate::server::state::AppState;

/// On every answer that does not say otherwise itself.
const EVERY_ANSWER: [(&str, &str); 6] = [
    // What is not a page loads nothing and is shown in no frame. Pages have a policy of their own, see `page_policy`.
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
    // No other origin's window can hold on to one of ours.
    ("cross-origin-opener-policy", "same-origin"),
    // Nor put an answer of ours into its page. Readers by CORS are not meant by it.
    ("cross-origin-resource-policy", "same-origin"),
    // Nothing of this is used here, so nothing that gets into a page may use it either.
    (
        "permissions-policy",
        "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), \
         microphone=(), midi=(), payment=(), usb=()",
    ),
    // Rooms stand in addresses: a link that leads away does not tell them. Not `no-referrer`, with which a browser
    // says `Origin: null` for our own forms (Fetch, "append a request Origin header").
    ("referrer-policy", "same-origin"),
    // A text is a text, whatever it looks like.
    ("x-content-type-options", "nosniff"),
];

/// Where people reach the server by TLS: a year in which browsers use nothing else (RFC 6797). Of this host alone, the
/// others of its domain are not ours to speak for.
const ALWAYS_TLS: (HeaderName, HeaderValue) =
    (header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));

/// `cargo leptos watch` tells open pages of changes by a socket on a port of its own.
static MORE_CONNECTIONS: LazyLock<&str> =
    LazyLock::new(|| if env::var_os("LEPTOS_WATCH").is_some() { " ws:" } else { "" });

/// Adds them.
pub(crate) async fn add(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in EVERY_ANSWER {
        headers.entry(HeaderName::from_static(name)).or_insert(HeaderValue::from_static(value));
    }
    headers.extend(state.site.is_secure().then_some(ALWAYS_TLS));
    response
}

/// The Content Security Policy of a document without scripts: its style, its pictures, and its forms.
pub(crate) fn document_policy() -> HeaderValue {
    HeaderValue::from_static(
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; \
         frame-ancestors 'none'",
    )
}

/// The Content Security Policy of a page (CSP level 3): its own scripts, style, pictures and connections ('self' means
/// `ws:` and `wss:` of this host too, in every browser of the last years). Nothing inline but the scripts that know the
/// nonce, no frames, no forms that lead away.
///
/// Not `'strict-dynamic'`: it would trust whatever a script puts into the page. `'self'` gives an intruder nothing: the
/// only answers that a browser takes for scripts are our own files, and no two sorts of answer are mixed up (`nosniff`).
pub(crate) fn page_policy(nonce: &str) -> HeaderValue {
    let policy = format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self'; \
         img-src 'self'; connect-src 'self'{}; object-src 'none'; base-uri 'none'; form-action 'self'; \
         frame-ancestors 'none'",
        *MORE_CONNECTIONS
    );
    HeaderValue::try_from(policy).expect("a nonce is base64, which is ASCII")
}
