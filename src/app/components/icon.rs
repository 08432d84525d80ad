//! The icons, drawn inline as used. The paths are those of Lucide, lucide.dev (ISC License, Copyright (c) for portions of
//! Lucide are held by Cole Bemis 2013-2022 as part of Feather (MIT), and all other copyright (c) by Lucide Contributors
//! 2022; docs/licences/lucide.txt).
//!
//! An icon never stands for a word: what it decorates has a text of its own.

use leptos::prelude::*;

/// An icon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Icon {
    /// The feed.
    Activity,
    /// An error.
    Alert,
    /// Mentions.
    At,
    /// The level of a room's notifications.
    Bell,
    /// A channel of the feed.
    Channel,
    /// A success.
    Check,
    /// A report.
    Flag,
    /// A room that everyone may enter.
    Hash,
    /// A room for its members only.
    Lock,
    /// The sidebar of a small screen.
    Menu,
    /// More that can be done with a thing.
    More,
    /// A preview.
    Eye,
    /// Files for a message.
    Paperclip,
    /// The panel beside the conversation.
    PanelRight,
    /// Editing.
    Pencil,
    /// A pin.
    Pin,
    /// Something new.
    Plus,
    /// The search.
    Search,
    /// A reaction.
    SmilePlus,
    /// An answer.
    Reply,
    /// A favourite.
    Star,
    /// A thread.
    Thread,
    /// Deletion.
    Trash,
    /// Something that was not read.
    Unread,
    /// The people in a room.
    Users,
    /// A warning.
    Warning,
    /// Leaving something.
    X,
}

impl Icon {
    fn path(self) -> &'static str {
        match self {
            Self::Activity => {
                "M22 12h-2.48a2 2 0 0 0-1.93 1.46l-2.35 8.36a.25.25 0 0 1-.48 0L9.24 2.18a.25.25 0 0 0-.48 0l-2.35 \
                 8.36A2 2 0 0 1 4.49 12H2"
            }
            Self::Alert => "M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20zM12 8v4M12 16h.01",
            Self::At => "M16 12a4 4 0 1 1-8 0 4 4 0 0 1 8 0zM16 8v5a3 3 0 0 0 6 0v-1a10 10 0 1 0-4 8",
            Self::Bell => {
                "M10.27 21a2 2 0 0 0 3.46 0M3.26 15.33A1 1 0 0 0 4 17h16a1 1 0 0 0 .74-1.67C19.41 13.96 18 12.5 18 8A6 6 0 0 0 6 8c0 4.5\
                 -1.41 5.96-2.74 7.33"
            }
            Self::Channel => "M12.1 11.1a1 1 0 1 1 0 2 1 1 0 0 1 0-2z",
            Self::Check => "M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20zM9 12l2 2 4-4",
            Self::Flag => "M4 22V4s1-1 4-1 5 2 8 2 4-1 4-1v11s-1 1-4 1-5-2-8-2-4 1-4 1",
            Self::Hash => "M4 9h16M4 15h16M10 3 8 21M16 3l-2 18",
            Self::Lock => {
                "M5 11h14a2 2 0 0 1 2 2v7a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2v-7a2 2 0 0 1 2-2zM7 11V7a5 5 0 0 1 10 0v4"
            }
            Self::Menu => "M4 5h16M4 12h16M4 19h16",
            Self::More => {
                "M12 11a1 1 0 1 0 0 2 1 1 0 0 0 0-2zM19 11a1 1 0 1 0 0 2 1 1 0 0 0 0-2zM5 11a1 1 0 1 0 0 2 1 1 0 0 0 0-2z"
            }
            Self::Eye => {
                "M2.062 12.348a1 1 0 0 1 0-.696 10.75 10.75 0 0 1 19.876 0 1 1 0 0 1 0 .696 10.75 10.75 0 0 1-19.876 0zM15 12a3 3 0 1 1-6 0 3 3 0 0 1 6 0z"
            }
            Self::PanelRight => {
                "M5 3h14a2 2 0 0 1 2 2v14a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2zM15 3v18"
            }
            Self::Paperclip => {
                "m16 6-8.414 8.586a2 2 0 0 0 2.829 2.829l8.414-8.586a4 4 0 1 0-5.657-5.657l-8.379 8.551a6 6 0 1 0 8.485 8.485l8.379-8.551"
            }
            Self::Pencil => {
                "M21.17 6.81a1 1 0 0 0-3.99-3.99L3.84 16.17a2 2 0 0 0-.5.83l-1.32 4.35a.5.5 0 0 0 .62.62l4.35-1.32a2 2 0 0 0 \
                 .83-.5zM15 5l4 4"
            }
            Self::Pin => {
                "M12 17v5M9 10.76a2 2 0 0 1-1.11 1.79l-1.78.9A2 2 0 0 0 5 15.24V16a1 1 0 0 0 1 1h12a1 1 0 0 0 1-1v-.76a2 2 0 0 0\
                 -1.11-1.79l-1.78-.9A2 2 0 0 1 15 10.76V7a1 1 0 0 1 1-1 2 2 0 0 0 0-4H8a2 2 0 0 0 0 4 1 1 0 0 1 1 1z"
            }
            Self::Plus => "M5 12h14M12 5v14",
            Self::Search => "M21 21l-4.34-4.34M19 11a8 8 0 1 1-16 0 8 8 0 0 1 16 0z",
            Self::SmilePlus => {
                "M22 11v1a10 10 0 1 1-9-10M8 14s1.5 2 4 2 4-2 4-2M9 9h.01M15 9h.01M16 5h6M19 2v6"
            }
            Self::Reply => "M20 18v-2a4 4 0 0 0-4-4H4M9 17l-5-5 5-5",
            Self::Star => {
                "M11.525 2.295a.53.53 0 0 1 .95 0l2.31 4.679a2.12 2.12 0 0 0 1.595 1.16l5.166.756a.53.53 0 0 1 .294.904\
                 l-3.736 3.638a2.12 2.12 0 0 0-.611 1.878l.882 5.14a.53.53 0 0 1-.771.56l-4.618-2.428a2.12 2.12 0 0 0\
                 -1.973 0L6.396 21.01a.53.53 0 0 1-.77-.56l.881-5.139a2.12 2.12 0 0 0-.611-1.879L2.16 9.795a.53.53 0 0\
                 1 .294-.906l5.165-.755a2.12 2.12 0 0 0 1.597-1.16z"
            }
            Self::Thread => "M21 15a2 2 0 0 1-2 2H7l-4 4V5a2 2 0 0 1 2-2h14a2 2 0 0 1 2 2z",
            Self::Trash => {
                "M3 6h18M19 6v14a2 2 0 0 1-2 2H7a2 2 0 0 1-2-2V6M8 6V4a2 2 0 0 1 2-2h4a2 2 0 0 1 2 2v2M10 11v6M14 11v6"
            }
            Self::Unread => "M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20zM12 11a1 1 0 1 0 0 2 1 1 0 0 0 0-2z",
            Self::Users => {
                "M16 21v-2a4 4 0 0 0-4-4H6a4 4 0 0 0-4 4v2M16 3.128a4 4 0 0 1 0 7.744M22 21v-2a4 4 0 0 0-3-3.87M13 \
                 7a4 4 0 1 1-8 0 4 4 0 0 1 8 0z"
            }
            Self::Warning => {
                "M21.73 18l-8-14a2 2 0 0 0-3.48 0l-8 14A2 2 0 0 0 4 21h16a2 2 0 0 0 1.73-3zM12 9v4M12 17h.01"
            }
            Self::X => "M18 6 6 18M6 6l12 12",
        }
    }
}

/// Draws an icon in the size and colour of the text beside it.
pub(crate) fn icon(icon: Icon) -> AnyView {
    view! {
        <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
            <path d=icon.path() />
        </svg>
    }
    .into_any()
}
