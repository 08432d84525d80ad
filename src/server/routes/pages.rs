//! The pages: Leptos renders them, this says for which addresses and in which language.

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    middleware,
    response::Response,
};
use axum_extra::extract::cookie::CookieJar;
use leptos::prelude::{provide_context, use_context};
use leptos_axum::{
    LeptosRoutes, generate_route_list_with_exclusions_and_ssg_and_context, render_app_async_with_context,
};

use super::assets::VERSION;
use crate::{
    app::{App, ForcedTransport, i18n::Language, shell},
    protocol::transport::Transport,
    server::state::AppState,
};

/// The addresses of the pages and of their server functions, and the page for every other address.
pub(super) fn router(state: &AppState) -> Router<AppState> {
    let (routes, _) = generate_route_list_with_exclusions_and_ssg_and_context(App, None, || ());
    let mut options = state.leptos.clone();
    // The version in the address of the files is what lets browsers keep them.
    options.site_pkg_dir = format!("{}/{}", options.site_pkg_dir, *VERSION).into();
    let transport = state.transport;
    let rendered = move || shell(options.clone());
    let not_found = {
        let rendered = rendered.clone();
        move |State(state): State<AppState>, request: Request| async move {
            let context = move || {
                provide_context(state.clone());
                provide_settings(state.transport);
            };
            let mut response = render_app_async_with_context(context, rendered)(request).await;
            *response.status_mut() = StatusCode::NOT_FOUND;
            response
        }
    };
    Router::new()
        .leptos_routes_with_context(state, routes, move || provide_settings(transport), rendered)
        .fallback(not_found)
        .layer(middleware::map_response(forbid_caching))
}

/// Decides the language of the page that is about to be rendered, and says how it may connect.
fn provide_settings(transport: Option<Transport>) {
    if let Some(transport) = transport {
        provide_context(ForcedTransport(transport));
    }
    let language = use_context::<Parts>().map(|parts| language_of(&parts.headers));
    provide_context(language.unwrap_or_default());
}

fn language_of(headers: &HeaderMap) -> Language {
    let cookies = CookieJar::from_headers(headers);
    let accept = headers.get(header::ACCEPT_LANGUAGE).and_then(|accept| accept.to_str().ok());
    Language::negotiate(cookies.get(Language::COOKIE).map(|cookie| cookie.value()), accept)
}

/// A page is somebody's, and of this moment. Not `no-store`, which would keep it out of the back-forward cache too.
async fn forbid_caching(mut response: Response) -> Response {
    response
        .headers_mut()
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("private, no-cache"));
    response
}
