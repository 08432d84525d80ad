//! Requests to this page's server. Each ends with whoever made it: a dropped [`Abort`] ends what it was given to.

use gloo_timers::callback::Timeout;
use js_sys::{Promise, Reflect};
use serde::de::DeserializeOwned;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, Headers, RequestInit, Response};

use super::page;

/// Ends requests when it is dropped.
pub(super) struct Abort(AbortController);

impl Abort {
    pub(super) fn new() -> Self {
        Self(AbortController::new().expect("every browser with WebAssembly has it"))
    }

    /// What to give to the requests.
    pub(super) fn signal(&self) -> Signal {
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
pub(super) struct Signal(AbortController);

impl Signal {
    /// Whether the [`Abort`] is gone.
    pub(super) fn is_aborted(&self) -> bool {
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
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
}

impl Answer {
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// Asks for JSON. `None`: there was no answer within `limit_ms`, or it was ended.
pub(super) async fn get(url: &str, signal: Signal, limit_ms: u32) -> Option<Answer> {
    send(url, "GET", None, Some(signal), limit_ms).await
}

/// Sends JSON. Without a signal it outlives whoever sent it, and the page.
pub(super) async fn post(url: &str, json: &str, signal: Option<Signal>, limit_ms: u32) -> Option<Answer> {
    send(url, "POST", Some(json), signal, limit_ms).await
}

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
    // Its own end must not end the others that share the signal, so late answers are given up by a race.
    let answer = page::window().fetch_with_str_and_init(url, &init);
    let response: Response = in_time(answer, limit_ms).await?.dyn_into().ok()?;
    let body = in_time(response.text().ok()?, limit_ms).await?.as_string()?;
    Some(Answer { status: response.status(), body })
}

/// Waits for a promise, or so long.
async fn in_time(promise: Promise, limit_ms: u32) -> Option<JsValue> {
    let mut timer = None;
    let late = Promise::new(&mut |_, reject| {
        timer = Some(Timeout::new(limit_ms, move || drop(reject.call0(&JsValue::UNDEFINED))));
    });
    let decided = JsFuture::from(Promise::race(&js_sys::Array::of2(&promise, &late))).await;
    drop(timer);
    decided.ok()
}
