//! Unit tests of the settled time: leaps in both directions, small steps, and the start.

use super::*;

const DAY_MS: i64 = 86_400_000;
const PATIENCE: Duration = Duration::from_secs(86_400);
/// Wall time at monotonic time 0.
const START_MS: i64 = 1_800_000_000_000;

/// A machine whose two clocks the test moves.
struct Machine {
    time: SettledTime,
    monotonic_ms: i64,
    /// The wall time minus the true time.
    error_ms: i64,
}

impl Machine {
    fn start(error_ms: i64) -> Self {
        let first = Reading { wall_ms: START_MS + error_ms, monotonic_ms: 0 };
        Self { time: SettledTime::new(PATIENCE, first), monotonic_ms: 0, error_ms }
    }

    fn truth_ms(&self) -> i64 {
        START_MS + self.monotonic_ms
    }

    fn now(&self) -> Reading {
        Reading { wall_ms: self.truth_ms() + self.error_ms, monotonic_ms: self.monotonic_ms }
    }

    /// Lets time pass, then reads: the settled time minus the true time, and the event.
    fn after(&mut self, ms: i64) -> (i64, Option<ClockEvent>) {
        self.monotonic_ms += ms;
        let (settled_ms, event) = self.time.read(self.now());
        (settled_ms - self.truth_ms(), event)
    }
}

fn in_leap(leap: Option<Leap>) -> Remembered {
    Remembered { settled_ms: None, leap }
}

#[test]
fn a_leap_forward_moves_nothing_until_the_wall_comes_back() {
    let mut machine = Machine::start(0);
    assert_eq!(machine.after(1_000), (0, None));
    machine.error_ms = 400 * DAY_MS;
    assert_eq!(machine.after(1_000), (0, Some(ClockEvent::Leapt { ahead_ms: 400 * DAY_MS })));
    assert_eq!(machine.after(10_000), (0, None), "reported once");
    machine.error_ms = 0;
    assert_eq!(machine.after(1_000), (0, Some(ClockEvent::CameBack)));
    assert_eq!(machine.after(1_000), (0, None));
}

#[test]
fn a_new_time_that_stands_for_the_patience_is_accepted() {
    let mut machine = Machine::start(0);
    machine.error_ms = 30 * DAY_MS;
    assert!(machine.after(1).1.is_some());
    assert_eq!(machine.after(DAY_MS - 1), (0, None));
    assert_eq!(machine.after(1), (30 * DAY_MS, Some(ClockEvent::Accepted)));
    assert_eq!(machine.after(1), (30 * DAY_MS, None));
}

#[test]
fn a_clock_that_leaps_on_starts_its_patience_anew() {
    let mut machine = Machine::start(0);
    machine.error_ms = 30 * DAY_MS;
    machine.after(1);
    machine.after(DAY_MS - 1);
    machine.error_ms = 400 * DAY_MS;
    assert_eq!(machine.after(1), (0, Some(ClockEvent::Leapt { ahead_ms: 400 * DAY_MS })));
    assert_eq!(machine.after(DAY_MS - 1), (0, None));
}

#[test]
fn a_wall_that_goes_back_is_followed_and_may_not_leap_to_where_it_was() {
    let mut machine = Machine::start(730 * DAY_MS);
    assert_eq!(machine.after(1), (730 * DAY_MS, None), "nothing says that it is wrong");
    machine.error_ms = 0;
    assert_eq!(machine.after(1), (0, None));
    machine.error_ms = 730 * DAY_MS;
    assert_eq!(machine.after(1).0, 0);
}

#[test]
fn small_steps_are_followed_but_not_without_end() {
    let mut machine = Machine::start(0);
    machine.error_ms = TOLERANCE_MS;
    assert_eq!(machine.after(1), (TOLERANCE_MS, None));
    machine.error_ms += TOLERANCE_MS;
    assert!(machine.after(1).1.is_some(), "many small steps are one leap");
}

#[test]
fn a_start_far_past_the_newest_entry_is_a_leap_until_it_has_stood() {
    for (newest_ms, is_leap) in [
        (START_MS - START_TOLERANCE_MS, false),
        (START_MS + 730 * DAY_MS, false),
        (START_MS - 400 * DAY_MS, true),
    ] {
        let mut machine = Machine::start(0);
        assert_eq!(machine.time.start_from(machine.now(), Some(newest_ms), Remembered::default()), None);
        let (from_truth_ms, event) = machine.after(5);
        assert_eq!(event.is_some(), is_leap);
        assert_eq!(
            from_truth_ms,
            if is_leap { -400 * DAY_MS } else { 0 },
            "by monotonic time from the newest"
        );
        assert_eq!(machine.after(DAY_MS).0, 0, "it has stood");
    }
}

#[test]
fn a_start_within_a_leap_goes_on_with_it() {
    let mut before = Machine::start(0);
    before.error_ms = 400 * DAY_MS;
    before.after(1_000);
    let leap = before.time.leap();
    assert!(leap.is_some());
    // Off for half the patience; its last entry has a timestamp of the leap.
    let mut machine = Machine { monotonic_ms: DAY_MS / 2 + 1_000, ..Machine::start(400 * DAY_MS) };
    let newest_ms = Some(START_MS + 400 * DAY_MS + 2_000);
    let told = machine.time.start_from(machine.now(), newest_ms, in_leap(leap));
    assert_eq!(told, Some(ClockEvent::Leapt { ahead_ms: 400 * DAY_MS }));
    assert_eq!(machine.after(1_000), (0, None));
    assert_eq!(machine.time.leap(), leap, "it is the same one");
    assert_eq!(machine.after(DAY_MS / 2), (400 * DAY_MS, Some(ClockEvent::Accepted)), "both halves count");
}

#[test]
fn a_start_within_a_leap_from_which_the_wall_came_back_or_leapt_on() {
    let leap = Some(Leap { wall_ms: START_MS + 400 * DAY_MS, settled_ms: START_MS });
    let newest_ms = Some(START_MS + 400 * DAY_MS + 2_000);
    let mut back = Machine::start(0);
    assert_eq!(back.time.start_from(back.now(), None, in_leap(leap)), None);
    assert_eq!(back.after(0), (0, None));
    // Still wrong, but by less. Its first entries have timestamps before the leap that was stored last.
    for error_ms in [400 * DAY_MS - 60_000, 30 * DAY_MS] {
        let mut less = Machine::start(error_ms);
        let newest_ms = Some(START_MS + error_ms - 1_000);
        assert_eq!(less.time.start_from(less.now(), newest_ms, in_leap(leap)), None);
        assert_eq!(less.after(0), (0, Some(ClockEvent::Leapt { ahead_ms: error_ms })), "by the settled time");
    }
    let mut on = Machine::start(900 * DAY_MS);
    assert_eq!(on.time.start_from(on.now(), newest_ms, in_leap(leap)), None);
    assert_eq!(on.after(0), (2_000, Some(ClockEvent::Leapt { ahead_ms: 900 * DAY_MS - 2_000 })));
}

#[test]
fn the_stored_state_counts_for_more_than_the_timestamps_of_entries() {
    // It leapt for a moment, entries were written, and it came back; now it starts with the same error.
    let remembered = Remembered { settled_ms: Some(START_MS - 60_000), leap: None };
    let newest_ms = Some(START_MS + 400 * DAY_MS - 5_000);
    let mut machine = Machine::start(400 * DAY_MS);
    assert_eq!(machine.time.start_from(machine.now(), newest_ms, remembered), None);
    assert_eq!(machine.after(0), (-60_000, Some(ClockEvent::Leapt { ahead_ms: 400 * DAY_MS + 60_000 })));
    // A clock that was ahead and was put right is accepted.
    let remembered = Remembered { settled_ms: Some(START_MS + 730 * DAY_MS), leap: None };
    let mut machine = Machine::start(0);
    assert_eq!(machine.time.start_from(machine.now(), newest_ms, remembered), None);
    assert_eq!(machine.after(0), (0, None));
    // In a leap that goes on, the stored time is as far behind the wall as the leap is ahead.
    let leap = Leap { wall_ms: START_MS + 400 * DAY_MS, settled_ms: START_MS };
    let remembered = Remembered { settled_ms: Some(START_MS), leap: Some(leap) };
    let mut machine = Machine::start(400 * DAY_MS);
    let told = machine.time.start_from(machine.now(), None, remembered);
    assert_eq!(told, Some(ClockEvent::Leapt { ahead_ms: 400 * DAY_MS }));
    assert_eq!(machine.after(0), (0, None));
}
