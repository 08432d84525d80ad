//! Reads a whole database for the move to another store. Nothing else may use the file meanwhile. Opening it brings the
//! schema up to date, and sets new epochs if there is no high-water mark; nothing else is changed.
//!
//! Every call blocks on the file.

use std::path::Path;

use rusqlite::{Connection, Row, params};

use super::{
    content_list::ContentList,
    high_water_mark::HighWaterMark,
    opening::{self, Lenience},
};
use crate::server::store::{
    FileRecord, Person, StoreError,
    copied::{
        CopiedDocument, CopiedEntry, CopiedRemoval, CopiedState, CopiedTag, CopiedTopic, PAGE_ROWS,
        PastClientId,
    },
};

/// A database opened for export. Dropping it releases the lock on the file.
pub struct Export {
    connection: Connection,
    mark: HighWaterMark,
}

impl Drop for Export {
    fn drop(&mut self) {
        self.mark.release();
    }
}

impl Export {
    /// Opens an existing database that no server uses.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let lenience = Lenience { make: false, accept_loss: false };
        let (connection, mark) = opening::open(path, lenience)?;
        Ok(Self { connection, mark })
    }

    /// All topics, in the order of their creation.
    pub fn topics(&self) -> Result<Vec<CopiedTopic>, StoreError> {
        self.rows(
            "SELECT id, name, epoch, head, floor, timestamp, removed FROM topics ORDER BY id",
            [],
            |row| {
                Ok(CopiedTopic {
                    id: row.get(0)?,
                    name: row.get(1)?,
                    epoch: row.get(2)?,
                    head: row.get(3)?,
                    floor: row.get(4)?,
                    timestamp: row.get(5)?,
                    removed: row.get(6)?,
                })
            },
        )
    }

    /// The removed offsets of a topic's channels: few enough for one read.
    pub fn removals(&self, topic: i64) -> Result<Vec<CopiedRemoval>, StoreError> {
        self.rows("SELECT channel, lasting, offset FROM removals WHERE topic = ?1", [topic], |row| {
            Ok(CopiedRemoval { channel: row.get(0)?, lasting: row.get(1)?, offset: row.get(2)? })
        })
    }

    /// The next entries of a topic after `offset`, at most [`PAGE_ROWS`].
    pub fn entries_after(&self, topic: i64, offset: i64) -> Result<Vec<CopiedEntry>, StoreError> {
        self.rows(
            "SELECT offset, timestamp, author, client_id, channel, lasting, body, target, thread, erased FROM entries
             WHERE topic = ?1 AND offset > ?2 ORDER BY offset LIMIT ?3",
            params![topic, offset, PAGE_ROWS],
            |row| {
                Ok(CopiedEntry {
                    offset: row.get(0)?,
                    timestamp: row.get(1)?,
                    author: row.get(2)?,
                    client_id: row.get(3)?,
                    channel: row.get(4)?,
                    lasting: row.get(5)?,
                    body: row.get(6)?,
                    target: row.get(7)?,
                    thread: row.get(8)?,
                    erased: row.get(9)?,
                })
            },
        )
    }

    /// The next tags of a topic after this one, at most [`PAGE_ROWS`].
    pub fn tags_after(&self, topic: i64, last: Option<&CopiedTag>) -> Result<Vec<CopiedTag>, StoreError> {
        let (target, name, holder) =
            last.map_or((0, "", ""), |last| (last.target, last.name.as_str(), last.holder.as_str()));
        self.rows(
            "SELECT target, name, holder, holder_name, offset FROM tags
             WHERE topic = ?1 AND (target, name, holder) > (?2, ?3, ?4) ORDER BY target, name, holder LIMIT ?5",
            params![topic, target, name, holder, PAGE_ROWS],
            |row| {
                Ok(CopiedTag {
                    target: row.get(0)?,
                    name: row.get(1)?,
                    holder: row.get(2)?,
                    holder_name: row.get(3)?,
                    offset: row.get(4)?,
                })
            },
        )
    }

    /// The next keys of a topic's state after this one, at most [`PAGE_ROWS`].
    pub fn states_after(&self, topic: i64, key: &str) -> Result<Vec<CopiedState>, StoreError> {
        self.rows(
            "SELECT key, value, offset FROM states WHERE topic = ?1 AND key > ?2 ORDER BY key LIMIT ?3",
            params![topic, key, PAGE_ROWS],
            |row| Ok(CopiedState { key: row.get(0)?, value: row.get(1)?, offset: row.get(2)? }),
        )
    }

    /// The next client ids of a topic's removed entries after the pair `(author, client_id)`, at most [`PAGE_ROWS`].
    pub fn past_client_ids_after(
        &self,
        topic: i64,
        author: &str,
        client_id: &str,
    ) -> Result<Vec<PastClientId>, StoreError> {
        self.rows(
            "SELECT author, client_id, offset, timestamp FROM past_client_ids
             WHERE topic = ?1 AND (author, client_id) > (?2, ?3) ORDER BY author, client_id LIMIT ?4",
            params![topic, author, client_id, PAGE_ROWS],
            |row| {
                Ok(PastClientId {
                    author: row.get(0)?,
                    client_id: row.get(1)?,
                    offset: row.get(2)?,
                    timestamp: row.get(3)?,
                })
            },
        )
    }

    /// Ids and names of the rooms, in the order of their creation.
    pub fn rooms(&self) -> Result<Vec<(String, String)>, StoreError> {
        self.rows("SELECT id, name FROM rooms ORDER BY position", [], |row| Ok((row.get(0)?, row.get(1)?)))
    }

    /// The next people after this id, at most [`PAGE_ROWS`].
    pub fn people_after(&self, id: &str) -> Result<Vec<Person>, StoreError> {
        self.rows(
            "SELECT id, name, name_key, since, seen FROM people WHERE id > ?1 ORDER BY id LIMIT ?2",
            params![id, PAGE_ROWS],
            super::people::person_of,
        )
    }

    /// The next files after this id, at most [`PAGE_ROWS`].
    pub fn files_after(&self, id: &str) -> Result<Vec<FileRecord>, StoreError> {
        super::files::after(&self.connection, id, PAGE_ROWS)
    }

    /// The contents that the files need.
    pub fn contents(&self) -> Result<ContentList<'_>, StoreError> {
        ContentList::of(&self.connection)
    }

    /// The next documents after the pair `(kind, id)`, at most [`PAGE_ROWS`].
    pub fn documents_after(&self, kind: &str, id: &str) -> Result<Vec<CopiedDocument>, StoreError> {
        self.rows(
            "SELECT kind, id, body FROM documents WHERE (kind, id) > (?1, ?2) ORDER BY kind, id LIMIT ?3",
            params![kind, id, PAGE_ROWS],
            |row| Ok(CopiedDocument { kind: row.get(0)?, id: row.get(1)?, body: row.get(2)? }),
        )
    }

    fn rows<T>(
        &self,
        select: &str,
        parameters: impl rusqlite::Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        let mut select = self.connection.prepare_cached(select)?;
        Ok(select.query_map(parameters, read)?.collect::<Result<_, _>>()?)
    }
}
