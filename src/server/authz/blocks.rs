//! Blocks: the people from whom somebody takes no direct messages. The chat asks before a room of direct messages is opened
//! or written to. Only the person who blocks may learn whom they have blocked.

use std::collections::{BTreeMap, HashMap};

use parking_lot::RwLock;

use super::{Rights, change_listener::decode};
use crate::{
    protocol::{
        problem::{Code, Rejection},
        session::User,
    },
    server::{
        error::Error,
        store::{
            StoreError,
            directory::{DocumentStore, Kind, Mutation, Op, Precondition, ReplicatedOp},
        },
    },
};

/// Most people whom a person blocks: they are one document.
const BLOCKED_MAX: usize = 1_000;

/// Attempts to change a document that another device of the same person changes.
const ATTEMPTS: usize = 5;

/// Names by ids.
type Blocked = BTreeMap<String, String>;

/// Everybody who has blocked somebody, by id, with whom.
pub(super) struct Blocks(RwLock<HashMap<String, Blocked>>);

impl Blocks {
    /// Reads the stored blocks.
    pub(super) async fn open(documents: &dyn DocumentStore) -> Result<Self, StoreError> {
        Ok(Self(RwLock::new(read(documents).await?)))
    }

    pub(super) async fn reload(&self, documents: &dyn DocumentStore) -> Result<(), StoreError> {
        let blocks = read(documents).await?;
        *self.0.write() = blocks;
        Ok(())
    }

    pub(super) fn apply(&self, ReplicatedOp { id, op, .. }: &ReplicatedOp) -> Result<(), StoreError> {
        match op {
            Op::Put(body) => {
                let blocked = decode(id, body)?;
                self.0.write().insert(id.clone(), blocked);
            }
            Op::Remove => {
                self.0.write().remove(id);
            }
            Op::Check | Op::RemoveUnder { .. } => {}
        }
        Ok(())
    }
}

async fn read(documents: &dyn DocumentStore) -> Result<HashMap<String, Blocked>, StoreError> {
    Ok(documents.read_all::<Blocked>(Kind::Block, "").await?.into_iter().collect())
}

impl Rights {
    /// Returns true if `one` has blocked `other`.
    pub fn has_blocked(&self, one: &str, other: &str) -> bool {
        self.blocks.0.read().get(one).is_some_and(|blocked| blocked.contains_key(other))
    }

    /// The people whom a user has blocked, with the names that they had then.
    pub fn blocked(&self, user_id: &str) -> Vec<User> {
        let blocks = self.blocks.0.read();
        let blocked = blocks.get(user_id).into_iter().flatten();
        blocked.map(|(id, name)| User { id: id.clone(), name: name.clone() }).collect()
    }

    /// Blocks somebody for `by`, or ends that. When this returns, every living node goes by it.
    pub async fn set_blocked(&self, by: &str, other: &User, is_blocked: bool) -> Result<(), Error> {
        for _ in 0..ATTEMPTS {
            let known = self.documents.read_to_change::<Blocked>(Kind::Block, by).await?;
            let (mut blocked, unchanged) = known.unwrap_or((Blocked::new(), Precondition::Absent));
            if blocked.contains_key(&other.id) == is_blocked {
                return Ok(());
            }
            if is_blocked {
                if blocked.len() >= BLOCKED_MAX {
                    let message = format!("You can block at most {BLOCKED_MAX} people.");
                    return Err(Rejection::new(Code::NotAllowed, message).into());
                }
                blocked.insert(other.id.clone(), other.name.clone());
            } else {
                blocked.remove(&other.id);
            }
            let mutation = match blocked.is_empty() {
                true => Mutation::remove(Kind::Block, by, unchanged),
                false => Mutation::put(Kind::Block, by, unchanged, &blocked),
            };
            if self.documents.revoke(vec![mutation]).await?.is_committed() {
                return Ok(());
            }
        }
        Err(Rejection::new(Code::Unavailable, "Another device is changing whom you block. Try again.").into())
    }
}
