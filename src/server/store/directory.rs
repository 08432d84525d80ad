//! The document store: small documents about users and rights, found by kind and id. Accounts, rights, publishers and
//! the clock call it and define the contents of a document; here they are opaque and must stay so.
//!
//! A change is a list of mutations, each with a precondition, of which all are committed or none. That is enough for
//! unique names and for links that are used once, however many callers try at the same time, on however many nodes.
//!
//! Nodes keep the documents that they hold in memory up to date by the log of changes
//! ([`DocumentStore::changes_after`]).

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::sync::MutexGuard;

use super::StoreError;

/// The kind of a document. Stored in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// An account, by its id.
    Account,
    /// The id of the account with a name, by the normalized name.
    AccountName,
    /// A session of an account, by `account/session`.
    Session,
    /// The purpose of a one-time link, by the hash of its token.
    Link,
    /// The owner of a room, by the room.
    Room,
    /// A member of a room, by `room/user`.
    Member,
    /// The settings of a room that an owner or an administrator changed, by the room.
    RoomSettings,
    /// A moderator of a room, by `room/user`.
    Moderator,
    /// Somebody who may not write in a room, by `room/user`.
    Mute,
    /// A report of a message, by `room/offset/user`.
    Report,
    /// An action of somebody with rights, by its time.
    Action,
    /// A program that may publish, by id.
    Publisher,
    /// An address at which a program posts to a room, by id.
    Hook,
    /// The message with which a thread of a webhook begins, by `webhook/thread`.
    HookThread,
    /// The template of a webhook or of a publisher, by its id.
    HookTemplate,
    /// The readers of a channel of the feed, by the channel.
    Channel,
    /// The room of direct messages of some people, by the hash of their ids.
    Direct,
    /// The people whom a person has blocked, by the person.
    Block,
    /// A form that was sent and must not take effect again, by the id of what it created.
    Submission,
    /// The last recorded time of a node's settled clock, in milliseconds since the Unix epoch, by the node.
    Time,
    /// A leap of a node's clock that is not adopted yet, by the node.
    Leap,
    /// The key by which push services know this installation.
    PushKey,
    /// A device that gets a person's pushes, by `person/device`: see [`id_prefix_of`].
    PushSubscription,
    /// The id of the device with an address at a push service, by the hash of the address.
    PushEndpoint,
    /// A person's settings of notifications, by the person: see [`id_prefix_of`].
    PushSettings,
    /// A message of which somebody may get a push, by `room/offset/edit`.
    PushQueue,
    /// The node that does a work which one node does, by the work (`cluster/lease.rs`).
    #[serde(rename = "push-lease")] // its name when pushes were the only one
    Lease,
    /// A person's rules for pushes of events of the feed, by the person: see [`id_prefix_of`].
    PushRules,
    /// The cursor of the consumer of the feed, which pushes events.
    PushCursor,
    /// An event of the feed that is to be pushed, by its offset, or by a person who is told that more came.
    PushEvent,
    /// A heartbeat with its state, by its name.
    Heartbeat,
    /// The time until which heartbeats were watched.
    HeartbeatWatch,
    /// A notification that is published later, by `channel/key`.
    Scheduled,
    /// An outgoing webhook, by its id.
    Outgoing,
    /// The state of an outgoing webhook's delivery, by its id.
    OutgoingDelivery,
    /// The thread of a room about an event of the feed, by `channel/event/room`.
    Discussion,
}

/// The beginning of the ids of a person's documents. Another system's ids may contain the sign that ends it.
pub fn id_prefix_of(user_id: &str) -> String {
    format!("{}/", user_id.replace('%', "%25").replace('/', "%2F"))
}

impl Kind {
    /// The name in the database. It must never change.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::AccountName => "account-name",
            Self::Session => "session",
            Self::Link => "link",
            Self::Room => "room",
            Self::Member => "member",
            Self::RoomSettings => "room-settings",
            Self::Moderator => "moderator",
            Self::Mute => "mute",
            Self::Report => "report",
            Self::Action => "action",
            Self::Publisher => "publisher",
            Self::Hook => "hook",
            Self::HookThread => "hook-thread",
            Self::HookTemplate => "hook-template",
            Self::Channel => "channel",
            Self::Direct => "direct",
            Self::Block => "block",
            Self::Submission => "submission",
            Self::Time => "time",
            Self::Leap => "leap",
            Self::PushKey => "push-key",
            Self::PushSubscription => "push-subscription",
            Self::PushEndpoint => "push-endpoint",
            Self::PushSettings => "push-settings",
            Self::PushQueue => "push-queue",
            Self::Lease => "push-lease",
            Self::PushRules => "push-rules",
            Self::PushCursor => "push-cursor",
            Self::PushEvent => "push-event",
            Self::Heartbeat => "heartbeat",
            Self::HeartbeatWatch => "heartbeat-watch",
            Self::Scheduled => "scheduled",
            Self::Outgoing => "outgoing",
            Self::OutgoingDelivery => "outgoing-delivery",
            Self::Discussion => "discussion",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The state of a document that a mutation requires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// Any state.
    Anything,
    /// There is no such document.
    Absent,
    /// There is such a document.
    Present,
    /// The document has exactly this JSON, as `read_to_change` has read it.
    Is(String),
}

impl Precondition {
    /// Returns true if the document that was found is in this state.
    pub(super) fn holds(&self, found: Option<&str>) -> bool {
        match self {
            Self::Anything => true,
            Self::Absent => found.is_none(),
            Self::Present => found.is_some(),
            Self::Is(body) => found == Some(body),
        }
    }
}

/// The effect of a mutation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Op {
    /// None: the mutation only checks its precondition.
    #[serde(rename = "keep")]
    Check,
    /// Writes this JSON.
    Put(String),
    /// Removes the document.
    Remove,
    /// Removes all documents of the kind whose id begins with the mutation's id.
    RemoveUnder {
        /// The id of a document that stays.
        except: Option<String>,
    },
}

/// One part of a change, of one document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mutation {
    /// The kind of the document.
    pub kind: Kind,
    /// The id of the document.
    pub id: String,
    /// The state that the document must be in, or nothing of the change is committed.
    pub precondition: Precondition,
    /// The effect on the document.
    pub op: Op,
}

impl Mutation {
    /// Writes a document.
    pub fn put(
        kind: Kind,
        id: impl Into<String>,
        precondition: Precondition,
        document: &impl Serialize,
    ) -> Self {
        let body = serde_json::to_string(document).expect("documents have only string keys");
        Self { kind, id: id.into(), precondition, op: Op::Put(body) }
    }

    /// Removes a document.
    pub fn remove(kind: Kind, id: impl Into<String>, precondition: Precondition) -> Self {
        Self { kind, id: id.into(), precondition, op: Op::Remove }
    }

    /// Removes all documents whose id begins with `prefix`, but not `except`. Another change that adds such a document
    /// at the same time is only excluded if it has a document in common with this change: name one in both, with
    /// [`Mutation::check`].
    pub fn remove_under(kind: Kind, prefix: impl Into<String>, except: Option<String>) -> Self {
        Self { kind, id: prefix.into(), precondition: Precondition::Anything, op: Op::RemoveUnder { except } }
    }

    /// Checks a precondition and changes nothing: the other mutations are committed only if it holds.
    pub fn check(kind: Kind, id: impl Into<String>, precondition: Precondition) -> Self {
        Self { kind, id: id.into(), precondition, op: Op::Check }
    }

    /// The part that other nodes must apply; `None`: no node has the document in memory, or it has a secret. Of
    /// sessions only the end is replicated: they are renewed all the time, and a new one is read where it is used.
    fn replicated(&self) -> Option<ReplicatedOp> {
        let is_replicated = match self.kind {
            Kind::Room
            | Kind::Member
            | Kind::RoomSettings
            | Kind::Moderator
            | Kind::Mute
            | Kind::Channel
            | Kind::Block => self.op != Op::Check,
            Kind::Session => matches!(self.op, Op::Remove | Op::RemoveUnder { .. }),
            Kind::Account
            | Kind::AccountName
            | Kind::Link
            | Kind::Publisher
            | Kind::Hook
            | Kind::HookThread
            | Kind::HookTemplate
            | Kind::Direct
            | Kind::Submission
            | Kind::Report
            | Kind::Action
            | Kind::Time
            | Kind::Leap
            | Kind::PushKey
            | Kind::PushSubscription
            | Kind::PushEndpoint
            | Kind::PushSettings
            | Kind::PushQueue
            | Kind::Lease
            | Kind::PushRules
            | Kind::PushCursor
            | Kind::PushEvent
            | Kind::Heartbeat
            | Kind::HeartbeatWatch
            | Kind::Scheduled
            | Kind::Outgoing
            | Kind::OutgoingDelivery
            | Kind::Discussion => false,
        };
        is_replicated.then(|| ReplicatedOp { kind: self.kind, id: self.id.clone(), op: self.op.clone() })
    }
}

/// The operations of a change that every node must apply.
pub fn replicated_ops(mutations: &[Mutation]) -> Vec<ReplicatedOp> {
    mutations.iter().filter_map(Mutation::replicated).collect()
}

/// A replicated operation: a mutation without its precondition. Stored in the log of changes, and sent between nodes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplicatedOp {
    /// The kind of the document.
    pub kind: Kind,
    /// The id of the document.
    pub id: String,
    /// The effect on the document.
    #[serde(rename = "act")]
    pub op: Op,
}

/// A change of documents that nodes hold in memory. Sent between nodes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The number of the change before it plus 1, in the order of the commits.
    pub number: u64,
    /// The operations, in order.
    #[serde(rename = "steps")]
    pub ops: Vec<ReplicatedOp>,
}

/// A part of the log of changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes {
    /// The number of the newest change; 0: there is none yet.
    pub newest: u64,
    /// The first changes after the requested number, in order. `None`: some are not stored any more, or cannot be read;
    /// then read the documents, which have the effect of all.
    pub after: Option<Vec<Change>>,
}

/// The result of [`DocumentStore::grant`] and [`DocumentStore::revoke`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing was committed: a precondition did not hold.
    Conflict,
    /// All mutations were committed. No other node has to apply them, so there is no number.
    Unlogged,
    /// All mutations were committed, as the change with this number.
    Logged(u64),
}

impl Outcome {
    /// Returns true if the mutations were committed.
    pub fn is_committed(self) -> bool {
        self != Self::Conflict
    }
}

/// The documents. Safe to call from many tasks at once.
#[async_trait]
pub trait DocumentStore: Send + Sync + 'static {
    /// Reads the JSON of one document.
    async fn get(&self, kind: Kind, id: &str) -> Result<Option<String>, StoreError>;

    /// Reads the ids and the JSON of all documents whose id begins with `prefix`, in the order of the ids.
    async fn list(&self, kind: Kind, prefix: &str) -> Result<Vec<(String, String)>, StoreError>;

    /// Commits all mutations durably, or none of them. For changes that only add rights or data, and for those whose
    /// caller must not wait. Returns when this node applies the change.
    async fn grant(&self, mutations: Vec<Mutation>) -> Result<Outcome, StoreError>;

    /// The same for mutations that take something away. Returns when every live node applies the change, or after a
    /// bounded wait. The default waits for nothing: a plain store knows no nodes.
    async fn revoke(&self, mutations: Vec<Mutation>) -> Result<Outcome, StoreError> {
        self.grant(mutations).await
    }

    /// [`DocumentStore::revoke`] for a caller that holds `lock` from its read to its write: releases the lock after the
    /// commit and before the wait for the nodes, so that no other caller waits for them too.
    async fn revoke_and_unlock(
        &self,
        mutations: Vec<Mutation>,
        lock: MutexGuard<'_, ()>,
    ) -> Result<Outcome, StoreError> {
        let outcome = self.grant(mutations).await;
        drop(lock);
        outcome
    }

    /// Reads the changes of all nodes after this number, as far as they are replicated. Returns a part if there are
    /// many: ask again with the last number.
    async fn changes_after(&self, number: u64) -> Result<Changes, StoreError>;
}

impl dyn DocumentStore {
    /// Reads one document.
    pub async fn read<T: DeserializeOwned>(&self, kind: Kind, id: &str) -> Result<Option<T>, StoreError> {
        self.get(kind, id).await?.map(|body| decode(kind, id, &body)).transpose()
    }

    /// Reads one document, with the precondition that it is still the same: so a change applies to what was read and to
    /// nothing newer.
    pub async fn read_to_change<T: DeserializeOwned>(
        &self,
        kind: Kind,
        id: &str,
    ) -> Result<Option<(T, Precondition)>, StoreError> {
        let Some(body) = self.get(kind, id).await? else { return Ok(None) };
        Ok(Some((decode(kind, id, &body)?, Precondition::Is(body))))
    }

    /// Reads all documents whose id begins with `prefix`, with their ids.
    pub async fn read_all<T: DeserializeOwned>(
        &self,
        kind: Kind,
        prefix: &str,
    ) -> Result<Vec<(String, T)>, StoreError> {
        let found = self.list(kind, prefix).await?.into_iter();
        found.map(|(id, body)| decode(kind, &id, &body).map(|document| (id, document))).collect()
    }
}

fn decode<T: DeserializeOwned>(kind: Kind, id: &str, body: &str) -> Result<T, StoreError> {
    // Without the body: it may have a secret, which must not get into the log.
    serde_json::from_str(body).map_err(|error| StoreError::Damaged(format!("the {kind} {id:?}: {error}")))
}
