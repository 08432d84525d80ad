//! `publish --lines`: a thread appends the lines of standard input to a spool, and a task sends them from there. What
//! the thread has read is in the spool before it reads on, so the end of this process, by any signal, loses none.

use std::{
    io::{self, Read},
    sync::Arc,
    thread,
    time::Duration,
};

use anyhow::Context;
use hyper::StatusCode;
use serde_json::{Map, Value};
use tokio::{
    sync::oneshot,
    time::{Instant, sleep},
};

use super::spool::{Batch, Spool};
use crate::{
    protocol::{publication::TEXT_MAX_CHARACTERS, text::is_blank},
    server::cli::{
        client::{error::ClientError, publisher::Publisher, settings::Server, tell},
        signals::Signals,
    },
};

/// Bytes that are read at once: the size of a pipe.
const CHUNK_BYTES: usize = 64 * 1024;
/// The longest piece of a line that is held: with four bytes a character, what one event takes.
const PIECE_MAX_BYTES: usize = 4 * TEXT_MAX_CHARACTERS;

/// Publishes the lines of standard input. The first spool is this process's own. `patience` is the time after the end
/// of the input until what waits is left to the next process.
pub(super) async fn publish(
    server: Server,
    channel: &str,
    template: Map<String, Value>,
    spools: Vec<Spool>,
    patience: Duration,
) -> anyhow::Result<u8> {
    let spools: Arc<[Spool]> = spools.into();
    let mut signals = Signals::install()?;
    let (ended, mut end) = oneshot::channel();
    thread::spawn({
        let spools = spools.clone();
        move || {
            let read = read_lines(io::stdin().lock(), &template, |entries| spools[0].append(entries));
            // The other side is gone if a signal came first. An error is there before the work can end.
            let _ = ended.send(read);
            spools[0].close();
        }
    });
    let mut publisher = Publisher::new(server, channel, tell_of_trouble)?;
    let mut work = Box::pin(send_all(&mut publisher, &spools));
    let mut read = Ok(());
    let done = tokio::select! {
        done = &mut work => {
            read = end.try_recv().unwrap_or(Ok(()));
            done
        }
        input = &mut end => {
            read = input.unwrap_or(Ok(()));
            within(patience, work).await
        }
        _ = signals.stop() => {
            spools[0].close();
            within(patience, work).await
        }
    };
    let refused = done.map_err(|error| left_over(error, &spools))?;
    read.context("standard input was not read to its end")?;
    Ok(u8::from(refused > 0))
}

/// The work, cut short by the time: then the error is `None`.
async fn within(
    patience: Duration,
    work: impl Future<Output = Result<usize, Option<anyhow::Error>>>,
) -> Result<usize, Option<anyhow::Error>> {
    let until = Instant::now() + patience;
    tokio::select! {
        done = work => done,
        () = sleep(until - Instant::now()) => Err(None),
    }
}

/// The error that says how much waits, and where.
fn left_over(error: Option<anyhow::Error>, spools: &[Spool]) -> anyhow::Error {
    let lines = spools.iter().map(Spool::count_waiting).sum();
    let kept = ClientError::Kept { lines, path: spools[0].path().to_owned() };
    match error {
        Some(error) => {
            tell(&kept.to_string());
            error
        }
        None => kept.into(),
    }
}

/// Sends everything: first the older spools. Returns the number of lines that the server refused.
async fn send_all(publisher: &mut Publisher, spools: &[Spool]) -> Result<usize, Option<anyhow::Error>> {
    let mut refused = 0;
    for older in &spools[1..] {
        older.close();
        refused += send(publisher, older).await.map_err(Some)?;
    }
    refused += send(publisher, &spools[0]).await.map_err(Some)?;
    Ok(refused)
}

async fn send(publisher: &mut Publisher, spool: &Spool) -> anyhow::Result<usize> {
    let mut refused = 0;
    while let Some(Batch { key, json, count }) = spool.next_batch().await? {
        match publisher.publish(&json, &key, None).await {
            Ok(()) => spool.acknowledge()?,
            Err(ClientError::Refused { status, detail, .. }) if is_about_the_body(status) => {
                if count > 1 {
                    spool.send_singly(count);
                } else {
                    tell(&format!("a line was refused and left out: {detail}"));
                    refused += 1;
                    spool.acknowledge()?;
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(refused)
}

/// Returns true for a refusal of what the lines are, as opposed to who sends them.
fn is_about_the_body(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY
    )
}

fn tell_of_trouble(error: &ClientError) {
    // A rate that is reached is no trouble: the lines wait a moment.
    if matches!(error, ClientError::Unreachable { .. }) {
        tell(&format!("{error}; lines are kept and sent when it is back"));
    }
}

/// Reads lines until the input ends, and gives `append` their entries, those of each read together.
fn read_lines(
    mut input: impl Read,
    template: &Map<String, Value>,
    append: impl Fn(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let (mut chunk, mut rest) = (vec![0; CHUNK_BYTES], Vec::new());
    loop {
        let read = match input.read(&mut chunk) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        let mut entries = Vec::new();
        if read == 0 {
            write_entries(&rest, template, &mut entries);
        }
        for part in chunk[..read].split_inclusive(|byte| *byte == b'\n') {
            rest.extend_from_slice(part);
            if part.ends_with(b"\n") {
                write_entries(&std::mem::take(&mut rest), template, &mut entries);
            }
        }
        while rest.len() > PIECE_MAX_BYTES {
            let piece: Vec<u8> = rest.drain(..end_of_piece(&rest)).collect();
            write_entries(&piece, template, &mut entries);
        }
        if !entries.is_empty() {
            append(&entries)?;
        }
        if read == 0 {
            return Ok(());
        }
    }
}

/// The end of the first piece of a long line: not within a character.
fn end_of_piece(bytes: &[u8]) -> usize {
    let most = PIECE_MAX_BYTES;
    (most - 3..=most).rev().find(|at| bytes[*at] & 0b1100_0000 != 0b1000_0000).unwrap_or(most)
}

/// Writes the entries of a line, several if it is long, none if it is blank.
fn write_entries(line: &[u8], template: &Map<String, Value>, entries: &mut Vec<u8>) {
    let text = String::from_utf8_lossy(line);
    let text = text.trim_end_matches(['\n', '\r']);
    let characters: Vec<char> = text.chars().collect();
    for piece in characters.chunks(TEXT_MAX_CHARACTERS) {
        let piece: String = piece.iter().collect();
        if is_blank(&piece) {
            continue;
        }
        let mut entry = template.clone();
        entry.insert("text".to_owned(), piece.into());
        serde_json::to_writer(&mut *entries, &entry).expect("a Vec takes everything");
        entries.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    /// Gives what it has in portions of this many bytes.
    struct Portions<'a>(&'a [u8], usize);

    impl Read for Portions<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let most = self.1.min(buffer.len());
            self.0.read(&mut buffer[..most])
        }
    }

    fn texts(input: &[u8], portion: usize) -> Vec<String> {
        let all = RefCell::new(Vec::new());
        let append = |entries: &[u8]| {
            all.borrow_mut().extend_from_slice(entries);
            Ok(())
        };
        read_lines(Portions(input, portion), &Map::new(), append).expect("read");
        let all = all.into_inner();
        let lines = all.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines
            .map(|line| {
                let entry: Value = serde_json::from_slice(line).expect("JSON");
                entry["text"].as_str().expect("a text").to_owned()
            })
            .collect()
    }

    #[test]
    fn each_line_is_an_event_however_it_comes() {
        for portion in [1, 2, 3, 7, 64 * 1024] {
            let input = "eins\r\n\n  \nzwei \u{1f3ee}\n\"drei\"\\\n\u{ff}last".as_bytes();
            assert_eq!(texts(input, portion), ["eins", "zwei \u{1f3ee}", "\"drei\"\\", "\u{ff}last"]);
        }
        assert_eq!(texts(b"a\xff\xfeb\n", 9), ["a\u{fffd}\u{fffd}b"]);
    }

    #[test]
    fn a_long_line_becomes_several_events_and_loses_nothing() {
        for character in ["x", "\u{e9}", "\u{65e5}", "\u{1f3ee}"] {
            let line = character.repeat(50_000);
            for input in [line.clone(), format!("{line}\n")] {
                let pieces = texts(input.as_bytes(), 5_000);
                assert!(pieces.iter().all(|piece| piece.chars().count() <= TEXT_MAX_CHARACTERS));
                assert_eq!(pieces.concat(), line);
            }
        }
    }
}
