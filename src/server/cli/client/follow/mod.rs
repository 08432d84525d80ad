//! `idobata follow`: prints the events of the feed, or runs a program for each. A dropped stream is resumed from the
//! cursor of the last event that was printed, so nothing is missed and nothing comes twice; with `--state` this holds
//! over the end of the process, too, but for the one event at which it was killed.

mod condition;
mod execute;
mod output;
mod since;
mod state;

use std::{future::pending, io, path::PathBuf};

use anyhow::Context;
use clap::Args;
use http_body_util::BodyExt;
use hyper::{StatusCode, body::Incoming};
use serde_json::Value;
use tokio::time::{Duration, Instant, sleep, timeout};

use self::{condition::Condition, execute::execute, output::Output, since::Since, state::StateFile};
use super::{
    backoff::Backoff,
    connection::{ApiRequest, Connection},
    error::ClientError,
    event_stream::{EventStream, StreamEvent},
    publish::channel,
    settings::ServerSettings,
    tell,
};
use crate::protocol::transport::KEEP_ALIVE_SECONDS;

/// A stream that says nothing for this long is dead: two signs of life were lost, and some time.
const SILENCE_MAX: Duration = Duration::from_secs(3 * KEEP_ALIVE_SECONDS as u64);
/// A stream that lasted this long was no failure.
const GOOD_AFTER: Duration = Duration::from_secs(1);

/// The arguments of `follow`.
#[derive(Clone, Debug, Args)]
pub(super) struct FollowCommand {
    /// Channels; without any all that one may read
    #[arg(value_name = "CHANNEL", value_parser = channel)]
    channels: Vec<String>,

    /// Where to begin: all, the newest N (up to 200), a cursor, or a time such as 10m; without it what comes from now on
    #[arg(long, value_name = "START")]
    since: Option<Since>,

    /// File that remembers the last event: where there is one, it goes on from there and --since does not count
    ///
    /// It is written when an event was printed, or its program has ended. After a kill that one event may come again;
    /// none is missed.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,

    /// Print each event as the server sends it, JSON a line
    #[arg(long)]
    json: bool,

    /// Run this command with sh for each event, one after the other, instead of printing it
    ///
    /// The event is its standard input, as JSON, and in variables: `IDOBATA_EVENT_TYPE`, _CHANNEL, _TEXT, _TITLE, _LEVEL,
    /// _TAGS, _LINK, _KEY, _VALUE, _UNIT, _DONE, _TOTAL, _STATE, _OFFSET, _TIMESTAMP. An exit code other than 0 is told, and the
    /// next event follows.
    #[arg(long, value_name = "COMMAND", conflicts_with = "json")]
    exec: Option<String>,

    /// End with an event whose member has this value, such as key=backup or level=error; repeatable: all have to hold
    #[arg(long, value_name = "NAME=VALUE")]
    until: Vec<Condition>,

    /// End after this many events
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,

    #[command(flatten)]
    server: ServerSettings,
}

/// A running command.
struct Follower {
    connection: Connection,
    /// The parameter of the channels.
    query: String,
    since: Since,
    /// The cursor of the last event that is done.
    cursor: Option<String>,
    state: Option<StateFile>,
    output: Output,
    exec: Option<String>,
    until: Vec<Condition>,
    /// The events that are still to come until the end.
    left: Option<u64>,
    in_trouble: bool,
}

/// The meaning of an event, or of the end of a stream, for the command.
enum Next {
    Go,
    /// It has what it was asked for, or nobody reads what it prints.
    End,
    /// The stream has ended; the server may have said when to come back.
    Again(Option<Duration>),
}

impl FollowCommand {
    pub(super) async fn run(self) -> anyhow::Result<u8> {
        let state = self.state.map(StateFile::open).transpose()?;
        let query = match self.channels.is_empty() {
            true => String::new(),
            false => format!("channel={}", self.channels.join(",")),
        };
        let mut follower = Follower {
            connection: Connection::new(self.server.server()?)?,
            query,
            since: self.since.unwrap_or(Since::Now),
            cursor: state.as_ref().and_then(StateFile::cursor),
            state,
            output: Output::new(self.json),
            exec: self.exec,
            until: self.until,
            left: self.count,
            in_trouble: false,
        };
        // With a program for each event nothing is printed here.
        let unread = follower.exec.is_none().then(output::unread);
        let unread = async {
            let is_unread = match unread {
                Some(unread) => unread.await.is_ok(),
                None => false,
            };
            if !is_unread {
                pending::<()>().await;
            }
        };
        tokio::select! {
            followed = follower.run() => followed?,
            () = unread => {}
        }
        match follower.output.take_error() {
            Some(error) => Err(error).context("an event cannot be printed"),
            None => Ok(0),
        }
    }
}

impl Follower {
    async fn run(&mut self) -> anyhow::Result<()> {
        let mut backoff = Backoff::default();
        loop {
            let begun = Instant::now();
            let asked = match self.stream().await {
                Ok(Next::End) => return Ok(()),
                Ok(Next::Go) => None,
                Ok(Next::Again(asked)) => asked,
                Err(error) => self.temporary(error)?,
            };
            self.connection.close();
            if begun.elapsed() >= GOOD_AFTER {
                backoff.reset();
            }
            sleep(backoff.next(asked)).await;
        }
    }

    /// The wait after a temporary error, which is told once. Others are given back.
    fn temporary(&mut self, error: anyhow::Error) -> anyhow::Result<Option<Duration>> {
        match error.downcast_ref::<ClientError>() {
            Some(client) if client.is_temporary() => {
                if !std::mem::replace(&mut self.in_trouble, true) {
                    tell(&format!("{client}; trying again until it is back"));
                }
                Ok(client.retry_after())
            }
            _ => Err(error),
        }
    }

    /// Follows one stream to its end.
    async fn stream(&mut self) -> anyhow::Result<Next> {
        let request = self.request().await?;
        let mut body = self.connection.send(&request).await?.into_body();
        let (mut events, mut retry) = (EventStream::default(), None);
        while let Some(bytes) = next_bytes(&mut body).await {
            if !events.push(&bytes) {
                break;
            }
            while let Some(event) = events.next() {
                retry = event.retry.or(retry);
                if let Next::End = self.on_event(event).await? {
                    return Ok(Next::End);
                }
            }
        }
        Ok(Next::Again(retry))
    }

    async fn request(&mut self) -> Result<ApiRequest, ClientError> {
        let start = match &self.cursor {
            Some(_) => None,
            None => self.since.parameter(&mut self.connection, &self.query).await?,
        };
        let parameters: Vec<_> = [Some(self.query.clone()), start].into_iter().flatten().collect();
        let query = parameters.iter().filter(|one| !one.is_empty()).cloned().collect::<Vec<_>>().join("&");
        let request = ApiRequest::get(format!("/api/events?{query}")).with("accept", "text/event-stream");
        Ok(match &self.cursor {
            Some(cursor) => request.with("last-event-id", cursor),
            None => request,
        })
    }

    async fn on_event(&mut self, event: StreamEvent) -> anyhow::Result<Next> {
        let StreamEvent { id, name, data, .. } = event;
        if name.as_deref() == Some("rejected") {
            return Err(self.rejected(&data).into());
        }
        let next = match serde_json::from_str::<Value>(&data) {
            Ok(json) if name.is_none() => self.on_data(&data, &json).await?,
            _ => Next::Go,
        };
        // An event that could not be printed is not done.
        if !self.output.is_closed() {
            self.move_to(id)?;
        }
        Ok(next)
    }

    async fn on_data(&mut self, data: &str, json: &Value) -> anyhow::Result<Next> {
        match json["type"].as_str() {
            Some("connected") => {
                if std::mem::take(&mut self.in_trouble) {
                    tell("connected again");
                }
                return Ok(Next::Go);
            }
            Some("reset") => {
                let cursor = json["cursor"].as_str().unwrap_or_default();
                tell(&format!(
                    "reset: events up to {cursor} are gone and were not seen; it goes on from there"
                ));
                return Ok(if self.output.reset(data) { Next::Go } else { Next::End });
            }
            _ if json["offset"].is_null() => return Ok(Next::Go),
            _ => {}
        }
        match &self.exec {
            Some(command) => execute(command, data, json).await?,
            None if !self.output.event(data, json) => return Ok(Next::End),
            None => {}
        }
        if let Some(left) = &mut self.left {
            *left -= 1;
        }
        let is_met = !self.until.is_empty() && self.until.iter().all(|condition| condition.holds(json));
        Ok(if is_met || self.left == Some(0) { Next::End } else { Next::Go })
    }

    fn move_to(&mut self, id: Option<String>) -> io::Result<()> {
        if let Some(id) = id.filter(|id| self.cursor.as_ref() != Some(id)) {
            if let Some(state) = &self.state {
                state.write(&id)?;
            }
            self.cursor = Some(id);
        }
        Ok(())
    }

    fn rejected(&self, data: &str) -> ClientError {
        let problem: Value = serde_json::from_str(data).unwrap_or_default();
        let detail = problem["detail"].as_str().unwrap_or("the session has ended").to_owned();
        ClientError::Refused { url: self.connection.url(), status: StatusCode::UNAUTHORIZED, detail }
    }
}

/// The next bytes of a stream; `None` when it has ended, or nothing came for too long.
async fn next_bytes(body: &mut Incoming) -> Option<hyper::body::Bytes> {
    loop {
        let frame = timeout(SILENCE_MAX, body.frame()).await.ok()??.ok()?;
        if let Ok(bytes) = frame.into_data() {
            return Some(bytes);
        }
    }
}
