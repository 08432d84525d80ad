//! Rejections as pages: a person with a browser, who asks for a page or posts a form of one, does not read JSON. A form
//! that was rejected before its own page could answer comes back with what was typed (`sent_form.rs`).

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use leptos::prelude::*;
use tower_http::request_id::RequestId;

use super::{
    answer::{draw, setting_of},
    document::Document,
    sent_form::SentForm,
    texts::Texts,
};
use crate::{
    app::{i18n::Language, model::room::RejectionReason, routes},
    protocol::problem::{Code, Rejection},
    server::{
        http::{extract::media_type::accepted, middleware::clean_path},
        state::AppState,
    },
};

/// The headers of the rejection that its page keeps.
const KEPT: [HeaderName; 4] =
    [header::ALLOW, header::RETRY_AFTER, header::SET_COOKIE, header::WWW_AUTHENTICATE];

/// The extension of an answer that leads a person away from their form: the reason. If they typed something, the page of
/// the rejection, with the form, takes its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct LeadsAway(pub(super) Code);

/// Middleware: replaces the JSON of a rejection with a page, if the client can show one. Its status, and the time to
/// retry after, stay the same.
///
/// It stands outside all that may reject a request for a page, and leaves the addresses of programs alone.
pub(crate) async fn rejections_as_pages(
    State(state): State<AppState>,
    request: Request,
    next: Next,
) -> Response {
    if !takes_pages(request.headers()) || clean_path::is_for_programs(request.uri().path()) {
        return next.run(request).await;
    }
    let mut setting = setting_of(&state.site, request.headers(), request.uri());
    // The address as the client wrote it, which a link may lead to once more. The address of a form need not be that of
    // a page.
    let again = request.uri().path_and_query().map(ToString::to_string);
    let is_read = request.method() == Method::GET;
    let again = again.filter(|_| is_read);
    if again.is_none() {
        setting.path = "/".to_owned();
    }
    let request_id = request.extensions().get::<RequestId>().cloned();
    let (form, response) = match SentForm::read(request).await {
        Ok((form, request)) => (form, next.run(request).await),
        Err(rejection) => (None, rejection.into_response()),
    };
    let response = match response.extensions().get::<LeadsAway>() {
        Some(LeadsAway(code)) if form.as_ref().is_some_and(SentForm::is_typed) => {
            Rejection::new(*code, "").into_response()
        }
        _ => response,
    };
    let Some(reason) = response.extensions().get::<RejectionReason>().copied() else { return response };
    // The page of another site may have written its own words into it.
    let form = form.filter(|_| !matches!(reason.code, Code::BadOrigin | Code::BadHost));
    // It would be rejected again.
    let again = again.filter(|_| reason.code != Code::BadMethod);
    let request_id = request_id.filter(|_| response.status().is_server_error());
    let request_id = request_id.and_then(|id| id.header_value().to_str().ok().map(str::to_owned));
    let document = RejectionPage { reason, language: setting.language, is_read, again, form, request_id };
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
    /// True if a page was asked for, false for a form.
    pub(super) is_read: bool,
    /// The address to try again; `None`: there is none.
    pub(super) again: Option<String>,
    /// The form, to be sent again. `None`: it cannot be read, or must not be shown.
    pub(super) form: Option<SentForm>,
    /// The id of a request that failed by a fault of the server, by which its operator finds it in the log.
    pub(super) request_id: Option<String>,
}

impl Document for RejectionPage {
    fn title(&self, texts: &Texts) -> String {
        texts.refused.to_owned()
    }

    fn body(self, texts: &'static Texts) -> AnyView {
        let Self { reason, language, is_read, again, form, request_id } = self;
        let common = language.texts();
        let text = match reason.code {
            // The common text advises to reload the page, which would post the form again.
            Code::BadRequest if !is_read => texts.form_not_understood.to_owned(),
            _ => common.rejection(reason),
        };
        // Nothing typed goes with a link to sign in, which therefore opens beside the form.
        let sign_in = (reason.code == Code::NoSession && form.is_some()).then(|| {
            view! { <p>{texts.sign_in_beside} " " <a href=routes::SIGN_IN target="_blank">{texts.sign_in}</a></p> }
        });
        let go_back = (!is_read && form.is_none() && reason.code != Code::BadRequest)
            .then(|| view! { <p>{texts.go_back}</p> });
        let (address, link) =
            again.map_or_else(|| ("/".to_owned(), common.to_the_feed), |path| (path, texts.try_again));
        view! {
            <section class="panel">
                <h1>{texts.refused}</h1>
                <p role="alert">{text}</p>
                {sign_in}
                {go_back}
                {form.map(|form| form.view(texts))}
                {request_id.map(|id| view! { <p>{texts.request_id} " " <code>{id}</code></p> })}
                <p><a href=address>{link}</a></p>
            </section>
        }
        .into_any()
    }
}
