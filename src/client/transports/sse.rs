//! A topic by server-sent events. EventSource would reconnect by itself, always after the same time and without an
//! event; this module closes it at its first error, and the connection decides. `gloo-net` does not serve: it hides the
//! first error while the browser reconnects.

use std::{cell::Cell, rc::Rc};

use gloo_events::EventListener;
use wasm_bindgen::JsCast;
use web_sys::{Event, EventSource, MessageEvent};

use super::{EventSink, Report, TransportEvent, TransportHandle};
use crate::client::dom::page;

/// An open stream.
pub(crate) struct Stream {
    source: EventSource,
    _listeners: [EventListener; 5],
}

impl Stream {
    /// Reads the stream at `url`, whose query must ask for heartbeats, and has each event parsed. `None`: the browser
    /// rejects the address.
    pub(crate) fn open<T: 'static>(
        url: &str,
        parse: fn(&str) -> serde_json::Result<T>,
        sink: EventSink<T>,
    ) -> Option<Self> {
        let report = sink.to_report();
        let on_text = move |text: &str| match parse(text) {
            Ok(data) => sink.receive(data),
            Err(error) => warn_unreadable(&error, text),
        };
        Self::listen(url, report, Box::new(on_text))
    }

    fn listen(url: &str, report: Report, on_text: Box<dyn Fn(&str)>) -> Option<Self> {
        let source = EventSource::new(url).ok()?;
        let retry_after_ms = Rc::new(Cell::new(None));
        let (announced, closed) = (retry_after_ms.clone(), source.clone());
        let (opened, alive, lost) = (report.clone(), report.clone(), report);
        let listeners = [
            EventListener::new(&source, "open", move |_| _ = opened(TransportEvent::Open)),
            EventListener::new(&source, "message", move |event| {
                if let Some(text) = data(event) {
                    on_text(&text);
                }
            }),
            EventListener::new(&source, "heartbeat", move |_| _ = alive(TransportEvent::Alive)),
            EventListener::new(&source, "retry", move |event| {
                announced.set(data(event).and_then(|data| data.parse().ok()));
            }),
            EventListener::new(&source, "error", move |_| {
                closed.close();
                lost(TransportEvent::Lost(retry_after_ms.get()));
            }),
        ];
        Some(Self { source, _listeners: listeners })
    }
}

impl TransportHandle for Stream {}

/// Tests whether streams come through: reports [`TransportEvent::Alive`] when one has brought something.
pub(crate) struct StreamProbe {
    source: EventSource,
    _listeners: [EventListener; 2],
}

impl StreamProbe {
    pub(crate) fn open(report: Report) -> Option<Self> {
        let source = EventSource::new("/api/events").ok()?;
        let alive = report.clone();
        let listeners = [
            EventListener::new(&source, "message", move |_| _ = alive(TransportEvent::Alive)),
            EventListener::new(&source, "error", move |_| _ = report(TransportEvent::Lost(None))),
        ];
        Some(Self { source, _listeners: listeners })
    }
}

impl TransportHandle for StreamProbe {}

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

fn warn_unreadable(error: &serde_json::Error, text: &str) {
    page::warn(&format!("an event cannot be read ({error}): {text}"));
}
