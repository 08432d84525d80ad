//! Other systems' protocols at this server, so that their programs work with it as they are. One folder a protocol; the
//! router mounts each. A door translates requests and answers, and must never decide a right, a limit or an order: the
//! feed and `authz` do, as for `api`.

pub(super) mod ntfy;
