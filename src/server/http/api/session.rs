//! `/api/session`: signing in, changing a guest's name, and signing out.

use std::net::IpAddr;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
};
use axum_extra::extract::cookie::CookieJar;

use crate::{
    protocol::{
        members::Members,
        name::parse_name,
        problem::{Code, Rejection},
        session::{Session, SessionStatus},
    },
    server::{
        error::Error,
        http::extract::{
            body::{FromMembers, JsonBody},
            client_address::ClientAddress,
            user::{MaybeUser, cookie_of, no_cookies},
        },
        state::AppState,
    },
};

/// The body of `POST /api/session`.
pub(crate) struct NewSession {
    name: String,
    /// The account's password; unused on a server without accounts.
    password: Option<String>,
}

impl FromMembers for NewSession {
    fn from_members(members: &mut Members) -> Result<Self, Rejection> {
        let read = Self { name: members.required_text(&["name"])?, password: members.verbatim("password")? };
        members.reject_unknown(&["name", "password"], |_| true)?;
        Ok(read)
    }
}

/// Returns the user behind the request, and whether they may read.
pub(crate) async fn show(State(state): State<AppState>, MaybeUser(caller): MaybeUser) -> Json<SessionStatus> {
    let reads = state.rights.check_reader(caller.as_ref()).is_ok();
    Json(SessionStatus { user: caller.map(|identity| identity.user), reads })
}

/// Creates a session. A guest who has one changes their name by it and keeps their id.
pub(crate) async fn create(
    State(state): State<AppState>,
    ClientAddress(address): ClientAddress,
    MaybeUser(caller): MaybeUser,
    headers: HeaderMap,
    JsonBody(NewSession { name, password }): JsonBody<NewSession>,
) -> Result<(StatusCode, CookieJar, Json<Session>), Error> {
    let session = match (state.auth.accounts(), password) {
        (Some(_), password) => {
            sign_in(&state, address, &headers, &name, &password.unwrap_or_default()).await?
        }
        (None, _) => {
            let name = parse_name(&name)?;
            state.limits.session(address).await?;
            let session = match caller {
                Some(identity) => {
                    let session = state.auth.rename_guest(&identity, name);
                    if let Some(session) = &session {
                        state.chat.note_person(&session.user).await;
                    }
                    session
                }
                None => state.auth.create_guest(Some(name)),
            };
            session.ok_or_else(|| {
                Rejection::new(Code::NotAllowed, "This server does not create guest sessions.")
            })?
        }
    };
    Ok((StatusCode::CREATED, CookieJar::new().add(cookie_of(&state.site, &session)), Json(session)))
}

/// Signs a user in by name and password. Errors: [`Code::NotFound`] on a server without accounts.
pub(crate) async fn sign_in(
    state: &AppState,
    address: IpAddr,
    headers: &HeaderMap,
    name: &str,
    password: &str,
) -> Result<Session, Error> {
    let Some(accounts) = state.auth.accounts() else {
        return Err(Rejection::new(Code::NotFound, "This server has no accounts.").into());
    };
    state.limits.sign_in(name, address).await?;
    let account = accounts.sign_in(name, password).await?;
    state.auth.sign_in(&account, agent_of(headers)).await
}

/// Returns the `User-Agent` of a request; empty if it has none.
pub(crate) fn agent_of(headers: &HeaderMap) -> &str {
    headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default()
}

/// Ends the session with its live connections, and removes the cookie.
pub(crate) async fn end(
    State(state): State<AppState>,
    MaybeUser(caller): MaybeUser,
    headers: HeaderMap,
) -> Result<(StatusCode, CookieJar), Error> {
    if let Some(identity) = caller {
        state.auth.sign_out(&identity.user.id, identity.session.as_deref()).await?;
    }
    Ok((StatusCode::NO_CONTENT, no_cookies(&state.site, &headers)))
}
