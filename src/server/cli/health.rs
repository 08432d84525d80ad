//! `idobata health`: asks the server on this machine whether it is ready, for the health checks of containers, whose
//! image has no other program that could. `cli` runs it. It reads the same settings as the server and must open no
//! data.

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

/// Longest wait for the answer: less than health checks wait by default, so that the reason is printed.
const PATIENCE: Duration = Duration::from_secs(4);
/// Enough for the head of the answer and a sentence.
const ANSWER_MAX_BYTES: u64 = 4 * 1024;

/// The arguments of `health`.
#[derive(Clone, Debug, Args)]
pub(super) struct Health {
    /// Address and port on which the server listens
    #[arg(long, env = "IDOBATA_LISTEN", default_value = "127.0.0.1:3000", value_name = "ADDRESS",
        value_parser = listen_address)]
    listen: SocketAddr,
}

impl Health {
    /// Returns once the server says that it is ready; everything else is an error.
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

/// The address to connect to: a server that listens on every address is reached on loopback.
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
