//! Draws a document for who asks: alone, or beside the rooms for who is signed in.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderValue, Uri, header, request::Parts},
    response::{Html, IntoResponse, Response},
};

use super::{
    ask_to_sign_in,
    document::Document,
    outcome::Outcome,
    shell::{self, Setting},
};
use crate::{
    app::page_data::Viewer,
    protocol::problem::{Code, Rejection},
    server::{
        auth::{Accounts, Identity},
        config::site::Site,
        error::Error,
        http::{
            extract::query::Lenient,
            middleware::security_headers,
            pages::{PageRequest, assets, language_of, one_time_form, page_data},
        },
        state::AppState,
    },
};

/// Who is signed in and asks for a document, or posts a form. Who is not is sent to sign in.
pub(crate) struct SignedIn {
    pub(crate) asked: PageRequest,
    pub(crate) identity: Identity,
}

impl FromRequestParts<AppState> for SignedIn {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Response> {
        let asked =
            PageRequest::from_request_parts(parts, state).await.map_err(IntoResponse::into_response)?;
        match asked.caller.0.clone() {
            Some(identity) => Ok(Self { asked, identity }),
            None => Err(ask_to_sign_in(&asked)),
        }
    }
}

/// The accounts. The router lets nobody come here without.
pub(super) fn accounts(state: &AppState) -> Result<&Accounts, Error> {
    let none = || Rejection::new(Code::NotFound, "People have no accounts here.");
    Ok(state.auth.accounts().ok_or_else(none)?)
}

/// A document for who need not be signed in.
pub(super) fn alone(asked: &PageRequest, document: impl Document) -> Response {
    draw(&setting_for(asked), None, document)
}

/// A document for who is signed in.
pub(super) async fn beside(signed_in: &SignedIn, document: impl Document) -> Result<Response, Error> {
    let SignedIn { asked, identity } = signed_in;
    let rooms = asked.state.chat.rooms(Some(identity)).await?;
    let visit = page_data::visit(&asked.state, Some(identity), asked.administrator.is_ok(), rooms);
    Ok(draw(&setting_for(asked), Some(visit), document))
}

fn setting_for(asked: &PageRequest) -> Setting {
    setting_of(&asked.state.site, &asked.headers, &asked.uri)
}

/// Where and how a document is drawn for who sent these headers to this address.
pub(super) fn setting_of(site: &Site, headers: &HeaderMap, uri: &Uri) -> Setting {
    Setting {
        language: language_of(site, headers),
        stylesheet: assets::stylesheet(),
        path: uri.path().to_owned(),
        back: Lenient::<Outcome>::parse(uri.query().unwrap_or_default())
            .ok()
            .and_then(|Lenient(outcome)| outcome.back),
    }
}

/// The answer that is a document. Without `visit` it stands alone.
pub(super) fn draw(setting: &Setting, visit: Option<Viewer>, document: impl Document) -> Response {
    let policy = [(header::CONTENT_SECURITY_POLICY, security_headers::document_policy())];
    let html = shell::draw(setting, visit, document);
    let mut response =
        (policy, Html(one_time_form::mark_forms(&html, &one_time_form::new_id()))).into_response();
    // Secrets, and who may do what at this moment: nothing to go back to after signing out.
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
