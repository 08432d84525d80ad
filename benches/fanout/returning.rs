//! Measures the time until all readers are live again after the server was killed and restarted at the same address.

use std::time::{Duration, Instant};

use super::{
    Fault, asking, callers::Callers, cores::Cores, crowd::Crowd, delays::Delays, http, options::Options,
    posting, process::Process, reader::Way, stamp, table::Table,
};

/// Entries before the readers' cursors.
const MESSAGES: u64 = 10;
/// Limit for all readers to be live again.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn run(options: &Options, cores: &Cores, table: &mut Table) -> Result<(), Fault> {
    if !options.wants("return") {
        return Ok(());
    }
    eprintln!("return: {} connections …", options.connections);
    let data = tempfile::tempdir()?;
    let server = Process::start(options, cores, data.path(), ([127, 0, 0, 1], 0).into())?;
    let mut crowd = Crowd::new(server.wait_listening()?)?;
    crowd.follow(Way::Socket, options.connections, &["general".to_owned()], options)?;
    speak(&mut crowd, options)?;
    let address = crowd.address;
    (crowd.returns, crowd.callers) = (true, Callers::default());
    drop(server); // killed, as by kill -9
    let killed = Instant::now();
    let server = Process::start(options, cores, data.path(), address)?;
    let (listens, cpu) = wait_for_all(&mut crowd, &server, killed)?;
    let mut delays = Delays::default();
    crowd.readers.iter().for_each(|reader| delays.note(reader.live_at.saturating_duration_since(listens)));
    let cell = |name: &str, share| format!("{name} {:.0} ms", delays.percentile_ms(share));
    let each = format!("{:.0} µs of CPU each", cpu.as_secs_f64() * 1e6 / options.connections as f64);
    let cells = [cell("p50", 0.5), cell("p99", 0.99), cell("last", 1.0), each];
    table.add(&format!("{} WebSockets live again after a kill", options.connections), cells);
    Ok(())
}

/// Posts a few messages that all readers receive.
fn speak(crowd: &mut Crowd, options: &Options) -> Result<(), Fault> {
    let token = http::session(crowd.address, "writer")?;
    crowd.add_callers(1)?;
    for number in 0..MESSAGES {
        crowd.callers.ask(&posting::message("general", &token, number, &stamp::text(options.size)))?;
        asking::drain(crowd)?;
    }
    let until = Instant::now() + PATIENCE;
    while crowd.readers.iter().any(|reader| reader.offset != MESSAGES) && Instant::now() < until {
        crowd.turn(Duration::from_millis(10))?;
    }
    Ok(())
}

/// Waits for all readers. Returns the time at which the server listened, and its CPU time from its start until all were
/// live.
fn wait_for_all(crowd: &mut Crowd, server: &Process, killed: Instant) -> Result<(Instant, Duration), Fault> {
    let mut listens = None;
    while killed.elapsed() < PATIENCE {
        crowd.turn(Duration::from_millis(5))?;
        listens = listens.or_else(|| server.poll_listening());
        // A reader that has not noticed the kill yet is still marked as live, since before it.
        let is_back = crowd.tally.live == crowd.readers.len()
            && crowd.readers.iter().all(|reader| reader.live_at > killed);
        if let (true, Some((since, _))) = (is_back, listens) {
            return Ok((since, server.cpu()?));
        }
    }
    Err(format!("{} readers are live after {PATIENCE:?}", crowd.tally.live).into())
}
