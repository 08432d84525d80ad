//! The settings: flags and environment variables, their defaults and the reasons for them. `cli` reads them, and every
//! part of the server may import them. Groups stand in files of their own ([`DatabaseSettings`], [`TokenSettings`],
//! [`RetentionSettings`], [`Limits`]); the order of the fields is that of `--help`, whose texts their doc comments are.
//! The settings import nothing else of the server and must never show a secret.

mod bad_setting;
mod choices;
mod database;
mod editing;
pub(super) mod environment;
mod limits;
pub mod node_channel;
mod open_channels;
mod push;
mod redis_url;
mod retention;
mod sign_in_url;
pub mod site;
pub mod tls;
mod tokens;
mod uploads;
mod values;

use std::{net::SocketAddr, path::PathBuf};

use clap::Parser;

pub use self::{
    bad_setting::BadSetting,
    choices::{AuthSetting, DirectMessages, GroupMentions, LogFormat, TransportSetting},
    database::{DEFAULT_MAX_WAL_BYTES, DatabaseSettings, DatabaseUrl, FileSettings},
    editing::EditingSettings,
    limits::{Limit, Limits, Rate},
    open_channels::OpenChannels,
    push::PushSettings,
    redis_url::RedisUrl,
    retention::{Retention, RetentionSettings},
    sign_in_url::SignInUrl,
    tokens::{TokenAlgorithm, TokenSettings},
    uploads::{BucketPlace, BucketSettings, FilesLocation, FilesPlace, FilesSecret, UploadSettings},
    values::{TimeSpan, listen_address},
};
use self::{
    node_channel::node_name,
    site::{Origin, public_url},
    values::{within, yes_or_no},
};

/// A self-hosted live event feed with chat rooms beside it.
#[derive(Clone, Debug, Parser)]
#[command(name = "idobata", version, about, after_help = AFTER_HELP)]
pub struct Config {
    /// Address and port to listen on
    ///
    /// Port 0 picks a free port and prints it. An address that other machines can reach needs --open-to-guests, and
    /// programs on them need a publisher's token to publish.
    #[arg(long, env = "IDOBATA_LISTEN", default_value = "127.0.0.1:3000", value_name = "ADDRESS", value_parser = listen_address)]
    pub listen: SocketAddr,

    /// URL at which users reach this server, such as `https://idobata.example`
    ///
    /// https means that TLS ends in front of this server: cookies are then sent over TLS only, and browsers are told to
    /// use nothing else. Requests to names other than this one, localhost and IP addresses are rejected. The URL has no
    /// path: give the server a host name of its own.
    #[arg(long, env = "IDOBATA_PUBLIC_URL", value_name = "URL", value_parser = public_url)]
    pub public_url: Option<Origin>,

    /// Another origin whose pages may use this server, such as `https://board.example`; repeatable, or with commas
    ///
    /// Such pages send a token (Authorization: Bearer); the server ignores the cookies of their visitors.
    #[arg(long, env = "IDOBATA_ALLOW_ORIGIN", value_name = "ORIGIN", value_delimiter = ',')]
    pub allow_origin: Vec<Origin>,

    /// Allow guests on an address that other machines can reach: anyone who opens it can read everything and post
    #[arg(long, env = "IDOBATA_OPEN_TO_GUESTS", value_parser = yes_or_no)]
    pub open_to_guests: bool,

    /// Folder for the database and the session key, created if missing
    #[arg(long, env = "IDOBATA_DATA", default_value = "data", value_name = "FOLDER")]
    pub data: PathBuf,

    /// The database.
    #[command(flatten)]
    pub database: DatabaseSettings,

    /// Redis or Valkey through which several nodes on one PostgreSQL database reach each other: `redis://HOST:PORT`,
    /// with TLS `rediss:`
    ///
    /// All nodes need the same one, the same `DATABASE_URL` and the same `JWT_SECRET`. It stores nothing of value.
    #[arg(long, env = "REDIS_URL", hide_env_values = true, value_name = "URL")]
    pub redis_url: Option<RedisUrl>,

    /// PEM file with the authorities whose certificate a Redis with TLS (rediss:) must have; default: the system's
    #[arg(long, env = "IDOBATA_REDIS_CA", value_name = "FILE")]
    pub redis_ca: Option<PathBuf>,

    /// Name of this node in the feed: it publishes its own metrics to the channel "server-NAME"
    ///
    /// Without it a single server has the channel "server", and one of several has its host's name and its port in it.
    #[arg(long, env = "IDOBATA_NODE_NAME", value_name = "NAME", value_parser = node_name)]
    pub node_name: Option<String>,

    /// How users sign in
    #[arg(long, env = "IDOBATA_AUTH", default_value = "guest", value_name = "HOW", ignore_case = true)]
    pub auth: AuthSetting,

    /// With accounts or jwt: users who are not signed in may read what is public
    #[arg(long, env = "IDOBATA_GUESTS_READ", value_parser = yes_or_no)]
    pub guests_read: bool,

    /// Channels to which programs publish without a token, and from where: `home-*@192.168.0.0/16`; repeatable, or with
    /// commas
    ///
    /// A name, or the beginning of names and a *. Without @NETWORK everybody who reaches the server may publish there.
    /// Behind a proxy the address of the client counts only with --trusted-proxy.
    #[arg(long, env = "IDOBATA_OPEN_CHANNELS", value_name = "PATTERN[@NETWORK]", value_delimiter = ',')]
    pub open_channels: Vec<OpenChannels>,

    /// Key that signs the sessions, at least 32 bytes; without it the server makes one and keeps it in the data folder
    #[arg(long, env = "JWT_SECRET", hide_env_values = true, value_name = "SECRET")]
    pub jwt_secret: Option<String>,

    /// The tokens of another system.
    #[command(flatten)]
    pub tokens: TokenSettings,

    /// The retention of the logs.
    #[command(flatten)]
    pub retention: RetentionSettings,

    /// The files.
    #[command(flatten)]
    pub uploads: UploadSettings,

    /// The editing of messages.
    #[command(flatten)]
    pub editing: EditingSettings,

    /// Who may mention everybody in a room by @here and @room
    #[arg(
        long,
        env = "IDOBATA_GROUP_MENTIONS",
        default_value = "everybody",
        value_name = "WHO",
        ignore_case = true
    )]
    pub group_mentions: GroupMentions,

    /// Who may start direct messages; everybody may answer
    #[arg(
        long = "direct",
        env = "IDOBATA_DIRECT",
        default_value = "everybody",
        value_name = "WHO",
        ignore_case = true
    )]
    pub direct_messages: DirectMessages,

    /// Push notifications.
    #[command(flatten)]
    pub push: PushSettings,

    // Somebody who reads a long text moves a pointer now and then; somebody who went to lunch does not.
    /// How long there must be no sign of a user, on any of their devices, until presence says that they are away
    #[arg(long, env = "IDOBATA_AWAY_AFTER", default_value = "10m", value_name = "TIME")]
    pub away_after: TimeSpan,

    /// How long a system clock that jumped forward must stay at its new time before ages are judged by it
    ///
    /// Until then nothing is removed for its age and no session ends, so that a wrong clock erases nothing; a day gives
    /// somebody the time to see the warning. The time of a laptop that slept, or of a clock that was corrected, is
    /// accepted after that.
    #[arg(long, env = "IDOBATA_CLOCK_PATIENCE", default_value = "24h", value_name = "TIME")]
    pub clock_patience: TimeSpan,

    /// Maximum number of rooms that users can create
    #[arg(long, env = "IDOBATA_MAX_ROOMS", default_value_t = 1_000, value_name = "N", value_parser = rooms)]
    pub max_rooms: usize,

    /// Maximum number of live connections (sockets, streams, waiting polls); each takes a file descriptor
    ///
    /// The process's limit of descriptors is raised as far as the system allows, and bounds this.
    #[arg(long, env = "IDOBATA_MAX_CONNECTIONS", default_value_t = 10_000, value_name = "N", value_parser = connections)]
    pub max_connections: u64,

    /// How long a write may make no progress before its connection is closed; the reader can resume
    #[arg(long, env = "IDOBATA_WRITE_TIMEOUT", default_value = "30s", value_name = "TIME")]
    pub write_timeout: TimeSpan,

    /// How long the head of a request may take, from its first byte on
    #[arg(long, env = "IDOBATA_HEAD_TIMEOUT", default_value = "10s", value_name = "TIME")]
    pub head_timeout: TimeSpan,

    /// Transport of the pages: the best that works, or at best this one
    ///
    /// For proxies that pass no sockets, or no streams either.
    #[arg(
        long,
        env = "IDOBATA_TRANSPORT",
        default_value = "auto",
        value_name = "TRANSPORT",
        ignore_case = true
    )]
    pub transport: TransportSetting,

    /// Do not publish the server's own metrics to the feed's channel "server"
    #[arg(long, env = "IDOBATA_NO_MEASURE", value_parser = yes_or_no)]
    pub no_measure: bool,

    /// Format of the log; `RUST_LOG` chooses what is logged (default: info)
    ///
    /// A line that cannot be written is lost and counted (`/metrics`); a warning that repeats is written once a minute.
    #[arg(
        long,
        env = "IDOBATA_LOG_FORMAT",
        default_value = "text",
        value_name = "FORMAT",
        ignore_case = true
    )]
    pub log_format: LogFormat,

    /// The limits. They are the last, because clap puts all settings after a heading below it.
    #[command(flatten)]
    pub limits: Limits,
}

pub(super) const AFTER_HELP: &str = "Open the printed address in a browser. Publish with:\n  \
    curl -d 'backup done' http://127.0.0.1:3000/api/events/ops";

/// More than one process can have open.
const CONNECTIONS_MAX: u64 = 1_000_000;
/// Their names are all held in memory.
const ROOMS_MAX: usize = 1_000_000;

fn connections(text: &str) -> Result<u64, String> {
    within(text, 1..=CONNECTIONS_MAX)
}

fn rooms(text: &str) -> Result<usize, String> {
    within(text, 0..=ROOMS_MAX)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_settings_are_well_formed() {
        Config::command().debug_assert();
    }

    #[test]
    fn an_impossible_setting_is_rejected_with_the_fix() {
        let rejected =
            Config::try_parse_from(["idobata", "--feed-age", "soon"]).expect_err("not a time").to_string();
        assert!(rejected.contains("from 1s to 36500d"), "{rejected}");
        Config::try_parse_from(["idobata", "--port", "80"]).expect_err("no such setting");
    }

    #[test]
    fn words_are_taken_in_any_case() {
        let words = ["idobata", "--auth", "Accounts", "--transport", "SOCKET", "--log-format", "JSON"];
        let config = Config::try_parse_from(words).expect("settings");
        assert_eq!((config.auth, config.log_format), (AuthSetting::Accounts, LogFormat::Json));
        let algorithm = Config::try_parse_from(["idobata", "--jwt-algorithm", "eddsa"]).expect("a setting");
        assert_eq!(algorithm.tokens.jwt_algorithm, TokenAlgorithm::EdDsa);
    }

    #[test]
    fn the_help_keeps_the_programs_own_heading_and_the_order_of_the_groups() {
        let mut command = Config::command();
        let help = command.render_long_help().to_string();
        assert!(help.starts_with("A self-hosted live event feed"), "{help}");
        let flags =
            ["--data ", "--database-url", "--redis-url", "--jwt-secret", "--jwt-issuer", "--feed-age"];
        let places: Vec<_> = flags.map(|flag| help.find(flag).expect(flag)).into();
        assert!(places.is_sorted(), "{help}");
    }
}
