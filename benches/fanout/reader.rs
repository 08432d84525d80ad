//! One connection that follows a room: opening, reading and losing it. The crowd owns and drives it; `digest` parses
//! its bytes.

use std::{
    io::{self, Read, Write},
    net::SocketAddr,
    rc::Rc,
    time::{Duration, Instant},
};

use mio::{Interest, Registry, Token, event::Event, net::TcpStream};

use super::{http, tally::Tally};

/// Time before a failed connection is tried again, half of it random.
const RETRY: Duration = Duration::from_millis(100);

/// The transport of a reader.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// The floor: frames without a request.
    Plain,
    Socket,
    Stream,
    /// A socket that joins no room and hears what is unread.
    Sidebar,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Down {
        again: Instant,
    },
    Connecting,
    /// The request was sent; the head of the answer is awaited.
    Opening,
    /// `joined` is awaited.
    Joining,
    Live,
}

pub(crate) enum Trouble {
    /// The connection is gone.
    Lost,
    /// The server broke the promise.
    Broken(String),
}

impl From<io::Error> for Trouble {
    fn from(_: io::Error) -> Self {
        Self::Lost
    }
}

pub(crate) struct Reader {
    pub(super) way: Way,
    pub(crate) room: Rc<str>,
    token: Rc<str>,
    stream: Option<TcpStream>,
    pub(crate) phase: Phase,
    /// True if the body of a stream is chunked.
    pub(super) is_chunked: bool,
    /// The received part of a frame.
    pub(super) rest: Vec<u8>,
    pub(super) epoch: Option<String>,
    /// Offset of the last entry received; of a sidebar, the number of unread messages.
    pub(crate) offset: u64,
    /// Time when it last became live.
    pub(crate) live_at: Instant,
}

impl Reader {
    pub(crate) fn new(way: Way, room: Rc<str>, token: Rc<str>) -> Self {
        let (rest, now) = (Vec::new(), Instant::now());
        let phase = Phase::Down { again: now };
        Self {
            way,
            room,
            token,
            stream: None,
            phase,
            is_chunked: false,
            rest,
            epoch: None,
            offset: 0,
            live_at: now,
        }
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

    /// Drops the connection and sets the time of the next attempt.
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
            self.on_connected()?;
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
            // A short read has emptied the socket, unless its end follows; this saves the read that would say so.
            if length < buffer.len() && !event.is_read_closed() {
                return Ok(());
            }
        }
    }

    fn on_connected(&mut self) -> Result<(), Trouble> {
        let stream = self.stream.as_mut().ok_or(Trouble::Lost)?;
        if let Some(error) = stream.take_error()? {
            return Err(error.into());
        }
        stream.set_nodelay(true)?;
        let request = match self.way {
            Way::Plain => {
                self.phase = Phase::Joining;
                return Ok(());
            }
            Way::Socket | Way::Sidebar => http::upgrade(&self.token),
            Way::Stream => http::stream(&self.room, &self.token),
        };
        self.phase = Phase::Opening;
        self.write(request.as_bytes())
    }

    /// Writes a few bytes into an empty socket buffer: it takes them completely, or the connection is lost.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), Trouble> {
        let stream = self.stream.as_mut().ok_or(Trouble::Lost)?;
        if stream.write(bytes)? == bytes.len() { Ok(()) } else { Err(Trouble::Lost) }
    }

    pub(super) fn go_live(&mut self, tally: &mut Tally) {
        (self.phase, self.live_at) = (Phase::Live, Instant::now());
        tally.live += 1;
    }
}
