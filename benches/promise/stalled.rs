//! A thousand readers that stopped reading: their cost to the server, and the check that it closes them in time.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use futures_util::{SinkExt, StreamExt};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};
use tokio_tungstenite::tungstenite::Message;

use super::{
    Fault, http,
    load::Load,
    options::Options,
    reader::{GENERAL, Reader, Transport, join, open_socket},
    server::Server,
};

/// The smallest buffer that the system allows, so that the server meets the stall early.
const RECEIVE_BYTES: u32 = 2_048;
/// Connections of the load: this many posts can share a commit.
const POSTERS: usize = 64;
/// The write timeout, and time for the clean-up.
const CLOSED_AFTER: Duration = Duration::from_secs(40);

pub(crate) async fn run(options: &Options) -> Result<(), Fault> {
    let Options { readers, messages, .. } = options;
    println!(
        "STALLED: {readers} readers that read nothing, half WebSockets, half streams; one that reads.\n"
    );
    held(*readers, *messages).await?;
    closed(*readers, *messages / 5).await
}

/// Measures the cost of stalled readers while none is closed.
async fn held(readers: usize, messages: u64) -> Result<(), Fault> {
    let data = tempfile::tempdir()?;
    let server = Server::start(data.path(), &["--write-timeout", "3600s"]).await?;
    let token = server.session("writer").await?;
    let report = |when: &str| server.memory().map(|mib| println!("  {when:<32} {mib:>8.1} MiB resident"));
    report("before they connect")?;
    let stalled = connect_all(&server, readers).await?;
    let start = server.head().await?;
    let reader = Reader::new(Transport::Socket, server.address, &token, (&start.0, start.1));
    let record = reader.record.clone();
    let reading = tokio::spawn(reader.read());
    report("after they connected")?;
    let began = Instant::now();
    for step in 1..=5 {
        post(&server, &token, messages / 5).await?;
        report(&format!("after {} messages", messages / 5 * step))?;
    }
    let rate = (messages / 5 * 5) as f64 / began.elapsed().as_secs_f64();
    let end = start.1 + messages / 5 * 5;
    let until = Instant::now() + Duration::from_secs(30);
    while record.offset() < end && record.fault().is_none() && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    if let Some(fault) = record.fault() {
        return Err(format!("the reader that reads: {fault}").into());
    }
    if record.offset() != end || server.head().await?.1 != end {
        return Err(format!("the log should end at {end}; the reader is at {}", record.offset()).into());
    }
    report("at the end")?;
    let [sockets, streams] = [server.connections("socket").await?, server.connections("stream").await?];
    println!("\n  {rate:.0} messages a second were acknowledged; the one that reads has all, in order.");
    println!("  The server still counts {sockets} sockets (one of them reads) and {streams} streams.\n");
    reading.abort();
    drop(stalled);
    server.kill().await
}

/// Checks that stalled readers are closed with the default write timeout.
async fn closed(readers: usize, messages: u64) -> Result<(), Fault> {
    let data = tempfile::tempdir()?;
    let server = Server::start(data.path(), &[]).await?;
    let token = server.session("writer").await?;
    let stalled = connect_all(&server, readers).await?;
    post(&server, &token, messages).await?;
    let [sockets, streams] = [server.connections("socket").await?, server.connections("stream").await?];
    println!(
        "  With the default write timeout of 30 s, after {messages} messages: {sockets} sockets, {streams} streams;"
    );
    tokio::time::sleep(CLOSED_AFTER).await;
    let [sockets, streams] = [server.connections("socket").await?, server.connections("stream").await?];
    let mib = server.memory()?;
    println!("  {CLOSED_AFTER:?} later: {sockets} sockets, {streams} streams, {mib:.1} MiB resident.\n");
    drop(stalled);
    server.kill().await?;
    match sockets + streams {
        0 => Ok(()),
        left => Err(format!("{left} readers that read nothing are still connected").into()),
    }
}

async fn post(server: &Server, token: &str, total: u64) -> Result<(), Fault> {
    let (address, token) = (server.address, token.to_owned());
    let load = Load { connections: POSTERS, depth: 4, total, ..Load::new(address, &token) };
    let outcome = load.run().await?;
    match outcome.acknowledged.len() as u64 == total {
        true => Ok(()),
        false => Err("the server ended while messages were posted".into()),
    }
}

/// Opens connections that are never read again after they have joined.
async fn connect_all(server: &Server, count: usize) -> Result<Vec<TcpStream>, Fault> {
    let mut stalled = Vec::new();
    for index in 0..count {
        let tcp = connect(server.address).await?;
        stalled.push(match index % 2 {
            0 => stall_socket(tcp, server, index).await?,
            _ => stall_stream(tcp).await?,
        });
    }
    Ok(stalled)
}

async fn connect(address: SocketAddr) -> Result<TcpStream, Fault> {
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(RECEIVE_BYTES)?;
    Ok(socket.connect(address).await?)
}

async fn stall_socket(tcp: TcpStream, server: &Server, index: usize) -> Result<TcpStream, Fault> {
    let token = server.session(&format!("stalled {index}")).await?;
    let mut socket = open_socket(tcp, server.address, &token).await?;
    socket.send(Message::text(join(GENERAL, None))).await?;
    // Read until it has joined; the rest stays in the buffers.
    loop {
        match socket.next().await.ok_or("a socket ended before it was joined")?? {
            Message::Text(text) if text.contains(r#""joined""#) => break,
            _ => {}
        }
    }
    Ok(socket.into_inner())
}

async fn stall_stream(mut tcp: TcpStream) -> Result<TcpStream, Fault> {
    tcp.write_all(http::get("/api/rooms/general/events").as_bytes()).await?;
    tcp.read_u8().await?; // it is answered
    Ok(tcp)
}
