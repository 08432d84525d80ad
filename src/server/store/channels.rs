//! Which channels of a log are read. The feed makes it of what a reader asks for and may read; stores select by it, and
//! the delivery passes over what it does not contain.

use std::sync::Arc;

/// Cheap to clone and to compare: every reader of the feed has one, and most have the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Channels {
    /// Every entry, also those without a channel.
    #[default]
    All,
    /// The entries of these.
    Only(Arc<[String]>),
    /// Every entry but those of these.
    Except(Arc<[String]>),
}

impl Channels {
    /// Whether an entry of this channel is read.
    pub fn contain(&self, channel: Option<&str>) -> bool {
        let among = |channels: &[String]| channel.is_some_and(|own| channels.iter().any(|one| one == own));
        match self {
            Self::All => true,
            Self::Only(channels) => among(channels),
            Self::Except(channels) => !among(channels),
        }
    }

    /// Whether every entry is read.
    pub fn is_all(&self) -> bool {
        *self == Self::All
    }

    /// These, less the ones named.
    pub fn without(self, named: Vec<String>) -> Self {
        match self {
            _ if named.is_empty() => self,
            Self::All => Self::Except(named.into()),
            Self::Only(channels) => {
                Self::Only(channels.iter().filter(|channel| !named.contains(channel)).cloned().collect())
            }
            Self::Except(channels) => Self::Except(channels.iter().cloned().chain(named).collect()),
        }
    }

    /// For a store's query: what alone is read, and what is not; `None` sets no bound.
    pub fn bounds(&self) -> (Option<&[String]>, Option<&[String]>) {
        match self {
            Self::All => (None, None),
            Self::Only(channels) => (Some(channels), None),
            Self::Except(channels) => (None, Some(channels)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn what_is_asked_for_loses_what_may_not_be_read() {
        let all = Channels::default();
        assert!(all.contain(None) && all.contain(Some("ops")));
        let open = all.clone().without(named(&["pay"]));
        assert!(open.contain(None) && open.contain(Some("ops")) && !open.contain(Some("pay")));
        let some = Channels::Only(named(&["ops", "pay"]).into()).without(named(&["pay", "other"]));
        assert!(some.contain(Some("ops")) && !some.contain(Some("pay")) && !some.contain(None));
        assert_eq!(all.clone().without(Vec::new()), all, "no second way to say all");
    }
}
