//! The check behind `/readyz`, which has no limit: `http::api::operations` calls it. However many requests come, it
//! must ask the store once at a time and at most once within [`ANSWER_AGE`].

use std::time::Duration;

use tokio::{sync::Mutex, time::Instant};

use crate::{protocol::problem::Rejection, server::error::Error};

/// Greatest age of an answer. Balancers ask every few seconds.
const ANSWER_AGE: Duration = Duration::from_secs(1);

/// The latest answer of the store.
#[derive(Debug, Default)]
pub struct Readiness(Mutex<Option<Answer>>);

#[derive(Debug)]
struct Answer {
    at: Instant,
    result: Result<(), Rejection>,
}

impl Readiness {
    /// The result of `ask`, or its result of a moment ago.
    pub async fn check(&self, ask: impl Future<Output = Result<(), Error>>) -> Result<(), Rejection> {
        // Held while the store is asked, on purpose: a caller that comes meanwhile waits for that answer.
        let mut last = self.0.lock().await;
        if let Some(Answer { at, result }) = &*last
            && at.elapsed() < ANSWER_AGE
        {
            return result.clone();
        }
        let result = ask.await.map_err(Error::into_rejection);
        *last = Some(Answer { at: Instant::now(), result: result.clone() });
        result
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use futures_util::future::join_all;
    use tokio::time::{advance, sleep};

    use super::*;
    use crate::server::error::unavailable;

    #[tokio::test(start_paused = true)]
    async fn however_many_ask_the_store_is_asked_once_at_a_time_and_once_a_second() {
        let (readiness, asked) = (Readiness::default(), AtomicU32::new(0));
        let check = async |result: Result<(), Error>| {
            let ask = async {
                asked.fetch_add(1, Ordering::Relaxed);
                // A store that is in trouble takes longer than an answer is good for.
                sleep(ANSWER_AGE * 10).await;
                result
            };
            readiness.check(ask).await
        };
        let answers = join_all((0..100).map(|_| check(Ok(())))).await;
        assert!(answers.iter().all(Result::is_ok));
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        check(Err(unavailable("").into())).await.expect("this is not asked yet");
        advance(ANSWER_AGE).await;
        let rejected = check(Err(unavailable("away").into())).await.expect_err("now it is");
        assert_eq!(check(Ok(())).await, Err(rejected), "a bad answer is as good for so long");
        advance(ANSWER_AGE).await;
        check(Ok(())).await.expect("it is back");
        assert_eq!(asked.load(Ordering::Relaxed), 3);
    }
}
