//! The log: one line an event, to standard error. `main` starts it once; tests do without.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use super::config::LogFormat;

/// Starts the log. `RUST_LOG` chooses what is written; a filter it cannot read is an error.
pub fn start(format: LogFormat) -> anyhow::Result<()> {
    let filter = match std::env::var("RUST_LOG") {
        Ok(text) if !text.is_empty() => {
            EnvFilter::try_new(&text).map_err(|error| anyhow::anyhow!("RUST_LOG={text:?}: {error}"))?
        }
        _ => EnvFilter::new("info"),
    };
    let is_read_by_a_person = std::io::stderr().is_terminal();
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(is_read_by_a_person);
    match format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
    Ok(())
}
