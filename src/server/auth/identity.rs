//! The identity in a valid token, and the rights in the token itself. `Auth` creates it, and handlers pass it on. It
//! never holds the rights that rooms and administrators give: `authz` decides those at each request.

use super::pattern::Pattern;
use crate::protocol::session::User;

/// An authenticated user.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The user.
    pub user: User,
    /// The session of their account, if they have one: it can be ended.
    pub session: Option<String>,
    /// May add, block and remove people, and create publishers.
    pub is_admin: bool,
    /// The only rooms the user may enter, if the token limits them.
    pub rooms: Option<Vec<Pattern>>,
    /// The channels the token allows publishing to.
    pub channels: Vec<Pattern>,
    /// The expiry of the token, in seconds since the Unix epoch.
    pub expires_at: u64,
    /// The token should be renewed.
    pub is_stale: bool,
}

impl Identity {
    /// A user without rights of their own, whose token does not expire.
    pub(in crate::server) fn of(user: User) -> Self {
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

/// Converts milliseconds to the unit of tokens (RFC 7519, 2: `NumericDate`); 0 for times before 1970.
pub(super) fn seconds(ms: i64) -> u64 {
    u64::try_from(ms / 1000).unwrap_or_default()
}

/// The caller who asks for a change of a room: a user, or the operator, who may be none.
#[derive(Clone, Debug)]
pub struct Actor {
    /// The user.
    pub identity: Option<Identity>,
    /// They are an administrator, or the operator.
    pub is_admin: bool,
}

impl From<&Identity> for Actor {
    fn from(identity: &Identity) -> Self {
        Self { is_admin: identity.is_admin, identity: Some(identity.clone()) }
    }
}

impl Actor {
    /// The user. The operator without a session is nobody else's user.
    pub fn user(&self) -> User {
        let operator = || User { id: "operator".to_owned(), name: "operator".to_owned() };
        self.identity.as_ref().map_or_else(operator, |identity| identity.user.clone())
    }
}
