//! The requests to an S3 service: hyper with our TLS, in the place of the client that `object_store` would bring. `bucket`
//! gives it to `object_store`, which signs requests and repeats them.

use std::{error::Error, io, time::Duration};

use async_trait::async_trait;
use http_body_util::BodyExt;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector as TcpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use object_store::{
    ClientOptions,
    client::{
        HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody, HttpResponse,
        HttpResponseBody, HttpService,
    },
};
use tower_http::timeout::TimeoutBody;

use crate::server::config::tls;

/// Longest time until a service is connected.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// Longest time from a request to the head of its answer: the largest has 8 MiB, and goes through slow lines as well.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);
/// Longest silence in the body of an answer. A download as a whole lasts as long as its reader takes.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// Time for which a connection is kept without a request.
const IDLE_MAX: Duration = Duration::from_secs(30);
/// Connections that are kept without a request.
const IDLE_CONNECTIONS_MAX: usize = 16;

/// A client for an S3 service.
#[derive(Clone, Debug)]
pub(super) struct Connector(Service);

#[derive(Clone, Debug)]
struct Service(Client<HttpsConnector<TcpConnector>, HttpRequestBody>);

impl Connector {
    /// A client that trusts the authorities of the system.
    pub(super) fn new() -> io::Result<Self> {
        let mut tcp = TcpConnector::new();
        tcp.set_connect_timeout(Some(CONNECT_WITHIN));
        tcp.set_nodelay(true);
        // The connector of TLS looks at the scheme.
        tcp.enforce_http(false);
        let config = tls::client_config(None).map_err(io::Error::other)?;
        let https = HttpsConnectorBuilder::new().with_tls_config(config).https_or_http().enable_http1();
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_MAX)
            .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
            .build(https.wrap_connector(tcp));
        Ok(Self(Service(client)))
    }
}

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.0.clone()))
    }
}

#[async_trait]
impl HttpService for Service {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let answered = tokio::time::timeout(ANSWER_WITHIN, self.0.request(request)).await;
        let answered = answered.map_err(|late| HttpError::new(HttpErrorKind::Timeout, late))?;
        let response = answered.map_err(|error| {
            let kind = if error.is_connect() { HttpErrorKind::Connect } else { kind_of(&error) };
            HttpError::new(kind, error)
        })?;
        Ok(response.map(|body| {
            let body = TimeoutBody::new(SILENCE_MAX, body);
            HttpResponseBody::new(body.map_err(|error| HttpError::new_boxed(kind_of(&*error), error)))
        }))
    }
}

/// The kind of a failure, by which `object_store` decides whether a request is repeated.
fn kind_of(error: &(dyn Error + 'static)) -> HttpErrorKind {
    let causes = std::iter::successors(Some(error), |&cause| cause.source());
    for cause in causes {
        if cause.is::<tower_http::timeout::TimeoutError>() {
            return HttpErrorKind::Timeout;
        }
        if let Some(error) = cause.downcast_ref::<hyper::Error>()
            && (error.is_closed() || error.is_incomplete_message() || error.is_body_write_aborted())
        {
            return HttpErrorKind::Request;
        }
        if let Some(error) = cause.downcast_ref::<io::Error>() {
            match error.kind() {
                io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof => {
                    return HttpErrorKind::Interrupted;
                }
                _ => {}
            }
        }
    }
    HttpErrorKind::Unknown
}
