//! The actions on a message that stands in the room: answering, editing and deleting. The room's page makes the state, the
//! list of messages and the composer use it.
//!
//! A text that was typed must not get lost: the editor's outlives a redrawing of its message, and that of a deleted
//! message can be had back for a while.

use gloo_timers::callback::Timeout;
use leptos::prelude::*;
use send_wrapper::SendWrapper;

use super::reaction_versions::ReactionVersions;
use crate::{
    app::{
        i18n::use_texts,
        model::room::{DraftState, PendingChange, RoomModel},
        reactive::{effect, show_when},
        routes,
        sync::{ChatLink, mark_unread_from},
    },
    client::dom::{characters::count_characters, page},
    protocol::{
        change::{ChangeKind, NewChange},
        chat::Message,
        cursor::Offset,
        problem::Rejection,
        text::MessageText,
    },
};

/// The time for which the text of a deleted message is offered.
const OFFERED_MS: u32 = 10_000;

/// The state of the actions of a room's messages. 0 as an offset: none.
#[derive(Clone, Copy)]
pub(crate) struct MessageActions {
    pub(crate) model: RwSignal<RoomModel>,
    /// The room: the same, but for the messages of a thread. It has the drafts.
    pub(super) room: RwSignal<RoomModel>,
    /// The first message of the thread, of its messages.
    pub(super) thread: Option<Offset>,
    link: ChatLink,
    /// The user may delete the messages of others.
    is_moderator: bool,
    /// The message whose menu is open, or was last.
    pub(super) target: RwSignal<Offset>,
    /// The message that is being edited.
    pub(super) edited: RwSignal<Offset>,
    /// The editor's text.
    pub(super) edited_text: RwSignal<String>,
    /// The text of the message that was just deleted.
    deleted_text: RwSignal<String>,
    /// The text that the composer is to take.
    pub(super) returned_text: RwSignal<String>,
    /// The message that the composer answers.
    pub(crate) answered: RwSignal<Offset>,
    /// The composer is to take the focus.
    pub(crate) wants_composer: RwSignal<bool>,
    /// The composer of the thread that is opened next is to take the focus.
    pub(crate) wants_thread: RwSignal<bool>,
    pub(super) reaction_versions: ReactionVersions,
}

impl MessageActions {
    pub(crate) fn new(model: RwSignal<RoomModel>, is_moderator: bool) -> Self {
        Self {
            model,
            room: model,
            thread: None,
            link: expect_context(),
            is_moderator,
            target: RwSignal::new(0),
            edited: RwSignal::new(0),
            edited_text: RwSignal::new(String::new()),
            deleted_text: RwSignal::new(String::new()),
            returned_text: RwSignal::new(String::new()),
            answered: RwSignal::new(0),
            wants_composer: RwSignal::new(false),
            wants_thread: RwSignal::new(false),
            reaction_versions: ReactionVersions::new(model),
        }
    }

    /// The actions on the messages of a thread of this room.
    pub(crate) fn in_thread(self, model: RwSignal<RoomModel>) -> Self {
        let thread = model.with_untracked(RoomModel::thread);
        Self { room: self.model, thread, ..Self::new(model, self.is_moderator) }
    }

    /// The address of a message: that of its thread, if it is in one or shown in one.
    pub(super) fn address(self, message: &Message) -> String {
        let epoch = self.model.with_untracked(|model| model.cursor().epoch.clone());
        let place = routes::Permalink::message(message.offset, &epoch);
        match self.thread.or(message.thread) {
            Some(_) => routes::thread(&message.room, &place),
            None => routes::permalink(&message.room, &place),
        }
    }

    /// The address of the thread that begins with the message at this offset.
    pub(super) fn thread_address(self, offset: Offset) -> String {
        self.model.with_untracked(|model| {
            routes::thread(&model.room.id, &routes::Permalink::message(offset, &model.cursor().epoch))
        })
    }

    /// Returns true if the user wrote the message.
    pub(super) fn may_edit(self, message: &Message) -> bool {
        self.model.with_untracked(|model| model.is_me(&message.user_id))
    }

    /// Returns true if the user may delete the message.
    pub(super) fn may_delete(self, message: &Message) -> bool {
        self.is_moderator || self.may_edit(message)
    }

    /// Pins a message to the room, or takes it off.
    pub(super) fn pin(self, offset: Offset, is_pinned: bool) {
        let kind = if is_pinned { ChangeKind::Pin } else { ChangeKind::Unpin };
        self.change(offset, kind, None, None);
    }

    /// Counts everything from a message on as unread, on all devices of the user.
    pub(super) fn mark_unread(self, offset: Offset) {
        let room = self.model.with_untracked(|model| model.room.id.clone());
        self.link.send(&mark_unread_from(room, offset));
    }

    /// Lets the composer answer a message.
    pub(super) fn answer(self, offset: Offset) {
        self.answered.set(offset);
        self.wants_composer.set(true);
    }

    /// Opens the editor of a message. An edit that was rejected goes on with its text.
    pub(super) fn edit(self, offset: Offset) {
        let text = self.model.with_untracked(|model| {
            let pending = model.pending_change(offset).and_then(|pending| pending.text.clone());
            pending.or_else(|| model.message(offset).map(|message| message.text.clone()))
        });
        self.edited_text.set(text.unwrap_or_default());
        self.edited.set(offset);
    }

    /// Opens the editor of the user's newest message. Returns false if there is none.
    pub(super) fn edit_last(self) -> bool {
        let last = self.model.with_untracked(|model| model.last_own().map(|message| message.offset));
        last.inspect(|offset| self.edit(*offset)).is_some()
    }

    /// Sends the edit. One that cannot be sent stays in the editor. A text that is the same changes nothing.
    pub(super) fn save(self) -> Result<(), Rejection> {
        let text =
            self.edited_text.with_untracked(|text| MessageText::parse_counted(text, count_characters))?;
        let (offset, text) = (self.edited.get_untracked(), text.into_string());
        let is_same = self
            .model
            .with_untracked(|model| model.message(offset).is_some_and(|message| message.text == text));
        match is_same {
            true => self.discard(offset),
            false => self.change(offset, ChangeKind::Edit, Some(text), None),
        }
        self.edited.set(0);
        Ok(())
    }

    /// Deletes a message, and offers its text for a while.
    pub(super) fn delete(self, offset: Offset) {
        let text = self.model.with_untracked(|model| {
            let own = model.message(offset).filter(|message| model.is_me(&message.user_id));
            own.map(|message| message.text.clone())
        });
        self.change(offset, ChangeKind::Delete, None, None);
        self.deleted_text.set(text.unwrap_or_default());
    }

    /// Returns true if the user may write here.
    pub(super) fn may_write(self) -> bool {
        self.model.with_untracked(|model| !model.my_id().is_empty())
    }

    /// Reacts to a message, or takes the reaction back.
    pub(super) fn react(self, offset: Offset, emoji: &str) {
        let is_mine = self.model.with_untracked(|model| model.reaction(offset, emoji).is_mine);
        let kind = if is_mine { ChangeKind::Unreact } else { ChangeKind::React };
        self.change(offset, kind, None, Some(emoji.to_owned()));
    }

    /// Sends a rejected change again.
    pub(super) fn retry(self, offset: Offset) {
        let pending = self.model.with_untracked(|model| model.pending_change(offset).cloned());
        if let Some(pending) = pending.filter(|pending| pending.state != DraftState::Pending) {
            self.send_again(pending);
        }
    }

    /// Sends this rejected change again.
    pub(super) fn send_again(self, PendingChange { target, kind, text, emoji, .. }: PendingChange) {
        self.change(target, kind, text, emoji);
    }

    /// Drops a rejected change.
    pub(super) fn discard(self, offset: Offset) {
        self.model.update(|model| model.discard_change(offset));
    }

    fn change(self, offset: Offset, kind: ChangeKind, text: Option<String>, emoji: Option<String>) {
        let change = NewChange { id: page::new_uuid(), kind, text, emoji };
        let frame = self.model.try_update(|model| model.change(offset, change));
        frame.iter().for_each(|frame| self.link.send(frame));
    }
}

/// Says that a message was deleted, and gives its text back.
#[component]
pub(super) fn DeletedNote(actions: MessageActions) -> impl IntoView {
    let texts = use_texts();
    let deleted = actions.deleted_text;
    effect(move || {
        let is_offered = deleted.with(|text| !text.is_empty());
        let end = move || drop(deleted.try_set(String::new()));
        let expiry = SendWrapper::new(is_offered.then(|| Timeout::new(OFFERED_MS, end)));
        on_cleanup(move || drop(expiry));
    });
    let put_back = move |_| {
        actions.returned_text.set(deleted.get_untracked());
        deleted.set(String::new());
    };
    view! {
        <div class="deleted-note" role="status">
            {show_when(
                move || deleted.with(|text| !text.is_empty()),
                move || {
                    view! {
                        <p class="note">
                            {texts.message_deleted} " "
                            <button type="button" on:click=put_back>{texts.put_back}</button>
                        </p>
                    }
                    .into_any()
                },
            )}
        </div>
    }
}
