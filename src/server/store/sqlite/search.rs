//! The index of the search: a table of what is found of each entry, and FTS5's index of it. The words come cut and folded, so
//! the tokenizer only has to leave them whole. The rows' ids are the order of the time, so FTS5 gives the newest first without
//! sorting.
//!
//! FTS5 deletes a row's words by reading the row, so the words stand in it: those of an older version of `server::words` must
//! be erased as well. `secure-delete` takes them out of FTS5's segments at once.

use rusqlite::{Connection, OptionalExtension, named_params, params};

use super::{
    channel_names::names_of,
    record::{COLUMNS, record_of},
};
use crate::{
    protocol::cursor::Offset,
    server::{
        store::{
            Announce, Document, Hit, IndexProgress, Place, Record, Search, StoreError, TopicName,
            search::STEP_ENTRIES,
        },
        words::{Pattern, Phrase, VERSION},
    },
};

/// Lets all topics be indexed anew if the words are cut in another way now.
pub(super) fn open(connection: &mut Connection) -> Result<(), StoreError> {
    let step = connection.transaction()?;
    let version: i64 = step.query_row("SELECT version FROM search_version", [], |row| row.get(0))?;
    if version != VERSION {
        step.execute("UPDATE search_version SET version = ?1", [VERSION])?;
        step.execute(
            "INSERT INTO search_pending SELECT id, 0 FROM topics WHERE substr(name, 1, 5) <> 'user:'
             ON CONFLICT (topic) DO UPDATE SET offset = 0",
            [],
        )?;
    }
    Ok(step.commit()?)
}

/// Puts an entry that was appended just now into the index.
pub(super) fn append(
    connection: &Connection,
    topic: i64,
    record: &Record,
    announce: &dyn Announce,
) -> Result<(), StoreError> {
    match announce.document(record) {
        Some(document) => put_new(connection, topic, record, &document),
        None => Ok(()),
    }
}

/// Puts what a change made of an entry into the index.
pub(super) fn change(
    connection: &Connection,
    topic: i64,
    before: &Record,
    after: &Record,
    announce: &dyn Announce,
) -> Result<(), StoreError> {
    let document = announce.document(after);
    if announce.document(before) == document {
        return Ok(()); // a reaction, a pin
    }
    remove(connection, topic, after.offset)?;
    document.map_or(Ok(()), |document| put_new(connection, topic, after, &document))
}

/// Takes an entry out of the index.
pub(super) fn remove(connection: &Connection, topic: i64, offset: Offset) -> Result<(), StoreError> {
    let row: Option<(i64, String)> = connection
        .prepare_cached("SELECT id, words FROM search_documents WHERE topic = ?1 AND offset = ?2")?
        .query_row(params![topic, offset], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    row.map_or(Ok(()), |(id, words)| remove_row(connection, id, &words))
}

fn remove_row(connection: &Connection, id: i64, words: &str) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT INTO search_words (search_words, rowid, words) VALUES ('delete', ?1, ?2)")?
        .execute(params![id, words])?;
    connection.prepare_cached("DELETE FROM search_documents WHERE id = ?1")?.execute([id])?;
    Ok(())
}

fn put_new(
    connection: &Connection,
    topic: i64,
    record: &Record,
    document: &Document,
) -> Result<(), StoreError> {
    if let Some(facet) = &document.removes {
        return remove_all(connection, topic, record.offset, facet);
    }
    let parts = document.words.iter().chain(&document.facets).map(String::as_str);
    let words = parts.collect::<Vec<_>>().join(" ");
    let id = insert(connection, topic, record, &words)?;
    connection
        .prepare_cached("INSERT INTO search_words (rowid, words) VALUES (?1, ?2)")?
        .execute(params![id, words])?;
    Ok(())
}

/// Inserts the row at the first free id from its order on; the distance doubles, for a time that has thousands of entries.
fn insert(connection: &Connection, topic: i64, record: &Record, words: &str) -> Result<i64, StoreError> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO search_documents (id, topic, offset, channel, words) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (id) DO NOTHING",
    )?;
    let (mut id, mut distance) = (Place::order_at(record.timestamp, record.offset), 1_i64);
    while insert.execute(params![id, topic, record.offset, record.channel, words])? == 0 {
        id = id.wrapping_add(distance);
        distance = distance.wrapping_mul(2).max(1);
    }
    Ok(id)
}

/// Takes the entries of a topic before an offset that have a facet out of the index.
fn remove_all(connection: &Connection, topic: i64, before: Offset, facet: &str) -> Result<(), StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT d.id, d.words FROM search_words CROSS JOIN search_documents AS d ON d.id = search_words.rowid
         WHERE search_words MATCH ?1 AND d.topic = ?2 AND d.offset < ?3",
    )?;
    let rows =
        select.query_map(params![quoted(facet), topic, before], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let found: Vec<(i64, String)> = rows.collect::<Result<_, _>>()?;
    found.iter().try_for_each(|(id, words)| remove_row(connection, *id, words))
}

/// Finds the hits, the newest first.
pub(super) fn find(connection: &Connection, search: &Search) -> Result<Vec<Hit>, StoreError> {
    // CROSS JOIN keeps the order of the joins: FTS5 gives the rows in the order of their ids, so none is sorted.
    let mut select = connection.prepare_cached(&format!(
        "SELECT {}, d.id, t.id, t.name
         FROM search_words CROSS JOIN search_documents AS d ON d.id = search_words.rowid
         CROSS JOIN topics AS t ON t.id = d.topic
         CROSS JOIN entries AS e ON e.topic = d.topic AND e.offset = d.offset
         WHERE search_words MATCH :match AND search_words.rowid >= :from AND search_words.rowid < :until
         AND d.topic IN (SELECT id FROM topics WHERE name IN (SELECT value FROM json_each(:topics)))
         AND (d.channel IS NULL OR (
             (:only IS NULL OR d.channel IN (SELECT value FROM json_each(:only)))
             AND (:except IS NULL OR d.channel NOT IN (SELECT value FROM json_each(:except)))))
         ORDER BY search_words.rowid DESC LIMIT :limit",
        COLUMNS.split(", ").map(|column| format!("e.{column}")).collect::<Vec<_>>().join(", ")
    ))?;
    let (from, until) = search.orders();
    let until = search.before.map_or(until, |place| until.min(place.order));
    let names: Vec<String> = search.topics.iter().map(ToString::to_string).collect();
    let topics = serde_json::to_string(&names).expect("names are always JSON");
    let (only, except) = names_of(&search.channels);
    let mut rows = select.query(named_params! {
        ":match": expression(&search.pattern), ":from": from, ":until": until, ":topics": topics,
        ":only": only, ":except": except, ":limit": search.limit,
    })?;
    let mut hits = Vec::new();
    while let Some(row) = rows.next()? {
        let name: TopicName = row.get::<_, String>(9)?.parse()?;
        let record = record_of(&name, row)?;
        hits.push(Hit {
            place: Place { order: row.get(7)?, topic: row.get(8)?, offset: record.offset },
            record,
        });
    }
    Ok(hits)
}

/// The pattern in the language of FTS5.
fn expression(Pattern { all, none }: &Pattern) -> String {
    let any = |phrases: &[Phrase]| phrases.iter().map(phrase).collect::<Vec<_>>().join(" OR ");
    let wanted = all.iter().map(|group| format!("({})", any(group))).collect::<Vec<_>>().join(" AND ");
    if none.is_empty() { wanted } else { format!("({wanted}) NOT ({})", any(none)) }
}

fn phrase(Phrase { words, is_beginning }: &Phrase) -> String {
    let quoted = quoted(&words.join(" "));
    if *is_beginning { format!("{quoted} *") } else { quoted }
}

/// A word has no quotes, but the language must not depend on that.
fn quoted(words: &str) -> String {
    format!("\"{}\"", words.replace('"', "\"\""))
}

/// Indexes the next entries of a topic that was not indexed yet. Entries that are in the index already are put in anew.
pub(super) fn index_step(
    connection: &Connection,
    announce: &dyn Announce,
) -> Result<IndexProgress, StoreError> {
    let next: Option<(i64, String, Offset)> = connection
        .prepare_cached(
            "SELECT p.topic, t.name, p.offset FROM search_pending AS p JOIN topics AS t ON t.id = p.topic
             ORDER BY p.topic LIMIT 1",
        )?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some((topic, name, after)) = next else { return Ok(IndexProgress::default()) };
    let name: TopicName = name.parse()?;
    let page = page(connection, topic, &name, after)?;
    for (record, is_lasting) in &page {
        if *is_lasting {
            remove(connection, topic, record.offset)?;
            append(connection, topic, record, announce)?;
        }
    }
    match page.last() {
        Some((last, _)) => connection
            .prepare_cached("UPDATE search_pending SET offset = ?2 WHERE topic = ?1")?
            .execute(params![topic, last.offset])?,
        None => connection.prepare_cached("DELETE FROM search_pending WHERE topic = ?1")?.execute([topic])?,
    };
    Ok(IndexProgress { indexed: page.len() as u64, left: left(connection)? })
}

fn page(
    connection: &Connection,
    topic: i64,
    name: &TopicName,
    after: Offset,
) -> Result<Vec<(Record, bool)>, StoreError> {
    let mut select = connection.prepare_cached(&format!(
        "SELECT {COLUMNS}, lasting FROM entries WHERE topic = ?1 AND offset > ?2 ORDER BY offset LIMIT ?3"
    ))?;
    let rows = select
        .query_map(params![topic, after, STEP_ENTRIES], |row| Ok((record_of(name, row)?, row.get(7)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The entries that are not indexed yet, as far as offsets tell: some of them may be removed. A topic of which nothing is
/// left counts as one until a step has seen that.
fn left(connection: &Connection) -> Result<u64, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT coalesce(sum(max(t.head - p.offset, 1)), 0)
         FROM search_pending AS p JOIN topics AS t ON t.id = p.topic",
    )?;
    Ok(select.query_row([], |row| row.get(0))?)
}
