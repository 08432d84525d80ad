//! The opening handshake of RFC 6455, section 4.2: what a request must have, and what the answer says. The chat socket
//! and Socket.IO answer by it; what they take the connection over for is theirs.

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use tungstenite::handshake::derive_accept_key;

use crate::protocol::problem::{Code, Rejection};

/// The answer's headers, or what is wrong with the request's.
pub(crate) fn answer(headers: &HeaderMap) -> Result<Response, Rejection> {
    let is_upgrade =
        has_token(headers, header::CONNECTION, "upgrade") && has_token(headers, header::UPGRADE, "websocket");
    let key = headers.get(header::SEC_WEBSOCKET_KEY);
    let (true, Some(key)) = (is_upgrade, key) else {
        return Err(refused("This address takes WebSocket upgrades only."));
    };
    if headers.get(header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        return Err(refused("WebSocket version 13 is the only one."));
    }
    let accept = HeaderValue::try_from(derive_accept_key(key.as_bytes())).expect("base64 is ASCII");
    let answer = [
        (header::CONNECTION, HeaderValue::from_static("upgrade")),
        (header::UPGRADE, HeaderValue::from_static("websocket")),
        (header::SEC_WEBSOCKET_ACCEPT, accept),
    ];
    Ok(answer.into_response())
}

fn refused(message: &str) -> Rejection {
    Rejection::new(Code::BadRequest, message)
}

/// Whether a header that is a list has this member, in whatever case.
fn has_token(headers: &HeaderMap, name: HeaderName, token: &str) -> bool {
    let lists = headers.get_all(name).into_iter().filter_map(|list| list.to_str().ok());
    lists.flat_map(|list| list.split(',')).any(|member| member.trim().eq_ignore_ascii_case(token))
}
