//! Ties a model to a connection: opened in an effect after the page is mounted, ended by its clean-up on unmount.
//!
//! Every event is put into the model where it arrives. A signal keeps only its last value, so frames never travel
//! through one.

use std::rc::Rc;

use leptos::prelude::*;
use send_wrapper::SendWrapper;

use super::model::{connection::ConnectionState, feed::FeedModel, room::RoomModel};
use crate::{
    browser::{
        events::{EventStream, StreamEvent},
        socket::{Socket, SocketEvent},
        time::now_ms,
    },
    protocol::{
        chat::{ClientFrame, ServerFrame},
        feed::Event,
    },
};

/// Follows the feed from the model's cursor for as long as the calling component is mounted.
pub(super) fn follow_feed(model: RwSignal<FeedModel>) -> RwSignal<ConnectionState> {
    let state = RwSignal::new(ConnectionState::Connecting);
    Effect::new(move |_| {
        let url = move || {
            let cursor = model.try_with_untracked(|model| model.cursor().to_string()).unwrap_or_default();
            format!("/api/events?after={cursor}")
        };
        let stream = EventStream::open(url, move |event| match event {
            StreamEvent::Open => drop(state.try_set(ConnectionState::Open)),
            StreamEvent::Closed => drop(state.try_set(ConnectionState::Closed)),
            StreamEvent::Data(data) => match serde_json::from_str::<Event>(&data) {
                Ok(event) => drop(model.try_update(|model| model.apply(event))),
                Err(error) => leptos::logging::warn!("an event of the feed cannot be read: {error}"),
            },
        });
        // on_cleanup asks for Send; in a browser there is one thread, and the server runs no effects.
        let stream = SendWrapper::new(stream);
        on_cleanup(move || drop(stream));
    });
    state
}

/// The page's chat socket, shared by the rooms shown on it.
#[derive(Clone, Copy)]
pub(super) struct ChatLink {
    /// For the badge.
    pub(super) state: RwSignal<ConnectionState>,
    socket: StoredValue<Option<SendWrapper<Rc<Socket>>>>,
    rooms: StoredValue<Vec<RwSignal<RoomModel>>>,
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

    /// Follows a room for as long as the calling component is mounted.
    pub(super) fn follow(self, model: RwSignal<RoomModel>) {
        Effect::new(move |_| {
            self.rooms.update_value(|rooms| rooms.push(model));
            self.greet(model);
            let room = model.with_untracked(|model| model.room.id.to_string());
            on_cleanup(move || {
                self.rooms.try_update_value(|rooms| rooms.retain(|other| *other != model));
                self.send(&ClientFrame::Leave { room: room.clone() });
            });
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
                rooms.into_iter().for_each(|model| self.greet(model));
            }
            SocketEvent::Closed => drop(self.state.try_set(ConnectionState::Closed)),
            SocketEvent::Text(text) => match serde_json::from_str::<ServerFrame>(&text) {
                Ok(ServerFrame::Pong) => {}
                Ok(frame) => {
                    let now_ms = now_ms();
                    for model in rooms {
                        model.try_update(|model| model.apply(frame.clone(), now_ms));
                    }
                }
                Err(error) => leptos::logging::warn!("a frame of the chat cannot be read: {error}"),
            },
        }
    }
}

fn encode(frame: &ClientFrame) -> String {
    serde_json::to_string(frame).expect("frames have only string keys")
}
