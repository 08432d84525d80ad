//! The pattern of a search, as the stores take it.

use super::Word;

/// Words that follow each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phrase {
    /// The words, one at least.
    pub words: Vec<String>,
    /// The last of them may be the beginning of a word.
    pub is_beginning: bool,
}

impl Phrase {
    /// The phrase of one facet.
    pub fn of_facet(facet: String) -> Self {
        Self { words: vec![facet], is_beginning: false }
    }

    /// Returns true if the phrase begins at this place of a text.
    pub(super) fn is_at(&self, words: &[Word], place: usize) -> bool {
        let Some(here) = words.get(place..place + self.words.len()) else { return false };
        let last = self.words.len() - 1;
        here.iter().zip(&self.words).enumerate().all(|(at, (word, wanted))| {
            match self.is_beginning && at == last {
                true => word.text.starts_with(wanted.as_str()),
                false => word.text == *wanted,
            }
        })
    }
}

/// The pattern that an entry must match: it has one phrase of each of `all`, and none of `none`. `all` has one at least.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pattern {
    /// Groups of phrases, of which one each must be there.
    pub all: Vec<Vec<Phrase>>,
    /// The phrases that must not be there.
    pub none: Vec<Phrase>,
}
