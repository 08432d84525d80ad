//! The document store in PostgreSQL. The store calls it with a pooled connection; it must never leave a transaction
//! open when it returns `Ok`.

use deadpool_postgres::Client;

use super::{NULL, change_log};
use crate::server::store::{
    StoreError,
    directory::{Kind, Mutation, Op, Outcome, replicated_ops},
};

/// A prefix and this character sort after every id that begins with the prefix.
const LAST_CHARACTER: char = char::MAX;

pub(super) async fn get(client: &Client, kind: Kind, id: &str) -> Result<Option<String>, StoreError> {
    if id.contains(NULL) {
        return Ok(None);
    }
    let select = client.prepare_cached("SELECT body FROM documents WHERE kind = $1 AND id = $2").await?;
    Ok(client.query_opt(&select, &[&kind.as_str(), &id]).await?.map(|row| row.get(0)))
}

pub(super) async fn list(
    client: &Client,
    kind: Kind,
    prefix: &str,
) -> Result<Vec<(String, String)>, StoreError> {
    if prefix.contains(NULL) {
        return Ok(Vec::new());
    }
    let select = client
        .prepare_cached("SELECT id, body FROM documents WHERE kind = $1 AND id >= $2 AND id < $3 ORDER BY id")
        .await?;
    let end = format!("{prefix}{LAST_CHARACTER}");
    let rows = client.query(&select, &[&kind.as_str(), &prefix, &end]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// Checks all preconditions first, applies the mutations then, and appends them to the log of changes.
pub(super) async fn commit(client: &Client, mutations: &[Mutation]) -> Result<Outcome, StoreError> {
    client.batch_execute("BEGIN ISOLATION LEVEL READ COMMITTED").await?;
    lock(client, mutations).await?;
    if !preconditions_hold(client, mutations).await? {
        client.batch_execute("ROLLBACK").await?;
        return Ok(Outcome::Conflict);
    }
    for mutation in mutations {
        apply(client, mutation).await?;
    }
    // Last: from here to the commit no other replicated change can go on, and this one waits for nothing.
    let outcome = match replicated_ops(mutations) {
        ops if ops.is_empty() => Outcome::Unlogged,
        ops => Outcome::Logged(change_log::append(client, &ops).await?),
    };
    client.batch_execute("COMMIT").await?;
    Ok(outcome)
}

/// Blocks every other change of these documents until the transaction ends, also of documents that do not exist and so
/// have no row to lock. All changes lock in the order of the keys, so no two wait for each other.
async fn lock(client: &Client, mutations: &[Mutation]) -> Result<(), StoreError> {
    let select = client
        .prepare_cached(
            "SELECT pg_advisory_xact_lock(key) FROM (
                 SELECT DISTINCT hashtextextended(name, 0) AS key FROM unnest($1::text[]) AS name ORDER BY key
             ) AS keys",
        )
        .await?;
    let names: Vec<String> =
        mutations.iter().map(|mutation| format!("{}/{}", mutation.kind, mutation.id)).collect();
    client.execute(&select, &[&names]).await?;
    Ok(())
}

async fn preconditions_hold(client: &Client, mutations: &[Mutation]) -> Result<bool, StoreError> {
    for Mutation { kind, id, precondition, .. } in mutations {
        if !precondition.holds(get(client, *kind, id).await?.as_deref()) {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn apply(client: &Client, Mutation { kind, id, op, .. }: &Mutation) -> Result<(), StoreError> {
    let kind = kind.as_str();
    match op {
        Op::Check => {}
        Op::Put(body) => {
            let put = client
                .prepare_cached(
                    "INSERT INTO documents (kind, id, body) VALUES ($1, $2, $3)
                     ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body",
                )
                .await?;
            client.execute(&put, &[&kind, id, body]).await?;
        }
        Op::Remove => {
            let remove = client.prepare_cached("DELETE FROM documents WHERE kind = $1 AND id = $2").await?;
            client.execute(&remove, &[&kind, id]).await?;
        }
        Op::RemoveUnder { except } => {
            let remove = client
                .prepare_cached(
                    "DELETE FROM documents
                     WHERE kind = $1 AND id >= $2 AND id < $3 AND id IS DISTINCT FROM $4::text",
                )
                .await?;
            client.execute(&remove, &[&kind, id, &format!("{id}{LAST_CHARACTER}"), except]).await?;
        }
    }
    Ok(())
}
