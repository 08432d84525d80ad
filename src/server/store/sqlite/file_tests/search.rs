//! Tests of deleted words in the files: the index of the search must not keep them.

use std::time::Instant;

use super::*;
use crate::{
    protocol::{cursor::Offset, name::RoomId, problem::Rejection},
    server::{
        store::{Change, Document, Fold, Folded, TagState},
        words::{Facet, facet, words},
    },
};

/// Messages, in several of FTS5's segments and pages.
const MESSAGES: Offset = 1_500;

struct Indexing;

impl Announce for Indexing {
    fn announce(&self, _: &Epoch, _: &[Appended]) {}

    fn document(&self, record: &Record) -> Option<Document> {
        let words: Vec<_> = words(&record.body).into_iter().map(|word| word.text).collect();
        (!words.is_empty()).then(|| Document { words, ..Document::default() })
    }
}

struct Delete;

impl Fold for Delete {
    fn fold(&self, _: Option<&Record>, _: &TagState, _: Offset) -> Result<Folded, Rejection> {
        Ok(Folded { body: String::new(), change_body: None, erase: Some(|_| String::new()) })
    }
}

/// A word that no other message has, and that begins in its own way: FTS5 stores what a word shares with the one before it
/// only once.
fn word(offset: Offset) -> String {
    facet(Facet::Key, &offset.to_string())[2..].to_owned()
}

/// The messages whose word is in a file.
fn found_in(folder: &Folder) -> Vec<Offset> {
    let files = ["idobata.db", "idobata.db-wal"].map(|name| fs::read(folder.path(name)).unwrap_or_default());
    let text: Vec<_> = files.iter().map(|file| String::from_utf8_lossy(file)).collect();
    // The end of the word is stored in any case.
    let has = |offset: &Offset| text.iter().any(|text| text.contains(&word(*offset)[6..]));
    (1..=MESSAGES).filter(has).collect()
}

#[tokio::test]
async fn no_file_keeps_a_deleted_word_in_the_index_and_every_other_word_stays() {
    let folder = Folder::new();
    let store = SqliteStore::open(&folder.database(), Arc::new(Indexing)).expect("opened");
    let topic = TopicName::Room(RoomId::parse("general").expect("fine"));
    let message = |body: String| NewEntry { channel: None, body, ..draft("") };
    for first in (1..=MESSAGES).step_by(50) {
        let drafts = (first..first + 50).map(|offset| message(format!("and so on {}", word(offset))));
        store.append(&topic, drafts.collect()).await.expect("stored");
    }
    assert_eq!(found_in(&folder).len() as u64, MESSAGES);
    for target in (1..=MESSAGES).filter(|offset| offset % 3 == 0) {
        let change = Some(Change { target, tag: None, fold: Arc::new(Delete) });
        let entry = NewEntry { lasting: false, change, ..message("{}".to_owned()) };
        store.append(&topic, vec![entry]).await.expect("deleted");
    }
    let expected: Vec<_> = (1..=MESSAGES).filter(|offset| offset % 3 != 0).collect();
    let until = Instant::now() + Duration::from_secs(30);
    while found_in(&folder) != expected {
        let left: Vec<_> = found_in(&folder).into_iter().filter(|offset| offset % 3 == 0).collect();
        assert!(Instant::now() < until, "{left:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    store.close().await;
    let connection = Connection::open(folder.database()).expect("opened");
    let check = "INSERT INTO search_words (search_words, rank) VALUES ('integrity-check', 1)";
    connection.execute(check, []).expect("the index has what the table has");
}
