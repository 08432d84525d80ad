//! One request to a push service or a webhook, over a connection of its own to an address that `endpoint` has checked. It
//! follows no redirect and uses no proxy of the environment, so nothing can lead it elsewhere.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use http_body_util::Full;
use hyper::{
    Request, StatusCode,
    header::{HeaderMap, RETRY_AFTER},
};
use hyper_util::rt::TokioIo;
use ipnet::IpNet;
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use super::endpoint::{Endpoint, HostError};

/// Time for a whole request: a later answer would hold a place that others need.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Time for a connection to one of the addresses of a host.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Length of the answer's head. None of it is kept but the status and a time.
const ANSWER_MAX_BYTES: usize = 16 * 1024;

/// The error of a request that has no answer.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// Its host may not be called, or cannot be found.
    #[error(transparent)]
    Host(#[from] HostError),
    /// There was no connection.
    #[error("no connection: {0}")]
    Connect(std::io::Error),
    /// The connection ended.
    #[error("no answer: {0}")]
    Answer(#[from] hyper::Error),
    /// It took too long.
    #[error("no answer within {REQUEST_TIMEOUT:?}")]
    Late,
}

/// The answer of a service.
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// The time after which the service wants to be asked again.
    pub retry_after: Option<Duration>,
}

/// The client of push services and webhooks.
pub struct Client {
    tls: TlsConnector,
    inner: Vec<IpNet>,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

impl Client {
    /// A client that may also call hosts in the networks `inner`.
    pub fn new(tls: ClientConfig, inner: Vec<IpNet>) -> Self {
        Self { tls: TlsConnector::from(Arc::new(tls)), inner }
    }

    /// The inner networks that it may call.
    pub fn inner(&self) -> &[IpNet] {
        &self.inner
    }

    /// Posts a body with these headers.
    pub async fn post(
        &self,
        endpoint: &Endpoint,
        headers: HeaderMap,
        body: Vec<u8>,
    ) -> Result<Answer, RequestError> {
        let request = async {
            let addresses = endpoint.addresses(&self.inner).await?;
            let stream = self.connect(endpoint, &addresses).await.map_err(RequestError::Connect)?;
            exchange(stream, endpoint, headers, body).await
        };
        timeout(REQUEST_TIMEOUT, request).await.unwrap_or(Err(RequestError::Late))
    }

    async fn connect(
        &self,
        endpoint: &Endpoint,
        addresses: &[SocketAddr],
    ) -> std::io::Result<Box<dyn Stream>> {
        let mut connected = Err(std::io::Error::other("no address"));
        for address in addresses {
            connected = match timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
                Ok(connected) => connected,
                Err(late) => Err(late.into()),
            };
            if connected.is_ok() {
                break;
            }
        }
        let stream = connected?;
        if !endpoint.is_https() {
            return Ok(Box::new(stream));
        }
        let host = endpoint.host().trim_matches(['[', ']']).to_owned();
        let name = ServerName::try_from(host).map_err(std::io::Error::other)?;
        Ok(Box::new(self.tls.connect(name, stream).await?))
    }
}

async fn exchange(
    stream: Box<dyn Stream>,
    endpoint: &Endpoint,
    headers: HeaderMap,
    body: Vec<u8>,
) -> Result<Answer, RequestError> {
    let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
        .max_buf_size(ANSWER_MAX_BYTES)
        .handshake(TokioIo::new(stream))
        .await?;
    let url = endpoint.url();
    let mut request = Request::post(&url[url::Position::BeforePath..url::Position::AfterQuery]);
    *request.headers_mut().expect("a URL's path is one") = headers;
    let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
    let request = request
        .header(hyper::header::HOST, host)
        .body(Full::<hyper::body::Bytes>::from(body))
        .expect("a URL's host is one");
    // The connection ends with the answer's head: nobody reads its body.
    let response = tokio::select! {
        response = sender.send_request(request) => response?,
        Err(error) = connection => return Err(error.into()),
    };
    Ok(Answer { status: response.status(), retry_after: retry_after(response.headers()) })
}

/// The seconds of `Retry-After`, or the time until its date (RFC 9110, 10.2.3).
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(Duration::from_secs(seconds.into()));
    }
    let date = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    let wait = date.as_millisecond().saturating_sub(crate::server::clock::now_ms());
    Some(Duration::from_millis(u64::try_from(wait).unwrap_or_default()))
}
