//! Measures the cost of idle connections: memory on both transports, and CPU time of the WebSocket heartbeat.

use std::time::Duration;

use super::{
    Fault, cores::Cores, crowd::Crowd, meter::Meter, options::Options, process::Process, reader::Way,
    table::Table,
};

/// Pause after the last join, before the memory is read.
const QUIET: Duration = Duration::from_secs(2);
/// Twice the server's heartbeat interval, exactly: each connection has two heartbeats in it, whenever it was opened.
const WATCHED: Duration = Duration::from_secs(40);

pub(crate) fn run(options: &Options, cores: &Cores, table: &mut Table) -> Result<(), Fault> {
    if !options.wants("idle") {
        return Ok(());
    }
    for (way, name) in [(Way::Socket, "WebSocket"), (Way::Stream, "SSE")] {
        eprintln!("idle {name}: {} connections …", options.connections);
        let data = tempfile::tempdir()?;
        let server = Process::start(options, cores, data.path(), ([127, 0, 0, 1], 0).into())?;
        let mut crowd = Crowd::new(server.wait_listening()?)?;
        let before = server.memory_kb()?;
        crowd.follow(way, options.connections, &["general".to_owned()], options)?;
        crowd.rest(QUIET)?;
        let after = server.memory_kb()?;
        let each = format!("{:.2} kB/connection", (after - before) / options.connections as f64);
        let whole = format!("{:.1} → {:.1} MB resident", before / 1e3, after / 1e3);
        table.add(&format!("idle {name}, {} connections", options.connections), [each, whole]);
        if way == Way::Socket {
            let meter = Meter::start(&server, &mut crowd)?;
            crowd.rest(WATCHED)?;
            let percent = meter.stop(&server, &crowd)?.server_percent();
            let name = format!("idle {name}, CPU over {} s", WATCHED.as_secs());
            table.add(&name, [format!("{percent:.2} % of a core")]);
        }
    }
    Ok(())
}
