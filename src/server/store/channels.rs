//! A selection of the feed's channels. `feed` builds it from the channels that a reader asks for and may read; the
//! stores select by it, and the delivery skips entries outside of it.

use std::sync::Arc;

/// A set of channels, cheap to clone and to compare: every reader of the feed has one, and most have the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Channels {
    /// Every entry, also those without a channel.
    #[default]
    All,
    /// Only the entries of these channels.
    Only(Arc<[String]>),
    /// Every entry except those of these channels.
    Except(Arc<[String]>),
}

impl Channels {
    /// The selection of one channel; `None` selects all.
    pub fn of(channel: Option<&str>) -> Self {
        channel.map_or(Self::All, |channel| Self::Only([channel.to_owned()].into()))
    }

    /// The only channel that is selected, if it is one.
    pub fn one(&self) -> Option<&str> {
        match self {
            Self::Only(channels) if channels.len() == 1 => channels.first().map(String::as_str),
            _ => None,
        }
    }

    /// Returns true if an entry of this channel (`None`: without one) is selected.
    pub fn contain(&self, channel: Option<&str>) -> bool {
        let among = |channels: &[String]| channel.is_some_and(|own| channels.iter().any(|one| one == own));
        match self {
            Self::All => true,
            Self::Only(channels) => among(channels),
            Self::Except(channels) => !among(channels),
        }
    }

    /// Returns true if every entry is selected.
    pub fn is_all(&self) -> bool {
        *self == Self::All
    }

    /// This selection without the named channels.
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

    /// The selection as `(only, except)` for a store's query; `None` sets no bound.
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
