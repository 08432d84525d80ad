//! The opening handshake of RFC 6455, section 4.2: the check of the request and the headers of the answer. The chat
//! socket and Socket.IO answer by it. It must never take the connection over: they do.

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use tungstenite::handshake::derive_accept_key;

use crate::protocol::problem::{Code, Rejection};

/// The answer with its headers. Fails with `bad_request` if the request is no upgrade to WebSocket version 13.
pub(crate) fn answer(headers: &HeaderMap) -> Result<Response, Rejection> {
    let is_upgrade =
        has_token(headers, header::CONNECTION, "upgrade") && has_token(headers, header::UPGRADE, "websocket");
    let key = headers.get(header::SEC_WEBSOCKET_KEY);
    let (true, Some(key)) = (is_upgrade, key) else {
        return Err(rejection("This address takes WebSocket upgrades only."));
    };
    if headers.get(header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        return Err(rejection("WebSocket version 13 is the only one."));
    }
    let accept = HeaderValue::try_from(derive_accept_key(key.as_bytes())).expect("base64 is ASCII");
    let answer = [
        (header::CONNECTION, HeaderValue::from_static("upgrade")),
        (header::UPGRADE, HeaderValue::from_static("websocket")),
        (header::SEC_WEBSOCKET_ACCEPT, accept),
    ];
    Ok(answer.into_response())
}

fn rejection(message: &str) -> Rejection {
    Rejection::new(Code::BadRequest, message)
}

/// Returns true if a header that is a list has this member, in any case.
fn has_token(headers: &HeaderMap, name: HeaderName, token: &str) -> bool {
    let lists = headers.get_all(name).into_iter().filter_map(|list| list.to_str().ok());
    lists.flat_map(|list| list.split(',')).any(|member| member.trim().eq_ignore_ascii_case(token))
}
