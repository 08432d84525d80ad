//! `/feed`: every channel that the reader may read, by the first letter, with a field that finds some by a part of their
//! names. The sidebar and the value cards lead here, because neither has room for hundreds of channels.

use axum::response::Response;
use leptos::prelude::*;
use serde::Deserialize;

use super::{
    answer::{beside_reader, forbidden},
    document::Document,
    texts::Texts,
};
use crate::{
    app::routes,
    server::{
        error::Error,
        http::{extract::query::Lenient, pages::PageRequest},
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
    beside_reader(&asked, FeedChannels { channels, part, is_empty }).await
}

/// The data of the page.
struct FeedChannels {
    /// Those that were found, by name without regard to case.
    channels: Vec<String>,
    /// The part of the names that was looked for.
    part: String,
    /// There are no channels at all.
    is_empty: bool,
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
            let links = channels.into_iter().map(|channel| {
                let href = routes::feed(Some(&channel));
                view! { <li><a href=href translate="no">{channel}</a></li> }
            });
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
            <div class="channel-index">{letters}</div>
        }
        .into_any()
    }
}
