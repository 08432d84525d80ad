//! Middleware: code that every request passes on its way to a handler, and every response on its way back. `router`
//! puts it in order.

pub(crate) mod clean_path;
pub(crate) mod host;
pub(crate) mod origin;
pub(crate) mod rate_limit;
pub(crate) mod request_head;
pub(crate) mod security_headers;
pub(crate) mod trace;
pub(crate) mod uncancellable;
