//! One user in one room: their connections to this node, the other nodes on which they are present, and their name.
//! Pure; `room` owns it.

use std::sync::Arc;

use super::PeerKey;

/// The name of a user on one node, and when the user came with it. Nodes may know a user by several names, and all of
/// them must show the same one: the greatest, which is the newest. Of two names of the same time the greater text
/// wins, so that no two nodes choose differently.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::server::presence) struct Name {
    /// In milliseconds since the Unix epoch. The first field: names are ordered by it.
    pub(in crate::server::presence) since: i64,
    pub(in crate::server::presence) text: Arc<str>,
}

impl Name {
    /// The name with which a user comes now. It is newer than the `known` one, whatever the clocks say.
    fn new(text: &str, now_ms: i64, known: Option<&Self>) -> Self {
        let since = known.map_or(now_ms, |known| now_ms.max(known.since.saturating_add(1)));
        Self { since, text: text.into() }
    }

    fn is(&self, text: &str) -> bool {
        *self.text == *text
    }
}

/// A user in a room.
#[derive(Default)]
pub(super) struct Person {
    /// The name that readers see; `None` until the user is present.
    pub(super) name: Option<Name>,
    local: Option<LocalPresence>,
    /// The user's name on each other node on which they are present.
    remote: Vec<(PeerKey, Name)>,
}

/// The presence of a user on this node.
struct LocalPresence {
    name: Name,
    connections: usize,
}

impl Person {
    /// Counts a connection to this node. Returns true if the other nodes must learn of it: the user is new on this
    /// node, or has another name.
    pub(super) fn add_connection(&mut self, name: &str, now_ms: i64) -> bool {
        let connections = self.local.as_ref().map_or(0, |local| local.connections);
        match &mut self.local {
            // A user who comes with another name has that name from now on, here and on every node.
            Some(local) if local.name.is(name) && self.name.as_ref().is_some_and(|shown| shown.is(name)) => {
                local.connections += 1;
                false
            }
            local => {
                let name = Name::new(name, now_ms, self.name.as_ref());
                *local = Some(LocalPresence { name, connections: connections + 1 });
                true
            }
        }
    }

    /// Counts a connection to this node as closed. Returns true if it was the last one.
    pub(super) fn remove_connection(&mut self) -> bool {
        let Some(local) = &mut self.local else { return false };
        local.connections -= 1;
        let is_last = local.connections == 0;
        if is_last {
            self.local = None;
        }
        is_last
    }

    /// Stores the user's name on another node; `None`: they are not present there.
    pub(super) fn set_remote(&mut self, peer: PeerKey, name: Option<Name>) {
        self.remote.retain(|(other, _)| *other != peer);
        self.remote.extend(name.map(|name| (peer, name)));
    }

    /// Returns true if the other node has announced the user as present.
    pub(super) fn is_at(&self, peer: PeerKey) -> bool {
        self.remote.iter().any(|(other, _)| *other == peer)
    }

    /// The user's name on this node; `None`: they are not present on it.
    pub(super) fn local_name(&self) -> Option<&Name> {
        self.local.as_ref().map(|local| &local.name)
    }

    /// The newest name on any node; `None`: the user is present on no node.
    pub(super) fn newest_name(&self) -> Option<&Name> {
        self.local_name().into_iter().chain(self.remote.iter().map(|(_, name)| name)).max()
    }
}
