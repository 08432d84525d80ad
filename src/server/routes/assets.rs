//! The site's files, which are part of the program: `/pkg/{version}/…` and the icon.
//!
//! The version is a hash of the files, so a browser keeps them for good and asks again only after an update.

use std::sync::LazyLock;

use axum::{
    extract::Path,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use rust_embed::{Embed, EmbeddedFile};

use super::problem;

/// Release builds carry the files; debug builds read them from the folder at every request.
#[derive(Embed)]
#[folder = "$CARGO_MANIFEST_DIR/target/site"]
#[allow_missing = true]
struct Site;

/// Precompressed forms that the build leaves beside each file, best first.
const ENCODINGS: [(&str, &str); 2] = [("br", "br"), ("gzip", "gz")];

/// The icon is written, not built: a server has it before there is a site.
const ICON: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/public/favicon.svg"));

/// The icon brings its style along, which makes it fit a dark page.
const ICON_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

/// Names this build's files in their addresses.
pub(super) static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64; // FNV-1a over the files' own SHA-256
    for name in Site::iter().filter(|name| name.starts_with("pkg/")) {
        let file = Site::get(&name).map(|file| file.metadata.sha256_hash()).unwrap_or_default();
        for byte in name.bytes().chain(file) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
    }
    format!("{hash:016x}")
});

/// The address of the one stylesheet.
pub(super) fn stylesheet() -> String {
    format!("/pkg/{}/idobata.css", *VERSION)
}

/// A file of the site's package.
pub(super) async fn versioned(headers: HeaderMap, Path((version, file)): Path<(String, String)>) -> Response {
    // A page from before an update asks for its own version: it gets what there is, and must not keep it.
    let caching = if version == *VERSION { "public, max-age=31536000, immutable" } else { "no-cache" };
    serve(&format!("pkg/{file}"), &headers, caching).await
}

/// The icon.
pub(super) async fn favicon() -> impl IntoResponse {
    let head = [
        (header::CONTENT_TYPE, "image/svg+xml"),
        (header::CACHE_CONTROL, "public, max-age=86400"),
        (header::CONTENT_SECURITY_POLICY, ICON_POLICY),
    ];
    (head, ICON)
}

async fn serve(name: &str, headers: &HeaderMap, caching: &'static str) -> Response {
    let Some((file, encoding)) = find(name, headers) else {
        return problem::not_found().await.into_response();
    };
    let kind = mime_guess::from_path(name).first_or_octet_stream();
    let mut response = (StatusCode::OK, file.data).into_response();
    let head = response.headers_mut();
    head.insert(header::CONTENT_TYPE, HeaderValue::from_str(kind.as_ref()).expect("a media type is ASCII"));
    head.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    head.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Some(encoding) = encoding {
        head.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    response
}

fn find(name: &str, headers: &HeaderMap) -> Option<(EmbeddedFile, Option<&'static str>)> {
    let accepted =
        headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let compressed = ENCODINGS
        .into_iter()
        .filter(|(encoding, _)| {
            accepted.split(',').any(|one| one.split(';').next().is_some_and(|one| one.trim() == *encoding))
        })
        .find_map(|(encoding, suffix)| Some((Site::get(&format!("{name}.{suffix}"))?, Some(encoding))));
    compressed.or_else(|| Some((Site::get(name)?, None)))
}
