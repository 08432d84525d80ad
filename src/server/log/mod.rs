//! The log: append, announce, and read from a cursor. The feed and the rooms are built on it and on nothing else. It
//! must never know the content of an entry, nor a transport.
//!
//! * `hub`: append, pages, backfill from the store
//! * `topic`: the recent entries of a topic in memory, and live delivery to its readers
//! * `subscription`: a reader's ordered view of a topic
//! * `wire_format`, `frame_writer`: an entry encoded once, and written to a connection
//! * `retention`: removes the entries that the settings no longer keep

pub mod frame_writer;
pub mod hub;
pub(crate) mod retention;
pub mod subscription;
pub mod topic;
pub mod wire_format;
