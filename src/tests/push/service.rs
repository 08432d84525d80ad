//! A push service on a port of its own, and browsers that subscribe at it. What they read is decrypted by the crate that
//! encrypts it, which its unit test holds to the RFC; `end2end/tests/push.spec.ts` decrypts by other code.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use parking_lot::Mutex;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::Notify;
use web_push_native::{Auth, p256};

use crate::support::{Person, in_time};

/// An answer of the service, other than "created".
#[derive(Clone, Copy)]
pub(super) enum Reply {
    Status(u16),
    /// With `Retry-After` in seconds.
    RetryAfter(u16, u64),
    /// It never comes.
    Never,
    /// To this machine.
    Redirect,
}

/// A request that the service got.
#[derive(Clone)]
pub(super) struct Request {
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Request {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("{name} is missing")).to_str().unwrap()
    }
}

#[derive(Default)]
struct Desk {
    requests: Mutex<HashMap<String, Vec<Request>>>,
    replies: Mutex<HashMap<String, VecDeque<Reply>>>,
    came: Notify,
}

/// The service.
pub(super) struct PushService {
    pub(super) url: String,
    desk: Arc<Desk>,
}

impl PushService {
    pub(super) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let desk = Arc::new(Desk::default());
        let router = Router::new().route("/{device}", post(take)).with_state(desk.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, desk }
    }

    /// A browser with keys of its own, whose address ends with this name.
    pub(super) fn browser(&self, name: &str) -> Browser {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).unwrap();
        let secret = p256::SecretKey::from_slice(&bytes).unwrap();
        let mut auth = [0; 16];
        getrandom::fill(&mut auth).unwrap();
        Browser { name: name.to_owned(), endpoint: format!("{}/{name}", self.url), secret, auth }
    }

    /// The next answers to a browser's pushes.
    pub(super) fn reply(&self, browser: &Browser, replies: &[Reply]) {
        self.desk.replies.lock().insert(browser.name.clone(), replies.iter().copied().collect());
    }

    /// The requests for a browser until now.
    pub(super) fn requests(&self, browser: &Browser) -> Vec<Request> {
        self.desk.requests.lock().get(&browser.name).cloned().unwrap_or_default()
    }

    /// Waits for the request with this number, from 1.
    pub(super) async fn request(&self, browser: &Browser, number: usize) -> Request {
        in_time(async {
            loop {
                let came = self.desk.came.notified();
                if let Some(request) = self.requests(browser).get(number - 1) {
                    return request.clone();
                }
                tokio::time::timeout(Duration::from_millis(100), came).await.ok();
            }
        })
        .await
    }
}

async fn take(
    State(desk): State<Arc<Desk>>,
    Path(device): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let request = Request { headers, body: body.to_vec() };
    desk.requests.lock().entry(device.clone()).or_default().push(request);
    desk.came.notify_waiters();
    let reply = desk.replies.lock().get_mut(&device).and_then(VecDeque::pop_front);
    match reply.unwrap_or(Reply::Status(201)) {
        Reply::Status(status) => StatusCode::from_u16(status).unwrap().into_response(),
        Reply::RetryAfter(status, seconds) => {
            (StatusCode::from_u16(status).unwrap(), [("retry-after", seconds.to_string())]).into_response()
        }
        Reply::Never => std::future::pending().await,
        Reply::Redirect => (StatusCode::TEMPORARY_REDIRECT, [("location", "/redirected")]).into_response(),
    }
}

/// A browser that is subscribed.
pub(super) struct Browser {
    pub(super) name: String,
    pub(super) endpoint: String,
    secret: p256::SecretKey,
    auth: [u8; 16],
}

impl Browser {
    /// The subscription as `PushSubscription.toJSON` gives it.
    pub(super) fn subscription(&self) -> Value {
        let point =
            p256::elliptic_curve::sec1::ToEncodedPoint::to_encoded_point(&self.secret.public_key(), false);
        let keys = json!({ "p256dh": BASE64.encode(point.as_bytes()), "auth": BASE64.encode(self.auth) });
        json!({ "endpoint": self.endpoint, "expirationTime": null, "keys": keys, "language": "en" })
    }

    /// The payload as the service worker gets it.
    pub(super) fn read(&self, request: &Request) -> Value {
        let auth = Auth::from(self.auth);
        let text = web_push_native::decrypt(request.body.clone(), &self.secret, &auth).expect("it is for us");
        serde_json::from_slice(&text).unwrap()
    }

    /// The claims of the signature, after it was checked with this key.
    pub(super) fn claims(request: &Request, public_key: &str) -> Value {
        let (token, key) =
            request.header("authorization").strip_prefix("vapid t=").unwrap().split_once(", k=").unwrap();
        assert_eq!(key, public_key, "the key that the browser subscribed with");
        let point = BASE64.decode(key).unwrap();
        let (x, y) = point[1..].split_at(32);
        let key = DecodingKey::from_ec_components(&BASE64.encode(x), &BASE64.encode(y)).unwrap();
        let mut validation = Validation::new(Algorithm::ES256);
        validation.validate_aud = false;
        jsonwebtoken::decode::<Value>(token, &key, &validation).expect("a signature of this key").claims
    }
}

impl Person {
    /// Turns notifications on in a browser; returns the id of the device.
    pub(super) async fn subscribes(&self, browser: &Browser) -> String {
        let answer = self.send(Method::POST, "/api/push/subscriptions", &browser.subscription()).await;
        assert_eq!(answer.status(), 201);
        answer.json::<Value>().await.unwrap()["id"].as_str().unwrap().to_owned()
    }

    pub(super) async fn push_state(&self) -> Value {
        self.get("/api/push").send().await.unwrap().json().await.unwrap()
    }

    /// The number of devices that get this person's pushes.
    pub(super) async fn devices(&self) -> usize {
        self.push_state().await["subscriptions"].as_array().unwrap().len()
    }
}
