//! Renders an account page into a response: alone, or with the sidebar for an authenticated user.

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
        auth::{Accounts, Actor, Identity},
        authz::{Action, Deed},
        config::site::Site,
        error::Error,
        http::{
            extract::query::Lenient,
            middleware::security_headers,
            pages::{PageRequest, assets, is_installable, language_of, look_of, one_time_form, page_data},
        },
        state::AppState,
    },
};

/// Extractor of an authenticated user who asks for a page or posts a form. An anonymous one is asked to sign in
/// instead.
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

impl SignedIn {
    /// The authenticated user of a request; `None`: it is anonymous.
    pub(super) fn of(asked: PageRequest) -> Option<Self> {
        let identity = asked.caller.0.clone()?;
        Some(Self { asked, identity })
    }
}

/// The user of a request as somebody who acts with rights: where users are guests, the operator's.
pub(super) fn actor(asked: &PageRequest) -> Actor {
    let identity = asked.caller.0.clone();
    let is_admin = asked.administrator.is_ok() || identity.as_ref().is_some_and(|identity| identity.is_admin);
    Actor { identity, is_admin }
}

/// Writes what an administrator did into the log, if it was done.
pub(super) async fn noted<T>(
    asked: &PageRequest,
    done: Result<T, Error>,
    action: impl FnOnce(Action) -> Action,
    deed: Deed,
) -> Result<T, Error> {
    if done.is_ok() {
        asked.state.rights.note_action(&action(Action::new(&actor(asked), deed))).await?;
    }
    done
}

/// Returns the accounts. The router lets no request come here on a server without them.
pub(super) fn accounts(state: &AppState) -> Result<&Accounts, Error> {
    let none = || Rejection::new(Code::NotFound, "This server has no accounts.");
    Ok(state.auth.accounts().ok_or_else(none)?)
}

/// Renders a page that needs no session, without a sidebar.
pub(super) fn alone(asked: &PageRequest, document: impl Document) -> Response {
    draw(&setting_for(asked), None, document)
}

/// Renders a page for an authenticated user, with the sidebar.
pub(super) async fn beside(signed_in: &SignedIn, document: impl Document) -> Result<Response, Error> {
    let SignedIn { asked, identity } = signed_in;
    let rooms = page_data::rooms_of(&asked.state, Some(identity)).await?;
    let is_admin = asked.administrator.is_ok();
    let viewer = page_data::viewer_of(&asked.state, &asked.headers, Some(identity), is_admin, rooms).await?;
    Ok(draw(&setting_for(asked), Some(viewer), document))
}

/// Renders a page that everybody may see who may read the server's pages, with the sidebar.
pub(super) async fn beside_reader(asked: &PageRequest, document: impl Document) -> Result<Response, Error> {
    let who = asked.caller.0.as_ref();
    let rooms = page_data::rooms_of(&asked.state, who).await?;
    let is_admin = asked.administrator.is_ok();
    let viewer = page_data::viewer_of(&asked.state, &asked.headers, who, is_admin, rooms).await?;
    Ok(draw(&setting_for(asked), Some(viewer), document))
}

/// Returns the answer to somebody who may not read the server's pages.
pub(super) fn forbidden(asked: &PageRequest) -> Option<Response> {
    let may_read = asked.state.rights.check_reader(asked.caller.0.as_ref()).is_ok();
    (!may_read).then(|| ask_to_sign_in(asked))
}

fn setting_for(asked: &PageRequest) -> Setting {
    setting_of(&asked.state.site, &asked.headers, &asked.uri)
}

/// Returns the settings by which a page is rendered for a request with these headers to this address.
pub(super) fn setting_of(site: &Site, headers: &HeaderMap, uri: &Uri) -> Setting {
    Setting {
        language: language_of(site, headers),
        look: look_of(site, headers),
        installable: is_installable(site, headers, uri),
        stylesheet: assets::stylesheet(),
        script_folder: assets::folder(),
        path: uri.path().to_owned(),
        back: Lenient::<Outcome>::parse(uri.query().unwrap_or_default())
            .ok()
            .and_then(|Lenient(outcome)| outcome.back),
    }
}

/// Renders a page into a response. Without `viewer` it has no sidebar.
pub(super) fn draw(setting: &Setting, viewer: Option<Viewer>, document: impl Document) -> Response {
    let policy = security_headers::document_policy(document.script().is_some());
    let policy = [(header::CONTENT_SECURITY_POLICY, policy)];
    let html = shell::draw(setting, viewer, document);
    let mut response =
        (policy, Html(one_time_form::mark_forms(&html, &one_time_form::new_id()))).into_response();
    // The page shows secrets, and rights of this moment: nobody may go back to it after signing out.
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
