//! The search document of a notification: the words of its title, its text and its tags, and what the filters of a search
//! name. The store calls `document_of` in the transaction that stores the entry, so it must do no more than that.

use crate::{
    protocol::feed::{Body, Details},
    server::{
        store::{Document, Record},
        words::{Facet, facet, words},
    },
};

/// Returns the search document of an entry of the feed. That of a deletion takes the notifications with its key out of the
/// index.
pub fn document_of(record: &Record) -> Option<Document> {
    let Ok(Body::Notification { title, text, level, tags, link, key, details }) =
        serde_json::from_str(&record.body)
    else {
        return None; // a value or a progress: what it says is true for a moment
    };
    let channel = record.channel.as_deref().unwrap_or_default();
    let of_key = key.map(|key| facet(Facet::Key, &format!("{channel}\n{key}")));
    if matches!(details, Details { deleted: true, .. }) {
        return of_key.map(|removes| Document { removes: Some(removes), ..Document::default() });
    }
    // Not its author: no reader is told who published it.
    let mut facets = vec![
        facet(Facet::Topic, &record.topic.to_string()),
        facet(Facet::Channel, channel),
        facet(Facet::Level, level.as_str()),
    ];
    facets.extend(of_key);
    if link.is_some() || !details.actions.is_empty() || text.contains("://") {
        facets.push(facet(Facet::Has, "link"));
    }
    let texts = title.iter().chain([&text]).chain(&tags);
    let words = texts.flat_map(|text| words(text)).map(|word| word.text).collect();
    Some(Document { words, facets, removes: None })
}
