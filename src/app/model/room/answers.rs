//! The messages that others answer, as the page shows them beside their answers. A message has no text of the one that it
//! answers: the page takes it from the messages that are loaded, from those that came with a page for that, or, if it is
//! in neither, from the server. So a change of the answered message, and its deletion, changes every answer.

use std::sync::Arc;

use super::{RoomModel, changes::index_of};
use crate::protocol::{
    chat::{Message, MessagePage},
    cursor::Offset,
};

/// The answered messages that stay in memory without being among those that are shown: as many as the page shows while
/// nobody reads back. One that is dropped is requested again when its answer is drawn again.
const QUOTED_MAX: usize = 1_000;

/// The message that another one answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answered {
    /// The message; it may be deleted.
    Message(Arc<Message>),
    /// It is no longer kept.
    Gone,
    /// The page does not have it yet.
    Unknown,
}

/// The answered messages that are on the page for their answers only. `None`: it is no longer kept.
pub(super) type Quoted = Vec<(Offset, Option<Arc<Message>>)>;

impl RoomModel {
    /// The message at this offset, for an answer to it.
    pub fn answered(&self, offset: Offset) -> Answered {
        let loaded = self.message(offset).or_else(|| Some(&self.messages[index_of(&self.messages, offset)?]));
        let found = match loaded {
            Some(message) => Some(Some(message)),
            None => {
                self.quoted.iter().find(|(known, _)| *known == offset).map(|(_, message)| message.as_ref())
            }
        };
        match found {
            Some(Some(message)) => Answered::Message(message.clone()),
            Some(None) => Answered::Gone,
            None => Answered::Unknown,
        }
    }

    /// Takes the answered messages of a page. Those that are neither among its messages nor among the quoted ones are no
    /// longer kept.
    pub(super) fn take_quoted(&mut self, page: &mut MessagePage) {
        let quoted = std::mem::take(&mut page.quoted);
        let Some(quoted) = self.heard_changes.fold_into(quoted, page.as_of) else { return };
        for message in quoted {
            self.set_quoted(message.offset, Some(message));
        }
        for target in page.messages.iter().filter_map(|message| message.reply_to) {
            let is_on_page = page.messages.iter().any(|message| message.offset == target);
            if !is_on_page && !self.quoted.iter().any(|(known, _)| *known == target) {
                self.set_quoted(target, None);
            }
        }
    }

    /// Takes an answered message that was requested alone, with the page that was read for it.
    pub fn quote(&mut self, offset: Offset, page: MessagePage) {
        if page.cursor.epoch != self.cursor.epoch {
            return; // it was requested before a reset
        }
        let message: Vec<_> = page.messages.into_iter().filter(|message| message.offset == offset).collect();
        let message = self.heard_changes.fold_into(message, page.as_of);
        self.set_quoted(offset, message.and_then(|mut message| message.pop()));
    }

    fn set_quoted(&mut self, offset: Offset, message: Option<Arc<Message>>) {
        self.quoted.retain(|(known, _)| *known != offset);
        self.quoted.push((offset, message));
        if self.quoted.len() > QUOTED_MAX {
            self.quoted.remove(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::tests::{change, general, message, model, receive},
        *,
    };
    use crate::protocol::{
        change::ChangeKind,
        chat::{ClientFrame, NewMessage, ServerFrame},
        text::MessageText,
    };

    fn page(as_of: Offset, messages: Vec<Message>, quoted: Vec<Message>) -> MessagePage {
        let cursor = "e:20".parse().expect("a cursor");
        let (own_reactions, threads) = (vec![], vec![]);
        MessagePage { messages, cursor, more: false, reset: false, as_of, own_reactions, quoted, threads }
    }

    fn answer(offset: Offset, reply_to: Offset) -> Message {
        Message { reply_to: Some(reply_to), ..message(offset, "a", "x") }
    }

    fn text(model: &RoomModel, offset: Offset) -> String {
        match model.answered(offset) {
            Answered::Message(message) if message.deleted => "deleted".into(),
            Answered::Message(message) => message.text.clone(),
            Answered::Gone => "gone".into(),
            Answered::Unknown => "unknown".into(),
        }
    }

    #[test]
    fn an_answered_message_is_found_where_it_is_and_requested_where_it_is_not() {
        let mut model = model(19);
        let answers = vec![answer(10, 3), answer(11, 10), answer(12, 4)];
        model.reload(page(20, answers, vec![message(3, "a", "3")]));
        assert_eq!(
            [3, 10, 4, 5].map(|offset| text(&model, offset)),
            ["text 3", "text 10", "gone", "unknown"]
        );
        model.quote(5, page(20, vec![message(5, "a", "5")], vec![]));
        // The page around a message that is gone has others.
        model.quote(6, page(20, vec![message(7, "a", "7")], vec![]));
        assert_eq!([5, 6, 7].map(|offset| text(&model, offset)), ["text 5", "gone", "unknown"]);
    }

    #[test]
    fn a_change_of_an_answered_message_changes_it_whenever_it_is_heard() {
        let mut model = model(19);
        receive(&mut model, 20..=20);
        model.reload(page(20, vec![answer(10, 3)], vec![message(3, "a", "3")]));
        model.apply(change(21, 3, ChangeKind::Edit, Some("edited")), 0);
        assert_eq!(text(&model, 3), "edited");
        model.apply(change(22, 3, ChangeKind::Delete, None), 0);
        assert_eq!(text(&model, 3), "deleted");
        // Heard while the request for it was on its way.
        model.apply(change(23, 5, ChangeKind::Delete, None), 0);
        model.quote(5, page(22, vec![message(5, "a", "5")], vec![]));
        assert_eq!(text(&model, 5), "deleted");
    }

    #[test]
    fn a_draft_keeps_what_it_answers() {
        let mut model = model(4);
        let text = MessageText::parse("yes").expect("fine");
        let expected =
            NewMessage { id: "1".into(), text: "yes".into(), reply_to: Some(3), ..NewMessage::default() };
        let expected = ClientFrame::Post { room: general().to_string(), message: expected };
        assert_eq!(model.answer("1".into(), text, Some(3), None), expected);
        assert_eq!(model.resume_frames().pop(), Some(expected));
        let heard = ServerFrame::Message(Message { id: "1".into(), ..message(5, "me", "1") });
        model.apply(heard, 0);
        assert!(model.drafts().is_empty());
    }
}
