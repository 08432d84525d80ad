//! Writes a whole history into an empty database, in one transaction: in the end all of it is stored, or nothing.
//! `transfer` is the caller.

use super::{
    address::Address,
    connect::{Connection, Connections, in_time},
    schema,
};
use crate::server::store::{
    FileRecord, Person, StoreError,
    copied::{CopiedDocument, CopiedEntry, CopiedRemoval, CopiedState, CopiedTag, CopiedTopic, PastClientId},
};

/// An open transaction that writes a history. Dropping it before [`Import::commit`] leaves nothing.
pub struct Import {
    connection: Connection,
}

impl Import {
    /// Creates missing tables and begins the transaction. Fails with [`StoreError::NotEmpty`] if the database already
    /// has a history.
    pub async fn begin(address: &Address) -> Result<Self, StoreError> {
        let connection = Connections::new(address, 1)?.get().await;
        let connection = connection.map_err(|error| address.explain(error))?;
        in_time(async {
            schema::open(&connection).await?;
            connection.batch_execute("BEGIN ISOLATION LEVEL READ COMMITTED").await?;
            // A server that starts now waits for the lock, and gives up.
            schema::lock(&connection).await?;
            let select = "SELECT EXISTS (SELECT 1 FROM topics) OR EXISTS (SELECT 1 FROM rooms)
                              OR EXISTS (SELECT 1 FROM documents)";
            match connection.query_one(select, &[]).await?.get(0) {
                true => Err(StoreError::NotEmpty),
                false => Ok(()),
            }
        })
        .await?;
        Ok(Self { connection })
    }

    /// Writes a topic unchanged. Returns its row id in this database.
    pub async fn topic(&self, topic: &CopiedTopic) -> Result<i64, StoreError> {
        let insert = "INSERT INTO topics (name, epoch, head, floor, timestamp, removed)
                      VALUES ($1, $2, $3, $4, $5, $6) RETURNING id";
        let CopiedTopic { name, epoch, head, floor, timestamp, removed, .. } = topic;
        in_time(async {
            let row =
                self.connection.query_one(insert, &[name, epoch, head, floor, timestamp, removed]).await?;
            // The server that starts on this database indexes it.
            let pending = r#"INSERT INTO search_pending SELECT id, 0 FROM topics
                             WHERE id = $1 AND NOT starts_with(name, 'user:')"#;
            self.connection.execute(pending, &[&row.get::<_, i64>(0)]).await?;
            Ok(row.get(0))
        })
        .await
    }

    /// Writes the removed offsets of a topic's channels.
    pub async fn removals(&self, topic: i64, removals: &[CopiedRemoval]) -> Result<(), StoreError> {
        let channels: Vec<_> = removals.iter().map(|removal| &removal.channel).collect();
        let lasting: Vec<_> = removals.iter().map(|removal| removal.lasting).collect();
        let offsets: Vec<_> = removals.iter().map(|removal| removal.offset).collect();
        let insert = r#"INSERT INTO removals (topic, channel, lasting, "offset")
            SELECT $1, * FROM unnest($2::text[], $3::boolean[], $4::bigint[])"#;
        self.insert(insert, &[&topic, &channels, &lasting, &offsets]).await
    }

    /// Writes entries of a topic unchanged.
    pub async fn entries(&self, topic: i64, entries: &[CopiedEntry]) -> Result<(), StoreError> {
        let offsets: Vec<_> = entries.iter().map(|entry| entry.offset).collect();
        let timestamps: Vec<_> = entries.iter().map(|entry| entry.timestamp).collect();
        let authors: Vec<_> = entries.iter().map(|entry| &entry.author).collect();
        let client_ids: Vec<_> = entries.iter().map(|entry| &entry.client_id).collect();
        let channels: Vec<_> = entries.iter().map(|entry| &entry.channel).collect();
        let lasting: Vec<_> = entries.iter().map(|entry| entry.lasting).collect();
        let bodies: Vec<_> = entries.iter().map(|entry| &entry.body).collect();
        let targets: Vec<_> = entries.iter().map(|entry| entry.target).collect();
        let threads: Vec<_> = entries.iter().map(|entry| entry.thread).collect();
        let erased: Vec<_> = entries.iter().map(|entry| entry.erased).collect();
        let insert = r#"INSERT INTO entries (topic, "offset", timestamp, author, client_id, channel, lasting, body, target, thread, erased)
            SELECT $1, * FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::boolean[],
                                     $8::text[], $9::bigint[], $10::bigint[], $11::boolean[])"#;
        self.insert(
            insert,
            &[
                &topic,
                &offsets,
                &timestamps,
                &authors,
                &client_ids,
                &channels,
                &lasting,
                &bodies,
                &targets,
                &threads,
                &erased,
            ],
        )
        .await
    }

    /// Writes tags of a topic unchanged.
    pub async fn tags(&self, topic: i64, tags: &[CopiedTag]) -> Result<(), StoreError> {
        let targets: Vec<_> = tags.iter().map(|tag| tag.target).collect();
        let names: Vec<_> = tags.iter().map(|tag| &tag.name).collect();
        let holders: Vec<_> = tags.iter().map(|tag| &tag.holder).collect();
        let holder_names: Vec<_> = tags.iter().map(|tag| &tag.holder_name).collect();
        let offsets: Vec<_> = tags.iter().map(|tag| tag.offset).collect();
        let insert = r#"INSERT INTO tags (topic, target, name, holder, holder_name, "offset")
            SELECT $1, * FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::bigint[])"#;
        self.insert(insert, &[&topic, &targets, &names, &holders, &holder_names, &offsets]).await
    }

    /// Writes the state of a topic unchanged.
    pub async fn states(&self, topic: i64, states: &[CopiedState]) -> Result<(), StoreError> {
        let keys: Vec<_> = states.iter().map(|state| &state.key).collect();
        let values: Vec<_> = states.iter().map(|state| &state.value).collect();
        let offsets: Vec<_> = states.iter().map(|state| state.offset).collect();
        let insert = r#"INSERT INTO states (topic, key, value, "offset")
            SELECT $1, * FROM unnest($2::text[], $3::text[], $4::bigint[])"#;
        self.insert(insert, &[&topic, &keys, &values, &offsets]).await
    }

    /// Writes client ids of removed entries.
    pub async fn past_client_ids(&self, topic: i64, ids: &[PastClientId]) -> Result<(), StoreError> {
        let authors: Vec<_> = ids.iter().map(|id| &id.author).collect();
        let client_ids: Vec<_> = ids.iter().map(|id| &id.client_id).collect();
        let offsets: Vec<_> = ids.iter().map(|id| id.offset).collect();
        let timestamps: Vec<_> = ids.iter().map(|id| id.timestamp).collect();
        let insert = r#"INSERT INTO past_client_ids (topic, author, client_id, "offset", timestamp)
            SELECT $1, * FROM unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[])"#;
        self.insert(insert, &[&topic, &authors, &client_ids, &offsets, &timestamps]).await
    }

    /// Writes the rooms in their order.
    pub async fn rooms(&self, rooms: &[(String, String)]) -> Result<(), StoreError> {
        for (id, name) in rooms {
            self.insert("INSERT INTO rooms (id, name) VALUES ($1, $2)", &[id, name]).await?;
        }
        Ok(())
    }

    /// Writes people.
    pub async fn people(&self, people: &[Person]) -> Result<(), StoreError> {
        let ids: Vec<_> = people.iter().map(|person| &person.id).collect();
        let names: Vec<_> = people.iter().map(|person| &person.name).collect();
        let name_keys: Vec<_> = people.iter().map(|person| &person.name_key).collect();
        let since: Vec<_> = people.iter().map(|person| person.since).collect();
        let seen: Vec<_> = people.iter().map(|person| person.seen).collect();
        let insert = "INSERT INTO people (id, name, name_key, since, seen)
                      SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[])";
        self.insert(insert, &[&ids, &names, &name_keys, &since, &seen]).await
    }

    /// Writes the records of files. Their topics are there already.
    pub async fn files(&self, files: &[FileRecord]) -> Result<(), StoreError> {
        in_time(async {
            for file in files {
                super::files::copy(&self.connection, file).await?;
            }
            Ok(())
        })
        .await
    }

    /// Writes documents.
    pub async fn documents(&self, documents: &[CopiedDocument]) -> Result<(), StoreError> {
        let kinds: Vec<_> = documents.iter().map(|document| &document.kind).collect();
        let ids: Vec<_> = documents.iter().map(|document| &document.id).collect();
        let bodies: Vec<_> = documents.iter().map(|document| &document.body).collect();
        let insert = "INSERT INTO documents (kind, id, body)
                      SELECT * FROM unnest($1::text[], $2::text[], $3::text[])";
        self.insert(insert, &[&kinds, &ids, &bodies]).await
    }

    /// Commits the transaction.
    pub async fn commit(self) -> Result<(), StoreError> {
        let commit = async { Ok(self.connection.batch_execute("COMMIT").await?) };
        self.connection.finish(commit).await?;
        // The planner's statistics are from when the tables were empty. PostgreSQL would update them by itself later.
        let analyze = async { Ok(self.connection.batch_execute("ANALYZE").await?) };
        in_time(analyze).await.unwrap_or_else(|error| tracing::warn!(%error, "the tables were not analyzed"));
        Ok(())
    }

    async fn insert(
        &self,
        insert: &str,
        parameters: &[&(dyn deadpool_postgres::tokio_postgres::types::ToSql + Sync)],
    ) -> Result<(), StoreError> {
        in_time(async {
            let insert = self.connection.prepare_cached(insert).await?;
            self.connection.execute(&insert, parameters).await?;
            Ok(())
        })
        .await
    }
}
