//! Refusals in words: who asks for a page or posts a form of one is a person with a browser, and reads no JSON.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, Method, header},
    middleware::Next,
    response::Response,
};

use super::answer::{draw, setting_of};
use crate::{
    app::model::room::Refusal,
    server::{documents::RefusedPage, routes::media_type::accepted, state::AppState},
};

/// What is kept of the refusal's own headers.
const KEPT: [HeaderName; 4] =
    [header::ALLOW, header::RETRY_AFTER, header::SET_COOKIE, header::WWW_AUTHENTICATE];

/// Answers with a page where the site refuses with a problem, if the client can show one. Its status, and when to come
/// back, stay what they are.
pub(in crate::server::routes) async fn in_words(
    State(state): State<AppState>,
    request: Request,
    next: Next,
) -> Response {
    if !takes_pages(request.headers()) {
        return next.run(request).await;
    }
    let mut setting = setting_of(&state.site, request.headers(), request.uri());
    // The address as the client wrote it, which a link may lead to once more. A form's need not be a page's.
    let again = request.uri().path_and_query().map(ToString::to_string);
    let again = again.filter(|_| request.method() == Method::GET);
    if again.is_none() {
        setting.path = "/".to_owned();
    }
    let response = next.run(request).await;
    let Some(refusal) = response.extensions().get::<Refusal>().copied() else { return response };
    let document = RefusedPage { refusal, language: setting.language, again };
    let mut page = draw(&setting, None, document);
    *page.status_mut() = response.status();
    for name in KEPT {
        for value in response.headers().get_all(&name) {
            page.headers_mut().append(&name, value.clone());
        }
    }
    page
}

/// Whether the client names pages among what it takes: browsers do when somebody goes to an address, and programs and
/// scripts do not.
fn takes_pages(headers: &HeaderMap) -> bool {
    accepted(headers).contains("text/html")
}
