//! Moderation of rooms: their moderators, people who may not write for a while, and the reports of messages. The routes and
//! pages call it by [`Chat`].
//!
//! A room's owner and administrators name moderators. Owner, moderators and administrators delete the messages of others,
//! mute people and see the reports; none of them can mute an owner, an administrator or, but for those two, a moderator.
//! Each change writes into the log of actions.

use std::time::Duration;

use super::Chat;
use crate::{
    protocol::{
        chat::Message,
        cursor::Offset,
        name::RoomId,
        problem::{Code, Rejection},
        session::User,
        text::{check_bounds, clean_line},
    },
    server::{
        auth::{Actor, Identity},
        authz::{Action, Deed, Mute, Report, ReportedMessage},
        clock::now_ms,
        error::Error,
    },
};

/// Longest mute with an end.
const MUTE_MAX: Duration = Duration::from_secs(366 * 24 * 3_600);
/// Most characters and bytes of the sentence in a report.
const NOTE_MAX_CHARACTERS: usize = 300;
const NOTE_MAX_BYTES: usize = 3_000;

/// A reported message as it is now, with those who reported it.
pub struct ReportOfMessage {
    /// The message. `None`: retention has removed it.
    pub message: Option<Message>,
    /// Its room and its offset, and who reported it.
    pub reported: ReportedMessage,
}

impl Chat {
    /// Returns true if the user may mute people in the room and delete the messages of others.
    pub fn may_moderate(&self, room: &RoomId, by: &Actor) -> bool {
        let is_moderator = |who: &Identity| self.rights.moderates(room, &who.user.id);
        self.may_manage(room, by) || by.identity.as_ref().is_some_and(is_moderator)
    }

    /// Rejects whoever may not write in the room now. Owners and administrators are never muted.
    pub(super) fn check_writing(&self, room: &RoomId, who: &Identity) -> Result<(), Rejection> {
        self.rights.check_open_to_writing(room)?;
        if who.is_admin || self.rights.owns(room, who) {
            return Ok(());
        }
        self.rights.check_not_muted(room, &who.user.id, now_ms())
    }

    /// Rejects whoever may not post in the room now, for what is uploaded before a message names it.
    pub fn check_may_post(&self, room: &RoomId, who: &Identity) -> Result<(), Rejection> {
        self.check_writing(room, who)?;
        self.check_direct(room, &who.user)
    }

    /// Makes somebody who may enter the room a moderator.
    pub async fn add_moderator(&self, room: &RoomId, by: &Actor, user: &User) -> Result<(), Error> {
        self.check_manager(room, by)?;
        if !self.rights.admits(room, &user.id) {
            return Err(Rejection::new(Code::UnknownPerson, "They are not a member of this room.").into());
        }
        let action = Action::in_room(by, Deed::AddModerator, room).to(user);
        self.rights.add_moderator(room, user, action.written()).await?;
        self.activity.note_list(Some(&user.id));
        Ok(())
    }

    /// Takes the rights of a moderator away; moderators may do so themselves.
    pub async fn remove_moderator(&self, room: &RoomId, by: &Actor, user_id: &str) -> Result<(), Error> {
        if by.identity.as_ref().is_none_or(|who| who.user.id != user_id) {
            self.check_manager(room, by)?;
        }
        let known = self.rights.moderators(room).into_iter().find(|user| user.id == user_id);
        let Some(user) = known else { return Ok(()) };
        let action = Action::in_room(by, Deed::RemoveModerator, room).to(&user);
        self.rights.remove_moderator(room, user_id, action.written()).await?;
        self.activity.note_list(Some(user_id));
        Ok(())
    }

    /// Keeps somebody from writing in the room, for a time or until it is taken back.
    pub async fn mute(
        &self,
        room: &RoomId,
        by: &Actor,
        user: &User,
        time: Option<Duration>,
    ) -> Result<Mute, Error> {
        self.check_moderator(room, by)?;
        self.check_mutable(room, by, user)?;
        self.limits.message(&by.user()).await?;
        let end = |time: Duration| {
            let ms = i64::try_from(time.min(MUTE_MAX).as_millis()).unwrap_or(i64::MAX);
            now_ms().saturating_add(ms)
        };
        let mute = Mute { name: user.name.clone(), until: time.map(end) };
        let mut action = Action::in_room(by, Deed::Mute, room).to(user);
        action.detail = mute.until.map(|until| until.to_string());
        self.rights.mute(room, &user.id, &mute, action.written()).await?;
        self.activity.note_list(Some(&user.id));
        Ok(mute)
    }

    /// Takes a mute back.
    pub async fn unmute(&self, room: &RoomId, by: &Actor, user_id: &str) -> Result<(), Error> {
        self.check_moderator(room, by)?;
        let known = self.rights.mute_of(room, user_id, i64::MIN);
        let Some(mute) = known else { return Ok(()) };
        let user = User { id: user_id.to_owned(), name: mute.name };
        let action = Action::in_room(by, Deed::Unmute, room).to(&user);
        self.rights.unmute(room, user_id, action.written()).await?;
        self.activity.note_list(Some(user_id));
        Ok(())
    }

    /// Rejects a caller who may not moderate the room.
    pub fn check_moderator(&self, room: &RoomId, by: &Actor) -> Result<(), Rejection> {
        self.rights.check_entry(room, by.identity.as_ref())?;
        match self.may_moderate(room, by) {
            true => Ok(()),
            false => Err(Rejection::new(
                Code::NotAllowed,
                "Only the room's owner, its moderators and administrators may do this.",
            )),
        }
    }

    fn check_mutable(&self, room: &RoomId, by: &Actor, user: &User) -> Result<(), Rejection> {
        let is_own = by.identity.as_ref().is_some_and(|who| who.user.id == user.id);
        let is_moderator = self.rights.moderates(room, &user.id) && !self.may_manage(room, by);
        if is_own || is_moderator || self.rights.is_owned_by(room, &user.id) {
            let message = "The room's owner and its moderators cannot be muted, and nobody mutes themselves.";
            return Err(Rejection::new(Code::NotAllowed, message));
        }
        Ok(())
    }

    /// Reports a message to those who moderate the room. A second report of the same user changes nothing.
    pub async fn report(
        &self,
        room: &RoomId,
        who: &Identity,
        target: Offset,
        note: Option<&str>,
    ) -> Result<(), Error> {
        self.limits.message(&who.user).await?;
        let (message, _) = self.message(room, Some(who), target).await?;
        if self.rights.is_direct(room) {
            let message = "Nobody else reads direct messages. Block this person, or tell an administrator.";
            return Err(Rejection::new(Code::NotAllowed, message).into());
        }
        if message.deleted {
            return Err(super::changes::message_deleted().into());
        }
        if message.user_id == who.user.id {
            return Err(
                Rejection::new(Code::NotAllowed, "This is your own message: you can delete it.").into()
            );
        }
        let note = clean_line(note.unwrap_or_default());
        if !note.is_empty() {
            check_bounds("note", &note, NOTE_MAX_CHARACTERS, NOTE_MAX_BYTES)?;
        }
        let report = Report { by: who.user.clone(), at: now_ms(), note };
        self.rights.report(room, target, &report).await
    }

    /// The reported messages of a room, those first that were reported last.
    pub async fn reports(&self, room: &RoomId, by: &Actor) -> Result<Vec<ReportOfMessage>, Error> {
        self.check_moderator(room, by)?;
        let mut reports = Vec::new();
        for reported in self.rights.reports(room).await? {
            let message = match self.message(room, by.identity.as_ref(), reported.offset).await {
                Ok((message, _)) => Some(message),
                Err(Error::Rejected(_)) => None,
                Err(error) => return Err(error),
            };
            reports.push(ReportOfMessage { message, reported });
        }
        Ok(reports)
    }

    /// Dismisses the reports of a message.
    pub async fn dismiss_reports(&self, room: &RoomId, by: &Actor, target: Offset) -> Result<(), Error> {
        self.check_moderator(room, by)?;
        let action = Action::in_room(by, Deed::DismissReports, room).with(target.to_string());
        self.rights.dismiss_reports(room, target, action.written()).await
    }
}
