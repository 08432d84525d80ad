//! Threads: beside the first message of each the room shows the number of its answers and the newest, and a model of its own
//! shows its messages. Both hear the room's log, with one cursor.
//!
//! The sums must end as the store has them, whatever order pages and answers come in: an answer or a deletion at or below a
//! sum's `as_of` is in it already, and those above it are kept for sums that were read before them.

use std::collections::VecDeque;

use super::{Draft, RoomModel, SavedView};
use crate::protocol::{
    change::{ChangeKind, MessageChanged},
    chat::{Message, MessagePage},
    cursor::Offset,
    thread::{LastAnswer, ThreadSummary},
};

/// The answers and deletions that stay in memory for pages that were read before them, as many as there are changes.
const HEARD_MAX: usize = 1_000;

/// The threads whose sums stay in memory: more than one reads back through in a sitting.
const KNOWN_MAX: usize = 10_000;

/// An answer that came or went.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Heard {
    /// The offset of the entry.
    offset: Offset,
    root: Offset,
    what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    /// An answer came. `None`: it was deleted since, as a later entry tells.
    Came(Option<LastAnswer>),
    /// The answer at this offset was deleted.
    Went(Offset),
}

/// The threads of the loaded messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Threads {
    known: Vec<ThreadSummary>,
    heard: VecDeque<Heard>,
}

impl Threads {
    fn hear(&mut self, heard: Heard, is_loaded: bool) {
        match self.known.iter_mut().find(|thread| thread.root == heard.root) {
            Some(thread) => count(thread, &heard),
            None if is_loaded => {
                let mut thread = empty(heard.root, 0);
                count(&mut thread, &heard);
                self.know(thread);
            }
            None => {}
        }
        self.heard.push_back(heard);
        if self.heard.len() > HEARD_MAX {
            self.heard.pop_front();
        }
    }

    /// Takes the sum of a thread, with what was heard since it was read.
    fn take(&mut self, mut thread: ThreadSummary) {
        let root = thread.root;
        self.heard.iter().filter(|heard| heard.root == root).for_each(|heard| count(&mut thread, heard));
        self.known.retain(|known| known.root != thread.root);
        if thread.count > 0 {
            self.know(thread);
        }
    }

    fn know(&mut self, thread: ThreadSummary) {
        self.known.push(thread);
        if self.known.len() > KNOWN_MAX {
            self.known.remove(0);
        }
    }
}

fn empty(root: Offset, as_of: Offset) -> ThreadSummary {
    ThreadSummary { root, count: 0, last: None, as_of }
}

/// Counts an answer that came or went, unless that is in the sum.
fn count(thread: &mut ThreadSummary, heard: &Heard) {
    if heard.offset <= thread.as_of {
        return;
    }
    thread.as_of = heard.offset;
    match &heard.what {
        What::Came(answer) => {
            thread.count += 1;
            if answer.is_some() {
                thread.last.clone_from(answer);
            }
        }
        What::Went(offset) => {
            thread.count = thread.count.saturating_sub(1);
            // The answer before that one is not known here.
            thread.last.take_if(|last| last.offset == *offset);
        }
    }
}

impl RoomModel {
    /// A thread of this room, with its messages as the server gave them. It hears the room's log beside the room, whose drafts
    /// are those of the thread too.
    pub fn open_thread(&self, root: Offset, page: MessagePage) -> Self {
        let (room, me, members) = (self.room.clone(), self.me.clone(), self.members.clone());
        Self { thread: Some(root), ..Self::new(room, me, page, members, SavedView::default()) }
    }

    /// The first message of the thread that this model shows in the place of the room.
    pub fn thread(&self) -> Option<Offset> {
        self.thread
    }

    /// The thread that begins with the message at this offset, if it has answers.
    pub fn thread_of(&self, offset: Offset) -> Option<&ThreadSummary> {
        self.threads.known.iter().find(|thread| thread.root == offset && thread.count > 0)
    }

    /// The drafts that are to be in a thread, oldest first.
    pub fn drafts_in(&self, root: Offset) -> impl Iterator<Item = &Draft> {
        self.drafts.iter().filter(move |draft| draft.thread == Some(root))
    }

    /// Returns true if the model shows the message: the room those that are in no thread, a thread its own.
    pub(super) fn shows(&self, message: &Message) -> bool {
        match self.thread {
            None => message.thread.is_none(),
            root => message.thread == root || Some(message.offset) == root,
        }
    }

    /// Counts an answer that came.
    pub(super) fn note_answer(&mut self, message: &Message) {
        let Some(root) = message.thread else { return };
        let Message { offset, timestamp, user, .. } = message;
        let answer = LastAnswer { offset: *offset, timestamp: *timestamp, user: user.clone() };
        let what = What::Came(Some(answer).filter(|_| !message.deleted));
        let heard = Heard { offset: *offset, root, what };
        let is_loaded = self.message(root).is_some();
        self.threads.hear(heard, is_loaded);
    }

    /// Counts an answer that was deleted.
    pub(super) fn note_deletion(&mut self, change: &MessageChanged) {
        let Some(root) = change.thread.filter(|_| change.kind == ChangeKind::Delete) else { return };
        let heard = Heard { offset: change.offset, root, what: What::Went(change.target) };
        let is_loaded = self.message(root).is_some();
        self.threads.hear(heard, is_loaded);
    }

    /// Takes the sums of the threads that begin on a page.
    pub(super) fn take_threads(&mut self, page: &mut MessagePage) {
        let sums = std::mem::take(&mut page.threads);
        let none = page.messages.iter().map(|message| message.offset);
        let none = none.filter(|offset| !sums.iter().any(|sum| sum.root == *offset)).collect::<Vec<_>>();
        none.into_iter().for_each(|offset| self.threads.take(empty(offset, page.as_of)));
        sums.into_iter().for_each(|sum| self.threads.take(sum));
    }

    /// Forgets all threads: their offsets are of another epoch.
    pub(super) fn forget_threads(&mut self) {
        self.threads = Threads::default();
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::tests::{message, model, receive},
        *,
    };
    use crate::protocol::{chat::ServerFrame, text::MessageText};

    fn answer(offset: Offset, root: Offset) -> Message {
        Message { thread: Some(root), ..message(offset, "a", "x") }
    }

    fn hear(model: &mut RoomModel, offset: Offset, root: Offset) {
        model.apply(ServerFrame::Message(answer(offset, root)), 0);
    }

    fn delete(model: &mut RoomModel, offset: Offset, target: Offset, root: Offset) {
        let ServerFrame::MessageChanged(change) =
            super::super::tests::change(offset, target, ChangeKind::Delete, None)
        else {
            unreachable!("it is one")
        };
        model.apply(ServerFrame::MessageChanged(MessageChanged { thread: Some(root), ..change }), 0);
    }

    fn sum(root: Offset, count: u64, last: Offset, as_of: Offset) -> ThreadSummary {
        let last = LastAnswer { offset: last, timestamp: 0, user: "A".into() };
        ThreadSummary { root, count, last: Some(last), as_of }
    }

    fn page(head: Offset, messages: &[Offset], threads: Vec<ThreadSummary>) -> MessagePage {
        MessagePage {
            messages: messages.iter().map(|offset| message(*offset, "a", "x")).collect(),
            cursor: format!("e:{head}").parse().expect("a cursor"),
            more: true,
            reset: false,
            as_of: head,
            own_reactions: vec![],
            quoted: vec![],
            threads,
        }
    }

    fn counted(model: &RoomModel, root: Offset) -> Option<(u64, Option<Offset>)> {
        model.thread_of(root).map(|thread| (thread.count, thread.last.as_ref().map(|last| last.offset)))
    }

    #[test]
    fn answers_are_counted_and_not_shown_in_the_room() {
        let mut model = model(4);
        receive(&mut model, 5..=6);
        hear(&mut model, 7, 5);
        hear(&mut model, 8, 5);
        receive(&mut model, 9..=9);
        assert_eq!(super::super::tests::keys(&model), ["5", "6", "9"]);
        assert_eq!((counted(&model, 5), counted(&model, 6)), (Some((2, Some(8))), None));
        assert_eq!(model.messages_after(4), 3, "they are not among the new messages of the room");
        delete(&mut model, 10, 8, 5);
        assert_eq!(counted(&model, 5), Some((1, None)));
        hear(&mut model, 11, 5);
        delete(&mut model, 12, 7, 5);
        delete(&mut model, 13, 11, 5);
        assert_eq!((counted(&model, 5), model.cursor().offset), (None, 13));
    }

    #[test]
    fn a_sum_counts_what_is_above_it_whenever_it_comes() {
        // The room was read up to 20, and the sum a moment later.
        let mut model = model(19);
        model.reload(page(20, &[10], vec![sum(10, 2, 22, 22)]));
        for offset in 21..=23 {
            hear(&mut model, offset, 10);
        }
        assert_eq!(counted(&model, 10), Some((3, Some(23))), "those up to 22 are in the sum");
        // An answer and a deletion that came while a page with older messages was on its way.
        hear(&mut model, 24, 3);
        delete(&mut model, 25, 2, 4);
        let before = model.oldest();
        model.prepend(page(23, &[3, 4, 5], vec![sum(4, 2, 6, 23)]), &before);
        let older = [3, 4, 5].map(|root| counted(&model, root));
        assert_eq!(older, [Some((1, Some(24))), Some((1, Some(6))), None]);
    }

    #[test]
    fn an_answer_that_comes_back_deleted_is_counted_by_neither_entry() {
        let mut model = model(4);
        receive(&mut model, 5..=5);
        hear(&mut model, 6, 5);
        let gone = Message { deleted: true, text: String::new(), ..answer(7, 5) };
        model.apply(ServerFrame::Message(gone), 0);
        delete(&mut model, 8, 7, 5);
        assert_eq!(counted(&model, 5), Some((1, Some(6))));
    }

    #[test]
    fn a_thread_shows_its_own_messages_and_follows_the_room() {
        let mut room = model(6);
        let mut thread = room.open_thread(3, page(7, &[3], vec![]));
        let text = MessageText::parse("mine").expect("fine");
        room.answer("id".into(), text, None, Some(3));
        for model in [&mut room, &mut thread] {
            receive(model, 7..=8);
            hear(model, 9, 3);
            hear(model, 10, 8);
        }
        assert_eq!(super::super::tests::keys(&thread), ["3", "9"]);
        assert_eq!(thread.cursor(), room.cursor());
        assert_eq!(super::super::tests::keys(&room), ["7", "8"], "the draft is in the thread");
        assert_eq!(room.drafts_in(3).count(), 1);
        assert!(thread.resume_frames().is_empty(), "the room asks for both");
        assert_eq!(room.resume_frames().len(), 2);
    }
}
