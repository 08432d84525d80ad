//! The server: its start and its stop. `cli` calls [`run`]; the tests [`bind`] to port 0 and serve by themselves.
//!
//! From top to bottom; each part imports only those below it (`make check` verifies it, scripts/layers.py has the
//! table):
//!
//! * `cli`, `http`: commands; requests and live connections
//! * `state`: everything that a request can reach, built once
//! * `notify`: push notifications
//! * `search`: what people look for, and may find
//! * `chat`, `feed`, `files`: the rooms, the feed, the files that people upload
//! * `authz`: authorization
//! * `log`, `presence`, `auth`: the logs; the users who are in a room now; authentication
//! * `limits`, `cluster`: rate and connection limits; the other nodes
//! * `error`: the errors of a request
//! * `store`: SQLite and PostgreSQL
//! * `words`: the words of a text, for the index and for what is looked for in it
//! * `clock`, `observability`: the time; log and metrics
//! * `config`: the settings

pub mod auth;
pub mod authz;
pub mod chat;
pub mod cli;
pub mod clock;
pub mod cluster;
pub mod config;
pub mod emoji;
pub mod error;
pub mod export;
pub mod feed;
pub mod files;
pub mod http;
pub mod limits;
pub mod log;
pub mod markdown;
pub mod notify;
pub mod observability;
pub mod outgoing;
pub mod presence;
pub mod search;
pub mod state;
pub mod store;
pub mod words;

use std::{io, net::SocketAddr, time::Duration};

use anyhow::Context;
use tokio::{net::TcpListener, time::timeout};
use tokio_util::sync::CancellationToken;

use self::{
    auth::operator::Operator, cli::signals::Signals, clock::Clock, limits::connections::ConnectionLimiter,
    state::AppState,
};
pub use self::{cli::Cli, config::Config};

/// Time after the stop within which requests may be answered, before they are cut. With what follows and the writer's
/// drain it stays below 10 s.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(6);
/// Time within which streams and sockets may still take their last frames, which were written at the stop.
const LIVE_DRAIN_TIMEOUT: Duration = Duration::from_secs(2);
/// The time between two searches for actions to forget.
const FORGET_INTERVAL: Duration = Duration::from_secs(3_600);

/// Runs until a signal stops it, then ends everything cleanly; a second signal ends it at once.
///
/// # Errors
/// It cannot start, or did not end cleanly; `cli::exit` has the exit code.
pub async fn run(config: Config) -> anyhow::Result<()> {
    let server = bind(limits::descriptors::bounded(config)).await?;
    // Before the log says that it runs. Until here a signal just ends it.
    let mut signals = Signals::install().context("cannot install the signal handlers")?;
    tracing::info!("listening on http://{}", server.address);
    if let Some(link) = server.setup_link().await? {
        // The link is a secret for the person who starts the server: it is printed and not logged.
        observability::logging::tell(&format!(
            "there is no administrator yet. Open this link to become the first one; it works once:\n  {link}"
        ));
    }
    let stop = server.state.lifetime.stop.clone();
    let forced = async move {
        signals.stop().await;
        tracing::info!("stopping");
        stop.cancel();
        cli::exit::ForcedStop { signal: signals.forced_stop().await }
    };
    tokio::select! {
        ended = server.serve() => ended,
        forced = forced => Err(forced.into()),
    }
}

/// A server that has its address and its data and does not answer yet.
pub struct Server {
    /// The address on which it listens; the port is the real one.
    pub address: SocketAddr,
    /// Its state.
    pub state: AppState,
    listener: TcpListener,
    config: Config,
}

/// Opens the port and the data.
///
/// # Errors
/// The settings cannot be meant, the port cannot be had, or the data cannot be opened.
pub async fn bind(config: Config) -> anyhow::Result<Server> {
    let clock = Clock::system(config.clock_patience.0);
    bind_with_clock(config, clock).await
}

/// Opens the port and the data, with a clock of the caller's.
pub async fn bind_with_clock(config: Config, clock: Clock) -> anyhow::Result<Server> {
    let guests_come_in = config.auth == config::AuthSetting::Guest;
    config::site::check_exposure(config.listen, guests_come_in, config.open_to_guests)?;
    // The port comes before the data: a start that cannot serve makes nothing.
    let listener = TcpListener::bind(config.listen).await.map_err(|error| not_bound(&config, &error))?;
    let state = AppState::open(&config, clock).await?;
    let address = listener.local_addr().context("the socket has no address")?;
    if !config::site::is_loopback(address.ip()) {
        tracing::warn!(
            "other machines can reach this address: to publish from there, programs need a token (/api/publishers)"
        );
    }
    if let Operator::ByKey(_) = &state.operator {
        tracing::info!(
            "behind a proxy, local requests are not trusted: create publishers and tokens \
            with Authorization: Bearer and the key in the file operator-key of the data folder"
        );
    }
    if let Some(url) = config.public_url.as_ref().filter(|_| guests_come_in && !config.open_to_guests) {
        tracing::warn!("anyone who opens {} can enter as a guest", url.as_str());
    }
    Ok(Server { address, state, listener, config })
}

/// The error of an address on which it cannot listen, with advice.
fn not_bound(config: &Config, error: &io::Error) -> anyhow::Error {
    let advice = match error.kind() {
        io::ErrorKind::AddrInUse => "another program has it; choose a port with --listen 127.0.0.1:PORT",
        io::ErrorKind::PermissionDenied => {
            "ports below 1024 need rights; choose a port with --listen 127.0.0.1:PORT"
        }
        io::ErrorKind::AddrNotAvailable => "this machine does not have the address; see --listen",
        _ => "see --listen",
    };
    anyhow::anyhow!("cannot listen on {}: {error} ({advice})", config.listen)
}

impl Server {
    /// Makes the link with which the first administrator joins; an earlier one ends. `None`: there is an administrator
    /// already, or users have no accounts here.
    pub async fn setup_link(&self) -> anyhow::Result<Option<String>> {
        let Some(accounts) = self.state.auth.accounts() else { return Ok(None) };
        let token =
            accounts.make_setup_link().await.context("the first administrator's link cannot be made")?;
        let site = self.state.site.public_url().map(|origin| origin.as_str().to_owned());
        let site = site.unwrap_or_else(|| format!("http://{}", self.address));
        Ok(token.map(|token| format!("{site}/join/{token}")))
    }

    /// Answers requests until the state's stop token is cancelled, then ends everything that is open.
    pub async fn serve(self) -> anyhow::Result<()> {
        let Self { address, state, listener, config } = self;
        let stop = state.lifetime.stop.clone();
        let background = start_background(&state, &config, address);
        let router = http::router(state.clone());
        let options = http::serve::accept::ServeOptions {
            connection_limiter: ConnectionLimiter::new(&config.limits, state.metrics.clone()),
            head_timeout: config.head_timeout.0,
            write_timeout: config.write_timeout.0,
        };
        let serve = http::serve::accept::serve(listener, router, options, stop.clone());
        // The time-out begins at the stop, not at the start.
        let deadline = async {
            stop.cancelled().await;
            tokio::time::sleep(DRAIN_TIMEOUT).await;
        };
        tokio::select! {
            () = serve => {}
            () = deadline => tracing::warn!("closed connections that did not end in time"),
        }
        state.lifetime.live.close();
        if timeout(LIVE_DRAIN_TIMEOUT, state.lifetime.live.wait()).await.is_err() {
            tracing::warn!("closed live connections that did not end in time");
        }
        state.chat.presence().close();
        background.close();
        background.wait().await;
        state.hub.store().close().await;
        // The last, because closing the store still announces entries that were under way.
        state.backplane.close().await;
        tracing::info!("stopped");
        Ok(())
    }
}

/// Forgets at intervals what was done long ago.
async fn forget_actions(state: AppState, age_ms: i64) {
    let mut ticks = tokio::time::interval(FORGET_INTERVAL);
    while state.lifetime.stop.run_until_cancelled(ticks.tick()).await.is_some() {
        if let Err(error) = state.rights.forget_actions(state.clock.settled_ms().saturating_sub(age_ms)).await
        {
            tracing::error!(%error, "cannot forget old actions");
        }
    }
}

/// Starts the tasks that end at the stop.
fn start_background(state: &AppState, config: &Config, address: SocketAddr) -> tokio_util::task::TaskTracker {
    let background = tokio_util::task::TaskTracker::new();
    let stop: &CancellationToken = &state.lifetime.stop;
    let (chat, swept) = (state.chat.clone(), stop.clone());
    background.spawn(async move { chat.sweep(swept).await });
    let (activity, ended) = (state.chat.activity().clone(), stop.clone());
    background.spawn(async move { activity.run(ended).await });
    let (notifier, ended) = (state.notifier.clone(), stop.clone());
    background.spawn(async move { notifier.run(ended).await });
    let (files, ended) = (state.files.clone(), stop.clone());
    background.spawn(async move { files.run(ended).await });
    background.spawn(state.outgoing.clone().run(stop.clone()));
    background.spawn(state.heartbeats.clone().watch(stop.clone()));
    background.spawn(state.scheduled.clone().run(stop.clone()));
    let presence = state.chat.presence().clone();
    background.spawn(async move { presence.exchange().await });
    let (chat, ended) = (state.chat.clone(), stop.clone());
    background.spawn(async move { chat.signs().exchange(ended).await });
    background.spawn(search::indexing::run(state.hub.store().clone(), state.metrics.clone(), stop.clone()));
    let (auth, swept) = (state.auth.clone(), stop.clone());
    background.spawn(async move { auth.sweep(swept).await });
    let (replica, ended) = (state.directory_replica.clone(), stop.clone());
    background.spawn(async move { replica.run(ended).await });
    let (limits, swept) = (state.limits.clone(), stop.clone());
    background.spawn(async move { limits.sweep(swept).await });
    if state.backplane.is_shared() {
        let (hub, connectivity, watched) = (state.hub.clone(), state.backplane.connectivity(), stop.clone());
        background.spawn(async move { hub.watch_heads(connectivity, watched).await });
    }
    background.spawn(state.clock_record.clone().keep(state.clock.clone(), stop.clone()));
    let (hub, clock, kept, ended) = (state.hub.clone(), state.clock.clone(), config.clone(), stop.clone());
    background.spawn(forget_actions(state.clone(), config.retention.action_age_ms()));
    let rights = state.rights.clone();
    background.spawn(async move {
        log::retention::run(hub, &clock, &kept, |room| rights.is_removed(room), ended).await;
    });
    let (directory, clock, ended) = (state.directory_replica.clone(), state.clock.clone(), stop.clone());
    let interval = config.retention.trim_interval.0;
    background.spawn(async move { auth::sweep_submissions(&*directory, &clock, interval, ended).await });
    if !config.no_measure {
        let channel =
            config::node_channel::channel(config.node_name.as_deref(), address, state.backplane.is_shared());
        background.spawn(feed::self_metrics::run(
            state.feed.clone(),
            channel,
            state.metrics.clone(),
            stop.clone(),
        ));
    }
    background
}
