//! The read mark of a room: up to where this user has read it. The server keeps it for all their devices; the browser keeps
//! it for an anonymous viewer. What counts as read is decided by the model, and by the visibility of the page.

use std::time::Duration;

use leptos::{prelude::*, task::spawn_local};
use send_wrapper::SendWrapper;

use super::{ChatLink, Navigator, storage_key};
use crate::{
    app::{
        model::room::RoomModel,
        reactive::{effect, memo},
    },
    client::dom::{
        fetch, page,
        storage::{self, Area},
    },
    protocol::{
        chat::ClientFrame,
        cursor::{Cursor, Offset},
        mark::{MarkKind, NewMark},
        name::RoomId,
    },
};

/// The shortest time between two marks of a room: another device shows them as soon as anybody could look there.
const MARK_INTERVAL: Duration = Duration::from_secs(1);

/// The longest wait for the answer to a mark that is sent on leaving the page, in milliseconds; nobody reads it.
const LEAVE_MS: u32 = 5_000;

/// The read mark of a room that is on the page.
#[derive(Clone, Copy)]
pub(crate) struct ReadMarker {
    model: RwSignal<RoomModel>,
    navigator: Navigator,
    link: ChatLink,
    /// The generation that the reader knows: marks of an older one change nothing. It becomes the present one when they come
    /// back to the page; until then what they have set back stays unread.
    generation: StoredValue<u64>,
    /// The cursor to send next.
    unsent: StoredValue<Option<Cursor>>,
    is_waiting: StoredValue<bool>,
    has_sent: StoredValue<bool>,
}

impl ReadMarker {
    /// Restores the read mark of earlier visits, and keeps the present one for as long as the calling component is mounted.
    pub(crate) fn keep(model: RwSignal<RoomModel>, link: ChatLink) {
        let marker = Self {
            model,
            navigator: expect_context(),
            link,
            generation: StoredValue::new(0),
            unsent: StoredValue::new(None),
            is_waiting: StoredValue::new(false),
            has_sent: StoredValue::new(false),
        };
        marker.follow_visibility();
        marker.follow_mark();
        let seen = memo(move || model.with(|model| model.is_read_to_end().then(|| model.cursor().clone())));
        effect(move || marker.note(seen.get()));
        effect(move || {
            let room = marker.room();
            on_cleanup(move || {
                // A cursor that waits for its turn was read.
                marker.send_unsent(room);
                marker.navigator.unread.try_update(|unread| unread.read(None));
            });
        });
    }

    fn room(self) -> RoomId {
        self.model.with_untracked(|model| model.room.id.clone())
    }

    /// The mark that the server has, or the browser.
    fn stored(self) -> Option<Cursor> {
        if self.navigator.has_marks() {
            let room = self.room();
            return self.navigator.unread.with_untracked(|unread| unread.mark_of(&room).0.cloned());
        }
        storage::get(Area::Local, &storage_key("seen", self.model))?.parse().ok()
    }

    fn follow_visibility(self) {
        effect(move || {
            let update = move || {
                let is_visible = !page::is_hidden();
                if is_visible {
                    self.learn_generation();
                } else {
                    // A hidden page may never run again.
                    self.send_unsent(self.room());
                }
                self.model.try_update(|model| model.set_visible(is_visible));
            };
            update();
            if let Some(seen) = self.stored() {
                self.model.update(|model| model.restore_read_mark(&seen));
            }
            let leave = page::window_listener("pagehide", move |_| self.post_unsent());
            let listeners = SendWrapper::new((page::on_visibility_change(update), leave));
            on_cleanup(move || drop(listeners));
        });
    }

    fn learn_generation(self) {
        let room = self.room();
        let known = self.navigator.unread.try_with_untracked(|unread| unread.mark_of(&room).1);
        self.generation.try_set_value(known.unwrap_or_default());
    }

    /// Puts the divider where the user has set the mark back to, on this device or on another. A page that the browser had in
    /// its cache learns the mark only now.
    fn follow_mark(self) {
        let (unread, room) = (self.navigator.unread, self.room());
        let mark = memo(move || {
            let (read, generation) = unread.with(|unread| {
                let (read, generation) = unread.mark_of(&room);
                (read.cloned(), generation)
            });
            (generation, read)
        });
        let last = StoredValue::new(mark.get_untracked());
        effect(move || {
            let mark = mark.get();
            let Some(before) = last.try_update_value(|last| std::mem::replace(last, mark.clone())) else {
                return;
            };
            let is_set_back = mark.0 > before.0;
            let is_late = mark.1 != before.1 && !self.has_sent.get_value();
            if is_late && !is_set_back {
                self.learn_generation();
            }
            if let Some(seen) = mark.1.filter(|_| is_set_back || is_late) {
                self.model.update(|model| model.restore_read_mark(&seen));
            }
        });
    }

    /// The reader has seen everything up to the cursor; `None`: they do not see the newest message now.
    fn note(self, seen: Option<Cursor>) {
        let room = self.room();
        self.navigator.unread.update(|unread| unread.read(seen.is_some().then_some(room)));
        let Some(seen) = seen else { return };
        if !self.navigator.has_marks() {
            return storage::set(Area::Local, &storage_key("seen", self.model), &seen.to_string());
        }
        self.unsent.set_value(Some(seen));
        if !self.is_waiting.get_value() {
            self.send();
        }
    }

    /// Sends the newest cursor, and those that come soon after it together.
    fn send(self) {
        let Some(room) = self.model.try_with_untracked(|model| model.room.id.clone()) else { return };
        if !self.send_unsent(room) {
            return;
        }
        self.is_waiting.set_value(true);
        self.has_sent.set_value(true);
        set_timeout(
            move || {
                self.is_waiting.try_set_value(false);
                self.send();
            },
            MARK_INTERVAL,
        );
    }

    /// Returns true if there was something to send.
    fn send_unsent(self, room: RoomId) -> bool {
        let Some(mark) = self.take_unsent(room) else { return false };
        self.link.send(&ClientFrame::Mark(mark));
        true
    }

    /// Sends it from a page that goes away: what a socket has not written by then is lost, a request is not.
    fn post_unsent(self) {
        if let Some(mark) = self.take_unsent(self.room()) {
            let body = serde_json::to_string(&mark).expect("plain data");
            spawn_local(async move { drop(fetch::post("/api/user/marks", &body, None, LEAVE_MS).await) });
        }
    }

    fn take_unsent(self, room: RoomId) -> Option<NewMark> {
        let seen = self.unsent.try_update_value(Option::take).flatten()?;
        let (cursor, generation) = (Some(seen.to_string()), Some(self.generation.try_get_value()?));
        Some(NewMark { cursor, generation, ..mark(room, MarkKind::Read) })
    }
}

/// The mark by which everything from a message on counts as unread.
pub(crate) fn mark_unread_from(room: RoomId, offset: Offset) -> ClientFrame {
    let offset = Some(offset.saturating_sub(1));
    ClientFrame::Mark(NewMark { offset, ..mark(room, MarkKind::Unread) })
}

fn mark(room: RoomId, kind: MarkKind) -> NewMark {
    let (id, room) = (page::new_uuid(), room.to_string());
    NewMark { id, kind, room, cursor: None, offset: None, generation: None, level: None }
}
