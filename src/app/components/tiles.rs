//! The channels with values: a tile each, with the latest value, a plot and the last values. Not a live region: a
//! screen reader can look here, and is not told every second.

use leptos::prelude::*;

use super::{local_time::LocalTime, plot::Plot};
use crate::{
    app::{
        i18n::use_texts,
        model::feed::{FeedModel, RECENT_VALUES, Series, Tile},
    },
    protocol::feed::{Body, Entry},
};

/// See the module. Without `with_values` a tile has no list.
#[component]
pub(crate) fn Tiles(model: RwSignal<FeedModel>, with_values: bool) -> impl IntoView {
    let texts = use_texts();
    let channels = Memo::new(move |_| {
        model.with(|model| model.tiles().iter().map(|tile| tile.channel.clone()).collect::<Vec<_>>())
    });
    view! {
        <section class="tiles" aria-labelledby="values">
            <h2 id="values">{texts.values}</h2>
            <Show when=move || channels.with(Vec::is_empty)>
                <p class="muted">{texts.values_empty}</p>
            </Show>
            <div class="tiles__grid">
                <For each=move || channels.get() key=Clone::clone let:channel>
                    <ChannelTile model channel with_values />
                </For>
            </div>
        </section>
    }
}

#[component]
fn ChannelTile(model: RwSignal<FeedModel>, channel: String, with_values: bool) -> impl IntoView {
    let tile = {
        let channel = channel.clone();
        Memo::new(move |_| model.with(|model| model.tile(&channel).cloned()))
    };
    let keys = Memo::new(move |_| {
        tile.with(|tile| {
            tile.iter().flat_map(|tile| &tile.series).map(|series| series.key.clone()).collect::<Vec<_>>()
        })
    });
    let (title, name) = (channel.clone(), channel.clone());
    view! {
        <article class="tile" data-channel=name>
            <h3>{title}</h3>
            <dl class="tile__series">
                <For each=move || keys.get() key=Clone::clone let:key>
                    <SeriesRow tile channel=channel.clone() key />
                </For>
            </dl>
            {with_values.then(|| view! { <RecentValues tile /> })}
        </article>
    }
}

#[component]
fn SeriesRow(tile: Memo<Option<Tile>>, channel: String, key: String) -> impl IntoView {
    let texts = use_texts();
    let name = if key.is_empty() { texts.latest.to_owned() } else { key.clone() };
    let series = Memo::new(move |_| {
        tile.with(|tile| tile.as_ref()?.series.iter().find(|series| series.key == key).cloned())
    });
    let latest = move || series.with(|series| series.as_ref().map(latest_value).unwrap_or_default());
    view! {
        <div class="series">
            <dt>{name.clone()}</dt>
            <dd class="series__value">{latest}</dd>
            <dd class="series__plot">
                <Plot series=series.into() label=(texts.plot_of)(&channel, &name) />
            </dd>
        </div>
    }
}

/// The last values of a channel, newest last.
#[component]
fn RecentValues(tile: Memo<Option<Tile>>) -> impl IntoView {
    let texts = use_texts();
    let recent =
        move || tile.with(|tile| tile.iter().flat_map(|tile| &tile.recent).cloned().collect::<Vec<_>>());
    view! {
        <details class="tile__recent" open>
            <summary>{texts.show_values}</summary>
            <ol class="values" data-limit=RECENT_VALUES>
                <For each=recent key=|entry| (entry.offset, entry.timestamp) let:entry>
                    <li>
                        <LocalTime timestamp=entry.timestamp />
                        <span class="values__key">{entry.body.key().unwrap_or_default().to_owned()}</span>
                        <span class="values__value">{value_of(&entry)}</span>
                    </li>
                </For>
            </ol>
        </details>
    }
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

/// To three decimals, as the seed has it.
fn with_unit(value: f64, unit: Option<&str>) -> String {
    unit.map_or_else(|| format!("{value:.3}"), |unit| format!("{value:.3} {unit}"))
}
