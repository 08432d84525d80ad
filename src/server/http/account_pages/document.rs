//! The trait of the account pages, which stand beside the feed and the rooms: signing in, joining, one's own account;
//! the members of a room; the people, the publishers and the channels' readers. They are plain HTML: rendered here
//! once, without a script (but for the one page that has to ask the browser), and their forms are posted and answered with another page. So they work everywhere and add
//! nothing to what the other pages load.
//!
//! The handlers load the data, and `answer.rs` renders it. An implementation never loads anything itself.

use leptos::prelude::AnyView;

use super::texts::Texts;

/// An account page, as plain data.
pub(super) trait Document {
    /// The title, in the browser's tab.
    fn title(&self, texts: &Texts) -> String;
    /// The name of the page's script among the site's files. Nearly all pages have none.
    fn script(&self) -> Option<&'static str> {
        None
    }
    /// The name of a style sheet of its own among the site's files.
    fn style(&self) -> Option<&'static str> {
        None
    }
    /// The page is read again so often, in seconds, where no script keeps it up to date.
    fn refresh_s(&self) -> Option<u32> {
        None
    }
    /// The class of the page.
    fn class(&self) -> &'static str {
        "document"
    }
    /// The content of the page.
    fn body(self, texts: &'static Texts) -> AnyView;
}

/// A change that was made, shown on the page that follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Done {
    /// The user signed out.
    SignedOut,
    /// The name was changed.
    Name,
    /// The password was changed.
    Password,
    /// Something else was changed.
    Saved,
    /// The settings of notifications were changed.
    Notifications,
    /// A test notification was sent.
    TestSent,
}

impl Done {
    /// Returns the word for it in an address.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::SignedOut => "signed-out",
            Self::Name => "name",
            Self::Password => "password",
            Self::Saved => "saved",
            Self::Notifications => "notifications",
            Self::TestSent => "test-sent",
        }
    }

    /// Parses the word in an address.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let all =
            [Self::SignedOut, Self::Name, Self::Password, Self::Saved, Self::Notifications, Self::TestSent];
        all.into_iter().find(|done| done.as_str() == text)
    }
}
