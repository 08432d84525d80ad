//! The pinned messages of the room, as its header lists them. [`RoomModel::apply`] keeps them by the changes that come.

use super::RoomModel;
use crate::protocol::{
    change::{ChangeKind, MessageChanged},
    pin::{Pin, Pins, beginning},
};

impl RoomModel {
    /// The pinned messages, those first that were pinned last.
    pub fn pins(&self) -> &[Pin] {
        &self.pins
    }

    /// Changes when a message was pinned that is not on the page: the pins have to be loaded.
    pub fn missed_pins(&self) -> u32 {
        self.missed_pins
    }

    /// Takes loaded pins, with the changes that came since they were read.
    pub fn set_pins(&mut self, Pins { pins, as_of }: Pins) {
        self.pins = pins;
        let newer: Vec<_> = self.heard_changes.after(as_of).cloned().collect();
        newer.iter().for_each(|change| self.apply_to_pins(change));
    }

    pub(super) fn apply_to_pins(&mut self, change: &MessageChanged) {
        match (change.kind, &change.text) {
            (ChangeKind::Pin, _) => match self.message(change.target).map(|message| Pin::of(message)) {
                Some(pin) => {
                    self.pins.retain(|known| known.offset != pin.offset);
                    self.pins.insert(0, pin);
                }
                None => self.missed_pins += 1,
            },
            (ChangeKind::Unpin | ChangeKind::Delete, _) => {
                self.pins.retain(|pin| pin.offset != change.target);
            }
            (ChangeKind::Edit, Some(text)) => {
                let pin = self.pins.iter_mut().find(|pin| pin.offset == change.target);
                pin.into_iter().for_each(|pin| pin.text = beginning(text));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{change, message, model};
    use super::*;
    use crate::{app::model::room::RoomModel, protocol::chat::ServerFrame};

    fn offsets(model: &RoomModel) -> Vec<u64> {
        model.pins().iter().map(|pin| pin.offset).collect()
    }

    fn pin(offset: u64) -> Pin {
        Pin::of(&message(offset, "a", "x"))
    }

    #[test]
    fn pins_follow_the_changes_and_the_last_one_stands_first() {
        let mut model = model(0);
        for offset in 1..=2 {
            model.apply(ServerFrame::Message(message(offset, "a", "x")), 0);
        }
        model.apply(change(3, 1, ChangeKind::Pin, None), 0);
        model.apply(change(4, 2, ChangeKind::Pin, None), 0);
        assert_eq!(offsets(&model), [2, 1]);
        model.apply(change(5, 1, ChangeKind::Pin, None), 0);
        assert_eq!(offsets(&model), [1, 2], "it was pinned once more");
        model.apply(change(6, 2, ChangeKind::Edit, Some("other")), 0);
        assert_eq!(model.pins()[1].text, "other");
        model.apply(change(7, 1, ChangeKind::Delete, None), 0);
        model.apply(change(8, 2, ChangeKind::Unpin, None), 0);
        assert_eq!((offsets(&model), model.missed_pins()), (vec![], 0));
    }

    #[test]
    fn loaded_pins_are_those_of_then_and_what_came_since() {
        let mut model = model(10);
        model.apply(change(11, 5, ChangeKind::Pin, None), 0);
        assert_eq!(model.missed_pins(), 1, "it is not on the page");
        model.apply(change(12, 4, ChangeKind::Unpin, None), 0);
        model.set_pins(Pins { pins: vec![pin(5), pin(4)], as_of: 11 });
        assert_eq!(offsets(&model), [5], "4 was taken off meanwhile");
    }
}
