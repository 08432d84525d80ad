//! The floor: the minimal work of any server that delivers. It accepts the readers and then sends each of them each
//! entry as one prepared frame by one `write`, without rooms, store or runtime. It runs as a child process on the
//! server's core.
//!
//! A floor for sockets pings each reader once. A reader that has answered is interactive to the system's TCP, which
//! then sends acknowledgements with the next data and no longer when the reader reads; between two processes of one
//! machine that takes the server's time. Streams never send data back, so their floor does not ping.

use std::{
    io::Write,
    net::{TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

use super::{Fault, frames, options::Options, stamp};

/// The hidden argument that turns the bench into a floor; the options follow as numbers.
pub(crate) const ARGUMENT: &str = "--floor";

const JOINED: &str = r#"{"type":"joined","room":"general","epoch":"floor","offset":0,"recovered":true}"#;

const PING: [u8; 2] = [0x80 | frames::PING, 0];

/// The command line of a floor; `pings` selects that of sockets.
pub(crate) fn arguments(options: &Options, pings: bool) -> Vec<String> {
    let Options { subscribers, rate, size, rooms, .. } = options;
    let numbers = [*subscribers as f64, *rate, *size as f64, *rooms as f64, f64::from(u8::from(pings))];
    [ARGUMENT.to_owned()].into_iter().chain(numbers.map(|number| number.to_string())).collect()
}

/// Serves until it is killed or a reader is gone.
pub(crate) fn serve(arguments: &[String]) -> Result<(), Fault> {
    let numbers: Vec<usize> = arguments.iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
    let [subscribers, rate, size, rooms, pings] = numbers[..] else { return Err("five numbers".into()) };
    let listener = TcpListener::bind("127.0.0.1:0")?;
    eprintln!("listening on http://{}", listener.local_addr()?);
    let mut readers = Vec::with_capacity(subscribers);
    while readers.len() < subscribers {
        let (mut stream, _) = listener.accept()?;
        stream.set_nodelay(true)?;
        // The kernel completes a connection before it is accepted; only this frame tells the reader that the floor has
        // it.
        stream.write_all(&frames::unmasked(JOINED.as_bytes()))?;
        if pings == 1 {
            stream.write_all(&PING)?;
        }
        readers.push(stream);
    }
    let began = Instant::now();
    for turn in 0_usize.. {
        let due = began + Duration::from_secs_f64(turn as f64 / rate as f64);
        thread::sleep(due.saturating_duration_since(Instant::now()));
        if deliver(&mut readers, turn, size, rooms).is_err() {
            break; // the readers are gone: it was measured
        }
    }
    Ok(())
}

fn deliver(readers: &mut [TcpStream], turn: usize, size: usize, rooms: usize) -> std::io::Result<()> {
    let frame = frames::unmasked(message(turn / rooms + 1, &stamp::text(size)).as_bytes());
    for reader in readers.iter_mut().skip(turn % rooms).step_by(rooms) {
        reader.write_all(&frame)?;
    }
    Ok(())
}

/// A message as long as the program's, field by field.
fn message(offset: usize, text: &str) -> String {
    format!(
        r#"{{"type":"message","room":"general","offset":{offset},"id":"{:036}","user":"reader","user_id":"{:032}","text":"{text}","timestamp":{:013}}}"#,
        0, 0, 0
    )
}
