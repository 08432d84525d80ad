//! The reader's position in the message list, which the scroller keeps: at the newest message, or further up, where the
//! message in view stays in place while others appear above and below it. It never writes into the model anything but
//! whether the reader is reading back.

use leptos::{html, prelude::*, task::spawn_local};
use send_wrapper::SendWrapper;

use crate::{
    app::{
        model::room::{RoomModel, ScrollPosition, ScrollRequest},
        reactive::{effect, memo},
    },
    client::dom::{page, scroll_anchor::Anchor},
};

/// The attribute of a message of the log.
const OFFSET: &str = "data-offset";
/// Their texts: what stands above a text within its message changes with the message before it.
const TEXTS: &str = "[data-offset] > .message__text";
/// Within this distance from the end the reader is at the newest message, in CSS pixels.
const END_PX: f64 = 80.0;
/// The height of a line of a message, in CSS pixels.
const LINE_PX: f64 = 24.0;
/// Within this distance from the top earlier messages are loaded, in CSS pixels.
const TOP_PX: f64 = 400.0;
/// The most pages of earlier messages that are loaded to find the scroll position of the last visit. If it is further
/// up, the reader starts at the end.
const PAGES_SOUGHT: u32 = 4;

/// The position, and what it takes to keep it.
#[derive(Clone, Copy)]
pub(super) struct ReadingPosition {
    model: RwSignal<RoomModel>,
    scroller: NodeRef<html::Div>,
    /// The head of the log when the reader scrolled away from it. `None`: they are at the end.
    pub(super) left_at: RwSignal<Option<u64>>,
    /// The position as the next visit finds it.
    saved: StoredValue<Option<ScrollPosition>>,
    /// The first message in view, which must keep its position.
    anchor: StoredValue<Option<SendWrapper<Anchor>>>,
    /// True from a change of the model until its rows are drawn and the anchor is back in place.
    is_moving: StoredValue<bool>,
    /// The position of the last visit, until it is restored.
    sought: StoredValue<Option<ScrollPosition>>,
    pages_left: StoredValue<u32>,
    /// The place that the address leads to, until it is in view.
    request: StoredValue<Option<ScrollRequest>>,
    /// The head when a reader who comes back left the end.
    restored_head: StoredValue<Option<u64>>,
}

impl ReadingPosition {
    pub(super) fn new(
        model: RwSignal<RoomModel>,
        scroller: NodeRef<html::Div>,
        saved: StoredValue<Option<ScrollPosition>>,
    ) -> Self {
        Self {
            model,
            scroller,
            left_at: RwSignal::new(None),
            saved,
            anchor: StoredValue::new(None),
            is_moving: StoredValue::new(false),
            sought: StoredValue::new(None),
            pages_left: StoredValue::new(PAGES_SOUGHT),
            request: StoredValue::new(None),
            restored_head: StoredValue::new(None),
        }
    }

    /// Keeps the position from now on. Calls `on_top`, which returns true if it loads a page, while the position of the last visit is above the loaded messages,
    /// and `on_end` as [`Self::on_scroll`].
    pub(super) fn keep(self, on_top: impl Fn() -> bool + Copy + 'static, on_end: impl Fn() + Copy + 'static) {
        // In an effect: the position of a page that was loaded anew comes from the browser's storage.
        effect(move || self.sought.set_value(self.saved.get_value()));
        let request = memo(move || self.model.with(RoomModel::scroll_request));
        effect(move || {
            let request = request.get();
            if request.number > 0 {
                self.begin(request);
            }
        });
        effect(move || {
            self.model.track();
            self.is_moving.set_value(true);
            // After every effect that draws the change, and before this frame is painted: what is received is applied
            // just before, when it is too late to ask for a part in this frame.
            spawn_local(async move { self.restore() });
            // Once more for rows that join the list in later steps, before the next frame is painted.
            request_animation_frame(move || {
                self.restore();
                self.arrive(on_top, on_end);
                self.seek(on_top);
                self.is_moving.try_set_value(false);
                self.record();
            });
        });
    }

    /// Notes where the reader has scrolled to. Calls `on_top` near the top, and `on_end` near the end of messages that are
    /// not the newest.
    pub(super) fn on_scroll(self, on_top: impl Fn() -> bool, on_end: impl Fn()) {
        let Some((from_end, from_top)) = self.distances() else { return };
        let is_detached = self.is_detached();
        let is_reading_back = is_detached || from_end > END_PX;
        if is_reading_back != self.left_at.with_untracked(Option::is_some) {
            self.model.update(|model| model.set_reading_back(is_reading_back));
            let head = || self.model.with_untracked(|model| model.cursor().offset);
            let restored = self.restored_head.try_update_value(Option::take).flatten();
            self.left_at.set(is_reading_back.then(|| restored.unwrap_or_else(head)));
        }
        if from_top < TOP_PX {
            on_top();
        }
        if is_detached && from_end < TOP_PX {
            on_end();
        }
        // Messages that have moved are about to be put back, and then the position is recorded.
        if !self.is_moving.get_value() {
            self.record();
        }
    }

    fn is_detached(self) -> bool {
        self.model.try_with_untracked(RoomModel::is_detached) == Some(true)
    }

    /// Leads to the newest message.
    pub(super) fn scroll_to_end(self) {
        if self.is_detached() {
            return self.model.update(RoomModel::open_newest);
        }
        if let Some(scroller) = self.scroller.get_untracked() {
            scroller.set_scroll_top(0);
        }
    }

    /// The distances of the view from the end and from the top of the content, in CSS pixels.
    fn distances(self) -> Option<(f64, f64)> {
        let scroller = self.scroller.try_get_untracked().flatten()?;
        // The content is laid out from its end: there the position is 0, further up it is negative.
        let from_end = -f64::from(scroller.scroll_top());
        Some((from_end, f64::from(scroller.scroll_height() - scroller.client_height()) - from_end))
    }

    /// Makes the first message in view the anchor, and saves its position.
    fn record(self) {
        let (Some((from_end, _)), Some(scroller)) =
            (self.distances(), self.scroller.try_get_untracked().flatten())
        else {
            return;
        };
        let anchor =
            (self.is_detached() || from_end > END_PX).then(|| Anchor::find(&scroller, TEXTS)).flatten();
        // That of the last visit stays until it is restored: the reader may leave before.
        if self.sought.with_value(Option::is_none) {
            let head = self.left_at.get_untracked();
            let position = anchor.as_ref().zip(head).and_then(|(anchor, head)| position_of(anchor, head));
            self.saved.set_value(position);
        }
        self.anchor.set_value(anchor.map(SendWrapper::new));
    }

    /// Puts the anchor back in place.
    fn restore(self) {
        self.anchor.try_update_value(|anchor| anchor.as_mut().map(|anchor| anchor.restore()));
    }

    /// Follows a request. A reader who comes back is led to where they were, if that is known.
    fn begin(self, request: ScrollRequest) {
        let saved = self.saved.get_value().filter(|_| request.is_return);
        self.request.set_value(saved.is_none().then_some(request));
        self.sought.set_value(saved);
        self.anchor.set_value(None);
    }

    /// Brings what was requested into view, once it is drawn.
    fn arrive(self, on_top: impl Fn() -> bool, on_end: impl Fn()) {
        let (Some(scroller), Some(request)) =
            (self.scroller.try_get_untracked().flatten(), self.request.try_get_value().flatten())
        else {
            return;
        };
        self.request.set_value(None);
        match request.target {
            None => scroller.set_scroll_top(0),
            Some(offset) => {
                // The text to the middle, and the focus to the message.
                let middle = f64::from(scroller.client_height()) / 2.0 - LINE_PX;
                let message = format!("[data-offset='{offset}']");
                if let Some(mut text) =
                    Anchor::seek(&scroller, &format!("{message} > .message__text"), middle)
                {
                    text.restore();
                }
                page::move_focus(&scroller, &message);
            }
        }
        self.on_scroll(on_top, on_end);
    }

    /// Restores the position of the last visit, or asks for the messages that it is among.
    fn seek(self, on_top: impl Fn() -> bool) {
        let (Some(scroller), Some(ScrollPosition { offset, top_px, head })) =
            (self.scroller.try_get_untracked().flatten(), self.sought.try_get_value().flatten())
        else {
            return;
        };
        let message = Anchor::seek(&scroller, &format!("[data-offset='{offset}'] > .message__text"), top_px);
        let is_over = message.is_some()
            || self.pages_left.get_value() == 0
            || !self.model.with_untracked(RoomModel::has_older);
        if let Some(mut message) = message {
            self.restored_head.set_value(Some(head));
            message.restore();
        } else if !is_over && on_top() {
            self.pages_left.update_value(|pages| *pages -= 1);
        }
        if is_over {
            self.sought.set_value(None);
        }
    }
}

fn position_of(message: &Anchor, head: u64) -> Option<ScrollPosition> {
    let (offset, top_px) = message.position(OFFSET)?;
    Some(ScrollPosition { offset: offset.parse().ok()?, top_px, head })
}
