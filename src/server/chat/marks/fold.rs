//! The rule of each mark: what it makes of the state of a room for one user. The store runs it under the lock of the
//! user's log, so that marks of many devices are folded one after the other. It must be pure.

use serde::{Deserialize, Serialize};

use crate::{
    protocol::{
        chat::is_default,
        cursor::{Cursor, Epoch, Offset},
        mark::{MENTIONS_MAX, RoomLevel, RoomMark},
        name::RoomId,
        problem::Rejection,
    },
    server::{
        chat::changes::to_json,
        store::{Bounds, FoldState, FoldedState, State},
    },
};

/// The effect of a mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// Everything up to the offset was read, for a reader that knows this generation; `None`: the present one.
    Read { offset: Offset, generation: Option<u64> },
    /// Everything after the offset is unread.
    Unread { offset: Offset },
    /// The level of notifications.
    Level(RoomLevel),
    /// The message at the offset mentions the user.
    Mention(Offset),
    /// It does not any more.
    Unmention(Offset),
}

/// The value that is stored for a room.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StoredMark {
    /// The epoch of the offsets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    epoch: Option<Epoch>,
    /// Everything up to here is read; `None`: the user has not read in the room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    read: Option<Offset>,
    #[serde(default, skip_serializing_if = "is_default")]
    generation: u64,
    #[serde(default, skip_serializing_if = "is_default")]
    level: RoomLevel,
    /// The newest [`MENTIONS_MAX`], ascending. Those that are read stay: the mark may be set back before them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    mentions: Vec<Offset>,
}

impl StoredMark {
    /// One that cannot be read counts as none.
    fn parse(value: &str) -> Self {
        serde_json::from_str(value).unwrap_or_default()
    }

    /// The mark in a room with these bounds. Another epoch means that the database was restored or lost its end. Marks
    /// are restored with the rooms, so what was read is the same history and stays read. A mark beyond the head is not
    /// of this history (only a part of the database was restored): then everything that is retained counts as unread.
    fn carried(self, bounds: &Bounds) -> Self {
        if self.epoch.as_ref() == Some(&bounds.epoch) {
            return self;
        }
        let is_known = |offset: &Offset| *offset <= bounds.head;
        let read = self.read.map(|read| Some(read).filter(is_known).unwrap_or(bounds.floor));
        let mentions = self.mentions.into_iter().filter(is_known).collect();
        // A loss that a reader was told of is not the mark's.
        Self { epoch: Some(bounds.epoch.at(0, 0)), read, mentions, ..self }
    }

    /// The mark as the user's devices get it.
    pub(super) fn present(&self, room: RoomId) -> RoomMark {
        let Self { epoch, read, generation, level, mentions } = self;
        let read = read.zip(epoch.clone()).map(|(offset, epoch)| Cursor { epoch, offset });
        let after = read.as_ref().map_or(0, |read| read.offset);
        let mentions = mentions.iter().copied().filter(|mention| *mention > after).collect();
        RoomMark { room, read, generation: *generation, level: *level, mentions }
    }

    /// The mark after another one. `None`: nothing changes.
    fn after(mut self, mark: &Mark) -> Option<Self> {
        match *mark {
            Mark::Read { offset, generation } => {
                let is_present = generation.is_none_or(|generation| generation == self.generation);
                if !is_present || self.read.is_some_and(|read| read >= offset) {
                    return None;
                }
                self.read = Some(offset);
            }
            Mark::Unread { offset } => {
                self.read = Some(offset);
                self.generation = self.generation.saturating_add(1);
            }
            Mark::Level(level) if level == self.level => return None,
            Mark::Level(level) => self.level = level,
            Mark::Mention(offset) => {
                let index = self.mentions.binary_search(&offset).err()?;
                self.mentions.insert(index, offset);
                if self.mentions.len() > MENTIONS_MAX && self.mentions.remove(0) == offset {
                    return None;
                }
            }
            Mark::Unmention(offset) => {
                let index = self.mentions.binary_search(&offset).ok()?;
                self.mentions.remove(index);
            }
        }
        Some(self)
    }
}

/// The state of a room with these bounds, as the user's devices get it.
pub(super) fn present(room: RoomId, stored: Option<&State>, bounds: &Bounds) -> RoomMark {
    let stored = stored.map(|state| StoredMark::parse(&state.value)).unwrap_or_default();
    stored.carried(bounds).present(room)
}

/// Returns true if the user was mentioned in the room.
pub(in crate::server::chat) fn has_mentions(stored: &State) -> bool {
    !StoredMark::parse(&stored.value).mentions.is_empty()
}

/// The messages of a room with these bounds that mention the user, ascending, and the offset up to which they have read.
pub(in crate::server::chat) fn all_mentions(stored: &State, bounds: &Bounds) -> (Vec<Offset>, Offset) {
    let StoredMark { mentions, read, .. } = StoredMark::parse(&stored.value).carried(bounds);
    (mentions, read.unwrap_or_default())
}

/// The rule of a mark in a room.
pub(super) struct MarkFold {
    pub(super) room: RoomId,
    /// The bounds of the room's log.
    pub(super) bounds: Bounds,
    pub(super) mark: Mark,
}

impl FoldState for MarkFold {
    fn fold(&self, stored: Option<&str>, _: Offset) -> Result<Option<FoldedState>, Rejection> {
        let stored = stored.map(StoredMark::parse).unwrap_or_default().carried(&self.bounds);
        let folded = stored.after(&self.mark);
        Ok(folded.map(|mark| FoldedState {
            value: to_json(&mark),
            body: to_json(&mark.present(self.room.clone())),
        }))
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*, sample::select};

    use super::*;

    fn bounds(epoch: &str, head: Offset) -> Bounds {
        Bounds { epoch: Epoch::parse(epoch).expect("fine"), floor: head / 10, head }
    }

    fn fold(bounds: Bounds, stored: Option<&str>, mark: Mark) -> Option<(String, RoomMark)> {
        let rule = MarkFold { room: RoomId::parse("general").expect("fine"), bounds, mark };
        let folded = rule.fold(stored, 7).expect("no mark is rejected")?;
        let mark = serde_json::from_str(&folded.body).expect("a mark");
        Some((folded.value, mark))
    }

    /// A room's state for one user, as one mark after the other leaves it.
    #[derive(Default)]
    struct Bench {
        value: Option<String>,
    }

    impl Bench {
        /// Returns false if the mark changes nothing.
        fn mark_in(&mut self, epoch: &str, head: Offset, mark: Mark) -> bool {
            let folded = fold(bounds(epoch, head), self.value.as_deref(), mark);
            let Some((value, seen)) = folded else { return false };
            self.value = Some(value);
            assert_eq!(seen, self.seen_in(epoch, head), "the entry says what is stored");
            true
        }

        fn mark(&mut self, mark: Mark) -> bool {
            self.mark_in("e", 999, mark)
        }

        fn read(&mut self, offset: Offset, generation: u64) -> bool {
            self.mark(Mark::Read { offset, generation: Some(generation) })
        }

        fn seen_in(&self, epoch: &str, head: Offset) -> RoomMark {
            let state = self.value.clone().map(|value| State { key: "general".into(), value, offset: 1 });
            present(RoomId::parse("general").expect("fine"), state.as_ref(), &bounds(epoch, head))
        }

        fn seen(&self) -> (Option<String>, u64, Vec<Offset>) {
            let mark = self.seen_in("e", 999);
            (mark.read.map(|read| read.to_string()), mark.generation, mark.mentions)
        }
    }

    #[test]
    fn a_mark_moves_forwards_only() {
        let mut bench = Bench::default();
        assert_eq!(bench.seen(), (None, 0, vec![]));
        assert!(bench.read(5, 0) && !bench.read(5, 0) && !bench.read(3, 0));
        assert_eq!(bench.seen(), (Some("e:5".into()), 0, vec![]));
        assert!(
            bench.mark(Mark::Read { offset: 9, generation: None }),
            "without one the present generation is meant"
        );
        assert_eq!(bench.seen().0.as_deref(), Some("e:9"));
    }

    #[test]
    fn a_first_mark_at_0_says_that_the_room_was_opened() {
        let mut bench = Bench::default();
        assert!(bench.read(0, 0));
        assert_eq!(bench.seen(), (Some("e:0".into()), 0, vec![]));
    }

    #[test]
    fn a_mark_that_is_set_back_ignores_reads_of_before() {
        let mut bench = Bench::default();
        bench.read(9, 0);
        assert!(bench.mark(Mark::Unread { offset: 4 }));
        assert_eq!(bench.seen(), (Some("e:4".into()), 1, vec![]));
        assert!(
            !bench.read(9, 0) && !bench.read(9, 2),
            "another device was on its way, or knows another history"
        );
        assert_eq!(bench.seen(), (Some("e:4".into()), 1, vec![]));
        assert!(bench.read(6, 1));
        assert!(bench.mark(Mark::Unread { offset: 6 }), "at the same place as well: reads are on their way");
        assert!(!bench.read(9, 1));
        assert_eq!(bench.seen(), (Some("e:6".into()), 2, vec![]));
    }

    #[test]
    fn a_level_is_set_once_and_touches_no_mark() {
        let mut bench = Bench::default();
        assert!(!bench.mark(Mark::Level(RoomLevel::All)));
        assert!(bench.mark(Mark::Level(RoomLevel::Nothing)) && !bench.mark(Mark::Level(RoomLevel::Nothing)));
        assert_eq!((bench.seen(), bench.seen_in("e", 999).level), ((None, 0, vec![]), RoomLevel::Nothing));
        bench.read(3, 0);
        assert_eq!(bench.seen_in("e", 999).level, RoomLevel::Nothing);
        assert!(bench.mark(Mark::Level(RoomLevel::All)));
    }

    #[test]
    fn mentions_are_those_after_the_mark_and_come_back_when_it_is_set_back() {
        let mut bench = Bench::default();
        for offset in [7, 3, 12] {
            assert!(bench.mark(Mark::Mention(offset)));
        }
        assert!(!bench.mark(Mark::Mention(7)) && !bench.mark(Mark::Unmention(8)));
        assert_eq!(bench.seen(), (None, 0, vec![3, 7, 12]));
        bench.read(7, 0);
        assert_eq!(bench.seen().2, [12]);
        bench.mark(Mark::Unread { offset: 6 });
        assert_eq!(bench.seen().2, [7, 12]);
        assert!(bench.mark(Mark::Unmention(7)));
        assert_eq!(bench.seen().2, [12]);
    }

    #[test]
    fn of_the_mentions_the_newest_are_kept() {
        let mut bench = Bench::default();
        for offset in 101..=200 {
            assert!(bench.mark(Mark::Mention(offset)));
        }
        assert!(!bench.mark(Mark::Mention(7)), "an older one than all of them");
        assert!(bench.mark(Mark::Mention(201)));
        let mentions = bench.seen().2;
        assert_eq!((mentions.len(), mentions[0], mentions[99]), (MENTIONS_MAX, 102, 201));
    }

    #[test]
    fn a_mark_is_carried_into_the_epoch_of_a_restored_database() {
        let mut bench = Bench::default();
        bench.read(50, 0);
        bench.mark(Mark::Unread { offset: 40 });
        bench.mark(Mark::Mention(45));
        bench.mark(Mark::Level(RoomLevel::Mentions));
        let read = |mark: &RoomMark| mark.read.as_ref().map(ToString::to_string);
        assert_eq!(read(&bench.seen_in("e.60", 999)).as_deref(), Some("e:40"), "a told loss is the reader's");
        let restored = bench.seen_in("f", 45);
        assert_eq!((read(&restored).as_deref(), restored.generation), (Some("f:40"), 1));
        assert_eq!((restored.level, restored.mentions), (RoomLevel::Mentions, vec![45]));
        assert!(!bench.mark_in("f", 45, Mark::Read { offset: 40, generation: Some(1) }));
        assert!(bench.mark_in("f", 45, Mark::Read { offset: 42, generation: Some(1) }));
        assert_eq!(read(&bench.seen_in("f", 45)).as_deref(), Some("f:42"));
    }

    #[test]
    fn a_mark_of_a_history_that_is_not_there_leaves_everything_unread() {
        let mut bench = Bench::default();
        bench.read(50, 0);
        bench.mark(Mark::Mention(55));
        bench.mark(Mark::Level(RoomLevel::Nothing));
        let lost = bench.seen_in("f", 30);
        assert_eq!(lost.read.as_ref().map(ToString::to_string).as_deref(), Some("f:3"), "the floor");
        assert_eq!((lost.level, lost.mentions), (RoomLevel::Nothing, vec![]));
        assert!(
            bench.mark_in("f", 30, Mark::Read { offset: 12, generation: Some(0) }),
            "though 50 was read before"
        );
        assert_eq!(Bench::default().seen_in("f", 30).read, None, "who had read nothing is told of nothing");
    }

    #[test]
    fn a_value_that_cannot_be_read_counts_as_none() {
        let (_, mark) =
            fold(bounds("e", 9), Some("{"), Mark::Read { offset: 3, generation: Some(0) }).expect("changed");
        assert_eq!(mark.read.map(|read| read.offset), Some(3));
    }

    fn any_mark() -> impl Strategy<Value = Mark> {
        let (offset, level) = (0..20u64, select(RoomLevel::ALL.to_vec()));
        prop_oneof![
            4 => (offset.clone(), 0..4u64)
                .prop_map(|(offset, generation)| Mark::Read { offset, generation: Some(generation) }),
            1 => offset.clone().prop_map(|offset| Mark::Unread { offset }),
            1 => level.prop_map(Mark::Level),
            2 => offset.clone().prop_map(Mark::Mention),
            1 => offset.prop_map(Mark::Unmention),
        ]
    }

    proptest! {
        #[test]
        fn marks_of_any_devices_in_any_order_keep_the_promises(marks in vec(any_mark(), 0..40)) {
            let mut bench = Bench::default();
            for mark in marks {
                let before = bench.seen_in("e", 999);
                let is_changed = bench.mark(mark.clone());
                let after = bench.seen_in("e", 999);
                let read = |mark: &RoomMark| mark.read.as_ref().map(|read| read.offset);
                prop_assert!(is_changed || before == after);
                prop_assert!(after.mentions.is_sorted_by(|one, next| one < next));
                prop_assert!(after.mentions.iter().all(|mention| read(&after).is_none_or(|read| *mention > read)));
                match mark {
                    Mark::Unread { offset } => {
                        prop_assert_eq!((read(&after), after.generation), (Some(offset), before.generation + 1));
                    }
                    Mark::Read { offset, generation } => {
                        let expected = if generation == Some(before.generation) {
                            read(&before).max(Some(offset))
                        } else {
                            read(&before)
                        };
                        prop_assert_eq!((read(&after), after.generation), (expected, before.generation));
                    }
                    _ => prop_assert_eq!((read(&after), after.generation), (read(&before), before.generation)),
                }
            }
        }
    }
}
