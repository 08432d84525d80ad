//! The language of a search: words, `"phrases"`, `-not`, and filters such as `from:alice`. It becomes a pattern of words and
//! facets, which both stores look for, and bounds of time.
//!
//! Text that is no filter is a word: an address has a colon too. A filter that cannot be meant is rejected with what it
//! takes, for one that is silently ignored would make a wrong list look right.

use jiff::{Timestamp, tz::TimeZone};

use super::{dates::parse_day, misread::Misread};
use crate::{
    protocol::{
        feed::Level,
        name::{RoomId, parse_channel},
    },
    server::{
        auth::normalized_name,
        chat::room_id::id_of_name,
        store::TopicName,
        words::{Facet, Pattern, Phrase, facet, phrase},
    },
};

/// Characters of a query: a long sentence, and little enough to be looked for.
pub const QUERY_MAX_CHARACTERS: usize = 300;
/// Words, phrases and filters of a query. Each is one more list of entries to go through.
const PARTS_MAX: usize = 20;
/// Characters of the beginning of a word: thousands of words begin with one letter.
const BEGINNING_MIN_CHARACTERS: usize = 2;

/// The person who asks, for what depends on them.
#[derive(Clone, Debug)]
pub struct Asker<'a> {
    /// Their id, for `from:me`.
    pub id: Option<&'a str>,
    /// Now, for `on:today`.
    pub now: Timestamp,
    /// The time zone in which their days begin.
    pub zone: TimeZone,
}

/// A search, as it was understood.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// The pattern that an entry must match.
    pub pattern: Pattern,
    /// The words and phrases among it, to be marked in what is found.
    pub marked: Vec<Phrase>,
    /// Only entries from this time on, in milliseconds since the Unix epoch.
    pub from_ms: Option<i64>,
    /// Only entries before this time.
    pub until_ms: Option<i64>,
}

/// The filters, in the order in which an error lists them.
const FILTERS: [&str; 8] = ["from", "in", "channel", "level", "has", "before", "after", "on"];

/// A part of a query between its spaces.
struct Part {
    is_not: bool,
    /// The name of a filter.
    filter: Option<&'static str>,
    text: String,
    is_quoted: bool,
}

impl Query {
    /// Reads a query.
    ///
    /// # Errors
    /// It is too long, has nothing to look for, or a filter of it cannot be meant.
    pub fn parse(text: &str, asker: &Asker<'_>) -> Result<Self, Misread> {
        if text.chars().count() > QUERY_MAX_CHARACTERS {
            return Err(Misread::TooLong(QUERY_MAX_CHARACTERS));
        }
        let parts = split(text)?;
        if parts.len() > PARTS_MAX {
            return Err(Misread::TooManyParts(PARTS_MAX));
        }
        let mut reading = Reading { query: Self::default(), any_of: Vec::new() };
        for part in &parts {
            reading.take(part, asker)?;
        }
        reading.finish()
    }
}

/// A query of which a part is read.
struct Reading {
    query: Query,
    /// The facets of each filter: more than one `from:` means any of these people.
    any_of: Vec<(&'static str, Vec<Phrase>)>,
}

impl Reading {
    fn take(&mut self, part: &Part, asker: &Asker<'_>) -> Result<(), Misread> {
        let Some(filter) = part.filter else { return self.take_words(part) };
        if part.text.trim().is_empty() {
            return Err(Misread::NoValue(filter));
        }
        match filter {
            "before" | "after" | "on" if part.is_not => Err(Misread::NotTime(filter)),
            "before" | "after" | "on" => self.take_day(filter, &part.text, asker),
            _ => {
                let facets = facets(filter, part.text.trim(), asker)?;
                self.take_facets(filter, facets, part.is_not);
                Ok(())
            }
        }
    }

    fn take_words(&mut self, part: &Part) -> Result<(), Misread> {
        let (text, is_beginning) = match part.text.strip_suffix('*') {
            Some(text) if !part.is_quoted => (text, true),
            _ => (part.text.as_str(), false),
        };
        // Signs alone, such as a dash between two words, are in no index.
        let Some(phrase) = phrase(text, is_beginning) else { return Ok(()) };
        if is_beginning && text.chars().count() < BEGINNING_MIN_CHARACTERS && text.is_ascii() {
            return Err(Misread::ShortBeginning(BEGINNING_MIN_CHARACTERS));
        }
        if part.is_not {
            self.query.pattern.none.push(phrase);
        } else {
            self.query.marked.push(phrase.clone());
            self.query.pattern.all.push(vec![phrase]);
        }
        Ok(())
    }

    fn take_facets(&mut self, filter: &'static str, facets: Vec<Phrase>, is_not: bool) {
        if is_not {
            return self.query.pattern.none.extend(facets);
        }
        // An entry has all that `has:` names, and one of what the others name. A room and a channel are both a place.
        let group = if filter == "channel" { "in" } else { filter };
        match self.any_of.iter_mut().find(|(name, _)| *name == group) {
            Some((_, known)) if group != "has" => known.extend(facets),
            _ => self.any_of.push((group, facets)),
        }
    }

    fn take_day(&mut self, filter: &'static str, text: &str, asker: &Asker<'_>) -> Result<(), Misread> {
        let day = parse_day(text, asker.now, &asker.zone)
            .ok_or_else(|| Misread::NoDay { filter, text: text.to_owned() })?;
        let query = &mut self.query;
        if filter != "before" {
            let from_ms = if filter == "on" { day.begins_ms } else { day.ends_ms };
            query.from_ms = Some(query.from_ms.map_or(from_ms, |known| known.max(from_ms)));
        }
        if filter != "after" {
            let until_ms = if filter == "on" { day.ends_ms } else { day.begins_ms };
            query.until_ms = Some(query.until_ms.map_or(until_ms, |known| known.min(until_ms)));
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Query, Misread> {
        self.query.pattern.all.extend(self.any_of.into_iter().map(|(_, facets)| facets));
        if self.query.pattern.all.is_empty() {
            return Err(Misread::Nothing);
        }
        Ok(self.query)
    }
}

/// Cuts a query at its spaces, where it is not quoted. A quote that is never closed ends with the query, as people see while
/// they type.
fn split(text: &str) -> Result<Vec<Part>, Misread> {
    let (mut parts, mut rest) = (Vec::new(), text.trim_start());
    while !rest.is_empty() {
        let (is_not, after) = match rest.strip_prefix('-') {
            Some(after) if after.starts_with(|c: char| !c.is_whitespace()) => (true, after),
            _ => (false, rest),
        };
        let (filter, after) = filter_of(after);
        let (part, left) = match after.chars().next() {
            Some(quote @ ('"' | '“' | '”' | '„')) => {
                let inner = &after[quote.len_utf8()..];
                let end = inner.find(['"', '“', '”']).unwrap_or(inner.len());
                let left = inner[end..].strip_prefix(['"', '“', '”']).unwrap_or_default();
                (Part { is_not, filter, text: inner[..end].to_owned(), is_quoted: true }, left)
            }
            _ => {
                let end = after.find(char::is_whitespace).unwrap_or(after.len());
                (Part { is_not, filter, text: after[..end].to_owned(), is_quoted: false }, &after[end..])
            }
        };
        parts.push(part);
        rest = left.trim_start();
    }
    Ok(parts)
}

/// The filter with which a text begins, and the rest behind its colon, which may be a wide one.
fn filter_of(text: &str) -> (Option<&'static str>, &str) {
    let Some((name, value)) = text.split_once([':', '：']) else { return (None, text) };
    let name = name.to_ascii_lowercase();
    match FILTERS.into_iter().find(|filter| *filter == name) {
        Some(filter) => (Some(filter), value),
        None => (None, text),
    }
}

/// The facets of which an entry has one.
fn facets(filter: &str, value: &str, asker: &Asker<'_>) -> Result<Vec<Phrase>, Misread> {
    let of = |kind, value: &str| Phrase::of_facet(facet(kind, value));
    match filter {
        "from" => Ok(match (value, asker.id) {
            ("me", Some(id)) => vec![of(Facet::Author, id)],
            _ => {
                let name = value.strip_prefix('@').unwrap_or(value);
                vec![of(Facet::AuthorName, &normalized_name(name)), of(Facet::Author, name)]
            }
        }),
        "in" => {
            let name = value.strip_prefix('#').unwrap_or(value);
            if name == "feed" {
                return Ok(vec![of(Facet::Topic, "feed")]);
            }
            // By its address, or by its name.
            let ids = [RoomId::parse(&name.to_lowercase()), id_of_name(name)];
            let mut topics: Vec<_> =
                ids.into_iter().flatten().map(|id| TopicName::Room(id).to_string()).collect();
            topics.dedup();
            match topics.is_empty() {
                true => Err(Misread::NoRoom(value.to_owned())),
                false => Ok(topics.iter().map(|topic| of(Facet::Topic, topic)).collect()),
            }
        }
        "channel" => {
            let channel = parse_channel(value.strip_prefix('#').unwrap_or(value))
                .map_err(|_| Misread::NoChannel(value.to_owned()))?;
            Ok(vec![of(Facet::Channel, &channel)])
        }
        "level" => {
            let word = value.to_lowercase();
            let lowest = Level::ALL.into_iter().find(|level| level.as_str() == word);
            let lowest = lowest.ok_or(Misread::NoLevel)?;
            let levels = Level::ALL.into_iter().filter(|level| *level >= lowest);
            Ok(levels.map(|level| of(Facet::Level, level.as_str())).collect())
        }
        _ => match value.to_lowercase().as_str() {
            what @ ("file" | "link") => Ok(vec![of(Facet::Has, what)]),
            _ => Err(Misread::NoKind),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn asker() -> Asker<'static> {
        let now = "2026-11-28T12:00:00Z".parse().expect("a time");
        Asker { id: Some("7"), now, zone: TimeZone::UTC }
    }

    fn parse(text: &str) -> Query {
        Query::parse(text, &asker()).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn words(phrases: &[Phrase]) -> Vec<String> {
        phrases
            .iter()
            .map(|phrase| phrase.words.join(" ") + if phrase.is_beginning { "*" } else { "" })
            .collect()
    }

    #[test]
    fn words_phrases_and_what_must_not_be_there_are_told_apart() {
        for (text, all, none) in [
            ("deploy failed", vec!["deploy", "failed"], vec![]),
            ("\"deploy failed\" -staging", vec!["deploy failed"], vec!["staging"]),
            ("“deploy failed”", vec!["deploy failed"], vec![]),
            ("東京　大阪", vec!["東京", "大阪"], vec![]),
            ("dep*", vec!["dep*"], vec![]),
            ("https://a.example/b", vec!["https a example b"], vec![]),
            ("a -\"b c\"", vec!["a"], vec!["b c"]),
            ("a - b", vec!["a", "b"], vec![]),
            ("to-do", vec!["to do"], vec![]),
            ("\"not closed", vec!["not closed"], vec![]),
            ("note:this", vec!["note this"], vec![]),
        ] {
            let query = parse(text);
            assert_eq!(words(&query.marked), all, "{text}");
            assert_eq!(words(&query.pattern.none), none, "{text}");
            assert_eq!(query.pattern.all.len(), all.len(), "{text}");
        }
    }

    #[test]
    fn filters_become_facets() {
        let of = |kind, value: &str| Phrase::of_facet(facet(kind, value));
        let (alice, ops) = (of(Facet::AuthorName, "alice"), of(Facet::Topic, "room:ops"));
        assert_eq!(parse("from:Alice").pattern.all, [vec![alice.clone(), of(Facet::Author, "Alice")]]);
        assert_eq!(parse("from:me").pattern.all, [vec![of(Facet::Author, "7")]]);
        assert_eq!(parse("in:#ops in:feed").pattern.all, [vec![ops.clone(), of(Facet::Topic, "feed")]]);
        assert_eq!(parse("in:\"Team Talk\"").pattern.all, [vec![of(Facet::Topic, "room:team-talk")]]);
        assert_eq!(parse("in:ops channel:ci").pattern.all, [vec![ops.clone(), of(Facet::Channel, "ci")]]);
        assert_eq!(parse("a -in:ops").pattern.none, [ops]);
        assert_eq!(parse("has:LINK").pattern.all, [vec![of(Facet::Has, "link")]]);
        assert_eq!(parse("level:warning").pattern.all[0].len(), 2);
        assert_eq!(parse("FROM：\"Alice\"").pattern.all[0][0], alice);
    }

    #[test]
    fn days_become_bounds() {
        let day = 86_400_000;
        let bounds = |text| (parse(text).from_ms, parse(text).until_ms);
        let begin = 1_795_824_000_000; // 2026-11-28
        assert_eq!(bounds("a on:2026-11-28"), (Some(begin), Some(begin + day)));
        assert_eq!(bounds("a on:today"), (Some(begin), Some(begin + day)));
        assert_eq!(bounds("a before:yesterday"), (None, Some(begin - day)));
        assert_eq!(bounds("a after:2026-11-27"), (Some(begin), None));
        assert_eq!(
            bounds("a after:2026-11-01 after:2026-11-27 before:2026-12-01"),
            (Some(begin), Some(begin + 3 * day))
        );
        assert_eq!(bounds("a on:2026-11"), (Some(begin - 27 * day), Some(begin + 3 * day)));
        let tokyo = Asker { zone: TimeZone::fixed(jiff::tz::offset(9)), ..asker() };
        let query = Query::parse("a on:2026-11-28", &tokyo).expect("a query");
        assert_eq!(query.from_ms, Some(begin - 9 * 3_600_000));
    }

    #[test]
    fn what_cannot_be_meant_is_rejected_with_what_is_taken() {
        for (text, part) in [
            ("", "Say what to look for"),
            ("-only", "Say what to look for"),
            ("— …", "Say what to look for"),
            ("before:2026-01-01", "Say what to look for"),
            ("from:", "from:alice"),
            ("in:/", "in:general"),
            ("level:loud", "info, success, warning, error"),
            ("has:fun", "has:link"),
            ("a*", "2 characters"),
            ("a on:soon", "2026-11-28"),
            ("a on:2026-02-30", "2026-11-28"),
            ("a -on:today", "before:"),
            (&"a ".repeat(21), "at most 20"),
            (&"a".repeat(301), "at most 300"),
        ] {
            let error = Query::parse(text, &asker()).expect_err(text);
            assert!(error.to_string().contains(part), "{text}: {error}");
        }
    }
}

#[cfg(test)]
mod properties {
    use proptest::prelude::*;

    use super::{tests::asker, *};
    use crate::protocol::properties::text;

    proptest! {
        #[test]
        fn any_text_is_a_query_or_rejected_with_a_message(text in text()) {
            match Query::parse(&text, &asker()) {
                Ok(query) => prop_assert!(!query.pattern.all.is_empty()),
                Err(misread) => prop_assert!(!misread.to_string().is_empty()),
            }
        }

        #[test]
        fn any_mixture_of_signs_is_read(text in "([-:\"“a東]|from:|in:|on:|before:2026-| ){0,40}") {
            drop(Query::parse(&text, &asker()));
        }
    }
}
