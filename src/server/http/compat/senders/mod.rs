//! `POST /hooks/{token}/{sender}`: webhooks as known programs send them. Each sender has a file with one pure function from
//! its headers and body to [`Translated`] events; this file takes the request, checks it and stores them, in the room or
//! channel of the token. Nothing that a body names is fetched.
//!
//! An event that a sender's file does not know is one plain line and never an error, because senders add events. A body that
//! is not the sender's is rejected with a sentence that says what is missing.
//!
//! * `translated`: an event, and its form in a channel and in a room
//! * `read`: members of JSON, read leniently
//! * `apprise`, `github`, `gitea`, `gitlab`, `alerts`, `uptime_kuma`, `sentry`, `healthchecks`, `cloudevents`: the senders

mod alerts;
mod apprise;
mod cloudevents;
mod gitea;
mod github;
mod gitlab;
mod healthchecks;
pub(super) mod read;
mod sentry;
#[cfg(test)]
mod tests;
pub(super) mod translated;
mod uptime_kuma;

use axum::{
    Json,
    body::Bytes,
    extract::{Request, State},
    http::{HeaderMap, header::CONTENT_ENCODING},
};
use serde::{Deserialize, Serialize};

use self::translated::Translated;
use super::{
    hook_target::{self, HookTarget},
    json_body, signature,
};
use crate::{
    protocol::{
        feed::Level,
        problem::{Code, Rejection},
        publication::PUBLISH_MAX_ENTRIES,
    },
    server::{
        error::Error,
        http::{
            api::publish::idempotency_key,
            extract::{body::read_within, client_address::ClientAddress, path::PathPair, query::Lenient},
        },
        state::AppState,
    },
};

/// The query of a webhook.
#[derive(Deserialize)]
pub(crate) struct SenderQuery {
    /// The channel of the feed, of a publisher's token.
    channel: Option<String>,
}

/// The answer, which senders show to those who set them up.
#[derive(Serialize)]
pub(crate) struct Taken {
    /// The events that were stored, now or by an earlier request.
    events: usize,
}

/// Takes what a sender sends.
pub(crate) async fn post(
    State(state): State<AppState>,
    ClientAddress(address): ClientAddress,
    PathPair(token, sender): PathPair,
    Lenient(SenderQuery { channel }): Lenient<SenderQuery>,
    request: Request,
) -> Result<Json<Taken>, Error> {
    let found = HookTarget::of_token(&state, &token, channel, address).await;
    let (target, secret) = found.map_err(hook_target::unknown_as_not_found)?;
    let sender = Sender::parse(&sender)?;
    let mut headers = request.headers().clone();
    let key = idempotency_key(&headers)?;
    let body = read_within(request, state.max_hook_body).await?;
    // It is undone, and the body of a form would be decoded again.
    headers.remove(CONTENT_ENCODING);
    signature::check(secret.as_ref(), &headers, &body)?;
    let translated = bounded(sender.translate(&headers, body)?);
    let events = translated.len();
    // One after the other, in the order of the body. A sender that is told of a failure sends all of them again, and those
    // that are stored by then are not stored twice.
    for (index, event) in translated.into_iter().enumerate() {
        let once = event.once(sender.name(), key.as_deref().map(|key| (key, index)));
        let message = |once| Ok(event.message(sender.label(), once));
        target.deliver(&state, once, message, || event.publication(sender.label())).await?;
    }
    Ok(Json(Taken { events }))
}

/// The events of one request, as many as one request may publish; the last of more says how many are left out.
fn bounded(mut events: Vec<Translated>) -> Vec<Translated> {
    let left_out = events.len().saturating_sub(PUBLISH_MAX_ENTRIES);
    if left_out > 0 {
        events.truncate(PUBLISH_MAX_ENTRIES - 1);
        let title = format!("{} more in the same request", left_out + 1);
        events.push(Translated { title, level: Level::Warning, ..Translated::default() });
    }
    events
}

/// A program that sends webhooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sender {
    Alertmanager,
    Apprise,
    CloudEvents,
    Gitea,
    GitHub,
    GitLab,
    Grafana,
    Healthchecks,
    Sentry,
    UptimeKuma,
}

impl Sender {
    const ALL: [Self; 10] = [
        Self::Alertmanager,
        Self::Apprise,
        Self::CloudEvents,
        Self::Gitea,
        Self::GitHub,
        Self::GitLab,
        Self::Grafana,
        Self::Healthchecks,
        Self::Sentry,
        Self::UptimeKuma,
    ];

    /// Errors: [`Code::NotFound`], with the names that are known.
    fn parse(name: &str) -> Result<Self, Rejection> {
        Self::ALL.into_iter().find(|sender| sender.name() == name).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ") + ", discord, template";
            let message =
                format!("The address of a webhook ends with its token, or with one of these: {names}.");
            Rejection::new(Code::NotFound, message)
        })
    }

    /// The end of its address.
    fn name(self) -> &'static str {
        match self {
            Self::Alertmanager => "alertmanager",
            Self::Apprise => "apprise",
            Self::CloudEvents => "cloudevents",
            Self::Gitea => "gitea",
            Self::GitHub => "github",
            Self::GitLab => "gitlab",
            Self::Grafana => "grafana",
            Self::Healthchecks => "healthchecks",
            Self::Sentry => "sentry",
            Self::UptimeKuma => "uptime-kuma",
        }
    }

    /// Its own name, the title of an event without another one.
    fn label(self) -> &'static str {
        match self {
            Self::Alertmanager => "Alertmanager",
            Self::Apprise => "Apprise",
            Self::CloudEvents => "CloudEvents",
            Self::Gitea => "Gitea",
            Self::GitHub => "GitHub",
            Self::GitLab => "GitLab",
            Self::Grafana => "Grafana",
            Self::Healthchecks => "Healthchecks",
            Self::Sentry => "Sentry",
            Self::UptimeKuma => "Uptime Kuma",
        }
    }

    fn translate(self, headers: &HeaderMap, body: Bytes) -> Result<Vec<Translated>, Rejection> {
        match self {
            Self::Apprise => return apprise::translate(headers, body),
            Self::CloudEvents => return cloudevents::translate(headers, body),
            _ => {}
        }
        let json = &json_body::read(headers, body)?;
        match self {
            Self::Alertmanager => alerts::alertmanager(json),
            Self::Grafana => alerts::grafana(json),
            Self::Gitea => gitea::translate(headers, json),
            Self::GitHub => github::translate(headers, json),
            Self::GitLab => gitlab::translate(headers, json),
            Self::Healthchecks => healthchecks::translate(json),
            Self::Sentry => sentry::translate(headers, json),
            Self::UptimeKuma => uptime_kuma::translate(json),
            Self::Apprise | Self::CloudEvents => unreachable!("it has returned"),
        }
    }
}
