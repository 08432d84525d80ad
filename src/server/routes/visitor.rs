//! Who a request comes from: the session in its cookie or its `Authorization` header.

use axum::{
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, header, request::Parts},
    middleware::Next,
    response::Response,
};
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};

use crate::{
    protocol::{
        problem::{Code, Rejection},
        session::{Session, User},
    },
    server::{
        auth::{SESSION_LIFETIME, Sessions, Verified},
        state::AppState,
    },
};

const COOKIE: &str = "idobata_session";

/// The person behind a request. Without a valid session the request is refused.
#[derive(Clone, Debug)]
pub(super) struct Visitor(pub(super) User);

impl FromRequestParts<AppState> for Visitor {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Rejection> {
        if let Some(user) = parts.extensions.get::<User>() {
            return Ok(Self(user.clone()));
        }
        let verified = verified(&state.sessions, &parts.headers);
        verified.map(|verified| Self(verified.user)).ok_or_else(|| {
            Rejection::new(Code::NoSession, "There is no valid session: POST /api/session makes one.")
        })
    }
}

/// The session that the headers carry.
pub(super) fn verified(sessions: &Sessions, headers: &HeaderMap) -> Option<Verified> {
    let bearer = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer ").map(str::to_owned));
    let cookie = || CookieJar::from_headers(headers).get(COOKIE).map(|cookie| cookie.value().to_owned());
    sessions.verify(&bearer.or_else(cookie)?)
}

/// Makes sure that whoever opens a page is somebody: a new visitor becomes a guest.
pub(super) async fn welcome(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let (user, session) = match verified(&state.sessions, request.headers()) {
        Some(Verified { user, is_stale: false }) => (user, None),
        Some(Verified { user, is_stale: true }) => (user.clone(), Some(state.sessions.issue(user))),
        None => {
            let session = state.sessions.welcome(None);
            (session.user.clone(), Some(session))
        }
    };
    request.extensions_mut().insert(user);
    let mut response = next.run(request).await;
    // A handler that set the cookie itself (a new name) knows better.
    if let Some(session) = session.filter(|_| !response.headers().contains_key(header::SET_COOKIE)) {
        let cookie = cookie_of(&session).to_string().parse().expect("a token has only header characters");
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// The cookie that carries a session: out of reach of scripts, and not sent along by other sites' forms.
pub(super) fn cookie_of(session: &Session) -> Cookie<'static> {
    let max_age = i64::try_from(SESSION_LIFETIME.as_secs()).unwrap_or(i64::MAX);
    cookie(session.token.clone(), max_age)
}

/// The cookie that removes it.
pub(super) fn no_cookie() -> Cookie<'static> {
    cookie(String::new(), 0)
}

fn cookie(value: String, max_age_seconds: i64) -> Cookie<'static> {
    Cookie::build((COOKIE, value))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .max_age(cookie::time::Duration::seconds(max_age_seconds))
        .build()
}
