//! The texts in English.

use super::Texts;
use crate::protocol::problem::Code;

pub(super) const TEXTS: Texts = Texts {
    tagline: "A live feed, and rooms to talk about it",
    skip_to_content: "Skip to the content",
    navigation: "Pages and rooms",
    language: "Language",

    feed: "Feed",
    feed_intro: "What your programs say, as they say it.",
    values: "Values",
    values_empty: "No program has published a value yet.",
    latest: "latest",
    plot_of: |channel, series| format!("Plot of {series} in {channel}"),
    show_values: "Last 10 values",
    notifications: "Notices",
    notifications_empty: "Nothing has happened yet.",
    publish_hint: "Publish the first one from a terminal:",
    show_more: "Show earlier notices",
    read_more: "Read more",
    level_info: "Info",
    level_success: "Success",
    level_warning: "Warning",
    level_error: "Error",

    rooms: "Rooms",
    new_room: "New room",
    new_room_name: "Name of the new room",
    create: "Create",
    private: "Only for members",
    members: "Members",
    room_title: |room| format!("Room {room}"),
    messages: "Messages",
    messages_empty: "Nobody has said anything here yet. Be the first.",
    earlier_messages: "Show earlier messages",
    message_label: |room| format!("Message to {room}"),
    message_placeholder: "Write a message…",
    send: "Send",
    send_hint: "Enter sends, Shift+Enter breaks the line",
    characters_over: |over| {
        if over == 1 { "1 character too many".into() } else { format!("{over} characters too many") }
    },
    pending: "Sending…",
    failed: "Not sent",
    retry: "Try again",
    in_seconds: |seconds| format!(" Try again in {seconds} second{}.", if seconds == 1 { "" } else { "s" }),
    discard: "Discard",
    waiting: "Waiting for the connection…",
    new_since_you_left: "New since you left",
    to_the_latest: "To the latest",
    new_messages: |count| if count == 1 { "1 new message".into() } else { format!("{count} new messages") },
    older_removed: "Older messages were removed.",
    unknown_author: "Unknown",

    people: "People here",
    people_empty: "Nobody is here right now.",
    you: "you",
    has_joined: |name| format!("{name} came in"),
    has_left: |name| format!("{name} left"),
    is_typing: |name| format!("{name} is typing…"),
    your_name: "Your name",
    change_name: "Change",
    account: "Account",
    accounts: "People",
    publishers: "Publishers",
    limited_channels: "Limited channels",
    sign_out: "Sign out",
    sign_in: "Sign in",
    sign_in_to_write: "Sign in to write here",

    connected: "Connected",
    connecting: "Connecting…",
    disconnected: "Disconnected",
    signed_out: "Signed out: reload to sign in",

    catching_up: "Catching up…",
    unsent: |count| format!("{count} unsent"),

    loading: "Loading…",
    could_not_load: "This could not be loaded.",
    reload: "Reload the page",
    not_found_title: "Nothing here",
    not_found_text: "There is no page at this address.",
    room_not_found: "There is no such room. It may never have been made.",
    to_the_feed: "To the feed",

    problem,
};

fn problem(code: Code) -> &'static str {
    match code {
        Code::BadJson
        | Code::UnknownFrame
        | Code::BadFrame
        | Code::BadRequest
        | Code::BadMediaType
        | Code::BadId => "The server did not understand this. Reload the page and try again.",
        Code::TooLarge => "This is too large to send.",
        Code::BadCursor => "The place in the history is not known. Reload the page.",
        Code::BadChannel => "A channel's name has only letters, digits, dots, dashes and underscores.",
        Code::BadName => "A name has 1 to 40 characters, with at least one letter or digit for a room.",
        Code::TextEmpty => "The message is empty.",
        Code::TextTooLong => "The message has more than 4,000 characters. Shorten it or send it in parts.",
        Code::UnknownRoom => "There is no such room, or it is not open to you.",
        Code::NotJoined => "You are not in this room right now. Try again in a moment.",
        Code::TooManyJoins => "This page follows too many rooms. Leave one first.",
        Code::RoomExists => {
            "There is a room of such a name already: signs, upper case and width alone make no other name."
        }
        Code::TooManyRooms => "This server takes no more rooms.",
        Code::BadOrigin | Code::BadHost => "The server takes nothing from this site or under this address.",
        Code::NoSession => "Your session has ended. Reload the page to sign in again.",
        Code::WrongPassword => "The name or the password is wrong.",
        Code::BadPassword => "A password has at least 8 characters.",
        Code::PasswordTooLong => "This password is too long. A password has at most 256 characters.",
        Code::BadLink => "This link was used or has ended. Ask for a new one.",
        Code::NameTaken => "Somebody has this name already.",
        Code::UnknownPerson => "There is nobody of this name here.",
        Code::NotAllowed => "You may not do this.",
        Code::NotFound => "There is nothing at this address.",
        Code::BadMethod => "This cannot be done at this address.",
        Code::TooManyConnections => "The server has as many connections as it takes. Try again later.",
        Code::TooManyRequests => "This is more than the server takes at once.",
        Code::Unavailable => "The server could not do this now; nothing was lost. Try again.",
    }
}
