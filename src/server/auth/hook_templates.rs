//! The templates of webhooks and publishers, by which `/hooks/{token}/template` makes an event of any JSON, and the last body
//! that each of them got there, so that a person sees what a template is written for. The doors and the pages call it;
//! rendering is theirs. It checks no right.
//!
//! A template is a document beside that of its webhook or publisher, and goes with it. Bodies are kept in this node's memory
//! only: they may be secret, and nobody needs them after the template is written.

use std::{collections::VecDeque, sync::Arc};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::server::{
    clock::now_ms,
    error::Error,
    store::directory::{DocumentStore, Kind, Mutation, Precondition},
};

/// The most last bodies in memory, of at most 64 KiB each: people write few templates at a time.
const RECEIVED_MAX: usize = 100;

/// The template of each part of an event. An empty one leaves the part out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HookTemplate {
    /// One line.
    pub title: String,
    /// More than that.
    pub text: String,
    /// A level's name.
    pub level: String,
    /// An address.
    pub link: String,
    /// Of events with the same key the newest stands for all.
    pub key: String,
    /// Words between commas.
    pub tags: String,
}

impl HookTemplate {
    /// The parts with their names.
    pub fn parts(&self) -> [(&'static str, &str); 6] {
        [
            ("title", &self.title),
            ("text", &self.text),
            ("level", &self.level),
            ("link", &self.link),
            ("key", &self.key),
            ("tags", &self.tags),
        ]
    }
}

/// The body that came last for a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The body.
    pub body: String,
    /// When, in milliseconds since the Unix epoch.
    pub at: i64,
    /// The reason why it was not published.
    pub error: Option<String>,
}

/// The templates of this installation, and what this node received for them.
pub struct HookTemplates {
    documents: Arc<dyn DocumentStore>,
    /// By the id of the webhook or publisher, the newest last.
    received: Mutex<VecDeque<(String, Received)>>,
}

impl HookTemplates {
    /// The templates in `documents`.
    pub fn new(documents: Arc<dyn DocumentStore>) -> Self {
        Self { documents, received: Mutex::default() }
    }

    /// The template of a webhook or publisher; `None`: it has none.
    pub async fn read(&self, id: &str) -> Result<Option<HookTemplate>, Error> {
        Ok(self.documents.read(Kind::HookTemplate, id).await?)
    }

    /// Sets the template of what `owner` says it is, and does `beside` in the same transaction. Returns false if that is gone.
    pub async fn set(
        &self,
        (owner, id): (Kind, &str),
        template: &HookTemplate,
        beside: Mutation,
    ) -> Result<bool, Error> {
        let check = Mutation::check(owner, id, Precondition::Present);
        let put = Mutation::put(Kind::HookTemplate, id, Precondition::Anything, template);
        Ok(self.documents.grant(vec![check, put, beside]).await?.is_committed())
    }

    /// Removes a template, and does `beside` in the same transaction. Returns false if there was none.
    pub async fn remove(&self, id: &str, beside: Mutation) -> Result<bool, Error> {
        let remove = Mutation::remove(Kind::HookTemplate, id, Precondition::Present);
        Ok(self.documents.revoke(vec![remove, beside]).await?.is_committed())
    }

    /// Keeps what came for the template of a webhook or publisher, instead of what came before.
    pub fn note(&self, id: &str, body: String, error: Option<String>) {
        let mut received = self.received.lock();
        received.retain(|(known, _)| known != id);
        if received.len() >= RECEIVED_MAX {
            received.pop_front();
        }
        received.push_back((id.to_owned(), Received { body, at: now_ms(), error }));
    }

    /// Returns the body that came last for a webhook or publisher, at this node.
    pub fn received(&self, id: &str) -> Option<Received> {
        let received = self.received.lock();
        received.iter().find(|(known, _)| known == id).map(|(_, received)| received.clone())
    }
}

/// The mutation that removes the template of a webhook or publisher, if there is one.
pub fn template_removal(id: &str) -> Mutation {
    Mutation::remove(Kind::HookTemplate, id, Precondition::Anything)
}
