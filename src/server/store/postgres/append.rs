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
use futures_util::future::{try_join3, try_join5};

use super::{
    connect::{Connection, in_time},
    files, place,
    read::{self, COLUMNS, From, epoch_of, record_of},
    rows::{Key, Known, Rows},
    search, signed,
    states::{self, States},
    tags::{self, Tags},
};
use crate::{
    protocol::cursor::{Epoch, Offset},
    server::{
        clock::now_ms,
        store::{Announce, Appended, Erase, Filter, NewEntry, Record, StoreError, TopicName, new_epoch},
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

/// The entries that a batch adds to its topic, in order.
pub(super) struct New {
    pub(super) epoch: Epoch,
    pub(super) appended: Vec<Appended>,
    /// Texts were erased: they must not stay in dead rows.
    pub(super) has_erased: bool,
}

impl Undecided {
    /// Returns true if the batch is stored. Its transaction may still be open at the other end of the lost connection;
    /// it holds the lock on the topic's row, so this waits for that lock first.
    ///
    /// It then compares the records at the batch's offsets, but for their bodies, which other nodes may have changed since.
    /// The transaction id would not do: after a crash PostgreSQL may reuse ids that it had not yet written down.
    ///
    /// The batch becomes what is stored now.
    pub(super) async fn is_stored(&mut self, client: &Client) -> Result<bool, StoreError> {
        let Some(first) = self.new.appended.first().map(|one| &one.record) else { return Ok(false) };
        client.batch_execute("BEGIN ISOLATION LEVEL READ COMMITTED").await?;
        let lock = "SELECT 1 FROM topics WHERE name = $1 FOR NO KEY UPDATE";
        client.execute(lock, &[&self.name.to_string()]).await?;
        let from = From::After(first.offset - 1);
        let found =
            read::slice(client, &self.name, from, &Filter::default(), self.new.appended.len()).await?;
        let found = found.map(|slice| slice.records).unwrap_or_default();
        let is_stored =
            found.iter().map(identity).eq(self.new.appended.iter().map(|one| identity(&one.record)));
        if is_stored {
            let targets: Vec<_> = found.iter().filter_map(|record| record.target.map(signed)).collect();
            let changed = read_records(client, &self.name, &targets).await?;
            let folded = |record: &Record| changed.get(&record.target?).cloned();
            let appended =
                |record: Record| Appended { folded: folded(&record), record, first: true, unchanged: None };
            self.new.appended = found.into_iter().map(appended).collect();
        }
        client.batch_execute("COMMIT").await?;
        Ok(is_stored)
    }
}

/// The fields of a record that no change touches.
fn identity(record: &Record) -> (Offset, i64, &str, Option<&str>) {
    (record.offset, record.timestamp, &record.author, record.client_id.as_deref())
}

/// The entries of a topic at these offsets.
pub(super) async fn read_records(
    client: &Client,
    name: &TopicName,
    offsets: &[i64],
) -> Result<HashMap<Offset, Record>, StoreError> {
    if offsets.is_empty() {
        return Ok(HashMap::new());
    }
    let select = client
        .prepare_cached(&format!(
            r#"SELECT {COLUMNS} FROM entries
               WHERE topic = (SELECT id FROM topics WHERE name = $1) AND "offset" = ANY ($2)"#
        ))
        .await?;
    let rows = client.query(&select, &[&name.to_string(), &offsets]).await?;
    let records = rows.iter().filter_map(|row| record_of(name, row, 0));
    Ok(records.map(|record| (record.offset, record)).collect())
}

pub(super) struct Topic {
    pub(super) id: i64,
    epoch: Epoch,
    pub(super) head: Offset,
    /// It was created by this transaction.
    is_new: bool,
}

/// The answer to a job.
pub(super) type Answer = Result<Vec<Appended>, StoreError>;

/// Appends a batch of jobs. Returns one answer per job, and the new entries in order.
pub(super) async fn run(
    connection: &Connection,
    name: &TopicName,
    jobs: Vec<Vec<NewEntry>>,
    announce: &dyn Announce,
) -> Result<(Vec<Answer>, New), Failure> {
    let (topic, known) = in_time(begin(connection, name, &jobs)).await?;
    let targets: Vec<_> = jobs.iter().flatten().flat_map(targets_of).map(signed).collect();
    let stored = in_time(read_records(connection, name, &targets)).await?;
    let timestamp = now_ms();
    let tags = in_time(Tags::load(connection, topic.id, jobs.iter().flatten())).await?;
    let states = in_time(States::load(connection, topic.id, jobs.iter().flatten())).await?;
    let attachable = in_time(files::attachable(connection, topic.id, jobs.iter().flatten())).await?;
    let mut new =
        Rows::new(name.clone(), topic.head, timestamp, known, stored, tags, states).with_files(attachable);
    let answers: Vec<Answer> = jobs.into_iter().map(|drafts| new.take(drafts)).collect();
    for (target, erase) in new.erased().to_vec() {
        new.rewrite(in_time(erased_changes(connection, &topic, target, erase)).await?);
    }
    let found = search::Update::of(&new, announce);
    let prepared = in_time(Prepared::new(connection)).await?;
    let has_erased = !new.erased().is_empty();
    let written = connection.finish(async {
        prepared.write(connection, &topic, timestamp, &new, &found).await.map_err(|error| {
            match decision(&error) {
                Some(Severity::Error) => error.into(),
                _ => StoreError::Undecided,
            }
        })
    });
    match written.await {
        Ok(()) => Ok((answers, New { epoch: topic.epoch, appended: new.into_appended(), has_erased })),
        Err(StoreError::Undecided | StoreError::NoAnswer(_)) => {
            let new = New { epoch: topic.epoch, appended: new.into_appended(), has_erased };
            Err(Failure::Undecided(Undecided { name: name.clone(), new }))
        }
        Err(error) => Err(Failure::Refused(error)),
    }
}

/// The entries that an entry changes and refers to.
fn targets_of(draft: &NewEntry) -> impl Iterator<Item = Offset> {
    let changed = draft.change.as_ref().map(|change| change.target);
    let referred = draft.reference.as_ref().map(|reference| reference.targets.clone());
    changed.into_iter().chain(referred.unwrap_or_default())
}

/// The new bodies of the stored changes of an entry, of which nothing may be left.
async fn erased_changes(
    client: &Client,
    topic: &Topic,
    target: Offset,
    erase: Erase,
) -> Result<Vec<(Offset, String)>, StoreError> {
    let select = client
        .prepare_cached(r#"SELECT "offset", body FROM entries WHERE topic = $1 AND target = $2"#)
        .await?;
    let rows = client.query(&select, &[&topic.id, &signed(target)]).await?;
    Ok(rows.iter().map(|row| (place(row.get(0)), erase(row.get(1)))).collect())
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
    let is_new = locked.is_none();
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
    let topic = Topic { id: row.get(0), epoch, head: place(row.get(1)), is_new };
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
                   SELECT "offset", timestamp, author, client_id, channel, body, target FROM entries
                   WHERE topic = (SELECT id FROM topics WHERE name = $1)
                   AND author = d.author AND client_id = d.client_id AND client_id IS NOT NULL LIMIT 1
               ) e
               UNION ALL
               SELECT p.*, NULL, NULL, NULL FROM unnest($2::text[], $3::text[]) AS d (author, client_id)
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

/// The writing statements, prepared before the first of them is sent.
struct Prepared {
    insert: Statement,
    update: Statement,
    rewrite: Statement,
    tags: tags::Prepared,
    states: states::Prepared,
    search: search::Prepared,
    files: files::Prepared,
}

impl Prepared {
    async fn new(client: &Client) -> Result<Self, StoreError> {
        let insert = client
            .prepare_cached(
                r#"INSERT INTO entries (topic, timestamp, "offset", author, client_id, channel, lasting, body, target, thread, erased)
                   SELECT $1, $2, * FROM unnest($3::bigint[], $4::text[], $5::text[], $6::text[], $7::boolean[],
                                                $8::text[], $9::bigint[], $10::bigint[], $11::boolean[])"#,
            )
            .await?;
        let update =
            client.prepare_cached("UPDATE topics SET head = $2, timestamp = $3 WHERE id = $1").await?;
        let rewrite = client
            .prepare_cached(
                r#"UPDATE entries SET body = ($3::text[])[array_position($2::bigint[], "offset")],
                       thread = CASE WHEN "offset" = ANY ($4::bigint[]) THEN NULL ELSE thread END,
                       erased = erased OR "offset" = ANY ($4::bigint[])
                   WHERE topic = $1 AND "offset" = ANY ($2::bigint[])"#,
            )
            .await?;
        let tags = tags::Prepared::new(client).await?;
        let states = states::Prepared::new(client).await?;
        let search = search::Prepared::new(client).await?;
        let files = files::Prepared::new(client).await?;
        Ok(Self { insert, update, rewrite, tags, states, search, files })
    }

    /// Inserts the rows, rewrites changed entries, updates the head and commits; all of it is sent at once. After a failed
    /// statement the `COMMIT` rolls back.
    async fn write(
        &self,
        client: &Client,
        topic: &Topic,
        timestamp: i64,
        new: &Rows,
        found: &search::Update,
    ) -> Result<(), Error> {
        if new.is_empty() {
            // A topic is not made by what is not stored.
            return client.batch_execute(if topic.is_new { "ROLLBACK" } else { "COMMIT" }).await;
        }
        let offsets = new.column(|record| signed(record.offset));
        let authors = new.column(|record| record.author.as_str());
        let client_ids = new.column(|record| record.client_id.as_deref());
        let channels = new.column(|record| record.channel.as_deref());
        let bodies = new.column(|record| record.body.as_str());
        let targets = new.column(|record| record.target.map(signed));
        let head = signed(topic.head) + offsets.len() as i64;
        let threads: Vec<_> = new.threads().into_iter().map(|thread| thread.map(signed)).collect();
        let erased_rows = new.erased_rows();
        let row: [&(dyn ToSql + Sync); 11] = [
            &topic.id,
            &timestamp,
            &offsets,
            &authors,
            &client_ids,
            &channels,
            &new.lasting(),
            &bodies,
            &targets,
            &threads,
            &erased_rows,
        ];
        let place: [&(dyn ToSql + Sync); 3] = [&topic.id, &head, &timestamp];
        let (changed, texts): (Vec<i64>, Vec<&str>) =
            new.rewritten().map(|(offset, body)| (signed(offset), body)).unzip();
        let erased: Vec<_> = new.erased().iter().map(|(target, _)| *target).collect();
        let gone: Vec<_> = erased.iter().copied().map(signed).collect();
        let rewritten: [&(dyn ToSql + Sync); 4] = [&topic.id, &changed, &texts, &gone];
        let rewrite = async {
            if changed.is_empty() { Ok(0) } else { client.execute(&self.rewrite, &rewritten).await }
        };
        // Not with the others: what is removed may be given again, in another statement.
        if let Err(error) = self.tags.write(client, topic.id, new.tags(), &erased).await {
            client.batch_execute("COMMIT").await?;
            return Err(error);
        }
        if let Err(error) = self.files.write(client, topic.id, new.attached(), &gone).await {
            client.batch_execute("COMMIT").await?;
            return Err(error);
        }
        if let Err(error) = self.states.write(client, topic.id, new.states()).await {
            client.batch_execute("COMMIT").await?;
            return Err(error);
        }
        if let Err(error) = self.search.remove(client, topic.id, found).await {
            client.batch_execute("COMMIT").await?;
            return Err(error);
        }
        let (insert, update) = (client.execute(&self.insert, &row), client.execute(&self.update, &place));
        let put = self.search.put(client, topic.id, found);
        try_join5(insert, rewrite, update, put, client.batch_execute("COMMIT")).await?;
        Ok(())
    }
}
