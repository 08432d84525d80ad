//! The people who were seen: noted by a job of the writer, found by their names and by the keys of their logs.

use rusqlite::{Connection, Row, params};

use crate::server::store::{Person, StoreError, people::NAMED_MAX};

/// A prefix and this character sort after every key that begins with the prefix.
const LAST_CHARACTER: char = char::MAX;

/// Writes a person. It can be repeated without a loss, so it is no counted write.
pub(super) fn note(connection: &Connection, person: &Person) -> Result<(), StoreError> {
    let Person { id, name, name_key, since, seen } = person;
    connection
        .prepare_cached(
            "INSERT INTO people (id, name, name_key, since, seen) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (id) DO UPDATE SET name = excluded.name, name_key = excluded.name_key,
                 seen = max(seen, excluded.seen)",
        )?
        .execute(params![id, name, name_key, since, seen])?;
    Ok(())
}

/// The people whose log has a key, by how their name begins.
pub(super) fn of_key(
    connection: &Connection,
    key: &str,
    prefix: &str,
    limit: usize,
) -> Result<Vec<Person>, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT p.id, p.name, p.name_key, p.since, p.seen
         FROM states AS s JOIN topics AS t ON t.id = s.topic JOIN people AS p ON p.id = substr(t.name, 6)
         WHERE s.key = ?1 AND substr(t.name, 1, 5) = 'user:' AND p.name_key >= ?2 AND p.name_key < ?3
         ORDER BY p.name_key, p.id LIMIT ?4",
    )?;
    let end = format!("{prefix}{LAST_CHARACTER}");
    let rows = select.query_map(params![key, prefix, end, limit], person_of)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The people whose log has a key, by their names.
pub(super) fn named(
    connection: &Connection,
    key: &str,
    name_keys: &[String],
) -> Result<Vec<Person>, StoreError> {
    let transaction = connection.unchecked_transaction()?;
    let mut select = transaction.prepare_cached(
        "SELECT id, name, name_key, since, seen FROM people WHERE name_key = ?2 AND EXISTS (
             SELECT 1 FROM topics AS t JOIN states AS s ON s.topic = t.id AND s.key = ?1
             WHERE t.name = 'user:' || people.id)
         ORDER BY seen DESC LIMIT ?3",
    )?;
    let mut found = Vec::new();
    for name_key in name_keys {
        let rows = select.query_map(params![key, name_key, NAMED_MAX], person_of)?;
        found.append(&mut rows.collect::<Result<Vec<_>, _>>()?);
    }
    found.sort_by_key(|person| std::cmp::Reverse(person.seen));
    found.truncate(NAMED_MAX);
    Ok(found)
}

/// The people with these ids.
pub(super) fn by_id(connection: &Connection, ids: &[String]) -> Result<Vec<Person>, StoreError> {
    let mut select =
        connection.prepare_cached("SELECT id, name, name_key, since, seen FROM people WHERE id = ?1")?;
    let mut found = Vec::new();
    for id in ids {
        found.extend(select.query_map([id], person_of)?.collect::<Result<Vec<_>, _>>()?);
    }
    Ok(found)
}

/// Removes those who were seen last before a time and have no state.
pub(super) fn expire(connection: &Connection, before_ms: i64) -> Result<u64, StoreError> {
    let removed = connection
        .prepare_cached(
            "DELETE FROM people WHERE seen < ?1 AND NOT EXISTS (
                 SELECT 1 FROM topics AS t JOIN states AS s ON s.topic = t.id WHERE t.name = 'user:' || people.id)",
        )?
        .execute([before_ms])?;
    Ok(removed as u64)
}

pub(super) fn person_of(row: &Row<'_>) -> rusqlite::Result<Person> {
    Ok(Person {
        id: row.get(0)?,
        name: row.get(1)?,
        name_key: row.get(2)?,
        since: row.get(3)?,
        seen: row.get(4)?,
    })
}
