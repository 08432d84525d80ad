//! Who somebody is, as others see it.

use serde::{Deserialize, Serialize};

/// A person: the id is the session's and cannot be chosen, the name can.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct User {
    /// Opaque and unique.
    pub id: String,
    /// As shown to others.
    pub name: String,
}

/// The answer of `POST /api/session`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Whom the token speaks for.
    pub user: User,
    /// A JWT for `Authorization: Bearer`; pages have the same one in their cookie.
    pub token: String,
}

/// The answer of `GET /api/session`: to a page never a refusal, so that it can ask what has become of its session. A
/// program that brings a token which is not valid any more is refused with `no_session`, as everywhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionStatus {
    /// Who asks; `None` is nobody.
    pub user: Option<User>,
    /// Whether they may read what is public. If not, they have to sign in.
    pub reads: bool,
}
