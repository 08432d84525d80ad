//! Measures the cost of delivery: the release program on a core of its own against a bare server that does one `write`
//! per delivery; and the cost of connections, appends, first pages and a restart.
//!
//! ```sh
//! make bench                                             # everything, about three minutes
//! make bench ARGS='--only websocket,sse --rate 50'       # some rows; `--help` says what else there is
//! make bench ARGS='--server ../old/idobata --label old'  # another program, to compare
//! ```
//!
//! The load is one thread on the other core, so that its own time is not measured. No figure is asserted. If a fact
//! that must hold on any machine does not (each reader has each entry once and in order), the bench fails with a
//! message.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a bench prints what it finds")]

mod appends;
mod asking;
mod callers;
mod changes;
mod cores;
mod crowd;
mod delays;
mod delivery;
mod digest;
mod floor;
mod frames;
mod http;
mod idle;
mod meter;
mod options;
mod pages;
mod posting;
mod process;
mod reader;
mod returning;
mod stamp;
mod table;
mod tally;
mod unread;

use std::process::ExitCode;

use self::{cores::Cores, options::Options, table::Table};

/// The reason why the bench cannot go on: a sentence for the person who runs it.
type Fault = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.split_first() {
        Some((first, rest)) if first == floor::ARGUMENT => floor::serve(rest),
        _ => measure(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("\nFAILED: {fault}");
            ExitCode::FAILURE
        }
    }
}

fn measure(arguments: &[String]) -> Result<(), Fault> {
    let Some(options) = Options::parse(arguments)? else {
        println!("{}", options::HELP);
        return Ok(());
    };
    options.expect_files()?;
    let cores = Cores::take();
    let mut table = Table::default();
    delivery::run(&options, &cores, &mut table)?;
    idle::run(&options, &cores, &mut table)?;
    appends::run(&options, &cores, &mut table)?;
    changes::run(&options, &cores, &mut table)?;
    pages::run(&options, &cores, &mut table)?;
    unread::run(&options, &cores, &mut table)?;
    returning::run(&options, &cores, &mut table)?;
    table.print(&options, &cores);
    Ok(())
}
