//! Tests over real sockets: a server on port 0 with a database of its own for each test, and real clients.

#![allow(clippy::print_stdout, reason = "tests of failures say their counts, and the chaos test its seeds")]
#![allow(clippy::unwrap_used, reason = "a test that unwraps in vain has failed, with its line")]

mod accounts;
mod agreement;
mod away;
mod bad_input;
mod changes;
mod channels;
mod chaos;
mod chat;
mod clock;
mod compat;
mod configuration;
mod credentials;
mod damage;
mod direct;
mod disk;
mod edges;
mod feed;
mod forms;
mod heads;
mod hooks;
mod ladder;
mod lifecycle;
mod limits;
mod links;
mod log;
mod markdown;
mod marks;
mod mentions;
mod moderation;
mod nodes;
mod observability;
mod outages;
mod pages;
mod people;
mod postgres;
mod program;
mod publishers;
mod push;
mod queries;
mod quiet;
mod reactions;
mod removal;
mod rights;
mod room_names;
mod room_settings;
mod senders;
mod settings;
mod signals;
mod socket_io;
mod stored_texts;
mod support;
mod takeover;
mod threads;
