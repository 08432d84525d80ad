//! The outcome of a form, in the query of the address that follows it: a change that was made, or the rejection for a
//! client that accepts no pages (`rejected.rs` answers the others). Never put anything typed into an address: it has no
//! room for a long text, and others may read it.

use serde::Deserialize;

use super::document::Done;
use crate::{app::model::room::RejectionReason, protocol::problem::Code};

/// The outcome of a form.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Outcome {
    problem: Option<String>,
    done: Option<String>,
    /// The form's name, on pages with several.
    pub(super) form: Option<String>,
    /// The page to return to in the end.
    pub(super) back: Option<String>,
}

impl Outcome {
    /// Returns the reason of the rejection.
    pub(super) fn problem(&self) -> Option<RejectionReason> {
        Code::parse(self.problem.as_deref()?).map(RejectionReason::new)
    }

    /// Returns the change that was made.
    pub(super) fn done(&self) -> Option<Done> {
        Done::parse(self.done.as_deref()?)
    }
}
