//! Everything that a request can reach, built once at the start. `server` opens it, handlers and middleware get it as
//! their state. It decides nothing itself.

pub mod readiness;

use std::{fs, io, ops::Deref, path::Path, sync::Arc, time::Duration};

use anyhow::{Context, anyhow};
use leptos::config::LeptosOptions;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::readiness::Readiness;
use super::{
    auth::{
        Accounts, Auth, HookTemplates, Mode, OpenChannels, SESSION_KEY_FILE, Secret, Submissions,
        issuer::Issuer, operator::Operator, publishers::Publishers,
    },
    authz::Rights,
    chat::{self, Chat, ChatSettings, PushQueue},
    clock::Clock,
    cluster::{
        backplane::{Backplane, Local, Redis},
        directory_replica::{self, ChangeListener, DirectoryReplica},
        dispatcher::Dispatcher,
    },
    config::{AuthSetting, BadSetting, Config, DirectMessages, Retention, node_channel, site::Site},
    export::Exports,
    feed::{self, Feed, heartbeats::Heartbeats, scheduled::ScheduledNotifications},
    files::Files,
    limits::{LiveConnectionLimiter, RateLimits, TrustedProxies},
    log::{
        hub::Hub,
        topic::{Encoders, Topics},
    },
    notify::Notifier,
    observability::metrics::Metrics,
    outgoing::Outgoing,
    presence,
    search::Searching,
    store::{
        Bounds, Sharing, StoreError, TopicName,
        clock_record::ClockRecord,
        directory::DocumentStore,
        location::{Location, Opened},
    },
};
use crate::protocol::transport::Transport;

/// The state of the server. It is one pointer, because every layer that a request passes clones it.
#[derive(Clone)]
pub struct AppState(Arc<Parts>);

impl Deref for AppState {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// The parts of the state.
pub struct Parts {
    /// The rooms.
    pub chat: Arc<Chat>,
    /// The search over rooms and feed.
    pub searching: Searching,
    /// The files.
    pub files: Arc<Files>,
    /// Archives to take away.
    pub exports: Arc<Exports>,
    /// Push notifications.
    pub notifier: Arc<Notifier>,
    /// The feed.
    pub feed: Arc<Feed>,
    /// Outgoing webhooks.
    pub outgoing: Arc<Outgoing>,
    /// The jobs that are expected to ping.
    pub heartbeats: Arc<Heartbeats>,
    /// Notifications that are published later.
    pub scheduled: Arc<ScheduledNotifications>,
    /// The bounds within which the feed is kept.
    pub feed_retention: Retention,
    /// The log under both, for housekeeping.
    pub hub: Hub,
    /// The other nodes.
    pub backplane: Arc<dyn Backplane>,
    /// The time.
    pub clock: Arc<Clock>,
    /// The stored state of the clock.
    pub(super) clock_record: ClockRecord,
    /// Authentication: the user of a token.
    pub auth: Arc<Auth>,
    /// The operator, who acts as administrator where users have no accounts.
    pub operator: Operator,
    /// This node's copy of the documents of accounts and rights, which all nodes share.
    pub directory_replica: Arc<DirectoryReplica>,
    /// Authorization: what users may do.
    pub rights: Arc<Rights>,
    /// The limits of rates and of connections.
    pub limits: Arc<RateLimits>,
    /// The limits of live connections.
    pub live_connections: LiveConnectionLimiter,
    /// The proxies whose headers about the client are trusted.
    pub trusted_proxies: TrustedProxies,
    /// Counters, gauges and histograms.
    pub metrics: Arc<Metrics>,
    /// The options of Leptos.
    pub leptos: LeptosOptions,
    /// The answer for `/readyz`.
    pub readiness: Readiness,
    /// The channels to which programs may publish without a token.
    pub open_channels: OpenChannels,
    /// Programs that may publish.
    pub publishers: Arc<Publishers>,
    /// The templates of webhooks and publishers.
    pub templates: HookTemplates,
    /// The record of forms, by which one that is sent twice is stored once.
    pub submissions: Submissions,
    /// The addresses of this server, and the origins whose pages may use it.
    pub site: Arc<Site>,
    /// The only transport that pages may use, if there is such a setting.
    pub transport: Option<Transport>,
    /// Most bytes of the body of a webhook's sender.
    pub max_hook_body: usize,
    /// Longest time for which a live connection may accept nothing of what is written to it.
    pub write_timeout: Duration,
    /// The stop of the server, and the connections that have to end before it.
    pub lifetime: Lifetime,
}

/// The signal to connections that the server stops, and the means to wait until they have ended.
#[derive(Clone, Debug, Default)]
pub struct Lifetime {
    /// Cancelled when the server stops: every stream and socket ends on it.
    pub stop: CancellationToken,
    /// The sockets and streams, which the HTTP server does not wait for.
    pub live: TaskTracker,
}

impl AppState {
    /// Opens the data folder and builds everything on it.
    ///
    /// # Errors
    /// A setting cannot be meant ([`BadSetting`] and others, for which `cli::exit` has a code), or the data, the
    /// database or Redis cannot be used.
    pub async fn open(config: &Config, clock: Clock) -> anyhow::Result<Self> {
        let data = &config.data;
        // Errors of settings come first: a start that they end makes nothing.
        let location = Location::of(config.database.database_url.as_ref(), data)?
            .signed_by(config.database.database_ca.clone());
        let secret = config.jwt_secret.as_deref().map(Secret::from_setting).transpose()?;
        if secret.is_none() && config.redis_url.is_some() {
            let fault = "nodes that share a Redis must sign sessions with the same key: give all of them the same \
                         JWT_SECRET, for example from: openssl rand -hex 32";
            return Err(BadSetting(fault.to_owned()).into());
        }
        make_data_folder(data)?;
        let secret = match secret {
            Some(secret) => secret,
            None => Secret::load_or_create(data, SESSION_KEY_FILE)?,
        };
        let metrics = Arc::new(Metrics::default());
        let (backplane, sharing): (Arc<dyn Backplane>, _) = match &config.redis_url {
            Some(url) => (Arc::new(Redis::start(url, config.redis_ca.as_deref())?), Sharing::WithNodes),
            None => (Arc::new(Local::new()), Sharing::Alone),
        };
        let encoders = Encoders {
            feed: feed::encode_entry,
            room: chat::encode_entry,
            user: chat::encode_mark,
            erases: chat::erases,
            feed_document: feed::document_of,
            room_document: chat::document_of,
        };
        let topics = Topics::start(encoders, metrics.clone(), backplane.clone())
            .context("the threads that deliver cannot be started")?;
        let topics = Arc::new(topics);
        let opened = location.open(
            config.database.database_connections,
            sharing,
            config.database.file_settings(),
            topics.clone(),
        );
        let Opened { store, directory } = opened.await.map_err(|error| not_opened(&location, error))?;
        // Before anything is appended: entries get their timestamps from the clock that is checked here.
        let node = node_channel::channel(config.node_name.as_deref(), config.listen, backplane.is_shared());
        let (clock_record, remembered) = ClockRecord::open(directory.clone(), node).await?;
        clock.start_from(store.newest_timestamp(clock.wall_ms()).await?, remembered);
        let clock = Arc::new(clock);
        let hub = Hub::new(store, topics.clone());
        let anonymous_read = config.auth == AuthSetting::Guest || config.guests_read;
        let replica = DirectoryReplica::open(directory, backplane.clone()).await;
        let replica = replica.context("the rights cannot be read")?;
        let directory: Arc<dyn DocumentStore> = replica.clone();
        let rights = Rights::open(&replica, hub.clone(), anonymous_read).await;
        let rights = Arc::new(rights.context("the rights cannot be read")?);
        let mode = match config.auth {
            AuthSetting::Guest => Mode::Guest,
            AuthSetting::Accounts => Mode::Accounts(Accounts::new(directory.clone(), clock.clone())),
            AuthSetting::Jwt => Mode::Issuer(Box::new(Issuer::from_config(config)?)),
        };
        let auth = Arc::new(Auth::new(mode, &secret, directory.clone(), clock.clone()));
        let (rooms, sessions): (Arc<dyn ChangeListener>, Arc<dyn ChangeListener>) =
            (rights.clone(), auth.clone());
        replica.attach(vec![Arc::downgrade(&rooms), Arc::downgrade(&sessions)]);
        let site = Site::new(config.listen, config.public_url.clone(), config.allow_origin.clone());
        // Another system sets the cookie by its documented name.
        let is_named = config.auth != AuthSetting::Jwt;
        let site = if is_named { site.of_installation(secret.name()) } else { site };
        let operator = Operator::open(config, &site)?;
        let open_channels = OpenChannels::parse(&config.open_channels)
            .map_err(|rejection| BadSetting(format!("--open-channels: {}", rejection.message)))?;
        let limits = Arc::new(RateLimits::new(&config.limits, &backplane));
        let live_connections =
            LiveConnectionLimiter::new(config.max_connections, &config.limits, metrics.clone());
        let (shared, max_rooms) = (backplane.clone(), config.max_rooms);
        let may_start_direct = match config.direct_messages {
            DirectMessages::Everybody => true,
            DirectMessages::Members => config.auth != AuthSetting::Guest,
            DirectMessages::Nobody => false,
        };
        let removed_files = Arc::new(tokio::sync::Notify::new());
        let settings = ChatSettings {
            editing: config.editing,
            group_mentions: config.group_mentions,
            may_start_direct,
            away_after: config.away_after.0,
            removed_files: removed_files.clone(),
        };
        rights
            .drop_lost_reservations(&hub.store().rooms().await?, &clock)
            .await
            .context("the rooms cannot be read")?;
        let queue = PushQueue::new((!config.push.no_push).then(|| directory.clone()));
        let chat =
            Chat::open(hub.clone(), rights.clone(), limits.clone(), shared, max_rooms, settings, queue).await;
        let chat = Arc::new(chat.context("the rooms cannot be read")?);
        let files =
            Files::open(config, hub.clone(), rights.clone(), limits.clone(), clock.clone(), removed_files)
                .await?;
        let files = Arc::new(files);
        let feed = Arc::new(Feed::new(hub.clone(), rights.clone()));
        let notifier = Notifier::open(
            config,
            (chat.clone(), feed.clone(), auth.clone()),
            directory.clone(),
            clock.clone(),
            (limits.clone(), metrics.clone()),
            backplane.is_shared(),
        );
        let notifier = Arc::new(notifier.await.context("the key for push services cannot be read or made")?);
        let lifetime = Lifetime::default();
        let exports = Exports::new(
            hub.clone(),
            (chat.clone(), files.clone(), notifier.clone()),
            limits.clone(),
            clock.clone(),
            lifetime.stop.clone(),
        );
        let heartbeats =
            Heartbeats::new(feed.clone(), directory.clone(), clock.clone(), backplane.is_shared());
        let publishers = Arc::new(Publishers::new(directory.clone()));
        let scheduled = ScheduledNotifications::new(
            feed.clone(),
            publishers.clone(),
            directory.clone(),
            clock.clone(),
            backplane.is_shared(),
        );
        let outgoing = Outgoing::open(
            hub.clone(),
            rights.clone(),
            directory.clone(),
            clock.clone(),
            config.push.webhook_networks.clone(),
            backplane.is_shared(),
        )?;
        // A database that was restored from a backup is another one: its readers are told.
        let Bounds { epoch, .. } = hub.store().bounds(&TopicName::Feed).await?;
        let dispatcher = Dispatcher::new(topics)
            .with(presence::SUBJECT, chat.presence().clone())
            .with(presence::SIGNS_SUBJECT, chat.signs().clone())
            .with(chat::ACTIVITY_SUBJECT, chat.activity().clone())
            .with(directory_replica::SUBJECT, replica.clone());
        backplane.attach(epoch.as_str(), Arc::new(dispatcher));
        Ok(Self(Arc::new(Parts {
            searching: Searching::new(hub.clone(), rights.clone(), chat.clone()),
            chat,
            files,
            exports,
            notifier,
            feed,
            outgoing: Arc::new(outgoing),
            heartbeats: Arc::new(heartbeats),
            scheduled: Arc::new(scheduled),
            feed_retention: config.retention.of_feed(),
            hub,
            backplane,
            auth,
            clock,
            clock_record,
            operator,
            directory_replica: replica,
            rights,
            limits,
            live_connections,
            trusted_proxies: TrustedProxies::new(config.limits.trusted_proxies.clone()),
            metrics,
            leptos: leptos_options(),
            readiness: Readiness::default(),
            open_channels,
            publishers,
            templates: HookTemplates::new(directory),
            submissions: Submissions::new(secret),
            site: Arc::new(site),
            transport: config.transport.into(),
            max_hook_body: config.limits.max_hook_body,
            write_timeout: config.write_timeout.0,
            lifetime,
        })))
    }
}

fn make_data_folder(data: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(data).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => anyhow!(
            "the data folder {} cannot be made: there is a file of this name; choose another --data",
            data.display()
        ),
        _ => anyhow!("the data folder {} cannot be made: {error}; choose another --data", data.display()),
    })
}

/// The error of a database that cannot be opened, with what to check. The error of a file names it and the fix by
/// itself.
fn not_opened(location: &Location, error: StoreError) -> anyhow::Error {
    match (location, &error) {
        (Location::File(_), _) | (_, StoreError::Address(_) | StoreError::Encoding(_)) => error.into(),
        (
            Location::Server(_),
            StoreError::Unreachable(_) | StoreError::NoAnswer(_) | StoreError::Postgres(_),
        ) => {
            anyhow!(
                "{location} cannot be used: {error}; does it run, does the database exist, and may the user of \
                 DATABASE_URL make tables in it?"
            )
        }
        (Location::Server(_), _) => anyhow!("{location} cannot be used: {error}"),
    }
}

/// The names that Cargo.toml gives to cargo-leptos, so that the program runs without its environment.
fn leptos_options() -> LeptosOptions {
    LeptosOptions::builder().output_name("idobata").site_pkg_dir("pkg").build()
}
