//! `/channels`: the page on which administrators limit the readers of the feed's channels.

use axum::response::{IntoResponse, Redirect, Response};
use leptos::prelude::*;
use serde::Deserialize;

use super::{
    answer::{SignedIn, beside, noted},
    document::Document,
    fields::{labelled_input, problem_note, text_of_area},
    outcome::Outcome,
    rejected::rejected_beside,
    texts::Texts,
};
use crate::{
    app::{model::room::RejectionReason, routes},
    protocol::{problem::Code, session::User},
    server::{
        authz::{Deed, LimitedChannel},
        error::Error,
        http::{
            api::members::find,
            extract::{body::FormBody, query::Lenient},
            pages::PageRequest,
        },
    },
};

/// Serves the page.
pub(super) async fn show(signed_in: SignedIn, Lenient(outcome): Lenient<Outcome>) -> Result<Response, Error> {
    page(&signed_in, outcome.problem(), String::new(), String::new()).await
}

/// Serves the page with the rejected texts that were typed.
async fn page(
    signed_in: &SignedIn,
    problem: Option<RejectionReason>,
    channel: String,
    readers: String,
) -> Result<Response, Error> {
    let channels = signed_in.asked.state.rights.channels().list();
    beside(signed_in, Channels { channels, channel, readers, problem }).await
}

/// The fields of the form that limits a channel.
#[derive(Deserialize)]
pub(super) struct LimitForm {
    channel: String,
    readers: String,
}

/// Sets the readers of a channel.
pub(super) async fn limit(
    asked: PageRequest,
    FormBody(LimitForm { channel, readers }): FormBody<LimitForm>,
) -> Response {
    let state = &asked.state;
    let limited = async {
        let mut users = Vec::new();
        for name in readers.lines().map(str::trim).filter(|name| !name.is_empty()) {
            users.push(find(state, name).await?);
        }
        state.rights.channels().limit(&channel, users).await
    };
    let limited =
        noted(&asked, limited.await, |action| action.with(channel.clone()), Deed::LimitChannel).await;
    match limited {
        Ok(_) => Redirect::to(routes::CHANNELS).into_response(),
        Err(error) => {
            let page =
                async |signed_in: SignedIn, reason| page(&signed_in, Some(reason), channel, readers).await;
            rejected_beside(asked, routes::CHANNELS, &[], error, page).await
        }
    }
}

/// The field of the form that opens a channel.
#[derive(Deserialize)]
pub(super) struct ChannelForm {
    channel: String,
}

/// Opens a channel to everybody. One that is open already is no error.
pub(super) async fn open(
    asked: PageRequest,
    FormBody(ChannelForm { channel }): FormBody<ChannelForm>,
) -> Response {
    let opened = asked.state.rights.channels().open_to_all(&channel).await;
    let opened = noted(&asked, opened, |action| action.with(channel.clone()), Deed::OpenChannel).await;
    match opened {
        Ok(_) => Redirect::to(routes::CHANNELS).into_response(),
        Err(error) => {
            let page = async |signed_in: SignedIn, reason| {
                page(&signed_in, Some(reason), String::new(), String::new()).await
            };
            rejected_beside(asked, routes::CHANNELS, &[], error, page).await
        }
    }
}

/// The data of the page `/channels`.
#[derive(Clone, Debug)]
pub(super) struct Channels {
    /// The channels that have readers of their own.
    pub(super) channels: Vec<LimitedChannel>,
    /// The rejected channel that was typed.
    pub(super) channel: String,
    /// The rejected readers that were typed, one per line.
    pub(super) readers: String,
    /// The reason why the last change was rejected.
    pub(super) problem: Option<RejectionReason>,
}

impl Document for Channels {
    fn title(&self, texts: &Texts) -> String {
        texts.limited_channels.to_owned()
    }

    fn body(self, texts: &'static Texts) -> AnyView {
        let Self { channels, channel, readers, problem } = self;
        let is_empty = channels.is_empty();
        let rows = channels.into_iter().map(|channel| row(texts, channel)).collect::<Vec<_>>();
        // Only an unknown person is a problem with the readers; every other one is about the channel.
        let (of_readers, of_channel) = match problem {
            Some(RejectionReason { code: Code::UnknownPerson, .. }) => (problem, None),
            other => (None, other),
        };
        let about = of_readers.map_or("readers-hint", |_| "problem readers-hint");
        view! {
            <h1>{texts.limited_channels}</h1>
            <section class="panel stack">
                <p class="muted">{texts.limited_channels_intro}</p>
                {is_empty.then(|| view! { <p>{texts.no_limited_channels}</p> })}
                <ul class="rows">{rows}</ul>
            </section>
            <form class="panel stack" method="post" action=routes::CHANNELS aria-labelledby="limit-heading">
                <h2 id="limit-heading">{texts.limit_channel}</h2>
                {problem_note(texts, problem)}
                {labelled_input("channel", texts.channel, channel, None, of_channel)}
                <div class="labelled">
                    <label for="readers">{texts.readers}</label>
                    <textarea
                        id="readers"
                        name="readers"
                        rows="4"
                        dir="auto"
                        spellcheck="false"
                        aria-invalid=of_readers.map(|_| "true")
                        aria-describedby=about
                        inner_html=text_of_area(&readers)
                    ></textarea>
                    <p class="muted" id="readers-hint">{texts.readers_hint}</p>
                </div>
                <button type="submit">{texts.limit_button}</button>
            </form>
        }
        .into_any()
    }
}

fn row(texts: &'static Texts, limited: LimitedChannel) -> impl IntoView + use<> {
    let LimitedChannel { channel, readers } = limited;
    let is_empty = readers.is_empty();
    let name = |(index, reader): (usize, User)| {
        view! { {(index > 0).then_some(", ")} <bdi translate="no">{reader.name}</bdi> }
    };
    let names = readers.into_iter().enumerate().map(name).collect::<Vec<_>>();
    let open = format!("{}: {channel}", texts.open_channel);
    view! {
        <li class="row">
            <div>
                <p class="row__head"><b translate="no">{channel.clone()}</b></p>
                <p>{is_empty.then_some(texts.no_readers)} {names}</p>
            </div>
            <form method="post" action="/channels/open">
                <input type="hidden" name="channel" value=channel />
                <button type="submit" aria-label=open>{texts.open_channel}</button>
            </form>
        </li>
    }
}
