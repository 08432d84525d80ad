//! The index of the search, as in SQLite: a row for each entry with its words as a `tsvector`, which a GIN index has. The
//! words come cut and folded, so no dictionary of PostgreSQL touches them.

use deadpool_postgres::{
    Client,
    tokio_postgres::{Error, Statement, types::ToSql},
};

use super::{NULL, place, read::record_of, rows::Rows, signed};
use crate::server::{
    store::{
        Announce, Document, Hit, IndexProgress, Place, Record, Search, StoreError, TopicName,
        search::STEP_ENTRIES,
    },
    words::{Pattern, Phrase, VERSION},
};

/// The newest rows that are looked at one by one, before the index is asked. A word that many entries have is found among
/// them, and PostgreSQL would read and sort all of those that the index gives.
const NEWEST_ROWS: i64 = 3_000;
/// The last place of a word that a `tsvector` tells from the next.
const POSITION_MAX: usize = 16_383;

/// Lets all topics be indexed anew if the words are cut in another way now. To be called while the schema is locked.
pub(super) async fn open(client: &Client) -> Result<(), StoreError> {
    let row = client.query_one("SELECT version FROM search_version", &[]).await?;
    if row.get::<_, i64>(0) != VERSION {
        client.execute("UPDATE search_version SET version = $1", &[&VERSION]).await?;
        let pending = r#"INSERT INTO search_pending SELECT id, 0 FROM topics WHERE NOT starts_with(name, 'user:')
                         ON CONFLICT (topic) DO UPDATE SET "offset" = 0"#;
        client.execute(pending, &[]).await?;
    }
    Ok(())
}

/// A row of the index.
struct Put {
    offset: i64,
    place: i64,
    channel: Option<String>,
    document: Document,
}

/// The changes that a batch makes in the index.
#[derive(Default)]
pub(super) struct Update {
    put: Vec<Put>,
    removed: Vec<i64>,
    /// Facets, each with the offset of the entry that takes those before it out.
    removed_facets: Vec<(String, i64)>,
}

impl Update {
    /// Collects the changes by the new and the changed entries of a batch.
    pub(super) fn of(rows: &Rows, announce: &dyn Announce) -> Self {
        let mut update = Self::default();
        for (record, _) in rows.new_records().filter(|(_, is_lasting)| *is_lasting) {
            update.take(record, announce.document(record), false);
        }
        for (before, after) in rows.changed_records() {
            let document = announce.document(after);
            // A reaction or a pin changes no word.
            if announce.document(before) != document {
                update.take(after, document, true);
            }
        }
        update
    }

    fn take(&mut self, record: &Record, document: Option<Document>, was_there: bool) {
        match document {
            Some(Document { removes: Some(facet), .. }) => {
                self.put.retain(|put| !put.document.facets.contains(&facet));
                self.removed_facets.push((facet, signed(record.offset)));
            }
            Some(document) => self.put.push(Put {
                offset: signed(record.offset),
                place: Place::order_at(record.timestamp, record.offset),
                channel: record.channel.clone(),
                document,
            }),
            None if was_there => self.removed.push(signed(record.offset)),
            None => {}
        }
    }
}

/// The statements, prepared before the first of them is sent.
pub(super) struct Prepared {
    put: Statement,
    remove: Statement,
    remove_facet: Statement,
}

impl Prepared {
    pub(super) async fn new(client: &Client) -> Result<Self, StoreError> {
        let put = r#"INSERT INTO search_documents (topic, "offset", place, channel, words)
                     SELECT $1, d.o, d.p, d.c, d.w::tsvector
                     FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::text[]) AS d (o, p, c, w)
                     ON CONFLICT (topic, "offset") DO UPDATE SET words = excluded.words"#;
        let remove = r#"DELETE FROM search_documents WHERE topic = $1 AND "offset" = ANY ($2::bigint[])"#;
        let remove_facet = r#"DELETE FROM search_documents
                              WHERE topic + 0 = $1 AND words @@ $2::text::tsquery AND "offset" + 0 < $3"#;
        Ok(Self {
            put: client.prepare_cached(put).await?,
            remove: client.prepare_cached(remove).await?,
            remove_facet: client.prepare_cached(remove_facet).await?,
        })
    }

    /// Puts entries into the index of a topic, by one statement.
    pub(super) async fn put(&self, client: &Client, topic: i64, update: &Update) -> Result<(), Error> {
        if update.put.is_empty() {
            return Ok(());
        }
        let offsets: Vec<_> = update.put.iter().map(|put| put.offset).collect();
        let places: Vec<_> = update.put.iter().map(|put| put.place).collect();
        let channels: Vec<_> = update.put.iter().map(|put| put.channel.as_deref()).collect();
        let words: Vec<_> = update.put.iter().map(|put| vector(&put.document)).collect();
        let row: [&(dyn ToSql + Sync); 5] = [&topic, &offsets, &places, &channels, &words];
        client.execute(&self.put, &row).await.map(drop)
    }

    /// Takes entries out of the index of a topic; it does not matter whether that is before or after others are put in.
    pub(super) async fn remove(&self, client: &Client, topic: i64, update: &Update) -> Result<(), Error> {
        if !update.removed.is_empty() {
            client.execute(&self.remove, &[&topic, &update.removed]).await?;
        }
        for (facet, offset) in &update.removed_facets {
            client.execute(&self.remove_facet, &[&topic, &quoted(facet), offset]).await?;
        }
        Ok(())
    }
}

/// The text of a `tsvector`: each word with its place. Facets have none.
fn vector(document: &Document) -> String {
    let words = document.words.iter().take(POSITION_MAX).enumerate();
    let words = words.map(|(at, word)| format!("{}:{}", quoted(word), at + 1));
    words.chain(document.facets.iter().map(|facet| quoted(facet))).collect::<Vec<_>>().join(" ")
}

/// The pattern as a `tsquery`.
fn query(Pattern { all, none }: &Pattern) -> String {
    let any = |phrases: &[Phrase]| phrases.iter().map(phrase).collect::<Vec<_>>().join(" | ");
    let mut parts: Vec<_> = all.iter().map(|group| format!("({})", any(group))).collect();
    if !none.is_empty() {
        parts.push(format!("!({})", any(none)));
    }
    parts.join(" & ")
}

fn phrase(Phrase { words, is_beginning }: &Phrase) -> String {
    let last = words.len() - 1;
    let word =
        |(at, word): (usize, &String)| quoted(word) + if *is_beginning && at == last { ":*" } else { "" };
    let words: Vec<_> = words.iter().enumerate().map(word).collect();
    format!("({})", words.join(" <-> "))
}

/// A word in quotes. None has a sign of this language or a null character, but the language must not depend on that.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace(NULL, "").replace('\\', "\\\\").replace('\'', "''"))
}

/// Finds the hits, the newest first: among the newest rows, and if those are too few by the index.
pub(super) async fn find(client: &Client, search: &Search) -> Result<Vec<Hit>, StoreError> {
    let mut hits = find_by(client, search, NEWEST).await?;
    if hits.len() < search.limit {
        hits = find_by(client, search, BY_INDEX).await?;
    }
    Ok(hits)
}

/// Looks at the newest rows one by one.
const NEWEST: &str = r#"
    SELECT d.topic, d."offset", d.place FROM (
        SELECT * FROM search_documents WHERE place >= $2 AND (place, topic, "offset") < ($3, $4, $5)
        ORDER BY place DESC, topic DESC, "offset" DESC LIMIT $10
    ) AS d WHERE d.words @@ $1::text::tsquery AND "#;

/// Asks the index of the words, and only that: what it finds is kept apart before anything else is looked at, and `+ 0` keeps
/// it from the index of the places. While PostgreSQL has no statistics of the table it takes the bounds and the topics for
/// narrow, and reads all rows of them instead.
const BY_INDEX: &str = r#"
    WITH matched AS MATERIALIZED (
        SELECT topic, "offset", place, channel FROM search_documents
        WHERE words @@ $1::text::tsquery AND place + 0 >= $2 AND (place + 0, topic + 0, "offset" + 0) < ($3, $4, $5)
    )
    SELECT d.topic, d."offset", d.place FROM matched AS d WHERE $10::bigint > 0 AND "#;

async fn find_by(client: &Client, search: &Search, found: &str) -> Result<Vec<Hit>, StoreError> {
    let select = format!(
        r#"WITH found AS MATERIALIZED ({found}
               d.topic IN (SELECT id FROM topics WHERE name = ANY ($6::text[]))
               AND (d.channel IS NULL OR (($7::text[] IS NULL OR d.channel = ANY ($7))
                                          AND ($8::text[] IS NULL OR d.channel <> ALL ($8))))
           ), newest AS MATERIALIZED (
               SELECT * FROM found ORDER BY place DESC, topic DESC, "offset" DESC LIMIT $9
           )
           SELECT e."offset", e.timestamp, e.author, e.client_id, e.channel, e.body, e.target, n.place, t.id, t.name
           FROM newest AS n JOIN topics AS t ON t.id = n.topic
           JOIN entries AS e ON e.topic = n.topic AND e."offset" = n."offset"
           ORDER BY n.place DESC, n.topic DESC, n."offset" DESC"#
    );
    let (from, until) = search.orders();
    let end = Place { order: until, topic: i64::MIN, offset: 0 };
    let end = search.before.map_or(end, |before| before.min(end));
    let names: Vec<String> = search.topics.iter().map(ToString::to_string).collect();
    let (only, except) = search.channels.bounds();
    let (query, limit) = (query(&search.pattern), signed(search.limit as u64));
    let parameters: [&(dyn ToSql + Sync); 10] = [
        &query,
        &from,
        &end.order,
        &end.topic,
        &signed(end.offset),
        &names,
        &only,
        &except,
        &limit,
        &NEWEST_ROWS,
    ];
    // Planned anew each time, for this query and for the table as it is: PostgreSQL keeps the plan of a prepared statement,
    // and one that was made while the table was small reads all of it.
    let rows = client.query(&select, &parameters).await?;
    let hit = |row: &deadpool_postgres::tokio_postgres::Row| {
        let name: TopicName = row.get::<_, &str>(9).parse()?;
        let record = record_of(&name, row, 0);
        let record =
            record.ok_or_else(|| StoreError::Damaged("an entry that was found cannot be read".into()))?;
        let place = Place { order: row.get(7), topic: row.get(8), offset: record.offset };
        Ok(Hit { place, record })
    };
    rows.iter().map(hit).collect()
}

/// Indexes the next entries of a topic that was not indexed yet, under the topic's lock. Nodes take different topics.
pub(super) async fn index_step(
    client: &Client,
    announce: &dyn Announce,
) -> Result<IndexProgress, StoreError> {
    client.batch_execute("BEGIN ISOLATION LEVEL READ COMMITTED").await?;
    let next = r#"SELECT p.topic, t.name, p."offset" FROM search_pending AS p JOIN topics AS t ON t.id = p.topic
                  ORDER BY p.topic LIMIT 1 FOR UPDATE OF p SKIP LOCKED"#;
    let next = client.query_opt(next, &[]).await?;
    let indexed = match next {
        Some(row) => index(client, row.get(0), &row.get::<_, &str>(1).parse()?, row.get(2), announce).await?,
        None => 0,
    };
    let left = r#"SELECT coalesce(sum(greatest(t.head - p."offset", 1)), 0)::bigint
                  FROM search_pending AS p JOIN topics AS t ON t.id = p.topic"#;
    let left = place(client.query_one(left, &[]).await?.get(0));
    client.batch_execute("COMMIT").await?;
    Ok(IndexProgress { indexed, left })
}

async fn index(
    client: &Client,
    topic: i64,
    name: &TopicName,
    after: i64,
    announce: &dyn Announce,
) -> Result<u64, StoreError> {
    client.execute("SELECT 1 FROM topics WHERE id = $1 FOR NO KEY UPDATE", &[&topic]).await?;
    let page = r#"SELECT "offset", timestamp, author, client_id, channel, body, target, lasting FROM entries
                  WHERE topic = $1 AND "offset" > $2 ORDER BY "offset" LIMIT $3"#;
    let rows = client.query(page, &[&topic, &after, &signed(STEP_ENTRIES as u64)]).await?;
    let Some(last) = rows.last() else {
        client.execute("DELETE FROM search_pending WHERE topic = $1", &[&topic]).await?;
        return Ok(0);
    };
    let prepared = Prepared::new(client).await?;
    let mut update = Update::default();
    for record in rows.iter().filter(|row| row.get(7)).filter_map(|row| record_of(name, row, 0)) {
        update.take(&record, announce.document(&record), true);
    }
    prepared.remove(client, topic, &update).await?;
    prepared.put(client, topic, &update).await?;
    let moved = r#"UPDATE search_pending SET "offset" = $2 WHERE topic = $1"#;
    client.execute(moved, &[&topic, &last.get::<_, i64>(0)]).await?;
    Ok(rows.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_becomes_a_query_of_words_and_places() {
        let phrase = |words: &[&str], is_beginning| Phrase {
            words: words.iter().map(|word| (*word).to_owned()).collect(),
            is_beginning,
        };
        let pattern = Pattern {
            all: vec![
                vec![phrase(&["東京", "京都"], false)],
                vec![phrase(&["a"], true), phrase(&["b'"], false)],
            ],
            none: vec![phrase(&["c"], false)],
        };
        let expected = "(('東京' <-> '京都')) & (('a':*) | ('b''')) & !(('c'))";
        assert_eq!(query(&pattern), expected);
        let document = Document {
            words: vec!["a".to_owned(), "b".to_owned()],
            facets: vec![":t1".to_owned()],
            removes: None,
        };
        assert_eq!(vector(&document), "'a':1 'b':2 ':t1'");
    }
}
