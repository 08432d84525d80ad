//! Measures the search: how long a two-character Japanese word takes among a million messages, what the index adds to a post,
//! and how large it is. It asks the stores as the server does, without HTTP.
//!
//! ```sh
//! make search                                            # SQLite
//! DATABASE_URL=postgres://… make search                  # an empty database of PostgreSQL instead
//! make search ARGS='--messages 100000'
//! ```
//!
//! No time is asserted. A search that does not find what is there ends it with a failure.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a bench prints what it finds"
)]

mod texts;

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use idobata::{
    protocol::{cursor::Epoch, name::RoomId},
    server::{
        chat,
        config::{FileSettings, Retention},
        search::{Asker, Query, narrowed},
        store::{
            Announce, Appended, Channels, Document, NewEntry, Record, Search, Sharing, Store, TopicName,
            location::Location,
        },
    },
};
use jiff::{Timestamp, tz::TimeZone};

use self::texts::Texts;

type Fault = Box<dyn std::error::Error + Send + Sync>;

/// Messages of one transaction while the history is made.
const BATCH: u64 = 1_000;
/// Posts that are measured, one after the other.
const POSTS: u64 = 400;
/// Hits of a page.
const LIMIT: usize = 20;
/// Rooms that have the messages.
const ROOMS: u64 = 50;
/// A room of the posts that are measured.
const QUIET: u64 = 1_000;
/// Times that each query is asked.
const ROUNDS: usize = 20;

/// Says what is found of a message, or nothing: the difference is what the index costs.
struct Index(bool);

impl Announce for Index {
    fn announce(&self, _: &Epoch, _: &[Appended]) {}

    fn document(&self, record: &Record) -> Option<Document> {
        self.0.then(|| chat::document_of(record)).flatten()
    }
}

#[tokio::main]
async fn main() -> Result<(), Fault> {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let messages = match (arguments.next().as_deref(), arguments.next()) {
        (None, _) => 1_000_000,
        (Some("--messages"), Some(number)) => number.parse()?,
        _ => return Err("usage: make search ARGS='--messages N'".into()),
    };
    let data = tempfile::tempdir()?;
    let url = std::env::var("DATABASE_URL").ok();
    let url = url.map(|url| url.parse()).transpose().expect("any text is an address");
    let location = Location::of(url.as_ref(), data.path())?;
    println!("{location}, {messages} messages");
    let mut texts = Texts::new();
    let plain = post(&location, &mut texts, Index(false)).await?;
    fill(&location, &mut texts, messages).await?;
    search(&location, &texts, messages).await?;
    let indexed = post(&location, &mut texts, Index(true)).await?;
    println!(
        "a post, one after the other: {plain:?} in an empty database without the index, {indexed:?} with it"
    );
    trim(&location).await?;
    size(data.path());
    Ok(())
}

/// The time that retention needs for 5,000 messages, in steps between which posts go on.
async fn trim(location: &Location) -> Result<(), Fault> {
    let store = open(location, Index(true)).await?;
    let head = store.bounds(&room(1)).await?.head;
    let retention = Retention {
        entries: head.saturating_sub(5_000),
        age_ms: i64::MAX / 2,
        client_id_age_ms: i64::MAX / 2,
    };
    let since = Instant::now();
    let removed = store.trim(&room(1), retention, Timestamp::now().as_millisecond()).await?;
    println!("retention removed {removed} messages in {:.0?}", since.elapsed());
    store.close().await;
    Ok(())
}

async fn open(location: &Location, index: Index) -> Result<Arc<dyn Store>, Fault> {
    let opened = location.open(4, Sharing::Alone, FileSettings::default(), Arc::new(index)).await?;
    Ok(opened.store)
}

fn room(number: u64) -> TopicName {
    TopicName::Room(RoomId::parse(&format!("room-{number}")).expect("an id"))
}

fn message(text: &str) -> NewEntry {
    NewEntry {
        author: "writer".to_owned(),
        client_id: Some(uuid::Uuid::new_v4().to_string()),
        channel: None,
        lasting: true,
        body: serde_json::json!({ "user": "writer", "text": text }).to_string(),
        change: None,
        reference: None,
        files: Vec::new(),
        state: None,
    }
}

/// The median time of a post.
async fn post(location: &Location, texts: &mut Texts, index: Index) -> Result<Duration, Fault> {
    let store = open(location, index).await?;
    let mut took = Vec::new();
    for _ in 0..POSTS {
        let entry = message(&texts.next());
        let since = Instant::now();
        store.append(&room(QUIET), vec![entry]).await?;
        took.push(since.elapsed());
    }
    store.close().await;
    took.sort_unstable();
    Ok(took[took.len() / 2])
}

async fn fill(location: &Location, texts: &mut Texts, messages: u64) -> Result<(), Fault> {
    let store = open(location, Index(true)).await?;
    let since = Instant::now();
    for batch in 0..messages / BATCH {
        let entries = (0..BATCH).map(|_| message(&texts.next())).collect();
        store.append(&room(batch % ROOMS), entries).await?;
        if batch % 100 == 99 {
            eprintln!("{} messages in {:.0?}", (batch + 1) * BATCH, since.elapsed());
        }
    }
    println!("stored and indexed in {:.0?}", since.elapsed());
    store.close().await;
    Ok(())
}

async fn search(location: &Location, texts: &Texts, messages: u64) -> Result<(), Fault> {
    let store = open(location, Index(true)).await?;
    let topics: Vec<_> = (0..ROOMS).map(room).collect();
    let mut all = Vec::new();
    for (name, words) in texts.queries() {
        let (mut took, found) = ask(&*store, &words, &topics).await?;
        println!("{name}: {}, {found} hits of the last", percentiles(&mut took));
        let lacking =
            words.iter().find(|word| texts.is_frequent(word) && found < LIMIT && messages >= 100_000);
        if let Some(word) = lacking {
            return Err(format!("{word} is in many messages, and {found} were found").into());
        }
        if words.iter().all(|word| word.chars().count() == 2) {
            all.extend(took);
        }
    }
    println!("all words of two characters: {}", percentiles(&mut all));
    // Nothing is found in it: the worst case, for the index would go through what all the others wrote.
    let (mut took, found) = ask(&*store, &texts.frequent(), &[room(QUIET)]).await?;
    println!("frequent words, to a reader of another room: {}, {found} hits", percentiles(&mut took));
    store.close().await;
    Ok(())
}

/// The time of each query, and the hits of the last.
async fn ask(
    store: &dyn Store,
    words: &[String],
    topics: &[TopicName],
) -> Result<(Vec<Duration>, usize), Fault> {
    let (mut took, mut found) = (Vec::new(), 0);
    for _ in 0..ROUNDS {
        for word in words {
            let asker = Asker { id: None, now: Timestamp::now(), zone: TimeZone::UTC };
            let query = Query::parse(word, &asker).map_err(|misread| misread.to_string())?;
            let search = Search {
                pattern: narrowed(query.pattern, topics),
                topics: topics.to_vec(),
                channels: Channels::All,
                from_ms: None,
                until_ms: None,
                before: None,
                limit: LIMIT,
            };
            let since = Instant::now();
            found = store.search(&search).await?.len();
            took.push(since.elapsed());
        }
    }
    Ok((took, found))
}

fn percentiles(took: &mut [Duration]) -> String {
    took.sort_unstable();
    let at = |percent: usize| took[(took.len() * percent / 100).min(took.len() - 1)];
    format!("p50 {:.1?}, p95 {:.1?}, max {:.1?}", at(50), at(95), at(100))
}

/// The size of the file of SQLite; that of PostgreSQL is asked for by psql.
fn size(data: &Path) {
    let file = data.join("idobata.db");
    let Ok(connection) = rusqlite::Connection::open(&file) else { return };
    let select =
        "SELECT sum(pgsize) FILTER (WHERE name LIKE 'search\\_%' ESCAPE '\\'), sum(pgsize) FROM dbstat";
    match connection.query_row(select, [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))) {
        Ok((index, all)) => println!("the index has {} MB of {} MB", index / 1_000_000, all / 1_000_000),
        Err(_) => {
            println!("for PostgreSQL: SELECT pg_size_pretty(pg_total_relation_size('search_documents'))")
        }
    }
}
