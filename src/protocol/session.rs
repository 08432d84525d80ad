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

/// The beginning of the id of a program that posts by a webhook of a room.
const HOOK_PREFIX: &str = "hook:";

impl User {
    /// The author of what a webhook posts.
    pub fn of_hook(id: &str, name: String) -> Self {
        Self { id: format!("{HOOK_PREFIX}{id}"), name }
    }
}

/// Returns true if the author with this id is a program: it has no card.
pub fn is_hook(user_id: &str) -> bool {
    user_id.starts_with(HOOK_PREFIX)
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
