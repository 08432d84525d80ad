//! Following topics as at ntfy: `GET /{topics}/json`, `sse`, `raw` and `ws`. One task a reader, over the same subscription as
//! every other transport, so nothing is lost, doubled or reordered. It encodes each message for its reader, so live
//! delivery is never attached; like a stream of `realtime::sse` it holds a cursor and one batch.

mod connection;
mod start;

use std::{convert::Infallible, sync::Arc};

use axum::{
    body::{Body, Bytes},
    extract::{FromRequestParts, State},
    http::{HeaderMap, HeaderName, Uri, header},
    response::{IntoResponse, Response},
};
use futures_util::stream;
use tokio::sync::mpsc;

use self::connection::{Connection, Output, Reader};
use super::{
    fault::{self, Fault},
    message::Message,
    parameters::Parameters,
    query::Query,
    topic,
};
use crate::server::{
    auth::Identity,
    clock::now_ms,
    http::{
        extract::{path::PathText, user::open_live_session},
        realtime::{
            handshake,
            live_connection::{Client, connect},
            websocket::FrameReader,
        },
        serve::upgrade::Upgrade,
    },
    log::{frame_writer::FrameWriter, topic::Wakeup, wire_format::WireFormat},
    observability::metrics::Kind,
    state::AppState,
    store::Channels,
};

/// The form in which a reader takes messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Json,
    Sse,
    Raw,
    WebSocket,
}

/// A frame of a client has nothing to say; what is larger than this ends the socket.
const FRAME_MAX_BYTES: usize = 4 * 1024;

/// A request to follow topics.
#[derive(FromRequestParts)]
#[from_request(state(AppState))]
pub(super) struct Request {
    #[from_request(via(State))]
    state: AppState,
    topics: PathText,
    client: Client,
    headers: HeaderMap,
    uri: Uri,
}

/// `GET /{topics}/json`: a line of JSON a message.
pub(super) async fn json(request: Request) -> Result<Response, Fault> {
    request.follow(Format::Json).await
}

/// `GET /{topics}/sse`: server-sent events.
pub(super) async fn sse(request: Request) -> Result<Response, Fault> {
    request.follow(Format::Sse).await
}

/// `GET /{topics}/raw`: a line of text a message.
pub(super) async fn raw(request: Request) -> Result<Response, Fault> {
    request.follow(Format::Raw).await
}

/// `GET /{topics}/ws`: a WebSocket with a frame of JSON a message.
pub(super) async fn ws(request: Request) -> Result<Response, Fault> {
    request.follow(Format::WebSocket).await
}

impl Request {
    async fn follow(self, format: Format) -> Result<Response, Fault> {
        let Self { state, topics: PathText(topics), client, headers, uri } = self;
        let topics = topic::parse_list(&topics)?;
        let caller = client.caller.as_ref();
        state.rights.check_reader(caller)?;
        let resumed = headers.get("last-event-id").and_then(|id| id.to_str().ok());
        let query = Query::read(&Parameters::of(&headers, uri.query())?, resumed, now_ms())?;
        let head = head_of(format, &headers)?;
        let kind = match format {
            _ if query.is_poll => Kind::Poll,
            Format::WebSocket => Kind::Socket,
            Format::Json | Format::Sse | Format::Raw => Kind::Stream,
        };
        let permit = connect(&state, kind, &client)?;
        let session = open_live_session(&state, caller).await?;
        let scheduled =
            if query.has_scheduled { scheduled(&state, caller, &topics).await? } else { Vec::new() };
        let start = start::of(&state, caller, &topics, &query.since).await?;
        let wakeup = Arc::new(Wakeup::default());
        let channels = Channels::Only(topics.iter().cloned().collect());
        let subscribed = state.feed.subscribe(start.from, caller, channels, wakeup.clone()).await?;
        let reader = Reader {
            is_lost: start.tells_loss && !subscribed.recovered,
            subscription: subscribed.subscription,
            wakeup,
            topics,
            format,
            is_poll: query.is_poll,
            filters: query.filters,
            scheduled,
            first: start.first,
            session,
        };
        let connections = state.lifetime.live.clone();
        if format == Format::WebSocket {
            let upgrade = Upgrade::new(move |stream, received, tcp_permit| {
                let writer = FrameWriter::new(stream, WireFormat::WebSocket);
                let output = Output::Socket(writer, FrameReader::new(&received, FRAME_MAX_BYTES));
                connections.spawn(async move {
                    Connection::new(state, reader, output).serve().await;
                    drop((permit, tcp_permit));
                });
            });
            return Ok(upgrade.switching_protocols(head));
        }
        let (chunks, body) = mpsc::channel(1);
        connections.spawn(async move {
            Connection::new(state, reader, Output::Body(chunks)).serve().await;
            drop(permit);
        });
        Ok(with_body(head, body))
    }
}

/// The messages of the topics that wait for their time.
async fn scheduled(
    state: &AppState,
    who: Option<&Identity>,
    topics: &[String],
) -> Result<Vec<Message>, Fault> {
    let mut messages = Vec::new();
    for topic in topics {
        let waiting = state.scheduled.list(who, topic).await?;
        messages.extend(waiting.iter().map(Message::scheduled));
    }
    Ok(messages)
}

/// A body in chunks as they come. Not the bare connection, as `realtime::sse` has it: that has no framing, and readers
/// with Python's `requests` wait for 512 bytes of a body without any before they look at it.
fn with_body(head: Response, chunks: mpsc::Receiver<Bytes>) -> Response {
    let chunks = stream::unfold(chunks, |mut chunks| async {
        let chunk = chunks.recv().await?;
        Some((Ok::<_, Infallible>(chunk), chunks))
    });
    head.map(|_| Body::from_stream(chunks))
}

/// The head of the answer.
fn head_of(format: Format, headers: &HeaderMap) -> Result<Response, Fault> {
    let content_type = match format {
        Format::Json => "application/x-ndjson; charset=utf-8",
        Format::Sse => "text/event-stream",
        Format::Raw => "text/plain; charset=utf-8",
        Format::WebSocket => {
            return handshake::answer(headers)
                .map_err(|rejection| Fault::new(fault::NO_WEBSOCKET, rejection.message));
        }
    };
    let head = [
        (header::CONTENT_TYPE, content_type),
        (header::CACHE_CONTROL, "no-cache, no-transform"),
        (HeaderName::from_static("x-accel-buffering"), "no"), // nginx would collect the messages
    ];
    Ok(head.into_response())
}
