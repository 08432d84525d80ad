//! The value cards: one for each channel with values, with the latest value, a plot and the last values of each series.
//! Not a live region: a screen reader can read them, and does not announce a value every second.

use std::sync::Arc;

use leptos::prelude::*;

use super::{
    live_text::{live_text, name_view},
    local_time::LocalTime,
    notification::entry_key,
    plot::Plot,
};
use crate::{
    app::{
        i18n::use_texts,
        model::{
            direction::isolated,
            feed::{FeedModel, RECENT_VALUES, Series, ValueCard},
            number::decimal,
        },
        reactive::{Key, list, memo, show_when},
    },
    protocol::feed::{Body, Entry},
};

/// All value cards. Without `with_values` they have no list of values.
#[component]
pub(crate) fn ValueCards(model: RwSignal<FeedModel>, with_values: bool) -> impl IntoView {
    let texts = use_texts();
    let channels = memo(move || {
        model.with(|model| {
            model.value_cards().iter().map(|value_card| value_card.channel.clone()).collect::<Vec<_>>()
        })
    });
    view! {
        <section class="value-cards" aria-labelledby="values">
            <h2 id="values">{texts.values}</h2>
            {show_when(
                move || channels.with(Vec::is_empty),
                || view! { <p class="muted">{texts.values_empty}</p> }.into_any(),
            )}
            <div class="value-cards__grid">
                {list(
                    move || channels.get(),
                    name_key,
                    move |channel| view! { <ChannelCard model channel with_values /> }.into_any(),
                )}
            </div>
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
    view! {
        <article class="value-card" data-channel=name>
            <h3>{name_view(title)}</h3>
            <dl class="value-card__series">
                {list(
                    move || keys.get(),
                    name_key,
                    move |key| view! { <SeriesRow value_card channel=channel.clone() key /> }.into_any(),
                )}
            </dl>
            {with_values.then(|| view! { <RecentValues value_card /> }.into_any())}
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
    let latest = move || series.with(|series| series.as_ref().map(latest_value).unwrap_or_default());
    view! {
        <div class="series">
            <dt>{name_view(name.clone())}</dt>
            <dd class="series__value" translate="no">{live_text(latest)}</dd>
            <dd class="series__plot">
                <Plot series label=(texts.plot_of)(&channel, &isolated(&name)) />
            </dd>
        </div>
    }
}

/// The last values of a channel, newest last.
#[component]
fn RecentValues(value_card: Memo<Option<ValueCard>>) -> impl IntoView {
    let texts = use_texts();
    let recent = move || {
        value_card.with(|value_card| {
            value_card.iter().flat_map(|value_card| &value_card.recent).cloned().collect::<Vec<_>>()
        })
    };
    view! {
        <details class="value-card__recent" open>
            <summary>{texts.show_values}</summary>
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

fn latest_value(series: &Series) -> String {
    let value = series.latest().map(|point| point.value).unwrap_or_default();
    with_unit(value, series.unit.as_deref())
}

fn value_of(entry: &Entry) -> String {
    match &entry.body {
        Body::Update { value, unit, .. } => with_unit(*value, unit.as_deref()),
        Body::Notification { .. } | Body::Progress { .. } => String::new(),
    }
}

/// Three decimals, as in the seed.
fn with_unit(value: f64, unit: Option<&str>) -> String {
    let value = decimal(value, 3);
    match unit {
        Some(unit) => format!("{value} {}", isolated(unit)),
        None => value,
    }
}
