//! The user behind a request: by the token in its `Authorization` header or, without that header, by the session in its
//! cookie. Handlers take it as an argument, and `router` puts [`ensure_session`] around the pages.

use std::time::Duration;

use axum::{
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, header, request::Parts},
    middleware::Next,
    response::Response,
};
use axum_extra::extract::cookie::{Cookie, CookieJar};

use super::{
    client_address::ClientAddress,
    cookies,
    credentials::{bearer, invalid_token},
};
use crate::{
    protocol::{
        problem::{Code, Rejection},
        session::Session,
    },
    server::{
        auth::{Identity, LiveSession, SESSION_LIFETIME, publishers::Publishers},
        authz::Hook,
        config::site::Site,
        error::Error,
        state::AppState,
    },
};

const COOKIE: &str = "idobata_session";

/// The user behind a request; `None`: anonymous.
#[derive(Clone, Debug)]
pub(crate) struct MaybeUser(pub(in crate::server::http) Option<Identity>);

impl FromRequestParts<AppState> for MaybeUser {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Error> {
        if let Some(caller) = parts.extensions.get::<Self>() {
            return Ok(caller.clone());
        }
        identify(state, &parts.headers).await.map(Self)
    }
}

/// The user behind a request. A request without a valid session is rejected with [`Code::NoSession`].
#[derive(Clone, Debug)]
pub(crate) struct AuthenticatedUser(pub(in crate::server::http) Identity);

impl FromRequestParts<AppState> for AuthenticatedUser {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Error> {
        let MaybeUser(caller) = MaybeUser::from_request_parts(parts, state).await?;
        caller.map(Self).ok_or_else(|| no_session().into())
    }
}

/// The rejection of a request that has no valid session, or whose session has ended.
pub(crate) fn no_session() -> Rejection {
    Rejection::new(Code::NoSession, "You are not signed in. Sign in first.")
}

/// Identifies the user by the request's headers; `None`: anonymous, or the operator by key. A token that is not valid
/// here is rejected; a cookie whose session has ended counts as anonymous, so that a browser can sign in again.
pub(crate) async fn identify(state: &AppState, headers: &HeaderMap) -> Result<Option<Identity>, Error> {
    let Some(token) = bearer(headers)? else {
        return match cookies::read(&state.site, headers, COOKIE) {
            Some(token) => Ok(state.auth.identify(&token).await?),
            None => Ok(None),
        };
    };
    if Publishers::is_token(token) {
        let message = "A publisher's token can only publish (POST /api/events/{channel}).";
        return Err(Rejection::new(Code::NotAllowed, message).into());
    }
    if Hook::is_token(token) {
        let message =
            "A webhook's token can only post, edit and delete messages (POST /api/rooms/{room}/messages).";
        return Err(Rejection::new(Code::NotAllowed, message).into());
    }
    if state.operator.has_key(token) {
        return Ok(None); // the operator, who is no user
    }
    Ok(Some(state.auth.identify(token).await?.ok_or_else(invalid_token)?))
}

/// Registers a live connection of a user; `None` for an anonymous one. Errors: [`Code::NoSession`] if the session has
/// ended meanwhile.
pub(crate) async fn open_live_session(
    state: &AppState,
    caller: Option<&Identity>,
) -> Result<Option<LiveSession>, Error> {
    let Some(identity) = caller else { return Ok(None) };
    Ok(Some(state.auth.open_live_session(identity).await?.ok_or_else(no_session)?))
}

/// Completes when a live connection is revoked; never for an anonymous one, which has no session that could end.
pub(crate) async fn revoked(admission: Option<&LiveSession>) {
    match admission {
        Some(admission) => admission.revoked().await,
        None => std::future::pending().await,
    }
}

/// Returns true if the request has a session cookie, valid or not.
pub(crate) fn has_cookie(site: &Site, headers: &HeaderMap) -> bool {
    cookies::read(site, headers, COOKIE).is_some()
}

/// Middleware of the pages: gives every anonymous visitor a session where users are guests, and renews tokens in time.
pub(crate) async fn ensure_session(
    State(state): State<AppState>,
    ClientAddress(address): ClientAddress,
    mut request: Request,
    next: Next,
) -> Result<Response, Error> {
    let mut is_earlier = false;
    let (caller, session) = match identify(&state, request.headers()).await? {
        Some(identity) => {
            let earlier = earlier_session(&state, request.headers(), &identity);
            is_earlier = earlier.is_some();
            let session = state.auth.renew(&identity).await?.or(earlier);
            (Some(identity), session)
        }
        None if state.auth.allows_guests() => {
            state.limits.session(address).await?;
            match state.auth.create_guest(None) {
                Some(session) => (state.auth.identify(&session.token).await?, Some(session)),
                None => (None, None),
            }
        }
        None => (None, None),
    };
    request.extensions_mut().insert(MaybeUser(caller));
    let mut response = next.run(request).await;
    // A cookie that the handler set itself (a new name) takes precedence.
    if let Some(session) = session.filter(|_| !cookies::is_set(&state.site, response.headers(), COOKIE)) {
        let cookie =
            cookie_of(&state.site, &session).to_string().parse().expect("a token has only header characters");
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    if is_earlier {
        let gone = cookies::remove_earlier(&state.site, COOKIE).to_string();
        response.headers_mut().append(header::SET_COOKIE, gone.parse().expect("a name in ASCII"));
    }
    Ok(response)
}

/// Returns the session of a user who was identified by the cookie's earlier name, to be stored by its present one.
fn earlier_session(state: &AppState, headers: &HeaderMap, identity: &Identity) -> Option<Session> {
    let is_earlier =
        !headers.contains_key(header::AUTHORIZATION) && cookies::is_earlier(&state.site, headers, COOKIE);
    let token = cookies::read(&state.site, headers, COOKIE).filter(|_| is_earlier)?;
    Some(Session { user: identity.user.clone(), token })
}

/// Builds the cookie that carries a session.
pub(crate) fn cookie_of(site: &Site, session: &Session) -> Cookie<'static> {
    cookies::make(site, COOKIE, session.token.clone(), SESSION_LIFETIME)
}

/// Builds the cookies that remove the session's cookie, by each name that the request sent it by.
pub(crate) fn no_cookies(site: &Site, headers: &HeaderMap) -> CookieJar {
    let jar = CookieJar::new().add(no_cookie(site));
    match cookies::is_earlier(site, headers, COOKIE) {
        true => jar.add(cookies::remove_earlier(site, COOKIE)),
        false => jar,
    }
}

/// Builds the cookie that removes the session's cookie.
pub(crate) fn no_cookie(site: &Site) -> Cookie<'static> {
    cookies::make(site, COOKIE, String::new(), Duration::ZERO)
}
