//! `/ping/{token}/{name}`: the addresses that jobs ping, with the endings of Healthchecks ("Pinging API" in its documentation):
//! `/start`, `/fail`, `/log`, or the exit code of the job. The token is that of a publisher for the heartbeat's channel. The
//! answer is `OK`, and errors are a line of plain text: whoever pings shows it in a log.

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::{
    protocol::problem::{Code, Rejection},
    server::{
        error::Error,
        feed::heartbeats::Ping,
        http::extract::{
            body::RawBody,
            client_address::ClientAddress,
            path::{PathPair, PathTriple},
        },
        state::AppState,
    },
};

/// Takes a ping of a job that ended well.
pub(crate) async fn ended(
    State(state): State<AppState>,
    ClientAddress(address): ClientAddress,
    PathPair(token, name): PathPair,
    body: Result<RawBody, Rejection>,
) -> Response {
    answer(take(&state, address, (&token, &name), Some(Ping::Ended(0)), body).await)
}

/// Takes a ping with an ending.
pub(crate) async fn other(
    State(state): State<AppState>,
    ClientAddress(address): ClientAddress,
    PathTriple(token, name, ending): PathTriple,
    body: Result<RawBody, Rejection>,
) -> Response {
    answer(take(&state, address, (&token, &name), ping_of(&ending), body).await)
}

fn ping_of(ending: &str) -> Option<Ping> {
    Some(match ending {
        "start" => Ping::Start,
        "fail" => Ping::Ended(1),
        "log" => Ping::Log,
        code => Ping::Ended(code.parse().ok()?),
    })
}

async fn take(
    state: &AppState,
    address: std::net::IpAddr,
    (token, name): (&str, &str),
    ping: Option<Ping>,
    body: Result<RawBody, Rejection>,
) -> Result<(), Error> {
    let publisher = state.publishers.of_token(token).await?;
    state.limits.publish(Some(&publisher.id), address).await?;
    let no_heartbeat = || Rejection::new(Code::NotFound, "There is no heartbeat with this name.");
    let heartbeat = state.heartbeats.find(name).await?.ok_or_else(no_heartbeat)?;
    state.publishers.authorize(token, &heartbeat.channel).await?;
    let ping = ping.ok_or_else(|| {
        Rejection::new(
            Code::BadRequest,
            "An address ends with start, fail, log or an exit code from 0 to 255.",
        )
    })?;
    // A text that is too long or cannot be read must not take the ping with it.
    let text = body.ok().map(|RawBody(body)| String::from_utf8_lossy(&body).into_owned());
    state.heartbeats.ping(name, ping, text.as_deref()).await
}

fn answer(taken: Result<(), Error>) -> Response {
    let (status, text, retry_after_ms) = match taken {
        Ok(()) => (StatusCode::OK, "OK".to_owned(), None),
        Err(error) => {
            let rejection = error.into_rejection();
            (status_of(rejection.code), rejection.message, rejection.retry_after_ms)
        }
    };
    let mut response = (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response();
    if let Some(wait_ms) = retry_after_ms {
        response.headers_mut().insert(header::RETRY_AFTER, wait_ms.div_ceil(1_000).into());
    }
    response
}

fn status_of(code: Code) -> StatusCode {
    match code {
        Code::NoSession | Code::NotFound => StatusCode::NOT_FOUND,
        Code::NotAllowed => StatusCode::FORBIDDEN,
        Code::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
        Code::Unavailable | Code::TooManyConnections => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::BAD_REQUEST,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ending_is_a_word_or_an_exit_code() {
        for (ending, ping) in [
            ("start", Some(Ping::Start)),
            ("fail", Some(Ping::Ended(1))),
            ("log", Some(Ping::Log)),
            ("0", Some(Ping::Ended(0))),
            ("255", Some(Ping::Ended(255))),
            ("256", None),
            ("-1", None),
            ("stop", None),
        ] {
            assert_eq!(ping_of(ending), ping, "{ending}");
        }
    }
}
