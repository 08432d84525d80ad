//! The records of files, as in SQLite: added and looked up, and removed with their entry by `append` and `trim`.
//!
//! Whatever removes a record must note its hash in the same transaction.

use std::collections::HashMap;

use deadpool_postgres::{
    Client,
    tokio_postgres::{Error, Row, Statement},
};

use super::{NULL, place, signed};
use crate::{
    protocol::cursor::Offset,
    server::store::{FileAddition, FileQuota, FileRecord, NewEntry, StoreError},
};

/// Adds a file, unless the quota is used up. The sums are of what is committed: two nodes that add at the same instant may
/// exceed a quota by one file each, which is why nothing is locked for them.
pub(super) async fn add(
    client: &Client,
    file: &FileRecord,
    quota: FileQuota,
) -> Result<FileAddition, StoreError> {
    let select = client
        .prepare_cached(
            "SELECT t.id,
                 (SELECT coalesce(sum(size), 0)::bigint FROM files WHERE owner = $2 AND created >= $3),
                 (SELECT coalesce(sum(size), 0)::bigint FROM files WHERE topic = t.id)
             FROM topics AS t WHERE t.name = $1",
        )
        .await?;
    let topic_name = file.topic.to_string();
    let Some(row) = client.query_opt(&select, &[&topic_name, &file.owner, &quota.since_ms]).await? else {
        return Ok(FileAddition::NoTopic);
    };
    let addition = quota.judge(file.size, place(row.get(1)), place(row.get(2)));
    if addition == FileAddition::Added {
        insert(client, row.get(0), file).await?;
    }
    Ok(addition)
}

/// Writes a file of another store, in whose place this one is.
pub(super) async fn copy(client: &Client, file: &FileRecord) -> Result<(), StoreError> {
    let select = client.prepare_cached("SELECT id FROM topics WHERE name = $1").await?;
    let topic = client.query_one(&select, &[&file.topic.to_string()]).await?;
    insert(client, topic.get(0), file).await
}

async fn insert(client: &Client, topic: i64, file: &FileRecord) -> Result<(), StoreError> {
    let insert = client
        .prepare_cached(
            r#"INSERT INTO files (id, hash, topic, "offset", owner, name, type, size, width, height, created)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"#,
        )
        .await?;
    let FileRecord { id, hash, owner, name, media_type, created, .. } = file;
    let (offset, size) = (file.offset.map(signed), signed(file.size));
    let (width, height) = (file.width.map(i64::from), file.height.map(i64::from));
    client
        .execute(
            &insert,
            &[id, hash, &topic, &offset, owner, name, media_type, &size, &width, &height, created],
        )
        .await?;
    Ok(())
}

/// The files with these ids that are stored.
pub(super) async fn by_id(client: &Client, ids: &[String]) -> Result<Vec<FileRecord>, StoreError> {
    let ids: Vec<_> = ids.iter().filter(|id| !id.contains(NULL)).collect();
    let select = client
        .prepare_cached(
            r#"SELECT f.id, f.hash, t.name, f."offset", f.owner, f.name, f.type, f.size, f.width, f.height, f.created
               FROM files AS f JOIN topics AS t ON t.id = f.topic WHERE f.id = ANY ($1::text[])"#,
        )
        .await?;
    client.query(&select, &[&ids]).await?.iter().map(record_of).collect()
}

fn record_of(row: &Row) -> Result<FileRecord, StoreError> {
    let pixels = |number: Option<i64>| number.and_then(|number| u32::try_from(number).ok());
    Ok(FileRecord {
        id: row.get(0),
        hash: row.get(1),
        topic: row.get::<_, &str>(2).parse()?,
        offset: row.get::<_, Option<i64>>(3).map(place),
        owner: row.get(4),
        name: row.get(5),
        media_type: row.get(6),
        size: place(row.get(7)),
        width: pixels(row.get(8)),
        height: pixels(row.get(9)),
        created: row.get(10),
    })
}

/// The files that no entry names yet: who uploaded each, by its id.
pub(super) type Attachable = HashMap<String, String>;

/// Of the files that these entries name, those of this log that no entry names yet. They stay so until the transaction ends.
pub(super) async fn attachable(
    client: &Client,
    topic: i64,
    drafts: impl Iterator<Item = &NewEntry>,
) -> Result<Attachable, StoreError> {
    let ids: Vec<_> = drafts.flat_map(|draft| &draft.files).filter(|id| !id.contains(NULL)).collect();
    if ids.is_empty() {
        return Ok(Attachable::new());
    }
    let select = client
        .prepare_cached(
            r#"SELECT id, owner FROM files WHERE topic = $1 AND "offset" IS NULL AND id = ANY ($2::text[]) FOR UPDATE"#,
        )
        .await?;
    Ok(client.query(&select, &[&topic, &ids]).await?.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// The statements that `append` writes by.
pub(super) struct Prepared {
    attach: Statement,
    remove: Statement,
}

impl Prepared {
    pub(super) async fn new(client: &Client) -> Result<Self, StoreError> {
        let attach = client
            .prepare_cached(
                r#"UPDATE files SET "offset" = d."offset" FROM unnest($2::text[], $3::bigint[]) AS d (id, "offset")
                   WHERE files.topic = $1 AND files.id = d.id"#,
            )
            .await?;
        let remove = client
            .prepare_cached(
                r#"WITH gone AS (DELETE FROM files WHERE topic = $1 AND "offset" = ANY ($2::bigint[]) RETURNING hash)
                   INSERT INTO removed_contents SELECT DISTINCT hash FROM gone ON CONFLICT DO NOTHING"#,
            )
            .await?;
        Ok(Self { attach, remove })
    }

    /// Makes files part of new entries, and removes those of the erased ones.
    pub(super) async fn write(
        &self,
        client: &Client,
        topic: i64,
        attached: &[(String, Offset)],
        erased: &[i64],
    ) -> Result<(), Error> {
        if !attached.is_empty() {
            let (ids, offsets): (Vec<_>, Vec<_>) =
                attached.iter().map(|(id, offset)| (id.as_str(), signed(*offset))).unzip();
            client.execute(&self.attach, &[&topic, &ids, &offsets]).await?;
        }
        if !erased.is_empty() {
            client.execute(&self.remove, &[&topic, &erased]).await?;
        }
        Ok(())
    }
}

/// Removes all files of a room, also those that no entry names.
pub(super) async fn remove_of_topic(client: &Client, topic_name: &str) -> Result<(), StoreError> {
    let remove = client
        .prepare_cached(
            "WITH gone AS (DELETE FROM files WHERE topic = (SELECT id FROM topics WHERE name = $1) RETURNING hash)
             INSERT INTO removed_contents SELECT DISTINCT hash FROM gone ON CONFLICT DO NOTHING",
        )
        .await?;
    client.execute(&remove, &[&topic_name]).await?;
    Ok(())
}

/// Removes the files that were uploaded before a time and that no entry names. Returns how many.
pub(super) async fn expire(client: &Client, before_ms: i64) -> Result<u64, StoreError> {
    let remove = client
        .prepare_cached(
            r#"WITH gone AS (DELETE FROM files WHERE "offset" IS NULL AND created < $1 RETURNING hash),
               noted AS (INSERT INTO removed_contents SELECT DISTINCT hash FROM gone ON CONFLICT DO NOTHING)
               SELECT count(*) FROM gone"#,
        )
        .await?;
    Ok(place(client.query_one(&remove, &[&before_ms]).await?.get(0)))
}

/// Hashes that lost a record.
pub(super) async fn removed_contents(client: &Client, limit: usize) -> Result<Vec<String>, StoreError> {
    let select = client.prepare_cached("SELECT hash FROM removed_contents LIMIT $1").await?;
    Ok(client.query(&select, &[&signed(limit as u64)]).await?.iter().map(|row| row.get(0)).collect())
}

/// Forgets a hash that lost a record: its content was looked after.
pub(super) async fn forget_removed_content(client: &Client, hash: &str) -> Result<(), StoreError> {
    let delete = client.prepare_cached("DELETE FROM removed_contents WHERE hash = $1").await?;
    client.execute(&delete, &[&hash]).await?;
    Ok(())
}

/// Those of the hashes that a record has.
pub(super) async fn known_contents(client: &Client, hashes: &[String]) -> Result<Vec<String>, StoreError> {
    let select =
        client.prepare_cached("SELECT DISTINCT hash FROM files WHERE hash = ANY ($1::text[])").await?;
    Ok(client.query(&select, &[&hashes]).await?.iter().map(|row| row.get(0)).collect())
}
