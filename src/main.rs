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
    if cli.is_client() {
        return run_client(cli);
    }
    let (_log, complaint) = match logging::start(cli.config.log_format) {
        Ok(started) => started,
        Err(error) => return fail(&anyhow::Error::new(error).context("the log cannot be started")),
    };
    descriptors::raise_limit();
    match run(cli, complaint) {
        Ok(code) => ExitCode::from(code),
        Err(error) => fail(&error),
    }
}

/// Runs a command that talks to a server. It has no log, and leaves the limits of the process as they are, because
/// programs that it starts would inherit them.
fn run_client(cli: Cli) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&anyhow::Error::new(error).context("the runtime cannot be started")),
    };
    let result = runtime.block_on(cli.run(None));
    // A look-up of a name may hang, and nobody waits for it any more.
    runtime.shutdown_background();
    result.map_or_else(|error| fail(&error), ExitCode::from)
}

fn run(cli: Cli, log_complaint: Option<String>) -> anyhow::Result<u8> {
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
