//! How readers and writers come to the servers: to any of them, each time anew.

use std::time::Duration;

use reqwest::{Client, StatusCode};

/// See the module.
#[derive(Clone)]
pub(super) struct Access {
    /// Where the servers are, or a proxy before each.
    pub(super) urls: Vec<String>,
    pub(super) token: String,
    /// The database goes away in this run: until it is back, a server may say that it cannot do it now.
    pub(super) may_refuse: bool,
}

impl Access {
    /// Any of them.
    pub(super) fn any(&self) -> &str {
        &self.urls[fastrand::usize(..self.urls.len())]
    }

    /// Whether the answer to a request means: later, or somewhere else.
    pub(super) fn is_refusal(&self, status: StatusCode) -> bool {
        self.may_refuse && status == StatusCode::SERVICE_UNAVAILABLE
    }

    /// The same for the code of a socket's `rejected`.
    pub(super) fn is_refusal_code(&self, code: &serde_json::Value) -> bool {
        self.may_refuse && code == "unavailable"
    }
}

/// One without a pool, so that each request meets its own misfortune.
pub(super) fn client(timeout: Option<Duration>) -> Client {
    let builder = Client::builder().pool_max_idle_per_host(0);
    let builder = match timeout {
        Some(timeout) => builder.timeout(timeout),
        None => builder,
    };
    builder.build().expect("a client")
}
