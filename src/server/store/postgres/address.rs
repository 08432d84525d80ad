//! The address of a PostgreSQL database, and the TLS mode that follows from it. `connect` uses it; nothing else parses
//! an address.
//!
//! The address contains a password, so none of it may get into an error.

use std::path::PathBuf;

use deadpool_postgres::{
    Manager,
    tokio_postgres::{
        Config, NoTls,
        config::{Host, SslMode},
    },
};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::error::describe;
use crate::server::{
    config::{site::is_loopback, tls},
    store::StoreError,
};

/// Modes with which PostgreSQL's own clients ask for TLS with a checked certificate. Here every TLS connection checks
/// the certificate's name and chain.
const CHECKED_MODES: [&str; 2] = ["sslmode=verify-full", "sslmode=verify-ca"];

/// Advice for a password that breaks the address apart.
const ENCODE: &str =
    "a password with characters such as @ : / ? # % needs them percent-encoded (@ is %40, % is %25)";

/// A database's address as `postgres://USER:PASSWORD@HOST/DATABASE?sslmode=…`, with the authority of its certificate.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    /// The address, with the password.
    pub url: String,
    /// A file with certificates (PEM) of the trusted authorities, instead of the system's.
    pub ca: Option<PathBuf>,
}

impl From<&str> for Address {
    fn from(url: &str) -> Self {
        Self { url: url.to_owned(), ca: None }
    }
}

impl From<String> for Address {
    fn from(url: String) -> Self {
        Self { url, ca: None }
    }
}

impl Address {
    /// Parses the address; connects to nothing. Fails with [`StoreError::Address`].
    pub(super) fn read(&self) -> Result<Config, StoreError> {
        let mut config: Config = self
            .url_of_the_crate()
            .parse()
            .map_err(|error| StoreError::Address(format!("{}; {ENCODE}", describe(&error))))?;
        if !config.get_hosts().iter().all(is_plausible) {
            return Err(StoreError::Address(format!("what stands for the host is none; {ENCODE}")));
        }
        config.ssl_mode(self.mode(&config));
        Ok(config)
    }

    /// Creates the connection manager. A TLS connection to a server with a wrong certificate fails; it never falls back
    /// to plain text.
    pub(super) fn manager(&self, config: Config) -> Result<Manager, StoreError> {
        if config.get_ssl_mode() == SslMode::Disable {
            return Ok(Manager::new(config, NoTls));
        }
        let tls = tls::client_config(self.ca.as_deref());
        let tls = tls.map_err(|error| StoreError::Address(format!("--database-ca: {error}")))?;
        Ok(Manager::new(config, MakeRustlsConnect::new(tls)))
    }

    /// Adds advice to a connection error if the password may be encoded wrongly.
    pub(super) fn explain(&self, error: StoreError) -> StoreError {
        let credentials = self.url.rsplit_once('@').map_or("", |(before, _)| before);
        match error {
            StoreError::Unreachable(fault) if credentials.contains('%') => {
                StoreError::Unreachable(format!("{fault}; {ENCODE}"))
            }
            other => other,
        }
    }

    /// The address with the checked TLS modes renamed to the one that the crate knows.
    fn url_of_the_crate(&self) -> String {
        let Some((place, settings)) = self.url.split_once('?') else { return self.url.clone() };
        let is_checked = |setting: &str| CHECKED_MODES.contains(&setting);
        let settings: Vec<_> = settings
            .split('&')
            .map(|setting| if is_checked(setting) { "sslmode=require" } else { setting })
            .collect();
        format!("{place}?{}", settings.join("&"))
    }

    fn mode(&self, config: &Config) -> SslMode {
        let mode = config.get_ssl_mode();
        if is_only_sockets(config) {
            // No TLS on Unix sockets, as in PostgreSQL's own clients: there is no network in between.
            SslMode::Disable
        } else if mode != SslMode::Prefer {
            mode
        } else if self.ca.is_some() {
            // An operator who names an authority trusts no other server.
            SslMode::Require
        } else if is_here(config) {
            // Debian gives every cluster a self-signed certificate.
            SslMode::Disable
        } else {
            SslMode::Prefer
        }
    }
}

/// Returns true if the name can be a host's. The rest of a password with an `@` in it mostly cannot.
fn is_plausible(host: &Host) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name.parse::<std::net::IpAddr>().is_ok()
                || name.chars().all(|character| character.is_alphanumeric() || "-._".contains(character))
        }
    }
}

/// Returns true if the server is reached only through Unix sockets. An address in `hostaddr` always means TCP.
fn is_only_sockets(config: &Config) -> bool {
    let hosts = config.get_hosts();
    config.get_hostaddrs().is_empty() && !hosts.is_empty() && hosts.iter().all(is_socket)
}

fn is_socket(host: &Host) -> bool {
    matches!(host, Host::Unix(_))
}

/// Returns true if the server is on this machine, or at the other end of a tunnel that begins here.
fn is_here(config: &Config) -> bool {
    let addresses = config.get_hostaddrs();
    if !addresses.is_empty() {
        return addresses.iter().all(|address| is_loopback(*address));
    }
    config.get_hosts().iter().all(|host| match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => name == "localhost" || name.parse().is_ok_and(is_loopback),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(url: &str, ca: Option<&str>) -> SslMode {
        let address = Address { url: url.to_owned(), ca: ca.map(Into::into) };
        address.read().expect("an address").get_ssl_mode()
    }

    #[test]
    fn the_way_is_protected_as_the_address_says() {
        for (url, ca, expected) in [
            ("postgres://u@db.example/d", None, SslMode::Prefer),
            ("postgres://u@db.example/d?sslmode=prefer", None, SslMode::Prefer),
            ("postgres://u@db.example/d", Some("ca.pem"), SslMode::Require),
            ("postgres://u@db.example/d?sslmode=require", None, SslMode::Require),
            ("postgres://u@db.example/d?a=b&sslmode=verify-full", None, SslMode::Require),
            ("postgres://u@db.example/d?sslmode=verify-ca", None, SslMode::Require),
            ("postgres://u@db.example/d?sslmode=disable", Some("ca.pem"), SslMode::Disable),
            ("postgres://u@localhost/d", None, SslMode::Disable),
            ("postgres://u@127.0.0.1,[::1]/d", None, SslMode::Disable),
            ("postgres://u@localhost,db.example/d", None, SslMode::Prefer),
            ("postgres://u@localhost/d?hostaddr=10.0.0.1", None, SslMode::Prefer),
            ("postgres://u@db.example/d?hostaddr=127.0.0.1", None, SslMode::Disable),
            ("postgres://u@localhost/d?sslmode=require", None, SslMode::Require),
            ("postgres://u@%2Frun%2Fpostgresql/d", Some("ca.pem"), SslMode::Disable),
            ("postgres://u@%2Frun%2Fpostgresql/d?sslmode=require", None, SslMode::Disable),
            // With no host name, or with that of a socket, a `hostaddr` still means TCP.
            ("postgres://u@/d?hostaddr=10.0.0.1&sslmode=require", None, SslMode::Require),
            ("postgres://u@/d?hostaddr=10.0.0.1", Some("ca.pem"), SslMode::Require),
            ("postgres://u@%2Frun%2Fpostgresql/d?hostaddr=10.0.0.1&sslmode=require", None, SslMode::Require),
        ] {
            let url = url.replace("a=b", "application_name=b");
            assert_eq!(mode(&url, ca), expected, "{url} {ca:?}");
        }
    }

    #[test]
    fn a_mode_that_is_no_mode_is_refused() {
        for url in ["postgres://u:hunter2@h/d?sslmode=strict", "postgres://u:hunter2@h/d?sslrootcert=ca.pem"]
        {
            let refused = Address::from(url).read().expect_err("refused").to_string();
            assert!(refused.contains("ssl") && !refused.contains("hunter2"), "{refused}");
        }
    }

    #[test]
    fn a_password_that_takes_the_address_apart_is_told_with_the_fix() {
        for url in [
            "postgres://u:hun@ter2@db.example/d",
            "postgres://u:hun@ter#2@db.example/d",
            "postgres://u:x@hun:ter2@db.example/d",
            "postgres://u:x@y@db.example:5432/d?sslmode=require",
        ] {
            let told = Address::from(url).read().expect_err(url).to_string();
            assert!(told.contains("percent-encoded") && !told.contains("ter2"), "{told}");
        }
        for url in [
            "postgres://u:hun%40ter2@db.example/d",
            "postgres://u@%2Frun%2Fpostgresql/d",
            "postgres://u@[::1]:5432/d",
            "postgres://u:p@10.0.0.1,db_2.example/d",
            "postgres:///d",
        ] {
            Address::from(url).read().expect(url);
        }
        let unreachable = || StoreError::Unreachable("refused".into());
        let told = |url: &str| Address::from(url).explain(unreachable()).to_string();
        assert!(told("postgres://u:50%25@h/d").contains("%25"), "it may be the password");
        assert!(!told("postgres://u:p@h/d").contains("%25"));
    }
}
