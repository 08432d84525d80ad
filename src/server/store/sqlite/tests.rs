//! A full disk, and the reuse of prepared statements: tests that need access to the store's connections.

use super::*;
use crate::protocol::{cursor::Epoch, name::RoomId};

struct Nobody;

impl Announce for Nobody {
    fn announce(&self, _: &Epoch, _: &[Appended]) {}
}

fn draft() -> NewEntry {
    // Large enough to need another page.
    NewEntry {
        author: "a".into(),
        client_id: None,
        channel: None,
        lasting: true,
        body: "x".repeat(8_192),
        change: None,
        reference: None,
        state: None,
        files: Vec::new(),
    }
}

/// Limits the database to `pages` more pages than it has now, as a disk does that is filling up.
async fn leave_pages(store: &SqliteStore, pages: i64) {
    let limit = move |connection: &Connection| {
        let count: i64 = connection.query_row("PRAGMA page_count", [], |row| row.get(0))?;
        Ok(connection.pragma_update(None, "max_page_count", count + pages)?)
    };
    store.writer.run(limit, |()| ()).await.expect("set");
}

#[tokio::test]
async fn a_full_disk_is_told_by_the_check_as_long_as_it_lasts_and_what_is_there_is_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = SqliteStore::open(&folder.path().join("test.db"), Arc::new(Nobody)).expect("opened");
    let (feed, room) = (TopicName::Feed, TopicName::Room(RoomId::parse("general").expect("fine")));
    store.append(&feed, vec![draft()]).await.expect("appended");
    store.check().await.expect("it can be written to");
    leave_pages(&store, 0).await;
    for _ in 0..3 {
        store.append(&feed, vec![draft()]).await.expect_err("full");
        store.check().await.expect_err("full");
    }
    store.append(&room, vec![draft()]).await.expect_err("a topic that would have to be made");
    let slice = store.read_after(&feed, 0, &Filter::default(), 9).await.expect("it is read");
    assert_eq!(slice.records.len(), 1);
    leave_pages(&store, 1_000).await;
    store.check().await.expect("there is space again, and nobody posted");
    let appended = store.append(&feed, vec![draft()]).await.expect("appended").remove(0);
    assert_eq!(appended.record.offset, 2, "no offset was lost");
    assert_eq!(store.list_all("probe").await, 0, "the probe left nothing");
}

impl SqliteStore {
    async fn list_all(&self, kind: &'static str) -> i64 {
        let count = move |connection: &Connection| {
            let count = "SELECT count(*) FROM documents WHERE kind = ?1";
            Ok(connection.query_row(count, [kind], |row| row.get(0))?)
        };
        self.read(count).await.expect("read")
    }
}

#[tokio::test]
async fn a_kept_statement_is_read_by_sqlite_once_whatever_its_parameters_are() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = SqliteStore::open(&folder.path().join("test.db"), Arc::new(Nobody)).expect("opened");
    let read_again = |connection: &Connection| {
        let sql = "SELECT value FROM json_each('[1]') WHERE (?1 IS NULL OR value = ?1) LIMIT ?2";
        for (value, limit) in [(None, 1), (Some(1), 9)] {
            let mut select = connection.prepare_cached(sql)?;
            select.query_row(rusqlite::params![value, limit], |row| row.get::<_, i64>(0))?;
        }
        Ok(connection.prepare_cached(sql)?.get_status(rusqlite::StatementStatus::RePrepare))
    };
    assert_eq!(store.read(read_again).await.expect("read"), 0);
    assert_eq!(store.writer.run(read_again, |_| ()).await.expect("read"), 0);
}

/// SQLite's plan for a statement.
async fn plan(store: &SqliteStore, sql: String) -> String {
    let plan = move |connection: &Connection| {
        let mut select = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
        let (mut rows, mut plan) = (select.raw_query(), String::new());
        while let Some(row) = rows.next()? {
            plan += &format!("{}; ", row.get::<_, String>(3)?);
        }
        Ok(plan)
    };
    store.read(plan).await.expect("read")
}

#[tokio::test]
async fn one_channel_and_the_names_of_all_are_read_by_their_own_indexes() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = SqliteStore::open(&folder.path().join("test.db"), Arc::new(Nobody)).expect("opened");
    for lasting in [true, false] {
        let filter = Filter { channels: Channels::of(Some("ops")), lasting, ..Filter::default() };
        for (condition, order) in [("offset < :offset", "DESC"), ("offset > :offset", "ASC")] {
            let plan = plan(&store, read::select_slice(&TopicName::Feed, condition, order, &filter)).await;
            let place = format!("(topic=? AND channel=? AND {}?)", &condition[..8].replace(' ', ""));
            assert!(plan.contains(&format!("entries_notices_by_channel {place}")), "{plan}");
            assert_eq!(plan.contains(&format!("entries_values {place}")), !lasting, "{plan}");
        }
    }
    let plan = plan(&store, read::select_channel_names()).await;
    for index in ["entries_values", "entries_notices_by_channel"] {
        assert_eq!(plan.matches(&format!("COVERING INDEX {index} (topic=?")).count(), 2, "{plan}");
        assert!(plan.contains(&format!("{index} (topic=? AND channel>?)")), "{plan}");
    }
    assert!(!plan.contains("SCAN entries"), "{plan}");
}

#[tokio::test]
async fn what_a_room_shows_is_counted_by_an_index_of_its_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = SqliteStore::open(&folder.path().join("test.db"), Arc::new(Nobody)).expect("opened");
    let plan = plan(&store, counts::COUNT.to_owned()).await;
    assert!(
        plan.contains("SEARCH entries USING COVERING INDEX entries_counted (topic=? AND offset>?)"),
        "{plan}"
    );
}
