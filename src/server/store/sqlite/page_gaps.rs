//! The unused bytes in the middle of a page. SQLite overwrites a row that is deleted (`secure_delete`), but not what a row
//! leaves behind that it moves to another page: such a copy stays in the gap between the page's index and its rows, and
//! outlives the row. `erasure` has the gaps filled with zeros. Nothing here may touch a byte that SQLite reads.
//!
//! The pages are read and written through SQLite's own table of pages (`sqlite_dbpage`), in transactions, so that the
//! WAL, backups and other connections see them as any other write.

use std::ops::Range;

use rusqlite::{Connection, params};

use crate::server::store::StoreError;

/// Pages of a larger database could be mistaken: one that has the rest of a long row begins with the number of the next
/// one, whose first byte is that of no page with rows below this number (SQLite's file format, 1.6). It is 128 GiB.
const PAGES_MAX: u32 = 0x0200_0000;
/// The first page is the schema's and begins with the database's header.
pub(super) const FIRST_PAGE: u32 = 2;

/// Returns the number of pages, or `None` if the kinds of pages cannot be told apart.
pub(super) fn count_pages(connection: &Connection) -> Result<Option<u32>, StoreError> {
    let count: u32 = connection.query_row("PRAGMA page_count", [], |row| row.get(0))?;
    // Such a database has pages that begin with small numbers too. Ours are made without.
    let auto_vacuum: u32 = connection.query_row("PRAGMA auto_vacuum", [], |row| row.get(0))?;
    Ok((count < PAGES_MAX && auto_vacuum == 0).then_some(count))
}

/// Returns those of the pages that have anything but zeros in their gap.
pub(super) fn find_used(connection: &Connection, pages: Range<u32>) -> Result<Vec<u32>, StoreError> {
    let mut select = connection.prepare_cached("SELECT data FROM sqlite_dbpage WHERE pgno = ?1")?;
    let mut used = Vec::new();
    for number in pages {
        let mut rows = select.query([number])?;
        let Some(row) = rows.next()? else { break };
        let page = row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?;
        if gap_of(page).is_some_and(|gap| page[gap].iter().any(|byte| *byte != 0)) {
            used.push(number);
        }
    }
    Ok(used)
}

/// Fills the gaps of the pages with zeros. Call it in a transaction.
pub(super) fn clear(connection: &Connection, pages: &[u32]) -> Result<(), StoreError> {
    let mut select = connection.prepare_cached("SELECT data FROM sqlite_dbpage WHERE pgno = ?1")?;
    let mut update = connection.prepare_cached("UPDATE sqlite_dbpage SET data = ?2 WHERE pgno = ?1")?;
    for number in pages {
        let mut page: Vec<u8> = select.query_row([number], |row| row.get(0))?;
        // The page may have changed since it was looked at.
        if let Some(gap) = gap_of(&page) {
            page[gap].fill(0);
            update.execute(params![number, page])?;
        }
    }
    Ok(())
}

/// The gap of a page with rows; `None` for a page of another kind (SQLite's file format, 1.6).
fn gap_of(page: &[u8]) -> Option<Range<usize>> {
    let header_bytes = match page.first()? {
        0x02 | 0x05 => 12,
        0x0a | 0x0d => 8,
        _ => return None,
    };
    let number = |at: usize| Some(usize::from(u16::from_be_bytes([*page.get(at)?, *page.get(at + 1)?])));
    let start = header_bytes + 2 * number(3)?;
    let end = match number(5)? {
        0 => 65_536,
        end => end,
    };
    (start <= end && end <= page.len()).then_some(start..end)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    fn page(kind: u8, cells: u16, content: u16, bytes: usize) -> Vec<u8> {
        let mut page = vec![7; bytes];
        page[0] = kind;
        page[3..5].copy_from_slice(&cells.to_be_bytes());
        page[5..7].copy_from_slice(&content.to_be_bytes());
        page
    }

    #[test]
    fn a_gap_lies_between_the_index_of_a_page_and_its_rows() {
        assert_eq!(gap_of(&page(0x0d, 3, 100, 512)), Some(14..100));
        assert_eq!(gap_of(&page(0x0a, 0, 512, 512)), Some(8..512));
        assert_eq!(gap_of(&page(0x05, 2, 16, 512)), Some(16..16));
        assert_eq!(gap_of(&page(0x02, 0, 0, 65_536)), Some(12..65_536));
    }

    #[test]
    fn a_page_of_another_kind_or_a_damaged_one_has_no_gap() {
        for kind in [0x00, 0x01, 0x03, 0x0c, 0xff] {
            assert_eq!(gap_of(&page(kind, 1, 100, 512)), None);
        }
        assert_eq!(gap_of(&page(0x0d, 200, 100, 512)), None);
        assert_eq!(gap_of(&page(0x0d, 1, 513, 512)), None);
        assert_eq!(gap_of(&[0x0d, 0, 0]), None);
        assert_eq!(gap_of(&[]), None);
    }

    /// The texts that the file has at least `count` times.
    fn texts_in(path: &std::path::Path, count: usize) -> BTreeSet<u32> {
        let file = std::fs::read(path).expect("read");
        let mut found = BTreeMap::<u32, usize>::new();
        for at in file.windows(5).enumerate().filter(|(_, window)| *window == b"text ").map(|(at, _)| at) {
            // A part of one is none: the rest was overwritten.
            let digits = file.get(at + 5..at + 11).and_then(|digits| std::str::from_utf8(digits).ok());
            if let Some(number) = digits.and_then(|digits| digits.parse().ok()) {
                *found.entry(number).or_default() += 1;
            }
        }
        found.into_iter().filter(|(_, times)| *times >= count).map(|(number, _)| number).collect()
    }

    #[test]
    fn clearing_gaps_leaves_no_copy_of_a_deleted_row_and_every_other_row_as_it_was() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("test.db");
        let connection = Connection::open(&path).expect("opened");
        connection
            .execute_batch(
                "PRAGMA secure_delete = ON; PRAGMA synchronous = OFF;
                 CREATE TABLE texts (topic INT, number INT, body TEXT, PRIMARY KEY (topic, number)) WITHOUT ROWID;
                 BEGIN",
            )
            .expect("made");
        // Rows that grow between others make SQLite move them.
        for number in 0..3_000 {
            let body = format!("text {number:06}");
            connection
                .execute("INSERT INTO texts VALUES (?1, ?2, ?3)", params![number % 3, number, body])
                .expect("inserted");
            let grown =
                format!("text {:06} {}", number.max(30) - 30, "x".repeat(number as usize * 37 % 1_000));
            connection
                .execute(
                    "UPDATE texts SET body = ?2 WHERE topic = ?1 % 3 AND number = ?1 - 30",
                    params![number, grown],
                )
                .expect("updated");
        }
        connection.execute_batch("COMMIT").expect("committed");
        let deleted = texts_in(&path, 2);
        for number in &deleted {
            connection.execute("UPDATE texts SET body = '' WHERE number = ?1", [number]).expect("updated");
        }
        let rows = || {
            let mut select = connection.prepare("SELECT number, body FROM texts").expect("prepared");
            let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("queried");
            rows.collect::<Result<BTreeMap<u32, String>, _>>().expect("read")
        };
        let before = rows();
        assert!(!deleted.is_disjoint(&texts_in(&path, 1)), "SQLite has left a copy");

        let count = count_pages(&connection).expect("read").expect("small");
        let used = find_used(&connection, FIRST_PAGE..count + 1).expect("read");
        connection.execute_batch("BEGIN IMMEDIATE").expect("begun");
        clear(&connection, &used).expect("cleared");
        connection.execute_batch("COMMIT").expect("committed");

        assert!(deleted.is_disjoint(&texts_in(&path, 1)));
        assert!(find_used(&connection, FIRST_PAGE..count + 1).expect("read").is_empty());
        assert_eq!(rows(), before);
        let check: String =
            connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("checked");
        assert_eq!(check, "ok");
    }
}
