//! The filter of a feed's page by its address: `?level=warning&tag=db&q=disk`. `pages` applies it to what it loads, also
//! without a script; the browser half goes on with it.

use axum::http::Uri;
use serde::Deserialize;

use crate::{
    app::{model::feed::NOTIFICATIONS_SHOWN, page_data::PageData, routes},
    protocol::{
        feed::{EventFilter, Level},
        name::parse_channel,
    },
    server::{
        auth::Identity,
        error::Error,
        http::{channel_choices::ChannelChoices, extract::query::Lenient},
        state::AppState,
    },
};

/// The longest tag or text that is looked for, in characters: more than anybody types, and less than a search for it costs.
const WORDS_MAX_CHARACTERS: usize = 100;

/// The query of a page of the feed. A level that is none is ignored, as other people's parameters are.
#[derive(Default, Deserialize)]
pub(in crate::server::http) struct FilterQuery {
    level: Option<String>,
    tag: Option<String>,
    q: Option<String>,
}

impl FilterQuery {
    /// The query of an address.
    pub(in crate::server::http) fn of(uri: &Uri) -> Self {
        let query = uri.query().and_then(|query| Lenient::<Self>::parse(query).ok());
        query.map(|Lenient(query)| query).unwrap_or_default()
    }

    /// The filter; `None` if it leaves nothing out.
    pub(in crate::server::http) fn filter(self) -> Option<EventFilter> {
        let words = |words: Option<String>| {
            let words: String = words?.trim().chars().take(WORDS_MAX_CHARACTERS).collect();
            Some(words).filter(|words| !words.is_empty())
        };
        // The lowest leaves nothing out.
        let mut levels = Level::ALL.into_iter().filter(|level| *level > Level::Info);
        let level = self.level.and_then(|word| levels.find(|level| level.as_str() == word));
        let filter = EventFilter { level, tag: words(self.tag), text: words(self.q) };
        Some(filter).filter(|filter| *filter != EventFilter::default())
    }
}

/// The channel that the form of the whole feed names.
#[derive(Deserialize)]
struct Chosen {
    channel: Option<String>,
}

/// The address to which a query with a channel leads: that channel's page with the rest of the filter. What is no name of a
/// channel is ignored.
pub(super) fn address_of_channel(uri: &Uri) -> Option<String> {
    let Lenient(Chosen { channel }) = Lenient::parse(uri.query()?).ok()?;
    let channel = parse_channel(channel?.trim()).ok()?;
    let query = FilterQuery::of(uri).filter().map(|filter| routes::filter_query(&filter)).unwrap_or_default();
    Some(routes::feed(Some(&channel)) + &query.replacen('&', "?", 1))
}

/// Leaves out what the filter does not show. A page that is no feed's has nothing that is left out.
pub(super) async fn apply(
    state: &AppState,
    who: Option<&Identity>,
    page: &mut PageData,
    query: FilterQuery,
    choices: &ChannelChoices,
) -> Result<(), Error> {
    let (PageData::Feed { channel, feed }, Some(filter)) = (page, query.filter()) else { return Ok(()) };
    let channels = choices.channels(channel.as_deref());
    let shown = state.feed.shown(who, channels, &filter, feed.cursor.offset, NOTIFICATIONS_SHOWN).await?;
    (feed.notifications, feed.more) = shown;
    feed.filter = Some(filter);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_in_the_form_leads_to_its_page_with_the_rest_of_the_filter() {
        let address = |query: &str| address_of_channel(&format!("/?{query}").parse().expect("an address"));
        assert_eq!(address("channel=+ops+&level=&tag=&q=").as_deref(), Some("/feed/ops"));
        assert_eq!(
            address("channel=ops&level=error&tag=a%26b").as_deref(),
            Some("/feed/ops?level=error&tag=a%26b")
        );
        for query in ["", "channel=", "channel=//evil.example", "level=error"] {
            assert_eq!(address(query), None, "{query}");
        }
    }

    #[test]
    fn an_address_that_leaves_nothing_out_has_no_filter() {
        let filter =
            |query: &str| FilterQuery::of(&format!("/?{query}").parse().expect("an address")).filter();
        for query in ["", "level=", "level=loud", "level=info", "tag=+&q=", "before=e:1"] {
            assert_eq!(filter(query), None, "{query}");
        }
        let found = filter("level=warning&tag=db&q=%E5%85%A8%20+").expect("a filter");
        assert_eq!(
            (found.level, found.tag.as_deref(), found.text.as_deref()),
            (Some(Level::Warning), Some("db"), Some("全"))
        );
        let long = filter(&format!("q={}", "a".repeat(1_000))).expect("a filter");
        assert_eq!(long.text.map(|text| text.len()), Some(WORDS_MAX_CHARACTERS));
    }
}
