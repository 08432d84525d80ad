//! Finds what a person may read. It must never return a hit, or tell of one, that they may not.

use std::{collections::HashMap, sync::Arc};

use serde::Serialize;
use tokio::sync::Semaphore;

use super::{
    query::Query,
    snippet::{Part, snippet, snippet_of_markdown},
};
use crate::{
    app::routes::{self, Permalink},
    protocol::{
        cursor::{Epoch, Offset},
        feed::{Body, Level},
        name::RoomId,
        problem::{Code, Rejection},
    },
    server::{
        auth::Identity,
        authz::Rights,
        chat::{Chat, direct_room_of, found_message},
        error::Error,
        log::hub::Hub,
        store::{Channels, Hit, Place, Record, Search, TopicName},
        words::{Facet, Pattern, Phrase, facet, marks},
    },
};

/// Hits of which the best are chosen: enough for a page of good ones, and few enough to be read.
const BEST_OF: usize = 300;
/// Searches that run at once; the others wait. Each takes a connection to the database, of which posts and pages need some.
const SEARCHES_AT_ONCE: usize = 2;

/// Topics that the index is asked for by their facets. Each facet is one more list to go through; who reads more than these
/// reads a good part of what is found.
const TOPICS_ASKED_MAX: usize = 20;

/// The pattern, with the topics among it if they are few: who reads little does not wait until the index went through what
/// all the others wrote. The store looks at the topics in any case.
pub fn narrowed(mut pattern: Pattern, topics: &[TopicName]) -> Pattern {
    if topics.len() <= TOPICS_ASKED_MAX {
        let of = |topic: &TopicName| Phrase::of_facet(facet(Facet::Topic, &topic.to_string()));
        pattern.all.push(topics.iter().map(of).collect());
    }
    pattern
}

/// The order of hits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// The newest first.
    #[default]
    Newest,
    /// Of the newest ones those first that have most of what was looked for. It is one page.
    Best,
}

/// The order and the page of hits that a person wants.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// The order.
    pub order: Order,
    /// The cursor of the page before, [`FoundPage::next`].
    pub before: Option<String>,
    /// Hits of a page at most.
    pub limit: usize,
}

/// A page of hits.
#[derive(Debug, Default, Serialize)]
pub struct FoundPage {
    /// The hits.
    pub hits: Vec<Found>,
    /// The cursor of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A message or an event that was found.
#[derive(Debug, Serialize)]
pub struct Found {
    /// `message` or `event`.
    pub kind: &'static str,
    /// The path of the page that shows it among its surroundings.
    pub url: String,
    /// The room of a message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomId>,
    /// The room's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub room_name: Option<String>,
    /// The channel of an event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// Its offset in the room or the feed.
    pub offset: Offset,
    /// Milliseconds since the Unix epoch.
    pub timestamp: i64,
    /// The author of a message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Their id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The level of an event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// The title of an event, in pieces.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub title: Vec<Part>,
    /// The text around what was looked for, in pieces.
    pub parts: Vec<Part>,
    #[serde(skip)]
    score: usize,
}

/// The search over rooms and feed.
pub struct Searching {
    hub: Hub,
    rights: Arc<Rights>,
    chat: Arc<Chat>,
    permits: Semaphore,
}

/// The topics and channels that a person may read.
struct Readable {
    topics: Vec<TopicName>,
    channels: Channels,
    /// The names of the rooms that have one.
    names: HashMap<RoomId, String>,
}

impl Searching {
    /// The search of this server.
    pub fn new(hub: Hub, rights: Arc<Rights>, chat: Arc<Chat>) -> Self {
        Self { hub, rights, chat, permits: Semaphore::new(SEARCHES_AT_ONCE) }
    }

    /// A page of what is found and `who` may read.
    pub async fn search(
        &self,
        who: Option<&Identity>,
        query: &Query,
        wanted: &Wanted,
    ) -> Result<FoundPage, Error> {
        let before = wanted.before.as_deref().map(parse_cursor).transpose()?;
        let _permit = self.permits.acquire().await.expect("it is never closed");
        let mut readable = self.readable(who).await?;
        let limit = if wanted.order == Order::Best { BEST_OF } else { wanted.limit + 1 };
        let search = Search {
            pattern: narrowed(query.pattern.clone(), &readable.topics),
            topics: std::mem::take(&mut readable.topics),
            channels: readable.channels.clone(),
            from_ms: query.from_ms,
            until_ms: query.until_ms,
            before,
            limit,
        };
        let mut hits = self.hub.store().search(&search).await?;
        let is_last = hits.len() < limit || wanted.order == Order::Best;
        if !is_last {
            hits.truncate(wanted.limit);
        }
        let next = hits.last().filter(|_| !is_last).map(|hit| hit.place.to_string());
        let mut hits = self.describe(who, query, hits, &readable).await?;
        if wanted.order == Order::Best {
            // Stable: of equal ones the newest comes first.
            hits.sort_by_key(|hit| std::cmp::Reverse(hit.score));
            hits.truncate(wanted.limit);
        }
        Ok(FoundPage { hits, next })
    }

    /// The rooms and channels of a person. Those of direct messages are in no list of rooms.
    async fn readable(&self, who: Option<&Identity>) -> Result<Readable, Error> {
        let rooms = self.chat.rooms(who).await?;
        let mut topics: Vec<_> = rooms.iter().map(|room| TopicName::Room(room.id.clone())).collect();
        let mut names: HashMap<_, _> = rooms.into_iter().map(|room| (room.id, room.name)).collect();
        if let Some(who) = who {
            for room in self.chat.direct(who).await?.iter().map(direct_room_of) {
                topics.push(TopicName::Room(room.id.clone()));
                names.insert(room.id, room.name);
            }
        }
        topics.push(TopicName::Feed);
        Ok(Readable { topics, channels: self.channels(who), names })
    }

    fn channels(&self, who: Option<&Identity>) -> Channels {
        let user_id = who.map(|identity| identity.user.id.as_str());
        self.rights.channels().readable(user_id, Channels::All)
    }

    /// The hits as they are shown, without those that the person may not read any more.
    async fn describe(
        &self,
        who: Option<&Identity>,
        query: &Query,
        hits: Vec<Hit>,
        readable: &Readable,
    ) -> Result<Vec<Found>, Error> {
        let mut topics: Vec<_> = hits.iter().map(|hit| hit.record.topic.clone()).collect();
        topics.sort_by_cached_key(ToString::to_string);
        topics.dedup();
        let epochs = self.hub.store().bounds_of(&topics).await?;
        let epochs: HashMap<_, _> = epochs.into_iter().map(|(topic, bounds)| (topic, bounds.epoch)).collect();
        // After the last wait: what was taken away meanwhile is not shown.
        let channels = self.channels(who);
        let found = hits.iter().filter_map(|Hit { record, .. }| {
            let epoch = epochs.get(&record.topic)?;
            match &record.topic {
                TopicName::Room(room) if self.rights.may_enter(room, who) => {
                    let name = readable.names.get(room).cloned();
                    message(record, room, name, epoch, &query.marked)
                }
                TopicName::Feed if channels.contain(record.channel.as_deref()) => {
                    event(record, epoch, &query.marked)
                }
                _ => None,
            }
        });
        Ok(found.collect())
    }
}

fn message(
    record: &Record,
    room: &RoomId,
    room_name: Option<String>,
    epoch: &Epoch,
    phrases: &[Phrase],
) -> Option<Found> {
    let message = found_message(record)?;
    let permalink = Permalink::message(record.offset, epoch);
    let url = match message.thread {
        Some(_) => routes::thread(room, &permalink),
        None => routes::permalink(room, &permalink),
    };
    Some(Found {
        kind: "message",
        url,
        room: Some(room.clone()),
        room_name,
        channel: None,
        offset: record.offset,
        timestamp: record.timestamp,
        user: Some(message.user),
        user_id: Some(record.author.clone()),
        level: None,
        title: Vec::new(),
        score: score(&[&message.text], phrases),
        parts: snippet_of_markdown(&message.text, phrases),
    })
}

fn event(record: &Record, epoch: &Epoch, phrases: &[Phrase]) -> Option<Found> {
    let Ok(Body::Notification { title, text, level, details, .. }) = serde_json::from_str(&record.body)
    else {
        return None;
    };
    let channel = record.channel.clone()?;
    let title = title.unwrap_or_default();
    Some(Found {
        kind: "event",
        url: routes::event(&channel, &Permalink::message(record.offset, epoch)),
        room: None,
        room_name: None,
        channel: Some(channel),
        offset: record.offset,
        timestamp: record.timestamp,
        user: None,
        user_id: None,
        level: Some(level),
        score: score(&[&title, &text], phrases),
        title: snippet(&title, phrases),
        parts: if details.markdown { snippet_of_markdown(&text, phrases) } else { snippet(&text, phrases) },
    })
}

/// Computes the share of a text that was looked for, in thousandths: a short message that is nearly the query is what one
/// means.
fn score(texts: &[&str], phrases: &[Phrase]) -> usize {
    let marked: usize =
        texts.iter().flat_map(|text| marks(text, phrases)).map(|mark| mark.end - mark.start).sum();
    let length: usize = texts.iter().map(|text| text.len()).sum();
    // A text of a line or less counts as a line: "ok" is not the best answer to "ok".
    marked * 1_000 / length.max(80)
}

fn parse_cursor(text: &str) -> Result<Place, Rejection> {
    text.parse().map_err(|()| {
        let message = "The cursor of a search is the `next` of the page before it.";
        Rejection::new(Code::BadCursor, message)
    })
}

impl Order {
    /// Reads `newest` or `best`.
    pub fn parse(text: &str) -> Result<Self, Rejection> {
        match text {
            "newest" => Ok(Self::Newest),
            "best" => Ok(Self::Best),
            _ => Err(Rejection::new(Code::BadRequest, "order is newest or best.")),
        }
    }
}
