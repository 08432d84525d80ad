//! The HTTP of Socket.IO: it counts requests that open a connection, gives the engine the bare connection for a
//! WebSocket, and lets the engine answer the rest. `mod.rs` routes to it. It must never read a packet.

use axum::{
    Extension,
    body::Body,
    extract::{FromRequestParts, Request, State},
    http::{HeaderValue, Method, StatusCode, Uri, header, request::Parts},
    response::{IntoResponse, Response},
};
use socketioxide::socket::Sid;
use tokio::time::{sleep, timeout};
use tower::{Service, ServiceExt};

use super::{
    CLOSE_TIMEOUT, Engine, connection_context::ConnectionContext, frame_meter::Meter,
    upgraded_stream::UpgradedStream,
};
use crate::{
    protocol::problem::{Code, Rejection},
    server::{
        error::Error,
        http::{
            extract::body::BODY_TIMEOUT,
            realtime::{handshake, live_connection::Client},
            serve::{upgrade::Upgrade, write_deadline::WriteDeadline},
        },
        state::AppState,
    },
};

/// Engine.IO's packet `close`: the server stops. The official client comes back by itself after it.
const ENGINE_CLOSE: &str = "1";
/// Engine.IO's packet `pong`, which changes nothing.
const ENGINE_PONG: &str = "3";

/// Answers a new connection, a poll, or the change to a WebSocket.
pub(super) async fn get(
    State(state): State<AppState>,
    Extension(engine): Extension<Engine>,
    request: Request,
) -> Result<Response, Error> {
    let (mut parts, body) = request.into_parts();
    let id = parameter(&parts.uri, "sid");
    let is_upgrade = parameter(&parts.uri, "transport") == Some("websocket")
        && parameter(&parts.uri, "EIO") == Some("4")
        && id.is_none_or(|id| id.parse::<Sid>().is_ok());
    if is_upgrade && let Some(id) = id {
        let known = pass(&state, engine.clone(), probe(id)).await;
        if known.status() != StatusCode::OK {
            return Ok(known);
        }
    } else if id.is_none() {
        let client = Client::from_request_parts(&mut parts, &state).await?;
        parts.extensions.insert(ConnectionContext::take(&state, client)?);
    }
    match is_upgrade {
        true => upgrade(&state, engine, parts),
        false => Ok(pass(&state, engine, Request::from_parts(parts, body)).await),
    }
}

/// Answers the packets of a client that polls.
pub(super) async fn post(
    State(state): State<AppState>,
    Extension(engine): Extension<Engine>,
    request: Request,
) -> Result<Response, Rejection> {
    let passed = timeout(BODY_TIMEOUT, pass(&state, engine, request)).await;
    passed.map_err(|_| Rejection::new(Code::BadRequest, "The request body took too long."))
}

/// Lets the engine answer. A poll that waits ends soon after the server's stop, by the engine's last packet or by its
/// close.
async fn pass(state: &AppState, engine: Engine, request: Request) -> Response {
    let stopped = async {
        state.lifetime.stop.cancelled().await;
        sleep(CLOSE_TIMEOUT).await;
    };
    tokio::select! {
        answered = engine.oneshot(request) => match answered {
            Ok(response) => response.map(Body::new),
            Err(never) => match never {},
        },
        () = stopped => ([(header::CONTENT_TYPE, "text/plain; charset=UTF-8")], ENGINE_CLOSE).into_response(),
    }
}

/// Takes the connection over for the engine, past HTTP's buffers and deadlines.
fn upgrade(state: &AppState, mut engine: Engine, parts: Parts) -> Result<Response, Error> {
    let answer = handshake::answer(&parts.headers)?;
    let (write_timeout, meter) = (state.write_timeout, Meter::new(&state.limits));
    let request = Request::from_parts(parts, ());
    let upgrade = Upgrade::new(move |stream, received, permit| {
        let upgraded = UpgradedStream::new(WriteDeadline::new(stream, write_timeout), received, Some(permit));
        let upgraded = upgraded.metered(meter);
        // The engine spawns what serves it.
        drop(Service::<(UpgradedStream, Request<()>)>::call(&mut engine, (upgraded, request)));
    });
    Ok(upgrade.switching_protocols(answer))
}

/// A request that asks whether the engine knows a connection, which is possible only by a packet on it. Without it the
/// answer would be a WebSocket that closes without a reason, where a balancer has led a client to another node.
fn probe(id: &str) -> Request {
    let uri = format!("/socket.io/?EIO=4&transport=polling&sid={id}");
    let mut request = Request::new(Body::from(ENGINE_PONG));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = uri.parse().expect("an id has only characters of base64");
    request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    request
}

fn parameter<'a>(uri: &'a Uri, name: &str) -> Option<&'a str> {
    let pairs = uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
    pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value)
}
