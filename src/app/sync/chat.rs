//! The chat's connection and the rooms that are joined on it.

use std::{rc::Rc, time::Duration};

use leptos::{prelude::*, task::spawn_local};
use send_wrapper::SendWrapper;

use super::{Navigator, Status, batch::Batch};
use crate::{
    app::{
        loader::{load_room, load_thread},
        model::room::{Missing, RoomModel},
        reactive::effect,
    },
    client::{
        connection::{Connection, ConnectionEvent},
        dom::{history, time::now_ms},
    },
    protocol::{
        chat::{ClientFrame, ServerFrame},
        pin::Pins,
        problem::Code,
    },
};

/// The pause before a room is joined again that the server could not open.
const JOIN_PAUSE: Duration = Duration::from_secs(3);

/// The address to which the readers of a removed room are led: the feed, with a note that says so.
const REMOVED: &str = "/?problem=room_removed";

/// The page's chat connection, shared by the rooms on it.
#[derive(Clone, Copy)]
pub(crate) struct ChatLink {
    /// The state of the connection, for the badge.
    pub(crate) status: Status,
    connection: StoredValue<Option<SendWrapper<Rc<Connection<ServerFrame>>>>>,
    rooms: StoredValue<Vec<JoinedRoom>>,
    received: Batch<ServerFrame>,
    navigator: Navigator,
}

impl ChatLink {
    /// A connection for as long as the calling component is mounted. It opens with the first room.
    pub(crate) fn new() -> Self {
        let link = Self {
            status: Status::new(),
            connection: StoredValue::new(None),
            rooms: StoredValue::new(Vec::new()),
            received: Batch::new(),
            navigator: expect_context(),
        };
        effect(move || on_cleanup(move || drop(link.connection.try_update_value(Option::take))));
        link
    }

    /// Joins a room for as long as the calling component is mounted. After a reset its newest messages are loaded, and
    /// the room is joined from there.
    pub(crate) fn follow(self, model: RwSignal<RoomModel>) {
        let resets = RwSignal::new(0_u32);
        effect(move || {
            self.rooms.update_value(|rooms| rooms.push(JoinedRoom { model, resets }));
            self.connect();
            self.join(model);
            let room = model.with_untracked(|model| model.room.id.to_string());
            on_cleanup(move || {
                self.rooms.try_update_value(|rooms| rooms.retain(|joined| joined.model != model));
                self.send(&ClientFrame::Leave { room });
            });
        });
        effect(move || {
            if resets.get() > 0 {
                let room = model.with_untracked(|model| model.room.id.clone());
                spawn_local(async move {
                    // If it fails, the room goes on with everything that is retained: more than needed, nothing less.
                    if let Some(data) = load_room(&room).await {
                        model.try_update(|model| {
                            let pins = Pins { pins: data.pins, as_of: data.page.as_of };
                            model.reload(data.page);
                            model.set_pins(pins);
                        });
                        self.join(model);
                    }
                });
            }
        });
    }

    /// Lets a thread hear what its room hears, for as long as the calling component is mounted. Where it lacks something its
    /// newest messages are loaded.
    pub(crate) fn follow_thread(self, model: RwSignal<RoomModel>, room: RwSignal<RoomModel>) {
        let resets = RwSignal::new(0_u32);
        effect(move || {
            self.rooms.update_value(|rooms| rooms.push(JoinedRoom { model, resets }));
            // The room may have heard entries since the thread was read.
            let is_behind = room.with_untracked(|room| {
                model.with_untracked(|thread| {
                    room.cursor().epoch != thread.cursor().epoch
                        || room.cursor().offset > thread.cursor().offset
                })
            });
            if is_behind {
                resets.update(|resets| *resets += 1);
            }
            on_cleanup(move || {
                self.rooms.try_update_value(|rooms| rooms.retain(|joined| joined.model != model));
            });
        });
        effect(move || {
            if resets.get() > 0 {
                let (room, root) =
                    model.with_untracked(|model| (model.room.id.clone(), model.thread().unwrap_or_default()));
                spawn_local(async move {
                    if let Some(page) = load_thread(&room, root).await {
                        model.try_update(|model| model.reload(page));
                    }
                });
            }
        });
    }

    /// Sends a frame if the connection is open. Posts are drafts in the model too, and are sent again on opening.
    pub(crate) fn send(self, frame: &ClientFrame) {
        if let Some(connection) = self.connection.try_with_value(Clone::clone).flatten() {
            connection.send(frame);
        }
    }

    fn connect(self) {
        if self.connection.with_value(Option::is_none) {
            let connection =
                Connection::to_chat(move |frame| self.on_frame(frame), move |event| self.on_event(event));
            self.connection.set_value(Some(SendWrapper::new(Rc::new(connection))));
        }
    }

    fn join(self, model: RwSignal<RoomModel>) {
        let frames = model.try_with_untracked(RoomModel::resume_frames).unwrap_or_default();
        frames.iter().for_each(|frame| self.send(frame));
    }

    fn on_frame(self, frame: ServerFrame) {
        match frame {
            ServerFrame::Unread { rooms, list } => self.navigator.note_unread(rooms, list),
            // The counts that follow a mark say what it has changed.
            ServerFrame::Pong | ServerFrame::Marked(_) => {}
            frame => self.received.add(frame, move || self.apply_received()),
        }
    }

    fn on_event(self, event: ConnectionEvent) {
        // The frames that arrived before the event come before it.
        self.apply_received();
        match event {
            ConnectionEvent::Open => {
                if self.navigator.has_marks() {
                    self.send(&ClientFrame::Unread);
                }
                for joined in self.rooms() {
                    joined.model.try_update(RoomModel::reconnect);
                    self.join(joined.model);
                }
            }
            ConnectionEvent::Proven(transport) => self.status.open(transport),
            ConnectionEvent::Lost | ConnectionEvent::SignedOut => {
                for joined in self.rooms() {
                    joined.model.try_update(RoomModel::disconnect);
                }
                self.status.lose(&event);
            }
        }
    }

    fn rooms(self) -> Vec<JoinedRoom> {
        self.rooms.try_with_value(Clone::clone).unwrap_or_default()
    }

    /// Applies the received frames to the models.
    fn apply_received(self) {
        let frames = self.received.drain();
        if frames.is_empty() {
            return;
        }
        for joined in self.rooms() {
            let missing = joined.apply(&frames);
            self.navigator
                .note_outdated(joined.model.try_with_untracked(|model| model.is_outdated) == Some(true));
            if joined.model.try_with_untracked(|model| model.problem) == Some(Some(Code::RoomRemoved)) {
                history::load(REMOVED);
            }
            match missing {
                Some(Missing::Nothing) | None => {}
                Some(Missing::Entries) if joined.is_thread() => joined.reload(),
                Some(Missing::Entries) => self.join(joined.model),
                Some(Missing::Room) if joined.is_thread() => {}
                Some(Missing::Room) => self.join_later(joined.model),
            }
        }
    }

    /// The server could not open the room; it may be able to in a moment.
    fn join_later(self, model: RwSignal<RoomModel>) {
        set_timeout(move || self.join(model), JOIN_PAUSE);
    }
}

/// A room on the page.
#[derive(Clone, Copy)]
struct JoinedRoom {
    model: RwSignal<RoomModel>,
    resets: RwSignal<u32>,
}

impl JoinedRoom {
    /// Applies frames in one update of the model. Returns what is missing then; `None`: the model is gone.
    fn apply(self, frames: &[ServerFrame]) -> Option<Missing> {
        let (is_reset, missing) = self.model.try_update(|model| {
            let (mut is_reset, mut missing) = (false, Missing::Nothing);
            for frame in frames {
                is_reset |= matches!(frame, ServerFrame::Reset { room, .. } if *room == model.room.id);
                match model.apply(frame.clone(), now_ms()) {
                    Missing::Nothing => {}
                    other => missing = other,
                }
            }
            (is_reset, missing)
        })?;
        if is_reset {
            self.reload();
        }
        Some(missing)
    }

    /// Loads its newest messages.
    fn reload(self) {
        self.resets.try_update(|resets| *resets += 1);
    }

    fn is_thread(self) -> bool {
        self.model.try_with_untracked(|model| model.thread().is_some()) == Some(true)
    }
}
