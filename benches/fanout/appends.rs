//! Measures durable appends: one post at a time, and many that share a commit, to one room and to many. It uses the
//! embedded store, or the PostgreSQL database of `DATABASE_URL`, which the server inherits from the bench.

use std::time::{SystemTime, UNIX_EPOCH};

use super::{
    Fault, asking, cores::Cores, crowd::Crowd, http, options::Options, posting, process::Process, stamp,
    table::Table,
};

/// Number of rooms, and of posts in flight.
const ROWS: [(usize, usize); 3] = [(1, 1), (1, 256), (100, 256)];

pub(crate) fn run(options: &Options, cores: &Cores, table: &mut Table) -> Result<(), Fault> {
    if !options.wants("appends") {
        return Ok(());
    }
    for (rooms, callers) in ROWS {
        eprintln!("appends: {callers} in flight to {rooms} rooms …");
        let data = tempfile::tempdir()?;
        let server = Process::start(options, cores, data.path(), ([127, 0, 0, 1], 0).into())?;
        let mut crowd = Crowd::new(server.wait_listening()?)?;
        let token = http::session(crowd.address, "writer")?;
        let names = make_rooms(&crowd, &token, rooms)?;
        crowd.add_callers(callers)?;
        let mut number = 0;
        let figures = asking::measure(&server, &mut crowd, options.window() / 2, || {
            number += 1;
            let room = &names[number as usize % names.len()];
            posting::message(room, &token, number, &stamp::text(options.size))
        })?;
        // Acknowledged posts have distinct offsets without gaps.
        let heads: u64 = crowd.tally.heads.values().sum();
        if heads != number || crowd.tally.answers != number {
            return Err(format!("{number} posts, and the logs end at {:?}", crowd.tally.heads).into());
        }
        let mut cells = vec![format!("{:.0} appends/s", figures.answers as f64 / figures.seconds)];
        let us = figures.server.as_secs_f64() * 1e6 / figures.answers as f64;
        cells.push(format!("{us:.0} µs of CPU each"));
        cells.extend(crowd.tally.answer_delays.cells());
        table.add(&format!("appends, durable, {callers} in flight, {rooms} rooms"), cells);
    }
    Ok(())
}

/// Creates rooms with new names: an existing database may already have the old ones.
fn make_rooms(crowd: &Crowd, token: &str, count: usize) -> Result<Vec<String>, Fault> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
    let rooms = (0..count).map(|index| format!("appends-{now}-{index}"));
    let make = |room: String| {
        let body = format!(r#"{{"name":"{room}"}}"#);
        http::exchange(crowd.address, &http::post("/api/rooms", token, &body)).map(|_| room)
    };
    rooms.map(make).collect()
}
