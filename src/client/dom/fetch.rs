//! Requests to this page's server, for the transports and the app's loader. Each ends with its owner: dropping an
//! [`Abort`] aborts the requests that carry its signal.

use std::{future::Future, pin::pin};

use futures_util::future::{Either, select};
use gloo_net::http::Request;
use gloo_timers::future::TimeoutFuture;
use js_sys::Reflect;
use serde::de::DeserializeOwned;
use wasm_bindgen::JsValue;
use web_sys::{AbortController, Headers, RequestInit};

/// Aborts requests when it is dropped.
pub(crate) struct Abort(AbortController);

impl Abort {
    pub(crate) fn new() -> Self {
        Self(AbortController::new().expect("every browser with WebAssembly has it"))
    }

    /// The signal to pass to the requests.
    pub(crate) fn signal(&self) -> Signal {
        Signal(self.0.clone())
    }
}

impl Drop for Abort {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The end of an [`Abort`] that a request holds.
#[derive(Clone)]
pub(crate) struct Signal(AbortController);

impl Signal {
    /// Returns true if the [`Abort`] was dropped.
    pub(crate) fn is_aborted(&self) -> bool {
        self.0.signal().aborted()
    }
}

/// The time limit of a request for page data.
const LOAD_MS: u32 = 15_000;

/// The reason why data could not be loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadError {
    /// The request failed, or what came is no JSON.
    Failed,
    /// The answer is JSON of another shape, as a server of another build sends it.
    Unreadable,
}

/// Loads and parses JSON from this page's server.
pub async fn load<T: DeserializeOwned>(url: &str) -> Result<T, LoadError> {
    let response = send(url, "GET", None, None, LOAD_MS).await;
    let response = response.filter(Response::is_success).ok_or(LoadError::Failed)?;
    let error = |error: serde_json::Error| match error.is_data() {
        true => LoadError::Unreadable,
        false => LoadError::Failed,
    };
    serde_json::from_str(&response.body).map_err(error)
}

/// A response with its whole body.
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Response {
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// Requests JSON. `None`: there was no response within `limit_ms`, or the request was aborted.
pub(crate) async fn get(url: &str, signal: Signal, limit_ms: u32) -> Option<Response> {
    send(url, "GET", None, Some(signal), limit_ms).await
}

/// Posts JSON. Without a signal the request outlives its owner, and the page.
pub(crate) async fn post(url: &str, json: &str, signal: Option<Signal>, limit_ms: u32) -> Option<Response> {
    send(url, "POST", Some(json), signal, limit_ms).await
}

/// Without `gloo-net`'s builder, which has no `keepalive` and appends a `&` to every query.
async fn send(
    url: &str,
    method: &str,
    json: Option<&str>,
    signal: Option<Signal>,
    limit_ms: u32,
) -> Option<Response> {
    let headers = Headers::new().ok()?;
    headers.set("accept", "application/json").ok()?;
    let init = RequestInit::new();
    init.set_method(method);
    match &signal {
        Some(signal) => init.set_signal(Some(&signal.0.signal())),
        None if method == "POST" => drop(Reflect::set(&init, &"keepalive".into(), &JsValue::TRUE)),
        None => {}
    }
    if let Some(json) = json {
        headers.set("content-type", "application/json").ok()?;
        init.set_body(&JsValue::from_str(json));
    }
    init.set_headers(&headers);
    let request = Request::from(web_sys::Request::new_with_str_and_init(url, &init).ok()?);
    let response = in_time(request.send(), limit_ms).await?.ok()?;
    let body = in_time(response.text(), limit_ms).await?.ok()?;
    Some(Response { status: response.status(), body })
}

/// Waits for a response at most `limit_ms`. A late one is not aborted but no longer awaited: its signal belongs to
/// other requests too.
async fn in_time<T>(response: impl Future<Output = T>, limit_ms: u32) -> Option<T> {
    match select(pin!(response), TimeoutFuture::new(limit_ms)).await {
        Either::Left((response, _)) => Some(response),
        Either::Right(_) => None,
    }
}
