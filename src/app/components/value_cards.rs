//! The value cards: one for each channel with values, with the latest value, a plot and the last values of each series.
//! Not a live region: a screen reader can read them, and does not announce a value every second.

use std::sync::Arc;

use leptos::{html, prelude::*};

use super::{
    live_text::{live_text, name_view},
    local_time::LocalTime,
    notification::{channel_link, entry_key},
    plot::Plot,
    sidebar::AllChannels,
};
use crate::{
    app::{
        i18n::use_texts,
        model::{
            direction::isolated,
            feed::{FeedModel, RECENT_VALUES, Series, ValueCard},
            number::{decimal, exact, readable},
        },
        reactive::{Key, effect, list, memo, show_when},
    },
    client::dom::page,
    protocol::feed::{Body, Entry, Snapshot},
};

/// All value cards. Without `with_values` they have no list of values.
#[component]
pub(crate) fn ValueCards(model: RwSignal<FeedModel>, with_values: bool) -> impl IntoView {
    let texts = use_texts();
    let is_of_feed = model.with_untracked(|model| model.channel.is_none());
    let channels_of = move |are_own: bool| {
        memo(move || {
            model.with(|model| {
                let is_wanted = |card: &&ValueCard| (is_of_feed && card.is_of_node()) == are_own;
                let cards = model.value_cards().iter().filter(is_wanted);
                cards.map(|card| card.channel.clone()).collect::<Vec<_>>()
            })
        })
    };
    // Those that the server measures of itself come last, folded: an empty feed is about the first event of somebody.
    let (channels, own) = (channels_of(false), channels_of(true));
    let grid = move |channels: Memo<Vec<String>>| {
        view! {
            <div class="value-cards__grid">
                {list(
                    move || channels.get(),
                    name_key,
                    move |channel| view! { <ChannelCard model channel with_values /> }.into_any(),
                )}
            </div>
        }
        .into_any()
    };
    let values_empty = if is_of_feed { texts.values_empty } else { texts.channel_values_empty };
    view! {
        <section class="value-cards" aria-labelledby="values">
            <h2 id="values">{texts.values}</h2>
            {show_when(
                move || channels.with(Vec::is_empty),
                move || view! { <p class="muted">{values_empty}</p> }.into_any(),
            )}
            {grid(channels)}
            {show_when(
                move || !own.with(Vec::is_empty),
                move || {
                    view! { <details class="value-cards__own"><summary>{texts.own_values}</summary>{grid(own)}</details> }
                        .into_any()
                },
            )}
            {show_when(
                move || channels.with(Vec::len) + own.with(Vec::len) == Snapshot::CHANNELS,
                move || view! { <AllChannels /> }.into_any(),
            )}
        </section>
    }
}

#[component]
fn ChannelCard(model: RwSignal<FeedModel>, channel: String, with_values: bool) -> impl IntoView {
    let value_card = {
        let channel = channel.clone();
        memo(move || model.with(|model| model.value_card(&channel).cloned()))
    };
    let keys = memo(move || {
        value_card.with(|value_card| {
            value_card
                .iter()
                .flat_map(|value_card| &value_card.series)
                .map(|series| series.key.clone())
                .collect::<Vec<_>>()
        })
    });
    let (title, name) = (channel.clone(), channel.clone());
    let heading = format!("values-{channel}");
    view! {
        <article class="value-card" data-channel=name aria-labelledby=heading.clone()>
            <h3 id=heading.clone()>{channel_link(title, "value-card__channel")}</h3>
            <dl class="value-card__series">
                {list(
                    move || keys.get(),
                    name_key,
                    move |key| view! { <SeriesRow value_card channel=channel.clone() key /> }.into_any(),
                )}
            </dl>
            {with_values.then(|| view! { <RecentValues value_card heading=heading.clone() /> }.into_any())}
        </article>
    }
}

#[component]
fn SeriesRow(value_card: Memo<Option<ValueCard>>, channel: String, key: String) -> impl IntoView {
    let texts = use_texts();
    let name = if key.is_empty() { texts.latest.to_owned() } else { key.clone() };
    let series = memo(move || {
        value_card
            .with(|value_card| value_card.as_ref()?.series.iter().find(|series| series.key == key).cloned())
    });
    let latest = move |write: fn(f64) -> String| {
        series.with(|series| series.as_ref().map(|series| latest_value(series, write)).unwrap_or_default())
    };
    view! {
        <div class="series">
            <dt>{name_view(name.clone())}</dt>
            <dd class="series__value" translate="no" title=move || latest(exact)>{live_text(move || latest(readable))}</dd>
            <dd class="series__plot">
                <Plot series label=(texts.plot_of)(&channel, &isolated(&name)) />
            </dd>
        </div>
    }
}

/// The last values of a channel, newest last.
#[component]
fn RecentValues(value_card: Memo<Option<ValueCard>>, heading: String) -> impl IntoView {
    let texts = use_texts();
    // Its own words, and the channel's name.
    let id = format!("last-{heading}");
    let name = format!("{id} {heading}");
    // On a small screen the cards are a strip above the notifications, and their lists are opened when they are wanted.
    let details = NodeRef::<html::Details>::new();
    effect(move || {
        if let Some(details) = details.get().filter(|_| page::is_narrow()) {
            details.set_open(false);
        }
    });
    let recent = move || {
        value_card.with(|value_card| {
            value_card.iter().flat_map(|value_card| &value_card.recent).cloned().collect::<Vec<_>>()
        })
    };
    view! {
        <details class="value-card__recent" open node_ref=details>
            <summary id=id aria-labelledby=name>{texts.show_values}</summary>
            <ol class="values" data-limit=RECENT_VALUES.to_string()>
                {list(recent, entry_key, |entry| view! { <Value entry /> }.into_any())}
            </ol>
        </details>
    }
}

#[component]
fn Value(entry: Arc<Entry>) -> impl IntoView {
    view! {
        <li>
            <LocalTime timestamp=entry.timestamp />
            <span class="values__key">{name_view(entry.body.key().unwrap_or_default().to_owned())}</span>
            <span class="values__value" translate="no">{value_of(&entry)}</span>
        </li>
    }
}

#[expect(clippy::ptr_arg, reason = "a list passes references to its items")]
fn name_key(name: &String) -> Key {
    Key::Name(name.clone())
}

fn latest_value(series: &Series, write: fn(f64) -> String) -> String {
    let value = series.latest().map(|point| point.value).unwrap_or_default();
    with_unit(write(value), series.unit.as_deref())
}

fn value_of(entry: &Entry) -> String {
    match &entry.body {
        // Three decimals, as in the seed: below each other they are compared.
        Body::Update { value, unit, .. } => with_unit(decimal(*value, 3), unit.as_deref()),
        Body::Notification { .. } | Body::Progress { .. } => String::new(),
    }
}

fn with_unit(value: String, unit: Option<&str>) -> String {
    match unit {
        Some(unit) => format!("{value} {}", isolated(unit)),
        None => value,
    }
}
