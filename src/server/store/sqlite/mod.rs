//! The embedded store: one SQLite file in WAL mode, one writing thread, a few reading connections.

mod append;
mod directory;
mod export;
mod mark;
mod probe;
mod read;
mod removals;
mod schema;
mod writer;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::Semaphore;

pub use self::export::Export;
use self::{mark::Mark, read::From, writer::Writer};
use super::{
    Announce, Appended, Bounds, Channels, Draft, Filter, Record, Retention, RoomCreation, Slice, Store,
    StoreError, TopicName,
    directory::{Changes, Directory, Kind, Step, Taken},
    health::{Due, Health},
};
use crate::protocol::{chat::Room, cursor::Offset};

/// Connections that read at the same time. Reads are short and mostly from the page cache; more would only
/// take memory for their own caches.
const READERS: usize = 4;
/// How long a connection waits for another process (a backup, a shell) to let go of the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// History in one file.
pub struct SqliteStore {
    writer: Writer,
    readers: Arc<Readers>,
    announce: Arc<dyn Announce>,
    mark: Arc<Mark>,
    health: Arc<Health>,
}

impl SqliteStore {
    /// Opens or makes the file, brings its schema up to date and starts the writer. Blocks; call it at start only.
    pub fn open(path: &Path, announce: Arc<dyn Announce>) -> Result<Self, StoreError> {
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        // FULL: what is acknowledged survives a power cut, not only a crash. Group commit pays for it.
        connection.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;",
        )?;
        schema::migrate(&mut connection)?;
        let mark = Arc::new(Mark::open(path, &mut connection)?);
        let health = Arc::new(Health::default());
        let writer = Writer::start(connection, health.clone())
            .map_err(|error| StoreError::Commit(error.to_string()))?;
        Ok(Self { writer, readers: Arc::new(Readers::new(path)), announce, mark, health })
    }

    async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let readers = self.readers.clone();
        let permit = readers.permits.clone().acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let read = tokio::task::spawn_blocking(move || {
            let result = readers.with_connection(query);
            drop(permit);
            result
        });
        read.await.map_err(|_| StoreError::Closed)?
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

/// Connections that wait for a query; made when first needed.
struct Readers {
    path: PathBuf,
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), permits: Arc::new(Semaphore::new(READERS)), idle: Mutex::default() }
    }

    async fn close(&self) {
        // Those that read now give their permits back first.
        drop(self.permits.acquire_many(READERS as u32).await);
        self.permits.close();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn with_connection<T>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => {
                let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
                let connection = Connection::open_with_flags(&self.path, flags)?;
                connection.busy_timeout(BUSY_TIMEOUT)?;
                connection
            }
        };
        let result = query(&connection);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        result
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn bounds(&self, topic: &TopicName) -> Result<Bounds, StoreError> {
        let name = topic.clone();
        if let Some((_, bounds)) = self.read(move |connection| read::bounds(connection, &name)).await? {
            return Ok(bounds);
        }
        let name = topic.clone();
        let made = move |connection: &Connection| {
            append::ensure_topic(connection, &name)?;
            read::bounds(connection, &name)
        };
        let (_, bounds) = self
            .writer
            .run(made, |_| ())
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

    async fn append(&self, topic: &TopicName, drafts: Vec<Draft>) -> Result<Vec<Appended>, StoreError> {
        let (name, announce, mark) = (topic.clone(), self.announce.clone(), self.mark.clone());
        let appended = self
            .writer
            .run(
                move |connection| append::append(connection, &name, drafts),
                move |(epoch, appended)| {
                    let new: Vec<Record> =
                        appended.iter().filter(|one| one.first).map(|one| one.record.clone()).collect();
                    if !new.is_empty() {
                        mark.raise(new.len());
                        announce.announce(epoch, &new);
                    }
                },
            )
            .await?;
        Ok(appended.1)
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

    async fn trim(&self, topic: &TopicName, retention: Retention, now_ms: i64) -> Result<u64, StoreError> {
        let mut removed = 0;
        loop {
            let name = topic.clone();
            let step = move |connection: &Connection| append::trim(connection, &name, retention, now_ms);
            let (count, more) = self.writer.run(step, |_| ()).await?;
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
        self.writer.run(move |connection| append::create_room(connection, &room, limit), |_| ()).await
    }

    async fn rooms(&self) -> Result<Vec<Room>, StoreError> {
        self.read(read::rooms).await
    }

    async fn check(&self) -> Result<(), StoreError> {
        match self.health.due() {
            Due::Nothing => return Ok(()),
            Due::Small => self.writer.run(probe::write_a_page, |()| ()).await?,
            Due::Large => {
                self.writer.run(probe::write_pages, |()| ()).await?;
                self.writer.run(probe::remove_pages, |()| ()).await?;
            }
        }
        self.health.succeeded();
        Ok(())
    }

    async fn close(&self) {
        // Readers first: the last connection to close, the writer's, then moves the log (-wal) into the database,
        // and a copy of the one file is a whole backup.
        self.readers.close().await;
        self.writer.stop().await;
        self.mark.release();
    }
}

#[async_trait]
impl Directory for SqliteStore {
    async fn get(&self, kind: Kind, id: &str) -> Result<Option<String>, StoreError> {
        let id = id.to_owned();
        self.read(move |connection| directory::get(connection, kind, &id)).await
    }

    async fn list(&self, kind: Kind, prefix: &str) -> Result<Vec<(String, String)>, StoreError> {
        let prefix = prefix.to_owned();
        self.read(move |connection| directory::list(connection, kind, &prefix)).await
    }

    async fn change(&self, steps: Vec<Step>) -> Result<Taken, StoreError> {
        self.writer.run(move |connection| directory::change(connection, &steps), |_| ()).await
    }

    /// Nobody else changes anything.
    async fn changes_after(&self, _: u64) -> Result<Changes, StoreError> {
        Ok(Changes { newest: 0, after: Some(Vec::new()) })
    }
}

#[cfg(test)]
mod tests;
