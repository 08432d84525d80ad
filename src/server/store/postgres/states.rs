//! The keyed state of topics: `append` loads the keys that its batch changes, folds them in memory while the topic is
//! locked, and writes the rest; the reads list it. It must not decide what a value means.

use std::collections::{HashMap, HashSet};

use deadpool_postgres::{
    Client,
    tokio_postgres::{Error, Row, Statement},
};

use super::{place, read::bounds_of, signed};
use crate::{
    protocol::cursor::Offset,
    server::store::{
        Bounds, NewEntry, State, StateChange, StoreError, TopicName,
        state::{self, Outcome},
    },
};

/// The keys that a batch changes.
#[derive(Debug, Default)]
pub(super) struct States {
    states: HashMap<String, State>,
    /// The number of keys of the topic, as the batch has left it so far.
    count: u64,
    changed: HashSet<String>,
}

/// A key as it was before an entry changed it, to take the change back.
pub(super) struct Before {
    key: String,
    state: Option<State>,
    was_changed: bool,
}

impl States {
    /// Loads what the entries of a batch need to know.
    pub(super) async fn load(
        client: &Client,
        topic: i64,
        drafts: impl Iterator<Item = &NewEntry>,
    ) -> Result<Self, StoreError> {
        let keys: HashSet<_> = drafts.filter_map(|draft| Some(draft.state.as_ref()?.key.as_str())).collect();
        if keys.is_empty() {
            return Ok(Self::default());
        }
        let select = client
            .prepare_cached(
                r#"SELECT key, value, "offset", (SELECT count(*) FROM states WHERE topic = $1)
                   FROM unnest($2::text[]) AS asked (name) LEFT JOIN states ON topic = $1 AND key = asked.name"#,
            )
            .await?;
        let rows = client.query(&select, &[&topic, &keys.into_iter().collect::<Vec<_>>()]).await?;
        let states = rows.iter().filter_map(state_of).map(|state| (state.key.clone(), state)).collect();
        let count = rows.first().map_or(0, |row| place(row.get(3)));
        Ok(Self { states, count, changed: HashSet::new() })
    }

    /// Folds the entry at `offset` into the state of its key. Returns what takes that back as well.
    pub(super) fn fold(
        &mut self,
        change: &StateChange,
        offset: Offset,
    ) -> Result<(Outcome, Option<Before>), StoreError> {
        let stored = self.states.get(&change.key).cloned();
        let outcome = state::fold(change, stored.clone(), self.count, offset)?;
        let Outcome::Changed(state, _) = &outcome else { return Ok((outcome, None)) };
        self.count += u64::from(stored.is_none());
        self.states.insert(change.key.clone(), state.clone());
        let was_changed = !self.changed.insert(change.key.clone());
        let before = Before { key: change.key.clone(), state: stored, was_changed };
        Ok((outcome, Some(before)))
    }

    pub(super) fn take_back(&mut self, before: Before) {
        let Before { key, state, was_changed } = before;
        if !was_changed {
            self.changed.remove(&key);
        }
        match state {
            Some(state) => _ = self.states.insert(key, state),
            None => {
                self.states.remove(&key);
                self.count -= 1;
            }
        }
    }
}

/// The statement that writes states.
pub(super) struct Prepared(Statement);

impl Prepared {
    pub(super) async fn new(client: &Client) -> Result<Self, StoreError> {
        let write = client
            .prepare_cached(
                r#"INSERT INTO states (topic, key, value, "offset")
                   SELECT $1, * FROM unnest($2::text[], $3::text[], $4::bigint[])
                   ON CONFLICT (topic, key) DO UPDATE SET value = excluded.value, "offset" = excluded."offset""#,
            )
            .await?;
        Ok(Self(write))
    }

    /// Writes the states that the batch changed.
    pub(super) async fn write(&self, client: &Client, topic: i64, states: &States) -> Result<(), Error> {
        if states.changed.is_empty() {
            return Ok(());
        }
        let rows: Vec<_> = states.changed.iter().filter_map(|key| states.states.get(key)).collect();
        let keys: Vec<_> = rows.iter().map(|state| state.key.as_str()).collect();
        let values: Vec<_> = rows.iter().map(|state| state.value.as_str()).collect();
        let offsets: Vec<_> = rows.iter().map(|state| signed(state.offset)).collect();
        client.execute(&self.0, &[&topic, &keys, &values, &offsets]).await?;
        Ok(())
    }
}

/// The state in a row that begins with `key, value, offset`; `None` if these are null.
fn state_of(row: &Row) -> Option<State> {
    state_from(row, 0)
}

fn state_from(row: &Row, first: usize) -> Option<State> {
    let key: Option<String> = row.get(first);
    Some(State { key: key?, value: row.get(first + 1), offset: place(row.get(first + 2)) })
}

/// The bounds of a topic and all of its state. `None` if the topic does not exist.
pub(super) async fn all(
    client: &Client,
    name: &TopicName,
) -> Result<Option<(Bounds, Vec<State>)>, StoreError> {
    let select = client
        .prepare_cached(
            r#"SELECT epoch, floor, head, key, value, "offset" FROM topics LEFT JOIN states ON topic = topics.id
               WHERE name = $1 ORDER BY key"#,
        )
        .await?;
    let rows = client.query(&select, &[&name.to_string()]).await?;
    let Some(first) = rows.first() else { return Ok(None) };
    let bounds = bounds_of(name, first)?;
    Ok(Some((bounds, rows.iter().filter_map(|row| state_from(row, 3)).collect())))
}

/// The state of one key.
pub(super) async fn one(client: &Client, name: &TopicName, key: &str) -> Result<Option<State>, StoreError> {
    let select = client
        .prepare_cached(
            r#"SELECT key, value, "offset" FROM states
               WHERE topic = (SELECT id FROM topics WHERE name = $1) AND key = $2"#,
        )
        .await?;
    let row = client.query_opt(&select, &[&name.to_string(), &key]).await?;
    Ok(row.as_ref().and_then(state_of))
}
