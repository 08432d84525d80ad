//! Everything a request can reach, put together once. Cheap to clone.

use std::{fs, sync::Arc, time::Duration};

use anyhow::Context;
use axum::extract::FromRef;
use leptos::config::LeptosOptions;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    auth::{Secret, Sessions},
    chat::{self, Chat},
    config::Config,
    feed::{self, Feed},
    hub::Hub,
    metrics::Metrics,
    store::{Record, Store, TopicName, sqlite::SqliteStore},
    topic::Topics,
};
use crate::protocol::transport::Transport;

/// The database's name in the data folder.
const DATABASE: &str = "idobata.db";

/// See the module.
#[derive(Clone, FromRef)]
pub struct AppState {
    /// The rooms.
    pub chat: Arc<Chat>,
    /// The feed.
    pub feed: Arc<Feed>,
    /// The log under both, for housekeeping.
    pub hub: Hub,
    /// Tokens.
    pub sessions: Arc<Sessions>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// What Leptos wants to know.
    pub leptos: LeptosOptions,
    /// Who may publish.
    pub publishing: Publishing,
    /// The only transport that pages may use, if there is such a setting.
    pub transport: Option<Transport>,
    /// How long a live connection may take nothing of what is written to it.
    pub write_timeout: Duration,
    /// The program's ending, and what has to end before it.
    pub lifetime: Lifetime,
}

/// Who may publish to the feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Publishing {
    /// Whoever reaches this server, which listens on loopback.
    Anyone,
    /// Only callers from this machine.
    Loopback,
}

/// How connections learn that the server stops, and how the server knows that they have ended.
#[derive(Clone, Debug, Default)]
pub struct Lifetime {
    /// Cancelled when the server stops: every stream and socket ends on it.
    pub stop: CancellationToken,
    /// The sockets and streams, which the HTTP server does not wait for.
    pub live: TaskTracker,
}

impl AppState {
    /// Opens the data folder and builds everything on it.
    pub async fn open(config: &Config) -> anyhow::Result<Self> {
        let data = &config.data;
        fs::create_dir_all(data)
            .with_context(|| format!("the data folder {} cannot be made", data.display()))?;
        let secret = match &config.jwt_secret {
            Some(text) => Secret::from_setting(text)?,
            None => Secret::load_or_create(data)?,
        };
        let metrics = Arc::new(Metrics::new(config.max_connections));
        let topics =
            Topics::start(encode, metrics.clone()).context("the threads that deliver cannot be started")?;
        let topics = Arc::new(topics);
        let path = data.join(DATABASE);
        let store: Arc<dyn Store> = Arc::new(
            SqliteStore::open(&path, topics.clone())
                .with_context(|| format!("the database {} cannot be opened", path.display()))?,
        );
        let hub = Hub::new(store, topics);
        let chat = Chat::open(hub.clone(), config.max_rooms).await.context("the rooms cannot be read")?;
        Ok(Self {
            chat: Arc::new(chat),
            feed: Arc::new(Feed::new(hub.clone())),
            hub,
            sessions: Arc::new(Sessions::new(&secret)),
            metrics,
            leptos: leptos_options(),
            publishing: if config.listen.ip().is_loopback() {
                Publishing::Anyone
            } else {
                Publishing::Loopback
            },
            transport: config.transport.into(),
            write_timeout: config.write_timeout.0,
            lifetime: Lifetime::default(),
        })
    }
}

/// How each topic's entries look on the wire.
fn encode(record: &Record) -> String {
    match record.topic {
        TopicName::Feed => feed::encode_entry(record),
        TopicName::Room(_) => chat::encode_message(record),
    }
}

/// The names that Cargo.toml gives to cargo-leptos, so that the program runs without its environment.
fn leptos_options() -> LeptosOptions {
    LeptosOptions::builder().output_name("idobata").site_pkg_dir("pkg").build()
}
