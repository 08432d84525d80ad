//! Who somebody is, as far as a valid token says, and what the token itself lets them do. What rooms and administrators
//! let them do is asked of the rights.

use super::pattern::Pattern;
use crate::protocol::session::User;

/// See the module.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The person.
    pub user: User,
    /// The session of their account, if they have one: it can be ended.
    pub session: Option<String>,
    /// May add, block and remove people, and make publishers.
    pub is_admin: bool,
    /// The only rooms they may enter, if their token says so.
    pub rooms: Option<Vec<Pattern>>,
    /// The channels their token lets them publish to.
    pub channels: Vec<Pattern>,
    /// When the token ends, in seconds since the Unix epoch.
    pub expires_at: u64,
    /// It is time for a new token.
    pub is_stale: bool,
}

impl Identity {
    /// Somebody without any rights of their own, whose token does not end.
    pub(super) fn of(user: User) -> Self {
        Self {
            user,
            session: None,
            is_admin: false,
            rooms: None,
            channels: Vec::new(),
            expires_at: u64::MAX,
            is_stale: false,
        }
    }
}

/// A time in the unit of tokens (RFC 7519, 2: `NumericDate`).
pub(super) fn seconds(ms: i64) -> u64 {
    u64::try_from(ms / 1000).unwrap_or_default()
}
