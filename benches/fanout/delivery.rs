//! The rows about delivery: the floor, WebSocket, SSE, bursts and saturation. The posts are part of the server's cost,
//! as in practice: some tenths of a millisecond each, most of it the durable append, shared by all readers. Posts to a
//! room with sockets are sent over these sockets, those to a room with streams over HTTP.

use std::time::Duration;

use super::{
    Fault,
    cores::Cores,
    crowd::Crowd,
    floor, http,
    meter::{Figures, Meter},
    options::Options,
    posting::{By, CALLERS, Pace, Posting},
    process::Process,
    reader::Way,
    table::Table,
};

const WARM_UP: Duration = Duration::from_secs(2);
/// Messages per burst. The burst row has [`BURST_TIMES`] as many messages as the steady rows, and in return only one in
/// [`BURST_READERS`] of the readers.
const BURST: u64 = 20;
const BURST_TIMES: f64 = 10.0;
const BURST_READERS: usize = 4;
/// Messages in flight in the saturation row: enough that the server never waits for a post, few enough that no reader
/// falls behind the recent entries that the server keeps in memory.
const WINDOW: u64 = 32;

pub(crate) fn run(options: &Options, cores: &Cores, table: &mut Table) -> Result<(), Fault> {
    if !["floor", "websocket", "sse", "burst", "saturation"].iter().any(|row| options.wants(row)) {
        return Ok(());
    }
    let Options { rate, subscribers, .. } = *options;
    let steady = Pace::Rate { rate, burst: 1 };
    let floor_us = beside_the_floor(options, cores, table)?;
    if options.wants("sse") {
        let floor = measure_floor(options, cores, false)?;
        let floor_us = floor.us_per_delivery();
        table.add("floor of a stream", floor.cells(floor_us));
        table.add("SSE", measure(options, cores, Way::Stream, subscribers, steady)?.cells(floor_us));
    }
    if options.wants("burst") {
        let readers = subscribers.div_ceil(BURST_READERS).max(options.rooms);
        let bursts = Pace::Rate { rate: rate * BURST_TIMES, burst: BURST };
        let figures = measure(options, cores, Way::Socket, readers, bursts)?;
        let name = format!("WebSocket, bursts of {BURST}, {:.0}/s to {readers}", rate * BURST_TIMES);
        table.add(&name, figures.cells(floor_us));
    }
    if options.wants("saturation") {
        let figures = measure(options, cores, Way::Socket, subscribers, Pace::Window(WINDOW))?;
        table.add(&format!("WebSocket, saturation, {WINDOW} under way"), figures.cells(floor_us));
    }
    Ok(())
}

/// Measures the floor, the sockets at a steady rate, and the floor again: on a noisy machine the two floors differ, and
/// their mean is closer to the floor at the time between. Returns the mean in microseconds.
fn beside_the_floor(options: &Options, cores: &Cores, table: &mut Table) -> Result<f64, Fault> {
    let before = measure_floor(options, cores, true)?;
    if !options.wants("websocket") {
        let floor_us = before.us_per_delivery();
        table.add("floor, one write a delivery", before.cells(floor_us));
        return Ok(floor_us);
    }
    let steady = Pace::Rate { rate: options.rate, burst: 1 };
    let websocket = measure(options, cores, Way::Socket, options.subscribers, steady)?;
    let after = measure_floor(options, cores, true)?;
    let floor_us = f64::midpoint(before.us_per_delivery(), after.us_per_delivery());
    table.add("floor, one write a delivery", before.cells(floor_us));
    table.add("WebSocket", websocket.cells(floor_us));
    table.add("floor again", after.cells(floor_us));
    Ok(floor_us)
}

fn measure_floor(options: &Options, cores: &Cores, pings: bool) -> Result<Figures, Fault> {
    eprintln!("floor: {} readers …", options.subscribers);
    let server = Process::start_self(cores, &floor::arguments(options, pings))?;
    let mut crowd = Crowd::new(server.wait_listening()?)?;
    let rooms: Vec<String> = (0..options.rooms).map(|room| room.to_string()).collect();
    crowd.follow(Way::Plain, options.subscribers, &rooms, options)?;
    crowd.spins = true;
    crowd.rest(WARM_UP)?;
    let meter = Meter::start(&server, &mut crowd)?;
    crowd.rest(options.window())?;
    expect_some(meter.stop(&server, &crowd)?)
}

fn measure(options: &Options, cores: &Cores, way: Way, readers: usize, pace: Pace) -> Result<Figures, Fault> {
    eprintln!("{}: {readers} readers …", if way == Way::Stream { "SSE" } else { "WebSocket" });
    let data = tempfile::tempdir()?;
    let server = Process::start(options, cores, data.path(), ([127, 0, 0, 1], 0).into())?;
    let mut crowd = Crowd::new(server.wait_listening()?)?;
    let token = http::session(crowd.address, "writer")?;
    let rooms = make_rooms(&crowd, &token, options.rooms)?;
    crowd.add_callers(CALLERS)?;
    crowd.follow(way, readers, &rooms, options)?;
    crowd.spins = true;
    let by = if way == Way::Socket { By::Readers } else { By::Callers };
    let mut posting = Posting::new(by, pace, token, options.size, rooms);
    posting.run(&mut crowd, WARM_UP)?;
    let meter = Meter::start(&server, &mut crowd)?;
    posting.run(&mut crowd, options.window())?;
    let figures = meter.stop(&server, &crowd)?;
    let behind = posting.behind(&crowd);
    if behind > 0 {
        eprintln!(
            "  BEHIND: {behind} messages are due and not posted; the figures are those of a lower rate"
        );
    }
    posting.finish(&mut crowd)?;
    expect_some(figures)
}

/// Fails if there were no deliveries, because a cost per delivery is then meaningless.
fn expect_some(figures: Figures) -> Result<Figures, Fault> {
    if figures.deliveries > 0 {
        Ok(figures)
    } else {
        Err("nothing was delivered while it was measured".into())
    }
}

/// Creates the rooms; one exists from the start.
fn make_rooms(crowd: &Crowd, token: &str, count: usize) -> Result<Vec<String>, Fault> {
    if count == 1 {
        return Ok(vec!["general".to_owned()]);
    }
    let rooms = (0..count).map(|index| format!("bench-{index}"));
    let make = |room: String| {
        let body = format!(r#"{{"name":"{room}"}}"#);
        http::exchange(crowd.address, &http::post("/api/rooms", token, &body)).map(|_| room)
    };
    rooms.map(make).collect()
}
