//! The web app manifest, `/manifest.webmanifest` (W3C Web Application Manifest), in the page's language.
//!
//! Pages link to it only where the app would be installed for the right origin: see `Site::is_own_host`. Its addresses are
//! paths, so it is right for every origin under which it may be loaded.

use axum::{
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    app::{DARK_PAGE, LIGHT_PAGE, i18n::Language, routes},
    server::{
        http::{extract::query::Lenient, pages::language_of},
        state::AppState,
    },
};

/// The query: browsers ask without the cookie of the language.
#[derive(Deserialize)]
pub(crate) struct Wanted {
    lang: Option<String>,
}

/// Serves the manifest. An hour in caches, because browsers ask for it with each page.
pub(crate) async fn serve(
    State(state): State<AppState>,
    headers: HeaderMap,
    Lenient(Wanted { lang }): Lenient<Wanted>,
) -> Response {
    let language = lang.and_then(|lang| Language::parse(&lang));
    let language = language.unwrap_or_else(|| language_of(&state.site, &headers));
    let head = [
        (header::CONTENT_TYPE, "application/manifest+json"),
        (header::CACHE_CONTROL, "public, max-age=3600"),
        (header::VARY, "accept-language"),
    ];
    (head, manifest(language).to_string()).into_response()
}

fn manifest(language: Language) -> Value {
    let texts = language.texts();
    let icon = |file: &str, size: u32, purpose: &str| {
        json!({
            "src": format!("/icons/{file}-{size}.png"),
            "sizes": format!("{size}x{size}"),
            "type": "image/png",
            "purpose": purpose,
        })
    };
    let shortcut =
        |name: &str, url: &str| json!({ "name": name, "url": url, "icons": [icon("app", 192, "any")] });
    json!({
        // The app stays the same one when its start page or its language is another.
        "id": "/",
        "name": "Idobata",
        "short_name": "Idobata",
        "description": texts.tagline,
        "lang": language.as_str(),
        "dir": "ltr",
        "start_url": routes::START,
        "scope": "/",
        "display": "standalone",
        "theme_color": LIGHT_PAGE,
        "background_color": LIGHT_PAGE,
        "color_scheme_dark": { "theme_color": DARK_PAGE, "background_color": DARK_PAGE },
        "categories": ["productivity", "social"],
        "icons": [
            icon("app", 192, "any"),
            icon("app", 512, "any"),
            icon("maskable", 512, "maskable"),
            icon("monochrome", 512, "monochrome"),
        ],
        "shortcuts": [shortcut(texts.feed, routes::FEED), shortcut(texts.write_message, routes::SHARE)],
        "share_target": {
            "action": routes::SHARE,
            "method": "GET",
            // Chromium warns where it is missing.
            "enctype": "application/x-www-form-urlencoded",
            "params": { "title": "title", "text": "text", "url": "url" },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_install_the_same_app() {
        let [en, ja] = [Language::En, Language::Ja].map(manifest);
        for member in ["id", "start_url", "scope", "icons", "share_target", "theme_color"] {
            assert!(en[member] == ja[member] && !en[member].is_null(), "{member}");
        }
        for member in ["description", "lang", "shortcuts"] {
            assert_ne!(en[member], ja[member], "{member}");
        }
    }
}
