//! The bearer token in a request's `Authorization` header. Every route that identifies its user goes through here, so
//! that a request with credentials is judged by them and by nothing else: unreadable ones are rejected, and never count
//! as a request without credentials, which the cookie or the operator's rule decides.

use axum::http::{HeaderMap, header};

use crate::protocol::problem::{Code, Rejection};

/// The scheme of RFC 6750, read in any case (RFC 9110, 11.1).
const SCHEME: &str = "Bearer";

/// Returns the token of `Authorization: Bearer`; `None` when the request has no such header.
///
/// Errors: [`Code::NoSession`] for other schemes and an empty token. `request_head.rs` has rejected repeated headers.
pub(crate) fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Rejection> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let token = value.to_str().ok().and_then(token_of);
    token.map(Some).ok_or_else(|| {
        refused(
            "The Authorization header is not \"Bearer TOKEN\", the only form that is taken. A proxy that asks for a \
             password must not pass its own header on.",
        )
    })
}

/// The rejection of a token that is not valid here.
pub(crate) fn invalid_token() -> Rejection {
    refused(
        "The token is not valid: it is unknown, has expired, or belongs to another server. Sign in again.",
    )
}

/// Removes the scheme in front of a token, which some clients put into a frame or into Socket.IO's `auth` as well.
pub(crate) fn without_scheme(token: &str) -> &str {
    token_of(token).unwrap_or(token)
}

fn token_of(value: &str) -> Option<&str> {
    let (scheme, token) = value.trim().split_once([' ', '\t'])?;
    Some(token.trim()).filter(|token| scheme.eq_ignore_ascii_case(SCHEME) && !token.is_empty())
}

fn refused(message: &str) -> Rejection {
    Rejection::new(Code::NoSession, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: Option<&str>) -> Result<Option<String>, Code> {
        let headers = value.map(|value| (header::AUTHORIZATION, value.parse().expect("a header")));
        let headers = headers.into_iter().collect();
        bearer(&headers).map(|token| token.map(str::to_owned)).map_err(|rejection| rejection.code)
    }

    #[test]
    fn the_scheme_is_read_in_any_case() {
        for value in ["Bearer t", "bearer t", "BEARER t", "bEaReR   t", "Bearer\tt", "Bearer t "] {
            assert_eq!(read(Some(value)), Ok(Some("t".to_owned())), "{value:?}");
        }
        assert_eq!(read(None), Ok(None));
    }

    #[test]
    fn what_is_no_token_is_refused_and_never_none() {
        for value in ["Basic dXNlcjpwYXNz", "idp_a_b", "Bearer", "Bearer ", "", "Token t", "Bearert"] {
            assert_eq!(read(Some(value)), Err(Code::NoSession), "{value:?}");
        }
    }
}
