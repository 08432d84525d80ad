//! The credentials of ntfy's clients as the token that every other route judges: `Basic` and `?auth=` become a
//! `Authorization: Bearer` header before a handler sees the request. Nothing here grants a right, and no credential is
//! logged: the log has the pattern of a route only (`middleware/trace.rs`).
//!
//! A token is the password of an empty or any user name, or stands in place of the name. Where people have accounts, name
//! and password sign them in; the session is kept for the next request of the same client.

use std::{collections::HashMap, net::IpAddr, sync::Arc};

use axum::{
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, HeaderValue, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use parking_lot::Mutex;

use super::fault::{Fault, UNAUTHORIZED};
use crate::server::{
    auth::{hash, publishers::Publishers},
    http::{
        api::session::sign_in,
        extract::{client_address::ClientAddress, query},
    },
    state::AppState,
};

/// The names of the parameter with the whole header in base64.
const PARAMETERS: [&str; 2] = ["auth", "authorization"];
/// Base64 with optional padding: ntfy's clients leave it out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
/// The most sessions that are kept for clients with a password: far more than people have phones.
const SESSIONS_MAX: usize = 1_000;

/// The sessions of clients that send a name and a password with each request, by the hash of both. Without them each
/// request would be a new session, and a new computation of the password's hash.
#[derive(Clone, Default)]
pub(super) struct PasswordSessions(Arc<Mutex<HashMap<String, String>>>);

/// The credential that a client sent.
#[derive(Debug, PartialEq, Eq)]
enum Sent {
    Token(String),
    Password { name: String, password: String },
}

/// Middleware: puts what the client sent into `Authorization: Bearer`. A header of that form stays as it is.
pub(super) async fn normalize(
    State((state, sessions)): State<(AppState, PasswordSessions)>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let Ok(ClientAddress(address)) = ClientAddress::from_request_parts(&mut parts, &state).await;
    match header_of(&state, &sessions, address, &parts.headers, parts.uri.query()).await {
        Ok(None) => {}
        Ok(Some(header)) => drop(parts.headers.insert(header::AUTHORIZATION, header)),
        Err(fault) => return fault.into_response(),
    }
    next.run(Request::from_parts(parts, body)).await
}

/// The header for this request; `None`: it has the right one, or no credentials.
async fn header_of(
    state: &AppState,
    sessions: &PasswordSessions,
    address: IpAddr,
    headers: &HeaderMap,
    query: Option<&str>,
) -> Result<Option<HeaderValue>, Fault> {
    let sent = match in_query(query)? {
        Some(value) => {
            read(&value).ok_or_else(|| bad("auth is not the base64 of an Authorization header"))?
        }
        None => {
            let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
            // Any other form is refused where it is read.
            let Some(sent) = value.filter(|value| is_of(value, "basic")).and_then(read) else {
                return Ok(None);
            };
            sent
        }
    };
    let token = match sent {
        Sent::Token(token) => token,
        // If the server has no accounts with passwords, it can only be a token.
        Sent::Password { password, .. } if state.auth.accounts().is_none() => password,
        Sent::Password { name, password } => {
            session_of(state, sessions, address, headers, &name, &password).await?
        }
    };
    let header = HeaderValue::try_from(format!("Bearer {token}"));
    header.map(Some).map_err(|_| bad("the token has characters that no token has"))
}

/// The token of a session of this person.
async fn session_of(
    state: &AppState,
    sessions: &PasswordSessions,
    address: IpAddr,
    headers: &HeaderMap,
    name: &str,
    password: &str,
) -> Result<String, Fault> {
    let key = hash(&format!("{name}\n{password}"));
    let known = sessions.0.lock().get(&key).cloned();
    if let Some(token) = known
        && state.auth.identify(&token).await?.is_some()
    {
        return Ok(token);
    }
    // It counts against the limits of signing in.
    let session = sign_in(state, address, headers, name, password).await?;
    let mut sessions = sessions.0.lock();
    if sessions.len() >= SESSIONS_MAX {
        sessions.clear();
    }
    sessions.insert(key, session.token.clone());
    Ok(session.token)
}

/// The header that stands in the query, decoded.
fn in_query(query: Option<&str>) -> Result<Option<String>, Fault> {
    for pair in query.unwrap_or_default().split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if value.is_empty() || !PARAMETERS.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            continue;
        }
        // A plus was a plus, and the alphabet for addresses is taken as well.
        let value = query::decode(name, value)?.replace([' ', '-'], "+").replace('_', "/");
        let header = BASE64.decode(value).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        return header.map(Some).ok_or_else(|| bad("auth is not base64"));
    }
    Ok(None)
}

fn is_of(value: &str, scheme: &str) -> bool {
    value.trim().split_once(' ').is_some_and(|(found, _)| found.eq_ignore_ascii_case(scheme))
}

/// Reads the value of a header. `None`: it is neither `Bearer` nor `Basic`.
fn read(value: &str) -> Option<Sent> {
    let (scheme, rest) = value.trim().split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(Sent::Token(rest.trim().to_owned()));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(BASE64.decode(rest.trim()).ok()?).ok()?;
    let (name, password) = text.split_once(':')?;
    Some(match (name, password) {
        ("", token) | (token, "") => Sent::Token(token.to_owned()),
        (_, token) | (token, _) if Publishers::is_token(token) => Sent::Token(token.to_owned()),
        (name, password) => Sent::Password { name: name.to_owned(), password: password.to_owned() },
    })
}

fn bad(reason: &str) -> Fault {
    Fault::new(UNAUTHORIZED, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn basic(text: &str) -> String {
        format!("Basic {}", BASE64.encode(text))
    }

    #[test]
    fn a_token_stands_in_any_place_that_clients_put_it() {
        let token = |text: &str| Some(Sent::Token(text.to_owned()));
        assert_eq!(read("bearer abc"), token("abc"));
        assert_eq!(read(&basic(":abc")), token("abc"));
        assert_eq!(read(&basic("abc:")), token("abc"));
        assert_eq!(read(&basic("me:idp_1_2")), token("idp_1_2"));
        assert_eq!(read(&basic("idp_1_2:None")), token("idp_1_2"), "as Apprise writes no password");
        let password = Sent::Password { name: "me".into(), password: "a:b c".into() };
        assert_eq!(read(&basic("me:a:b c")), Some(password));
        for other in ["", "Basic", "Basic ???", "Digest x", &basic("nothing")] {
            assert_eq!(read(other), None, "{other}");
        }
    }

    #[test]
    fn a_header_in_the_query_is_base64_of_either_alphabet() {
        let header = "Bearer ~~~???ü";
        let standard = BASE64.encode(header);
        let address = standard.replace('+', "-").replace('/', "_").replace('=', "");
        for query in [format!("auth={standard}"), format!("x=1&Authorization={address}")] {
            assert_eq!(in_query(Some(&query)).expect(&query).as_deref(), Some(header), "{query}");
        }
        assert_eq!(in_query(Some("auth=&x")), Ok(None));
        assert!(in_query(Some("auth=%00")).is_err());
    }
}
