//! Changes: entries whose append changes an earlier entry of their topic. The caller of [`super::Store::append`] brings the
//! rule as a [`Fold`], which the store runs in the transaction of the append and under the topic's lock. A store must know
//! no rule of its own.

use std::{fmt, sync::Arc};

use super::Record;
use crate::protocol::{cursor::Offset, problem::Rejection};

/// The rule by which a change becomes part of the entry that it changes. It must be a pure function of its arguments and
/// of what it was made with.
pub trait Fold: Send + Sync + 'static {
    /// Folds the change at `offset` into `stored`, the entry at [`Change::target`] as it is stored now; `None` if there is
    /// none, because there never was one or retention removed it. `tag` is the tag of [`Change::tag`] before the change. A
    /// rejection fails the append of the change and of the entries that were appended with it, and no other.
    fn fold(&self, stored: Option<&Record>, tag: &TagState, offset: Offset) -> Result<Folded, Rejection>;
}

/// The outcome of a [`Fold`].
#[derive(Clone, Debug)]
pub struct Folded {
    /// The new body of the changed entry.
    pub body: String,
    /// The body of the change, in the place of the one that it came with.
    pub change_body: Option<String>,
    /// Set if nothing of the entry may be left: rewrites the body of each change of it that is stored, and removes its tags. The
    /// entries of the changes stay, so that offsets keep no gaps.
    pub erase: Option<Erase>,
}

/// Rewrites a stored body without what must not be left of it.
pub type Erase = fn(&str) -> String;

/// A change of an earlier entry of the topic.
#[derive(Clone)]
pub struct Change {
    /// The offset of the entry that is changed.
    pub target: Offset,
    /// The tag that it gives or takes, if any.
    pub tag: Option<TagChange>,
    /// Its rule.
    pub fold: Arc<dyn Fold>,
}

/// A tag of an entry that a change gives or takes. An entry has many tags, and a tag many holders, more than its body has
/// room for: they stand in a table. Giving what is there, and taking what is not, does nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagChange {
    /// The tag's name, which is unique within the entry.
    pub name: String,
    /// The id of its holder, unique within the tag. Empty: the entry itself.
    pub holder: String,
    /// Their name as shown to people.
    pub holder_name: String,
    /// Given, or else taken.
    pub is_given: bool,
}

/// A tag of an entry before a change gives or takes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TagState {
    /// The holder of the change holds it.
    pub is_held: bool,
    /// The first holders in the order in which they got it, at least [`TAG_HOLDERS`] if there are as many: id and name.
    pub first: Vec<(String, String)>,
}

/// The holders that a fold gets: those that a reaction names, and the next one, who takes a free place among them.
pub const TAG_HOLDERS: usize = crate::protocol::change::REACTION_USERS_MAX + 1;

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Change").field("target", &self.target).finish_non_exhaustive()
    }
}

/// Two changes are equal if they are the same rule for the same entry.
impl PartialEq for Change {
    fn eq(&self, other: &Self) -> bool {
        self.target == other.target && Arc::ptr_eq(&self.fold, &other.fold)
    }
}

impl Eq for Change {}
