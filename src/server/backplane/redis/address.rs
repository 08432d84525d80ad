//! Where Redis is: the setting, read and checked. Its password must not get into a log or an error.

use std::{convert::Infallible, fmt, path::Path, str::FromStr};

use redis::{Client, IntoConnectionInfo, TlsCertificates};

use crate::server::tls::{self, CaError};

/// Why there can be no Redis. What the setting is it does not say: it may have a password in it.
#[derive(Debug, thiserror::Error)]
pub enum BadRedisUrl {
    /// It is no address.
    #[error(
        "the address of Redis (--redis-url, REDIS_URL) cannot be used: write redis://HOST:PORT or \
         redis://:PASSWORD@HOST:PORT, with rediss: for TLS; a password with characters such as @ : / ? # % needs them \
         percent-encoded (@ is %40, % is %25)"
    )]
    Form,
    /// The file with the authorities is at fault.
    #[error("--redis-ca: {0}")]
    Ca(CaError),
}

/// By hand: its text is in ours, so it is no source, which would be printed once more.
impl From<CaError> for BadRedisUrl {
    fn from(error: CaError) -> Self {
        Self::Ca(error)
    }
}

/// `redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE]`, `rediss://…` with TLS, or a socket's path as `redis+unix:///PATH`.
#[derive(Clone)]
pub struct RedisUrl(String);

impl RedisUrl {
    /// What connects there. Connects to nothing yet. With `rediss:` the server's certificate has to come from the
    /// authorities in the file `ca`, or without one from those that the system trusts.
    pub(super) fn client(&self, ca: Option<&Path>) -> Result<Client, BadRedisUrl> {
        tls::provide();
        if !self.is_whole() {
            return Err(BadRedisUrl::Form);
        }
        let certificates = match ca.filter(|_| self.0.starts_with("rediss:")) {
            Some(path) => TlsCertificates { client_tls: None, root_cert: Some(tls::read_ca(path)?) },
            None => return Client::open(self.0.as_str()).map_err(|_| BadRedisUrl::Form),
        };
        Client::build_with_tls(self.0.as_str(), certificates).map_err(|_| BadRedisUrl::Form)
    }
}

impl RedisUrl {
    /// Whether the end of the address is behind its last `@`. A password with a `/`, `?` or `#` in it ends the host early:
    /// its begin would be taken for a host, and its rest for a path.
    fn is_whole(&self) -> bool {
        let rest = self.0.split_once("//").map_or("", |(_, rest)| rest);
        let host_and_credentials = rest.split(['/', '?', '#']).next().unwrap_or_default();
        self.0.starts_with("redis+unix:")
            || self.0.starts_with("unix:")
            || !rest[host_and_credentials.len()..].contains('@')
    }
}

impl FromStr for RedisUrl {
    /// Whatever it is, it is looked at when it is used: what refuses a setting repeats it.
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Without what is secret.
impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_str().into_connection_info() {
            Ok(info) => write!(f, "Redis at {}", info.addr()),
            Err(_) => f.write_str("Redis"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_its_password() {
        let Ok(url) = "redis://:hidden@localhost:7000/2".parse::<RedisUrl>();
        assert_eq!(
            (url.to_string(), format!("{url:?}")),
            ("Redis at localhost:7000".into(), url.to_string())
        );
    }

    #[test]
    fn a_password_that_takes_the_address_apart_is_told_with_the_fix() {
        for text in ["redis://:12/hunter2@localhost", "redis://u:1?hunter2@h:6379", "redis://:1#hunter2@h"] {
            let Ok(url) = text.parse::<RedisUrl>();
            let told = url.client(None).expect_err(text).to_string();
            assert!(told.contains("percent-encoded") && !told.contains("hunter2"), "{told}");
        }
        for text in
            ["redis://:hunter%402@localhost:6379/1", "redis://:a@b@localhost", "redis+unix:///run/a@b"]
        {
            let Ok(url) = text.parse::<RedisUrl>();
            url.client(None).expect(text);
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_the_form() {
        for text in ["", "localhost", "http://localhost", "postgres://localhost/a"] {
            let Ok(url) = text.parse::<RedisUrl>();
            let refused = url.client(None).expect_err(text).to_string();
            assert!(refused.contains("redis://HOST:PORT"), "{refused}");
        }
    }
}
