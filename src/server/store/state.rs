//! Keyed state of a topic: small values by key, each as the entries of the topic so far have left it. The caller of
//! [`super::Store::append`] brings the rule as a [`FoldState`], which the store runs in the transaction of the append
//! and under the topic's lock. The state outlives the entries: retention may remove all of them. A store must know no
//! rule of its own.

use std::{fmt, sync::Arc};

use super::StoreError;
use crate::protocol::{
    cursor::Offset,
    problem::{Code, Rejection},
};

/// Keys of a topic: it is read as a whole, a few hundred bytes for each. A person's log has one for each room that they
/// have read, and a server has fewer rooms (`--max-rooms` is 1,000 without a setting).
pub const STATE_KEYS_MAX: u64 = 10_000;

/// The rule by which an entry changes a value. It must be a pure function of its arguments and of what it was made
/// with.
pub trait FoldState: Send + Sync + 'static {
    /// Folds the entry at `offset` into the value of its key; `stored` is `None` if the key has none. `None`: nothing
    /// changes, and no entry is appended. A rejection fails the append of the entry and of those that were appended
    /// with it, and no other. A repeat of an entry is not folded again.
    fn fold(&self, stored: Option<&str>, offset: Offset) -> Result<Option<FoldedState>, Rejection>;
}

/// The outcome of a [`FoldState`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoldedState {
    /// The new value of the key.
    pub value: String,
    /// The body of the entry, in the place of the one that it came with.
    pub body: String,
}

/// A change of a topic's state, which an entry brings.
#[derive(Clone)]
pub struct StateChange {
    /// The key.
    pub key: String,
    /// Its rule.
    pub rule: Arc<dyn FoldState>,
}

/// A key's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// The key.
    pub key: String,
    /// The value, opaque to the store.
    pub value: String,
    /// The offset of the entry that changed it last.
    pub offset: Offset,
}

/// The rule of an entry said that nothing changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unchanged {
    /// The state of the key, if it has any.
    pub stored: Option<State>,
}

/// The outcome of [`fold`].
pub(super) enum Outcome {
    /// The new state, and the body of the entry.
    Changed(State, String),
    Unchanged(Unchanged),
}

/// Folds the entry at `offset` into the state of its key. `count` is the number of keys of the topic.
pub(super) fn fold(
    change: &StateChange,
    stored: Option<State>,
    count: u64,
    offset: Offset,
) -> Result<Outcome, StoreError> {
    let value = stored.as_ref().map(|state| state.value.as_str());
    let Some(FoldedState { value, body }) = change.rule.fold(value, offset).map_err(StoreError::Rejected)?
    else {
        return Ok(Outcome::Unchanged(Unchanged { stored }));
    };
    if stored.is_none() && count >= STATE_KEYS_MAX {
        let message = format!("There are as many of these as may be stored: {STATE_KEYS_MAX}.");
        return Err(StoreError::Rejected(Rejection::new(Code::NotAllowed, message)));
    }
    Ok(Outcome::Changed(State { key: change.key.clone(), value, offset }, body))
}

impl fmt::Debug for StateChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StateChange").field("key", &self.key).finish_non_exhaustive()
    }
}

/// Two changes are equal if they are the same rule for the same key.
impl PartialEq for StateChange {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key && Arc::ptr_eq(&self.rule, &other.rule)
    }
}

impl Eq for StateChange {}
