//! References: entries that are appended because of earlier ones of their topic, such as answers. The caller of
//! [`super::Store::append`] brings the rule as a [`Resolve`], which the store runs in the transaction of the append and under
//! the topic's lock, so that what it refers to is still there. A store must know no rule of its own.

use std::{fmt, sync::Arc};

use super::Record;
use crate::protocol::{cursor::Offset, problem::Rejection};

/// The rule by which an entry takes its place among earlier ones. It must be a pure function of its arguments and of what it
/// was made with.
pub trait Resolve: Send + Sync + 'static {
    /// Places a new entry. `stored` are the entries at [`Reference::targets`], in their order, as they are stored now; `None`
    /// is one that is not there, because there never was one or retention removed it. A rejection fails the append of the
    /// entry and of those that were appended with it, and no other. A repeat of an entry is not resolved again.
    fn resolve(&self, stored: &[Option<Record>]) -> Result<Resolved, Rejection>;
}

/// The outcome of a [`Resolve`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The body of the entry, in the place of the one that it came with.
    pub body: String,
    /// The root of the thread that it is in: the entry with which the thread begins. It leaves the thread when a change erases
    /// it.
    pub thread: Option<Offset>,
}

/// The earlier entries of the topic to which an entry refers.
#[derive(Clone)]
pub struct Reference {
    /// Their offsets.
    pub targets: Vec<Offset>,
    /// Its rule.
    pub rule: Arc<dyn Resolve>,
}

impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reference").field("targets", &self.targets).finish_non_exhaustive()
    }
}

/// Two references are equal if they are the same rule for the same entries.
impl PartialEq for Reference {
    fn eq(&self, other: &Self) -> bool {
        self.targets == other.targets && Arc::ptr_eq(&self.rule, &other.rule)
    }
}

impl Eq for Reference {}
