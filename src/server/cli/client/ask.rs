//! `idobata ask`: publishes a question with choices, waits until somebody takes one on the feed's page, and prints it. The server
//! decides which answer is the first, also when the time is over at the same moment.

use std::{
    io::{self, Write, stdout},
    time::Duration,
};

use clap::Args;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use super::{
    backoff::Backoff,
    connection::{ApiRequest, Connection},
    error::ClientError,
    publish::channel,
    settings::ServerSettings,
};
use crate::{
    protocol::{publication::CHOICES_MAX, text::clean_line},
    server::config::{BadSetting, TimeSpan},
};

/// The exit code when the time is over and there is no default, as that of `timeout`.
const TIMED_OUT: u8 = 124;
/// One wait for the answer at the server: shorter than the connection waits for one.
const WAIT_SECONDS: u64 = 20;
/// Longest `--key`, in characters: with its prefix it is a key of the feed.
const KEY_MAX_CHARACTERS: usize = 50;
/// Time for the server to take the question, or its end.
const STORED_WITHIN: Duration = Duration::from_secs(10);

/// The arguments of `ask`.
#[derive(Clone, Debug, Args)]
pub(super) struct AskCommand {
    /// Channel of the feed
    #[arg(value_parser = channel)]
    channel: String,

    /// The question; several words are joined by a space
    #[arg(value_name = "QUESTION", required = true)]
    question: Vec<String>,

    /// A choice, a button on the page; two or more
    #[arg(long = "choice", value_name = "CHOICE", required = true)]
    choices: Vec<String>,

    /// One line above the question
    #[arg(long, value_name = "TITLE")]
    title: Option<String>,

    /// How long to wait for an answer
    #[arg(long, default_value = "10m", value_name = "TIME")]
    timeout: TimeSpan,

    /// The choice that is taken when the time is over
    #[arg(long, value_name = "CHOICE")]
    default: Option<String>,

    /// A name of this question: a command that is run again with it waits for the same answer, or prints it
    #[arg(long, value_name = "KEY")]
    key: Option<String>,

    /// Print the answer as JSON, with who gave it
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    server: ServerSettings,
}

impl AskCommand {
    pub(super) async fn run(self) -> anyhow::Result<u8> {
        self.check()?;
        let mut asking = Asking {
            connection: Connection::new(self.server.clone().server()?)?,
            backoff: Backoff::default(),
        };
        let deadline = Instant::now() + self.timeout.0;
        let path = self.publish(&mut asking).await?;
        let state = match asking.answer(&path, deadline).await? {
            Some(state) => state,
            None => {
                let body = json!({ "choice": self.default }).to_string();
                asking.ask(&ApiRequest::post(path, body), Instant::now() + STORED_WITHIN).await?
            }
        };
        Ok(self.print(&state)?)
    }

    fn check(&self) -> Result<(), BadSetting> {
        let bad = |text: String| Err(BadSetting(text));
        if !(2..=CHOICES_MAX).contains(&self.choices.len()) {
            return bad(format!("a question has 2 to {CHOICES_MAX} choices: give each by --choice"));
        }
        if let Some(key) = &self.key
            && (key.is_empty()
                || key.len() > KEY_MAX_CHARACTERS
                || !key.bytes().all(|byte| byte.is_ascii_graphic()))
        {
            return bad(format!("--key has 1 to {KEY_MAX_CHARACTERS} ASCII characters without spaces"));
        }
        match &self.default {
            Some(default) if !self.choices.contains(default) => {
                bad(format!("--default {default} is none of the choices"))
            }
            _ => Ok(()),
        }
    }

    /// Publishes the question. Returns the path of its answer.
    async fn publish(&self, asking: &mut Asking) -> anyhow::Result<String> {
        let id = self.key.clone().unwrap_or_else(|| Uuid::new_v4().to_string());
        let entry = json!({
            "text": self.question.join(" "), "title": self.title, "key": format!("ask/{id}"), "choices": self.choices,
        });
        let path = format!("/api/events/{}", self.channel);
        let request =
            ApiRequest::post(path.clone(), entry.to_string()).with("idempotency-key", &format!("ask/{id}"));
        let stored = asking.ask(&request, Instant::now() + STORED_WITHIN).await?;
        // Under a key that was used before, the server stores nothing, and returns what it has.
        let asked: Vec<_> = self.choices.iter().map(|choice| clean_line(choice)).collect();
        anyhow::ensure!(
            stored["choices"] == json!(asked),
            "--key {id} belongs to a question with other choices: give another key"
        );
        Ok(format!("{path}/{}/answer", stored["offset"]))
    }

    fn print(&self, state: &Value) -> io::Result<u8> {
        let (answer, by) = (&state["answer"], &state["by"]);
        let Some(choice) = answer.as_str() else {
            super::tell("nobody answered in time, or the question was closed");
            return Ok(TIMED_OUT);
        };
        let line = match self.json {
            true => json!({ "answer": choice, "by": by }).to_string(),
            false => clean_line(choice),
        };
        writeln!(stdout(), "{line}")?;
        Ok(0)
    }
}

/// The connection, over times when the server is away.
struct Asking {
    connection: Connection,
    backoff: Backoff,
}

impl Asking {
    /// Sends a request until the server answers, or the deadline is over.
    async fn ask(&mut self, request: &ApiRequest, deadline: Instant) -> Result<Value, ClientError> {
        loop {
            let error = match self.connection.ask(request).await {
                Ok(answer) => {
                    self.backoff.reset();
                    return Ok(serde_json::from_slice(&answer.body).unwrap_or_default());
                }
                Err(error) if error.is_temporary() => error,
                Err(error) => return Err(error),
            };
            let again = Instant::now() + self.backoff.next(error.retry_after());
            if again > deadline {
                return Err(error);
            }
            sleep_until(again).await;
        }
    }

    /// Waits for the answer; `None`: nobody gave one in time.
    async fn answer(&mut self, path: &str, deadline: Instant) -> Result<Option<Value>, ClientError> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            let wait = left.as_secs().min(WAIT_SECONDS);
            let asked_at = Instant::now();
            let request = ApiRequest::get(format!("{path}?wait={wait}"));
            match self.ask(&request, deadline).await {
                Ok(state) if state["open"] == true => {}
                Ok(state) => return Ok(Some(state)),
                Err(error) if error.is_temporary() => return Ok(None),
                Err(error) => return Err(error),
            }
            // The rest of the last second.
            if wait == 0 {
                sleep_until(deadline.min(asked_at + Duration::from_millis(200))).await;
            }
        }
    }
}
