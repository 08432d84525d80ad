//! Files of messages: `posting` puts what is stored about them into the message, and `encoding` into what readers get. The
//! store makes them part of the message in the transaction that appends it, and refuses those that are not its author's.

use serde::Serialize;

use super::{Chat, file_html::names_of};
use crate::{
    protocol::{
        chat::ServerFrame,
        file::{FILES_MAX, MessageFile, NamedFile, path_of_file},
        name::RoomId,
        problem::{Code, Rejection},
        session::User,
        text::MessageText,
    },
    server::{
        error::Error,
        store::{FileRecord, TopicName},
    },
};

/// A frame of a message with its files.
#[derive(Serialize)]
pub(super) struct WithFiles<'a> {
    #[serde(flatten)]
    frame: &'a ServerFrame,
    files: Vec<Linked<'a>>,
}

/// A file with its address.
#[derive(Serialize)]
struct Linked<'a> {
    #[serde(flatten)]
    file: &'a MessageFile,
    url: String,
}

impl<'a> WithFiles<'a> {
    /// The frame with these files.
    pub(super) fn new(frame: &'a ServerFrame, files: &'a [MessageFile]) -> Self {
        let files = files.iter().map(|file| Linked { file, url: path_of_file(&file.id, &file.name) });
        Self { frame, files: files.collect() }
    }
}

impl Chat {
    /// The files with the ids of `named`, in their order, as a message of the user in this room has them. One that is not there or
    /// not theirs is left out: the store rejects a new message that names it, and a repeat has its files already.
    pub(super) async fn files_named(
        &self,
        room: &RoomId,
        user: &User,
        named: &[NamedFile],
    ) -> Result<Vec<MessageFile>, Error> {
        if named.len() > FILES_MAX {
            let message = format!("A message has at most {FILES_MAX} files.");
            return Err(Rejection::new(Code::BadRequest, message).into());
        }
        if named.is_empty() {
            return Ok(Vec::new());
        }
        let ids = ids_of(named);
        let topic = TopicName::Room(room.clone());
        let mut found = self.hub.store().files(&ids).await?;
        found.retain(|file| file.topic == topic && file.owner == user.id);
        found.sort_by_key(|file| ids.iter().position(|id| *id == file.id));
        let alt_of = |id: &str| named.iter().find(|file| file.id == id).and_then(|file| file.alt.clone());
        Ok(found.into_iter().map(|file| file_of(alt_of(&file.id), file)).collect())
    }
}

/// The ids of named files.
pub(super) fn ids_of(named: &[NamedFile]) -> Vec<String> {
    named.iter().map(|file| file.id.clone()).collect()
}

fn file_of(alt: Option<String>, file: FileRecord) -> MessageFile {
    let FileRecord { id, name, media_type, size, width, height, .. } = file;
    MessageFile { id, name, media_type, size, width, height, alt }
}

/// The text of a message that names files. Without one it is their names, so that a notification, a search and a client that
/// knows no files have something to show.
pub(super) fn text_with_files(
    text: &str,
    named: &[NamedFile],
    files: &[MessageFile],
) -> Result<String, Rejection> {
    if named.is_empty() || !text.trim().is_empty() {
        return Ok(MessageText::parse(text)?.into_string());
    }
    let names = names_of(files);
    // Those of a repeat may be gone; its text is not used then.
    let names = if names.is_empty() { "file" } else { &names };
    Ok(MessageText::parse(names)?.into_string())
}
