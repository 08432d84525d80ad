//! The connection to a server: HTTP/1.1, with TLS for https, kept open from one request to the next. `Publisher` and
//! the commands that read use it. It follows no redirect, so a token cannot be led elsewhere.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    client::conn::http1::{self, SendRequest},
    header::{AUTHORIZATION, HOST, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT},
};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;
use url::Position;

use super::{error::ClientError, settings::Server};
use crate::server::config::tls::client_config;

/// Time for a connection, TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Time for the head of an answer: more than a server waits for its database.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// Length of an answer that is read whole: a page of entries has 256 KiB at most, and what JSON adds.
const ANSWER_MAX_BYTES: usize = 2 * 1024 * 1024;
/// A connection that was idle for this long is not used again: proxies close them after a minute.
const IDLE_MAX: Duration = Duration::from_secs(30);

/// One request; it can be sent again.
#[derive(Clone, Debug)]
pub(super) struct ApiRequest {
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Bytes,
}

impl ApiRequest {
    /// A `GET` of a path with its query.
    pub(super) fn get(path: String) -> Self {
        Self { method: Method::GET, path, headers: HeaderMap::new(), body: Bytes::new() }
    }

    /// A `POST` of JSON.
    pub(super) fn post(path: String, json: String) -> Self {
        let request = Self { method: Method::POST, path, headers: HeaderMap::new(), body: json.into() };
        request.with("content-type", "application/json")
    }

    /// The same with one more header.
    pub(super) fn with(mut self, name: &'static str, value: &str) -> Self {
        let value = HeaderValue::from_str(value).expect("our values have no control characters");
        self.headers.insert(HeaderName::from_static(name), value);
        self
    }
}

/// An answer that was read whole.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) body: Bytes,
}

/// The connection.
pub(super) struct Connection {
    server: Server,
    tls: Option<TlsConnector>,
    open: Option<(SendRequest<Full<Bytes>>, Instant)>,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

impl Connection {
    /// A connection that is opened when it is needed.
    ///
    /// # Errors
    /// The authorities of TLS cannot be read.
    pub(super) fn new(server: Server) -> anyhow::Result<Self> {
        let tls =
            (server.url.scheme() == "https").then(|| client_config(server.ca.as_deref())).transpose()?;
        Ok(Self { server, tls: tls.map(|tls| TlsConnector::from(Arc::new(tls))), open: None })
    }

    /// The server's address, for messages.
    pub(super) fn url(&self) -> String {
        self.server.url[..Position::BeforePath].to_owned()
    }

    /// Closes it: the answer to a stream was given up, and nothing else can come behind it.
    pub(super) fn close(&mut self) {
        self.open = None;
    }

    /// Sends the request and reads the answer. One that is no success is an error.
    pub(super) async fn ask(&mut self, request: &ApiRequest) -> Result<Answer, ClientError> {
        let answer = async {
            let response = self.send(request).await?;
            let body = Limited::new(response.into_body(), ANSWER_MAX_BYTES).collect().await;
            Ok(Answer { body: body.map_err(|error| self.unreachable(&*error))?.to_bytes() })
        };
        match timeout(ANSWER_TIMEOUT, answer).await {
            Ok(answer) => answer,
            Err(_) => {
                self.open = None;
                Err(self.unreachable(&format!("no answer within {} s", ANSWER_TIMEOUT.as_secs())))
            }
        }
    }

    /// Sends the request and returns the answer with its body still to come. One that is no success is an error.
    pub(super) async fn send(&mut self, request: &ApiRequest) -> Result<Response<Incoming>, ClientError> {
        let is_fresh = self.open.is_none();
        let response = match self.exchange(request).await {
            // The server may have closed the idle connection at this moment. Every request here can be repeated.
            Err(_) if !is_fresh => self.exchange(request).await?,
            response => response?,
        };
        if response.status().is_success() {
            return Ok(response);
        }
        Err(self.refusal(response).await)
    }

    async fn exchange(&mut self, request: &ApiRequest) -> Result<Response<Incoming>, ClientError> {
        let mut sender = match self.open.take() {
            Some((sender, used)) if !sender.is_closed() && used.elapsed() < IDLE_MAX => sender,
            _ => self.connect().await?,
        };
        sender.ready().await.map_err(|error| self.unreachable(&error))?;
        let response = sender.send_request(self.request(request)).await;
        let response = response.map_err(|error| self.unreachable(&error))?;
        self.open = Some((sender, Instant::now()));
        Ok(response)
    }

    fn request(&self, asked: &ApiRequest) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(asked.body.clone()));
        *request.method_mut() = asked.method.clone();
        *request.uri_mut() = asked.path.parse().expect("paths are encoded");
        let headers = request.headers_mut();
        *headers = asked.headers.clone();
        let host = &self.server.url[Position::BeforeHost..Position::AfterPort];
        headers.insert(HOST, HeaderValue::from_str(host).expect("a URL's host is a header"));
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("idobata/", env!("CARGO_PKG_VERSION"))));
        let bearer =
            self.server.token.as_deref().map(|token| HeaderValue::from_str(&format!("Bearer {token}")));
        if let Some(Ok(mut bearer)) = bearer {
            bearer.set_sensitive(true);
            headers.insert(AUTHORIZATION, bearer);
        }
        request
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, ClientError> {
        let connected = timeout(CONNECT_TIMEOUT, self.open_stream()).await;
        let late = |_| self.unreachable(&format!("no connection within {} s", CONNECT_TIMEOUT.as_secs()));
        let stream = connected.map_err(late)?.map_err(|error| self.unreachable(&error))?;
        let handshake = http1::handshake(TokioIo::new(stream)).await;
        let (sender, connection) = handshake.map_err(|error| self.unreachable(&error))?;
        // It ends when the sender and the answers are dropped.
        tokio::spawn(connection);
        Ok(sender)
    }

    async fn open_stream(&self) -> std::io::Result<Box<dyn Stream>> {
        let url = &self.server.url;
        let host = url.host_str().expect("an origin has a host").trim_matches(['[', ']']);
        let port = url.port_or_known_default().expect("http and https have one");
        let stream = TcpStream::connect((host, port)).await?;
        stream.set_nodelay(true)?;
        let Some(tls) = &self.tls else { return Ok(Box::new(stream)) };
        let name = ServerName::try_from(host.to_owned()).map_err(std::io::Error::other)?;
        Ok(Box::new(tls.connect(name, stream).await?))
    }

    /// The error of an answer that is no success.
    async fn refusal(&mut self, response: Response<Incoming>) -> ClientError {
        let (status, seconds) = (response.status(), retry_after(response.headers()));
        let body = Limited::new(response.into_body(), ANSWER_MAX_BYTES).collect().await;
        let body = body.map(|body| body.to_bytes()).unwrap_or_default();
        let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
        let detail = match (problem["detail"].as_str(), problem["code"].as_str()) {
            (Some(detail), Some(code)) => format!("{} ({code}, {})", detail, status.as_u16()),
            _ => status.to_string(),
        };
        let is_busy = status.is_server_error()
            || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT);
        match is_busy {
            true => {
                let retry_after = problem["retry_after_ms"].as_u64().map(Duration::from_millis).or(seconds);
                ClientError::Busy { url: self.url(), detail, retry_after }
            }
            false => ClientError::Refused { url: self.url(), status, detail },
        }
    }

    fn unreachable(&self, error: &(impl ToString + ?Sized)) -> ClientError {
        ClientError::Unreachable { url: self.url(), reason: error.to_string() }
    }
}

/// The seconds of `Retry-After`.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    Some(Duration::from_secs(headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse::<u32>().ok()?.into()))
}
