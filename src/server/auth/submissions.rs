//! Idempotent forms: a form that is sent twice (pressed twice, or sent again by a reload) takes effect once. Each drawn
//! form has a one-time id; the documents it creates get their ids from that, so that the second request finds the ones
//! of the first, at whichever node. The forms' handlers derive the ids and record what they did; the server runs
//! [`sweep`].
//!
//! The contents count too: a browser that goes back shows the old form, and new contents in it are a new submission.
//! Nothing here may give two contents, or two users, the same id.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::secret::{Secret, random_token};
use crate::server::{
    clock::Clock,
    store::{
        StoreError,
        directory::{DocumentStore, Kind, Mutation, Precondition},
    },
};

/// Time for which a submission is remembered. A page that is open for longer repeats its effect.
const KEPT_MS: i64 = 30 * 86_400_000;
/// Most submissions that one transaction removes.
const FORGOTTEN_MAX: usize = 1_000;

/// Derives submissions from the ids of forms.
pub struct Submissions(Secret);

/// One submission of a form. It has no `Debug`: tokens are made of it.
#[derive(Clone)]
pub struct Submission(String);

impl Submissions {
    /// `secret` keys the derivation, so that a form's id does not tell what is derived from it.
    pub fn new(secret: Secret) -> Self {
        Self(secret)
    }

    /// The submission of a form by a user: the same for the same id and contents. Without an id (`None`, or an empty
    /// one) each call returns another one.
    pub fn of(&self, user_id: &str, once: Option<&str>, contents: &[&str]) -> Submission {
        let once = once.filter(|once| !once.trim().is_empty());
        let Some(once) = once else { return Submission(random_token() + &random_token()) };
        let purpose = serde_json::to_string(&("form", user_id, once, contents)).expect("texts are JSON");
        Submission(self.0.derive(&purpose))
    }
}

/// Removes old submissions at every `interval`, until `stop`.
pub async fn sweep(
    documents: &dyn DocumentStore,
    clock: &Clock,
    interval: Duration,
    stop: CancellationToken,
) {
    let mut ticks = tokio::time::interval(interval);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        if let Err(error) = forget_old(documents, clock.settled_ms()).await {
            tracing::error!(%error, "cannot remove expired form submissions");
        }
    }
}

/// Removes submissions that are older than [`KEPT_MS`], [`FORGOTTEN_MAX`] at most. Returns their number.
async fn forget_old(documents: &dyn DocumentStore, now_ms: i64) -> Result<usize, StoreError> {
    let sent = documents.read_all::<i64>(Kind::Submission, "").await?.into_iter();
    let old = sent.filter(|(_, sent_ms)| now_ms.saturating_sub(*sent_ms) > KEPT_MS);
    let mutations: Vec<_> = old
        .take(FORGOTTEN_MAX)
        .map(|(id, _)| Mutation::remove(Kind::Submission, id, Precondition::Anything))
        .collect();
    let count = mutations.len();
    if count > 0 {
        documents.revoke(mutations).await?;
    }
    Ok(count)
}

impl Submission {
    /// 64 hexadecimal digits that cannot be guessed.
    pub fn digits(&self) -> &str {
        &self.0
    }

    /// The digits as two secrets of 32 digits: neither tells anything of the other.
    pub fn halves(&self) -> (&str, &str) {
        self.0.split_at(self.0.len() / 2)
    }

    /// A client id for a message: a UUID.
    pub fn client_id(&self) -> String {
        let (half, _) = self.halves();
        uuid::Uuid::try_parse(half).expect("32 hexadecimal digits").to_string()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        protocol::cursor::Epoch,
        server::store::{Announce, Appended, sqlite::SqliteStore},
    };

    struct NoAnnounce;

    impl Announce for NoAnnounce {
        fn announce(&self, _: &Epoch, _: &[Appended]) {}
    }

    #[tokio::test]
    async fn what_was_sent_long_ago_is_forgotten_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = SqliteStore::open(&folder.path().join("test.db"), Arc::new(NoAnnounce)).expect("opened");
        let documents: &dyn DocumentStore = &store;
        let put = |kind, id: &str, sent_ms: i64| Mutation::put(kind, id, Precondition::Absent, &sent_ms);
        let now_ms = 1_795_000_000_000;
        let mutations = vec![
            put(Kind::Submission, "old", now_ms - KEPT_MS - 1),
            put(Kind::Submission, "new", now_ms - KEPT_MS),
            put(Kind::Leap, "old", 0),
        ];
        documents.grant(mutations).await.expect("changed");
        assert_eq!(forget_old(documents, now_ms).await.expect("forgotten"), 1);
        assert_eq!(forget_old(documents, now_ms).await.expect("nothing"), 0);
        let left = documents.read_all::<i64>(Kind::Submission, "").await.expect("read");
        assert_eq!(left, [("new".to_owned(), now_ms - KEPT_MS)]);
        assert!(documents.get(Kind::Leap, "old").await.expect("read").is_some());
    }

    #[test]
    fn the_same_form_with_the_same_contents_is_one_submission() {
        let secret = Secret::from_setting(&"s".repeat(32)).expect("long enough");
        let submissions = Submissions::new(secret);
        let of = |user: &str, once: Option<&str>, text: &str| {
            submissions.of(user, once, &["general", text]).client_id()
        };
        assert_eq!(of("1", Some("a"), "hello"), of("1", Some("a"), "hello"));
        for (user, once, text) in
            [("2", Some("a"), "hello"), ("1", Some("b"), "hello"), ("1", Some("a"), "hello!")]
        {
            assert_ne!(of("1", Some("a"), "hello"), of(user, once, text), "{user} {once:?} {text}");
        }
        for none in [None, Some(""), Some(" ")] {
            assert_ne!(of("1", none, "hello"), of("1", none, "hello"), "a program's own form has no id");
        }
        assert_ne!(
            submissions.of("1", Some("a"), &["b", "c"]).digits(),
            submissions.of("1", Some("a"), &["bc"]).digits()
        );
    }
}
