//! The address of Redis: parsing and checking the setting. The backplane on Redis calls it. The password in it must
//! never get into a log or an error.

use std::path::Path;

use redis::{Client, TlsCertificates};

use crate::server::config::{
    RedisUrl,
    tls::{self, CaError},
};

/// The error of settings that lead to no Redis. It does not quote the address, which may have a password in it.
#[derive(Debug, thiserror::Error)]
pub enum BadRedisUrl {
    /// The text is not an address.
    #[error(
        "the address of Redis (--redis-url, REDIS_URL) cannot be used: write redis://HOST:PORT or \
         redis://:PASSWORD@HOST:PORT, with rediss: for TLS; a password with characters such as @ : / ? # % needs them \
         percent-encoded (@ is %40, % is %25)"
    )]
    Form,
    /// The file with the certificate authorities is bad.
    #[error("--redis-ca: {0}")]
    Ca(CaError),
}

/// Implemented by hand: the text of the cause is in this error's text; as a source it would be printed twice.
impl From<CaError> for BadRedisUrl {
    fn from(error: CaError) -> Self {
        Self::Ca(error)
    }
}

/// A client for the address, which does not connect yet. With `rediss:` the server's certificate must be from an
/// authority in the file `ca`, or without a file from one that the system trusts.
pub(super) fn client(url: &RedisUrl, ca: Option<&Path>) -> Result<Client, BadRedisUrl> {
    tls::provide();
    if !is_whole(url.as_str()) {
        return Err(BadRedisUrl::Form);
    }
    let certificates = match ca.filter(|_| url.as_str().starts_with("rediss:")) {
        Some(path) => TlsCertificates { client_tls: None, root_cert: Some(tls::read_ca(path)?) },
        None => return Client::open(url.as_str()).map_err(|_| BadRedisUrl::Form),
    };
    Client::build_with_tls(url.as_str(), certificates).map_err(|_| BadRedisUrl::Form)
}

/// Returns true if no `@` comes after the host. A `/`, `?` or `#` in a password ends the host early: the beginning of
/// the password would be taken for the host, and the rest for a path.
fn is_whole(url: &str) -> bool {
    let rest = url.split_once("//").map_or("", |(_, rest)| rest);
    let host_and_credentials = rest.split(['/', '?', '#']).next().unwrap_or_default();
    url.starts_with("redis+unix:")
        || url.starts_with("unix:")
        || !rest[host_and_credentials.len()..].contains('@')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_that_takes_the_address_apart_is_told_with_the_fix() {
        for text in ["redis://:12/hunter2@localhost", "redis://u:1?hunter2@h:6379", "redis://:1#hunter2@h"] {
            let Ok(url) = text.parse::<RedisUrl>();
            let told = client(&url, None).expect_err(text).to_string();
            assert!(told.contains("percent-encoded") && !told.contains("hunter2"), "{told}");
        }
        for text in
            ["redis://:hunter%402@localhost:6379/1", "redis://:a@b@localhost", "redis+unix:///run/a@b"]
        {
            let Ok(url) = text.parse::<RedisUrl>();
            client(&url, None).expect(text);
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_the_form() {
        for text in ["", "localhost", "http://localhost", "postgres://localhost/a"] {
            let Ok(url) = text.parse::<RedisUrl>();
            let refused = client(&url, None).expect_err(text).to_string();
            assert!(refused.contains("redis://HOST:PORT"), "{refused}");
        }
    }
}
