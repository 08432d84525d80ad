//! The chat's connection and the rooms shown on it.

use std::{rc::Rc, time::Duration};

use leptos::{prelude::*, task::spawn_local};
use send_wrapper::SendWrapper;

use super::{Status, batch::Batch};
use crate::{
    app::{
        loader::load_room,
        model::room::{Missing, RoomModel},
        reactive::effect,
    },
    client::{
        connection::{Connection, ConnectionEvent, ReceivedData},
        dom::time::now_ms,
    },
    protocol::chat::{ClientFrame, ServerFrame},
};

/// After this a room is asked for again that the server could not open.
const JOIN_PAUSE: Duration = Duration::from_secs(3);

/// The page's chat connection, shared by the rooms shown on it.
#[derive(Clone, Copy)]
pub(crate) struct ChatLink {
    /// For the badge.
    pub(crate) status: Status,
    connection: StoredValue<Option<SendWrapper<Rc<Connection>>>>,
    rooms: StoredValue<Vec<Followed>>,
    heard: Batch<ServerFrame>,
}

impl ChatLink {
    /// A connection for as long as the calling component is mounted. It opens with the first room.
    pub(crate) fn new() -> Self {
        let link = Self {
            status: Status::new(),
            connection: StoredValue::new(None),
            rooms: StoredValue::new(Vec::new()),
            heard: Batch::new(),
        };
        effect(move || on_cleanup(move || drop(link.connection.try_update_value(Option::take))));
        link
    }

    /// Follows a room for as long as the calling component is mounted. After a reset its newest messages are loaded
    /// and followed instead.
    pub(crate) fn follow(self, model: RwSignal<RoomModel>) {
        let resets = RwSignal::new(0_u32);
        effect(move || {
            self.rooms.update_value(|rooms| rooms.push(Followed { model, resets }));
            self.connect();
            self.greet(model);
            let room = model.with_untracked(|model| model.room.id.to_string());
            on_cleanup(move || {
                self.rooms.try_update_value(|rooms| rooms.retain(|followed| followed.model != model));
                self.say(&ClientFrame::Leave { room });
            });
        });
        effect(move || {
            if resets.get() > 0 {
                let room = model.with_untracked(|model| model.room.id.clone());
                spawn_local(async move {
                    // When it fails, the room goes on with all that is retained: more than is wanted, nothing less.
                    if let Some(start) = load_room(&room).await {
                        model.try_update(|model| model.reload(start.page));
                        self.greet(model);
                    }
                });
            }
        });
    }

    /// Says a frame if the connection is open. What must not be lost is in the model and is said again on opening.
    pub(crate) fn say(self, frame: &ClientFrame) {
        if let Some(connection) = self.connection.try_with_value(Clone::clone).flatten() {
            connection.say(frame);
        }
    }

    fn connect(self) {
        if self.connection.with_value(Option::is_none) {
            let connection = Connection::to_chat(move |event| self.on_event(event));
            self.connection.set_value(Some(SendWrapper::new(Rc::new(connection))));
        }
    }

    fn greet(self, model: RwSignal<RoomModel>) {
        let frames = model.try_with_untracked(RoomModel::greeting).unwrap_or_default();
        frames.iter().for_each(|frame| self.say(frame));
    }

    fn on_event(self, event: ConnectionEvent) {
        match event {
            ConnectionEvent::ReceivedData(
                ReceivedData::Frame(ServerFrame::Pong) | ReceivedData::Event(_),
            ) => {}
            ConnectionEvent::ReceivedData(ReceivedData::Frame(frame)) => {
                self.heard.add(frame, move || self.take_in())
            }
            // What was heard before comes before.
            ConnectionEvent::Open => {
                self.take_in();
                for followed in self.rooms() {
                    followed.model.try_update(RoomModel::reconnect);
                    self.greet(followed.model);
                }
            }
            ConnectionEvent::Proven(transport) => {
                self.take_in();
                self.status.open(transport);
            }
            ConnectionEvent::Lost | ConnectionEvent::SignedOut => {
                self.take_in();
                for followed in self.rooms() {
                    followed.model.try_update(RoomModel::disconnect);
                }
                self.status.lose(&event);
            }
        }
    }

    fn rooms(self) -> Vec<Followed> {
        self.rooms.try_with_value(Clone::clone).unwrap_or_default()
    }

    /// Puts what was heard into the models.
    fn take_in(self) {
        let frames = self.heard.drain();
        if frames.is_empty() {
            return;
        }
        for followed in self.rooms() {
            match followed.apply(&frames) {
                Some(Missing::Nothing) | None => {}
                Some(Missing::Entries) => self.greet(followed.model),
                Some(Missing::Room) => self.greet_later(followed.model),
            }
        }
    }

    /// The server could not let us into the room; it may be able to in a moment.
    fn greet_later(self, model: RwSignal<RoomModel>) {
        set_timeout(move || self.greet(model), JOIN_PAUSE);
    }
}

/// A room on the page.
#[derive(Clone, Copy)]
struct Followed {
    model: RwSignal<RoomModel>,
    resets: RwSignal<u32>,
}

impl Followed {
    /// Puts frames into the model, in one change; says what has to be asked for again.
    fn apply(self, frames: &[ServerFrame]) -> Option<Missing> {
        let (is_reset, missing) = self.model.try_update(|model| {
            let (mut is_reset, mut missing) = (false, Missing::Nothing);
            for frame in frames {
                is_reset |= matches!(frame, ServerFrame::Reset { room, .. } if *room == model.room.id);
                match model.apply(frame.clone(), now_ms()) {
                    Missing::Nothing => {}
                    lacking => missing = lacking,
                }
            }
            (is_reset, missing)
        })?;
        if is_reset {
            self.resets.try_update(|resets| *resets += 1);
        }
        Some(missing)
    }
}
