//! Users as others see them, and the answers of `/api/session`.

use serde::{Deserialize, Serialize};

/// A user. The server assigns the id; users choose their name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct User {
    /// Opaque and unique.
    pub id: String,
    /// The name as shown to others.
    pub name: String,
}

/// The answer of `POST /api/session`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// The user of the token.
    pub user: User,
    /// A JWT for `Authorization: Bearer`; pages have the same token in their cookie.
    pub token: String,
}

/// The answer of `GET /api/session`. A page always gets it, so that it can check its session. A program with a token
/// that is no longer valid is rejected with `no_session`, as on every route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionStatus {
    /// The user; `None` is anonymous.
    pub user: Option<User>,
    /// True if they may read public topics. Otherwise they have to sign in.
    pub reads: bool,
}
