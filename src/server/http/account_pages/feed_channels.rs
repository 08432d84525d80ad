//! `/feed`: every channel that the reader may read, by the first letter, with a field that finds some by a part of their
//! names, and the forms that pin or mute them on the device. The sidebar and the value cards lead here, because neither has
//! room for hundreds of channels.

use axum::response::{IntoResponse, Response};
use axum_extra::extract::cookie::CookieJar;
use leptos::prelude::*;
use serde::Deserialize;

use super::{
    answer::{beside_reader, forbidden},
    document::Document,
    texts::Texts,
};
use crate::{
    app::{model::direction::isolated, routes},
    protocol::name::parse_channel,
    server::{
        error::Error,
        http::{
            channel_choices::{ChannelChoices, Choice},
            extract::{body::FormBody, query::Lenient},
            pages::PageRequest,
            redirect::back_to,
        },
    },
};

/// The part of the names that is looked for.
#[derive(Deserialize)]
pub(super) struct Query {
    q: Option<String>,
}

/// Serves the page.
pub(super) async fn show(asked: PageRequest, Lenient(query): Lenient<Query>) -> Result<Response, Error> {
    if let Some(answer) = forbidden(&asked) {
        return Ok(answer);
    }
    let mut channels = asked.state.feed.channels(asked.caller.0.as_ref()).await?;
    let is_empty = channels.is_empty();
    let part = query.q.unwrap_or_default().trim().to_owned();
    let wanted = part.to_ascii_lowercase();
    channels.retain(|channel| channel.to_ascii_lowercase().contains(&wanted));
    // The store has them in the order of their bytes: upper case first.
    channels.sort_by_cached_key(|channel| channel.to_ascii_lowercase());
    let choices = ChannelChoices::read(&asked.state.site, &asked.headers);
    beside_reader(&asked, FeedChannels { channels, part, is_empty, choices }).await
}

/// The fields of the form of a channel.
#[derive(Deserialize)]
pub(super) struct ChoiceForm {
    channel: String,
    choice: Choice,
}

/// Pins or mutes a channel on the device, or neither, and leads back to the list. The channel need not exist: the choice
/// shows nothing of it.
pub(super) async fn choose(
    asked: PageRequest,
    FormBody(ChoiceForm { channel, choice }): FormBody<ChoiceForm>,
) -> Response {
    if let Some(answer) = forbidden(&asked) {
        return answer;
    }
    let cookie = async {
        let channel = parse_channel(&channel)?;
        let choices = ChannelChoices::read(&asked.state.site, &asked.headers);
        choices.with(&channel, choice).cookie(&asked.state.site)
    };
    match cookie.await {
        Ok(cookie) => (CookieJar::new().add(cookie), back_to(routes::FEED_CHANNELS, None)).into_response(),
        Err(rejection) => back_to(routes::FEED_CHANNELS, Some(rejection.into())),
    }
}

/// The data of the page.
struct FeedChannels {
    /// Those that were found, by name without regard to case.
    channels: Vec<String>,
    /// The part of the names that was looked for.
    part: String,
    /// There are no channels at all.
    is_empty: bool,
    choices: ChannelChoices,
}

impl FeedChannels {
    /// The channels of each first character.
    fn by_letter(&self) -> Vec<(char, Vec<String>)> {
        let mut letters: Vec<(char, Vec<String>)> = Vec::new();
        for channel in &self.channels {
            let first = channel.chars().next().unwrap_or_default().to_ascii_uppercase();
            match letters.last_mut() {
                Some((letter, channels)) if *letter == first => channels.push(channel.clone()),
                _ => letters.push((first, vec![channel.clone()])),
            }
        }
        letters
    }
}

impl Document for FeedChannels {
    fn title(&self, texts: &Texts) -> String {
        texts.all_channels.to_owned()
    }

    fn body(self, texts: &'static Texts) -> AnyView {
        let letters = self.by_letter().into_iter().map(|(letter, channels)| {
            let links = channels.into_iter().map(|channel| row(texts, &self.choices, channel));
            let links = links.collect::<Vec<_>>();
            let (id, heading) = (format!("letter-{letter}"), format!("letter-{letter}"));
            view! {
                <section class="channel-index__letter" aria-labelledby=id>
                    <h2 id=heading translate="no">{letter.to_string()}</h2>
                    <ul>{links}</ul>
                </section>
            }
        });
        let letters = letters.collect::<Vec<_>>();
        let found = (texts.channels_found)(self.channels.len());
        let note = if self.is_empty { texts.no_channels.to_owned() } else { found };
        let all = (!self.part.is_empty())
            .then(|| view! { " " <a href=routes::FEED_CHANNELS>{texts.all_channels}</a> });
        view! {
            <h1>{texts.all_channels}</h1>
            <form class="field" method="get" action=routes::FEED_CHANNELS role="search">
                <input name="q" type="search" value=self.part aria-label=texts.channel_part placeholder=texts.channel_part autocapitalize="none" autocomplete="off" spellcheck="false" />
                <button type="submit">{texts.find}</button>
            </form>
            <p role="status">{note} {all}</p>
            {chosen(texts, texts.pinned_channels, &self.choices, &self.choices.pinned)}
            {chosen(texts, texts.muted_channels, &self.choices, &self.choices.muted)}
            <div class="channel-index">{letters}</div>
        }
        .into_any()
    }
}

/// The channels that were pinned or muted, whether they have entries or not: so each can be taken back.
fn chosen(
    texts: &'static Texts,
    title: &'static str,
    choices: &ChannelChoices,
    channels: &[String],
) -> Option<AnyView> {
    let rows: Vec<_> = channels.iter().map(|channel| row(texts, choices, channel.clone())).collect();
    (!rows.is_empty()).then(|| {
        view! {
            <details class="panel" open>
                <summary>{title}</summary>
                <ul>{rows}</ul>
            </details>
        }
        .into_any()
    })
}

/// A channel with the buttons of its form.
fn row(texts: &'static Texts, choices: &ChannelChoices, channel: String) -> AnyView {
    let of = |list: &[String]| list.contains(&channel);
    let button = |is_chosen: bool, value: &'static str, on: &'static str, off: &'static str| {
        let (value, word) = if is_chosen { ("none", off) } else { (value, on) };
        let label = format!("{word}: {}", isolated(&channel));
        view! { <button type="submit" name="choice" value=value aria-label=label>{word}</button> }
    };
    let pin = button(of(&choices.pinned), "pin", texts.pin_channel, texts.unpin_channel);
    let mute = button(of(&choices.muted), "mute", texts.mute_channel, texts.unmute_channel);
    let href = routes::feed(Some(&channel));
    view! {
        <li>
            <form class="row" method="post" action=routes::FEED_CHANNELS>
                <input type="hidden" name="channel" value=channel.clone() />
                <a href=href translate="no">{channel}</a>
                <span class="row__actions">{pin} {mute}</span>
            </form>
        </li>
    }
    .into_any()
}
