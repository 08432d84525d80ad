//! `/api`: JSON for programs, and the operator's addresses. One resource per file; each handler reads the request,
//! calls the part of the server that decides, and writes the response.

pub(crate) mod answers;
pub(crate) mod changes;
pub(crate) mod channel_values;
pub(crate) mod channels;
pub(crate) mod direct;
pub(crate) mod emoji;
pub(crate) mod exports;
pub(crate) mod files;
pub(crate) mod heartbeats;
pub(crate) mod hook_templates;
pub(crate) mod hooks;
pub(crate) mod markdown;
pub(crate) mod members;
pub(crate) mod moderation;
pub(crate) mod operations;
pub(crate) mod outgoing;
pub(crate) mod people;
pub(crate) mod publish;
pub(crate) mod publishers;
pub(crate) mod push;
pub(crate) mod room_settings;
pub(crate) mod rooms;
pub(crate) mod search;
pub(crate) mod session;
pub(crate) mod uploads;
pub(crate) mod user;
