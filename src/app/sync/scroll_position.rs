//! The reading places of the feed and of rooms, stored in the tab while their page is away: as after a look at an account
//! page or another site. Within the app the saved feed and the outbox keep them.

use gloo_timers::future::TimeoutFuture;
use leptos::{prelude::*, task::spawn_local};
use send_wrapper::SendWrapper;

use super::storage_key;
use crate::{
    app::{
        loader::load_older_notifications,
        model::{
            feed::FeedModel,
            room::{RoomModel, ScrollPosition},
        },
        page_data::{NOTIFICATIONS_LIMIT, OlderNotifications},
        reactive::effect,
    },
    client::dom::{
        page,
        scroll_anchor::Anchor,
        storage::{self, Area},
    },
};

/// The item of the tab's storage with the reading place of the feed; for a channel's page its name follows.
const FEED_KEY: &str = "idobata.feed-place.";
/// The notifications of the feed's page.
const NOTIFICATIONS: &str = ".notifications [data-offset]";
/// The most pages of older notifications that are loaded to find the reading place of the feed. If it is further down, the
/// reader stays where the browser puts them.
const FEED_PAGES_SOUGHT: u32 = 10;
/// The time between two steps in which the place is sought and kept: a page that was just loaded is not as long yet as the
/// one that was left.
const SETTLING_STEP_MS: u32 = 20;
/// The number of these steps. A reader who scrolls meanwhile is not held.
const SETTLING_STEPS: u32 = 100;

/// Restores the place that an earlier page of this tab stored, and stores the present one when the page goes. Call it before
/// the list is drawn.
pub(crate) fn store_scroll_position(
    model: RwSignal<RoomModel>,
    scroll_position: StoredValue<Option<ScrollPosition>>,
) {
    effect(move || {
        let key = storage_key("place", model);
        if let Some(stored) = storage::get(Area::Session, &key) {
            storage::remove(Area::Session, &key);
            scroll_position.update_value(|place| *place = place.or_else(|| ScrollPosition::parse(&stored)));
        }
        let store = move || {
            if let Some(place) = scroll_position.try_get_value().flatten() {
                storage::set(Area::Session, &key, &place.to_string());
            }
        };
        let listener = SendWrapper::new(page::window_listener("pagehide", move |_| store()));
        on_cleanup(move || drop(listener));
    });
}

/// Brings the reader back to the notification that they read when they left the feed, if they come by the browser's history
/// or loaded the page again, and from then on stores the present one when the page goes. Another visit of the feed begins
/// with the newest.
pub(crate) fn store_feed_position(model: RwSignal<FeedModel>) {
    effect(move || {
        let channel = model.with_untracked(|model| model.channel.clone()).unwrap_or_default();
        let key = format!("{FEED_KEY}{channel}");
        let stored = storage::get(Area::Session, &key).and_then(|stored| ScrollPosition::parse(&stored));
        storage::remove(Area::Session, &key);
        if let Some(place) = stored.filter(|_| page::is_returned_to()) {
            spawn_local(return_to(model, place));
        }
        let listener =
            SendWrapper::new(page::window_listener("pagehide", move |_| match read_notification() {
                Some(place) => storage::set(Area::Session, &key, &place.to_string()),
                None => storage::remove(Area::Session, &key),
            }));
        on_cleanup(move || drop(listener));
    });
}

/// The first notification in view, unless the page is at its top.
fn read_notification() -> Option<ScrollPosition> {
    let page = Anchor::page().filter(|page| page.scroll_top() > 0)?;
    let (offset, top_px) = Anchor::find(&page, NOTIFICATIONS)?.position("data-offset")?;
    Some(ScrollPosition { offset: offset.parse().ok()?, top_px, head: 0 })
}

async fn return_to(model: RwSignal<FeedModel>, ScrollPosition { offset, top_px, .. }: ScrollPosition) {
    for _ in 0..FEED_PAGES_SOUGHT {
        if model.try_with_untracked(|model| model.can_stand_at(offset)) != Some(false) {
            break;
        }
        let address = model.try_update(|model| model.older_address(NOTIFICATIONS_LIMIT));
        let Some(address) = address else { return };
        let Some(OlderNotifications { entries, more, from }) = load_older_notifications(&address).await
        else {
            return;
        };
        model.try_update(|model| model.prepend(entries, more, from));
    }
    let selector = format!("{NOTIFICATIONS}[data-offset='{offset}']");
    let mut read = None;
    for _ in 0..SETTLING_STEPS {
        // First when they are drawn.
        TimeoutFuture::new(SETTLING_STEP_MS).await;
        read = read.or_else(|| Anchor::seek(&Anchor::page()?, &selector, top_px));
        read.as_mut().map(Anchor::restore);
    }
}
