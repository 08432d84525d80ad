//! Measures first pages: a room and the front page, as the server renders and compresses them for a new browser.

use super::{
    Fault, asking, cores::Cores, crowd::Crowd, http, options::Options, posting, process::Process, stamp,
    table::Table,
};

/// Messages in the room.
const MESSAGES: u64 = 50;
/// Browsers with a request at the same time.
const CALLERS: usize = 16;
/// A smaller body is a page without content, even compressed.
const BYTES_MIN: u64 = 500;

pub(crate) fn run(options: &Options, cores: &Cores, table: &mut Table) -> Result<(), Fault> {
    if !options.wants("pages") {
        return Ok(());
    }
    let data = tempfile::tempdir()?;
    let server = Process::start(options, cores, data.path(), ([127, 0, 0, 1], 0).into())?;
    let mut crowd = Crowd::new(server.wait_listening()?)?;
    let token = http::session(crowd.address, "writer")?;
    let cookie = http::visit(crowd.address)?;
    crowd.add_callers(CALLERS)?;
    for number in 0..MESSAGES {
        crowd.callers.ask(&posting::message("general", &token, number, &stamp::text(options.size)))?;
        asking::drain(&mut crowd)?;
    }
    for path in ["/rooms/general", "/"] {
        eprintln!("pages: {path} …");
        let request = http::page(path, &cookie);
        let figures = asking::measure(&server, &mut crowd, options.window() / 2, || request.clone())?;
        let bytes = crowd.tally.answer_bytes / figures.answers.max(1);
        if bytes < BYTES_MIN {
            return Err(format!("{path} has {bytes} bytes: that is no page").into());
        }
        let mut cells = vec![format!("{:.0} requests/s", figures.answers as f64 / figures.seconds)];
        let us = figures.server.as_secs_f64() * 1e6 / figures.answers as f64;
        cells.push(format!("{us:.0} µs of CPU each"));
        cells.extend(crowd.tally.answer_delays.cells());
        cells.push(format!("{bytes} bytes"));
        table.add(&format!("first page, GET {path}, {CALLERS} callers"), cells);
    }
    Ok(())
}
