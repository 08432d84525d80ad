//! `/channels`: what administrators do with the readers of the feed's channels.

use crate::server::routes::query::Lenient;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::{
    answer::{SignedIn, beside},
    outcome::{Outcome, refused},
};
use crate::{
    app::routes,
    server::{
        documents::Channels,
        error::Error,
        routes::{body::FormBody, members::find},
        state::AppState,
    },
};

/// The document.
pub(super) async fn show(signed_in: SignedIn, Lenient(outcome): Lenient<Outcome>) -> Result<Response, Error> {
    let channels = Channels {
        channels: signed_in.asked.state.rights.channels().list(),
        problem: outcome.problem(),
        channel: outcome.name.unwrap_or_default(),
        readers: outcome.list.unwrap_or_default(),
    };
    beside(&signed_in, channels).await
}

#[derive(Deserialize)]
pub(super) struct LimitForm {
    channel: String,
    readers: String,
}

/// Says who reads a channel.
pub(super) async fn limit(
    State(state): State<AppState>,
    FormBody(LimitForm { channel, readers }): FormBody<LimitForm>,
) -> Response {
    let limited = async {
        let mut users = Vec::new();
        for name in readers.lines().map(str::trim).filter(|name| !name.is_empty()) {
            users.push(find(&state, name).await?);
        }
        state.rights.channels().limit(&channel, users).await
    };
    match limited.await {
        Ok(_) => Redirect::to(routes::CHANNELS).into_response(),
        Err(error) => refused(routes::CHANNELS, error, &[("name", &channel), ("list", &readers)]),
    }
}

#[derive(Deserialize)]
pub(super) struct ChannelForm {
    channel: String,
}

/// Opens a channel to everybody, which it may be already.
pub(super) async fn open(
    State(state): State<AppState>,
    FormBody(ChannelForm { channel }): FormBody<ChannelForm>,
) -> Response {
    match state.rights.channels().open_to_all(&channel).await {
        Ok(_) => Redirect::to(routes::CHANNELS).into_response(),
        Err(error) => refused(routes::CHANNELS, error, &[]),
    }
}
