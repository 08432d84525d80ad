//! Appends one batch to one topic, in one transaction and two round trips to PostgreSQL: begin, lock the topic and look
//! for repeats; insert, update the head and commit.
//!
//! The topic's row is locked before its head is read and until the commit, so offsets have no gaps and are in commit
//! order, whichever nodes append.

use std::collections::HashMap;

use deadpool_postgres::{
    Client,
    tokio_postgres::{Error, Statement, error::Severity, types::ToSql},
};
use futures_util::future::try_join3;

use super::{
    connect::{Connection, in_time},
    place,
    read::{self, From, epoch_of, record_of},
    signed,
};
use crate::{
    protocol::cursor::{Epoch, Offset},
    server::{
        clock::now_ms,
        store::{Appended, Filter, NewEntry, Record, StoreError, TopicName, new_epoch},
    },
};

/// The failure of a batch.
pub(super) enum Failure {
    /// Nothing of the batch is stored.
    Refused(StoreError),
    /// The connection was lost during the commit.
    Undecided(Undecided),
}

impl std::convert::From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Refused(error)
    }
}

/// A batch that may or may not be stored; only PostgreSQL knows.
pub(super) struct Undecided {
    pub(super) name: TopicName,
    /// The new records, if the batch is stored.
    pub(super) new: New,
}

/// The records that a batch adds to its topic, in order.
pub(super) struct New {
    pub(super) epoch: Epoch,
    pub(super) records: Vec<Record>,
}

impl Undecided {
    /// Returns true if the batch is stored. Its transaction may still be open at the other end of the lost connection;
    /// it holds the lock on the topic's row, so this waits for that lock first.
    ///
    /// It then compares the records at the batch's offsets. The transaction id would not do: after a crash PostgreSQL
    /// may reuse ids that it had not yet written down.
    pub(super) async fn is_stored(&self, client: &Client) -> Result<bool, StoreError> {
        let Some(first) = self.new.records.first() else { return Ok(false) };
        client.batch_execute("BEGIN ISOLATION LEVEL READ COMMITTED").await?;
        let lock = "SELECT 1 FROM topics WHERE name = $1 FOR NO KEY UPDATE";
        client.execute(lock, &[&self.name.to_string()]).await?;
        let from = From::After(first.offset - 1);
        let found = read::slice(client, &self.name, from, &Filter::default(), self.new.records.len()).await?;
        client.batch_execute("COMMIT").await?;
        Ok(found.is_some_and(|slice| slice.records == self.new.records))
    }
}

struct Topic {
    id: i64,
    epoch: Epoch,
    head: Offset,
}

/// The meaning of a client id that its author used before.
enum Known {
    /// The first entry, which is still stored.
    Entry(Record),
    /// Offset and timestamp of the first entry, which was removed.
    Past(Offset, i64),
}

/// Author and client id.
type Key = (String, String);

/// Appends a batch of jobs. Returns one answer per job, and the new records in order.
pub(super) async fn run(
    connection: &Connection,
    name: &TopicName,
    jobs: Vec<Vec<NewEntry>>,
) -> Result<(Vec<Vec<Appended>>, New), Failure> {
    let (topic, mut known) = in_time(begin(connection, name, &jobs)).await?;
    let timestamp = now_ms();
    let mut new = Rows::default();
    let mut take = |draft| new.take(name, topic.head, timestamp, &mut known, draft);
    let answers: Vec<Vec<_>> =
        jobs.into_iter().map(|drafts| drafts.into_iter().map(&mut take).collect()).collect();
    let prepared = in_time(Prepared::new(connection)).await?;
    let written = connection.finish(async {
        prepared.write(connection, &topic, timestamp, &new).await.map_err(|error| match decision(&error) {
            Some(Severity::Error) => error.into(),
            _ => StoreError::Undecided,
        })
    });
    match written.await {
        Ok(()) => Ok((answers, New { epoch: topic.epoch, records: new.records })),
        Err(StoreError::Undecided | StoreError::NoAnswer(_)) => {
            let new = New { epoch: topic.epoch, records: new.records };
            Err(Failure::Undecided(Undecided { name: name.clone(), new }))
        }
        Err(error) => Err(Failure::Refused(error)),
    }
}

/// The severity of an error that PostgreSQL sent. `ERROR` means that the transaction is rolled back. Any other error
/// ends the connection at a moment that only PostgreSQL knows.
fn decision(error: &Error) -> Option<Severity> {
    error.as_db_error()?.parsed_severity()
}

/// Begins the transaction, locks the topic, which is created if it does not exist, and finds earlier entries with the
/// same client ids.
async fn begin(
    client: &Client,
    topic_name: &TopicName,
    jobs: &[Vec<NewEntry>],
) -> Result<(Topic, HashMap<Key, Known>), StoreError> {
    let lock =
        client.prepare_cached("SELECT id, head, epoch FROM topics WHERE name = $1 FOR NO KEY UPDATE").await?;
    let find = prepare_find(client).await?;
    let name = topic_name.to_string();
    let (authors, client_ids): (Vec<&str>, Vec<&str>) = jobs
        .iter()
        .flatten()
        .filter_map(|draft| Some((draft.author.as_str(), draft.client_id.as_deref()?)))
        .unzip();
    let (name_only, find_by): ([&(dyn ToSql + Sync); 1], [&(dyn ToSql + Sync); 3]) =
        ([&name], [&name, &authors, &client_ids]);
    let look = async || {
        if authors.is_empty() { Ok(Vec::new()) } else { client.query(&find, &find_by).await }
    };
    // All three are sent at once and executed in order, so the search runs under the lock.
    let begin = client.batch_execute("BEGIN ISOLATION LEVEL READ COMMITTED");
    let ((), locked, mut found) = try_join3(begin, client.query_opt(&lock, &name_only), look()).await?;
    let row = match locked {
        Some(row) => row,
        None => {
            ensure_topic(client, &name).await?;
            let row = client.query_one(&lock, &name_only).await?;
            // The search ran before the topic existed and without a lock, so it is repeated.
            found = look().await?;
            row
        }
    };
    let epoch = epoch_of(topic_name, row.get(2))?;
    let topic = Topic { id: row.get(0), epoch, head: place(row.get(1)) };
    let mut known = HashMap::new();
    for row in found {
        let key: Key = (row.get(2), row.get(3));
        let what = match row.get::<_, Option<&str>>(5) {
            Some(_) => record_of(topic_name, &row, 0).map(Known::Entry),
            None => Some(Known::Past(place(row.get(0)), row.get(1))),
        };
        known.extend(what.map(|what| (key, what)));
    }
    Ok((topic, known))
}

async fn prepare_find(client: &Client) -> Result<Statement, Error> {
    client.prepare_cached(FIND).await
}

/// Finds earlier entries by author and client id. `LIMIT` makes PostgreSQL search for each pair separately: otherwise a
/// plan from when the table was small would scan all of the topic's entries for as long as the connection lives.
const FIND: &str = r#"SELECT e.* FROM unnest($2::text[], $3::text[]) AS d (author, client_id)
               CROSS JOIN LATERAL (
                   SELECT "offset", timestamp, author, client_id, channel, body FROM entries
                   WHERE topic = (SELECT id FROM topics WHERE name = $1)
                   AND author = d.author AND client_id = d.client_id AND client_id IS NOT NULL LIMIT 1
               ) e
               UNION ALL
               SELECT p.*, NULL, NULL FROM unnest($2::text[], $3::text[]) AS d (author, client_id)
               CROSS JOIN LATERAL (
                   SELECT "offset", timestamp, author, client_id FROM past_client_ids
                   WHERE topic = (SELECT id FROM topics WHERE name = $1)
                   AND author = d.author AND client_id = d.client_id LIMIT 1
               ) p"#;

/// The query plan of [`FIND`].
#[cfg(test)]
pub(super) async fn explain_find(client: &Client) -> Result<Vec<String>, Error> {
    client.batch_execute(&format!("PREPARE find (text, text[], text[]) AS {FIND}")).await?;
    let rows = client.query("EXPLAIN EXECUTE find ('feed', '{a}', '{b}')", &[]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Creates the topic if it does not exist.
pub(super) async fn ensure_topic(client: &Client, name: &str) -> Result<(), StoreError> {
    let insert = "INSERT INTO topics (name, epoch) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    client.execute(insert, &[&name, &new_epoch()]).await?;
    Ok(())
}

/// The rows to insert, which are sent column by column in one statement.
#[derive(Default)]
struct Rows {
    records: Vec<Record>,
    lasting: Vec<bool>,
}

impl Rows {
    /// The answer for one entry: the first one with its client id, or a new one.
    fn take(
        &mut self,
        name: &TopicName,
        head: Offset,
        timestamp: i64,
        known: &mut HashMap<Key, Known>,
        draft: NewEntry,
    ) -> Appended {
        let key = draft.client_id.clone().map(|client_id| (draft.author.clone(), client_id));
        match key.as_ref().and_then(|key| known.get(key)) {
            Some(Known::Entry(record)) => return Appended { record: record.clone(), first: false },
            Some(Known::Past(offset, timestamp)) => {
                return Appended { record: record(name, *offset, *timestamp, draft), first: false };
            }
            None => {}
        }
        self.lasting.push(draft.lasting);
        let record = record(name, head + self.lasting.len() as Offset, timestamp, draft);
        self.records.push(record.clone());
        known.extend(key.map(|key| (key, Known::Entry(record.clone()))));
        Appended { record, first: true }
    }

    fn column<'a, T>(&'a self, of: impl Fn(&'a Record) -> T) -> Vec<T> {
        self.records.iter().map(of).collect()
    }
}

fn record(name: &TopicName, offset: Offset, timestamp: i64, draft: NewEntry) -> Record {
    let NewEntry { author, client_id, channel, body, .. } = draft;
    Record { topic: name.clone(), offset, timestamp, author, client_id, channel, body }
}

/// The writing statements, prepared before the first of them is sent.
struct Prepared {
    insert: Statement,
    update: Statement,
}

impl Prepared {
    async fn new(client: &Client) -> Result<Self, StoreError> {
        let insert = client
            .prepare_cached(
                r#"INSERT INTO entries (topic, timestamp, "offset", author, client_id, channel, lasting, body)
                   SELECT $1, $2, * FROM unnest($3::bigint[], $4::text[], $5::text[], $6::text[], $7::boolean[],
                                                $8::text[])"#,
            )
            .await?;
        let update =
            client.prepare_cached("UPDATE topics SET head = $2, timestamp = $3 WHERE id = $1").await?;
        Ok(Self { insert, update })
    }

    /// Inserts the rows, updates the head and commits; all three are sent at once. After a failed statement the
    /// `COMMIT` rolls back.
    async fn write(&self, client: &Client, topic: &Topic, timestamp: i64, new: &Rows) -> Result<(), Error> {
        if new.records.is_empty() {
            return client.batch_execute("COMMIT").await;
        }
        let offsets = new.column(|record| signed(record.offset));
        let authors = new.column(|record| record.author.as_str());
        let client_ids = new.column(|record| record.client_id.as_deref());
        let channels = new.column(|record| record.channel.as_deref());
        let bodies = new.column(|record| record.body.as_str());
        let head = signed(topic.head) + new.records.len() as i64;
        let row: [&(dyn ToSql + Sync); 8] =
            [&topic.id, &timestamp, &offsets, &authors, &client_ids, &channels, &new.lasting, &bodies];
        let place: [&(dyn ToSql + Sync); 3] = [&topic.id, &head, &timestamp];
        let (insert, update) = (client.execute(&self.insert, &row), client.execute(&self.update, &place));
        try_join3(insert, update, client.batch_execute("COMMIT")).await?;
        Ok(())
    }
}
