//! The people who were seen in rooms: who has an id now, and under which name. The chat notes them, and finds those of a room
//! by their names. A person has a row whether they have an account, are a guest or come with another system's token.

/// A person as they were last seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Their id.
    pub id: String,
    /// Their name as shown to people.
    pub name: String,
    /// The form in which their name is compared, which the caller makes.
    pub name_key: String,
    /// The time at which they were first seen, in milliseconds since the Unix epoch.
    pub since: i64,
    /// The time at which they were last noted, in milliseconds since the Unix epoch.
    pub seen: i64,
}

/// The most people that are found by names at once.
pub(super) const NAMED_MAX: usize = 1_000;
