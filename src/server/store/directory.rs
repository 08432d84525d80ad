//! Who there is and what they may do: small documents, found by kind and id. Accounts, rights and publishers are its
//! callers and say what is in a document; here it is opaque.
//!
//! A change is made of steps of which all are taken or none, each with what it expects to find. That is enough for
//! names that are unique and for links that are used once, however many callers try at the same time, on however many
//! nodes.
//!
//! What nodes hold in memory of it, they follow by the log of changes ([`DocumentStore::changes_after`]).

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::StoreError;

/// What a document is about. Stands in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A person with a password, by id.
    Account,
    /// Whose name it is, by the name as it is compared.
    AccountName,
    /// Where somebody is signed in, by `account/session`.
    Session,
    /// What a one-time link is good for, by the link's hash.
    Link,
    /// Whose a room is and who may enter, by the room.
    Room,
    /// A member of a room, by `room/user`.
    Member,
    /// A program that may publish, by id.
    Publisher,
    /// Who reads a channel of the feed, by the channel.
    Channel,
    /// A form that was sent and is not done again, by what it made.
    Submission,
    /// What time it was by a node's settled clock, in milliseconds since the Unix epoch, by the node.
    Time,
    /// A leap of a node's clock that is not believed yet, by the node.
    Leap,
}

impl Kind {
    /// The name in the database; never changed.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::AccountName => "account-name",
            Self::Session => "session",
            Self::Link => "link",
            Self::Room => "room",
            Self::Member => "member",
            Self::Publisher => "publisher",
            Self::Channel => "channel",
            Self::Submission => "submission",
            Self::Time => "time",
            Self::Leap => "leap",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a step of a change expects to find.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// Whatever.
    Anything,
    /// No such document.
    Absent,
    /// Such a document.
    Present,
    /// This one exactly, see `read_to_change`.
    Is(String),
}

impl Precondition {
    /// Whether this is what is there.
    pub(super) fn holds(&self, found: Option<&str>) -> bool {
        match self {
            Self::Anything => true,
            Self::Absent => found.is_none(),
            Self::Present => found.is_some(),
            Self::Is(body) => found == Some(body),
        }
    }
}

/// What a step does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Op {
    /// Nothing: what is expected of the document is what the step is for.
    #[serde(rename = "keep")]
    Check,
    /// Writes this JSON.
    Put(String),
    /// Removes the document.
    Remove,
    /// Removes all documents whose id begins with the step's, but for the one with this id.
    RemoveUnder {
        /// Stays, if it is there.
        except: Option<String>,
    },
}

/// One step of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mutation {
    /// Which document.
    pub kind: Kind,
    /// Which one of them.
    pub id: String,
    /// What has to be there for the change to happen.
    pub expect: Precondition,
    /// What becomes of it.
    pub act: Op,
}

impl Mutation {
    /// Writes a document.
    pub fn put(kind: Kind, id: impl Into<String>, expect: Precondition, document: &impl Serialize) -> Self {
        let body = serde_json::to_string(document).expect("documents have only string keys");
        Self { kind, id: id.into(), expect, act: Op::Put(body) }
    }

    /// Removes a document.
    pub fn remove(kind: Kind, id: impl Into<String>, expect: Precondition) -> Self {
        Self { kind, id: id.into(), expect, act: Op::Remove }
    }

    /// Removes all documents whose id begins with `prefix`, but for `except`. Only changes that have a document in
    /// common with this one are kept from writing another one of them at the same time: name one, with
    /// [`Mutation::keep`].
    pub fn remove_under(kind: Kind, prefix: impl Into<String>, except: Option<String>) -> Self {
        Self { kind, id: prefix.into(), expect: Precondition::Anything, act: Op::RemoveUnder { except } }
    }

    /// Changes nothing: the other steps are good only while this holds.
    pub fn keep(kind: Kind, id: impl Into<String>, expect: Precondition) -> Self {
        Self { kind, id: id.into(), expect, act: Op::Check }
    }

    /// What the other nodes have to know of it; `None`: none of them has it in memory, or it holds a secret. Of
    /// sessions only their end: they are renewed all the time, and a new one is asked for where it is used.
    fn told(&self) -> Option<ReplicatedOp> {
        let is_told = match self.kind {
            Kind::Room | Kind::Member | Kind::Channel => self.act != Op::Check,
            Kind::Session => matches!(self.act, Op::Remove | Op::RemoveUnder { .. }),
            Kind::Account
            | Kind::AccountName
            | Kind::Link
            | Kind::Publisher
            | Kind::Submission
            | Kind::Time
            | Kind::Leap => false,
        };
        is_told.then(|| ReplicatedOp { kind: self.kind, id: self.id.clone(), act: self.act.clone() })
    }
}

/// What every node is told of a change.
pub fn told(steps: &[Mutation]) -> Vec<ReplicatedOp> {
    steps.iter().filter_map(Mutation::told).collect()
}

/// What every node is told of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplicatedOp {
    /// Which document.
    pub kind: Kind,
    /// Which one of them.
    pub id: String,
    /// What became of it.
    pub act: Op,
}

/// A change of what nodes hold in memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// One more than the change before it, in the order in which they were made.
    pub number: u64,
    /// What was done, in order.
    pub steps: Vec<ReplicatedOp>,
}

/// A piece of the log of changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes {
    /// The number of the newest change there is; 0: none was made yet.
    pub newest: u64,
    /// The first changes after the one that was asked for, in order. `None`: some are not kept any more, or cannot be
    /// read; the documents say what came of them.
    pub after: Option<Vec<Change>>,
}

/// What came of [`DocumentStore::change`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing was done: a step did not find what it expected.
    Not,
    /// All steps were taken. There is no number: no other node has to know.
    Unlogged,
    /// All steps were taken, as the change with this number.
    Logged(u64),
}

impl Outcome {
    /// Whether the steps were taken.
    pub fn is_taken(self) -> bool {
        self != Self::Not
    }
}

/// The documents. All calls may come from many tasks at once.
#[async_trait]
pub trait DocumentStore: Send + Sync + 'static {
    /// One document's JSON.
    async fn get(&self, kind: Kind, id: &str) -> Result<Option<String>, StoreError>;

    /// The ids and the JSON of all whose id begins with `prefix`, by id.
    async fn list(&self, kind: Kind, prefix: &str) -> Result<Vec<(String, String)>, StoreError>;

    /// Takes all steps, durably, or none.
    async fn change(&self, steps: Vec<Mutation>) -> Result<Outcome, StoreError>;

    /// What was changed after this number by whatever node, as far as nodes hold it in memory. A part of it, when
    /// it is much: ask again with the last number.
    async fn changes_after(&self, number: u64) -> Result<Changes, StoreError>;

    /// Waits, but not for long, until every node goes by a change that took a right away. A store knows no nodes and
    /// waits for none.
    async fn wait_for_nodes(&self, _: Outcome) {}
}

impl dyn DocumentStore {
    /// One document.
    pub async fn read<T: DeserializeOwned>(&self, kind: Kind, id: &str) -> Result<Option<T>, StoreError> {
        self.get(kind, id).await?.map(|body| decode(kind, id, &body)).transpose()
    }

    /// One document, and what to expect of it so that a change is made to what was read and to nothing newer.
    pub async fn read_to_change<T: DeserializeOwned>(
        &self,
        kind: Kind,
        id: &str,
    ) -> Result<Option<(T, Precondition)>, StoreError> {
        let Some(body) = self.get(kind, id).await? else { return Ok(None) };
        Ok(Some((decode(kind, id, &body)?, Precondition::Is(body))))
    }

    /// All documents whose id begins with `prefix`, with their ids.
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
    // Not the body: it may hold what the log must not.
    serde_json::from_str(body).map_err(|error| StoreError::Damaged(format!("the {kind} {id:?}: {error}")))
}
