//! Doors for what sends to other systems: each takes their requests and answers as they do. The router mounts them. A door
//! translates and calls `chat` or `feed`, whose rules hold here as everywhere; it must never fetch what a sender names.
//!
//! * `slack`: incoming webhooks of Slack and Mattermost

pub(super) mod slack;
