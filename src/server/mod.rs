//! The server. `main` calls [`run`]; the tests [`bind`] to port 0 and do the same.
//!
//! From above to below, each imports only what stands below it (`make check` holds us to it, scripts/layers.py has the table):
//!
//! * `cli`, `http`: commands; requests and live connections
//! * `state`: everything a request can reach, put together once
//! * `chat`, `feed`: the rooms, the feed
//! * `authz`: who may do what
//! * `log`, `presence`, `auth`: the logs; who is in a room now; who somebody is
//! * `limits`, `cluster`: rate and connection limits; the other nodes
//! * `store`: SQLite and PostgreSQL
//! * `clock`, `observability`, `config`: the time; log and metrics; the settings

pub mod auth;
pub mod authz;
pub mod chat;
pub mod cli;
pub mod clock;
pub mod cluster;
pub mod config;
pub mod error;
pub mod feed;
pub mod http;
pub mod limits;
pub mod log;
pub mod observability;
pub mod presence;
pub mod state;
pub mod store;

use std::{io, net::SocketAddr, time::Duration};

use anyhow::Context;
use tokio::{net::TcpListener, time::timeout};
use tokio_util::sync::CancellationToken;

use self::{
    auth::operator::Operator, cli::signals::Signals, clock::Clock, limits::connections::ConnectionLimiter,
    state::AppState,
};
pub use self::{cli::Cli, config::Config};

/// How long requests may be answered after the stop, before they are cut. With what follows and the writer's drain
/// it stays below 10 s.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(6);
/// How long streams and sockets may still take their last words; they got them at the stop.
const LIVE_DRAIN_TIMEOUT: Duration = Duration::from_secs(2);

/// Runs until a signal says to stop, then ends everything cleanly; a second signal ends it at once.
///
/// # Errors
/// It cannot start, or did not end cleanly; `exit` knows what that means for the next start.
pub async fn run(config: Config) -> anyhow::Result<()> {
    let server = bind(limits::descriptors::bounded(config)).await?;
    // Before anybody is told that it runs. Until here a signal just ends it.
    let mut signals = Signals::hear().context("the system takes no signal handlers")?;
    tracing::info!("listening on http://{}", server.address);
    if let Some(connectivity) = server.setup_link().await? {
        // What is secret is not logged; it is for who starts the server.
        observability::logging::tell(&format!(
            "nobody is administrator yet. Who opens this link becomes the first one; it works once:\n  {connectivity}"
        ));
    }
    let stop = server.state.lifetime.stop.clone();
    let hurried = async move {
        signals.stop().await;
        tracing::info!("stopping");
        stop.cancel();
        cli::exit::Hurried { signal: signals.hurry().await }
    };
    tokio::select! {
        ended = server.serve() => ended,
        hurried = hurried => Err(hurried.into()),
    }
}

/// A server that has its address and its data and is not answering yet.
pub struct Server {
    /// Where it listens; the port is the real one.
    pub address: SocketAddr,
    /// What it serves.
    pub state: AppState,
    listener: TcpListener,
    config: Config,
}

/// Opens the port and the data.
pub async fn bind(config: Config) -> anyhow::Result<Server> {
    let clock = Clock::system(config.clock_patience.0);
    bind_with_clock(config, clock).await
}

/// The same on a clock of the caller's.
pub async fn bind_with_clock(config: Config, clock: Clock) -> anyhow::Result<Server> {
    let guests_come_in = config.auth == config::AuthSetting::Guest;
    config::site::check_exposure(config.listen, guests_come_in, config.open_to_guests)?;
    // Before the data: a start that cannot serve makes nothing.
    let listener = TcpListener::bind(config.listen).await.map_err(|error| not_bound(&config, &error))?;
    let state = AppState::open(&config, clock).await?;
    let address = listener.local_addr().context("the socket has no address")?;
    if !config::site::is_loopback(address.ip()) {
        tracing::warn!(
            "others can reach this address: to publish from elsewhere, programs need a token (/api/publishers)"
        );
    }
    if let Operator::ByKey(_) = &state.operator {
        tracing::info!(
            "behind a proxy nobody is known by being on this machine: publishers are made, and tokens given, \
            with Authorization: Bearer and the key in the file operator-key of the data folder"
        );
    }
    if let Some(url) = config.public_url.as_ref().filter(|_| guests_come_in && !config.open_to_guests) {
        tracing::warn!("whoever opens {} may come in as a guest", url.as_str());
    }
    Ok(Server { address, state, listener, config })
}

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
    /// The address at which the first administrator joins; the one before it ends. `None`: there is one already, or
    /// people have no accounts here.
    pub async fn setup_link(&self) -> anyhow::Result<Option<String>> {
        let Some(accounts) = self.state.auth.accounts() else { return Ok(None) };
        let token =
            accounts.make_setup_link().await.context("the first administrator's link cannot be made")?;
        let site = self.state.site.public_url().map(|origin| origin.as_str().to_owned());
        let site = site.unwrap_or_else(|| format!("http://{}", self.address));
        Ok(token.map(|token| format!("{site}/join/{token}")))
    }

    /// Answers requests until the state's stop token is cancelled, then ends what is open.
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
        // The time-out runs from the stop, not from the start.
        let deadline = async {
            stop.cancelled().await;
            tokio::time::sleep(DRAIN_TIMEOUT).await;
        };
        tokio::select! {
            () = serve => {}
            () = deadline => tracing::warn!("some connections did not end in time and were cut"),
        }
        state.lifetime.live.close();
        if timeout(LIVE_DRAIN_TIMEOUT, state.lifetime.live.wait()).await.is_err() {
            tracing::warn!("some live connections did not end in time and were cut");
        }
        state.chat.presence().close();
        background.close();
        background.wait().await;
        state.hub.store().close().await;
        // The last, because closing the store still announces what was under way.
        state.backplane.close().await;
        tracing::info!("stopped");
        Ok(())
    }
}

fn start_background(state: &AppState, config: &Config, address: SocketAddr) -> tokio_util::task::TaskTracker {
    let background = tokio_util::task::TaskTracker::new();
    let stop: &CancellationToken = &state.lifetime.stop;
    let (chat, swept) = (state.chat.clone(), stop.clone());
    background.spawn(async move { chat.sweep(swept).await });
    let presence = state.chat.presence().clone();
    background.spawn(async move { presence.exchange().await });
    let (auth, swept) = (state.auth.clone(), stop.clone());
    background.spawn(async move { auth.sweep(swept).await });
    let (following, ended) = (state.following.clone(), stop.clone());
    background.spawn(async move { following.run(ended).await });
    let (limits, swept) = (state.limits.clone(), stop.clone());
    background.spawn(async move { limits.sweep(swept).await });
    if state.backplane.is_shared() {
        let (hub, connectivity, watched) = (state.hub.clone(), state.backplane.connectivity(), stop.clone());
        background.spawn(async move { hub.watch_heads(connectivity, watched).await });
    }
    background.spawn(state.clock_record.clone().keep(state.clock.clone(), stop.clone()));
    let (hub, clock, kept, ended) = (state.hub.clone(), state.clock.clone(), config.clone(), stop.clone());
    background.spawn(async move { log::retention::run(hub, &clock, &kept, ended).await });
    let (directory, clock, ended) = (state.following.clone(), state.clock.clone(), stop.clone());
    let interval = config.trim_interval.0;
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
