//! Ties a model to a connection: opened in an effect after the page is mounted, ended by its clean-up on unmount.
//!
//! Every event is put into the model where it arrives. A signal keeps only its last value, so frames never travel
//! through one.

use std::{collections::HashMap, rc::Rc};

use leptos::{prelude::*, task::spawn_local_scoped_with_cancellation};
use send_wrapper::SendWrapper;

use super::{
    api::{load_feed, load_room},
    model::{
        connection::ConnectionState,
        feed::FeedModel,
        room::{Kept, RoomModel},
    },
};
use crate::{
    browser::{
        events::{EventStream, StreamEvent},
        socket::{Socket, SocketEvent},
        time::now_ms,
    },
    protocol::{
        chat::{ClientFrame, ServerFrame},
        feed::{Control, Event},
        name::RoomId,
    },
};

/// Follows the feed from the model's cursor for as long as the calling component is mounted. After a reset the
/// newest part of the feed is loaded and followed instead.
pub(super) fn follow_feed(model: RwSignal<FeedModel>) -> RwSignal<ConnectionState> {
    let state = RwSignal::new(ConnectionState::Connecting);
    let (resets, reloads) = (RwSignal::new(0_u32), RwSignal::new(0_u32));
    Effect::new(move |_| {
        reloads.track();
        let url = move || {
            let cursor = model.try_with_untracked(|model| model.cursor().to_string()).unwrap_or_default();
            format!("/api/events?after={cursor}")
        };
        let stream = EventStream::open(url, move |event| match event {
            StreamEvent::Open => drop(state.try_set(ConnectionState::Open)),
            StreamEvent::Closed => drop(state.try_set(ConnectionState::Closed)),
            StreamEvent::Data(data) => match serde_json::from_str::<Event>(&data) {
                Ok(event) => {
                    let is_reset = matches!(event, Event::Control(Control::Reset { .. }));
                    model.try_update(|model| model.apply(event));
                    if is_reset {
                        resets.try_update(|resets| *resets += 1);
                    }
                }
                Err(error) => leptos::logging::warn!("an event of the feed cannot be read: {error}"),
            },
        });
        // on_cleanup asks for Send; in a browser there is one thread, and the server runs no effects.
        let stream = SendWrapper::new(stream);
        on_cleanup(move || drop(stream));
    });
    Effect::new(move |_| {
        if resets.get() > 0 {
            spawn_local_scoped_with_cancellation(async move {
                // When it fails, the stream goes on with all that is retained: more than is wanted, nothing less.
                if let Ok(snapshot) = load_feed().await {
                    model.try_set(FeedModel::new(snapshot));
                    reloads.try_update(|reloads| *reloads += 1);
                }
            });
        }
    });
    state
}

/// What was written and not said, by room. It belongs to the whole site, so it outlives every page.
#[derive(Clone, Copy, Default)]
pub(super) struct Outbox(StoredValue<HashMap<RoomId, Kept>>);

impl Outbox {
    /// Takes what was kept of a room.
    pub(super) fn take(self, room: &RoomId) -> Kept {
        self.0.try_update_value(|rooms| rooms.remove(room)).flatten().unwrap_or_default()
    }

    /// Keeps it until the room is shown again.
    pub(super) fn keep(self, room: RoomId, kept: Kept) {
        if kept != Kept::default() {
            self.0.try_update_value(|rooms| rooms.insert(room, kept));
        }
    }
}

/// The page's chat socket, shared by the rooms shown on it.
#[derive(Clone, Copy)]
pub(super) struct ChatLink {
    /// For the badge.
    pub(super) state: RwSignal<ConnectionState>,
    socket: StoredValue<Option<SendWrapper<Rc<Socket>>>>,
    rooms: StoredValue<Vec<Followed>>,
}

impl ChatLink {
    /// Opens the socket for as long as the calling component is mounted.
    pub(super) fn open() -> Self {
        let link = Self {
            state: RwSignal::new(ConnectionState::Connecting),
            socket: StoredValue::new(None),
            rooms: StoredValue::new(Vec::new()),
        };
        Effect::new(move |_| {
            let ping = encode(&ClientFrame::Ping);
            let socket = Socket::open("/ws", ping, move |event| link.on_event(event));
            link.socket.set_value(Some(SendWrapper::new(Rc::new(socket))));
            on_cleanup(move || drop(link.socket.try_update_value(Option::take)));
        });
        link
    }

    /// Follows a room for as long as the calling component is mounted. After a reset its newest messages are loaded
    /// and followed instead.
    pub(super) fn follow(self, model: RwSignal<RoomModel>) {
        let resets = RwSignal::new(0_u32);
        Effect::new(move |_| {
            self.rooms.update_value(|rooms| rooms.push(Followed { model, resets }));
            self.greet(model);
            let room = model.with_untracked(|model| model.room.id.to_string());
            on_cleanup(move || {
                self.rooms.try_update_value(|rooms| rooms.retain(|followed| followed.model != model));
                self.send(&ClientFrame::Leave { room });
            });
        });
        Effect::new(move |_| {
            if resets.get() > 0 {
                let room = model.with_untracked(|model| model.room.id.to_string());
                spawn_local_scoped_with_cancellation(async move {
                    // When it fails, the room goes on with all that is retained: more than is wanted, nothing less.
                    if let Ok(Some(start)) = load_room(room).await {
                        model.try_update(|model| model.reload(start.page));
                        self.greet(model);
                    }
                });
            }
        });
    }

    /// Says a frame if the socket is open. What must not be lost is in the model and is said again on opening.
    pub(super) fn send(self, frame: &ClientFrame) {
        let socket = self.socket.try_with_value(Clone::clone).flatten();
        if let Some(socket) = socket {
            socket.send(&encode(frame));
        }
    }

    fn greet(self, model: RwSignal<RoomModel>) {
        let frames = model.try_with_untracked(RoomModel::greeting).unwrap_or_default();
        frames.iter().for_each(|frame| self.send(frame));
    }

    fn on_event(self, event: SocketEvent) {
        let rooms = self.rooms.try_with_value(Clone::clone).unwrap_or_default();
        match event {
            SocketEvent::Open => {
                self.state.try_set(ConnectionState::Open);
                rooms.into_iter().for_each(|followed| self.greet(followed.model));
            }
            SocketEvent::Closed => drop(self.state.try_set(ConnectionState::Closed)),
            SocketEvent::Text(text) => match serde_json::from_str::<ServerFrame>(&text) {
                Ok(ServerFrame::Pong) => {}
                Ok(frame) => rooms.into_iter().for_each(|followed| followed.apply(&frame)),
                Err(error) => leptos::logging::warn!("a frame of the chat cannot be read: {error}"),
            },
        }
    }
}

/// A room on the page.
#[derive(Clone, Copy)]
struct Followed {
    model: RwSignal<RoomModel>,
    resets: RwSignal<u32>,
}

impl Followed {
    fn apply(self, frame: &ServerFrame) {
        let is_reset = self.model.try_update(|model| {
            model.apply(frame.clone(), now_ms());
            matches!(frame, ServerFrame::Reset { room, .. } if *room == model.room.id)
        });
        if is_reset == Some(true) {
            self.resets.try_update(|resets| *resets += 1);
        }
    }
}

fn encode(frame: &ClientFrame) -> String {
    serde_json::to_string(frame).expect("frames have only string keys")
}
