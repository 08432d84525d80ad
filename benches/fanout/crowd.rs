//! The load: all readers and callers in one thread over one epoll, so that the machine's other core is the server's.

use std::{
    net::SocketAddr,
    rc::Rc,
    time::{Duration, Instant},
};

use mio::{Events, Poll, Token};

use super::{
    Fault,
    callers::{Callers, FIRST_TOKEN},
    http,
    options::Options,
    reader::{Phase, Reader, Trouble, Way},
    tally::Tally,
};

/// Connections that are opened at the same time: as many as the floor's accept queue holds. A connection that overflows
/// it waits a second for nothing.
const OPENING_MAX: usize = 128;
/// Events per turn: few, so that a post that is due does not wait for a thousand readers.
const EVENTS_MAX: usize = 128;
/// Larger than the data of a burst for one reader.
const BUFFER_BYTES: usize = 64 * 1024;
/// Limit for all readers to become live.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Crowd {
    pub(crate) address: SocketAddr,
    poll: Poll,
    events: Events,
    buffer: Vec<u8>,
    pub(crate) readers: Vec<Reader>,
    /// Indexes of the readers without a connection.
    down: Vec<usize>,
    /// True if a reader that loses its connection reconnects; otherwise a lost connection is a failure.
    pub(crate) returns: bool,
    /// True if the load polls for events all the time instead of sleeping until there are some. Waking a sleeper costs
    /// the server as much as a delivery, on the same machine only, and it is chance whether the load sleeps between two
    /// deliveries.
    pub(crate) spins: bool,
    pub(crate) callers: Callers,
    pub(crate) tally: Tally,
}

impl Crowd {
    pub(crate) fn new(address: SocketAddr) -> Result<Self, Fault> {
        Ok(Self {
            address,
            poll: Poll::new()?,
            events: Events::with_capacity(EVENTS_MAX),
            buffer: vec![0; BUFFER_BYTES],
            readers: Vec::new(),
            down: Vec::new(),
            returns: false,
            spins: false,
            callers: Callers::default(),
            tally: Tally::default(),
        })
    }

    pub(crate) fn add_callers(&mut self, count: usize) -> Result<(), Fault> {
        self.callers.connect(count, self.address, self.poll.registry())
    }

    /// Connects readers, spread over the rooms, and waits until each is live.
    pub(crate) fn follow(
        &mut self,
        way: Way,
        count: usize,
        rooms: &[String],
        options: &Options,
    ) -> Result<(), Fault> {
        let rooms: Vec<Rc<str>> = rooms.iter().map(|room| room.as_str().into()).collect();
        let mut token: Rc<str> = "".into();
        for index in 0..count {
            if way != Way::Plain && (index == 0 || options.has_distinct_people) {
                token = http::session(self.address, &format!("reader {index}"))?.into();
            }
            self.readers.push(Reader::new(way, rooms[index % rooms.len()].clone(), token.clone()));
        }
        self.go_live()
    }

    /// Connects a reader for each of these people, and waits until each is live.
    pub(crate) fn follow_as(
        &mut self,
        way: Way,
        room: &Rc<str>,
        tokens: impl Iterator<Item = Rc<str>>,
    ) -> Result<(), Fault> {
        self.readers.extend(tokens.map(|token| Reader::new(way, room.clone(), token)));
        self.go_live()
    }

    fn go_live(&mut self) -> Result<(), Fault> {
        let count = self.readers.len();
        self.down = (0..count).rev().collect();
        let until = Instant::now() + PATIENCE;
        while self.tally.live < count {
            self.turn(Duration::from_millis(10))?;
            if Instant::now() > until {
                return Err(
                    format!("{} of {count} readers are live after {PATIENCE:?}", self.tally.live).into()
                );
            }
        }
        Ok(())
    }

    /// Waits up to `wait` for events, and handles them.
    pub(crate) fn turn(&mut self, wait: Duration) -> Result<(), Fault> {
        self.dial();
        let wait = if self.spins { Duration::ZERO } else { wait };
        let Self { poll, events, buffer, readers, down, callers, tally, .. } = self;
        match poll.poll(events, Some(wait)) {
            Err(error) if error.kind() != std::io::ErrorKind::Interrupted => return Err(error.into()),
            _ => {}
        }
        for event in events.iter() {
            let token = event.token();
            if token.0 >= FIRST_TOKEN {
                if let Some((answer, delay)) = callers.read(token, buffer)? {
                    tally.note_answer(&answer, delay)?;
                }
                continue;
            }
            let reader = &mut readers[token.0];
            match reader.on_event(event, buffer, tally) {
                Ok(()) => {}
                Err(Trouble::Broken(how)) => return Err(how.into()),
                Err(Trouble::Lost) if !self.returns => return Err("a reader lost its connection".into()),
                Err(Trouble::Lost) => {
                    reader.lose(tally);
                    down.push(token.0);
                }
            }
        }
        Ok(())
    }

    /// Runs for this time without sending requests.
    pub(crate) fn rest(&mut self, time: Duration) -> Result<(), Fault> {
        let until = Instant::now() + time;
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            self.turn(left)?;
        }
        Ok(())
    }

    /// Opens the connections that are down and due.
    fn dial(&mut self) {
        let Self { down, readers, tally, poll, address, .. } = self;
        let mut room = OPENING_MAX.saturating_sub(readers.len() - down.len() - tally.live);
        let now = Instant::now();
        down.retain(|&index| {
            let reader = &mut readers[index];
            if room == 0 || matches!(reader.phase, Phase::Down { again } if again > now) {
                return true;
            }
            room -= 1;
            let is_lost = reader.connect(*address, poll.registry(), Token(index)).is_err();
            if is_lost {
                reader.lose(tally);
            }
            is_lost
        });
    }
}
