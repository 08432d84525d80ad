//! One connection that follows a room, and holds each entry to its place. Owned and driven by the crowd.

use std::{
    io::{self, Read, Write},
    net::SocketAddr,
    rc::Rc,
    time::{Duration, Instant},
};

use mio::{Interest, Registry, Token, event::Event, net::TcpStream};

use super::{
    frames::{self, Frame},
    http,
    stamp::{self, Entry},
    tally::Tally,
};

/// Before a connection that failed is tried again, half of it by chance.
const RETRY: Duration = Duration::from_millis(100);

/// How entries come.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// The floor: frames as soon as it is connected.
    Plain,
    Socket,
    Stream,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Down {
        again: Instant,
    },
    Connecting,
    /// Asked, and waiting for the head of the answer.
    Opening,
    /// Waiting for `joined`.
    Joining,
    Live,
}

pub(crate) enum Trouble {
    /// The connection is gone.
    Lost,
    /// The promise is broken.
    Broken(String),
}

impl From<io::Error> for Trouble {
    fn from(_: io::Error) -> Self {
        Self::Lost
    }
}

pub(crate) struct Reader {
    way: Way,
    pub(crate) room: Rc<str>,
    token: Rc<str>,
    stream: Option<TcpStream>,
    pub(crate) phase: Phase,
    /// The part of a frame that has come.
    rest: Vec<u8>,
    epoch: Option<String>,
    /// The last entry it has.
    pub(crate) offset: u64,
    /// When it last became live.
    pub(crate) live_at: Instant,
}

impl Reader {
    pub(crate) fn new(way: Way, room: Rc<str>, token: Rc<str>) -> Self {
        let (rest, now) = (Vec::new(), Instant::now());
        let phase = Phase::Down { again: now };
        Self { way, room, token, stream: None, phase, rest, epoch: None, offset: 0, live_at: now }
    }

    pub(crate) fn connect(
        &mut self,
        address: SocketAddr,
        registry: &Registry,
        token: Token,
    ) -> Result<(), Trouble> {
        let mut stream = TcpStream::connect(address)?;
        registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
        (self.stream, self.phase) = (Some(stream), Phase::Connecting);
        Ok(())
    }

    /// Forgets the connection, and when to try again.
    pub(crate) fn lose(&mut self, tally: &mut Tally) {
        if self.phase == Phase::Live {
            tally.live -= 1;
        }
        let again = Instant::now() + RETRY.mul_f64(0.5 + fastrand::f64());
        (self.stream, self.phase) = (None, Phase::Down { again });
        self.rest.clear();
    }

    pub(crate) fn on_event(
        &mut self,
        event: &Event,
        buffer: &mut [u8],
        tally: &mut Tally,
    ) -> Result<(), Trouble> {
        if self.phase == Phase::Connecting && event.is_writable() {
            self.on_connected(tally)?;
        }
        loop {
            let Some(stream) = self.stream.as_mut() else { return Ok(()) };
            let length = match stream.read(buffer) {
                Ok(0) => return Err(Trouble::Lost),
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            self.take(&buffer[..length], tally)?;
            // A short read has emptied the socket, unless its end waits behind: spares the read that says so.
            if length < buffer.len() && !event.is_read_closed() {
                return Ok(());
            }
        }
    }

    fn on_connected(&mut self, tally: &mut Tally) -> Result<(), Trouble> {
        let stream = self.stream.as_mut().ok_or(Trouble::Lost)?;
        if let Some(error) = stream.take_error()? {
            return Err(error.into());
        }
        stream.set_nodelay(true)?;
        let request = match self.way {
            Way::Plain => {
                self.go_live(tally);
                return Ok(());
            }
            Way::Socket => http::upgrade(&self.token),
            Way::Stream => http::stream(&self.room, &self.token),
        };
        self.phase = Phase::Opening;
        self.write(request.as_bytes())
    }

    /// A few bytes into an empty buffer of the system: it takes them whole, or the connection is lost.
    fn write(&mut self, bytes: &[u8]) -> Result<(), Trouble> {
        let stream = self.stream.as_mut().ok_or(Trouble::Lost)?;
        if stream.write(bytes)? == bytes.len() { Ok(()) } else { Err(Trouble::Lost) }
    }

    fn go_live(&mut self, tally: &mut Tally) {
        (self.phase, self.live_at) = (Phase::Live, Instant::now());
        tally.live += 1;
    }

    fn take(&mut self, bytes: &[u8], tally: &mut Tally) -> Result<(), Trouble> {
        let now = stamp::now();
        if self.rest.is_empty() {
            let used = self.digest(bytes, now, tally)?;
            self.rest.extend_from_slice(&bytes[used..]);
            return Ok(());
        }
        let mut all = std::mem::take(&mut self.rest);
        all.extend_from_slice(bytes);
        let used = self.digest(&all, now, tally)?;
        all.drain(..used);
        self.rest = all;
        Ok(())
    }

    /// Takes all that is whole, and says how much that was.
    fn digest(&mut self, bytes: &[u8], now: u64, tally: &mut Tally) -> Result<usize, Trouble> {
        let mut used = 0;
        loop {
            let length = match (self.phase, self.way) {
                (Phase::Opening, _) => self.on_head(&bytes[used..])?,
                (_, Way::Stream) => self.on_chunk(&bytes[used..], now, tally)?,
                _ => self.on_frame(&bytes[used..], now, tally)?,
            };
            match length {
                Some(length) => used += length,
                None => return Ok(used),
            }
        }
    }

    fn on_head(&mut self, bytes: &[u8]) -> Result<Option<usize>, Trouble> {
        let Some((status, length)) = http::head(bytes) else { return Ok(None) };
        self.phase = Phase::Joining;
        match (status, self.way) {
            (101, Way::Socket) => {
                let after = self.epoch.as_ref().map(|epoch| format!(r#","after":"{epoch}:{}""#, self.offset));
                let (room, after) = (&self.room, after.unwrap_or_default());
                let join = format!(r#"{{"type":"join","room":"{room}"{after}}}"#);
                self.write(&frames::masked(frames::TEXT, join.as_bytes()))?;
            }
            (200, Way::Stream) => {}
            (503, _) => return Err(Trouble::Lost), // starting or stopping: later
            _ => return Err(Trouble::Broken(format!("a reader was answered {status}"))),
        }
        Ok(Some(length))
    }

    fn on_frame(&mut self, bytes: &[u8], now: u64, tally: &mut Tally) -> Result<Option<usize>, Trouble> {
        let Some(frame) = Frame::find(bytes) else { return Ok(None) };
        match frame.opcode {
            frames::TEXT => self.on_json(frame.payload, now, tally)?,
            frames::PING => self.write(&frames::masked(frames::PONG, frame.payload))?,
            frames::CLOSE => return Err(Trouble::Lost),
            other => return Err(Trouble::Broken(format!("a frame of kind {other} came"))),
        }
        Ok(Some(frame.length))
    }

    /// A chunk holds whole events: the server writes them so, and hyper makes one chunk of a piece.
    fn on_chunk(&mut self, bytes: &[u8], now: u64, tally: &mut Tally) -> Result<Option<usize>, Trouble> {
        let Some((data, length)) = http::chunk(bytes) else { return Ok(None) };
        match data.ends_with(b"\n\n") {
            true => {}
            false if data.is_empty() => return Err(Trouble::Lost),
            false => return Err(Trouble::Broken("a chunk ends within an event".into())),
        }
        for line in data.split(|byte| *byte == b'\n') {
            if let Some(json) = line.strip_prefix(b"data: ") {
                self.on_json(json, now, tally)?;
            }
        }
        Ok(Some(length))
    }

    fn on_json(&mut self, json: &[u8], now: u64, tally: &mut Tally) -> Result<(), Trouble> {
        if let Some(Entry { offset, posted }) = Entry::find(json) {
            let last = self.offset;
            if self.phase != Phase::Live || offset != last + 1 {
                return Err(Trouble::Broken(format!("entry {offset} came after {last}")));
            }
            self.offset = offset;
            tally.note_delivery(posted, now);
        } else if self.phase == Phase::Joining && json.starts_with(br#"{"type":"joined""#) {
            self.on_joined(json).ok_or_else(|| broken_by(json))?;
            self.go_live(tally);
        } else if self.phase == Phase::Joining || json.starts_with(br#"{"type":"re"#) {
            return Err(broken_by(json)); // a reset, a rejection, or whatever comes before its time
        }
        Ok(())
    }

    /// None: its cursor was not honoured.
    fn on_joined(&mut self, json: &[u8]) -> Option<()> {
        let epoch = stamp::after(json, br#""epoch":""#)?.split(|byte| *byte == b'"').next()?;
        let offset = stamp::number(stamp::after(json, br#""offset":"#)?);
        let is_first = self.epoch.is_none();
        stamp::after(json, br#""recovered":true"#)?;
        self.epoch = Some(String::from_utf8_lossy(epoch).into_owned());
        if is_first {
            self.offset = offset;
        }
        (offset == self.offset).then_some(())
    }
}

fn broken_by(json: &[u8]) -> Trouble {
    Trouble::Broken(format!("a reader received {}", String::from_utf8_lossy(json)))
}
