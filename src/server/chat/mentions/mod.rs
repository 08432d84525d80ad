//! Mentions: the people whom a message names, and the entries in their logs that tell them. `posting` and `changes` call it,
//! with the people of the room as they are when the message is posted; `finder` finds the names.
//!
//! A message is committed first, and then each person's log gets its entry, before the post is acknowledged. So an acknowledged
//! post has its mentions durable. If the server ends between the two, the client had no answer and sends the same post again:
//! that appends no second message, and tells whom the stored one names. An entry's client id is made of the message, its
//! revision and the person, and the mark's rule ignores what is there already: however often a post comes, each person is told
//! once. A client that never repeats an unanswered post leaves the message without the rest of its mentions.

mod finder;

use std::collections::{HashMap, HashSet};

use futures_util::{StreamExt, TryStreamExt, stream};
use sha2::{Digest, Sha256};

use super::{Chat, name_key::name_key, people::distinct};
use crate::{
    protocol::{
        cursor::Offset,
        mention::{GROUP_HERE, GROUP_ROOM, GroupMention, MENTIONED_MAX},
        name::RoomId,
        session::User,
    },
    server::{
        auth::Identity,
        config::GroupMentions,
        error::Error,
        markdown,
        store::{Bounds, Person, StoreError, TopicName},
    },
};

/// The most people whom somebody tells with `@here` or `@room` who does not own the room: in a larger one it would disturb many
/// who do not know each other.
const GROUP_MAX: usize = 100;

/// The most people whom an owner or an administrator tells at once: each is an entry in a log of their own.
const OWNERS_GROUP_MAX: usize = 1_000;

/// The people from whom a group's mention is taken back: more than it was given to, as people have come since.
const UNTOLD_MAX: usize = 10_000;

/// Entries that are appended at the same time. They are of different logs.
const AT_ONCE: usize = 32;

/// The people and groups that a text names.
#[derive(Clone, Debug, Default)]
pub(super) struct Named {
    /// The people, in the order of the text, without the author.
    pub(super) people: Vec<User>,
    pub(super) groups: Vec<GroupMention>,
    /// The ids of all who are told: the people, and those of the groups.
    pub(super) told: HashSet<String>,
}

/// The people whom a change of a message tells, and those from whom it takes the mention back.
pub(super) struct Told {
    pub(super) told: HashSet<String>,
    pub(super) untold: HashSet<String>,
}

/// The place of a message's mentions, of which client ids are made.
pub(super) struct Place<'a> {
    pub(super) room: &'a RoomId,
    pub(super) offset: Offset,
    /// The offset of the change that named them; 0: the post.
    pub(super) rev: Offset,
}

/// A name that may stand behind a sign.
#[derive(Clone, Debug)]
enum Target {
    People(Vec<User>),
    Group(&'static str),
}

impl Chat {
    /// The people and groups named in a text that `author` posts to a room.
    pub(super) async fn named_in(
        &self,
        room: &RoomId,
        author: &Identity,
        text: &str,
    ) -> Result<Named, StoreError> {
        if !finder::has_sign(text) {
            return Ok(Named::default());
        }
        let texts = markdown::prose(text);
        let known = self.known_names(room, finder::candidates(&texts)).await?;
        let (mut people, mut groups) = (Vec::new(), Vec::new());
        for (_, target) in texts.iter().flat_map(|text| finder::find(text, &known)) {
            match target {
                Target::People(users) => people.extend(users.iter().cloned()),
                Target::Group(group) if !groups.contains(group) => groups.push(*group),
                Target::Group(_) => {}
            }
        }
        let others = people.into_iter().filter(|user| user.id != author.user.id);
        let people: Vec<_> = distinct(others).take(MENTIONED_MAX).collect();
        let mut named =
            Named { told: people.iter().map(|user| user.id.clone()).collect(), people, groups: Vec::new() };
        for name in groups {
            let told = self.told_by(room, author, name).await?;
            named.groups.push(GroupMention { name: name.to_owned(), told: told.len() as u64 });
            named.told.extend(told);
        }
        Ok(named)
    }

    /// The people of the room, and the groups, with these names.
    async fn known_names(
        &self,
        room: &RoomId,
        keys: Vec<String>,
    ) -> Result<HashMap<String, Target>, StoreError> {
        let stored = self.hub.store().people_named(room.as_str(), &keys).await?.into_iter();
        let stored = stored.filter(|person| self.rights.admits(room, &person.id));
        let stored = stored.map(|Person { id, name, .. }| User { id, name });
        let is_asked = |user: &User| keys.binary_search(&name_key(&user.name)).is_ok();
        let present = self.presence.members(room).into_iter().filter(is_asked);
        let mut known: HashMap<String, Target> = HashMap::new();
        let members = self.direct_members(room).into_iter().filter(is_asked);
        for user in distinct(present.chain(stored).chain(members)) {
            let target = known.entry(name_key(&user.name)).or_insert_with(|| Target::People(Vec::new()));
            if let Target::People(users) = target {
                users.push(user);
            }
        }
        known.extend([GROUP_HERE, GROUP_ROOM].map(|group| (group.to_owned(), Target::Group(group))));
        Ok(known)
    }

    /// The people whom `@here` or `@room` of this author tells; nobody if there are too many, or the settings do not let them.
    async fn told_by(
        &self,
        room: &RoomId,
        author: &Identity,
        group: &str,
    ) -> Result<HashSet<String>, StoreError> {
        let is_moderator = self.is_moderator(room, author);
        if self.group_mentions == GroupMentions::Owners && !is_moderator {
            return Ok(HashSet::new());
        }
        let max = if is_moderator { OWNERS_GROUP_MAX } else { GROUP_MAX };
        let mut people = self.people_in(room, group, max + 1).await?;
        if people.len() > max {
            return Ok(HashSet::new());
        }
        people.remove(&author.user.id);
        Ok(people)
    }

    /// The ids of a group's people, of those who are away `limit` at most.
    async fn people_in(
        &self,
        room: &RoomId,
        group: &str,
        limit: usize,
    ) -> Result<HashSet<String>, StoreError> {
        let mut ids: HashSet<_> = self.presence.members(room).into_iter().map(|user| user.id).collect();
        if group == GROUP_ROOM {
            let stored = self.hub.store().people(room.as_str(), "", limit).await?.into_iter();
            ids.extend(stored.map(|person| person.id).filter(|id| self.rights.admits(room, id)));
            ids.extend(self.direct_members(room).into_iter().map(|user| user.id));
        }
        Ok(ids)
    }

    /// The people whom a stored message tells when its post comes again: whom it names, and those who are in its groups now.
    pub(super) async fn told_again(
        &self,
        room: &RoomId,
        author: &str,
        mentions: &[User],
        groups: &[GroupMention],
    ) -> Result<HashSet<String>, StoreError> {
        let mut told: HashSet<_> = mentions.iter().map(|user| user.id.clone()).collect();
        for group in groups.iter().filter(|group| group.told > 0) {
            let people = self.people_in(room, &group.name, OWNERS_GROUP_MAX).await?;
            told.extend(people.into_iter().filter(|id| id != author));
        }
        Ok(told)
    }

    /// Everybody whom a group of a message may have told.
    pub(super) async fn all_people(&self, room: &RoomId) -> Result<HashSet<String>, StoreError> {
        self.people_in(room, GROUP_ROOM, UNTOLD_MAX).await
    }

    /// Writes the mentions of a message into the logs of those whom it names, and takes those back of whom it names no more.
    /// When this returns, they are durable.
    pub(super) async fn tell(&self, place: &Place<'_>, Told { told, untold }: Told) -> Result<(), Error> {
        if told.is_empty() && untold.is_empty() {
            return Ok(());
        }
        let bounds = self.hub.store().bounds(&TopicName::Room(place.room.clone())).await?;
        if place.offset <= bounds.floor {
            return Ok(()); // retention has removed it
        }
        let untold = untold.into_iter().filter(|id| !told.contains(id)).map(|id| (id, false));
        let all: Vec<_> = untold.chain(told.iter().map(|id| (id.clone(), true))).collect();
        let bounds = &bounds;
        stream::iter(all)
            .map(|(user_id, is_given)| async move {
                let id = client_id(place, bounds, &user_id, is_given);
                self.store_mention(&user_id, (place.room, bounds), (id, place.offset), is_given).await
            })
            .buffer_unordered(AT_ONCE)
            .try_collect::<()>()
            .await
    }
}

/// The client id of an entry, always the same for the same mention: a UUID of version 8 (RFC 9562, 5.8).
fn client_id(place: &Place<'_>, bounds: &Bounds, user_id: &str, is_given: bool) -> String {
    let Place { room, offset, rev } = place;
    let kind = if is_given { "mention" } else { "unmention" };
    let Bounds { epoch, .. } = bounds;
    let digest = Sha256::digest(format!("{kind} {room} {epoch} {offset} {rev} {user_id}"));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string()
}

/// The HTML of a text in which these were found. `None`: it has none.
pub(super) fn html_of(text: &str, people: &[User], groups: &[GroupMention]) -> Option<String> {
    let mut known: HashMap<String, Vec<(&'static str, String)>> = HashMap::new();
    for user in people {
        known.entry(name_key(&user.name)).or_default().push(("data-user", user.id.clone()));
    }
    known.extend(groups.iter().map(|group| (group.name.clone(), vec![("data-group", group.name.clone())])));
    if known.is_empty() {
        return markdown::html_of(text);
    }
    let names = |text: &str| {
        let found = finder::find(text, &known).into_iter();
        found.map(|(place, marks)| (place, marks.clone())).collect()
    };
    markdown::html_with_names(text, &names)
}

/// The people of an earlier text whom a later one does not name, for the change that made it.
pub(super) fn dropped(before: &[User], now: &[User]) -> Vec<String> {
    let is_dropped = |user: &&User| now.iter().all(|named| named.id != user.id);
    before.iter().filter(is_dropped).map(|user| user.id.clone()).collect()
}
