//! Who there is and what they may do: small documents, found by kind and id. Accounts, rights and publishers are its
//! callers and say what is in a document; here it is opaque.
//!
//! A change is made of steps of which all are taken or none, each with what it expects to find. That is enough for
//! names that are unique and for links that are used once, however many callers try at the same time.

use std::fmt;

use async_trait::async_trait;
use serde::{Serialize, de::DeserializeOwned};

use super::StoreError;

/// What a document is about. Stands in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a step of a change expects to find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Whatever.
    Anything,
    /// No such document.
    Absent,
    /// Such a document.
    Present,
}

/// One step of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Which document.
    pub kind: Kind,
    /// Which one of them.
    pub id: String,
    /// What has to be there for the change to happen.
    pub expect: Expect,
    /// The new JSON; `None` removes the document.
    pub body: Option<String>,
}

impl Step {
    /// Writes a document.
    pub fn put(kind: Kind, id: impl Into<String>, expect: Expect, document: &impl Serialize) -> Self {
        let body = serde_json::to_string(document).expect("documents have only string keys");
        Self { kind, id: id.into(), expect, body: Some(body) }
    }

    /// Removes a document.
    pub fn remove(kind: Kind, id: impl Into<String>, expect: Expect) -> Self {
        Self { kind, id: id.into(), expect, body: None }
    }
}

/// The documents. All calls may come from many tasks at once.
#[async_trait]
pub trait Directory: Send + Sync + 'static {
    /// One document's JSON.
    async fn get(&self, kind: Kind, id: &str) -> Result<Option<String>, StoreError>;

    /// The ids and the JSON of all whose id begins with `prefix`, by id.
    async fn list(&self, kind: Kind, prefix: &str) -> Result<Vec<(String, String)>, StoreError>;

    /// Takes all steps, durably, or none. False: none, because one did not find what it expected.
    async fn change(&self, steps: Vec<Step>) -> Result<bool, StoreError>;
}

impl dyn Directory {
    /// One document.
    pub async fn read<T: DeserializeOwned>(&self, kind: Kind, id: &str) -> Result<Option<T>, StoreError> {
        self.get(kind, id).await?.map(|body| decode(kind, id, &body)).transpose()
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
