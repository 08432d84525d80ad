//! What one node tells the others of a topic: new entries as their readers get them, so that nobody encodes them anew.
//!
//! A head line in JSON, then each entry's JSON on a line of its own, which has no line breaks in it.

use std::{str::Lines, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{Encoded, Entry, TopicName};
use crate::protocol::cursor::{Cursor, Epoch, Offset};

/// What the lines of topics begin with.
pub(super) const LINES: &str = "topic:";

/// A message is not made longer than this, unless a single entry is: Redis sends each as a whole.
const MESSAGE_BYTES: usize = 256 * 1024;

/// The line on which a topic's entries are announced.
pub(super) fn subject(name: &TopicName) -> String {
    format!("{LINES}{name}")
}

/// The way back; `None` for other lines.
pub(super) fn topic_of(subject: &str) -> Option<TopicName> {
    subject.strip_prefix(LINES)?.parse().ok()
}

/// New entries of one topic, ascending.
pub(super) struct Announcement {
    pub(super) epoch: Epoch,
    pub(super) entries: Vec<Arc<Entry>>,
}

/// The first line of a message.
#[derive(Serialize, Deserialize)]
struct Head {
    epoch: Epoch,
    entries: Vec<Place>,
}

/// Of each entry what is not in its JSON.
#[derive(Serialize, Deserialize)]
struct Place {
    offset: Offset,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    channel: Option<String>,
}

/// Why a message cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum Malformed {
    #[error("it has no head line")]
    NoHead,
    #[error("its head line is not what it should be: {0}")]
    Head(#[from] serde_json::Error),
    #[error("it announces more entries than it has")]
    Cut,
}

impl Announcement {
    /// The messages that announce these entries: one, unless it got too long.
    pub(super) fn encode(epoch: &Epoch, entries: &[Arc<Entry>]) -> Vec<String> {
        let mut messages = Vec::new();
        let mut rest = entries;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(fitting(rest));
            messages.push(message(epoch, now));
            rest = later;
        }
        messages
    }

    /// The way back.
    pub(super) fn decode(message: &str) -> Result<Self, Malformed> {
        let mut lines = message.lines();
        let Head { epoch, entries } = serde_json::from_str(lines.next().ok_or(Malformed::NoHead)?)?;
        let entries = entries.into_iter().map(|place| entry(&epoch, place, &mut lines));
        let entries = entries.collect::<Option<_>>().ok_or(Malformed::Cut)?;
        Ok(Self { epoch, entries })
    }
}

fn fitting(entries: &[Arc<Entry>]) -> usize {
    let mut bytes = 0;
    let fits = |entry: &&Arc<Entry>| {
        let is_first = bytes == 0;
        bytes += entry.encoded.json().len();
        is_first || bytes <= MESSAGE_BYTES
    };
    entries.iter().take_while(fits).count()
}

fn message(epoch: &Epoch, entries: &[Arc<Entry>]) -> String {
    let places =
        entries.iter().map(|entry| Place { offset: entry.offset, channel: entry.channel.clone() }).collect();
    let head = Head { epoch: epoch.clone(), entries: places };
    let mut message = serde_json::to_string(&head).expect("it has only string keys");
    for entry in entries {
        message.push('\n');
        message.push_str(&String::from_utf8_lossy(&entry.encoded.json()));
    }
    message
}

fn entry(epoch: &Epoch, Place { offset, channel }: Place, lines: &mut Lines<'_>) -> Option<Arc<Entry>> {
    let cursor = Cursor { epoch: epoch.clone(), offset };
    let encoded = Encoded::new(Some(&cursor), lines.next()?);
    Some(Arc::new(Entry { offset, channel, encoded }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epoch() -> Epoch {
        Epoch::parse("e").expect("fine")
    }

    fn entry_of(offset: Offset, channel: Option<&str>, json: &str) -> Arc<Entry> {
        let encoded = Encoded::new(Some(&Cursor { epoch: epoch(), offset }), json);
        Arc::new(Entry { offset, channel: channel.map(str::to_owned), encoded })
    }

    #[test]
    fn what_is_announced_is_what_is_heard() {
        let entries =
            [entry_of(7, Some("ops"), r#"{"text":"a\nb"}"#), entry_of(8, None, r#"{"text":"井戸"}"#)];
        let messages = Announcement::encode(&epoch(), &entries);
        let heard = Announcement::decode(&messages[0]).expect("whole");
        assert_eq!((messages.len(), heard.epoch), (1, epoch()));
        for (heard, told) in heard.entries.iter().zip(&entries) {
            assert_eq!((heard.offset, &heard.channel), (told.offset, &told.channel));
            assert_eq!(heard.encoded, told.encoded);
        }
    }

    #[test]
    fn a_long_announcement_is_several_messages() {
        let json = format!("\"{}\"", "x".repeat(MESSAGE_BYTES / 2));
        let entries: Vec<_> = (1..=5).map(|offset| entry_of(offset, None, &json)).collect();
        let messages = Announcement::encode(&epoch(), &entries);
        let heard: Vec<Offset> = messages
            .iter()
            .flat_map(|message| Announcement::decode(message).expect("whole").entries)
            .map(|entry| entry.offset)
            .collect();
        assert_eq!((messages.len(), heard), (5, vec![1, 2, 3, 4, 5]));
    }

    #[test]
    fn what_is_cut_or_none_of_ours_is_refused() {
        let whole =
            Announcement::encode(&epoch(), &[entry_of(1, None, "{}"), entry_of(2, None, "{}")]).remove(0);
        let cut = whole.rsplit_once('\n').expect("lines").0;
        for message in ["", "{}", "hello", cut] {
            assert!(Announcement::decode(message).is_err(), "{message}");
        }
    }

    #[test]
    fn a_line_names_its_topic() {
        for name in [TopicName::Feed, "room:general".parse().expect("a room")] {
            assert_eq!(topic_of(&subject(&name)), Some(name));
        }
        assert_eq!(topic_of("presence"), None);
    }
}
