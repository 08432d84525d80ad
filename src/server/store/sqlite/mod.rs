//! The embedded store: one SQLite file in WAL mode, one writer thread, a few read connections.
//!
//! `location` opens it. Nothing outside of this folder may open the file while the store has it open.

mod append;
pub mod backup;
mod channel_names;
pub mod content_list;
mod counts;
mod directory;
mod erasure;
mod exchange;
mod export;
mod fault;
#[cfg(test)]
mod file_tests;
mod files;
mod guard;
mod high_water_mark;
mod opening;
mod outside;
mod page_gaps;
mod people;
mod probe;
mod read;
mod record;
mod removals;
pub mod restore;
mod schema;
mod search;
mod stamp;
mod states;
mod tags;
mod threads;
mod trim;
mod wal_bound;
mod writer;
mod writes;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use parking_lot::Mutex;
use rusqlite::{Connection, OpenFlags, config::DbConfig};
use tokio::sync::Semaphore;

pub use self::export::Export;
use self::{
    append::Batch, erasure::Erasure, guard::Guard, high_water_mark::HighWaterMark, opening::Lenience,
    read::From, wal_bound::WalBound, writer::Writer,
};
use super::{
    Announce, Appended, Bounds, Channels, FileAddition, FileQuota, FileRecord, Filter, Hit, IndexProgress,
    NewEntry, NewestCounted, Person, Record, RoomCreation, Search, Side, Slice, State, Store, StoreError,
    Thread, TopicName,
    directory::{Changes, DocumentStore, Kind, Mutation, Outcome},
    health::{Due, Health},
};
use crate::{
    protocol::{chat::Room, cursor::Offset, name::RoomId},
    server::config::{FileSettings, Retention},
};

/// Concurrent read connections. Reads are short and mostly served from the page cache; more connections would only take
/// memory for caches of their own.
const READERS: usize = 4;
/// Wait of a connection for another process (a backup, a shell) that has locked the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// A history in one SQLite file.
pub struct SqliteStore {
    writer: Writer,
    readers: Arc<Readers>,
    guard: Arc<Guard>,
    announce: Arc<dyn Announce>,
    mark: Arc<HighWaterMark>,
    health: Arc<Health>,
    erasure: Erasure,
}

impl SqliteStore {
    /// Opens or creates the file with the default settings.
    pub fn open(path: &Path, announce: Arc<dyn Announce>) -> Result<Self, StoreError> {
        Self::open_with(path, FileSettings::default(), announce)
    }

    /// Opens or creates the file, brings its schema up to date and starts the writer. Fails with [`StoreError::Behind`]
    /// if the database has fewer writes than were acknowledged, unless the settings accept the loss. Blocks; call it at
    /// start only.
    pub fn open_with(
        path: &Path,
        settings: FileSettings,
        announce: Arc<dyn Announce>,
    ) -> Result<Self, StoreError> {
        let lenience = Lenience { make: true, accept_loss: settings.accept_loss };
        let (mut connection, mark) = opening::open(path, lenience)?;
        search::open(&mut connection)?;
        let mark = Arc::new(mark);
        let wal = WalBound::new(path.to_owned(), settings.max_wal_bytes);
        let guard = Arc::new(Guard::over(path, &connection, &mark, wal)?);
        let health = Arc::new(Health::default());
        let writer = Writer::start(connection, guard.clone(), health.clone(), announce.clone());
        let writer = writer.map_err(|error| StoreError::Commit(error.to_string()))?;
        let readers = Arc::new(Readers::new(path, guard.clone()));
        let erasure = Erasure::start(writer.clone(), readers.clone(), guard.clone());
        Ok(Self { writer, readers, guard, announce, mark, health, erasure })
    }

    async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.readers.read(query).await
    }

    /// Runs `job` on the writer's thread and `committed` after the commit, as [`Writer::run`].
    async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
        committed: impl FnOnce(&T) + Send + 'static,
    ) -> Result<T, StoreError> {
        let done = self.writer.run(job, committed).await;
        done.map_err(|error| fault::of_damage(&self.readers.path, error))
    }

    async fn slice(
        &self,
        topic: &TopicName,
        from: From,
        filter: &Filter,
        limit: usize,
    ) -> Result<Slice, StoreError> {
        let (name, filter) = (topic.clone(), filter.clone());
        match self.read(move |connection| read::slice(connection, &name, from, &filter, limit)).await? {
            Some(slice) => Ok(slice),
            None => self.empty(topic).await,
        }
    }

    async fn empty(&self, topic: &TopicName) -> Result<Slice, StoreError> {
        Ok(Slice { bounds: self.bounds(topic).await?, removed: 0, records: Vec::new(), more: false })
    }
}

/// Settings that every connection of a store needs.
fn set_up(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // Otherwise SQLite compiles a cached statement again whenever a parameter changes its value, in case another plan
    // were better: half of the cost of a read.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}

/// The pool of read connections, which are opened on demand.
struct Readers {
    path: PathBuf,
    guard: Arc<Guard>,
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    fn new(path: &Path, guard: Arc<Guard>) -> Self {
        let permits = Arc::new(Semaphore::new(READERS));
        Self { path: path.to_owned(), guard, permits, idle: Mutex::default() }
    }

    /// Runs `query` on a thread that may block, when one of the connections is free.
    async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        query: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let readers = self.clone();
        let permit = readers.permits.clone().acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let read = tokio::task::spawn_blocking(move || {
            let result = readers.with_connection(query);
            drop(permit);
            result
        });
        read.await.map_err(|_| StoreError::Closed)?
    }

    async fn close(&self) {
        // Wait for the reads under way: each returns its permit.
        drop(self.permits.acquire_many(READERS as u32).await);
        self.permits.close();
        self.idle.lock().clear();
    }

    fn with_connection<T>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.guard.check_now_and_then()?;
        let idle = self.idle.lock().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.connect()?,
        };
        let result = query(&connection).map_err(|error| fault::of_damage(&self.path, error));
        self.idle.lock().push(connection);
        result
    }

    fn connect(&self) -> Result<Connection, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        set_up(&connection)?;
        // The path may lead to another file by now.
        self.guard.check()?;
        Ok(connection)
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn bounds(&self, topic: &TopicName) -> Result<Bounds, StoreError> {
        let name = topic.clone();
        if let Some((_, bounds)) = self.read(move |connection| read::bounds(connection, &name)).await? {
            return Ok(bounds);
        }
        if topic.is_made_by_writing() {
            return Ok(Bounds::unwritten());
        }
        let name = topic.clone();
        let made = move |connection: &Connection| {
            append::ensure_topic(connection, &name)?;
            read::bounds(connection, &name)
        };
        let (_, bounds) = self
            .write(made, |_| ())
            .await?
            .ok_or_else(|| StoreError::Damaged(format!("{topic} cannot be made")))?;
        Ok(bounds)
    }

    async fn bounds_for(&self, topic: &TopicName, filter: &Filter) -> Result<(Bounds, Offset), StoreError> {
        let (name, filter) = (topic.clone(), filter.clone());
        match self.read(move |connection| read::bounds_for(connection, &name, &filter)).await? {
            Some(bounds) => Ok(bounds),
            None => Ok((self.bounds(topic).await?, 0)),
        }
    }

    async fn bounds_of(&self, topics: &[TopicName]) -> Result<Vec<(TopicName, Bounds)>, StoreError> {
        let topics = topics.to_vec();
        let bounds = |connection: &Connection, name: TopicName| {
            let found = read::bounds(connection, &name);
            found.map(|found| found.map(|(_, bounds)| (name, bounds))).transpose()
        };
        self.read(move |connection| topics.into_iter().filter_map(|name| bounds(connection, name)).collect())
            .await
    }

    async fn append(&self, topic: &TopicName, drafts: Vec<NewEntry>) -> Result<Vec<Appended>, StoreError> {
        let (name, announce, mark) = (topic.clone(), self.announce.clone(), self.mark.clone());
        let (guard, documents) = (self.guard.clone(), self.announce.clone());
        let batch = self
            .write(
                move |connection| append::append(connection, &name, drafts, &*documents),
                move |Batch { epoch, appended, has_erased }| {
                    if *has_erased {
                        guard.request_erasure();
                    }
                    let new: Vec<Appended> = appended.iter().filter(|one| one.first).cloned().collect();
                    if !new.is_empty() {
                        mark.raise(new.len());
                        announce.announce(epoch, &new);
                    }
                },
            )
            .await?;
        if batch.has_erased {
            self.erasure.erase().await;
        }
        Ok(batch.appended)
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
        let (name, offsets) = (topic.clone(), offsets.to_vec());
        self.read(move |connection| threads::read_each(connection, &name, &offsets)).await
    }

    async fn read_thread(
        &self,
        topic: &TopicName,
        root: Offset,
        side: Side,
        limit: usize,
    ) -> Result<Slice, StoreError> {
        let name = topic.clone();
        let slice = self.read(move |connection| threads::slice(connection, &name, root, side, limit)).await?;
        match slice {
            Some(slice) => Ok(slice),
            None => self.empty(topic).await,
        }
    }

    async fn threads(
        &self,
        topic: &TopicName,
        roots: &[Offset],
    ) -> Result<(Offset, Vec<Thread>), StoreError> {
        let (name, roots) = (topic.clone(), roots.to_vec());
        self.read(move |connection| threads::threads(connection, &name, &roots)).await
    }

    async fn tagged(&self, topic: &TopicName, tag: &str, limit: usize) -> Result<Vec<Record>, StoreError> {
        let (name, tag) = (topic.clone(), tag.to_owned());
        self.read(move |connection| tags::tagged(connection, &name, &tag, limit)).await
    }

    async fn held(
        &self,
        topic: &TopicName,
        holder: &str,
        pairs: Vec<(Offset, String)>,
    ) -> Result<Vec<(Offset, String)>, StoreError> {
        let (name, holder) = (topic.clone(), holder.to_owned());
        self.read(move |connection| tags::held(connection, &name, &holder, pairs)).await
    }

    async fn states(&self, topic: &TopicName) -> Result<(Bounds, Vec<State>), StoreError> {
        let name = topic.clone();
        match self.read(move |connection| states::all(connection, &name)).await? {
            Some(states) => Ok(states),
            None => Ok((self.bounds(topic).await?, Vec::new())),
        }
    }

    async fn state(&self, topic: &TopicName, key: &str) -> Result<Option<State>, StoreError> {
        let (name, key) = (topic.clone(), key.to_owned());
        self.read(move |connection| states::one(connection, &name, &key)).await
    }

    async fn note_person(&self, person: &Person) -> Result<(), StoreError> {
        let person = person.clone();
        self.write(move |connection| people::note(connection, &person), |()| ()).await
    }

    async fn people(&self, key: &str, prefix: &str, limit: usize) -> Result<Vec<Person>, StoreError> {
        let (key, prefix) = (key.to_owned(), prefix.to_owned());
        self.read(move |connection| people::of_key(connection, &key, &prefix, limit)).await
    }

    async fn people_named(&self, key: &str, name_keys: &[String]) -> Result<Vec<Person>, StoreError> {
        let (key, name_keys) = (key.to_owned(), name_keys.to_vec());
        self.read(move |connection| people::named(connection, &key, &name_keys)).await
    }

    async fn people_by_id(&self, ids: &[String]) -> Result<Vec<Person>, StoreError> {
        let ids = ids.to_vec();
        self.read(move |connection| people::by_id(connection, &ids)).await
    }

    async fn expire_people(&self, before_ms: i64) -> Result<u64, StoreError> {
        self.write(move |connection| people::expire(connection, before_ms), |_| ()).await
    }

    async fn add_file(&self, file: &FileRecord, quota: FileQuota) -> Result<FileAddition, StoreError> {
        let (file, mark) = (file.clone(), self.mark.clone());
        let raise = move |added: &FileAddition| mark.raise(usize::from(*added == FileAddition::Added));
        self.write(move |connection| files::add(connection, &file, quota), raise).await
    }

    async fn files(&self, ids: &[String]) -> Result<Vec<FileRecord>, StoreError> {
        let ids = ids.to_vec();
        self.read(move |connection| files::by_id(connection, &ids)).await
    }

    async fn expire_files(&self, before_ms: i64) -> Result<u64, StoreError> {
        self.write(move |connection| files::expire(connection, before_ms), |_| ()).await
    }

    async fn removed_contents(&self, limit: usize) -> Result<Vec<String>, StoreError> {
        self.read(move |connection| files::removed_contents(connection, limit)).await
    }

    async fn forget_removed_content(&self, hash: &str) -> Result<(), StoreError> {
        let hash = hash.to_owned();
        self.write(move |connection| files::forget_removed_content(connection, &hash), |()| ()).await
    }

    async fn known_contents(&self, hashes: &[String]) -> Result<Vec<String>, StoreError> {
        let hashes = hashes.to_vec();
        self.read(move |connection| files::known_contents(connection, &hashes)).await
    }

    async fn count_after(
        &self,
        places: &[(TopicName, Offset)],
        author: &str,
        max: u64,
    ) -> Result<Vec<u64>, StoreError> {
        let (places, author) = (places.to_vec(), author.to_owned());
        self.read(move |connection| counts::count_after(connection, &places, &author, max)).await
    }

    async fn newest_counted(
        &self,
        topic: &TopicName,
        limit: usize,
    ) -> Result<Option<NewestCounted>, StoreError> {
        let name = topic.clone();
        self.read(move |connection| counts::newest(connection, &name, limit)).await
    }

    async fn latest_by_channel(
        &self,
        topic: &TopicName,
        channels: &Channels,
        count: usize,
        limit: usize,
    ) -> Result<Slice, StoreError> {
        let (name, channels) = (topic.clone(), channels.clone());
        let read = move |connection: &Connection| {
            read::latest_by_channel(connection, &name, &channels, count, limit)
        };
        match self.read(read).await? {
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
        let (name, scanned) = (topic.clone(), limit + except.len());
        let mut names = self.read(move |connection| read::channel_names(connection, &name, scanned)).await?;
        names.retain(|name| !except.contains(name));
        names.truncate(limit);
        Ok(names)
    }

    async fn search(&self, search: &Search) -> Result<Vec<Hit>, StoreError> {
        let search = search.clone();
        self.read(move |connection| search::find(connection, &search)).await
    }

    async fn index_step(&self) -> Result<IndexProgress, StoreError> {
        let documents = self.announce.clone();
        self.write(move |connection| search::index_step(connection, &*documents), |_| ()).await
    }

    async fn trim(&self, topic: &TopicName, retention: Retention, now_ms: i64) -> Result<u64, StoreError> {
        let mut removed = 0;
        loop {
            let name = topic.clone();
            let step = move |connection: &Connection| trim::trim(connection, &name, retention, now_ms);
            let (count, more) = self.write(step, |_| ()).await?;
            removed += count;
            if !more {
                return Ok(removed);
            }
        }
    }

    async fn newest_timestamp(&self, until_ms: i64) -> Result<Option<i64>, StoreError> {
        self.read(move |connection| read::newest_timestamp(connection, until_ms)).await
    }

    async fn topics(&self) -> Result<Vec<TopicName>, StoreError> {
        self.read(read::topics).await
    }

    async fn create_room(&self, room: Room, limit: usize) -> Result<RoomCreation, StoreError> {
        let mark = self.mark.clone();
        let raise = move |made: &RoomCreation| mark.raise(usize::from(*made == RoomCreation::Created));
        self.write(move |connection| append::create_room(connection, &room, limit), raise).await
    }

    async fn remove_room(&self, room: &RoomId) -> Result<(), StoreError> {
        let topic = TopicName::Room(room.clone());
        self.trim(&topic, Retention::NOTHING, i64::MAX).await?;
        let (room, mark, guard) = (room.clone(), self.mark.clone(), self.guard.clone());
        let committed = move |was_there: &bool| {
            guard.request_erasure();
            mark.raise(usize::from(*was_there));
        };
        self.write(move |connection| append::remove_room(connection, &room), committed).await?;
        self.erasure.erase().await;
        Ok(())
    }

    async fn rooms(&self) -> Result<Vec<Room>, StoreError> {
        self.read(read::rooms).await
    }

    async fn check(&self) -> Result<(), StoreError> {
        // First and always: a database that is gone may have been written to just now.
        self.with_guard(Guard::check).await?;
        match self.health.due() {
            Due::Nothing if !self.guard.is_full() => return Ok(()),
            Due::Nothing | Due::Small => self.write(probe::write_a_page, |()| ()).await?,
            Due::Large => {
                let read_ends =
                    |guard: &Guard| guard.read_ends().map_err(|error| StoreError::Commit(error.to_string()));
                self.with_guard(read_ends).await?;
                self.write(probe::write_pages, |()| ()).await?;
                self.write(probe::remove_pages, |()| ()).await?;
            }
        }
        self.health.succeeded();
        Ok(())
    }

    async fn close(&self) {
        // Close the readers first: the writer's connection is then the last one, moves the WAL into the database when
        // it closes, and a copy of that one file is a complete backup.
        self.readers.close().await;
        self.writer.stop().await;
        self.guard.release();
        self.mark.release();
    }
}

impl SqliteStore {
    /// Runs `ask` on a thread that may block on the disk.
    async fn with_guard(
        &self,
        ask: impl FnOnce(&Guard) -> Result<(), StoreError> + Send + 'static,
    ) -> Result<(), StoreError> {
        let guard = self.guard.clone();
        tokio::task::spawn_blocking(move || ask(&guard)).await.map_err(|_| StoreError::Closed)?
    }
}

#[async_trait]
impl DocumentStore for SqliteStore {
    async fn get(&self, kind: Kind, id: &str) -> Result<Option<String>, StoreError> {
        let id = id.to_owned();
        self.read(move |connection| directory::get(connection, kind, &id)).await
    }

    async fn list(&self, kind: Kind, prefix: &str) -> Result<Vec<(String, String)>, StoreError> {
        let prefix = prefix.to_owned();
        self.read(move |connection| directory::list(connection, kind, &prefix)).await
    }

    async fn grant(&self, mutations: Vec<Mutation>) -> Result<Outcome, StoreError> {
        let mark = self.mark.clone();
        let raise = move |outcome: &Outcome| mark.raise(usize::from(*outcome == Outcome::Unlogged));
        self.write(move |connection| directory::commit(connection, &mutations), raise).await
    }

    /// There is no change log: no other node changes the file.
    async fn changes_after(&self, _: u64) -> Result<Changes, StoreError> {
        Ok(Changes { newest: 0, after: Some(Vec::new()) })
    }
}

#[cfg(test)]
mod tests;
