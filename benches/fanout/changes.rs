//! Measures durable changes of messages, beside posts at the same pace: edits of many messages, and reactions of many
//! people to one message.

use super::{
    Fault, asking, cores::Cores, crowd::Crowd, http, options::Options, posting, process::Process, stamp,
    table::Table,
};

/// Requests in flight.
const CALLERS: usize = 256;
/// People who react.
const PEOPLE: u64 = 1_000;
/// Messages that are edited in turn.
const MESSAGES: u64 = 1_000;
const ROOM: &str = "general";

/// A request by its number, which determines its id. The text is that of a post.
type Request<'a> = Box<dyn FnMut(u64) -> String + 'a>;

pub(crate) fn run(options: &Options, cores: &Cores, table: &mut Table) -> Result<(), Fault> {
    if !options.wants("changes") {
        return Ok(());
    }
    eprintln!("changes: {CALLERS} in flight to one room …");
    let data = tempfile::tempdir()?;
    let server = Process::start(options, cores, data.path(), ([127, 0, 0, 1], 0).into())?;
    let mut crowd = Crowd::new(server.wait_listening()?)?;
    let token = http::session(crowd.address, "writer")?;
    let people = (0..PEOPLE).map(|index| http::session(crowd.address, &format!("reader {index}")));
    let people = people.collect::<Result<Vec<_>, _>>()?;
    crowd.add_callers(CALLERS)?;
    let text = stamp::text(options.size);
    let rows: [(&str, Request<'_>); 3] = [
        ("posts", Box::new(|number| posting::message(ROOM, &token, number, &text))),
        (
            "edits",
            Box::new(|number| {
                change(&token, number % MESSAGES + 1, number, &format!(r#""kind":"edit","text":"{text}""#))
            }),
        ),
        (
            "reactions to one message",
            Box::new(|number| {
                // Everybody reacts, and takes it back the next time.
                let kind = if (number / PEOPLE).is_multiple_of(2) { "react" } else { "unreact" };
                let who = &people[(number % PEOPLE) as usize];
                change(who, 1, number, &format!(r#""kind":"{kind}","emoji":"👍""#))
            }),
        ),
    ];
    let mut number = 0;
    for (name, mut request) in rows {
        let answers = crowd.tally.answers;
        let figures = asking::measure(&server, &mut crowd, options.window() / 2, || {
            number += 1;
            request(number)
        })?;
        let us = figures.server.as_secs_f64() * 1e6 / figures.answers as f64;
        let mut cells = vec![format!("{:.0} a second", figures.answers as f64 / figures.seconds)];
        cells.push(format!("{us:.0} µs of CPU each"));
        cells.extend(crowd.tally.answer_delays.cells());
        table.add(&format!("changes, durable, {CALLERS} in flight: {name}"), cells);
        let head = crowd.tally.heads.get(ROOM).copied().unwrap_or_default();
        if head != number || crowd.tally.answers <= answers {
            return Err(format!("{number} requests, and the log ends at {head}").into());
        }
    }
    Ok(())
}

fn change(token: &str, message: u64, number: u64, members: &str) -> String {
    let path = format!("/api/rooms/{ROOM}/messages/{message}/changes");
    http::post(&path, token, &format!(r#"{{"id":"00000000-0000-4000-8000-{number:012x}",{members}}}"#))
}
