//! The pages beside the feed and the rooms: signing in, joining, one's own account; the members of a room; the people,
//! the publishers and the channels' readers. They are plain documents: drawn here once, without a script, and their
//! forms are posted and answered with another document. So they work everywhere and add nothing to what the other
//! pages load.
//!
//! `routes/documents` loads what they show and draws them. Nothing here asks the server for anything.

use leptos::prelude::AnyView;

use super::texts::Texts;

/// One of them: what it shows, as plain data.
pub(super) trait Document {
    /// What it is called, in the browser's tab.
    fn title(&self, texts: &Texts) -> String;
    /// What stands in it.
    fn body(self, texts: &'static Texts) -> AnyView;
}

/// What was done, said on the document that follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Done {
    /// Signed out.
    SignedOut,
    /// Another name.
    Name,
    /// Another password.
    Password,
}

impl Done {
    /// The word for it in an address.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::SignedOut => "signed-out",
            Self::Name => "name",
            Self::Password => "password",
        }
    }

    /// What an address says.
    pub(super) fn parse(text: &str) -> Option<Self> {
        [Self::SignedOut, Self::Name, Self::Password].into_iter().find(|done| done.as_str() == text)
    }
}
