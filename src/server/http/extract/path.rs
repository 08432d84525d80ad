//! Extractors of path parameters. A faulty one is answered with a problem, like every other fault.

use axum::{
    extract::{FromRequestParts, Path},
    http::request::Parts,
};

use crate::protocol::problem::{Code, Rejection};

/// The one parameter of a path, as text.
pub(crate) struct PathText(pub(in crate::server::http) String);

impl<S: Send + Sync> FromRequestParts<S> for PathText {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Rejection> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        path.map(|Path(text)| Self(text)).map_err(|_| unreadable())
    }
}

/// The two parameters of a path, as text.
pub(crate) struct PathPair(pub(crate) String, pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for PathPair {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Rejection> {
        let path = Path::<(String, String)>::from_request_parts(parts, state).await;
        path.map(|Path((first, second))| Self(first, second)).map_err(|_| unreadable())
    }
}

/// The three parameters of a path, as text.
pub(crate) struct PathTriple(pub(crate) String, pub(crate) String, pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for PathTriple {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Rejection> {
        let path = Path::<(String, String, String)>::from_request_parts(parts, state).await;
        path.map(|Path((first, second, third))| Self(first, second, third)).map_err(|_| unreadable())
    }
}

fn unreadable() -> Rejection {
    Rejection::new(Code::BadRequest, "The address is not UTF-8 after percent-decoding.")
}
