//! Redirects after a form: always to a page of this site, never to another one. `forms` and `account_pages` answer with
//! them.

use axum::response::{IntoResponse, Redirect, Response};

use crate::{app::routes, server::error::Error};

/// Redirects to `path` with `query` (303). The caller guarantees that `path` is a path of this site.
pub(super) fn see(path: &str, query: &[(&str, &str)]) -> Response {
    let query = serde_urlencoded::to_string(query).expect("pairs of texts");
    Redirect::to(&format!("{path}?{query}")).into_response()
}

/// Redirects to `path` if it is a path of this site, otherwise to `/` (303, so that a reload repeats nothing). An
/// `error` is added as `?problem=CODE`.
pub(super) fn back_to(path: &str, error: Option<Error>) -> Response {
    let path = page_of_ours(path);
    match error {
        None => Redirect::to(&path).into_response(),
        Some(error) => {
            Redirect::to(&format!("{path}?problem={}", error.into_rejection().code.as_str())).into_response()
        }
    }
}

/// Returns `path` without query and fragment if it is a path of this site; `/` otherwise. What another app shares stands in a
/// query, and is kept.
pub(super) fn page_of_ours(path: &str) -> String {
    // Anything else could be the address of another site, or break the header.
    let is_ours = path.starts_with('/') && !path.starts_with("//");
    let is_clean = !path.contains(|c: char| c.is_control() || c == '\\');
    let is_shared = path.split_once('?').is_some_and(|(path, _)| path == routes::SHARE);
    let ends: &[char] = if is_shared { &['#'] } else { &['?', '#'] };
    let path = if is_ours && is_clean { path.split(ends).next().unwrap_or("/") } else { "/" };
    // A room's name in any script arrives percent-encoded from a form and decoded from a query.
    let encode = |byte: u8| match byte {
        b'!'..=b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    path.bytes().map(encode).collect()
}

#[cfg(test)]
mod tests {
    use axum::http::header;

    use super::*;

    fn location(path: &str) -> String {
        let response = back_to(path, None);
        response.headers()[header::LOCATION].to_str().expect("ASCII").to_owned()
    }

    #[test]
    fn a_form_sends_the_browser_only_to_pages_of_ours() {
        assert_eq!(location("/rooms/general?problem=text_empty"), "/rooms/general");
        assert_eq!(
            location("/share?text=a+b%26c&url=https://x/?y#z"),
            "/share?text=a+b%26c&url=https://x/?y"
        );
        assert_eq!(location("/shared?text=a"), "/shared");
        assert_eq!(location("/rooms/井"), "/rooms/%E4%BA%95");
        assert_eq!(location("/rooms/%E4%BA%95"), "/rooms/%E4%BA%95");
        for path in ["//evil.example", "https://evil.example", "/\\evil.example", "/a\r\nb", ""] {
            assert_eq!(location(path), "/", "{path}");
        }
    }
}
