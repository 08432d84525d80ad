//! Keep-alive connections with one request at a time, for posts and pages.

use std::{
    io::{self, Read, Write},
    net::SocketAddr,
    time::{Duration, Instant},
};

use mio::{Interest, Registry, Token, net::TcpStream};

use super::{Fault, http::Answer};

/// The first poll token of the callers; the readers' tokens are below it.
pub(crate) const FIRST_TOKEN: usize = 1 << 32;

#[derive(Default)]
pub(crate) struct Callers {
    all: Vec<Caller>,
    idle: Vec<usize>,
}

struct Caller {
    stream: TcpStream,
    /// The received part of an answer.
    came: Vec<u8>,
    asked: Instant,
}

impl Callers {
    pub(crate) fn connect(
        &mut self,
        count: usize,
        address: SocketAddr,
        registry: &Registry,
    ) -> Result<(), Fault> {
        for index in self.all.len()..self.all.len() + count {
            let stream = std::net::TcpStream::connect(address)?;
            stream.set_nonblocking(true)?;
            stream.set_nodelay(true)?;
            let mut stream = TcpStream::from_std(stream);
            registry.register(&mut stream, Token(FIRST_TOKEN + index), Interest::READABLE)?;
            self.all.push(Caller { stream, came: Vec::new(), asked: Instant::now() });
            self.idle.push(index);
        }
        Ok(())
    }

    pub(crate) fn idle(&self) -> usize {
        self.idle.len()
    }

    pub(crate) fn busy(&self) -> usize {
        self.all.len() - self.idle.len()
    }

    /// Sends a request on a connection that has none in flight. There must be one.
    pub(crate) fn ask(&mut self, request: &str) -> Result<(), Fault> {
        let index = self.idle.pop().ok_or("every caller waits for an answer")?;
        let caller = &mut self.all[index];
        caller.asked = Instant::now();
        // A few kB into an empty socket buffer: it takes them completely.
        match caller.stream.write(request.as_bytes())? == request.len() {
            true => Ok(()),
            false => Err("a request was taken in part".into()),
        }
    }

    /// Reads the available bytes of one caller. Returns an answer and its latency, if it is complete.
    pub(crate) fn read(
        &mut self,
        token: Token,
        buffer: &mut [u8],
    ) -> Result<Option<(Answer, Duration)>, Fault> {
        let index = token.0 - FIRST_TOKEN;
        let caller = &mut self.all[index];
        loop {
            match caller.stream.read(buffer) {
                Ok(0) => return Err("the server closed a connection that asks".into()),
                Ok(length) => caller.came.extend_from_slice(&buffer[..length]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
        }
        let Some(answer) = Answer::find(&caller.came) else { return Ok(None) };
        caller.came.drain(..answer.length);
        self.idle.push(index);
        Ok(Some((answer, self.all[index].asked.elapsed())))
    }
}
