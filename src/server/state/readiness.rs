//! Whether the server can do its work, for whoever asks at `/readyz`, which has no limit. `routes/operate.rs` calls it.
//!
//! However many ask, the store is asked once at a time and at most once within [`ANSWER_AGE`].

use std::time::Duration;

use tokio::{sync::Mutex, time::Instant};

use crate::{protocol::problem::Rejection, server::error::Error};

/// How old an answer may be. Balancers ask every few seconds.
const ANSWER_AGE: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Debug, Default)]
pub struct Readiness(Mutex<Option<Answer>>);

#[derive(Debug)]
struct Answer {
    at: Instant,
    result: Result<(), Rejection>,
}

impl Readiness {
    /// What `ask` says, or what it said a moment ago.
    pub async fn check(&self, ask: impl Future<Output = Result<(), Error>>) -> Result<(), Rejection> {
        // Held while the store is asked, which is what it is for: who comes meanwhile waits for that answer.
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
        let refused = check(Err(unavailable("away").into())).await.expect_err("now it is");
        assert_eq!(check(Ok(())).await, Err(refused), "a bad answer is as good for so long");
        advance(ANSWER_AGE).await;
        check(Ok(())).await.expect("it is back");
        assert_eq!(asked.load(Ordering::Relaxed), 3);
    }
}
