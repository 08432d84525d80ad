//! Tests of deleted texts in the files: SQLite moves rows within the database and leaves copies of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

use rusqlite::params;

use super::*;
use crate::{
    protocol::{cursor::Offset, name::RoomId, problem::Rejection},
    server::store::{Change, Fold, Folded, TagState},
};

const ROOMS: [&str; 3] = ["first", "other", "third"];
/// Entries of each room. They are stored in turn, so that rows of all rooms move when some grow.
const ENTRIES: Offset = 800;

/// Makes the body another one. An empty one erases it.
struct Rewrite(String);

impl Fold for Rewrite {
    fn fold(&self, _: Option<&Record>, _: &TagState, _: Offset) -> Result<Folded, Rejection> {
        let erase = self.0.is_empty().then_some((|_: &str| String::new()) as fn(&str) -> String);
        Ok(Folded { body: self.0.clone(), change_body: None, erase })
    }
}

fn topic(room: &str) -> TopicName {
    TopicName::Room(RoomId::parse(room).expect("fine"))
}

fn message(body: String) -> NewEntry {
    NewEntry { channel: None, body, ..draft("") }
}

fn change(target: Offset, body: String) -> NewEntry {
    let change = Some(Change { target, tag: None, fold: Arc::new(Rewrite(body)) });
    NewEntry { lasting: false, change, ..message("{}".into()) }
}

/// The text of a message, the same length for each.
fn text(room: &str, offset: Offset) -> String {
    format!("text {room} {offset:06}")
}

/// Counts how often each text is in the files.
fn texts_in(folder: &Folder) -> BTreeMap<String, usize> {
    let length = text(ROOMS[0], 1).len();
    let mut found = BTreeMap::new();
    for name in ["idobata.db", "idobata.db-wal"] {
        let file = fs::read(folder.path(name)).unwrap_or_default();
        for window in file.windows(length).filter(|window| window.starts_with(b"text ")) {
            *found.entry(String::from_utf8_lossy(window).into_owned()).or_default() += 1;
        }
    }
    found
}

/// A closed store in which texts stand twice: messages that grew, as by an edit, made SQLite move others. Returns the room
/// and offset of those, and the texts of the rest.
async fn with_copies() -> (Folder, Vec<(&'static str, Offset)>, BTreeSet<String>) {
    let folder = Folder::new();
    let store = folder.open().expect("opened");
    for number in 1..=ENTRIES {
        for room in ROOMS {
            // Each tenth entry makes an earlier one grow.
            let entry = match number % 10 {
                0 => change(
                    number - 9,
                    format!("{} {}", text(room, number - 9), "x".repeat(number as usize * 37 % 1_000)),
                ),
                _ => message(text(room, number)),
            };
            store.append(&topic(room), vec![entry]).await.expect("stored");
        }
    }
    store.close().await;
    let found = texts_in(&folder);
    let all = ROOMS.into_iter().flat_map(|room| (1..=ENTRIES).map(move |offset| (room, offset)));
    let twice: Vec<_> =
        all.filter(|(room, offset)| found.get(&text(room, *offset)).is_some_and(|n| *n > 1)).collect();
    assert!(!twice.is_empty(), "SQLite has left copies");
    let deleted: BTreeSet<_> = twice.iter().map(|(room, offset)| text(room, *offset)).collect();
    let rest = found.into_keys().filter(|text| !deleted.contains(text)).collect();
    (folder, twice, rest)
}

/// Waits until the files have these texts and no others.
async fn expect_texts(folder: &Folder, expected: &BTreeSet<String>) {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let found: BTreeSet<_> = texts_in(folder).into_keys().collect();
        if found == *expected {
            return;
        }
        let left: Vec<_> = found.symmetric_difference(expected).collect();
        assert!(Instant::now() < until, "{left:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn integrity(folder: &Folder) -> String {
    let connection = Connection::open(folder.database()).expect("opened");
    connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("checked")
}

#[tokio::test]
async fn no_file_keeps_a_copy_of_a_deleted_text_and_every_other_text_stays() {
    let (folder, twice, rest) = with_copies().await;
    let store = folder.open().expect("opened");
    for (room, offset) in twice {
        store.append(&topic(room), vec![change(offset, String::new())]).await.expect("deleted");
    }
    expect_texts(&folder, &rest).await;
    let mut read = BTreeSet::new();
    for room in ROOMS {
        let slice = store.read_after(&topic(room), 0, &Filter::default(), 2_000).await.expect("read");
        let bodies = slice.records.into_iter().map(|record| record.body);
        let length = text(room, 1).len();
        read.extend(bodies.filter_map(|body| body.starts_with("text ").then(|| body[..length].to_owned())));
    }
    assert_eq!(read, rest);
    store.close().await;
    assert_eq!(integrity(&folder), "ok");
}

#[tokio::test]
async fn what_a_killed_server_left_to_erase_is_erased_after_the_next_start() {
    let (folder, twice, rest) = with_copies().await;
    // A deletion is committed, and then the server is killed.
    let killed = Connection::open(folder.database()).expect("opened");
    killed.execute_batch("PRAGMA secure_delete = ON").expect("set");
    for (room, offset) in twice {
        let update = "UPDATE entries SET body = ''
                      WHERE offset = ?2 AND topic = (SELECT id FROM topics WHERE name = ?1)";
        killed.execute(update, params![topic(room).to_string(), offset]).expect("deleted");
    }
    killed.execute_batch("UPDATE erasures SET count = count + 1").expect("noted");
    drop(killed);
    assert_ne!(texts_in(&folder).into_keys().collect::<BTreeSet<_>>(), rest, "SQLite has left copies");

    let store = folder.open().expect("opened");
    expect_texts(&folder, &rest).await;
    store.close().await;
    assert_eq!(integrity(&folder), "ok");
}
