//! The part of HTTP/1.1 that a thousand light connections need: requests written by hand; answers with a length, in
//! chunks or, for streams, until the connection ends.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, BufReader};

/// A GET request without a body.
pub(crate) fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
}

/// A request that posts a message to a room.
pub(crate) fn post(room: &str, token: &str, id: &str, text: &str) -> String {
    let body = format!(r#"{{"id":"{id}","text":"{text}"}}"#);
    let length = body.len();
    format!(
        "POST /api/rooms/{room}/messages HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

/// The server's output on one connection.
pub(crate) struct Answers<R> {
    stream: BufReader<R>,
    is_chunked: bool,
}

/// The head of an answer.
pub(crate) struct Head {
    pub(crate) status: u16,
    /// `None` if the body is chunked or lasts until the end of the connection.
    length: Option<usize>,
}

impl<R: tokio::io::AsyncRead + Unpin> Answers<R> {
    pub(crate) fn new(stream: R) -> Self {
        Self { stream: BufReader::with_capacity(4096, stream), is_chunked: false }
    }

    pub(crate) async fn head(&mut self) -> io::Result<Head> {
        let status = line(&mut self.stream).await?;
        let status = status.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or_else(broken)?;
        let mut length = Some(0);
        self.is_chunked = false;
        loop {
            let line = line(&mut self.stream).await?.to_ascii_lowercase();
            match line.split_once(':') {
                None => return Ok(Head { status, length }),
                Some(("content-length", value)) => {
                    length = Some(value.trim().parse().map_err(|_| broken())?);
                }
                Some(("transfer-encoding", _)) => (length, self.is_chunked) = (None, true),
                Some(_) => {}
            }
        }
    }

    /// Reads a complete answer.
    pub(crate) async fn answer(&mut self) -> io::Result<(u16, Vec<u8>)> {
        let head = self.head().await?;
        let mut body = Vec::new();
        match head.length {
            Some(length) => {
                body.resize(length, 0);
                self.stream.read_exact(&mut body).await?;
            }
            None => while self.chunk(&mut body).await? {},
        }
        Ok((head.status, body))
    }

    /// Appends the next chunk of a body, or the available bytes of one that is not chunked. Returns false at its end.
    pub(crate) async fn chunk(&mut self, body: &mut Vec<u8>) -> io::Result<bool> {
        if !self.is_chunked {
            let came = self.stream.fill_buf().await?;
            let length = came.len();
            body.extend_from_slice(came);
            self.stream.consume(length);
            return Ok(length > 0);
        }
        let size = line(&mut self.stream).await?;
        let size = usize::from_str_radix(size.trim(), 16).map_err(|_| broken())?;
        let start = body.len();
        body.resize(start + size, 0);
        self.stream.read_exact(&mut body[start..]).await?;
        line(&mut self.stream).await?; // each chunk ends with an empty line, and so do they all
        Ok(size > 0)
    }
}

async fn line(stream: &mut (impl AsyncBufRead + Unpin)) -> io::Result<String> {
    let mut line = String::new();
    if stream.read_line(&mut line).await? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    line.truncate(line.trim_end().len());
    Ok(line)
}

fn broken() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "not an answer of HTTP/1.1")
}
