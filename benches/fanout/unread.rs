//! Measures what is unread: a first page and the state of a person with many rooms, and a message in a room that a thousand
//! people have in their sidebars, beside the same message while they do not ask for counts.

use std::{rc::Rc, time::Duration};

use super::{
    Fault, asking, cores::Cores, crowd::Crowd, http, meter::Meter, options::Options, posting,
    process::Process, reader::Way, stamp, table::Table,
};

/// Rooms of the person whose page is measured.
const ROOMS: usize = 1_000;
/// Messages in each of them, of which the person has read the first two.
const MESSAGES: usize = 5;
/// People who have the room in their sidebars.
const PEOPLE: usize = 1_000;
/// Time between two messages: more than the server's interval of counts would hide what a message costs.
const PACE: Duration = Duration::from_millis(100);
/// Requests in flight.
const CALLERS: usize = 16;
/// Wait for the counts of the last message.
const QUIET: Duration = Duration::from_secs(1);
const ROOM: &str = "general";

pub(crate) fn run(options: &Options, cores: &Cores, table: &mut Table) -> Result<(), Fault> {
    if !options.wants("unread") {
        return Ok(());
    }
    pages(options, cores, table)?;
    for way in [Way::Socket, Way::Sidebar] {
        messages(options, cores, way, table)?;
    }
    Ok(())
}

/// The state of one person, as the number of their rooms and of what is unread in them grows.
fn pages(options: &Options, cores: &Cores, table: &mut Table) -> Result<(), Fault> {
    eprintln!("unread: {ROOMS} rooms of one person …");
    let data = tempfile::tempdir()?;
    let server = Process::start(options, cores, data.path(), ([127, 0, 0, 1], 0).into())?;
    let mut crowd = Crowd::new(server.wait_listening()?)?;
    let [writer, reader] = [http::session(crowd.address, "writer")?, http::session(crowd.address, "reader")?];
    crowd.add_callers(CALLERS)?;
    let mut row = |crowd: &mut Crowd, rooms: &str| -> Result<(), Fault> {
        for path in ["/rooms/general", "/api/user"] {
            let request = http::get(path, &reader);
            let figures = asking::measure(&server, crowd, options.window() / 4, || request.clone())?;
            let us = figures.server.as_secs_f64() * 1e6 / figures.answers as f64;
            let mut cells = vec![format!("{us:.0} µs of CPU each")];
            cells.extend(crowd.tally.answer_delays.cells());
            table.add(&format!("unread, GET {path}, {rooms}"), cells);
        }
        Ok(())
    };
    row(&mut crowd, "three rooms")?;
    let rooms: Vec<String> = (0..ROOMS).map(|index| format!("bench-{index}")).collect();
    let mut number = 0;
    for room in &rooms {
        http::exchange(
            crowd.address,
            &http::post("/api/rooms", &writer, &format!(r#"{{"name":"{room}"}}"#)),
        )?;
        for _ in 0..MESSAGES {
            number += 1;
            crowd.callers.ask(&posting::message(room, &writer, number, &stamp::text(options.size)))?;
            asking::drain(&mut crowd)?;
        }
    }
    row(&mut crowd, &format!("{ROOMS} rooms, none marked"))?;
    for (read, name) in [(2, "3 unread in each"), (MESSAGES, "nothing unread")] {
        for room in &rooms {
            number += 1;
            crowd.callers.ask(&mark(room, &reader, number, read))?;
            asking::drain(&mut crowd)?;
        }
        row(&mut crowd, &format!("{ROOMS} rooms marked, {name}"))?;
    }
    Ok(())
}

/// A message in a room while everybody is elsewhere.
fn messages(options: &Options, cores: &Cores, way: Way, table: &mut Table) -> Result<(), Fault> {
    let name = if way == Way::Sidebar { "that hear what is unread" } else { "that do not ask" };
    eprintln!("unread: {PEOPLE} connections {name} …");
    let data = tempfile::tempdir()?;
    let server = Process::start(options, cores, data.path(), ([127, 0, 0, 1], 0).into())?;
    let mut crowd = Crowd::new(server.wait_listening()?)?;
    let writer = http::session(crowd.address, "writer")?;
    http::exchange(crowd.address, &http::post("/api/rooms", &writer, r#"{"name":"elsewhere"}"#))?;
    let session = |index| http::session(crowd.address, &format!("reader {index}"));
    let people = (0..PEOPLE).map(session).collect::<Result<Vec<_>, _>>()?;
    crowd.add_callers(CALLERS)?;
    for (number, person) in (0..).zip(&people) {
        crowd.callers.ask(&mark(ROOM, person, number, 0))?;
        asking::drain(&mut crowd)?;
    }
    crowd.follow_as(way, &"elsewhere".into(), people.iter().map(|person| Rc::from(person.as_str())))?;
    crowd.rest(QUIET)?;
    let meter = Meter::start(&server, &mut crowd)?;
    let count = (options.window().as_secs_f64() / PACE.as_secs_f64()) as u64;
    for number in 0..count {
        crowd.callers.ask(&posting::message(ROOM, &writer, number, &stamp::text(options.size)))?;
        crowd.rest(PACE)?;
    }
    crowd.rest(QUIET)?;
    let figures = meter.stop(&server, &crowd)?;
    let us = figures.server.as_secs_f64() * 1e6 / count as f64;
    let mut cells = vec![format!("{us:.0} µs of CPU a message")];
    if way == Way::Sidebar {
        cells.push(format!(
            "{:.1} counts a second to each",
            figures.deliveries as f64 / figures.seconds / PEOPLE as f64
        ));
        let expected = count.min(100);
        if let Some(reader) = crowd.readers.iter().find(|reader| reader.offset != expected) {
            return Err(
                format!("{expected} messages are unread, and a reader heard of {}", reader.offset).into()
            );
        }
    }
    table.add(&format!("a message in a room of {PEOPLE} people {name}"), cells);
    Ok(())
}

/// Marks a room as read up to an offset.
fn mark(room: &str, token: &str, number: u64, read: usize) -> String {
    let id = format!("00000000-0000-4000-9000-{number:012x}");
    http::post(
        "/api/user/marks",
        token,
        &format!(r#"{{"id":"{id}","kind":"read","room":"{room}","offset":{read}}}"#),
    )
}
