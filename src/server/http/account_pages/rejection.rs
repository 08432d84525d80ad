//! Rejections as pages: a person with a browser, who asks for a page or posts a form of one, does not read JSON.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, Method, header},
    middleware::Next,
    response::Response,
};
use leptos::prelude::*;
use tower_http::request_id::RequestId;

use super::{
    answer::{draw, setting_of},
    document::Document,
    texts::Texts,
};
use crate::{
    app::{i18n::Language, model::room::RejectionReason},
    protocol::problem::Code,
    server::{http::extract::media_type::accepted, state::AppState},
};

/// The headers of the rejection that its page keeps.
const KEPT: [HeaderName; 4] =
    [header::ALLOW, header::RETRY_AFTER, header::SET_COOKIE, header::WWW_AUTHENTICATE];

/// Middleware: replaces the JSON of a rejection with a page, if the client can show one. Its status, and the time to
/// retry after, stay the same.
pub(crate) async fn rejections_as_pages(
    State(state): State<AppState>,
    request: Request,
    next: Next,
) -> Response {
    if !takes_pages(request.headers()) {
        return next.run(request).await;
    }
    let mut setting = setting_of(&state.site, request.headers(), request.uri());
    // The address as the client wrote it, which a link may lead to once more. The address of a form need not be that of
    // a page.
    let again = request.uri().path_and_query().map(ToString::to_string);
    let again = again.filter(|_| request.method() == Method::GET);
    if again.is_none() {
        setting.path = "/".to_owned();
    }
    let request_id = request.extensions().get::<RequestId>().cloned();
    let response = next.run(request).await;
    let Some(reason) = response.extensions().get::<RejectionReason>().copied() else { return response };
    let request_id = request_id.filter(|_| response.status().is_server_error());
    let request_id = request_id.and_then(|id| id.header_value().to_str().ok().map(str::to_owned));
    let document = RejectionPage { reason, language: setting.language, again, request_id };
    let mut page = draw(&setting, None, document);
    *page.status_mut() = response.status();
    for name in KEPT {
        for value in response.headers().get_all(&name) {
            page.headers_mut().append(&name, value.clone());
        }
    }
    page
}

/// Returns true if the client names HTML among the media types that it accepts: browsers do when a person goes to an
/// address, and programs and scripts do not.
pub(crate) fn takes_pages(headers: &HeaderMap) -> bool {
    accepted(headers).contains("text/html")
}

/// The page of a rejection.
#[derive(Clone, Debug)]
pub(super) struct RejectionPage {
    /// The reason, and the time to retry after.
    pub(super) reason: RejectionReason,
    /// The page's language.
    pub(super) language: Language,
    /// The address to try again. `None`: a form, which cannot be posted again from here.
    pub(super) again: Option<String>,
    /// The id of a request that failed by a fault of the server, by which its operator finds it in the log.
    pub(super) request_id: Option<String>,
}

impl Document for RejectionPage {
    fn title(&self, texts: &Texts) -> String {
        texts.refused.to_owned()
    }

    fn body(self, texts: &'static Texts) -> AnyView {
        let Self { reason, language, again, request_id } = self;
        let common = language.texts();
        let text = match reason.code {
            // The common text advises to reload the page, which would post the form again.
            Code::BadRequest if again.is_none() => texts.form_not_understood.to_owned(),
            _ => common.rejection(reason),
        };
        let (address, link) =
            again.map_or_else(|| ("/".to_owned(), common.to_the_feed), |path| (path, texts.try_again));
        view! {
            <section class="panel">
                <h1>{texts.refused}</h1>
                <p role="alert">{text}</p>
                {request_id.map(|id| view! { <p>{texts.request_id} " " <code>{id}</code></p> })}
                <p><a href=address>{link}</a></p>
            </section>
        }
        .into_any()
    }
}
