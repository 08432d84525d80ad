//! The settings: flags and environment variables, their defaults and the reasons for them.

mod bad_setting;
mod database;
pub(super) mod environment;
mod limits;
pub mod node_channel;
mod redis_url;
mod retention;
mod sign_in_url;
pub mod site;
pub mod tls;
mod values;

use std::{net::SocketAddr, path::PathBuf};

use clap::{Parser, ValueEnum};

pub use self::{
    bad_setting::BadSetting,
    database::{DEFAULT_MAX_WAL_BYTES, DatabaseUrl, FileSettings},
    limits::{Limit, Limits, Rate},
    redis_url::RedisUrl,
    retention::Retention,
    sign_in_url::SignInUrl,
    values::{Age, listen_address},
};
use self::{
    node_channel::node_name,
    site::{Origin, public_url},
    values::{something, within, yes_or_no},
};
use crate::protocol::transport::Transport;

/// A self-hosted live event feed with chat rooms beside it.
#[derive(Clone, Debug, Parser)]
#[command(name = "idobata", version, about, after_help = AFTER_HELP)]
pub struct Config {
    /// Address and port to listen on
    ///
    /// Port 0 takes a free one and prints it. An address that others can reach needs --open-to-guests, and to
    /// publish from elsewhere takes a publisher's token.
    #[arg(long, env = "IDOBATA_LISTEN", default_value = "127.0.0.1:3000", value_name = "ADDRESS", value_parser = listen_address)]
    pub listen: SocketAddr,

    /// Address under which people reach this server, such as `https://idobata.example`
    ///
    /// With https there is TLS in front of this server: cookies are only for it, and browsers are told to use nothing
    /// else. Requests to other names than this one, localhost and IP addresses are refused. It has no path: give the
    /// server a host name of its own.
    #[arg(long, env = "IDOBATA_PUBLIC_URL", value_name = "URL", value_parser = public_url)]
    pub public_url: Option<Origin>,

    /// Another origin whose pages may use this server, such as `https://board.example`; repeatable, or with commas
    ///
    /// Such pages send a token (Authorization: Bearer); their visitors' cookies are not taken from them.
    #[arg(long, env = "IDOBATA_ALLOW_ORIGIN", value_name = "ORIGIN", value_delimiter = ',')]
    pub allow_origin: Vec<Origin>,

    /// Let guests in on an address that others can reach: whoever opens it may read everything and talk
    #[arg(long, env = "IDOBATA_OPEN_TO_GUESTS", value_parser = yes_or_no)]
    pub open_to_guests: bool,

    /// Folder for the database and the session key, made if missing
    #[arg(long, env = "IDOBATA_DATA", default_value = "data", value_name = "FOLDER")]
    pub data: PathBuf,

    /// Database: `postgres://USER:PASSWORD@HOST/DATABASE`, or `sqlite:` for the file in the data folder
    ///
    /// The password is better given by the environment: others on the machine can see a program's flags.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub database_url: Option<DatabaseUrl>,

    /// Start although the database lost entries that were acknowledged, and go on without them; readers are told
    ///
    /// For one start, after the database lost its end or an older copy was put in its place. Not by the environment: a
    /// server that always accepts a loss does not notice one.
    #[arg(long)]
    pub accept_loss: bool,

    /// Largest log (-wal) beside the database, such as 512MiB; past it nothing is stored
    ///
    /// It grows only while another program reads the database, such as a backup. What is written meanwhile has to fit:
    /// at full speed some 10 MB a second.
    #[arg(long, env = "IDOBATA_MAX_WAL", default_value = "4GiB", value_name = "SIZE", value_parser = wal_bytes)]
    pub max_wal: u64,

    /// File with the certificates (PEM) of the authorities that sign PostgreSQL's, instead of the system's
    ///
    /// With it there is always TLS to a PostgreSQL on the network; how without it, `sslmode` in the address says.
    #[arg(long, env = "IDOBATA_DATABASE_CA", value_name = "FILE")]
    pub database_ca: Option<PathBuf>,

    /// Connections to PostgreSQL at the same time; all nodes' together must fit into its `max_connections`
    ///
    /// Each topic that is posted to holds one while it commits, each page that is read one for a moment.
    #[arg(long, env = "IDOBATA_DATABASE_CONNECTIONS", default_value_t = 10, value_name = "N", value_parser = database_connections)]
    pub database_connections: usize,

    /// Redis or Valkey by which several nodes on one PostgreSQL database tell each other: `redis://HOST:PORT`, with TLS `rediss:`
    ///
    /// All nodes need the same one, the same `DATABASE_URL` and the same `JWT_SECRET`. Nothing of value is kept in it.
    #[arg(long, env = "REDIS_URL", hide_env_values = true, value_name = "URL")]
    pub redis_url: Option<RedisUrl>,

    /// PEM file with the authorities whose certificate a Redis with TLS (rediss:) must have; else the system's
    #[arg(long, env = "IDOBATA_REDIS_CA", value_name = "FILE")]
    pub redis_ca: Option<PathBuf>,

    /// What this node's own values are called: the feed's channel is "server-NAME"
    ///
    /// Without it the only server has "server", and one of several its host's name and its port.
    #[arg(long, env = "IDOBATA_NODE_NAME", value_name = "NAME", value_parser = node_name)]
    pub node_name: Option<String>,

    /// How people become somebody
    #[arg(long, env = "IDOBATA_AUTH", default_value = "guest", value_name = "HOW", ignore_case = true)]
    pub auth: AuthSetting,

    /// With accounts: who is not signed in may read what is public
    #[arg(long, env = "IDOBATA_GUESTS_READ", value_parser = yes_or_no)]
    pub guests_read: bool,

    /// Key that signs the sessions, at least 32 bytes; without it one is made and kept in the data folder
    #[arg(long, env = "JWT_SECRET", hide_env_values = true, value_name = "SECRET")]
    pub jwt_secret: Option<String>,

    /// Algorithm of another system's tokens; one that says another is refused
    #[arg(
        long,
        env = "IDOBATA_JWT_ALGORITHM",
        default_value = "HS256",
        value_name = "ALGORITHM",
        ignore_case = true
    )]
    pub jwt_algorithm: TokenAlgorithm,

    /// PEM file with the public key of another system's tokens (all but HS256), read again when it changes
    #[arg(long, env = "IDOBATA_JWT_PUBLIC_KEY", value_name = "FILE", conflicts_with = "jwt_jwks")]
    pub jwt_public_key: Option<PathBuf>,

    /// JWK set (RFC 7517) with the public keys of another system's tokens, read again when it changes
    #[arg(long, env = "IDOBATA_JWT_JWKS", value_name = "FILE")]
    pub jwt_jwks: Option<PathBuf>,

    /// What `iss` in another system's tokens has to be; without it any is taken
    #[arg(long, env = "IDOBATA_JWT_ISSUER", value_name = "ISSUER", value_parser = something)]
    pub jwt_issuer: Option<String>,

    /// What `aud` in another system's tokens has to have in it; without it only tokens without `aud` are taken
    #[arg(long, env = "IDOBATA_JWT_AUDIENCE", value_name = "AUDIENCE", value_parser = something)]
    pub jwt_audience: Option<String>,

    /// Where another system signs people in; `{back}` in it becomes the address to come back to
    #[arg(long, env = "IDOBATA_JWT_SIGN_IN_URL", value_name = "URL")]
    pub jwt_sign_in_url: Option<SignInUrl>,

    /// Newest entries of the feed to keep complete; older notifications stay until as many newer ones came
    #[arg(long, env = "IDOBATA_FEED_ENTRIES", default_value_t = 10_000, value_name = "N", value_parser = entries)]
    pub feed_entries: u64,

    /// How long to keep the feed's entries, such as 12h or 7d (times: 1s to 36500d in s, m, h, d, w)
    #[arg(long, env = "IDOBATA_FEED_AGE", default_value = "7d", value_name = "TIME")]
    pub feed_age: Age,

    /// Newest messages to keep in each room
    #[arg(long, env = "IDOBATA_ROOM_ENTRIES", default_value_t = 100_000, value_name = "N", value_parser = entries)]
    pub room_entries: u64,

    /// How long to keep messages
    #[arg(long, env = "IDOBATA_ROOM_AGE", default_value = "365d", value_name = "TIME")]
    pub room_age: Age,

    /// How long a post that is sent again is recognized although its first was removed
    #[arg(long, env = "IDOBATA_CLIENT_ID_AGE", default_value = "30d", value_name = "TIME")]
    pub client_id_age: Age,

    /// How often to remove what is not kept any more; a log may be over its bounds by what comes in this time
    #[arg(long, env = "IDOBATA_TRIM_INTERVAL", default_value = "60s", value_name = "TIME")]
    pub trim_interval: Age,

    /// How long a system clock that jumped forward must stand at its new time before ages are judged by it
    ///
    /// Until then nothing is removed for its age and no session ends, so that a wrong clock erases nothing; a day is
    /// enough for somebody to see the warning. A laptop that slept and a clock that was corrected are believed then.
    #[arg(long, env = "IDOBATA_CLOCK_PATIENCE", default_value = "24h", value_name = "TIME")]
    pub clock_patience: Age,

    /// Rooms that people may make in all
    #[arg(long, env = "IDOBATA_MAX_ROOMS", default_value_t = 1_000, value_name = "N", value_parser = rooms)]
    pub max_rooms: usize,

    /// Live connections (sockets, streams, waiting polls) at the same time; each takes a file descriptor
    ///
    /// The process's limit of descriptors is raised as far as the system allows, and bounds this.
    #[arg(long, env = "IDOBATA_MAX_CONNECTIONS", default_value_t = 10_000, value_name = "N", value_parser = connections)]
    pub max_connections: u64,

    /// How long a write may make no progress before its connection is closed; the reader can resume
    #[arg(long, env = "IDOBATA_WRITE_TIMEOUT", default_value = "30s", value_name = "TIME")]
    pub write_timeout: Age,

    /// How long the head of a request may take from its first byte on
    #[arg(long, env = "IDOBATA_HEAD_TIMEOUT", default_value = "10s", value_name = "TIME")]
    pub head_timeout: Age,

    /// How pages connect: by whatever works, or at best by this
    ///
    /// For hosts that pass no sockets on, or no streams either.
    #[arg(
        long,
        env = "IDOBATA_TRANSPORT",
        default_value = "auto",
        value_name = "TRANSPORT",
        ignore_case = true
    )]
    pub transport: TransportSetting,

    /// Do not publish the server's own values to the feed's channel "server"
    #[arg(long, env = "IDOBATA_NO_MEASURE", value_parser = yes_or_no)]
    pub no_measure: bool,

    /// How to write the log; `RUST_LOG` says what (default: info)
    ///
    /// What cannot be written is lost and counted (`/metrics`); a warning that repeats is written once a minute.
    #[arg(
        long,
        env = "IDOBATA_LOG_FORMAT",
        default_value = "text",
        value_name = "FORMAT",
        ignore_case = true
    )]
    pub log_format: LogFormat,

    /// How often, and how much at a time. The last, because the settings below a heading are all below it.
    #[command(flatten)]
    pub limits: Limits,
}

pub(super) const AFTER_HELP: &str = "Open the printed address in a browser. Publish with:\n  \
    curl -d 'backup done' http://127.0.0.1:3000/api/events/ops";

/// How people become somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AuthSetting {
    /// They choose a name, and are whoever has their cookie.
    Guest,
    /// They have a password. The first start prints a link for the first administrator, who invites the others.
    Accounts,
    /// Another system signs them in and gives them tokens, see the settings that begin with --jwt.
    Jwt,
}

/// Which rungs of the transport ladder pages may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TransportSetting {
    /// A WebSocket, else a stream, else a long poll.
    Auto,
    /// A WebSocket only.
    Socket,
    /// Server-sent events, and requests.
    Stream,
    /// Long polls, and requests.
    Poll,
}

impl From<TransportSetting> for Option<Transport> {
    fn from(setting: TransportSetting) -> Self {
        match setting {
            TransportSetting::Auto => None,
            TransportSetting::Socket => Some(Transport::Socket),
            TransportSetting::Stream => Some(Transport::Stream),
            TransportSetting::Poll => Some(Transport::Poll),
        }
    }
}

/// How another system signs its tokens (RFC 7518, 3.1; RFC 8037, 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TokenAlgorithm {
    /// HMAC with `JWT_SECRET`, which both systems know.
    #[value(name = "HS256")]
    Hs256,
    /// RSA, PKCS #1 v1.5.
    #[value(name = "RS256")]
    Rs256,
    /// ECDSA on P-256.
    #[value(name = "ES256")]
    Es256,
    /// Ed25519.
    #[value(name = "EdDSA")]
    EdDsa,
}

/// The log's form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs: one JSON object a line.
    Json,
}

/// More than any disk holds, and no trouble to count with.
const ENTRIES_MAX: u64 = 1_000_000_000_000;
/// More than one process can have open.
const CONNECTIONS_MAX: u64 = 1_000_000;
/// What one PostgreSQL takes from all nodes is far below it.
const DATABASE_CONNECTIONS_MAX: usize = 1_000;
/// Their names are all held in memory.
const ROOMS_MAX: usize = 1_000_000;

fn entries(text: &str) -> Result<u64, String> {
    within(text, 1..=ENTRIES_MAX)
}

fn connections(text: &str) -> Result<u64, String> {
    within(text, 1..=CONNECTIONS_MAX)
}

fn rooms(text: &str) -> Result<usize, String> {
    within(text, 0..=ROOMS_MAX)
}

/// Smallest bound of the log: a few batches must fit.
const WAL_BYTES_MIN: u64 = 1024 * 1024;

/// A size: a number and `MiB` or `GiB`.
fn wal_bytes(text: &str) -> Result<u64, String> {
    let units = [("MiB", 1024 * 1024), ("GiB", 1024 * 1024 * 1024)];
    let bytes = units.into_iter().find_map(|(unit, bytes)| {
        let number: u64 = text.trim().strip_suffix(unit)?.trim_end().parse().ok()?;
        number.checked_mul(bytes).filter(|bytes| *bytes >= WAL_BYTES_MIN)
    });
    bytes.ok_or_else(|| "write a whole number from 1 on and MiB or GiB, such as 512MiB or 4GiB".to_owned())
}

/// One to look into the database while the other one waits for a lock.
const CONNECTIONS_MIN: usize = 2;

fn database_connections(text: &str) -> Result<usize, String> {
    within(text, CONNECTIONS_MIN..=DATABASE_CONNECTIONS_MAX)
}

impl Config {
    /// How long the feed is kept.
    pub fn feed_retention(&self) -> Retention {
        self.retention(self.feed_entries, self.feed_age)
    }

    /// How long a room's talk is kept.
    pub fn room_retention(&self) -> Retention {
        self.retention(self.room_entries, self.room_age)
    }

    /// How the embedded database is used.
    pub fn file_settings(&self) -> FileSettings {
        FileSettings { max_wal_bytes: self.max_wal, accept_loss: self.accept_loss }
    }

    fn retention(&self, entries: u64, age: Age) -> Retention {
        Retention { entries, age_ms: age.as_ms(), client_id_age_ms: self.client_id_age.as_ms() }
    }
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
    fn the_logs_bound_is_a_number_and_a_unit_and_by_default_that_of_the_store() {
        assert_eq!(wal_bytes("1MiB"), Ok(1_048_576));
        assert_eq!(wal_bytes("2 GiB"), Ok(2_147_483_648));
        for text in ["", "0MiB", "1", "1GB", "MiB", "-1MiB", "99999999999GiB", "1KiB"] {
            wal_bytes(text).expect_err(text);
        }
        let config = Config::try_parse_from(["idobata"]).expect("the defaults");
        assert_eq!(config.file_settings(), FileSettings::default());
    }

    #[test]
    fn an_impossible_setting_is_refused_with_the_fix() {
        let refused =
            Config::try_parse_from(["idobata", "--feed-age", "soon"]).expect_err("not a time").to_string();
        assert!(refused.contains("from 1s to 36500d"), "{refused}");
        Config::try_parse_from(["idobata", "--port", "80"]).expect_err("no such setting");
    }

    #[test]
    fn words_are_taken_in_any_case() {
        let words = ["idobata", "--auth", "Accounts", "--transport", "SOCKET", "--log-format", "JSON"];
        let config = Config::try_parse_from(words).expect("settings");
        assert_eq!((config.auth, config.log_format), (AuthSetting::Accounts, LogFormat::Json));
        let algorithm = Config::try_parse_from(["idobata", "--jwt-algorithm", "eddsa"]).expect("a setting");
        assert_eq!(algorithm.jwt_algorithm, TokenAlgorithm::EdDsa);
    }
}
