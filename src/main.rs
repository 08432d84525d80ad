//! The program: allocator, log, runtime and exit code. The system starts it; everything else is in the library.

use std::{process::ExitCode, time::Duration};

use idobata::server::{Cli, cli::exit, limits::descriptors, observability::logging};

/// jemalloc gives memory back to the system within seconds after a wave of connections; the system's own allocator
/// keeps what it once had, because the allocations that live on are spread over it.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Pages with several open queries can stall a runtime with fewer threads than these, whatever the machine has.
const MIN_WORKERS: usize = 4;
/// Longest time for which work on a thread of its own, such as the hashing of a password, may hold up the end.
const END_TIMEOUT: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let cli = Cli::read();
    let (_log, complaint) = match logging::start(cli.config.log_format) {
        Ok(started) => started,
        Err(error) => return fail(&anyhow::Error::new(error).context("the log cannot be started")),
    };
    descriptors::raise_limit();
    match run(cli, complaint) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

fn run(cli: Cli, log_complaint: Option<String>) -> anyhow::Result<()> {
    let workers =
        std::thread::available_parallelism().map_or(MIN_WORKERS, |cores| cores.get().max(MIN_WORKERS));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(workers).enable_all().build()?;
    let result = runtime.block_on(cli.run(log_complaint));
    match result.as_ref().is_err_and(|error| error.is::<exit::ForcedStop>()) {
        true => runtime.shutdown_background(),
        false => runtime.shutdown_timeout(END_TIMEOUT),
    }
    result
}

fn fail(error: &anyhow::Error) -> ExitCode {
    logging::tell(&format!("{error:#}"));
    ExitCode::from(exit::code(error))
}
