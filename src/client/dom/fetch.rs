//! Requests to this page's server. Each ends with whoever made it: a dropped [`Abort`] ends what it was given to.

use std::{future::Future, pin::pin};

use futures_util::future::{Either, select};
use gloo_net::http::Request;
use gloo_timers::future::TimeoutFuture;
use js_sys::Reflect;
use serde::de::DeserializeOwned;
use wasm_bindgen::JsValue;
use web_sys::{AbortController, Headers, RequestInit};

/// Ends requests when it is dropped.
pub(crate) struct Abort(AbortController);

impl Abort {
    pub(crate) fn new() -> Self {
        Self(AbortController::new().expect("every browser with WebAssembly has it"))
    }

    /// What to give to the requests.
    pub(crate) fn signal(&self) -> Signal {
        Signal(self.0.clone())
    }
}

impl Drop for Abort {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Stands for an [`Abort`] in a request.
#[derive(Clone)]
pub(crate) struct Signal(AbortController);

impl Signal {
    /// Whether the [`Abort`] is gone.
    pub(crate) fn is_aborted(&self) -> bool {
        self.0.signal().aborted()
    }
}

/// What a page asks for may take so long.
const LOAD_MS: u32 = 15_000;

/// Asks for something of this page's server and reads it. `None`: it could not be had.
pub async fn load<T: DeserializeOwned>(url: &str) -> Option<T> {
    let answer = send(url, "GET", None, None, LOAD_MS).await?;
    answer.is_success().then(|| serde_json::from_str(&answer.body).ok()).flatten()
}

/// What the server said.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// Asks for JSON. `None`: there was no answer within `limit_ms`, or it was ended.
pub(crate) async fn get(url: &str, signal: Signal, limit_ms: u32) -> Option<Answer> {
    send(url, "GET", None, Some(signal), limit_ms).await
}

/// Sends JSON. Without a signal it outlives whoever sent it, and the page.
pub(crate) async fn post(url: &str, json: &str, signal: Option<Signal>, limit_ms: u32) -> Option<Answer> {
    send(url, "POST", Some(json), signal, limit_ms).await
}

/// Not by `gloo-net`'s builder: that has no `keepalive`, and puts a `&` behind every query.
async fn send(
    url: &str,
    method: &str,
    json: Option<&str>,
    signal: Option<Signal>,
    limit_ms: u32,
) -> Option<Answer> {
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
    Some(Answer { status: response.status(), body })
}

/// Waits for an answer so long. A late one is given up by not waiting for it: its signal is shared with others.
async fn in_time<T>(answer: impl Future<Output = T>, limit_ms: u32) -> Option<T> {
    match select(pin!(answer), TimeoutFuture::new(limit_ms)).await {
        Either::Left((answer, _)) => Some(answer),
        Either::Right(_) => None,
    }
}
