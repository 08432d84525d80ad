//! The part of a text that a list of hits shows: around the first mark, in pieces of which some are marked. So no caller has to
//! count characters, and a page puts each piece where it belongs without reading HTML.

use std::ops::Range;

use serde::Serialize;
use unicode_segmentation::UnicodeSegmentation;

use crate::server::{
    markdown::plain_text,
    words::{Phrase, marks},
};

/// Characters of a snippet: two or three lines.
const SNIPPET_CHARACTERS: usize = 240;
/// Characters before the first mark.
const BEFORE_CHARACTERS: usize = 60;

/// A piece of a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Part {
    /// The text.
    pub text: String,
    /// It is what was looked for.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub marked: bool,
}

/// The pieces of a text around the first of the phrases that it has. Where text is left out, a piece begins or ends with `…`.
pub(super) fn snippet(text: &str, phrases: &[Phrase]) -> Vec<Part> {
    let marks = marks(text, phrases);
    let Range { start, end } = shown(text, marks.first().map_or(0, |mark| mark.start));
    let mut parts = Vec::new();
    let mut push = |text: String, marked| {
        if !text.is_empty() {
            parts.push(Part { text, marked });
        }
    };
    let mut at = start;
    for mark in marks {
        let (from, to) = (mark.start.clamp(at, end), mark.end.clamp(at, end));
        push(text[at..from].to_owned(), false);
        push(text[from..to].to_owned(), true);
        at = to;
    }
    push(text[at..end].to_owned(), false);
    if start > 0 {
        parts.insert(0, Part { text: "…".to_owned(), marked: false });
    }
    if end < text.len() {
        parts.push(Part { text: "…".to_owned(), marked: false });
    }
    parts
}

/// The same of a text with Markdown, as a reader sees it: without its signs, unless what was looked for is among them, such as
/// the address of a link.
pub(super) fn snippet_of_markdown(text: &str, phrases: &[Phrase]) -> Vec<Part> {
    let plain = plain_text(text);
    let is_among_signs = marks(&plain, phrases).is_empty() && !marks(text, phrases).is_empty();
    snippet(if is_among_signs { text } else { &plain }, phrases)
}

/// The bytes that are shown, whole characters as people see them.
fn shown(text: &str, mark: usize) -> Range<usize> {
    let starts: Vec<usize> = text.grapheme_indices(true).map(|(start, _)| start).collect();
    let first_mark = starts.partition_point(|start| *start < mark);
    let begin = match starts.len() <= SNIPPET_CHARACTERS {
        true => 0,
        false => first_mark.saturating_sub(BEFORE_CHARACTERS).min(starts.len() - SNIPPET_CHARACTERS),
    };
    let at = |index: usize| starts.get(index).copied().unwrap_or(text.len());
    at(begin)..at(begin + SNIPPET_CHARACTERS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::words::phrase;

    fn written_by(cut: fn(&str, &[Phrase]) -> Vec<Part>, text: &str, wanted: &str) -> String {
        let phrases: Vec<_> = wanted.split(' ').filter_map(|word| phrase(word, false)).collect();
        let write = |part: Part| if part.marked { format!("[{}]", part.text) } else { part.text };
        cut(text, &phrases).into_iter().map(write).collect()
    }

    fn written(text: &str, wanted: &str) -> String {
        written_by(snippet, text, wanted)
    }

    #[test]
    fn a_snippet_of_markdown_has_its_words_and_its_signs_only_if_they_were_looked_for() {
        for (text, wanted, expected) in [
            ("the **disk** of `db-1`", "disk", "the [disk] of db-1"),
            ("see [the log](https://ci.example/7)", "log", "see the [log]"),
            ("see [the log](https://ci.example/7)", "example", "see [the log](https://ci.[example]/7)"),
            ("- two\n- four", "four", "two\n[four]"),
            ("plain words", "words", "plain [words]"),
            ("**none** of it", "else", "none of it"),
        ] {
            assert_eq!(written_by(snippet_of_markdown, text, wanted), expected, "{text}");
        }
    }

    #[test]
    fn a_snippet_has_its_marks_and_what_is_around_the_first() {
        assert_eq!(written("the deploy of a deploy", "deploy"), "the [deploy] of a [deploy]");
        assert_eq!(written("東京タワー", "タワー"), "東京[タワー]");
        assert_eq!(written("nothing", "else"), "nothing");
        let long = format!("{}needle{}", "x ".repeat(500), " y".repeat(500));
        let snippet = written(&long, "needle");
        assert!(snippet.starts_with('…') && snippet.contains("x [needle] y") && snippet.ends_with('…'));
        assert!(snippet.chars().count() <= SNIPPET_CHARACTERS + 4);
    }
}

#[cfg(test)]
mod properties {
    use proptest::prelude::*;

    use super::*;
    use crate::{protocol::properties::text, server::words::phrase};

    proptest! {
        #[test]
        fn the_pieces_of_a_short_text_are_the_text(text in text(), wanted in "[a-e東]{1,2}") {
            prop_assume!(text.chars().count() <= SNIPPET_CHARACTERS);
            let phrases: Vec<_> = phrase(&wanted, true).into_iter().collect();
            let whole: String = snippet(&text, &phrases).into_iter().map(|part| part.text).collect();
            prop_assert_eq!(whole, text);
        }
    }
}
