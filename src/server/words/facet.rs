//! Facets: what an entry has beside its words, as words of the index that no text has. So a filter of a search is looked for
//! as words are, in both stores.

use sha2::{Digest, Sha256};

/// Hexadecimal digits of a value's digest: two values are one by chance once in 2⁶⁴.
const DIGITS: usize = 16;

/// A kind of facet. Its letter is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Facet {
    /// The name of its topic.
    Topic,
    /// The id of its author.
    Author,
    /// The normalized name of its author at that time.
    AuthorName,
    /// Its channel.
    Channel,
    /// Its level.
    Level,
    /// A kind of content that it has: `link` or `file`.
    Has,
    /// Its channel and key: what was published by the same key is deleted together.
    Key,
}

/// The word of a facet. Values are of any length and have any characters, so their digest stands for them.
pub fn facet(kind: Facet, value: &str) -> String {
    let letter = match kind {
        Facet::Topic => 't',
        Facet::Author => 'a',
        Facet::AuthorName => 'n',
        Facet::Channel => 'c',
        Facet::Level => 'l',
        Facet::Has => 'h',
        Facet::Key => 'k',
    };
    let digest = Sha256::digest(value.as_bytes());
    let hex: String = digest.iter().take(DIGITS / 2).map(|byte| format!("{byte:02x}")).collect();
    format!(":{letter}{hex}")
}
