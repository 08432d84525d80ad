//! Durable appends on the embedded store: one post at a time, and many that share a commit.

use super::{
    Fault, asking, cores::Cores, crowd::Crowd, http, options::Options, posting, process::Process, stamp,
    table::Table,
};

pub(crate) fn run(options: &Options, cores: &Cores, table: &mut Table) -> Result<(), Fault> {
    if !options.wants("appends") {
        return Ok(());
    }
    for callers in [1, 256] {
        eprintln!("appends: {callers} in flight …");
        let data = tempfile::tempdir()?;
        let server = Process::start(options, cores, data.path(), ([127, 0, 0, 1], 0).into())?;
        let mut crowd = Crowd::new(server.wait_listening()?)?;
        let token = http::session(crowd.address, "writer")?;
        crowd.add_callers(callers)?;
        let mut number = 0;
        let figures = asking::measure(&server, &mut crowd, options.window() / 2, || {
            number += 1;
            posting::message("general", &token, number, &stamp::text(options.size))
        })?;
        // Every acknowledged post has a place of its own, without holes.
        if crowd.tally.heads.get("general") != Some(&number) || crowd.tally.answers != number {
            return Err(format!("{number} posts, and the log ends at {:?}", crowd.tally.heads).into());
        }
        let mut cells = vec![format!("{:.0} appends/s", figures.answers as f64 / figures.seconds)];
        let us = figures.server.as_secs_f64() * 1e6 / figures.answers as f64;
        cells.push(format!("{us:.0} µs of CPU each"));
        cells.extend(crowd.tally.answer_delays.cells());
        table.add(&format!("appends, durable, {callers} in flight"), cells);
    }
    Ok(())
}
