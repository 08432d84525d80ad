//! The tables, as a list of migrations. A published migration must never be changed; new ones are appended.
//!
//! Text is compared by its bytes (`COLLATE "C"`), as in SQLite: the order must not depend on how a database was
//! created. Entries have no foreign key to their topic: it would lock the topic's row once more for each of them.

use deadpool_postgres::Client;

use super::{identity, search};
use crate::server::store::StoreError;

/// Key of the advisory lock that is held while the tables are created or inspected as a whole, because two nodes may
/// start at once. The number is arbitrary.
const LOCK: i64 = 0x0001_D0BA_7A00;

/// The migrations. Their number is the schema's version.
const MIGRATIONS: [&str; 12] = [
    r#"
    CREATE TABLE topics (
        id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        name TEXT COLLATE "C" NOT NULL UNIQUE,
        epoch TEXT NOT NULL,
        head BIGINT NOT NULL DEFAULT 0,
        floor BIGINT NOT NULL DEFAULT 0,
        timestamp BIGINT NOT NULL DEFAULT 0
    ) WITH (fillfactor = 50);
    CREATE TABLE entries (
        topic BIGINT NOT NULL,
        "offset" BIGINT NOT NULL,
        timestamp BIGINT NOT NULL,
        author TEXT COLLATE "C" NOT NULL,
        client_id TEXT COLLATE "C",
        channel TEXT COLLATE "C",
        lasting BOOLEAN NOT NULL,
        body TEXT NOT NULL,
        PRIMARY KEY (topic, "offset")
    );
    CREATE UNIQUE INDEX entries_by_client_id ON entries (topic, author, client_id) WHERE client_id IS NOT NULL;
    CREATE INDEX entries_values ON entries (topic, channel, "offset") WHERE NOT lasting;
    CREATE INDEX entries_notices ON entries (topic, "offset") WHERE lasting AND channel IS NOT NULL;
    CREATE TABLE past_client_ids (
        topic BIGINT NOT NULL,
        author TEXT COLLATE "C" NOT NULL,
        client_id TEXT COLLATE "C" NOT NULL,
        "offset" BIGINT NOT NULL,
        timestamp BIGINT NOT NULL,
        PRIMARY KEY (topic, author, client_id)
    );
    CREATE INDEX past_client_ids_by_age ON past_client_ids (topic, timestamp);
    CREATE TABLE rooms (
        position BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        id TEXT COLLATE "C" NOT NULL UNIQUE,
        name TEXT NOT NULL
    );
    CREATE TABLE documents (
        kind TEXT COLLATE "C" NOT NULL,
        id TEXT COLLATE "C" NOT NULL,
        body TEXT NOT NULL,
        PRIMARY KEY (kind, id)
    );
    CREATE TABLE identity (value TEXT NOT NULL);
"#,
    r#"
    CREATE TABLE change_head (number BIGINT NOT NULL);
    INSERT INTO change_head VALUES (0);
    CREATE TABLE changes (
        number BIGINT PRIMARY KEY,
        timestamp BIGINT NOT NULL,
        steps TEXT NOT NULL
    );
"#,
    // As in SQLite: the highest removed offset of each channel ('' for none) and kind of entry.
    r#"
    ALTER TABLE topics ADD COLUMN removed BIGINT NOT NULL DEFAULT 0;
    UPDATE topics SET removed = floor;
    CREATE TABLE removals (
        topic BIGINT NOT NULL,
        channel TEXT COLLATE "C" NOT NULL,
        lasting BOOLEAN NOT NULL,
        "offset" BIGINT NOT NULL,
        PRIMARY KEY (topic, channel, lasting)
    );
    CREATE INDEX removals_by_offset ON removals (topic, "offset");
"#,
    // The notices of one channel, for its page and for the names of the channels.
    r#"
    CREATE INDEX entries_notices_by_channel ON entries (topic, channel, "offset")
        WHERE lasting AND channel IS NOT NULL;
"#,
    // As in SQLite: the entry that a change changes.
    r#"
    ALTER TABLE entries ADD COLUMN target BIGINT;
    CREATE INDEX entries_by_target ON entries (topic, target) WHERE target IS NOT NULL;
"#,
    // As in SQLite: the tags of entries.
    r#"
    CREATE TABLE tags (
        topic BIGINT NOT NULL,
        target BIGINT NOT NULL,
        name TEXT COLLATE "C" NOT NULL,
        holder TEXT COLLATE "C" NOT NULL,
        holder_name TEXT NOT NULL,
        "offset" BIGINT NOT NULL,
        PRIMARY KEY (topic, target, name, holder)
    );
    CREATE INDEX tags_by_offset ON tags (topic, target, name, "offset");
    CREATE INDEX tags_of_entries ON tags (topic, name, "offset") WHERE holder = '';
"#,
    // As in SQLite: the entry with which the thread of an entry begins.
    r#"
    ALTER TABLE entries ADD COLUMN thread BIGINT;
    CREATE INDEX entries_by_thread ON entries (topic, thread, "offset") WHERE thread IS NOT NULL;
"#,
    // As in SQLite: the keyed state of topics.
    r#"
    CREATE TABLE states (
        topic BIGINT NOT NULL,
        key TEXT COLLATE "C" NOT NULL,
        value TEXT NOT NULL,
        "offset" BIGINT NOT NULL,
        PRIMARY KEY (topic, key)
    );
"#,
    // As in SQLite: the entries that a change erased, and an index of what a room shows.
    r#"
    ALTER TABLE entries ADD COLUMN erased BOOLEAN NOT NULL DEFAULT false;
    UPDATE entries SET erased = true
        WHERE lasting AND channel IS NULL AND position('"deleted":true' IN body) > 0;
    CREATE INDEX entries_counted ON entries (topic, "offset", author)
        WHERE lasting AND channel IS NULL AND thread IS NULL AND NOT erased;
"#,
    // As in SQLite: the people who were seen.
    r#"
    CREATE TABLE people (
        id TEXT COLLATE "C" PRIMARY KEY,
        name TEXT NOT NULL,
        name_key TEXT COLLATE "C" NOT NULL,
        since BIGINT NOT NULL,
        seen BIGINT NOT NULL
    );
    CREATE INDEX people_by_name ON people (name_key);
    CREATE INDEX people_by_age ON people (seen);
    CREATE INDEX states_by_key ON states (key, topic);
"#,
    // As in SQLite: the index of the search. A search reads the list of what is not in the GIN index yet word by word, so the
    // list is kept short (in kB).
    r#"
    CREATE TABLE search_documents (
        topic BIGINT NOT NULL,
        "offset" BIGINT NOT NULL,
        place BIGINT NOT NULL,
        channel TEXT COLLATE "C",
        words TSVECTOR NOT NULL,
        PRIMARY KEY (topic, "offset")
    );
    CREATE INDEX search_documents_by_place ON search_documents (place, topic, "offset");
    CREATE INDEX search_documents_words ON search_documents USING gin (words) WITH (gin_pending_list_limit = 256);
    CREATE TABLE search_pending (topic BIGINT PRIMARY KEY, "offset" BIGINT NOT NULL);
    CREATE TABLE search_version (version BIGINT NOT NULL);
    INSERT INTO search_version VALUES (0);
"#,
    // As in SQLite: the files, and the hashes that lost a record.
    r#"
    CREATE TABLE files (
        id TEXT COLLATE "C" PRIMARY KEY,
        hash TEXT COLLATE "C" NOT NULL,
        topic BIGINT NOT NULL REFERENCES topics (id),
        "offset" BIGINT,
        owner TEXT COLLATE "C" NOT NULL,
        name TEXT NOT NULL,
        type TEXT NOT NULL,
        size BIGINT NOT NULL,
        width BIGINT,
        height BIGINT,
        created BIGINT NOT NULL
    );
    CREATE INDEX files_by_entry ON files (topic, "offset", size);
    CREATE INDEX files_by_owner ON files (owner, created, size);
    CREATE INDEX files_by_hash ON files (hash);
    CREATE INDEX files_unnamed ON files (created) WHERE "offset" IS NULL;
    CREATE TABLE removed_contents (hash TEXT COLLATE "C" PRIMARY KEY);
"#,
];

/// Brings the database to the newest schema and compares its identity with the stored one, all in one transaction.
/// Returns the identity.
pub(super) async fn open(client: &Client) -> Result<String, StoreError> {
    client.batch_execute("BEGIN ISOLATION LEVEL READ COMMITTED").await?;
    lock(client).await?;
    expect_utf8(client).await?;
    migrate(client).await?;
    search::open(client).await?;
    let identity = identity::settle(client).await?;
    client.batch_execute("COMMIT").await?;
    Ok(identity)
}

/// Keeps other nodes from opening the database until the transaction ends.
pub(super) async fn lock(client: &Client) -> Result<(), StoreError> {
    client.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await?;
    Ok(())
}

/// Fails with [`StoreError::Encoding`] unless the database has UTF-8. Other encodings cannot store some posts, and with
/// none (`SQL_ASCII`) text is stored unchecked.
async fn expect_utf8(client: &Client) -> Result<(), StoreError> {
    let row = client.query_one("SELECT current_setting('server_encoding')", &[]).await?;
    match row.get(0) {
        "UTF8" => Ok(()),
        other => Err(StoreError::Encoding(other.to_owned())),
    }
}

async fn migrate(client: &Client) -> Result<(), StoreError> {
    // A query instead of `IF NOT EXISTS`, which would log a notice at each start.
    let is_there = client.query_one("SELECT to_regclass('schema_version') IS NOT NULL", &[]).await?;
    if !is_there.get::<_, bool>(0) {
        client.batch_execute("CREATE TABLE schema_version (version BIGINT NOT NULL)").await?;
    }
    let row = client.query_one("SELECT coalesce(max(version), 0) FROM schema_version", &[]).await?;
    let found = usize::try_from(row.get::<_, i64>(0)).unwrap_or(usize::MAX);
    if found > MIGRATIONS.len() {
        return Err(StoreError::TooNew { found, known: MIGRATIONS.len() });
    }
    for migration in MIGRATIONS.iter().skip(found) {
        client.batch_execute(migration).await?;
    }
    if found < MIGRATIONS.len() {
        let version = MIGRATIONS.len() as i64;
        client.execute("DELETE FROM schema_version", &[]).await?;
        client.execute("INSERT INTO schema_version VALUES ($1)", &[&version]).await?;
    }
    Ok(())
}
