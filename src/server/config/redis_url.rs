//! The setting `--redis-url`: the address of Redis. Its password must never get into a log or an error.

use std::{convert::Infallible, fmt, str::FromStr};

use redis::IntoConnectionInfo;

/// `redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE]`, `rediss://…` with TLS, or a socket's path as `redis+unix:///PATH`.
#[derive(Clone)]
pub struct RedisUrl(String);

impl RedisUrl {
    /// With the password.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RedisUrl {
    /// Any text is taken and checked when it is used: clap repeats a value that it rejects.
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

/// Without user and password.
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
}
