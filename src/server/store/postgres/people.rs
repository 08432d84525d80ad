//! The people who were seen, as in SQLite: noted, and found by their names and by the keys of their logs.

use deadpool_postgres::{Client, tokio_postgres::Row};

use super::{NULL, signed};
use crate::server::store::{Person, StoreError, people::NAMED_MAX};

/// Writes a person.
pub(super) async fn note(client: &Client, person: &Person) -> Result<(), StoreError> {
    let insert = client
        .prepare_cached(
            "INSERT INTO people (id, name, name_key, since, seen) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (id) DO UPDATE SET name = excluded.name, name_key = excluded.name_key,
                 seen = greatest(people.seen, excluded.seen)",
        )
        .await?;
    let Person { id, name, name_key, since, seen } = person;
    client.execute(&insert, &[id, name, name_key, since, seen]).await?;
    Ok(())
}

/// The people whose log has a key, by how their name begins.
pub(super) async fn of_key(
    client: &Client,
    key: &str,
    prefix: &str,
    limit: usize,
) -> Result<Vec<Person>, StoreError> {
    if prefix.contains(NULL) {
        return Ok(Vec::new()); // no name has one
    }
    let select = client
        .prepare_cached(
            "SELECT p.id, p.name, p.name_key, p.since, p.seen
             FROM states AS s JOIN topics AS t ON t.id = s.topic JOIN people AS p ON p.id = substr(t.name, 6)
             WHERE s.key = $1 AND starts_with(t.name, 'user:') AND starts_with(p.name_key, $2)
             ORDER BY p.name_key, p.id LIMIT $3",
        )
        .await?;
    let rows = client.query(&select, &[&key, &prefix, &signed(limit as u64)]).await?;
    Ok(rows.iter().map(person_of).collect())
}

/// The people whose log has a key, by their names.
pub(super) async fn named(
    client: &Client,
    key: &str,
    name_keys: &[String],
) -> Result<Vec<Person>, StoreError> {
    let name_keys: Vec<_> = name_keys.iter().filter(|name_key| !name_key.contains(NULL)).collect();
    let select = client
        .prepare_cached(
            "SELECT id, name, name_key, since, seen FROM people WHERE name_key = ANY($2::text[]) AND EXISTS (
                 SELECT 1 FROM topics AS t JOIN states AS s ON s.topic = t.id AND s.key = $1
                 WHERE t.name = 'user:' || people.id)
             ORDER BY seen DESC LIMIT $3",
        )
        .await?;
    let rows = client.query(&select, &[&key, &name_keys, &signed(NAMED_MAX as u64)]).await?;
    Ok(rows.iter().map(person_of).collect())
}

/// The people with these ids.
pub(super) async fn by_id(client: &Client, ids: &[String]) -> Result<Vec<Person>, StoreError> {
    let ids: Vec<_> = ids.iter().filter(|id| !id.contains(NULL)).collect();
    let select = client
        .prepare_cached("SELECT id, name, name_key, since, seen FROM people WHERE id = ANY($1::text[])")
        .await?;
    Ok(client.query(&select, &[&ids]).await?.iter().map(person_of).collect())
}

/// Removes those who were seen last before a time and have no state.
pub(super) async fn expire(client: &Client, before_ms: i64) -> Result<u64, StoreError> {
    let delete = client
        .prepare_cached(
            "DELETE FROM people WHERE seen < $1 AND NOT EXISTS (
                 SELECT 1 FROM topics AS t JOIN states AS s ON s.topic = t.id WHERE t.name = 'user:' || people.id)",
        )
        .await?;
    Ok(client.execute(&delete, &[&before_ms]).await?)
}

fn person_of(row: &Row) -> Person {
    Person { id: row.get(0), name: row.get(1), name_key: row.get(2), since: row.get(3), seen: row.get(4) }
}
