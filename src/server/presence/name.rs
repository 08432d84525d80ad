//! What somebody is called at one node. Several nodes may know a person by several names, and all nodes have to show
//! the same one: the newest.

use std::sync::Arc;

/// A name and when its bearer came with it. The greater one is shown: of two of the same time, whichever is greater
/// as text, so that no two nodes choose differently.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name {
    /// In milliseconds since the Unix epoch.
    pub(super) since: i64,
    pub(super) text: Arc<str>,
}

impl Name {
    /// The name that they come with now, which is newer than the one that they are known by, whatever the clocks say.
    pub(super) fn new(text: &str, now_ms: i64, known: Option<&Self>) -> Self {
        let since = known.map_or(now_ms, |known| now_ms.max(known.since.saturating_add(1)));
        Self { since, text: text.into() }
    }
}
