//! The store on a PostgreSQL server (13 or later), which several nodes may share: a pool of connections, and one writer
//! for each topic that is being appended to. `location` opens it.
//!
//! It announces only the entries that this node appended; the other nodes announce theirs.

mod address;
mod append;
mod change_log;
#[cfg(test)]
#[allow(dead_code, reason = "the tests over sockets need more of it")]
#[path = "../../../tests/support/cluster.rs"]
pub(crate) mod cluster;
mod connect;
mod counts;
mod directory;
mod error;
mod files;
mod identity;
mod import;
mod instance_lock;
mod people;
mod probe;
mod queue;
mod read;
mod removals;
mod rooms;
mod rows;
mod schema;
mod search;
mod states;
mod tags;
#[cfg(test)]
mod tests;
mod threads;
mod trim;

use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::{Mutex, MutexGuard};

pub use self::{address::Address, import::Import};
use self::{
    connect::{Connection, Connections},
    instance_lock::InstanceLock,
    queue::Queues,
    read::From,
};
use super::{
    Announce, Appended, Bounds, Channels, FileAddition, FileQuota, FileRecord, Filter, Hit, IndexProgress,
    NewEntry, NewestCounted, Person, Record, RoomCreation, Search, Sharing, Side, Slice, State, Store,
    StoreError, Thread, TopicName,
    directory::{Changes, DocumentStore, Kind, Mutation, Outcome},
    health::Due,
};
use crate::{
    protocol::{chat::Room, cursor::Offset, name::RoomId},
    server::config::Retention,
};

/// The one character that PostgreSQL's text type cannot store.
const NULL: char = '\0';

/// A history in a PostgreSQL database.
pub struct PostgresStore {
    connections: Arc<Connections>,
    announce: Arc<dyn Announce>,
    queues: Queues,
    take_instance_lock: Mutex<Option<InstanceLock>>,
}

impl PostgresStore {
    /// Connects, brings the schema up to date, and sets new epochs if the database was restored from a backup. Holds at
    /// most `connections` connections, and one more for [`PostgresStore::take_instance_lock`].
    pub async fn open(
        address: &Address,
        connections: usize,
        announce: Arc<dyn Announce>,
    ) -> Result<Self, StoreError> {
        let connections = Arc::new(Connections::new(address, connections)?);
        let connection = connections.get().await.map_err(|error| address.explain(error))?;
        connections.expect_identity(connection.finish(schema::open(&connection)).await?);
        warn_of_loss(&connection).await?;
        if connections.may_be_plain() {
            warn_of_plain_text(&connection).await?;
        }
        drop(connection);
        let queues = Queues::new(connections.clone(), announce.clone());
        Ok(Self { queues, announce, connections, take_instance_lock: Mutex::default() })
    }

    /// Takes the instance lock until this store is closed. Fails if another server uses the database and the two cannot
    /// share it.
    pub async fn take_instance_lock(&self, sharing: Sharing) -> Result<(), StoreError> {
        let take_instance_lock = InstanceLock::take(&self.connections, sharing).await?;
        *self.lock_instance_lock() = Some(take_instance_lock);
        Ok(())
    }

    fn lock_instance_lock(&self) -> MutexGuard<'_, Option<InstanceLock>> {
        self.take_instance_lock.lock()
    }

    async fn connection(&self) -> Result<Connection, StoreError> {
        self.connections.get().await
    }

    async fn slice(
        &self,
        topic: &TopicName,
        from: From,
        filter: &Filter,
        limit: usize,
    ) -> Result<Slice, StoreError> {
        let connection = self.connection().await?;
        match connection.finish(read::slice(&connection, topic, from, filter, limit)).await? {
            Some(slice) => Ok(slice),
            None => self.empty(topic).await,
        }
    }

    async fn empty(&self, topic: &TopicName) -> Result<Slice, StoreError> {
        Ok(Slice { bounds: self.bounds(topic).await?, removed: 0, records: Vec::new(), more: false })
    }
}

/// Logs a warning if PostgreSQL is configured not to keep acknowledged writes through a power cut.
async fn warn_of_loss(connection: &Connection) -> Result<(), StoreError> {
    let select = "SELECT current_setting('synchronous_commit'), current_setting('fsync')";
    let row = connection.finish(async { Ok(connection.query_one(select, &[]).await?) }).await?;
    let (commit, fsync): (&str, &str) = (row.get(0), row.get(1));
    if commit == "off" || fsync == "off" {
        tracing::warn!(
            synchronous_commit = commit,
            fsync,
            "PostgreSQL acknowledges commits before they are on disk: a power failure can lose the last posts"
        );
    }
    Ok(())
}

/// Returns true if this connection has no TLS, according to PostgreSQL.
async fn is_plain_text(connection: &Connection) -> Result<bool, StoreError> {
    let select = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let row = connection.finish(async { Ok(connection.query_opt(select, &[]).await?) }).await?;
    Ok(row.is_some_and(|row| !row.get::<_, bool>(0)))
}

/// Logs a warning if TLS was left to the server, and the server has none.
async fn warn_of_plain_text(connection: &Connection) -> Result<(), StoreError> {
    if is_plain_text(connection).await? {
        tracing::warn!(
            "the connection to PostgreSQL has no TLS: passwords and history cross the network in plain text. Set sslmode=require, \
             or sslmode=disable if the network is private"
        );
    }
    Ok(())
}

/// An offset or count as PostgreSQL stores it: its integers are signed.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The inverse of [`signed`]; the tables have nothing below zero.
fn place(number: i64) -> Offset {
    Offset::try_from(number).unwrap_or_default()
}

#[async_trait]
impl Store for PostgresStore {
    async fn bounds(&self, topic: &TopicName) -> Result<Bounds, StoreError> {
        let connection = self.connection().await?;
        connection
            .finish(async {
                if let Some(bounds) = read::bounds(&connection, topic).await? {
                    return Ok(bounds);
                }
                if topic.is_made_by_writing() {
                    return Ok(Bounds::unwritten());
                }
                append::ensure_topic(&connection, &topic.to_string()).await?;
                let bounds = read::bounds(&connection, topic).await?;
                bounds.ok_or_else(|| StoreError::Damaged(format!("{topic} cannot be made")))
            })
            .await
    }

    async fn bounds_for(&self, topic: &TopicName, filter: &Filter) -> Result<(Bounds, Offset), StoreError> {
        let connection = self.connection().await?;
        match connection.finish(read::bounds_for(&connection, topic, filter)).await? {
            Some(bounds) => Ok(bounds),
            None => Ok((self.bounds(topic).await?, 0)),
        }
    }

    async fn bounds_of(&self, topics: &[TopicName]) -> Result<Vec<(TopicName, Bounds)>, StoreError> {
        let connection = self.connection().await?;
        connection.finish(read::bounds_of_all(&connection, topics)).await
    }

    async fn append(&self, topic: &TopicName, drafts: Vec<NewEntry>) -> Result<Vec<Appended>, StoreError> {
        // Checked before it joins a batch, which would fail as a whole.
        if drafts.iter().any(has_null) {
            return Err(StoreError::NullCharacter);
        }
        self.queues.append(topic, drafts).await
    }

    async fn read_after(
        &self,
        topic: &TopicName,
        after: Offset,
        filter: &Filter,
        limit: usize,
    ) -> Result<Slice, StoreError> {
        self.slice(topic, From::After(after), filter, limit).await
    }

    async fn read_before(
        &self,
        topic: &TopicName,
        before: Offset,
        filter: &Filter,
        limit: usize,
    ) -> Result<Slice, StoreError> {
        self.slice(topic, From::Before(before), filter, limit).await
    }

    async fn read_each(&self, topic: &TopicName, offsets: &[Offset]) -> Result<Vec<Record>, StoreError> {
        let connection = self.connection().await?;
        let offsets: Vec<_> = offsets.iter().copied().map(signed).collect();
        let read = append::read_records(&connection, topic, &offsets);
        let mut found: Vec<_> = connection.finish(read).await?.into_values().collect();
        found.sort_unstable_by_key(|record| record.offset);
        Ok(found)
    }

    async fn read_thread(
        &self,
        topic: &TopicName,
        root: Offset,
        side: Side,
        limit: usize,
    ) -> Result<Slice, StoreError> {
        let connection = self.connection().await?;
        let read = threads::slice(&connection, topic, root, side, limit);
        match connection.finish(read).await? {
            Some(slice) => Ok(slice),
            None => self.empty(topic).await,
        }
    }

    async fn threads(
        &self,
        topic: &TopicName,
        roots: &[Offset],
    ) -> Result<(Offset, Vec<Thread>), StoreError> {
        let connection = self.connection().await?;
        let read = threads::threads(&connection, topic, roots);
        connection.finish(read).await
    }

    async fn tagged(&self, topic: &TopicName, tag: &str, limit: usize) -> Result<Vec<Record>, StoreError> {
        let connection = self.connection().await?;
        let read = tags::tagged(&connection, topic, tag, limit);
        connection.finish(read).await
    }

    async fn held(
        &self,
        topic: &TopicName,
        holder: &str,
        pairs: Vec<(Offset, String)>,
    ) -> Result<Vec<(Offset, String)>, StoreError> {
        let connection = self.connection().await?;
        let read = tags::held_by(&connection, topic, holder, &pairs);
        connection.finish(read).await
    }

    async fn states(&self, topic: &TopicName) -> Result<(Bounds, Vec<State>), StoreError> {
        let connection = self.connection().await?;
        match connection.finish(states::all(&connection, topic)).await? {
            Some(states) => Ok(states),
            None => Ok((self.bounds(topic).await?, Vec::new())),
        }
    }

    async fn state(&self, topic: &TopicName, key: &str) -> Result<Option<State>, StoreError> {
        let connection = self.connection().await?;
        connection.finish(states::one(&connection, topic, key)).await
    }

    async fn note_person(&self, person: &Person) -> Result<(), StoreError> {
        if [&person.id, &person.name, &person.name_key].into_iter().any(|text| text.contains(NULL)) {
            return Err(StoreError::NullCharacter);
        }
        let connection = self.connection().await?;
        connection.finish(people::note(&connection, person)).await
    }

    async fn people(&self, key: &str, prefix: &str, limit: usize) -> Result<Vec<Person>, StoreError> {
        let connection = self.connection().await?;
        connection.finish(people::of_key(&connection, key, prefix, limit)).await
    }

    async fn people_named(&self, key: &str, name_keys: &[String]) -> Result<Vec<Person>, StoreError> {
        let connection = self.connection().await?;
        connection.finish(people::named(&connection, key, name_keys)).await
    }

    async fn people_by_id(&self, ids: &[String]) -> Result<Vec<Person>, StoreError> {
        let connection = self.connection().await?;
        connection.finish(people::by_id(&connection, ids)).await
    }

    async fn expire_people(&self, before_ms: i64) -> Result<u64, StoreError> {
        let connection = self.connection().await?;
        connection.finish(people::expire(&connection, before_ms)).await
    }

    async fn add_file(&self, file: &FileRecord, quota: FileQuota) -> Result<FileAddition, StoreError> {
        if [&file.owner, &file.name].into_iter().any(|text| text.contains(NULL)) {
            return Err(StoreError::NullCharacter);
        }
        let connection = self.connection().await?;
        connection.finish(files::add(&connection, file, quota)).await
    }

    async fn files(&self, ids: &[String]) -> Result<Vec<FileRecord>, StoreError> {
        let connection = self.connection().await?;
        connection.finish(files::by_id(&connection, ids)).await
    }

    async fn expire_files(&self, before_ms: i64) -> Result<u64, StoreError> {
        let connection = self.connection().await?;
        connection.finish(files::expire(&connection, before_ms)).await
    }

    async fn removed_contents(&self, limit: usize) -> Result<Vec<String>, StoreError> {
        let connection = self.connection().await?;
        connection.finish(files::removed_contents(&connection, limit)).await
    }

    async fn forget_removed_content(&self, hash: &str) -> Result<(), StoreError> {
        let connection = self.connection().await?;
        connection.finish(files::forget_removed_content(&connection, hash)).await
    }

    async fn known_contents(&self, hashes: &[String]) -> Result<Vec<String>, StoreError> {
        let connection = self.connection().await?;
        connection.finish(files::known_contents(&connection, hashes)).await
    }

    async fn count_after(
        &self,
        places: &[(TopicName, Offset)],
        author: &str,
        max: u64,
    ) -> Result<Vec<u64>, StoreError> {
        let connection = self.connection().await?;
        connection.finish(counts::count_after(&connection, places, author, max)).await
    }

    async fn newest_counted(
        &self,
        topic: &TopicName,
        limit: usize,
    ) -> Result<Option<NewestCounted>, StoreError> {
        let connection = self.connection().await?;
        connection.finish(counts::newest(&connection, topic, limit)).await
    }

    async fn latest_by_channel(
        &self,
        topic: &TopicName,
        channels: &Channels,
        count: usize,
        limit: usize,
    ) -> Result<Slice, StoreError> {
        let connection = self.connection().await?;
        let read = read::latest_by_channel(&connection, topic, channels, count, limit);
        match connection.finish(read).await? {
            Some(slice) => Ok(slice),
            None => self.empty(topic).await,
        }
    }

    async fn channel_names(
        &self,
        topic: &TopicName,
        except: &[String],
        limit: usize,
    ) -> Result<Vec<String>, StoreError> {
        let connection = self.connection().await?;
        let read = read::channel_names(&connection, topic, limit + except.len());
        let mut names = connection.finish(read).await?;
        names.retain(|name| !except.contains(name));
        names.truncate(limit);
        Ok(names)
    }

    async fn search(&self, search: &Search) -> Result<Vec<Hit>, StoreError> {
        let connection = self.connection().await?;
        connection.finish(search::find(&connection, search)).await
    }

    async fn index_step(&self) -> Result<IndexProgress, StoreError> {
        let connection = self.connection().await?;
        connection.finish(search::index_step(&connection, &*self.announce)).await
    }

    async fn trim(&self, topic: &TopicName, retention: Retention, now_ms: i64) -> Result<u64, StoreError> {
        let mut removed = 0;
        loop {
            let connection = self.connection().await?;
            let step = trim::step(&connection, topic, retention, now_ms);
            let (count, more) = connection.finish(step).await?;
            removed += count;
            if !more {
                return Ok(removed);
            }
        }
    }

    async fn newest_timestamp(&self, until_ms: i64) -> Result<Option<i64>, StoreError> {
        let connection = self.connection().await?;
        connection.finish(read::newest_timestamp(&connection, until_ms)).await
    }

    async fn topics(&self) -> Result<Vec<TopicName>, StoreError> {
        let connection = self.connection().await?;
        connection.finish(read::topics(&connection)).await
    }

    async fn create_room(&self, room: Room, limit: usize) -> Result<RoomCreation, StoreError> {
        let connection = self.connection().await?;
        connection.finish(rooms::create(&connection, &room, limit)).await
    }

    async fn remove_room(&self, room: &RoomId) -> Result<(), StoreError> {
        self.trim(&TopicName::Room(room.clone()), Retention::NOTHING, i64::MAX).await?;
        let connection = self.connection().await?;
        connection.finish(rooms::remove(&connection, room)).await?;
        self.queues.vacuum();
        Ok(())
    }

    async fn rooms(&self) -> Result<Vec<Room>, StoreError> {
        let connection = self.connection().await?;
        connection.finish(read::rooms(&connection)).await
    }

    async fn check(&self) -> Result<(), StoreError> {
        let connection = self.connection().await?;
        let due = self.connections.health().due();
        let written = connection.finish(async {
            read::check(&connection).await?;
            match due {
                Due::Nothing => Ok(()),
                Due::Small => probe::write_a_row(&connection).await,
                Due::Large => probe::write_pages(&connection).await,
            }
        });
        written.await?;
        if due != Due::Nothing {
            self.connections.note_success();
        }
        Ok(())
    }

    async fn close(&self) {
        self.queues.close().await;
        // This connection was never finished, so dropping it closes it and releases the lock.
        drop(self.lock_instance_lock().take());
        self.connections.close();
    }
}

fn has_null(draft: &NewEntry) -> bool {
    let key = draft.state.as_ref().map(|state| &state.key);
    let texts =
        [Some(&draft.author), draft.client_id.as_ref(), draft.channel.as_ref(), Some(&draft.body), key];
    texts.into_iter().flatten().any(|text| text.contains(NULL))
}

#[async_trait]
impl DocumentStore for PostgresStore {
    async fn get(&self, kind: Kind, id: &str) -> Result<Option<String>, StoreError> {
        let connection = self.connection().await?;
        connection.finish(directory::get(&connection, kind, id)).await
    }

    async fn list(&self, kind: Kind, prefix: &str) -> Result<Vec<(String, String)>, StoreError> {
        let connection = self.connection().await?;
        connection.finish(directory::list(&connection, kind, prefix)).await
    }

    async fn grant(&self, mutations: Vec<Mutation>) -> Result<Outcome, StoreError> {
        if let Some(mutation) = mutations.iter().find(|mutation| mutation.id.contains(NULL)) {
            // No document has such an id.
            let precondition = &mutation.precondition;
            return if precondition.holds(None) {
                Err(StoreError::NullCharacter)
            } else {
                Ok(Outcome::Conflict)
            };
        }
        let connection = self.connection().await?;
        connection.finish(directory::commit(&connection, &mutations)).await
    }

    async fn changes_after(&self, number: u64) -> Result<Changes, StoreError> {
        let connection = self.connection().await?;
        connection.finish(change_log::after(&connection, number)).await
    }
}
