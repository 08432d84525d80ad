//! The search document of a message: its words, and what the filters of a search name. The store calls `document_of` in the
//! transaction that stores or changes the message, so it must do no more than that.

use super::encoding::{StoredMessage, stored_message};
use crate::{
    protocol::cursor::Offset,
    server::{
        auth::normalized_name,
        store::{Document, Record},
        words::{Facet, facet, words},
    },
};

/// Returns the search document of an entry of a room; a change and a deleted message have none.
pub fn document_of(record: &Record) -> Option<Document> {
    if record.target.is_some() {
        return None;
    }
    let message = stored_message(record);
    if message.deleted {
        return None;
    }
    let mut facets = vec![
        facet(Facet::Topic, &record.topic.to_string()),
        facet(Facet::Author, &record.author),
        facet(Facet::AuthorName, &normalized_name(&message.user)),
    ];
    if message.text.contains("://") {
        facets.push(facet(Facet::Has, "link"));
    }
    if !message.files.is_empty() {
        facets.push(facet(Facet::Has, "file"));
    }
    // A file is found by its name, also where the message has a text of its own, and by its description.
    let named =
        message.files.iter().flat_map(|file| [Some(file.name.as_str()), file.alt.as_deref()]).flatten();
    let names = named.filter(|name| !message.text.contains(name));
    let texts = std::iter::once(message.text.as_str()).chain(names);
    let words = texts.flat_map(words).map(|word| word.text).collect();
    Some(Document { words, facets, removes: None })
}

/// A message as a list of hits shows it.
#[derive(Clone, Debug)]
pub struct FoundMessage {
    /// The name of its author.
    pub user: String,
    /// Its text.
    pub text: String,
    /// The offset of the first message of its thread.
    pub thread: Option<Offset>,
}

/// The message in a record that was found; `None` for one that was deleted.
pub fn found_message(record: &Record) -> Option<FoundMessage> {
    let StoredMessage { user, text, thread, deleted, .. } = stored_message(record);
    (!deleted && record.target.is_none()).then_some(FoundMessage { user, text, thread })
}
