//! The archive of a room: its messages as lines of JSON and as a page, and their files. `mod.rs` calls it. It reads the room
//! once for each of the three, a page at a time, and asks each time whether who asked still may have it.
//!
//! It has the messages up to the one that was the newest when it began, each as it is when it is written: what is deleted
//! meanwhile is in nothing that is written after that.

use serde_json::{Value, json};

use super::{Exports, Fault, archive::Archive, names, page, words};
use crate::{
    app::i18n::Language,
    protocol::{chat::Room, cursor::Offset},
    server::{auth::Actor, chat::encode_entry, store::Record},
};

/// Messages from which the texts may have gigabytes: a text has up to 32 KiB, and its HTML several times that.
pub(super) const LONG_FROM: Offset = 20_000;

/// Writes the archive of a room.
pub(super) async fn write(
    exports: &Exports,
    archive: &mut Archive,
    room: &Room,
    by: &Actor,
    language: Language,
) -> Result<(), Fault> {
    let head = exports.head(&room.id).await?;
    let is_long = head >= LONG_FROM;
    let about = json!({ "room": room, "exported": exports.clock.wall_ms(), "head": head });
    archive.text("room.json", format!("{about}\n").as_bytes()).await?;

    let mut pages = Pages { exports, room, by, head, after: 0 };
    archive.begin_text("messages.jsonl", is_long).await?;
    while let Some(records) = pages.next().await? {
        for record in &records {
            archive.write(line(record).as_bytes()).await?;
        }
    }

    let words = words::of(language);
    let mut pages = Pages { after: 0, ..pages };
    archive.begin_text("index.html", is_long).await?;
    let beginning = page::beginning(words, &room.name, &room.topic, exports.clock.wall_ms());
    archive.write(beginning.as_bytes()).await?;
    while let Some(records) = pages.next().await? {
        for record in &records {
            let (message, files) = Exports::parts(record);
            archive.write(page::message(words, "m", &message, &files).as_bytes()).await?;
        }
    }
    archive.write(page::END.as_bytes()).await?;

    let mut pages = Pages { after: 0, ..pages };
    while let Some(records) = pages.next().await? {
        for record in &records {
            // Their files may take hours.
            pages.check()?;
            exports.write_files(archive, record).await?;
        }
    }
    Ok(())
}

/// A message as a line of JSON: as readers get it, with the path of each of its files in the archive.
pub(super) fn line(record: &Record) -> String {
    let encoded = encode_entry(record);
    let Ok(mut message) = serde_json::from_str::<Value>(&encoded) else { return format!("{encoded}\n") };
    for file in message.get_mut("files").and_then(Value::as_array_mut).into_iter().flatten() {
        if let (Some(id), Some(name)) = (file["id"].as_str(), file["name"].as_str()) {
            file["path"] = names::of_content(id, name).into();
        }
    }
    format!("{message}\n")
}

/// The messages of a room, a page at a time.
struct Pages<'a> {
    exports: &'a Exports,
    room: &'a Room,
    by: &'a Actor,
    head: Offset,
    after: Offset,
}

impl Pages<'_> {
    fn check(&self) -> Result<(), Fault> {
        Ok(self.exports.chat.check_manager(&self.room.id, self.by)?)
    }

    /// The next page; `None` at the end. Fails when who asked may not have the room any more.
    async fn next(&mut self) -> Result<Option<Vec<Record>>, Fault> {
        self.check()?;
        let records = self.exports.messages(&self.room.id, self.after, self.head).await?;
        let Some(last) = records.last() else { return Ok(None) };
        self.after = last.offset;
        Ok(Some(records))
    }
}
