//! The tables, as a list of migrations. A published migration must never be changed; new ones are appended.

use rusqlite::Connection;

use crate::server::store::StoreError;

/// The migrations. Their number is the schema's version (`PRAGMA user_version`).
const MIGRATIONS: [&str; 16] = [
    "
    CREATE TABLE topics (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        epoch TEXT NOT NULL,
        head INTEGER NOT NULL DEFAULT 0,
        floor INTEGER NOT NULL DEFAULT 0,
        timestamp INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE TABLE entries (
        topic INTEGER NOT NULL REFERENCES topics (id),
        offset INTEGER NOT NULL,
        timestamp INTEGER NOT NULL,
        author TEXT NOT NULL,
        client_id TEXT,
        channel TEXT,
        lasting INTEGER NOT NULL,
        body TEXT NOT NULL,
        PRIMARY KEY (topic, offset)
    ) STRICT, WITHOUT ROWID;
    CREATE UNIQUE INDEX entries_by_client_id ON entries (topic, author, client_id) WHERE client_id IS NOT NULL;
    CREATE INDEX entries_by_channel ON entries (topic, lasting, channel, offset);
    CREATE INDEX entries_lasting ON entries (topic, offset) WHERE lasting = 1;
    CREATE TABLE rooms (
        position INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL
    ) STRICT;
",
    // The client ids of removed entries: if an author sends one again, perhaps after days, it must not be stored twice.
    "
    CREATE TABLE past_client_ids (
        topic INTEGER NOT NULL REFERENCES topics (id),
        author TEXT NOT NULL,
        client_id TEXT NOT NULL,
        offset INTEGER NOT NULL,
        timestamp INTEGER NOT NULL,
        PRIMARY KEY (topic, author, client_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX past_client_ids_by_age ON past_client_ids (topic, timestamp);
",
    // Both indexes serve the feed. An index that also contained a room's messages cost two more page writes for each
    // message.
    "
    DROP INDEX entries_by_channel;
    DROP INDEX entries_lasting;
    CREATE INDEX entries_values ON entries (topic, channel, offset) WHERE lasting = 0;
    CREATE INDEX entries_notices ON entries (topic, offset) WHERE lasting = 1 AND channel IS NOT NULL;
",
    // The document store: users, rights and publishers.
    "
    CREATE TABLE documents (
        kind TEXT NOT NULL,
        id TEXT NOT NULL,
        body TEXT NOT NULL,
        PRIMARY KEY (kind, id)
    ) STRICT, WITHOUT ROWID;
",
    // The highest removed offset of each channel ('' for none) and kind of entry: a reader of other channels has missed
    // nothing. For removals before this migration, `topics.removed` is assumed for every channel.
    "
    ALTER TABLE topics ADD COLUMN removed INTEGER NOT NULL DEFAULT 0;
    UPDATE topics SET removed = floor;
    CREATE TABLE removals (
        topic INTEGER NOT NULL REFERENCES topics (id),
        channel TEXT NOT NULL,
        lasting INTEGER NOT NULL,
        offset INTEGER NOT NULL,
        PRIMARY KEY (topic, channel, lasting)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX removals_by_offset ON removals (topic, offset);
",
    // The number of changes of rooms and documents; with the entries, it makes up the count of the high-water mark.
    "
    CREATE TABLE changes (count INTEGER NOT NULL) STRICT;
    INSERT INTO changes VALUES (0);
",
    // The notices of one channel, for its page and for the names of the channels.
    "
    CREATE INDEX entries_notices_by_channel ON entries (topic, channel, offset)
        WHERE lasting = 1 AND channel IS NOT NULL;
",
    // The entry that a change changes: a deletion erases the other changes of its entry.
    "
    ALTER TABLE entries ADD COLUMN target INTEGER;
    CREATE INDEX entries_by_target ON entries (topic, target) WHERE target IS NOT NULL;
",
    // The tags of entries, each with its holders in the order in which they got it; an entry that holds one itself is
    // found by the tag's name.
    "
    CREATE TABLE tags (
        topic INTEGER NOT NULL REFERENCES topics (id),
        target INTEGER NOT NULL,
        name TEXT NOT NULL,
        holder TEXT NOT NULL,
        holder_name TEXT NOT NULL,
        offset INTEGER NOT NULL,
        PRIMARY KEY (topic, target, name, holder)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX tags_by_offset ON tags (topic, target, name, offset);
    CREATE INDEX tags_of_entries ON tags (topic, name, offset) WHERE holder = '';
",
    // The entry with which the thread of an entry begins.
    "
    ALTER TABLE entries ADD COLUMN thread INTEGER;
    CREATE INDEX entries_by_thread ON entries (topic, thread, offset) WHERE thread IS NOT NULL;
",
    // The keyed state of topics: a user's marks, by room.
    "
    CREATE TABLE states (
        topic INTEGER NOT NULL REFERENCES topics (id),
        key TEXT NOT NULL,
        value TEXT NOT NULL,
        offset INTEGER NOT NULL,
        PRIMARY KEY (topic, key)
    ) STRICT, WITHOUT ROWID;
",
    // The entries that a change erased, and an index of what a room shows, to count it: without changes, answers in
    // threads and deleted messages, of which there may be any number. SQLite reads the index alone only if it has every
    // column that the condition names; of those, four are constants, a byte each. Quotes within a text are escaped, so
    // that no text looks like the member of a deleted message.
    "
    ALTER TABLE entries ADD COLUMN erased INTEGER NOT NULL DEFAULT 0;
    UPDATE entries SET erased = 1
        WHERE lasting = 1 AND channel IS NULL AND instr(body, '\"deleted\":true') > 0;
    CREATE INDEX entries_counted ON entries (topic, offset, author, channel, thread, lasting, erased)
        WHERE lasting = 1 AND channel IS NULL AND thread IS NULL AND erased = 0;
",
    // The people who were seen, and which of them have a key: those who have marks in a room.
    "
    CREATE TABLE people (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        name_key TEXT NOT NULL,
        since INTEGER NOT NULL,
        seen INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX people_by_name ON people (name_key);
    CREATE INDEX people_by_age ON people (seen);
    CREATE INDEX states_by_key ON states (key, topic);
",
    // The number of commits that erased texts, and the number up to which nothing of them is left in the file. Something
    // may be left of texts that were erased before this migration.
    "
    CREATE TABLE erasures (count INTEGER NOT NULL, finished INTEGER NOT NULL) STRICT;
    INSERT INTO erasures SELECT EXISTS (SELECT 1 FROM entries WHERE erased = 1), 0;
",
    // The index of the search, the topics that are to be indexed, each with the offset up to which it is, and the version of the
    // words. Words are cut before they are stored: the tokenizer leaves them whole. secure-delete: what is deleted goes from
    // the index's segments at once.
    "
    CREATE TABLE search_documents (
        id INTEGER PRIMARY KEY,
        topic INTEGER NOT NULL REFERENCES topics (id),
        offset INTEGER NOT NULL,
        channel TEXT,
        words TEXT NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX search_documents_by_offset ON search_documents (topic, offset);
    CREATE VIRTUAL TABLE search_words USING fts5 (
        words, content='search_documents', content_rowid='id', columnsize=0, tokenize=\"ascii tokenchars ':'\"
    );
    INSERT INTO search_words (search_words, rank) VALUES ('secure-delete', 1);
    CREATE TABLE search_pending (
        topic INTEGER PRIMARY KEY REFERENCES topics (id),
        offset INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE search_version (version INTEGER NOT NULL) STRICT;
    INSERT INTO search_version VALUES (0);
  ",
    // The files: each has the entry that names it, if one does. The indexes serve the removal of an entry's files and the sums
    // of a room and of a person without the rows. And the hashes that lost a record since somebody looked after the contents.
    "
    CREATE TABLE files (
        id TEXT PRIMARY KEY,
        hash TEXT NOT NULL,
        topic INTEGER NOT NULL REFERENCES topics (id),
        offset INTEGER,
        owner TEXT NOT NULL,
        name TEXT NOT NULL,
        type TEXT NOT NULL,
        size INTEGER NOT NULL,
        width INTEGER,
        height INTEGER,
        created INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX files_by_entry ON files (topic, offset, size);
    CREATE INDEX files_by_owner ON files (owner, created, size);
    CREATE INDEX files_by_hash ON files (hash);
    CREATE INDEX files_unnamed ON files (created) WHERE offset IS NULL;
    CREATE TABLE removed_contents (hash TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
",
];

/// Returns true if the tables of the first version exist.
pub(super) fn has_topics(connection: &Connection) -> Result<bool, StoreError> {
    let select = "SELECT count(*) = 3 FROM sqlite_schema
                  WHERE type = 'table' AND name IN ('topics', 'entries', 'rooms')";
    Ok(connection.query_row(select, [], |row| row.get(0))?)
}

/// Returns true if the database counts changes of rooms and documents.
pub(super) fn has_changes(connection: &Connection) -> Result<bool, StoreError> {
    let select = "SELECT count(*) = 1 FROM sqlite_schema WHERE type = 'table' AND name = 'changes'";
    Ok(connection.query_row(select, [], |row| row.get(0))?)
}

/// Returns true if the database is empty or of this program, of any version. The database of another program has other
/// tables.
pub(super) fn is_ours(connection: &Connection) -> Result<bool, StoreError> {
    let is_empty: bool =
        connection.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(is_empty || has_topics(connection)?)
}

/// Returns the schema's version. Fails with [`StoreError::TooNew`] if a later program wrote it.
pub(super) fn expect_known(connection: &Connection) -> Result<usize, StoreError> {
    let found: usize = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if found > MIGRATIONS.len() {
        return Err(StoreError::TooNew { found, known: MIGRATIONS.len() });
    }
    Ok(found)
}

/// Brings the database to the newest schema, with one transaction per migration.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let found = expect_known(connection)?;
    for (index, migration) in MIGRATIONS.iter().enumerate().skip(found) {
        let step = connection.transaction()?;
        step.execute_batch(migration)?;
        step.pragma_update(None, "user_version", index + 1)?;
        step.commit()?;
    }
    Ok(())
}
