//! The site's static files, which are part of the program: `/pkg/{version}/…` and the icon. `router` mounts them.
//!
//! The version is a hash of the files, so a browser keeps them for good and asks again only after an update.

use std::sync::LazyLock;

use axum::{
    extract::{Path, RawQuery},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use rust_embed::{Embed, EmbeddedFile};
use sha2::{Digest, Sha256};

use super::content_coding::Accepted;
use crate::server::http::problem;

/// Release builds embed the files; debug builds read them from the folder at every request.
#[derive(Embed)]
#[folder = "$CARGO_MANIFEST_DIR/target/site"]
#[allow_missing = true]
struct Site;

/// The encodings of each file: the plain one, and those that the build writes beside it, with the suffix of their
/// names. The best is the last.
const FORMS: [(&str, &str); 3] = [("identity", ""), ("gzip", ".gz"), ("br", ".br")];

/// The icon, which is a source file and no product of the build: a server has it before there is a site.
const ICON: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/public/favicon.svg"));

/// The icon of a page with something unread.
const ICON_UNREAD: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/public/favicon-unread.svg"));

/// The icon's Content Security Policy. It allows the style inside the icon, which adapts it to a dark page.
const ICON_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

/// The script that loads the browser half, and the files that this loads when they are first wanted. They come from `public`, so
/// the build writes them beside the package. uPlot draws charts (docs/licences/uplot.txt).
const SCRIPTS: [&str; 18] = [
    "board.css",
    "board.js",
    "channel.js",
    "events.js",
    "files.js",
    "live.js",
    "messages.js",
    "notifications.js",
    "offline.js",
    "page_notifications.js",
    "pictures.js",
    "reactions.js",
    "search.css",
    "search.js",
    "switcher.css",
    "switcher.js",
    "uplot.css",
    "uplot.js",
];

/// The version of this build's files, which is part of their addresses.
pub(crate) static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut hash = Sha256::new();
    for name in Site::iter().filter(|name| name.starts_with("pkg/") || SCRIPTS.contains(&&**name)) {
        hash.update(name.as_bytes());
        hash.update(Site::get(&name).map(|file| file.metadata.sha256_hash()).unwrap_or_default());
    }
    // Two builds differ in these with a probability of 1 - 2^-64.
    hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
});

/// The beginning of the addresses of this build's files.
pub(crate) fn folder() -> String {
    format!("/pkg/{}/", *VERSION)
}

/// The address of the one stylesheet.
pub(crate) fn stylesheet() -> String {
    format!("/pkg/{}/idobata.css", *VERSION)
}

/// Serves a file of the site's package, or the script that loads it.
pub(crate) async fn versioned(headers: HeaderMap, Path((version, file)): Path<(String, String)>) -> Response {
    // A page from before an update asks for its own version: it gets the present file, and must not keep it.
    let caching = if version == *VERSION { "public, max-age=31536000, immutable" } else { "no-cache" };
    let name = if SCRIPTS.contains(&file.as_str()) { file } else { format!("pkg/{file}") };
    serve(&name, &headers, caching).await
}

/// Serves the icon; with the query `unread` that of a page with something unread.
pub(crate) async fn favicon(RawQuery(query): RawQuery) -> impl IntoResponse {
    let head = [
        (header::CONTENT_TYPE, "image/svg+xml"),
        (header::CACHE_CONTROL, "public, max-age=86400"),
        (header::CONTENT_SECURITY_POLICY, ICON_POLICY),
    ];
    (head, if query.as_deref() == Some("unread") { ICON_UNREAD } else { ICON })
}

async fn serve(name: &str, headers: &HeaderMap, caching: &'static str) -> Response {
    if Site::get(name).is_none() {
        return problem::not_found().await.into_response();
    }
    let Some((file, coding)) = find(name, headers) else {
        return (StatusCode::NOT_ACCEPTABLE, "This file is there plain, by gzip and by br.\n")
            .into_response();
    };
    let tag = tag_of(&file);
    let mut response = match is_known(headers, &tag) {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => contents(name, file, coding),
    };
    let head = response.headers_mut();
    head.insert(header::ETAG, HeaderValue::try_from(tag).expect("digits in quotes"));
    head.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    head.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    response
}

fn contents(name: &str, file: EmbeddedFile, coding: &'static str) -> Response {
    let kind = mime_guess::from_path(name).first_or_octet_stream();
    let mut response = (StatusCode::OK, file.data).into_response();
    let head = response.headers_mut();
    head.insert(header::CONTENT_TYPE, HeaderValue::from_str(kind.as_ref()).expect("a media type is ASCII"));
    if coding != "identity" {
        head.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
    }
    response
}

/// Returns the encoding of a file that the client prefers, the best of several equal ones. `None`: it accepts none of
/// them.
fn find(name: &str, headers: &HeaderMap) -> Option<(EmbeddedFile, &'static str)> {
    let accepted = Accepted::of(headers);
    let forms = FORMS.into_iter().filter_map(|(coding, end)| {
        let quality = accepted.quality(coding)?;
        Some((quality, Site::get(&format!("{name}{end}"))?, coding))
    });
    forms.max_by_key(|(quality, ..)| *quality).map(|(_, file, coding)| (file, coding))
}

/// Returns the entity tag of one encoding's bytes (RFC 9110, 8.8.3).
fn tag_of(file: &EmbeddedFile) -> String {
    let hash = file.metadata.sha256_hash();
    let digits: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{digits}\"")
}

/// Returns true if the client has these bytes (RFC 9110, 13.1.2).
fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let lines = headers.get_all(header::IF_NONE_MATCH).into_iter().filter_map(|line| line.to_str().ok());
    let mut tags = lines.flat_map(|line| line.split(',')).map(str::trim);
    tags.any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The digests of the files in the package `uplot` 1.6.32 of npm: dist/uPlot.iife.min.js, dist/uPlot.min.css.
    #[test]
    fn the_chart_s_library_is_as_it_was_published() {
        let digest =
            |file: &str| Sha256::digest(file).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let (script, style) =
            (include_str!("../../../../public/uplot.js"), include_str!("../../../../public/uplot.css"));
        assert_eq!(digest(script), "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f");
        assert_eq!(digest(style), "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04");
    }
}
