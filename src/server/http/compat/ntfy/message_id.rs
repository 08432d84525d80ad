//! The ids of messages: 12 letters and digits, as ntfy's clients expect them. An id is a cursor in another form, so that
//! `since=ID` resumes exactly: 24 bits tell the epoch, 47 are the offset. Nothing is stored for it.

use crate::protocol::cursor::{Cursor, Epoch, Offset};

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// The characters of an id: 62^12 is just above 2^71.
pub(super) const LENGTH: usize = 12;
/// More entries than any feed will have: a million a second for four years.
const OFFSET_BITS: u32 = 47;
const OFFSET_MAX: Offset = (1 << OFFSET_BITS) - 1;
const EPOCH_BITS: u32 = 24;

/// The position that an id names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position {
    epoch: u32,
    offset: Offset,
}

/// Writes the id of the entry at this offset.
pub(super) fn encode(epoch: &Epoch, offset: Offset) -> String {
    let mut rest = (u128::from(digest(epoch)) << OFFSET_BITS) | u128::from(offset.min(OFFSET_MAX));
    let mut id = [b'0'; LENGTH];
    for place in id.iter_mut().rev() {
        *place = ALPHABET[(rest % 62) as usize];
        rest /= 62;
    }
    id.iter().map(|byte| char::from(*byte)).collect()
}

/// Reads an id. `None`: it does not look like one. One of another server is a position in no log of ours.
pub(super) fn decode(id: &str) -> Option<Position> {
    let is_known = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if id.len() != LENGTH || !id.as_bytes().iter().all(is_known) {
        return None;
    }
    let foreign = Position { epoch: u32::MAX, offset: 0 };
    let digits = id.bytes().map(|byte| ALPHABET.iter().position(|known| *known == byte));
    let Some(number) = digits
        .map(|digit| digit.map(|digit| digit as u128))
        .try_fold(0, |sum, digit| digit.map(|digit| sum * 62 + digit))
    else {
        return Some(foreign);
    };
    if number >> (OFFSET_BITS + EPOCH_BITS) != 0 {
        return Some(foreign);
    }
    let offset = (number & u128::from(OFFSET_MAX)) as Offset;
    Some(Position { epoch: (number >> OFFSET_BITS) as u32, offset })
}

impl Position {
    /// The cursor after which a reader with this id resumes, in a log whose epoch is `current`. An id of another epoch
    /// becomes a cursor that no log honours, so that its reader is told of the loss.
    pub(super) fn cursor(self, current: &Epoch) -> Cursor {
        let unwritten = Epoch::unwritten();
        let epoch = match self.epoch {
            epoch if epoch == digest(current) => current.at(0, 0),
            epoch if epoch == digest(&unwritten) => unwritten,
            _ => Epoch::parse("another").expect("letters are an epoch"),
        };
        Cursor { epoch, offset: self.offset }
    }
}

/// Folds the text of an epoch into 24 bits (FNV-1a, 32 bits, xor-folded). Epochs are random, so two of one log have the
/// same digest once in 16 million times.
fn digest(epoch: &Epoch) -> u32 {
    let hash = epoch
        .generation()
        .bytes()
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    (hash >> EPOCH_BITS) ^ (hash & ((1 << EPOCH_BITS) - 1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_id_names_its_entry_and_no_other(
            generation in "[0-9a-f]{12}",
            offset in 0..=OFFSET_MAX,
            other in 0..=OFFSET_MAX,
        ) {
            let epoch = Epoch::parse(&generation).expect("an epoch");
            let id = encode(&epoch, offset);
            prop_assert!(id.len() == LENGTH && id.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{}", id);
            let cursor = decode(&id).expect("an id").cursor(&epoch);
            prop_assert_eq!(cursor, Cursor { epoch: epoch.clone(), offset });
            prop_assert_eq!(id == encode(&epoch, other), offset == other);
            // In their order, as the offsets are.
            prop_assert_eq!(id.cmp(&encode(&epoch, other)), offset.cmp(&other));
        }

        #[test]
        fn an_id_of_another_epoch_is_no_cursor_here(here in "[0-9a-f]{12}", there in "[0-9a-f]{12}", offset in 0..=OFFSET_MAX) {
            let (here, there) = (Epoch::parse(&here).expect("one"), Epoch::parse(&there).expect("one"));
            prop_assume!(digest(&here) != digest(&there));
            let cursor = decode(&encode(&there, offset)).expect("an id").cursor(&here);
            prop_assert_ne!(cursor.epoch, here);
        }

        #[test]
        fn any_text_is_an_id_or_none(text in "\\PC{0,16}|[-_A-Za-z0-9]{12}") {
            let current = Epoch::parse("0123456789ab").expect("an epoch");
            let is_id = text.len() == LENGTH && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
            prop_assert_eq!(decode(&text).is_some(), is_id);
            if let Some(position) = decode(&text) {
                position.cursor(&current);
            }
        }
    }

    #[test]
    fn an_id_of_a_log_that_was_never_written_to_stays_good() {
        let position = decode(&encode(&Epoch::unwritten(), 0)).expect("an id");
        let cursor = position.cursor(&Epoch::parse("0123456789ab").expect("an epoch"));
        assert!(cursor.epoch.is_unwritten() && cursor.offset == 0);
        assert_eq!(decode("zzzzzzzzzzzz").map(|position| position.offset), Some(0), "above 71 bits");
    }
}
