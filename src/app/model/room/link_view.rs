//! The place in the room to which the page's address leads, and the messages around it while they are apart from the newest.
//!
//! The list that follows the log stays as it is, below this one and out of sight: a window of earlier messages is shown in
//! its place, moves both ways, and becomes its beginning when nothing is missing between the two. So nothing that is
//! received waits, and the room's cursor never depends on what is shown. A reader who reads back far gets a window as well,
//! so that the page never draws more rows than a browser keeps up with.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::RoomModel;
use crate::protocol::{
    chat::{Message, MessagePage},
    cursor::{Cursor, Offset},
};

/// The most messages in a window. Those at the other end leave it, and can be loaded again: each row costs time in every
/// frame that draws the list anew, and a browser keeps up with a thousand.
const WINDOW_MAX: usize = 500;

/// The most of the newest messages that wait below a window: all are drawn in one frame when the window reaches them.
pub(super) const WAITING_MAX: usize = 100;

/// The place in a room to which an address leads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Linked {
    /// The message that the address names, or that stands nearest to it. `None`: the newest.
    pub target: Option<Offset>,
    /// The messages around it. `None`: they are among the newest.
    pub around: Option<MessagePage>,
    /// The message or the day that the address names is not there: the reason, in the viewer's language.
    pub missing: Option<String>,
    /// The status of the page, where it is missing.
    #[serde(default)]
    pub status: u16,
}

/// The place that is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct LinkView {
    linked: Option<Box<Linked>>,
    window: Option<Window>,
    scroll_request: ScrollRequest,
}

/// A request to bring a place into view. Each has another number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScrollRequest {
    /// 0 before the first.
    pub number: u32,
    /// The message to bring into view. `None`: the newest.
    pub target: Option<Offset>,
    /// The reader comes back: to where they were, if that is known.
    pub is_return: bool,
}

/// Messages that are shown in the place of the newest.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Window {
    messages: Vec<Arc<Message>>,
    /// The cursor after which later messages are loaded.
    cursor: Cursor,
    /// Older messages can be loaded.
    more: bool,
}

impl Window {
    /// Puts earlier messages above the others. The latest leave the window beyond its bound.
    fn prepend(&mut self, older: Vec<Arc<Message>>, more: bool) {
        self.messages.splice(0..0, older);
        self.more = more;
        self.messages.truncate(WINDOW_MAX);
        if let Some(last) = self.messages.last() {
            self.cursor.offset = last.offset;
        }
    }

    /// Puts the messages up to `cursor` below the others. The earliest leave the window beyond its bound.
    fn append(&mut self, later: impl Iterator<Item = Arc<Message>>, cursor: Cursor) {
        self.messages.extend(later);
        self.cursor = cursor;
        let surplus = self.messages.len().saturating_sub(WINDOW_MAX);
        self.messages.drain(..surplus);
        self.more |= surplus > 0;
    }
}

impl RoomModel {
    /// Shows the place to which an address leads; `None`: the newest messages.
    pub fn open(&mut self, linked: Option<Box<Linked>>, is_return: bool) {
        let target = linked.as_ref().and_then(|linked| linked.target);
        self.request_scroll(target, is_return);
        self.link_view.linked = linked;
        let mut around = self.link_view.linked.as_mut().and_then(|linked| linked.around.take());
        if let Some(page) = around.as_mut().filter(|page| page.cursor.epoch == self.cursor.epoch) {
            self.take_quoted(page);
            self.take_threads(page);
        }
        let is_shown = |page: &MessagePage| {
            page.cursor.epoch != self.cursor.epoch
                || self.messages.first().zip(page.messages.first()).is_some_and(|(a, b)| a.offset <= b.offset)
        };
        let around = around.filter(|page| !is_shown(page)).inspect(|page| self.take_own_reactions(page));
        self.link_view.window = around.and_then(|page| {
            let messages = self.heard_changes.fold_into(page.messages, page.as_of)?;
            Some(Window { messages, cursor: page.cursor, more: page.more })
        });
        self.join_window();
        self.is_reading_back |= self.is_detached();
    }

    /// The reader comes back to the place.
    pub fn return_to_target(&mut self) {
        let target = self.scroll_request().target;
        self.request_scroll(target, true);
    }

    /// Shows the newest messages.
    pub fn open_newest(&mut self) {
        self.link_view.linked = None;
        self.leave_window();
    }

    /// Shows the newest messages instead of a window of earlier ones.
    pub(super) fn leave_window(&mut self) {
        if self.link_view.window.take().is_some() {
            self.request_scroll(None, false);
        }
    }

    /// The log has begun anew: the place is of the old one.
    pub(super) fn close_link(&mut self) {
        self.leave_window();
        self.link_view.linked = None;
    }

    fn request_scroll(&mut self, target: Option<Offset>, is_return: bool) {
        self.link_view.scroll_request =
            ScrollRequest { number: self.link_view.scroll_request.number + 1, target, is_return };
    }

    /// The newest request to bring a place into view.
    pub fn scroll_request(&self) -> ScrollRequest {
        self.link_view.scroll_request
    }

    /// The message that is marked: the one that the address names, if it is there.
    pub fn marked(&self) -> Option<Offset> {
        self.link_view.linked.as_ref().filter(|linked| linked.missing.is_none())?.target
    }

    /// The reason why the place is not there, in the viewer's language.
    pub fn missing_target(&self) -> Option<String> {
        self.link_view.linked.as_ref()?.missing.clone()
    }

    /// Returns true if earlier messages are shown in the place of the newest.
    pub fn is_detached(&self) -> bool {
        self.link_view.window.is_some()
    }

    /// The messages that are shown.
    pub(super) fn shown(&self) -> &[Arc<Message>] {
        self.link_view.window.as_ref().map_or(&self.messages, |window| &window.messages)
    }

    /// Returns true if older messages than the shown ones can be loaded.
    pub fn has_older(&self) -> bool {
        self.link_view.window.as_ref().map_or(self.more, |window| window.more)
    }

    /// The window's messages, for a change of one of them.
    pub(super) fn window_messages(&mut self) -> Option<&mut Vec<Arc<Message>>> {
        self.link_view.window.as_mut().map(|window| &mut window.messages)
    }

    /// Puts a page of the messages before `before` above the shown ones. Returns it if no window is shown.
    pub(super) fn prepend_to_window(
        &mut self,
        mut page: MessagePage,
        before: &Cursor,
    ) -> Option<MessagePage> {
        self.take_own_reactions(&page);
        if self.is_detached() {
            self.take_threads(&mut page);
        }
        let Some(window) = &mut self.link_view.window else { return Some(page) };
        let oldest = window.messages.first().map_or(window.cursor.offset + 1, |message| message.offset);
        // Not those that were requested for other messages.
        let older = self.heard_changes.fold_into(page.messages, page.as_of);
        if let Some(older) = older.filter(|_| before.offset == oldest) {
            window.prepend(older, page.more);
        }
        None
    }

    /// Shows the earliest messages in a window, if there are too many for one list. The reader is among them: they have just
    /// been loaded.
    pub(super) fn open_window_of_earliest(&mut self) {
        if self.messages.len() <= WINDOW_MAX || self.thread.is_some() {
            return; // no later messages of a thread can be loaded
        }
        let (messages, cursor) = (Vec::new(), self.cursor.clone());
        let mut window = Window { messages, cursor, more: self.more };
        window.prepend(self.messages.clone(), self.more);
        self.link_view.window = Some(window);
        self.trim_newest();
    }

    /// The cursor after which later messages are loaded. `None`: the newest are shown.
    pub fn latest_shown(&self) -> Option<Cursor> {
        self.link_view.window.as_ref().map(|window| window.cursor.clone())
    }

    /// Puts the page of messages after `after` below the shown ones, and joins them with the newest where these follow.
    pub fn append(&mut self, after: &Cursor, mut page: MessagePage) {
        if page.cursor.epoch == after.epoch && after.epoch == self.cursor.epoch {
            self.take_quoted(&mut page);
            self.take_threads(&mut page);
            self.take_own_reactions(&page);
        }
        let Some(window) = &mut self.link_view.window else { return };
        // It was requested before a reset, or for another window.
        if window.cursor != *after || page.cursor.epoch != after.epoch {
            return;
        }
        let Some(later) = self.heard_changes.fold_into(page.messages, page.as_of) else { return };
        window.append(later.into_iter().filter(|message| message.offset > after.offset), page.cursor);
        self.join_window();
    }

    /// Makes the window the beginning of the newest messages, if these follow on it.
    fn join_window(&mut self) {
        let first = self.messages.first().map_or(self.cursor.offset + 1, |message| message.offset);
        let Some(window) = self.link_view.window.take_if(|window| window.cursor.offset + 1 >= first) else {
            return;
        };
        let earlier: Vec<_> = window.messages.into_iter().filter(|message| message.offset < first).collect();
        self.messages.splice(0..0, earlier);
        self.more = window.more;
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::tests::{general, keys, message, receive, text},
        *,
    };
    use crate::{
        app::model::room::SavedView,
        protocol::{chat::Room, session::User},
    };

    fn cursor(offset: Offset) -> Cursor {
        format!("e:{offset}").parse().expect("a cursor")
    }

    fn page(offsets: std::ops::RangeInclusive<Offset>, more: bool) -> MessagePage {
        let end = cursor(*offsets.end());
        MessagePage {
            messages: offsets.map(|n| message(n, "a", "x")).collect(),
            cursor: end,
            more,
            reset: false,
            as_of: 100,
            own_reactions: vec![],
            quoted: vec![],
            threads: vec![],
        }
    }

    /// A room with the newest messages 91 to 100, opened at 50 with those from 48 to 52.
    fn opened() -> RoomModel {
        let room = Room::new(general(), "general".into());
        let me = User { id: "me".into(), name: "ME".into() };
        let mut model = RoomModel::new(room, me, page(91..=100, true), vec![], SavedView::default());
        model.open(Some(linked(50, Some(page(48..=52, true)))), false);
        model
    }

    fn linked(target: Offset, around: Option<MessagePage>) -> Box<Linked> {
        Box::new(Linked { target: Some(target), around, missing: None, status: 0 })
    }

    fn offsets(range: std::ops::RangeInclusive<Offset>) -> Vec<String> {
        range.map(|offset| offset.to_string()).collect()
    }

    #[test]
    fn a_window_grows_at_both_ends_and_becomes_the_beginning_of_the_newest() {
        let mut model = opened();
        assert_eq!((keys(&model), model.marked()), (offsets(48..=52), Some(50)));
        assert!(model.is_detached() && model.has_older());
        receive(&mut model, 101..=102);
        assert_eq!(keys(&model), offsets(48..=52), "what arrives waits below");
        assert_eq!(model.oldest(), cursor(48));
        model.prepend(page(46..=47, false), &cursor(48));
        model.append(&cursor(52), page(53..=70, true));
        assert_eq!(keys(&model), offsets(46..=70));
        // A page of before is too late.
        model.append(&cursor(52), page(53..=70, true));
        model.prepend(page(46..=47, true), &cursor(48));
        assert_eq!(keys(&model), offsets(46..=70));
        assert!(!model.has_older());
        model.append(&cursor(70), page(71..=95, true));
        assert!(!model.is_detached(), "the newest follow");
        assert_eq!(keys(&model), offsets(46..=102));
        receive(&mut model, 103..=103);
        assert_eq!(keys(&model), offsets(46..=103));
        assert_eq!((model.has_older(), model.oldest()), (false, cursor(46)));
    }

    #[test]
    fn a_window_that_the_newest_follow_on_is_none() {
        let mut model = opened();
        model.open(Some(linked(85, Some(page(80..=90, true)))), false);
        assert!(!model.is_detached());
        assert_eq!(keys(&model), offsets(80..=100));
        model.open(Some(linked(85, Some(page(82..=88, true)))), false);
        assert_eq!(keys(&model), offsets(80..=100), "it is there already");
        model.open(None, true);
        assert_eq!((keys(&model), model.marked()), (offsets(80..=100), None));
    }

    /// A room of 3,000 messages, read back from the newest ten to its beginning.
    fn read_back() -> RoomModel {
        let room = Room::new(general(), "general".into());
        let me = User { id: "me".into(), name: "ME".into() };
        let newest = page(2_991..=3_000, true);
        let mut model = RoomModel::new(room, me, newest, vec![], SavedView::default());
        model.set_reading_back(true);
        while model.has_older() {
            let before = model.oldest();
            let first = before.offset.saturating_sub(100).max(1);
            model.prepend(page(first..=before.offset - 1, first > 1), &before);
        }
        model
    }

    fn newest_shown(model: &RoomModel) -> Offset {
        model.shown().last().map_or(0, |message| message.offset)
    }

    #[test]
    fn whoever_reads_back_far_has_the_earliest_loaded_messages_and_gets_back_without_a_gap() {
        let mut model = read_back();
        assert_eq!((keys(&model), model.is_detached()), (offsets(1..=500), true));
        receive(&mut model, 3_001..=3_005);
        assert_eq!(model.messages_after(3_000), 5, "the newest are counted");
        let mut drawn = 0;
        while let Some(after) = model.latest_shown() {
            let last = (after.offset + 100).min(3_005);
            model.append(&after, page(after.offset + 1..=last, last < 3_005));
            let (shown, length) = (keys(&model), model.timeline().len());
            drawn = drawn.max(length);
            assert_eq!(shown.last().map(String::as_str), Some(&*newest_shown(&model).to_string()));
            assert_eq!(shown, offsets(model.oldest().offset..=newest_shown(&model)), "no gap");
        }
        assert!(drawn <= WINDOW_MAX + WAITING_MAX, "{drawn} were drawn");
        assert_eq!(newest_shown(&model), 3_005);
        assert!(model.has_older());
        receive(&mut model, 3_006..=3_006);
        assert_eq!(newest_shown(&model), 3_006);
    }

    #[test]
    fn from_far_back_the_newest_are_one_step_away() {
        let mut model = read_back();
        receive(&mut model, 3_001..=3_001);
        model.open_newest();
        assert_eq!(keys(&model).last().map(String::as_str), Some("3001"));
        let change = model.scroll_request();
        assert_eq!((model.is_detached(), change.target), (false, None));
    }

    #[test]
    fn messages_that_come_while_earlier_ones_are_shown_have_a_bound() {
        let mut model = read_back();
        receive(&mut model, 3_001..=5_000);
        assert_eq!(keys(&model), offsets(1..=500));
        model.open_newest();
        assert_eq!(keys(&model), offsets(4_901..=5_000));
        assert!(model.has_older());
    }

    #[test]
    fn a_post_leads_to_the_newest() {
        let mut model = opened();
        let visit = model.scroll_request().number;
        model.post("id-1".into(), text("hello"));
        let mut expected = offsets(91..=100);
        expected.push("id-1 Pending".into());
        assert_eq!(keys(&model), expected);
        assert!(model.scroll_request().number > visit && model.scroll_request().target.is_none());
    }

    #[test]
    fn after_a_reset_no_place_of_the_old_log_is_shown() {
        let mut model = opened();
        let reset = crate::protocol::chat::ServerFrame::Reset {
            room: general(),
            epoch: cursor(0).epoch,
            offset: 120,
        };
        model.apply(reset, 0);
        assert!(!model.is_detached() && model.marked().is_none() && keys(&model).is_empty());
        model.append(&cursor(52), page(53..=70, true));
        assert!(keys(&model).is_empty());
    }
}
