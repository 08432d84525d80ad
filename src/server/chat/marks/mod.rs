//! The marks of a user in the rooms, in a log of their own that all their devices follow. The HTTP
//! routes and the sockets call it by [`Chat`]; `fold` has the rule of each mark, which the store runs.
//!
//! Nobody but the user may read their log: every method takes it from their own identity.

mod fold;

use std::{collections::HashMap, sync::Arc, time::Duration};

use serde_json::json;

use self::fold::{Mark, MarkFold, StoredMark};
pub(super) use self::fold::{all_mentions, has_mentions};
use super::{
    Chat,
    activity::{ActiveRooms, ActivityFollower},
    changes::parse_id,
    encoding::encode_frame,
};
use crate::{
    protocol::{
        chat::ServerFrame,
        cursor::{Cursor, Offset},
        mark::{MarkChanged, MarkKind, Marked, NewMark, RoomMark, UNREAD_MAX, UserRoom, UserState},
        name::RoomId,
        problem::{Code, Rejection},
    },
    server::{
        auth::Identity,
        error::Error,
        log::{
            hub::{Page, PageQuery, StartFrom, Subscribed},
            subscription::Subscription,
            topic::Wakeup,
        },
        store::{Appended, Bounds, Filter, NewEntry, Record, State, StateChange, StoreError, TopicName},
    },
};

/// Marks in the answer to a poll. A reader that has more to read asks again.
const POLLED_MARKS_MAX: usize = 200;

/// A user's log that is followed.
pub struct FollowedUser {
    /// The frame to send before anything else of the log.
    pub frame: ServerFrame,
    /// False if the cursor could not be honoured; a `user-reset` follows.
    pub recovered: bool,
    /// The subscription to the log.
    pub subscription: Subscription,
}

impl Chat {
    /// Stores a mark of the user. Returns when it is durable; `bool` is false if nothing was stored: it changes
    /// nothing, or a mark with this id was stored before.
    pub async fn mark(&self, who: &Identity, mark: NewMark) -> Result<(Marked, bool), Error> {
        let client_id = parse_id(&mark.id)?;
        // First, so that requests for rooms that do not exist are limited, too.
        self.limits.mark(&who.user).await?;
        let room = self.room(&mark.room, Some(who)).await?;
        let bounds = self.hub.store().bounds(&TopicName::Room(room.clone())).await?;
        let rule = rule_of(&mark, &bounds)?;
        let marked = self.store_mark(who, room, &bounds, (mark.id, client_id), rule).await?;
        self.note_person(&who.user).await;
        Ok(marked)
    }

    async fn store_mark(
        &self,
        who: &Identity,
        room: RoomId,
        bounds: &Bounds,
        (id, client_id): (String, String),
        rule: Mark,
    ) -> Result<(Marked, bool), Error> {
        let topic = log_of(who)?;
        let entry = entry_of(&who.user.id, &room, bounds, client_id, rule);
        let mut appended = self.hub.publish(&topic, vec![entry]).await?;
        let Appended { record, first, unchanged, .. } =
            appended.pop().expect("one new entry gives one entry");
        if let Some(unchanged) = unchanged {
            let mark = self::fold::present(room, unchanged.stored.as_ref(), bounds);
            return Ok((Marked { id, offset: None, timestamp: None, mark }, false));
        }
        let mark = match record.body.is_empty() {
            true => {
                let stored = self.hub.store().state(&topic, room.as_str()).await?;
                self::fold::present(room, stored.as_ref(), bounds)
            }
            false => mark_in(&record).unwrap_or_else(|| StoredMark::default().present(room)),
        };
        if first {
            self.activity.note_for(&who.user.id, &mark.room);
        }
        let (offset, timestamp) = (Some(record.offset), Some(record.timestamp));
        Ok((Marked { id, offset, timestamp, mark }, first))
    }

    /// Stores a mention of a user, or takes it back if none is given. When this returns, it is durable. A user whose log can take nothing more is
    /// left out: that is no fault of who mentions them.
    pub(super) async fn store_mention(
        &self,
        user_id: &str,
        (room, bounds): (&RoomId, &Bounds),
        (client_id, offset): (String, Offset),
        is_given: bool,
    ) -> Result<(), Error> {
        let Some(topic) = TopicName::of_user(user_id) else { return Ok(()) };
        let mark = if is_given { Mark::Mention(offset) } else { Mark::Unmention(offset) };
        let entry = entry_of(user_id, room, bounds, client_id, mark);
        match self.hub.publish(&topic, vec![entry]).await {
            Ok(appended) => {
                if appended.iter().any(|one| one.first) {
                    self.activity.note_for(user_id, room);
                }
                Ok(())
            }
            Err(StoreError::Rejected(rejection)) => {
                tracing::debug!(user_id, %room, reason = rejection.message, "a mention was not stored");
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Everything that belongs to the user: their marks, and what is unread in the rooms that they may enter now. It
    /// costs four reads of the store, however many rooms there are; only rooms with something after the mark are
    /// counted.
    pub async fn user_state(&self, who: &Identity) -> Result<UserState, Error> {
        let store = self.hub.store();
        // The marks first: the cursor is theirs, and a message that is read between the two is unread for a moment at
        // most.
        let (own, states) = store.states(&log_of(who)?).await?;
        let states: HashMap<_, _> = states.iter().map(|state| (state.key.as_str(), state)).collect();
        let rooms = self.rooms(Some(who)).await?.into_iter().map(|room| room.id);
        let rooms = rooms.chain(self.direct_of(who)).collect();
        let rooms = self.count_rooms(who, rooms, |room| states.get(room.as_str()).copied()).await?;
        let cursor = Cursor { epoch: own.epoch, offset: own.head };
        Ok(UserState { user: who.user.clone(), cursor, rooms })
    }

    /// The state of the rooms that have something new for the follower, of those that they may enter now. For the first time
    /// all that they have marked. `bool`: the list of rooms has changed.
    pub async fn unread(&self, follower: &ActivityFollower) -> Result<(Vec<UserRoom>, bool), StoreError> {
        let list = follower.take_list();
        match self.count_active(follower).await {
            Ok(rooms) => Ok((rooms, list)),
            // Whoever may not read any more, or can have no marks, has nothing unread: no reason to end a connection.
            Err(Error::Rejected(_)) => Ok((Vec::new(), list)),
            Err(Error::Store(error)) => Err(error),
        }
    }

    /// The state of the rooms that the user has marked, of those that they may enter now, and of their direct messages.
    pub async fn marked_rooms(&self, who: &Identity) -> Result<Vec<UserRoom>, Error> {
        let (_, states) = self.hub.store().states(&log_of(who)?).await?;
        let states: HashMap<_, _> = states.iter().map(|state| (state.key.as_str(), state)).collect();
        let rooms = states.keys().filter_map(|key| RoomId::parse(key).ok());
        let rooms =
            rooms.filter(|room| self.rights.may_enter(room, Some(who)) && !self.rights.is_direct(room));
        let rooms = rooms.chain(self.direct_of(who)).collect();
        self.count_rooms(who, rooms, |room| states.get(room.as_str()).copied()).await
    }

    async fn count_active(&self, follower: &ActivityFollower) -> Result<Vec<UserRoom>, Error> {
        let who = follower.who();
        let rooms = match follower.take() {
            ActiveRooms::None => return Ok(Vec::new()),
            ActiveRooms::Some(rooms) => rooms,
            ActiveRooms::All => return self.marked_rooms(who).await,
        };
        let mut counted = Vec::with_capacity(rooms.len());
        for room in rooms.into_iter().filter(|room| self.rights.may_enter(room, Some(who))) {
            counted.extend(self.count_active_room(follower, room).await?);
        }
        Ok(counted)
    }

    /// The state of a room in which something happened; `None` if there is no such room.
    async fn count_active_room(
        &self,
        follower: &ActivityFollower,
        room: RoomId,
    ) -> Result<Option<UserRoom>, Error> {
        let (store, who) = (self.hub.store(), follower.who());
        let stored = match follower.state(&room) {
            Some(state) => state,
            None => {
                let state = store.state(&log_of(who)?, room.as_str()).await?;
                follower.keep(&room, state.clone());
                state
            }
        };
        let Some(newest) = follower.moment().newest(store.as_ref(), &room).await? else { return Ok(None) };
        let mut counted = [self.user_room(who, room, stored.as_ref(), &newest.bounds)];
        let after = counted[0].mark.read.as_ref().map(|read| read.offset);
        match after.map_or(Some(0), |after| newest.count_after(after, &who.user.id)) {
            Some(count) => counted[0].unread = count,
            None => self.count_unread(who, &mut counted).await?,
        }
        let [counted] = counted;
        Ok(Some(counted))
    }

    /// The state of a room, by what is stored of it, before it is counted.
    fn user_room(&self, who: &Identity, room: RoomId, stored: Option<&State>, bounds: &Bounds) -> UserRoom {
        let direct = self.rights.is_direct(&room);
        let presence = if direct { self.presence_in_direct(&room, &who.user.id) } else { "" };
        let mut mark = fold::present(room, stored, bounds);
        if direct && mark.read.is_none() {
            // They are for this user whether they have looked or not.
            mark.read = Some(Cursor { epoch: bounds.epoch.at(0, 0), offset: bounds.floor });
        }
        UserRoom { mark, head: bounds.head, unread: 0, direct, presence: presence.to_owned() }
    }

    /// The state of these rooms, by what is stored of each.
    async fn count_rooms<'a>(
        &self,
        who: &Identity,
        rooms: Vec<RoomId>,
        stored: impl Fn(&RoomId) -> Option<&'a State>,
    ) -> Result<Vec<UserRoom>, Error> {
        let topics: Vec<_> = rooms.iter().map(|room| TopicName::Room(room.clone())).collect();
        let bounds: HashMap<_, _> = self.hub.store().bounds_of(&topics).await?.into_iter().collect();
        let known = topics.iter().zip(rooms).filter_map(|(topic, room)| Some((bounds.get(topic)?, room)));
        let of_room = |(bounds, room): (&Bounds, RoomId)| {
            let stored = stored(&room);
            self.user_room(who, room, stored, bounds)
        };
        let mut rooms: Vec<UserRoom> = known.map(of_room).collect();
        self.count_unread(who, &mut rooms).await?;
        Ok(rooms)
    }

    async fn count_unread(&self, who: &Identity, rooms: &mut [UserRoom]) -> Result<(), Error> {
        let has_more =
            |room: &&mut UserRoom| room.mark.read.as_ref().is_some_and(|read| read.offset < room.head);
        let mut behind: Vec<_> = rooms.iter_mut().filter(has_more).collect();
        let place = |room: &&mut UserRoom| {
            let after = room.mark.read.as_ref().map_or(room.head, |read| read.offset);
            (TopicName::Room(room.mark.room.clone()), after)
        };
        let places: Vec<_> = behind.iter().map(place).collect();
        let counts = self.hub.store().count_after(&places, &who.user.id, UNREAD_MAX).await?;
        for (room, count) in behind.iter_mut().zip(counts) {
            room.unread = count;
        }
        Ok(())
    }

    /// Follows the user's own log.
    pub async fn follow_user(
        &self,
        who: &Identity,
        start: StartFrom,
        wakeup: Arc<Wakeup>,
    ) -> Result<FollowedUser, Error> {
        // Each page does it once, and again after a drop.
        self.limits.mark(&who.user).await?;
        let Subscribed { mut subscription, recovered } =
            self.hub.subscribe(&log_of(who)?, start, Filter::default(), wakeup).await?;
        subscription.set_owner(who.user.id.as_str().into());
        subscription.skip_ephemerals();
        let (Cursor { epoch, offset }, head) = (subscription.cursor(), subscription.head());
        Ok(FollowedUser { frame: ServerFrame::Followed { epoch, offset, head }, recovered, subscription })
    }

    /// The user's marks after a cursor, with a wait of at most this long for the first: what a poll has beside its
    /// room.
    pub async fn marks_after(&self, who: &Identity, after: Cursor, wait: Duration) -> Result<Page, Error> {
        let (query, filter) = (PageQuery::After(after, wait), Filter::default());
        Ok(self.hub.page(&log_of(who)?, query, filter, POLLED_MARKS_MAX).await?)
    }
}

/// The entry of a user's log that has a mark of a room with these bounds.
fn entry_of(user_id: &str, room: &RoomId, bounds: &Bounds, client_id: String, mark: Mark) -> NewEntry {
    let rule = MarkFold { room: room.clone(), bounds: bounds.clone(), mark };
    NewEntry {
        author: user_id.to_owned(),
        client_id: Some(client_id),
        channel: None,
        lasting: false,
        // The rule writes it. It stays as it is in the answer to a repeat of an entry that was removed.
        body: String::new(),
        change: None,
        reference: None,
        state: Some(StateChange { key: room.to_string(), rule: Arc::new(rule) }),
        files: Vec::new(),
    }
}

/// The log of the user.
pub(super) fn log_of(who: &Identity) -> Result<TopicName, Rejection> {
    let too_long =
        || Rejection::new(Code::NotAllowed, "The id of this user is too long to store anything for them.");
    TopicName::of_user(&who.user.id).ok_or_else(too_long)
}

/// The mark of a room with these bounds, by what is stored of it.
pub(super) fn mark_of(room: RoomId, stored: Option<&State>, bounds: &Bounds) -> RoomMark {
    fold::present(room, stored, bounds)
}

/// The `user-reset` frame, with the cursor at which the reader goes on.
pub fn user_reset_frame(cursor: Cursor) -> ServerFrame {
    ServerFrame::UserReset { epoch: cursor.epoch, offset: cursor.offset }
}

/// The rule of a mark in a room with these bounds.
fn rule_of(mark: &NewMark, bounds: &Bounds) -> Result<Mark, Rejection> {
    Ok(match mark.kind {
        MarkKind::Read => Mark::Read { offset: position_of(mark, bounds)?, generation: mark.generation },
        MarkKind::Unread => Mark::Unread { offset: position_of(mark, bounds)? },
        MarkKind::Level => Mark::Level(mark.level.unwrap_or_default()),
    })
}

/// The position of a mark, which has to be one of the room as it is now.
fn position_of(mark: &NewMark, bounds: &Bounds) -> Result<Offset, Rejection> {
    let cursor = mark.cursor.as_deref().map(str::parse::<Cursor>).transpose()?;
    if let Some(Cursor { epoch, .. }) = &cursor
        && *epoch != bounds.epoch
    {
        let message =
            format!("The cursor is of another epoch of the room than the present one, {}.", bounds.epoch);
        return Err(Rejection::new(Code::BadCursor, message));
    }
    let offset = cursor.map(|cursor| cursor.offset).or(mark.offset).unwrap_or_default();
    if offset > bounds.head {
        let message = format!("The room has no message {offset} yet; its newest entry is {}.", bounds.head);
        return Err(Rejection::new(Code::UnknownMessage, message));
    }
    Ok(offset)
}

/// The state of a room in an entry of a user's log. One that cannot be read is logged.
fn mark_in(record: &Record) -> Option<RoomMark> {
    let read = serde_json::from_str(&record.body);
    read.inspect_err(
        |error| tracing::error!(topic = %record.topic, record.offset, %error, "cannot read a stored mark"),
    )
    .ok()
}

/// The JSON of an entry of a user's log as its readers get it: a `mark` frame. One that cannot be read says only where
/// it stands.
pub fn encode_mark(record: &Record) -> String {
    let Record { offset, timestamp, .. } = *record;
    match mark_in(record) {
        Some(mark) => encode_frame(&ServerFrame::Mark(MarkChanged { offset, timestamp, mark })),
        None => json!({ "type": "mark", "offset": offset, "timestamp": timestamp }).to_string(),
    }
}
