//! The choices that somebody has made for channels of the feed on their device: pinned channels stand first, and muted ones
//! are left out of the page of the whole feed. They are kept in a cookie, as favourites are; the pages, their forms and
//! the feed's stream read it.
//!
//! They are no right: what is muted stands on its channel's own page and on the board.

use std::{sync::Arc, time::Duration};

use axum::http::HeaderMap;
use axum_extra::extract::cookie::Cookie;
use serde::Deserialize;

use super::extract::cookies;
use crate::{
    protocol::{
        name::parse_channel,
        problem::{Code, Rejection},
    },
    server::{config::site::Site, store::Channels},
};

/// The cookie: names of channels, each after a sign, separated by [`BETWEEN`].
const COOKIE: &str = "idobata_channels";
/// No name of a channel has it.
const BETWEEN: char = '~';
const PINNED: char = '+';
const MUTED: char = '!';
/// The most bytes of its value. Browsers keep cookies of at least 4,096 bytes with name and attributes (RFC 6265, 6.1).
const MAX_BYTES: usize = 3_600;
/// A year: a person who chose does not want to choose again.
const LIFETIME: Duration = Duration::from_secs(365 * 24 * 3600);

/// The choices of a device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ChannelChoices {
    /// In the order in which they were pinned.
    pub(super) pinned: Vec<String>,
    pub(super) muted: Vec<String>,
}

/// A choice for one channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Choice {
    /// It stands first.
    Pin,
    /// It is left out of the feed.
    Mute,
    /// Neither.
    None,
}

impl ChannelChoices {
    /// The choices on the device of a request with these headers.
    pub(super) fn read(site: &Site, headers: &HeaderMap) -> Self {
        let mut choices = Self::default();
        for part in cookies::read(site, headers, COOKIE).unwrap_or_default().split(BETWEEN) {
            let list = match part.chars().next() {
                Some(PINNED) => &mut choices.pinned,
                Some(MUTED) => &mut choices.muted,
                _ => continue,
            };
            list.extend(parse_channel(&part[1..]).ok());
        }
        choices
    }

    /// The same with a choice for a channel.
    pub(super) fn with(mut self, channel: &str, choice: Choice) -> Self {
        for list in [&mut self.pinned, &mut self.muted] {
            list.retain(|known| known != channel);
        }
        match choice {
            Choice::Pin => self.pinned.push(channel.to_owned()),
            Choice::Mute => self.muted.push(channel.to_owned()),
            Choice::None => {}
        }
        self
    }

    /// The cookie that keeps them.
    pub(super) fn cookie(&self, site: &Site) -> Result<Cookie<'static>, Rejection> {
        let part = |sign| move |channel: &String| format!("{sign}{channel}");
        let parts = self.pinned.iter().map(part(PINNED)).chain(self.muted.iter().map(part(MUTED)));
        let value = parts.collect::<Vec<_>>().join(&BETWEEN.to_string());
        if value.len() > MAX_BYTES {
            let message =
                "You have pinned and muted as many channels as a browser keeps. Take one back first.";
            return Err(Rejection::new(Code::TooLarge, message));
        }
        Ok(cookies::make(site, COOKIE, value, LIFETIME))
    }

    /// The channels of a page: `None` is that of the whole feed, which has all but the muted ones.
    pub(super) fn channels(&self, channel: Option<&str>) -> Channels {
        match channel {
            None if !self.muted.is_empty() => Channels::Except(Arc::from(self.muted.clone())),
            channel => Channels::of(channel),
        }
    }

    /// Puts the pinned ones first, in the order in which they were pinned.
    pub(super) fn sort<T>(&self, list: &mut [T], channel: impl Fn(&T) -> &str) {
        let place = |item: &T| {
            let pinned = self.pinned.iter().position(|pinned| pinned == channel(item));
            pinned.unwrap_or(self.pinned.len())
        };
        list.sort_by_key(place);
    }
}

#[cfg(test)]
mod tests {
    use axum::http::header;

    use super::*;

    fn site() -> Site {
        Site::new(([127, 0, 0, 1], 3000).into(), None, Vec::new())
    }

    fn read(cookie: &str) -> ChannelChoices {
        let headers = [(header::COOKIE, cookie.parse().expect("a header"))].into_iter().collect();
        ChannelChoices::read(&site(), &headers)
    }

    #[test]
    fn choices_survive_their_cookie_and_each_channel_has_one() {
        let choices = ChannelChoices::default();
        let choices = ["-a.b", "ops", "db"].iter().fold(choices, |choices, it| choices.with(it, Choice::Pin));
        let choices = choices.with("ops", Choice::Mute).with("db", Choice::None).with("server", Choice::Mute);
        let cookie = choices.cookie(&site()).expect("it fits");
        assert_eq!(read(&format!("{}={}", cookie.name(), cookie.value())), choices);
        assert_eq!((choices.pinned.join(" "), choices.muted.join(" ")), ("-a.b".into(), "ops server".into()));
        let name = cookie.name();
        assert_eq!(read(&format!("{name}=~x~+~!a/b~!ok~+?")).muted, ["ok"], "what others have written");
    }

    #[test]
    fn only_the_page_of_the_whole_feed_is_without_muted_channels() {
        let choices = ChannelChoices::default();
        assert_eq!(choices.channels(None), Channels::All);
        let choices = choices.with("ops", Choice::Mute);
        assert_eq!(choices.channels(None), Channels::Except(["ops".to_owned()].into()));
        assert_eq!(choices.channels(Some("ops")), Channels::of(Some("ops")));
    }

    #[test]
    fn pinned_channels_stand_first_and_the_others_where_they_were() {
        let choices = ChannelChoices::default().with("z", Choice::Pin).with("b", Choice::Pin);
        let mut list = ["a", "b", "c", "z"];
        choices.sort(&mut list, |name| name);
        assert_eq!(list, ["z", "b", "a", "c"]);
    }

    #[test]
    fn more_choices_than_a_browser_keeps_are_refused() {
        let long = (0..100)
            .fold(ChannelChoices::default(), |choices, at| choices.with(&format!("{at:0>60}"), Choice::Mute));
        long.cookie(&site()).expect_err("too long");
    }
}
