//! Other systems' protocols at this server, so that what sends there, or reads, works here as it is. One folder a protocol;
//! the router mounts each. A door translates requests and answers: `chat`, `feed` and `authz` decide rights, limits and
//! order, as for `api`. It must never fetch what a sender names.
//!
//! * `ntfy`: publishing to channels and following them
//! * `pings`: the addresses that jobs ping, as at Healthchecks
//! * `slack`: incoming webhooks of Slack and Mattermost
//! * `gotify`: sending as to Gotify
//! * `discord`: the webhook of Discord
//! * `senders`: webhooks as GitHub, Alertmanager and others send them
//! * `template`: any JSON, by a template of one's own
//! * `hook_target`, `signature`: the room or channel behind a webhook's token, and the check by its secret
//! * `bounds`, `json_body`: the bounds of texts, and the JSON in a body

mod bounds;
pub(super) mod discord;
pub(super) mod gotify;
mod hook_target;
mod json_body;
pub(super) mod ntfy;
pub(super) mod pings;
pub(super) mod senders;
mod signature;
pub(super) mod slack;
pub(super) mod template;
