//! Publishes entries to one channel, again and again until the server has stored them or a time is over. The commands
//! that publish use it. What is sent again has the same idempotency key, so it is stored once.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::time::{Instant, sleep_until};

use super::{
    backoff::Backoff,
    connection::{ApiRequest, Connection},
    error::ClientError,
    settings::Server,
};

/// A channel of a server.
pub(super) struct Publisher {
    connection: Connection,
    path: String,
    backoff: Backoff,
    /// Told once of each time that the server is away.
    on_trouble: fn(&ClientError),
    in_trouble: bool,
}

impl Publisher {
    /// `on_trouble` is told why the server takes nothing, once until it takes something again.
    pub(super) fn new(server: Server, channel: &str, on_trouble: fn(&ClientError)) -> anyhow::Result<Self> {
        let path = format!("/api/events/{}", utf8_percent_encode(channel, NON_ALPHANUMERIC));
        let connection = Connection::new(server)?;
        Ok(Self { connection, path, backoff: Backoff::default(), on_trouble, in_trouble: false })
    }

    /// Publishes JSON, an entry or an array of entries. Without a `deadline` it tries for as long as it takes.
    ///
    /// # Errors
    /// The server refuses it, or the deadline is over.
    pub(super) async fn publish(
        &mut self,
        json: &str,
        key: &str,
        deadline: Option<Instant>,
    ) -> Result<(), ClientError> {
        let request = ApiRequest::post(self.path.clone(), json.to_owned()).with("idempotency-key", key);
        loop {
            let answer = self.connection.ask(&request).await;
            let error = match answer {
                Ok(_) => {
                    self.backoff.reset();
                    self.in_trouble = false;
                    return Ok(());
                }
                Err(error) if error.is_temporary() => error,
                Err(error) => return Err(error),
            };
            let again = Instant::now() + self.backoff.next(error.retry_after());
            if deadline.is_some_and(|deadline| again > deadline) {
                return Err(error);
            }
            if !std::mem::replace(&mut self.in_trouble, true) {
                (self.on_trouble)(&error);
            }
            sleep_until(again).await;
        }
    }
}
