//! Webhooks of rooms: each is an address with a token, at which a program posts to one room. Chat makes and removes them for
//! those who may change the room, and asks at each post.
//!
//! A webhook is a document, which no node has in memory. The token is shown once; the document has its hash. It is too long to
//! be guessed, so a plain hash is enough.

use serde::{Deserialize, Serialize};

use super::Rights;
use crate::{
    protocol::{
        cursor::Offset,
        name::RoomId,
        problem::{Code, Rejection},
        session::User,
    },
    server::{
        auth::{SigningSecret, Submission, hash, template_removal},
        clock::now_ms,
        error::Error,
        store::{
            StoreError,
            directory::{Kind, Mutation, Precondition},
        },
    },
};

/// Prefix of a webhook's token, by which scanners for leaked secrets find it.
const TOKEN_PREFIX: &str = "idh_";
/// Most webhooks of a room: their list is read whole.
const HOOKS_MAX: usize = 100;
/// Most threads of a webhook that go on. Beyond it the oldest begins anew at its next message.
const THREADS_MAX: usize = 1_000;
/// Shortest time between two writes of the last use: it tells whether a webhook is still needed.
const USE_NOTED_EVERY_MS: i64 = 60_000;

/// A webhook, as those see it who may change the room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hook {
    /// Its id, which is a part of its token.
    pub id: String,
    /// The room.
    pub room: RoomId,
    /// The name under which it posts, if the program names no other.
    pub name: String,
    /// The user who created it.
    pub by: User,
    /// When, in milliseconds since the Unix epoch.
    pub created_at: i64,
    /// The time of its last post, in milliseconds since the Unix epoch, to within a minute; absent: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<i64>,
    /// It takes only what is signed with its secret.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub signed: bool,
}

impl Hook {
    /// Returns true if a token is one of a webhook, known or not.
    pub fn is_token(token: &str) -> bool {
        token.starts_with(TOKEN_PREFIX)
    }
}

/// The stored document of a webhook.
#[derive(Serialize, Deserialize)]
struct StoredHook {
    #[serde(flatten)]
    hook: Hook,
    hash: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret: Option<SigningSecret>,
}

/// The stored document of a thread of a webhook.
#[derive(Serialize, Deserialize)]
struct StoredThread {
    /// The message with which it begins.
    root: Offset,
    /// The time at which it began, in milliseconds since the Unix epoch.
    at: i64,
}

/// The beginning of the ids of the threads of a webhook.
fn threads_of(hook_id: &str) -> String {
    format!("{hook_id}/")
}

/// The id of a thread. Its key may be long, and is not for everybody who reads the documents.
fn thread_id(hook_id: &str, key: &str) -> String {
    format!("{}{}", threads_of(hook_id), hash(key))
}

fn token_of(id: &str, secret: &str) -> String {
    format!("{TOKEN_PREFIX}{id}_{secret}")
}

impl Rights {
    /// The webhooks of a room, the newest last.
    pub async fn hooks(&self, room: &RoomId) -> Result<Vec<Hook>, StoreError> {
        let stored = self.documents.read_all::<StoredHook>(Kind::Hook, "").await?.into_iter();
        let mut hooks: Vec<_> =
            stored.map(|(_, stored)| stored.hook).filter(|hook| hook.room == *room).collect();
        hooks.sort_by_key(|hook| hook.created_at);
        Ok(hooks)
    }

    /// Creates a webhook, and `beside` in the same transaction. Returns it with its token, which cannot be read again. The
    /// same submission again gives the same token, as long as the webhook is there.
    pub async fn make_hook(
        &self,
        room: &RoomId,
        by: User,
        (name, signed_with): (String, Option<SigningSecret>),
        submission: &Submission,
        beside: Mutation,
    ) -> Result<(Hook, String), Error> {
        let (id, secret) = submission.halves();
        let token = token_of(id, secret);
        if let Some(stored) = self.documents.read::<StoredHook>(Kind::Hook, id).await? {
            return Ok((stored.hook, token));
        }
        if self.hooks(room).await?.len() >= HOOKS_MAX {
            let message = format!("A room has at most {HOOKS_MAX} webhooks; remove one first.");
            return Err(Rejection::new(Code::NotAllowed, message).into());
        }
        let hook = Hook {
            id: id.to_owned(),
            room: room.clone(),
            name,
            by,
            created_at: now_ms(),
            last_used_at: None,
            signed: signed_with.is_some(),
        };
        let stored = StoredHook { hook: hook.clone(), hash: hash(&token), secret: signed_with };
        let once = Mutation::put(Kind::Submission, id, Precondition::Absent, &now_ms());
        let put = Mutation::put(Kind::Hook, id, Precondition::Absent, &stored);
        if self.documents.grant(vec![once, put, beside]).await?.is_committed() {
            return Ok((hook, token));
        }
        // The same form was sent before, or at the same moment.
        match self.documents.read::<StoredHook>(Kind::Hook, id).await? {
            Some(stored) => Ok((stored.hook, token)),
            None => {
                let message = "This form was already sent, and the webhook has been removed since. Open the page again.";
                Err(Rejection::new(Code::BadLink, message).into())
            }
        }
    }

    /// Removes a webhook of a room, and does `beside` in the same transaction. Returns false if there was none. No node takes
    /// a post of it after that.
    pub async fn remove_hook(&self, room: &RoomId, id: &str, beside: Mutation) -> Result<bool, Error> {
        let known = self.documents.read::<StoredHook>(Kind::Hook, id).await?;
        if known.is_none_or(|stored| stored.hook.room != *room) {
            return Ok(false);
        }
        let remove = Mutation::remove(Kind::Hook, id, Precondition::Present);
        let threads = Mutation::remove_under(Kind::HookThread, threads_of(id), None);
        Ok(self.documents.revoke(vec![remove, threads, template_removal(id), beside]).await?.is_committed())
    }

    /// The mutations that remove the webhooks of a room.
    pub async fn hook_removals(&self, room: &RoomId) -> Result<Vec<Mutation>, StoreError> {
        let remove = |hook: Hook| {
            let threads = Mutation::remove_under(Kind::HookThread, threads_of(&hook.id), None);
            let template = template_removal(&hook.id);
            [Mutation::remove(Kind::Hook, hook.id, Precondition::Anything), threads, template]
        };
        Ok(self.hooks(room).await?.into_iter().flat_map(remove).collect())
    }

    /// The message with which the thread with this key begins; `None`: there is no such thread yet.
    pub async fn hook_thread(&self, hook: &Hook, key: &str) -> Result<Option<Offset>, StoreError> {
        let stored: Option<StoredThread> =
            self.documents.read(Kind::HookThread, &thread_id(&hook.id, key)).await?;
        Ok(stored.map(|stored| stored.root))
    }

    /// The thread with this key begins with this message from now on.
    pub async fn begin_hook_thread(&self, hook: &Hook, key: &str, root: Offset) -> Result<(), StoreError> {
        let threads: Vec<(String, StoredThread)> =
            self.documents.read_all(Kind::HookThread, &threads_of(&hook.id)).await?;
        let oldest =
            threads.iter().min_by_key(|(_, thread)| thread.at).filter(|_| threads.len() >= THREADS_MAX);
        let forget =
            |(id, _): &(String, StoredThread)| Mutation::remove(Kind::HookThread, id, Precondition::Anything);
        let begun = StoredThread { root, at: now_ms() };
        let put = Mutation::put(Kind::HookThread, thread_id(&hook.id, key), Precondition::Anything, &begun);
        self.documents.grant(oldest.map(forget).into_iter().chain([put]).collect()).await?;
        Ok(())
    }

    /// The webhook with this token, and the secret by which the caller has to check what was sent; `None`: there is none.
    pub async fn hook_of(&self, token: &str) -> Result<Option<(Hook, Option<SigningSecret>)>, StoreError> {
        let id = token.strip_prefix(TOKEN_PREFIX).and_then(|rest| rest.split('_').next()).unwrap_or_default();
        let stored = self.documents.read::<StoredHook>(Kind::Hook, id).await?;
        let Some(stored) = stored.filter(|stored| stored.hash == hash(token)) else { return Ok(None) };
        let now = now_ms();
        if stored.hook.last_used_at.is_none_or(|noted| (now - noted).abs() >= USE_NOTED_EVERY_MS) {
            let hook = Hook { last_used_at: Some(now), ..stored.hook.clone() };
            let used = StoredHook { hook, hash: stored.hash, secret: stored.secret.clone() };
            // One that is removed at the same moment stays removed.
            self.documents.grant(vec![Mutation::put(Kind::Hook, id, Precondition::Present, &used)]).await?;
        }
        Ok(Some((stored.hook, stored.secret)))
    }
}
