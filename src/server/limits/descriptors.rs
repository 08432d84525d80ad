//! File descriptors: each connection takes one, and the number of a process is limited. `main` raises the limit as far
//! as the system allows, and `run` bounds the connections by it, so that the server closes a connection above the bound
//! at once, and the store, Redis and the files always get their descriptors.

use rustix::process::{Resource, getrlimit, setrlimit};

use crate::server::config::{Config, Limit};

/// Descriptors that the server needs beside connections: for the standard streams, the log, the runtime, the files of
/// the database, and those of a backup or a read of `/proc`. It has some 20 open when it is idle.
const RESERVE: u64 = 64;
/// The greatest share of all descriptors that the server keeps: half of them, when there are very few.
const RESERVE_SHARE: u64 = 2;

/// Raises the limit of this process as far as the system allows, and returns it; `None`: there is no limit.
pub fn raise_limit() -> Option<u64> {
    let mut limit = getrlimit(Resource::Nofile);
    let before = limit.current;
    limit.current = limit.maximum;
    // Some systems report no maximum and reject it all the same; then the limit stays.
    if setrlimit(Resource::Nofile, limit).is_err() {
        return before;
    }
    limit.current
}

/// The settings with their connections bounded by the limit of the process. Logs a warning if that is less than the
/// settings ask for.
pub(crate) fn bounded(config: Config) -> Config {
    match getrlimit(Resource::Nofile).current {
        Some(descriptors) => within(descriptors, config),
        None => config,
    }
}

fn within(descriptors: u64, mut config: Config) -> Config {
    let reserve = (RESERVE + config.database.database_connections as u64).min(descriptors / RESERVE_SHARE);
    let most = descriptors - reserve;
    let all = &mut config.limits.max_tcp_connections;
    let wanted = all.0.map_or(config.max_connections, u64::from).max(config.max_connections);
    if wanted > most {
        tracing::warn!(
            descriptors,
            kept_for_the_server = reserve,
            connections = most,
            wanted,
            "too few file descriptors for --max-connections or --max-tcp-connections: \
             connections above this number are closed at once. Raise the hard limit (ulimit -Hn, LimitNOFILE=)"
        );
    }
    *all = Limit(Some(all.0.unwrap_or(u32::MAX).min(u32::try_from(most).unwrap_or(u32::MAX))));
    config.max_connections = config.max_connections.min(most);
    config
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    /// The bounds of TCP connections in all, and of live connections.
    fn bounds(descriptors: u64, settings: &[&str]) -> (Option<u32>, u64) {
        let config = Config::try_parse_from([&["idobata"], settings].concat()).expect("settings");
        let config = within(descriptors, config);
        (config.limits.max_tcp_connections.0, config.max_connections)
    }

    #[test]
    fn connections_leave_descriptors_for_the_server() {
        assert_eq!(bounds(1_000_000, &[]), (Some(12_000), 10_000), "the settings count");
        assert_eq!(bounds(1_024, &[]), (Some(950), 950), "64 and the database's 10 are kept");
        assert_eq!(bounds(1_024, &["--max-tcp-connections", "off"]), (Some(950), 950));
        assert_eq!(bounds(1_024, &["--max-tcp-connections", "20"]), (Some(20), 950));
        assert_eq!(bounds(64, &[]), (Some(32), 32), "never more than half are kept");
    }
}
