//! The documents of the directory in PostgreSQL.

use deadpool_postgres::Client;

use super::{NULL, change_log};
use crate::server::store::{
    StoreError,
    directory::{Kind, Mutation, Op, Outcome, told},
};

/// After every id that begins with a prefix.
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

/// Looks at every expectation first, then takes the steps and notes them in the log.
pub(super) async fn change(client: &Client, steps: &[Mutation]) -> Result<Outcome, StoreError> {
    client.batch_execute("BEGIN ISOLATION LEVEL READ COMMITTED").await?;
    lock(client, steps).await?;
    if !expectations_hold(client, steps).await? {
        client.batch_execute("ROLLBACK").await?;
        return Ok(Outcome::Not);
    }
    for step in steps {
        take(client, step).await?;
    }
    // Last: from here on no other change that is told can go on until the commit, and this one waits for nothing.
    let taken = match told(steps) {
        steps if steps.is_empty() => Outcome::Unlogged,
        steps => Outcome::Logged(change_log::append(client, &steps).await?),
    };
    client.batch_execute("COMMIT").await?;
    Ok(taken)
}

/// Keeps every other change of these documents waiting until the transaction ends, also of those that are not there
/// and so have no row to lock. All changes lock in the order of the keys, so no two wait for each other.
async fn lock(client: &Client, steps: &[Mutation]) -> Result<(), StoreError> {
    let select = client
        .prepare_cached(
            "SELECT pg_advisory_xact_lock(key) FROM (
                 SELECT DISTINCT hashtextextended(name, 0) AS key FROM unnest($1::text[]) AS name ORDER BY key
             ) AS keys",
        )
        .await?;
    let names: Vec<String> = steps.iter().map(|step| format!("{}/{}", step.kind, step.id)).collect();
    client.execute(&select, &[&names]).await?;
    Ok(())
}

async fn expectations_hold(client: &Client, steps: &[Mutation]) -> Result<bool, StoreError> {
    for Mutation { kind, id, expect, .. } in steps {
        if !expect.holds(get(client, *kind, id).await?.as_deref()) {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn take(client: &Client, Mutation { kind, id, act, .. }: &Mutation) -> Result<(), StoreError> {
    let kind = kind.as_str();
    match act {
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
