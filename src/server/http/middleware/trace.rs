//! The id and the span of every request. `router` puts them around all that it serves: log lines of a request carry its
//! id, its method and its route, the answer carries the id as `x-request-id`, and so does the problem of a server fault
//! (`problem`). Whoever reports a fault can so be helped to find it in the log.
//!
//! The log must never get the path or the query: one-time tokens stand in them (`/join/{token}`). It gets the pattern
//! of the route that matched instead.

use std::{net::SocketAddr, time::Duration};

use axum::{
    Router,
    extract::{ConnectInfo, MatchedPath, Request},
    http::{HeaderName, HeaderValue},
    response::Response,
};
use tower::ServiceBuilder;
use tower_http::{
    request_id::{MakeRequestId, PropagateRequestIdLayer, RequestId, SetRequestIdLayer},
    trace::TraceLayer,
};
use tracing::Span;

use crate::server::{http::problem, limits::TrustedProxies, state::AppState};

/// The header with the id of a request.
pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The longest id that is taken from a proxy: a UUID has 36 characters, and proxies make some longer ones.
const ID_MAX_BYTES: usize = 64;

/// The router, each of whose requests has an id and a span. It goes around all other layers, so that theirs have them
/// too.
pub(crate) fn around(router: Router<AppState>, state: &AppState) -> Router<AppState> {
    let proxies = state.trusted_proxies.clone();
    let trace = TraceLayer::new_for_http()
        .make_span_with(span_of)
        .on_request(())
        .on_response(log_answer)
        .on_body_chunk(())
        .on_eos(())
        // A fault is logged where it is known what it is, within the span.
        .on_failure(());
    let layers = ServiceBuilder::new()
        .map_request(move |request| without_foreign_id(request, &proxies))
        .layer(SetRequestIdLayer::x_request_id(RandomId))
        .layer(trace)
        .map_response(problem::name_request)
        .layer(PropagateRequestIdLayer::x_request_id());
    router.layer(layers)
}

/// The request's id as text.
fn text_of(id: &RequestId) -> &str {
    id.header_value().to_str().unwrap_or_default()
}

/// Makes ids of 64 random bits in hexadecimal: enough to find one request in a log.
#[derive(Clone, Copy)]
struct RandomId;

impl MakeRequestId for RandomId {
    /// `None`: the system has no random numbers now, and the request goes on without an id.
    fn make_request_id<B>(&mut self, _: &axum::http::Request<B>) -> Option<RequestId> {
        let id = format!("{:016x}", getrandom::u64().ok()?);
        HeaderValue::try_from(id).ok().map(RequestId::new)
    }
}

/// Removes an id that the client made up: it could be that of another request. A trusted proxy's stays, so that one id
/// finds the request in both logs.
fn without_foreign_id(mut request: Request, proxies: &TrustedProxies) -> Request {
    if !request.headers().contains_key(&X_REQUEST_ID) {
        return request;
    }
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let is_trusted = peer.is_some_and(|ConnectInfo(peer)| proxies.contain(peer.ip()));
    let mut ids = request.headers().get_all(&X_REQUEST_ID).iter();
    let is_one = ids.next().is_some_and(is_well_formed) && ids.next().is_none();
    if !(is_trusted && is_one) {
        request.headers_mut().remove(&X_REQUEST_ID);
    }
    request
}

/// Letters, digits and what UUIDs and base64 have beside them: nothing that a line of the log or JSON would have to
/// escape.
fn is_well_formed(id: &HeaderValue) -> bool {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.+/=:".contains(byte);
    (1..=ID_MAX_BYTES).contains(&id.len()) && id.as_bytes().iter().all(is_plain)
}

/// An error's span, because it has to be there whenever there is any line that carries it, whatever `RUST_LOG` says.
fn span_of(request: &Request) -> Span {
    let id = request.extensions().get().map(text_of);
    let route = request.extensions().get().map(MatchedPath::as_str);
    tracing::error_span!("request", id, method = %request.method(), route)
}

fn log_answer(response: &Response, latency: Duration, _: &Span) {
    tracing::debug!(status = response.status().as_u16(), ?latency, "answered");
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn ids_kept(peer: &str, ids: &[&'static str]) -> usize {
        let proxies = TrustedProxies::new(vec!["10.0.0.0/8".parse().expect("a network")]);
        let mut request = Request::new(Body::empty());
        let peer: SocketAddr = peer.parse().expect("an address");
        request.extensions_mut().insert(ConnectInfo(peer));
        for id in ids {
            request.headers_mut().append(X_REQUEST_ID, HeaderValue::from_static(id));
        }
        without_foreign_id(request, &proxies).headers().get_all(X_REQUEST_ID).iter().count()
    }

    #[test]
    fn an_id_is_taken_from_a_trusted_proxy_only_and_only_if_it_is_one() {
        let (proxy, client) = ("10.0.0.1:80", "192.0.2.1:80");
        assert_eq!(ids_kept(proxy, &["0b4b9e3a-8d35-4a53-b0a3-5d9d3a9d1c6e"]), 1);
        assert_eq!(ids_kept(client, &["0b4b9e3a"]), 0);
        assert_eq!(ids_kept(proxy, &["a", "b"]), 0);
        let long = "0123456789012345678901234567890123456789012345678901234567890123456789";
        for id in ["", "a b", "\"", "a\\n", long] {
            assert_eq!(ids_kept(proxy, &[id]), 0, "{id:?}");
        }
    }

    #[test]
    fn ids_are_short_and_random() {
        let request = Request::new(Body::empty());
        let id = || RandomId.make_request_id(&request).expect("random numbers");
        let (one, other) = (id(), id());
        assert_eq!(text_of(&one).len(), 16);
        assert!(is_well_formed(one.header_value()) && text_of(&one) != text_of(&other));
    }
}
