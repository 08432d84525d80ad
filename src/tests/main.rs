//! Tests over real sockets: a server on port 0 with a database of its own for each test, and real clients.

#![allow(clippy::print_stdout, reason = "tests of failures say their counts, and the chaos test its seeds")]
#![allow(clippy::unwrap_used, reason = "a test that unwraps in vain has failed, with its line")]

mod accounts;
mod agreement;
mod bad_input;
mod channels;
mod chaos;
mod chat;
mod damage;
mod edges;
mod feed;
mod ladder;
mod lifecycle;
mod limits;
mod nodes;
mod outages;
mod pages;
mod postgres;
mod program;
mod publishers;
mod removal;
mod rights;
mod socket_io;
mod support;
mod takeover;
