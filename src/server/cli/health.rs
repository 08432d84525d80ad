//! `idobata health`: asks the server on this machine whether it is ready, for the health checks of containers, whose
//! image has no other program that could. Reads the same settings as the server and opens no data.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use anyhow::{Context, bail};
use clap::Args;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::server::config::listen_address;

/// Less than what health checks wait for by default, so that the reason is told.
const PATIENCE: Duration = Duration::from_secs(4);
/// The head of the answer and a sentence.
const ANSWER_MAX_BYTES: u64 = 4 * 1024;

/// Where to ask.
#[derive(Clone, Debug, Args)]
pub(super) struct Health {
    /// Where the server listens
    #[arg(long, env = "IDOBATA_LISTEN", default_value = "127.0.0.1:3000", value_name = "ADDRESS",
        value_parser = listen_address)]
    listen: SocketAddr,
}

impl Health {
    /// Returns when the server says that it is ready; everything else is an error.
    pub(super) async fn run(&self) -> anyhow::Result<()> {
        let address = reachable(self.listen);
        let answer = timeout(PATIENCE, ask(address));
        let answer = answer.await.with_context(|| format!("http://{address}/readyz does not answer"))?;
        let answer = answer.with_context(|| format!("http://{address}/readyz cannot be asked"))?;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        match head.split_ascii_whitespace().nth(1) {
            Some("200") => Ok(()),
            status => bail!("not ready: {} {}", status.unwrap_or("no status"), body.trim()),
        }
    }
}

async fn ask(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(ANSWER_MAX_BYTES).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Who listens on every address is reached by the machine's own.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_on_every_address_is_asked_on_this_machine() {
        for (listen, asked) in
            [("0.0.0.0:3000", "127.0.0.1:3000"), ("[::]:80", "[::1]:80"), ("10.0.0.1:3000", "10.0.0.1:3000")]
        {
            assert_eq!(reachable(listen.parse().expect("an address")).to_string(), asked);
        }
    }
}
