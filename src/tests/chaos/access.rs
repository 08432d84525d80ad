//! The access of readers and writers to the servers: each time to any of them.

use std::time::Duration;

use reqwest::{Client, StatusCode};

/// The addresses of the servers, and a token for them.
#[derive(Clone)]
pub(super) struct Access {
    /// The servers, or a proxy before each.
    pub(super) urls: Vec<String>,
    pub(super) token: String,
    /// True if the database fails in this run: until it is back, a server may answer that it is unavailable.
    pub(super) may_refuse: bool,
    /// True if retention removes entries in this run: a message that is changed may be gone.
    pub(super) may_trim: bool,
}

impl Access {
    /// A random one of the addresses.
    pub(super) fn any(&self) -> &str {
        &self.urls[fastrand::usize(..self.urls.len())]
    }

    /// Returns true if the status tells the client to try later or elsewhere.
    pub(super) fn is_refusal(&self, status: StatusCode) -> bool {
        self.may_refuse && status == StatusCode::SERVICE_UNAVAILABLE
    }

    /// Returns true if the code tells why a change cannot be made any more.
    pub(super) fn is_lawful_rejection(&self, code: &serde_json::Value) -> bool {
        code == "message_deleted" || self.may_trim && code == "unknown_message"
    }

    /// Returns true if the code of a socket's `rejected` tells the client to try later or elsewhere.
    pub(super) fn is_refusal_code(&self, code: &serde_json::Value) -> bool {
        self.may_refuse && code == "unavailable"
    }
}

/// A client without a connection pool, so that each request meets the proxy's faults separately.
pub(super) fn client(timeout: Option<Duration>) -> Client {
    let builder = Client::builder().pool_max_idle_per_host(0);
    let builder = match timeout {
        Some(timeout) => builder.timeout(timeout),
        None => builder,
    };
    builder.build().expect("a client")
}
