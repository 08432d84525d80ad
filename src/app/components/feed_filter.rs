//! The filter of the notifications of a feed's page: a form that asks the server for the page anew, so that it works without
//! a script and its address can be linked, and the line that says what is left out.

use leptos::prelude::*;

use super::live_text::name_view;
use crate::{
    app::{i18n::use_texts, routes},
    protocol::feed::{EventFilter, Level},
};

/// The form, and the line if there is a filter.
#[component]
pub(crate) fn FeedFilter(channel: Option<String>, filter: Option<EventFilter>) -> impl IntoView {
    let texts = use_texts();
    let address = routes::feed(channel.as_deref());
    let is_open = filter.is_some();
    let line = filter.clone().map(|filter| filter_line(filter, address.clone()));
    let EventFilter { level, tag, text } = filter.unwrap_or_default();
    let options = Level::ALL.into_iter().zip(texts.levels_from).map(|(of, words)| {
        // The lowest leaves nothing out.
        let value = if of == Level::Info { "" } else { of.as_str() };
        view! { <option value=value selected=level == Some(of)>{words}</option> }.into_any()
    });
    // On the page of a channel there is nothing to choose.
    let is_of_feed = channel.is_none();
    let field = |name: &'static str, label: &'static str, value: Option<String>| {
        view! { <input type="search" name=name value=value aria-label=label placeholder=label autocomplete="off" dir="auto" /> }
            .into_any()
    };
    view! {
        <details class="feed-filter" open=is_open>
            <summary>{texts.filter}</summary>
            <form method="get" action=address class="field" role="search" aria-label=texts.filter>
                <select name="level" aria-label=texts.lowest_level>{options.collect::<Vec<_>>()}</select>
                {is_of_feed.then(|| field("channel", texts.channels, None))}
                {field("tag", texts.tag, tag)}
                {field("q", texts.text_part, text)}
                <button type="submit">{texts.apply_filter}</button>
                // The server fills it in its document, public/events.js anywhere else: server/http/pages/period.
                <div class="feed-period"></div>
            </form>
        </details>
        {line}
    }
}

fn filter_line(EventFilter { level, tag, text }: EventFilter, address: String) -> AnyView {
    let texts = use_texts();
    let level = level.map(|level| texts.levels_from[level as usize].to_owned());
    let parts = [level, tag.map(|tag| format!("#{tag}")), text.map(|text| format!("“{text}”"))];
    let parts = parts.into_iter().flatten().map(|part| view! { <li>{name_view(part)}</li> }.into_any());
    view! {
        <div class="feed-filter__line">
            <p>{texts.filtered}</p>
            <ul class="tags">{parts.collect::<Vec<_>>()}</ul>
            <a href=address rel="external">{texts.show_all}</a>
        </div>
    }
    .into_any()
}
