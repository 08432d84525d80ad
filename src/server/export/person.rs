//! The archive of what belongs to one person: their profile, read marks, levels, devices and mentions, the messages that they
//! wrote, and the files of those. `mod.rs` calls it. Nothing in it is a secret, and nothing of what others wrote but the
//! messages that mention them.
//!
//! It has what they can see: of a room that they may not enter it has nothing, as every other answer.

use serde_json::json;

use super::{
    Exports, Fault,
    archive::Archive,
    page,
    room::{LONG_FROM, line},
    words,
};
use crate::{
    app::i18n::Language,
    protocol::{chat::Room, cursor::Offset},
    server::{auth::Identity, chat::direct_room_of, store::Record},
};

/// Mentions that are read at once: each time all of them are looked at.
const MENTIONS: usize = 1_000;

/// Writes the archive of a person.
pub(super) async fn write(
    exports: &Exports,
    archive: &mut Archive,
    who: &Identity,
    language: Language,
) -> Result<(), Fault> {
    archive.text("profile.json", profile(exports, who).await?.as_bytes()).await?;
    archive.begin_text("mentions.jsonl", false).await?;
    write_mentions(exports, archive, who).await?;

    let rooms = rooms(exports, who).await?;
    let is_long = rooms.iter().map(|(_, head)| head).sum::<Offset>() >= LONG_FROM;
    archive.begin_text("messages.jsonl", is_long).await?;
    for (room, head) in &rooms {
        let mut own = Own { exports, who, room, head: *head, after: 0 };
        while let Some(records) = own.next().await? {
            for record in &records {
                archive.write(line(record).as_bytes()).await?;
            }
        }
    }

    let words = words::of(language);
    archive.begin_text("index.html", is_long).await?;
    let title = format!("{} {}", words.messages_of, who.user.name);
    archive.write(page::beginning(words, &title, "", exports.clock.wall_ms()).as_bytes()).await?;
    for (number, (room, head)) in rooms.iter().enumerate() {
        let mut own = Own { exports, who, room, head: *head, after: 0 };
        let (anchors, mut is_first) = (format!("r{number}-"), true);
        while let Some(records) = own.next().await? {
            for record in &records {
                if std::mem::take(&mut is_first) {
                    archive.write(page::heading(&room.name).as_bytes()).await?;
                }
                let (message, files) = Exports::parts(record);
                archive.write(page::message(words, &anchors, &message, &files).as_bytes()).await?;
            }
        }
    }
    archive.write(page::END.as_bytes()).await?;

    for (room, head) in &rooms {
        let mut own = Own { exports, who, room, head: *head, after: 0 };
        while let Some(records) = own.next().await? {
            for record in &records {
                // Their files may take hours.
                if own.may_enter().await {
                    exports.write_files(archive, record).await?;
                }
            }
        }
    }
    Ok(())
}

/// The person, their marks and levels, and their devices without the addresses and keys of those.
async fn profile(exports: &Exports, who: &Identity) -> Result<String, Fault> {
    let Exports { chat, notifier, .. } = exports;
    let devices = notifier.devices(&who.user.id).await?;
    let devices = devices.iter().map(|(_, device)| {
        json!({ "agent": device.agent, "service": device.service(), "language": device.language, "since": device.since })
    });
    let settings = notifier.settings_of(&who.user.id).await?;
    let profile = json!({
        "user": who.user,
        "exported": exports.clock.wall_ms(),
        "rooms": chat.user_state(who).await?.rooms,
        "devices": devices.collect::<Vec<_>>(),
        "quiet": settings.quiet,
        "every_message": settings.every_message,
        "rules": notifier.rules_of(&who.user.id).await?,
    });
    Ok(format!("{profile:#}\n"))
}

async fn write_mentions(exports: &Exports, archive: &mut Archive, who: &Identity) -> Result<(), Fault> {
    let mut before = None;
    loop {
        let page = exports.chat.mentions(who, before.as_ref(), MENTIONS).await?;
        for mention in &page.mentions {
            let line = serde_json::to_string(mention).map_err(std::io::Error::from)?;
            archive.write(line.as_bytes()).await?;
            archive.write(b"\n").await?;
        }
        before = page.next;
        if before.is_none() {
            return Ok(());
        }
    }
}

/// The rooms that the person may enter and those of their direct messages, with the newest offset of each.
async fn rooms(exports: &Exports, who: &Identity) -> Result<Vec<(Room, Offset)>, Fault> {
    let mut rooms = exports.chat.rooms(Some(who)).await?;
    rooms.extend(exports.chat.direct(who).await?.iter().map(direct_room_of));
    let mut with_heads = Vec::with_capacity(rooms.len());
    for room in rooms {
        let head = exports.head(&room.id).await?;
        with_heads.push((room, head));
    }
    Ok(with_heads)
}

/// The messages that the person wrote in a room, a page at a time.
struct Own<'a> {
    exports: &'a Exports,
    who: &'a Identity,
    room: &'a Room,
    head: Offset,
    after: Offset,
}

impl Own<'_> {
    async fn may_enter(&self) -> bool {
        self.exports.chat.room(self.room.id.as_str(), Some(self.who)).await.is_ok()
    }

    /// Returns the next of them, which may be none; `None` at the end, and when the person may not enter the room any more.
    async fn next(&mut self) -> Result<Option<Vec<Record>>, Fault> {
        if !self.may_enter().await {
            return Ok(None);
        }
        let mut records = self.exports.messages(&self.room.id, self.after, self.head).await?;
        let Some(last) = records.last() else { return Ok(None) };
        self.after = last.offset;
        records.retain(|record| record.author == self.who.user.id && !Exports::parts(record).0.deleted);
        Ok(Some(records))
    }
}
