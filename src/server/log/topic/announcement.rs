//! The message by which one node announces a topic's new entries to the others: encoded as readers get them, so that no
//! node encodes them anew. [`super::Topics`] publishes and receives it. It is a hint and must never be the only way to
//! an entry.
//!
//! The message is a head line in JSON, then each entry's JSON on a line of its own, which has no line breaks in it.

use std::{str::Lines, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{Encoded, Entry, EntryChange, TopicName};
use crate::protocol::cursor::{Cursor, Epoch, Offset};

/// The prefix of the subjects of topics.
pub(super) const SUBJECT_PREFIX: &str = "topic:";

/// Most bytes of entries in a message, unless a single entry is longer: Redis sends each message as a whole.
const MESSAGE_BYTES: usize = 256 * 1024;

/// The subject on which a topic's entries are announced.
pub(super) fn subject(name: &TopicName) -> String {
    format!("{SUBJECT_PREFIX}{name}")
}

/// The topic of a subject; `None` for other subjects.
pub(super) fn topic_of(subject: &str) -> Option<TopicName> {
    subject.strip_prefix(SUBJECT_PREFIX)?.parse().ok()
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
    entries: Vec<EntryHead>,
}

/// The fields of an entry that are not in its JSON.
#[derive(Serialize, Deserialize)]
struct EntryHead {
    offset: Offset,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    channel: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    change: Option<EntryChange>,
}

/// The reason why a message cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum Malformed {
    #[error("the head line is missing")]
    NoHead,
    #[error("the head line is malformed: {0}")]
    Head(#[from] serde_json::Error),
    #[error("it announces more entries than it contains")]
    Cut,
}

impl Announcement {
    /// Encodes the messages that announce these entries: one, unless it would be too long.
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

    /// Decodes a message. Fails if it is cut or malformed.
    pub(super) fn decode(message: &str) -> Result<Self, Malformed> {
        let mut lines = message.lines();
        let Head { epoch, entries } = serde_json::from_str(lines.next().ok_or(Malformed::NoHead)?)?;
        let entries = entries.into_iter().map(|head| entry(&epoch, head, &mut lines));
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
    let head_of = |entry: &Arc<Entry>| EntryHead {
        offset: entry.offset,
        channel: entry.channel.clone(),
        change: entry.change,
    };
    let head = Head { epoch: epoch.clone(), entries: entries.iter().map(head_of).collect() };
    let mut message = serde_json::to_string(&head).expect("it has only string keys");
    for entry in entries {
        message.push('\n');
        message.push_str(&String::from_utf8_lossy(&entry.encoded.json()));
    }
    message
}

fn entry(
    epoch: &Epoch,
    EntryHead { offset, channel, change }: EntryHead,
    lines: &mut Lines<'_>,
) -> Option<Arc<Entry>> {
    let cursor = Cursor { epoch: epoch.clone(), offset };
    let encoded = Encoded::new(Some(&cursor), lines.next()?);
    Some(Arc::new(Entry { offset, channel, change, encoded }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epoch() -> Epoch {
        Epoch::parse("e").expect("fine")
    }

    fn entry_of(offset: Offset, channel: Option<&str>, json: &str) -> Arc<Entry> {
        let encoded = Encoded::new(Some(&Cursor { epoch: epoch(), offset }), json);
        Arc::new(Entry { offset, channel: channel.map(str::to_owned), change: None, encoded })
    }

    #[test]
    fn an_announcement_is_decoded_as_it_was_encoded() {
        let entries =
            [entry_of(7, Some("ops"), r#"{"text":"a\nb"}"#), entry_of(8, None, r#"{"text":"井戸"}"#)];
        let messages = Announcement::encode(&epoch(), &entries);
        let received = Announcement::decode(&messages[0]).expect("whole");
        assert_eq!((messages.len(), received.epoch), (1, epoch()));
        for (received, sent) in received.entries.iter().zip(&entries) {
            assert_eq!((received.offset, &received.channel), (sent.offset, &sent.channel));
            assert_eq!(received.encoded, sent.encoded);
        }
    }

    #[test]
    fn a_long_announcement_is_several_messages() {
        let json = format!("\"{}\"", "x".repeat(MESSAGE_BYTES / 2));
        let entries: Vec<_> = (1..=5).map(|offset| entry_of(offset, None, &json)).collect();
        let messages = Announcement::encode(&epoch(), &entries);
        let received: Vec<Offset> = messages
            .iter()
            .flat_map(|message| Announcement::decode(message).expect("whole").entries)
            .map(|entry| entry.offset)
            .collect();
        assert_eq!((messages.len(), received), (5, vec![1, 2, 3, 4, 5]));
    }

    #[test]
    fn a_message_that_is_cut_or_foreign_is_rejected() {
        let whole =
            Announcement::encode(&epoch(), &[entry_of(1, None, "{}"), entry_of(2, None, "{}")]).remove(0);
        let cut = whole.rsplit_once('\n').expect("lines").0;
        for message in ["", "{}", "hello", cut] {
            assert!(Announcement::decode(message).is_err(), "{message}");
        }
    }

    #[test]
    fn a_subject_names_its_topic() {
        for name in [TopicName::Feed, "room:general".parse().expect("a room")] {
            assert_eq!(topic_of(&subject(&name)), Some(name));
        }
        assert_eq!(topic_of("presence"), None);
    }
}
