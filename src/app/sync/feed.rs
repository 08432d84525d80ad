//! The feed's live end.

use leptos::{prelude::*, task::spawn_local};
use send_wrapper::SendWrapper;

use super::{Status, batch::Batch};
use crate::{
    app::{loader::load_feed, model::feed::FeedModel, reactive::effect},
    client::connection::{Connection, ConnectionEvent, ReceivedData},
    protocol::feed::{Control, Event},
};

/// Follows the feed from the model's cursor for as long as the calling component is mounted. After a reset the
/// newest part of the feed is loaded and followed instead.
pub(crate) fn follow_feed(model: RwSignal<FeedModel>) -> Status {
    let status = Status::new();
    let (resets, reloads) = (RwSignal::new(0_u32), RwSignal::new(0_u32));
    let heard = Batch::new();
    let take_in = move || {
        let events = heard.drain();
        let is_reset = events.iter().any(|event| matches!(event, Event::Control(Control::Reset { .. })));
        if !events.is_empty() {
            model.try_update(|model| events.into_iter().for_each(|event| model.apply(event)));
        }
        if is_reset {
            resets.try_update(|resets| *resets += 1);
        }
    };
    effect(move || {
        reloads.track();
        let cursor = move || model.try_with_untracked(|model| model.cursor().clone());
        let connection = Connection::to_feed(cursor, move |event| match event {
            ConnectionEvent::ReceivedData(ReceivedData::Event(event)) => heard.add(event, take_in),
            ConnectionEvent::ReceivedData(ReceivedData::Frame(_)) => {}
            // What was heard before comes before.
            ConnectionEvent::Open => {
                take_in();
                model.try_update(FeedModel::reconnect);
            }
            ConnectionEvent::Proven(transport) => {
                take_in();
                status.open(transport);
            }
            ConnectionEvent::Lost | ConnectionEvent::SignedOut => {
                take_in();
                status.lose(&event);
            }
        });
        // on_cleanup asks for Send; in a browser there is one thread, and the server runs no effects.
        let connection = SendWrapper::new(connection);
        on_cleanup(move || drop(connection));
    });
    effect(move || {
        if resets.get() > 0 {
            spawn_local(async move {
                // When it fails, the feed goes on with all that is retained: more than is wanted, nothing less.
                if let Some(snapshot) = load_feed().await {
                    model.try_set(FeedModel::new(snapshot));
                    reloads.try_update(|reloads| *reloads += 1);
                }
            });
        }
    });
    status
}
