//! Changes of messages: who may change what, and how a change is folded into the stored message. The sockets, routes and
//! forms call it by [`Chat`]; the store runs the fold in the transaction that appends the change.
//!
//! The caller has checked that the user may enter the room. A deletion must leave no text of the message behind: not in
//! the message, not in its earlier texts, not in its edits.

use std::{collections::HashSet, sync::Arc};

use serde::Serialize;

use super::{
    Chat,
    encoding::{EarlierText, StoredChange, StoredMessage, change_in, changed_of, message_of, stored_message},
    mentions::{Named, Place, Told, dropped},
};
use crate::{
    protocol::{
        change::{ChangeKind, MessageChanged, NewChange, REACTION_USERS_MAX, REACTIONS_MAX, Reaction},
        chat::Message,
        cursor::Offset,
        name::RoomId,
        problem::{Code, Rejection},
        session::User,
        text::MessageText,
    },
    server::{
        auth::{Actor, Identity},
        authz::{Action, Deed},
        clock::now_ms,
        config::EditingSettings,
        emoji,
        error::Error,
        store::{Appended, Change, Filter, Fold, Folded, NewEntry, Record, TagChange, TagState, TopicName},
    },
};

/// The tag of a pinned message, which no emoji is.
pub(super) const PIN: &str = "pin";

impl Chat {
    /// Changes a message. Returns when the change is durable; `bool` is false if a change with this id was made before.
    pub async fn change(
        &self,
        room: &RoomId,
        who: &Identity,
        target: Offset,
        change: NewChange,
    ) -> Result<(MessageChanged, bool), Error> {
        self.check_writing(room, who)?;
        let NewChange { id, kind, text, emoji } = change;
        let id = parse_id(&id)?;
        let (text, emoji) = (text.unwrap_or_default(), emoji.unwrap_or_default());
        let what = match kind {
            ChangeKind::Edit => What::Edit(MessageText::parse(&text)?.into_string(), Named::default()),
            ChangeKind::Delete => What::Delete,
            ChangeKind::React => What::React { emoji: parse_emoji(&emoji)?, is_given: true },
            ChangeKind::Unreact => What::React { emoji: parse_emoji(&emoji)?, is_given: false },
            ChangeKind::Pin => What::Pin(true),
            ChangeKind::Unpin => What::Pin(false),
        };
        self.limits.message(&who.user).await?;
        if kind != ChangeKind::Delete {
            self.check_direct(room, &who.user)?;
        }
        let what = match what {
            What::Edit(text, _) => {
                let named = self.named_in(room, who, &text).await?;
                What::Edit(text, named)
            }
            other => other,
        };
        let is_moderator = self.is_moderator(room, who);
        let told = match &what {
            What::Edit(_, named) => named.told.clone(),
            _ => HashSet::new(),
        };
        let body = what.stored(kind, &who.user, None);
        let tag = what.tag(&who.user);
        let fold = MessageFold {
            author: who.user.clone(),
            is_moderator,
            kind,
            what,
            at_ms: now_ms(),
            editing: self.editing,
        };
        let entry = NewEntry {
            author: who.user.id.clone(),
            client_id: Some(id),
            channel: None,
            lasting: false,
            body: to_json(&body),
            change: Some(Change { target, tag, fold: Arc::new(fold) }),
            reference: None,
            state: None,
            files: Vec::new(),
        };
        let appended = self.hub.publish(&TopicName::Room(room.clone()), vec![entry]).await;
        if kind == ChangeKind::Delete {
            // Also after an error: a database that fails may have done it, and not have said so.
            self.removed_files.notify_one();
        }
        let first = appended?.pop().expect("one new entry gives one entry");
        let target = first.record.target.ok_or_else(|| {
            Rejection::new(Code::BadId, "This id belongs to a message; a change needs an id of its own.")
        })?;
        if kind == ChangeKind::Delete {
            self.note_deletion(room, who, &first, target).await?;
            self.note_activity(room);
        }
        if matches!(kind, ChangeKind::Edit | ChangeKind::Delete) {
            self.tell_of_change(room, &who.user, &first, target, told).await?;
        }
        Ok((changed_of(&first.record, target), first.first))
    }

    /// Tells whom an edited text names, and takes back the mentions of whom it names no more, as the stored change says: so a
    /// repeat does the same.
    async fn tell_of_change(
        &self,
        room: &RoomId,
        author: &User,
        Appended { record, first, .. }: &Appended,
        target: Offset,
        told: HashSet<String>,
    ) -> Result<(), Error> {
        let StoredChange { mentions, groups, added, dropped, had_groups, .. } = change_in(record);
        let told = match first {
            true => told,
            false => self.told_again(room, &record.author, &mentions, &groups).await?,
        };
        let mut untold: HashSet<_> = dropped.into_iter().collect();
        if had_groups {
            untold.extend(self.all_people(room).await?);
        }
        // A push is for those only whom the text before did not name.
        let is_named = |id: &String| mentions.iter().any(|user| user.id == *id);
        let is_new = |id: &&String| added.contains(*id) || (!had_groups && !is_named(id));
        let newly_told: HashSet<_> = told.iter().filter(is_new).cloned().collect();
        self.tell(&Place { room, offset: target, rev: record.offset }, Told { told, untold }).await?;
        if newly_told.is_empty() {
            return Ok(());
        }
        let topic = TopicName::Room(room.clone());
        let message = self.hub.store().read_each(&topic, &[target]).await?.pop();
        let Some(Record { timestamp, .. }) = message else { return Ok(()) };
        Ok(self.queue_push(room, (target, record.offset), timestamp, author, newly_told).await?)
    }

    /// Writes into the log of actions that somebody deleted the message of somebody else. Its reports are done with.
    async fn note_deletion(
        &self,
        room: &RoomId,
        who: &Identity,
        appended: &Appended,
        target: Offset,
    ) -> Result<(), Error> {
        self.rights.drop_reports(room, target).await?;
        let Some(deleted) = appended.folded.as_ref().filter(|record| record.author != who.user.id) else {
            return Ok(());
        };
        let author = User { id: deleted.author.clone(), name: stored_message(deleted).user };
        let action = Action::in_room(&Actor::from(who), Deed::DeleteMessage, room)
            .to(&author)
            .with(target.to_string());
        self.rights.note_action(&action).await
    }

    /// Returns true if the user may delete the messages of others: an owner of the room, its moderators, and every
    /// administrator; among direct messages nobody.
    pub fn is_moderator(&self, room: &RoomId, who: &Identity) -> bool {
        let is_admin = who.is_admin && !self.rights.is_direct(room);
        is_admin || self.rights.owns(room, who) || self.rights.moderates(room, &who.user.id)
    }

    /// A message and its earlier texts, oldest first, for a caller who may enter the room.
    pub async fn message(
        &self,
        room: &RoomId,
        who: Option<&Identity>,
        target: Offset,
    ) -> Result<(Message, Vec<EarlierText>), Error> {
        let (topic, filter) = (TopicName::Room(room.clone()), Filter { lasting: true, ..Filter::default() });
        let slice = self.hub.store().read_after(&topic, target.saturating_sub(1), &filter, 1).await?;
        self.rights.check_entry(room, who)?;
        let record =
            slice.records.first().filter(|record| record.offset == target && record.target.is_none());
        let record = record.ok_or_else(unknown_message)?;
        Ok((message_of(record), stored_message(record).earlier))
    }
}

/// The canonical form of a client id.
pub(super) fn parse_id(id: &str) -> Result<String, Rejection> {
    let id = uuid::Uuid::try_parse(id).map_err(|_| {
        Rejection::new(Code::BadId, "The id of a message or a change must be a UUID made by the client.")
    })?;
    Ok(id.to_string())
}

/// The emoji that this text is, or whose shortcode it is.
fn parse_emoji(text: &str) -> Result<&'static str, Rejection> {
    emoji::parse(text).ok_or_else(|| {
        Rejection::new(Code::BadEmoji, "A reaction is one emoji or its shortcode; GET /api/emoji finds them.")
    })
}

/// The action of a change.
enum What {
    Edit(String, Named),
    Delete,
    React { emoji: &'static str, is_given: bool },
    Pin(bool),
}

impl What {
    /// The tag that it gives or takes: a reaction's is the emoji, and a user holds it.
    fn tag(&self, user: &User) -> Option<TagChange> {
        match self {
            Self::Edit(..) | Self::Delete => None,
            Self::React { emoji, is_given } => Some(TagChange {
                name: (*emoji).to_owned(),
                holder: user.id.clone(),
                holder_name: user.name.clone(),
                is_given: *is_given,
            }),
            Self::Pin(is_given) => Some(TagChange {
                name: PIN.to_owned(),
                holder: String::new(),
                holder_name: String::new(),
                is_given: *is_given,
            }),
        }
    }

    fn stored(&self, kind: ChangeKind, user: &User, reaction: Option<Reaction>) -> StoredChange {
        let change = StoredChange { user: user.name.clone(), kind, reaction, ..StoredChange::default() };
        match self {
            Self::Edit(text, Named { people, groups, .. }) => StoredChange {
                text: Some(text.clone()),
                mentions: people.clone(),
                groups: groups.clone(),
                ..change
            },
            _ => change,
        }
    }
}

/// The rule by which a change becomes part of its message.
struct MessageFold {
    /// The user who changes it.
    author: User,
    /// They may delete the messages of others.
    is_moderator: bool,
    kind: ChangeKind,
    what: What,
    /// The time of the change, in milliseconds since the Unix epoch.
    at_ms: i64,
    editing: EditingSettings,
}

impl Fold for MessageFold {
    fn fold(&self, stored: Option<&Record>, tag: &TagState, offset: Offset) -> Result<Folded, Rejection> {
        let record = stored.filter(|record| record.target.is_none()).ok_or_else(unknown_message)?;
        let message = stored_message(record);
        if message.deleted {
            return Err(message_deleted());
        }
        self.check_right(record)?;
        let (mut erase, mut change_body) = (None, None);
        let message = match &self.what {
            What::Edit(text, named) => {
                let files = message.files.clone();
                change_body = Some(to_json(&StoredChange {
                    files,
                    ..self.change_after(&message, &named.people, None)
                }));
                self.edited(message, text.clone(), named)
            }
            What::Delete => {
                erase = Some(erased as fn(&str) -> String);
                change_body = Some(to_json(&self.change_after(&message, &[], message.thread)));
                let StoredMessage { user, reply_to, thread, .. } = message;
                StoredMessage { user, reply_to, thread, deleted: true, ..StoredMessage::default() }
            }
            What::React { emoji, is_given } => {
                let (message, reaction) = self.reacted(message, tag, emoji, *is_given)?;
                change_body = Some(to_json(&self.what.stored(self.kind, &self.author, Some(reaction))));
                message
            }
            What::Pin(is_pinned) => StoredMessage { pinned: *is_pinned, ..message },
        };
        Ok(Folded { body: to_json(&StoredMessage { rev: offset, ..message }), change_body, erase })
    }
}

impl MessageFold {
    fn check_right(&self, record: &Record) -> Result<(), Rejection> {
        let is_own = record.author == self.author.id;
        let not_allowed = match self.kind {
            ChangeKind::Edit if !is_own => Some("You can edit your own messages only."),
            ChangeKind::Delete if !is_own && !self.is_moderator => Some(
                "You can delete your own messages only; an owner of the room, its moderators and administrators can delete all.",
            ),
            _ => None,
        };
        if let Some(message) = not_allowed {
            return Err(Rejection::new(Code::NotAllowed, message));
        }
        // A clock that was set back makes no message older.
        let age_ms = self.at_ms.saturating_sub(record.timestamp);
        match self.editing.edit_window_ms() {
            Some(window_ms) if self.kind == ChangeKind::Edit && age_ms > window_ms => {
                let message = format!(
                    "A message can be edited for {} after it was posted (--edit-window).",
                    humantime::format_duration(std::time::Duration::from_millis(window_ms.unsigned_abs()))
                );
                Err(Rejection::new(Code::TooLate, message))
            }
            _ => Ok(()),
        }
    }

    /// The stored change after which a message names these people, with those whom it named before and no more.
    fn change_after(&self, before: &StoredMessage, people: &[User], thread: Option<Offset>) -> StoredChange {
        // Names of the one that the other does not have.
        let (added, dropped) = (dropped(people, &before.mentions), dropped(&before.mentions, people));
        let had_groups = before.groups.iter().any(|group| group.told > 0);
        StoredChange { thread, added, dropped, had_groups, ..self.what.stored(self.kind, &self.author, None) }
    }

    fn edited(&self, mut message: StoredMessage, text: String, named: &Named) -> StoredMessage {
        let earlier = EarlierText { text: std::mem::replace(&mut message.text, text), until: self.at_ms };
        message.earlier.push(earlier);
        let surplus = message.earlier.len().saturating_sub(self.editing.edit_history);
        message.earlier.drain(..surplus);
        let (mentions, groups) = (named.people.clone(), named.groups.clone());
        StoredMessage { edited: true, mentions, groups, ..message }
    }

    /// The message after a reaction came or went, and the people of its emoji then. One that is there already, or not
    /// there, changes nothing.
    fn reacted(
        &self,
        mut message: StoredMessage,
        tag: &TagState,
        emoji: &str,
        is_given: bool,
    ) -> Result<(StoredMessage, Reaction), Rejection> {
        let known = message.reactions.iter().find(|known| known.emoji == emoji);
        let is_new = known.is_none() && is_given;
        if is_new && message.reactions.len() >= REACTIONS_MAX {
            let message = format!("A message can have reactions with {REACTIONS_MAX} different emoji.");
            return Err(Rejection::new(Code::TooManyReactions, message));
        }
        let mut count = known.map_or(0, |known| known.count);
        let mut users: Vec<_> =
            tag.first.iter().map(|(id, name)| User { id: id.clone(), name: name.clone() }).collect();
        if is_given && !tag.is_held {
            count += 1;
            users.push(self.author.clone());
        } else if !is_given && tag.is_held {
            count = count.saturating_sub(1);
            users.retain(|user| user.id != self.author.id);
        }
        users.truncate(REACTION_USERS_MAX);
        let reaction = Reaction { emoji: emoji.to_owned(), count, users };
        reaction.put_into(&mut message.reactions);
        Ok((message, reaction))
    }
}

/// A stored change without the text of an edit, whom it names, and the people of a reaction.
fn erased(body: &str) -> String {
    to_json(&match serde_json::from_str::<StoredChange>(body) {
        Ok(StoredChange { user, kind, text, thread, .. }) => {
            StoredChange { user, kind, text: text.map(|_| String::new()), thread, ..StoredChange::default() }
        }
        // Whatever it is, its text may be in it.
        Err(_) => StoredChange { text: Some(String::new()), ..StoredChange::default() },
    })
}

pub(super) fn unknown_message() -> Rejection {
    Rejection::new(
        Code::UnknownMessage,
        "The room has no such message: there never was one, or it is too old.",
    )
}

pub(super) fn message_deleted() -> Rejection {
    Rejection::new(Code::MessageDeleted, "This message was deleted.")
}

pub(super) fn to_json(body: &impl Serialize) -> String {
    serde_json::to_string(body).expect("plain data is always JSON")
}
