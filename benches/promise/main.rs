//! Measures what the promise costs and what it withstands, against the real program as a process of its own:
//!
//! * `return`: a thousand readers lose the server, by a kill and by a restart, and come back by their cursors;
//! * `stalled`: a thousand readers that stopped reading, while a hundred thousand messages are posted;
//! * `kill`: the server is killed under a full load of posts; then what an acknowledged post costs;
//! * `nodes`: one, two and three nodes on PostgreSQL and Redis, and Redis restarted under load.
//!
//! ```sh
//! make figures                                                # everything, about seven minutes
//! make figures ARGS=nodes                                     # some of it; `--help` says what else there is
//! make figures ARGS='stalled --readers 200 --messages 20000'
//! ```
//!
//! No time is asserted. A fact that must hold whatever the machine (nothing lost, nothing doubled) ends it with a
//! sentence and a failure.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a bench prints what it finds"
)]

mod cost;
mod http;
mod kill;
mod load;
mod nodes;
mod options;
mod reader;
mod record;
mod returning;
mod server;
mod stalled;
mod writer;

use std::process::ExitCode;

use options::Options;

/// Why the bench cannot go on: a sentence for whoever runs it.
type Fault = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("\nFAILED: {fault}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Fault> {
    let Some(options) = Options::from_arguments(std::env::args().skip(1))? else {
        println!("{}", options::HELP);
        return Ok(());
    };
    options.expect_files()?;
    if options.wants("return") {
        returning::run(&options).await?;
    }
    if options.wants("stalled") {
        stalled::run(&options).await?;
    }
    if options.wants("kill") {
        kill::run().await?;
        cost::run().await?;
    }
    if options.wants("nodes") {
        nodes::run().await?;
    }
    Ok(())
}
