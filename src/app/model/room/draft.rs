//! What this person has written and the log does not have yet.

use crate::protocol::{cursor::Offset, problem::Code};

/// Whether a draft is still on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DraftState {
    /// Sent, not yet acknowledged.
    Pending,
    /// Refused, for this reason.
    Failed(Refusal),
}

/// Why something was refused, and when it may be tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The reason.
    pub code: Code,
    /// Milliseconds, counted from the refusal.
    pub wait_ms: Option<u64>,
}

impl Refusal {
    /// For this reason; when to try again is not known.
    pub fn new(code: Code) -> Self {
        Self { code, wait_ms: None }
    }
}

/// A message that this person has sent and that has no place in the log yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// The client's id: posting it again stores nothing twice.
    pub id: String,
    /// As it was typed.
    pub text: String,
    /// Where it stands.
    pub state: DraftState,
    /// Its place in the log, once it is acknowledged; its message, which replaces it, is on its way.
    pub(super) stored: Option<Offset>,
}

impl Draft {
    /// Whether it was refused for coming too soon.
    pub(super) fn is_too_soon(&self) -> bool {
        matches!(self.state, DraftState::Failed(Refusal { code: Code::TooManyRequests, .. }))
    }

    /// A message on its way.
    pub fn pending(id: String, text: String) -> Self {
        Self { id, text, state: DraftState::Pending, stored: None }
    }
}

/// What outlives the view of a room: the page keeps it while another room or page is shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Kept {
    /// Not in the log yet.
    pub drafts: Vec<Draft>,
    /// What stands in the composer.
    pub text: String,
    /// The log lost what this page had not seen.
    pub was_reset: bool,
    /// What was read, if that was not the newest.
    pub reading: Option<Reading>,
}

/// Where somebody reads further up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// The first message in view …
    pub offset: Offset,
    /// … and how far below the top of the view it stands, in CSS pixels.
    pub top_px: f64,
}
