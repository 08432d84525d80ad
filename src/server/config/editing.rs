//! The settings of editing, a part of [`super::Config`]: for how long a message may be edited, and what is kept of its
//! earlier texts. `chat::changes` applies them.

use clap::Args;

use super::{
    limits::{Limit, is_off},
    values::{TimeSpan, within},
};

/// Editing of messages.
#[derive(Clone, Copy, Debug, Args)]
pub struct EditingSettings {
    // A typo is often found much later, and "edited" stands beside the text.
    /// How long after posting it an author may edit a message, such as 15m; off: always
    #[arg(long, env = "IDOBATA_EDIT_WINDOW", default_value = "off", value_name = "TIME", value_parser = window)]
    pub edit_window: Limit<TimeSpan>,

    // Enough to see what was meant; each may have 4,000 characters.
    /// Earlier texts that an edited message keeps, for all who may read it; 0 keeps none
    #[arg(long, env = "IDOBATA_EDIT_HISTORY", default_value_t = 10, value_name = "N", value_parser = texts)]
    pub edit_history: usize,
}

impl EditingSettings {
    /// Milliseconds after its post in which a message may be edited; `None`: always.
    pub fn edit_window_ms(&self) -> Option<i64> {
        self.edit_window.0.map(TimeSpan::as_ms)
    }
}

fn window(text: &str) -> Result<Limit<TimeSpan>, String> {
    match is_off(text) {
        true => Ok(Limit(None)),
        false => text.parse().map(|window| Limit(Some(window))),
    }
}

fn texts(text: &str) -> Result<usize, String> {
    within(text, 0..=100)
}
