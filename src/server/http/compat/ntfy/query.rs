//! The query of a reader: from where on it reads (`since`), whether it waits (`poll`), and which messages it wants. The
//! same parameters come as headers. `follow` reads by it.

use std::time::Duration;

use super::{
    fault::{self, Fault},
    message::{Message, USUAL_PRIORITY},
    message_id::{self, Position},
    notification::parse_priority,
    parameters::Parameters,
};
use crate::protocol::publication::split_tags;

/// The most of each filter's alternatives.
const ALTERNATIVES_MAX: usize = 20;

/// The message from which on a reader reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Since {
    /// Every message that is retained.
    All,
    /// The messages from now on.
    New,
    /// The newest message of each topic.
    Latest,
    /// The messages from this time on, in milliseconds since the Unix epoch.
    Time(i64),
    /// The messages after the one with this id.
    Message(Position),
}

/// The query of a reader.
#[derive(Debug)]
pub(super) struct Query {
    pub(super) since: Since,
    /// The answer ends with the messages that are there.
    pub(super) is_poll: bool,
    /// A poll has the messages that wait for their time, too.
    pub(super) has_scheduled: bool,
    pub(super) filters: Filters,
}

/// The messages that a reader wants: those that pass all of these.
#[derive(Debug, Default)]
pub(super) struct Filters {
    id: Option<String>,
    message: Option<String>,
    title: Option<String>,
    priorities: Vec<u8>,
    tags: Vec<String>,
}

impl Query {
    /// Reads a query. `now_ms` is the time from which a duration counts.
    pub(super) fn read(
        parameters: &Parameters<'_>,
        resumed: Option<&str>,
        now_ms: i64,
    ) -> Result<Self, Fault> {
        let is_poll = parameters.is_on(&["poll", "po"]);
        // A browser repeats the address and adds the id up to which it came.
        let since = match resumed.and_then(message_id::decode) {
            Some(position) => Since::Message(position),
            None => match parameters.text(&["since", "si"]) {
                Some(text) => parse_since(&text, now_ms)?,
                None if is_poll => Since::All,
                None => Since::New,
            },
        };
        let has_scheduled = is_poll && parameters.is_on(&["scheduled", "sched"]);
        Ok(Self { since, is_poll, has_scheduled, filters: Filters::read(parameters)? })
    }
}

fn parse_since(text: &str, now_ms: i64) -> Result<Since, Fault> {
    match text {
        "all" => return Ok(Since::All),
        "none" => return Ok(Since::New),
        "latest" => return Ok(Since::Latest),
        _ => {}
    }
    if let Some(position) = message_id::decode(text) {
        return Ok(Since::Message(position));
    }
    if let Ok(seconds) = text.parse::<i64>() {
        return Ok(Since::Time(seconds.saturating_mul(1_000)));
    }
    let duration = humantime::parse_duration(text).map_err(|_| {
        Fault::new(
            fault::SINCE,
            "since is all, none, latest, a message's id, a Unix time in seconds, or a time such as 10m",
        )
    })?;
    Ok(Since::Time(now_ms.saturating_sub(ms(duration))))
}

fn ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

impl Filters {
    fn read(parameters: &Parameters<'_>) -> Result<Self, Fault> {
        let list = |names: &[&str]| -> Vec<String> {
            let list = parameters.text(names).map(|text| split_tags(&text)).unwrap_or_default();
            list.into_iter().take(ALTERNATIVES_MAX).collect()
        };
        let priority = |text: &String| {
            parse_priority(text).ok_or_else(|| {
                Fault::new(fault::PRIORITY, "a priority is 1 to 5, or min, low, default, high, max")
            })
        };
        Ok(Self {
            id: parameters.text(&["id"]),
            message: parameters.text(&["message", "m"]),
            title: parameters.text(&["title", "t", "ti"]),
            priorities: list(&["priority", "prio", "p"]).iter().map(priority).collect::<Result<_, _>>()?,
            tags: list(&["tags", "tag", "ta"]),
        })
    }

    /// Returns true if a message passes. A tag is compared as it is written in a message: an emoji by its short code. A
    /// deletion passes, because the message that it deletes may have.
    pub(super) fn pass(&self, message: &Message) -> bool {
        let is = |wanted: &Option<String>, found: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| Some(wanted) == found)
        };
        let priority = message.priority.unwrap_or(USUAL_PRIORITY);
        if message.is_deletion() {
            return true;
        }
        is(&self.id, Some(&message.id))
            && is(&self.message, message.message.as_deref())
            && is(&self.title, message.title.as_deref())
            && (self.priorities.is_empty() || self.priorities.contains(&priority))
            && self.tags.iter().all(|tag| message.tags.contains(tag))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;
    use proptest::prelude::*;

    use super::*;

    fn read(query: &str) -> Result<Query, Fault> {
        let headers = HeaderMap::new();
        Query::read(&Parameters::of(&headers, Some(query))?, None, 1_000_000_000)
    }

    #[test]
    fn since_has_all_of_ntfys_forms() {
        for (query, since) in [
            ("", Since::New),
            ("poll=1", Since::All),
            ("poll=1&since=none", Since::New),
            ("since=all", Since::All),
            ("si=latest", Since::Latest),
            ("since=1795000000", Since::Time(1_795_000_000_000)),
            ("since=10m", Since::Time(1_000_000_000 - 600_000)),
            ("since=1h30m", Since::Time(1_000_000_000 - 5_400_000)),
            ("since=999999999999999999", Since::Time(i64::MAX)),
        ] {
            assert_eq!(read(query).expect(query).since, since, "{query}");
        }
        let id = "00000000000g";
        assert!(matches!(read(&format!("since={id}")).expect("an id").since, Since::Message(_)));
        let fault = read("since=yesterday").expect_err("no time");
        assert_eq!(fault.known(), fault::SINCE);
        let headers = HeaderMap::new();
        let parameters = Parameters::of(&headers, Some("since=all")).expect("fine");
        let resumed = Query::read(&parameters, Some(id), 0).expect("fine");
        assert!(matches!(resumed.since, Since::Message(_)), "the header is newer");
    }

    #[test]
    fn filters_are_all_to_pass() {
        let message = Message {
            id: "x".into(),
            title: Some("Disk".into()),
            message: Some("full".into()),
            priority: Some(4),
            tags: vec!["warning".into(), "db".into()],
            ..Message::default()
        };
        for (query, passes) in [
            ("", true),
            ("title=Disk&m=full&p=high,5&tags=db,warning", true),
            ("title=disk", false),
            ("priority=3", false),
            ("tags=db,other", false),
            ("id=y", false),
        ] {
            assert_eq!(read(query).expect(query).filters.pass(&message), passes, "{query}");
        }
        assert!(read("p=3").expect("fine").filters.pass(&Message::default()), "the usual one");
        assert_eq!(read("p=6").expect_err("none").known(), fault::PRIORITY);
    }

    proptest! {
        #[test]
        fn any_query_is_understood_or_refused(query in "((since|po|priority|tags|id)=?[ -~]{0,16}&?){0,4}") {
            drop(read(&query));
        }
    }
}
