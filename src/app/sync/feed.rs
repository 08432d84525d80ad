//! The feed's connection.

use leptos::{prelude::*, task::spawn_local};
use send_wrapper::SendWrapper;

use super::{Navigator, Status, batch::Batch};
use crate::{
    app::{loader::load_feed, model::feed::FeedModel, reactive::effect},
    client::{
        connection::{Connection, ConnectionEvent},
        dom::page,
    },
    protocol::feed::{Body, Control, Entry, Event, Snapshot},
};

/// Most models that are saved: those of the pages to which a reader goes back at once.
const SAVED_MAX: usize = 8;

/// The feed and its channels as they were shown before another page took their place, with the older notifications that
/// were loaded.
#[derive(Clone, Copy, Default)]
pub(crate) struct SavedFeeds(StoredValue<Vec<FeedModel>>);

impl SavedFeeds {
    /// The model of a feed or a channel that is shown: the saved one if the connection can go on from it, or one of the
    /// snapshot.
    pub(crate) fn take(self, channel: Option<String>, snapshot: Snapshot) -> FeedModel {
        let saved = self.0.try_update_value(|saved| {
            let index =
                saved.iter().position(|model| model.channel == channel && model.filter == snapshot.filter)?;
            Some(saved.remove(index))
        });
        let saved = saved.flatten().filter(|saved| saved.continues_to(&snapshot));
        saved.unwrap_or_else(|| FeedModel::new(channel, snapshot))
    }

    /// Saves the model until its page is shown again.
    pub(crate) fn save(self, model: RwSignal<FeedModel>) {
        if let Some(model) = model.try_get_untracked() {
            self.0.try_update_value(|saved| {
                saved.push(model);
                if saved.len() > SAVED_MAX {
                    saved.remove(0);
                }
            });
        }
    }
}

/// Follows the feed, or the model's channel of it, from the model's cursor for as long as the calling component is
/// mounted. After a reset the newest part of it is loaded and followed from there.
pub(crate) fn follow_feed(model: RwSignal<FeedModel>) -> Status {
    let status = Status::new();
    let (resets, reloads) = (RwSignal::new(0_u32), RwSignal::new(0_u32));
    let received = Batch::new();
    let navigator: Navigator = expect_context();
    let apply_received = move || {
        let events = received.drain();
        let is_reset = events.iter().any(|event| matches!(event, Event::Control(Control::Reset { .. })));
        for event in &events {
            if let Event::Control(Control::Unread { rooms, list }) = event {
                navigator.note_unread(rooms.clone(), *list);
            }
        }
        let is_news =
            |event: &Event| matches!(event, Event::Entry(Entry { body: Body::Notification { .. }, .. }));
        let has_news = events.iter().any(is_news);
        let is_value = |event: &Event| matches!(event, Event::Entry(entry) if entry.body.is_update());
        let has_values = events.iter().any(is_value);
        if !events.is_empty() {
            model.try_update(|model| {
                events.into_iter().for_each(|event| model.apply_shown(event, page::fold))
            });
            navigator.note_outdated(model.try_with_untracked(|model| model.is_outdated) == Some(true));
        }
        if has_news {
            page::dispatch("idobata:event"); // public/page_notifications.js
        }
        if has_values {
            page::dispatch("idobata:values"); // public/channel.js
        }
        if is_reset {
            resets.try_update(|resets| *resets += 1);
        }
    };
    let on_connection = move |event| {
        // The events that arrived before this one come before it.
        apply_received();
        match event {
            ConnectionEvent::Open => _ = model.try_update(FeedModel::reconnect),
            ConnectionEvent::Proven(transport) => status.open(transport),
            ConnectionEvent::Lost | ConnectionEvent::SignedOut => status.lose(&event),
        }
    };
    effect(move || {
        reloads.track();
        let cursor = move || model.try_with_untracked(|model| model.cursor().clone());
        let connection = Connection::to_feed(
            channel_of(model),
            navigator.has_marks(),
            cursor,
            move |event| received.add(event, apply_received),
            on_connection,
        );
        // on_cleanup asks for Send; a browser has one thread, and the server runs no effects.
        let connection = SendWrapper::new(connection);
        on_cleanup(move || drop(connection));
    });
    effect(move || {
        if resets.get() > 0 {
            spawn_local(async move {
                // If it fails, the feed goes on with everything that is retained: more than needed, nothing less.
                let filter = model.try_with_untracked(|model| model.filter.clone()).flatten();
                if let Some(snapshot) = load_feed(channel_of(model), filter).await {
                    model.try_set(FeedModel::new(channel_of(model), snapshot));
                    reloads.try_update(|reloads| *reloads += 1);
                }
            });
        }
    });
    status
}

fn channel_of(model: RwSignal<FeedModel>) -> Option<String> {
    model.try_with_untracked(|model| model.channel.clone()).flatten()
}
