//! Measures the cost of the promise and its behaviour under faults, with the real program as a process of its own:
//!
//! * `return`: a thousand readers lose the server, by a kill and by a restart, and come back by their cursors;
//! * `stalled`: a thousand readers that stopped reading, while a hundred thousand messages are posted;
//! * `kill`: the server is killed under a full load of posts; then the cost of an acknowledged post;
//! * `nodes`: one, two and three nodes on PostgreSQL and Redis, and Redis restarted under load.
//!
//! ```sh
//! make figures                                                # everything, about seven minutes
//! make figures ARGS=nodes                                     # some of it; `--help` says what else there is
//! make figures ARGS='stalled --readers 200 --messages 20000'
//! ```
//!
//! No time is asserted. If a fact that must hold on any machine does not (nothing lost, nothing doubled), the bench
//! fails with a message.

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

/// The reason why the bench cannot go on: a sentence for the person who runs it.
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
