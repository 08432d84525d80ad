//! A topic over server-sent events. The browser's EventSource would reconnect by itself, always after the same time
//! and without a word about it; here it is closed on its first error, and the connection decides. Not by `gloo-net`,
//! which keeps that first error to itself while the browser reconnects.

use std::{cell::Cell, rc::Rc};

use gloo_events::EventListener;
use wasm_bindgen::JsCast;
use web_sys::{Event, EventSource, MessageEvent};

use super::{Attempt, EventSink, ReceivedData, TransportEvent};
use crate::client::dom::page;

/// How a stream's data is read.
type Read = fn(&str) -> serde_json::Result<ReceivedData>;

/// Reads a stream of the chat.
pub(crate) fn read_frame(data: &str) -> serde_json::Result<ReceivedData> {
    serde_json::from_str(data).map(ReceivedData::Frame)
}

/// Reads the stream of the feed.
pub(crate) fn read_event(data: &str) -> serde_json::Result<ReceivedData> {
    serde_json::from_str(data).map(ReceivedData::Event)
}

/// See the module.
pub(crate) struct Stream {
    source: EventSource,
    _listeners: [EventListener; 5],
}

impl Stream {
    /// Follows the stream at `url`, which asks for a heartbeat. `None`: the address is none.
    pub(crate) fn open(url: &str, read: Read, tell: EventSink) -> Option<Self> {
        let source = EventSource::new(url).ok()?;
        let return_after = Rc::new(Cell::new(None));
        let (told_return, closed) = (return_after.clone(), source.clone());
        let (opened, heard, alive, lost) = (tell.clone(), tell.clone(), tell.clone(), tell);
        let listeners = [
            EventListener::new(&source, "open", move |_| opened(TransportEvent::Open)),
            EventListener::new(&source, "message", move |event| on_message(read, &heard, event)),
            EventListener::new(&source, "heartbeat", move |_| alive(TransportEvent::Alive)),
            EventListener::new(&source, "retry", move |event| {
                told_return.set(data(event).and_then(|data| data.parse().ok()));
            }),
            EventListener::new(&source, "error", move |_| {
                closed.close();
                lost(TransportEvent::Lost(return_after.get()));
            }),
        ];
        Some(Self { source, _listeners: listeners })
    }
}

impl Attempt for Stream {}

/// Finds out whether streams come through: tells a sign of life when one has brought something.
pub(crate) struct StreamProbe {
    source: EventSource,
    _listeners: [EventListener; 2],
}

impl StreamProbe {
    pub(crate) fn open(tell: EventSink) -> Option<Self> {
        let source = EventSource::new("/api/events").ok()?;
        let alive = tell.clone();
        let listeners = [
            EventListener::new(&source, "message", move |_| alive(TransportEvent::Alive)),
            EventListener::new(&source, "error", move |_| tell(TransportEvent::Lost(None))),
        ];
        Some(Self { source, _listeners: listeners })
    }
}

impl Attempt for StreamProbe {}

impl Drop for StreamProbe {
    fn drop(&mut self) {
        self.source.close();
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.source.close();
    }
}

fn data(event: &Event) -> Option<String> {
    event.dyn_ref::<MessageEvent>()?.data().as_string()
}

fn on_message(read: Read, tell: &EventSink, event: &Event) {
    let Some(data) = data(event) else { return };
    match read(&data) {
        Ok(heard) => tell(TransportEvent::ReceivedData(heard)),
        Err(error) => page::warn(&format!("an event cannot be read ({error}): {data}")),
    }
}
