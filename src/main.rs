//! The program: settings, log, server, exit code. Everything else is in the library.

use std::process::ExitCode;

use clap::Parser;
use idobata::server::{Cli, telemetry};

/// Pages with several open queries can stall a runtime with fewer threads than these, whatever the machine has.
const MIN_WORKERS: usize = 4;

fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Err(error) = telemetry::start(cli.config.log_format) {
        return fail(&error);
    }
    let workers =
        std::thread::available_parallelism().map_or(MIN_WORKERS, |cores| cores.get().max(MIN_WORKERS));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(workers).enable_all().build();
    let result = runtime.map_err(Into::into).and_then(|runtime| runtime.block_on(cli.run()));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

#[expect(
    clippy::print_stderr,
    reason = "the log may not have started, and a person is waiting for the reason"
)]
fn fail(error: &anyhow::Error) -> ExitCode {
    eprintln!("idobata: {error:#}");
    ExitCode::FAILURE
}
