//! The texts in English.

use super::Texts;
use crate::protocol::problem::Code;

pub(super) const TEXTS: Texts = Texts {
    tagline: "A live feed, and rooms to talk about it",
    skip_to_content: "Skip to content",
    navigation: "Pages and rooms",
    language: "Language",

    feed: "Feed",
    feed_intro: "Live updates from your programs.",
    values: "Values",
    values_empty: "No program has published a value yet.",
    latest: "latest",
    plot_of: |channel, series| format!("Plot of {series} in {channel}"),
    show_values: "Last 10 values",
    notifications: "Notifications",
    notifications_empty: "No notifications yet.",
    show_more: "Show earlier notifications",
    read_more: "Read more",
    level_info: "Info",
    level_success: "Success",
    level_warning: "Warning",
    level_error: "Error",

    rooms: "Rooms",
    new_room: "New room",
    new_room_name: "Name of the new room",
    create: "Create",
    private: "Members only",
    members: "Members",
    room_title: |room| format!("Room {room}"),
    messages: "Messages",
    messages_empty: "No messages yet. Be the first to write one.",
    earlier_messages: "Show earlier messages",
    message_label: |room| format!("Message to {room}"),
    message_placeholder: "Write a message…",
    send: "Send",
    send_hint: "Enter to send, Shift+Enter for a new line",
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
    to_the_latest: "Jump to latest",
    new_messages: |count| if count == 1 { "1 new message".into() } else { format!("{count} new messages") },
    older_removed: "Older messages were removed.",
    unknown_author: "Unknown",

    people: "People here",
    people_empty: "Nobody is here right now.",
    you: "you",
    today: "Today",
    yesterday: "Yesterday",
    has_joined: |name| format!("{name} joined"),
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
    signed_out: "Signed out. Reload to sign in.",

    catching_up: "Catching up…",
    unsent: |count| format!("{count} unsent"),

    loading: "Loading…",
    could_not_load: "This could not be loaded.",
    reload: "Reload the page",
    not_found_title: "Nothing here",
    not_found_text: "This page does not exist.",
    room_not_found: "This room does not exist, or you are not a member of it.",
    to_the_feed: "Go to the feed",

    not_live: "This page is not live: nothing new appears on it.",
    no_style: "A part of this page could not be loaded.",

    theme: "Theme",
    theme_auto: "Auto",
    theme_light: "Light",
    theme_dark: "Dark",
    density: "Density",
    density_comfortable: "Comfortable",
    density_compact: "Compact",
    favourites: "Favourites",
    add_favourite: "Add to favourites",
    remove_favourite: "Remove from favourites",
    copy: "Copy",
    copied: "Copied",
    welcome: "Anything that can send an HTTP request publishes to this feed. People follow it live and talk about it in rooms.",
    own_menu: "Your menu",
    menu: "Menu",
    show_people: "Show people",

    problem,

    newer_version: "There is a newer version of this page.",

    new_notifications: |count| {
        if count == 1 { "1 new notification".into() } else { format!("{count} new notifications") }
    },

    channels: "Channels",
    channel_values_empty: "No values in this channel yet.",
    show_aside: "Show side panel",
    hide_aside: "Hide side panel",

    actions: "Actions",
    edit: "Edit",
    delete: "Delete",
    edited: "edited",
    save: "Save",
    cancel: "Cancel",
    edit_label: "Edit the message",
    message_deleted: "Message deleted.",
    put_back: "Put the text back into the composer",

    preview: "Preview",
    preview_hint: "Preview (Alt+P)",
    preview_failed: "There is no preview right now. Try again.",
    code_block: "Code",
    table: "Table",
    emoji: "Emoji",
    too_many_bytes: "The message takes more than 32 kB. Shorten it or send it in parts.",

    pin: "Pin to the room",
    unpin: "Unpin",
    pinned: "Pinned",
    pinned_messages: "Pinned messages",

    react: "React…",
    reactions: "Reactions",
    add_reaction: "Add a reaction",
    people_with,
    find_emoji: "Find an emoji",
    no_emoji: "No emoji has this name.",
    recent_emoji: "Recently used",
    skin_tone: "Skin tone",

    reply: "Reply",
    in_reply_to: "In reply to",
    replying_to: "Replying to",
    do_not_reply: "Do not reply",
    answered_gone: "This message is no longer kept.",
    answer_in_thread: "Answer in a thread",
    thread: "Thread",
    close_thread: "Close the thread",
    thread_messages: "Messages of the thread",
    answers: |count| if count == 1 { "1 answer".into() } else { format!("{count} answers") },
    last_answer: "last",
    answer_label: "Answer in the thread",
    answer_placeholder: "Answer in the thread…",

    mark_unread: "Mark unread from here",
    unread_messages: |count| match count {
        1 => "1 unread message".into(),
        100.. => "more than 99 unread messages".into(),
        count => format!("{count} unread messages"),
    },
    unread_mentions: |count| match count {
        1 => "1 unread mention".into(),
        count => format!("{count} unread mentions"),
    },
    levels: "Notifications of this room",
    level_all: "Every message",
    level_mentions: "Mentions only",
    level_nothing: "Nothing",
    write_message: "Write a message",

    people_to_mention: "People to mention",
    mention_here: "everyone who is here now",
    mention_room: "everyone in this room",
    nobody_told: "Nobody was told of this message by a group: nobody else is there, there are too many people, or only owners may tell them all.",

    mentions: "Mentions",
    archived: "Archived",
    room_settings: "Settings",
    report: "Report…",
    direct_messages: "Direct messages",
    own_notifications: "Notifications",
    away: "away",
    here: "here now",
    bot: "bot",
    messages_none: "There are no messages here.",
    progress_paused: "Paused",
    progress_failed: "Failed",
    progress_done: "Done",
    heartbeats: "Heartbeats",
    all_channels: "All channels",
    filter: "Filter",
    lowest_level: "Levels",
    levels_from: ["Every event", "Success, warnings and errors", "Warnings and errors", "Errors only"],
    tag: "Tag",
    text_part: "Part of the text",
    apply_filter: "Show",
    filtered: "Only these notifications are shown:",
    show_all: "Show all",
    nothing_matches: "No notification matches the filter.",
    own_values: "This server",
    search: "Search",

    attach: "Attach files",
};

/// "alice, bob and 3 others".
fn people_with(names: &[String], others: u64) -> String {
    let others = match others {
        0 => None,
        1 => Some("1 other".to_owned()),
        others => Some(format!("{others} others")),
    };
    let last = others.as_ref().or(names.last()).map(String::as_str).unwrap_or_default();
    let first = if others.is_some() { names } else { names.split_last().map_or(names, |(_, first)| first) };
    if first.is_empty() { last.to_owned() } else { format!("{} and {last}", first.join(", ")) }
}

fn problem(code: Code) -> &'static str {
    match code {
        Code::BadJson
        | Code::UnknownFrame
        | Code::BadFrame
        | Code::BadRequest
        | Code::BadMediaType
        | Code::BadId => "The server did not understand this. Reload the page and try again.",
        Code::TooLarge => "This is too large to send.",
        Code::BadCursor => "Your position in the history is unknown. Reload the page.",
        Code::BadChannel => "A channel name can contain only letters, digits, dots, dashes and underscores.",
        Code::BadName => {
            "A name must have 1 to 40 characters; a room's name needs at least one letter or digit."
        }
        Code::TextEmpty => "The message is empty.",
        Code::TextTooLong => {
            "The message has more than 4,000 characters, or takes more than 32 kB. Shorten it or send it in parts."
        }
        Code::UnknownRoom => "This room does not exist, or you are not a member of it.",
        Code::UnknownMessage => "This message does not exist, or it is too old.",
        Code::MessageDeleted => "This message was deleted.",
        Code::RoomRemoved => "This room was removed.",
        Code::RoomArchived => "This room is archived: nobody can write in it.",
        Code::Muted => "You may not write in this room at the moment.",
        Code::BadEmoji => "This is no emoji.",
        Code::TooManyReactions => "This message has as many different reactions as it may have.",
        Code::TooLate => "The time is over in which this message could be edited.",
        Code::NotJoined => "You are not in this room right now. Try again in a moment.",
        Code::TooManyJoins => "You have too many rooms open. Leave one first.",
        Code::RoomExists => {
            "A room with this name already exists. Punctuation, upper case and character width make no difference."
        }
        Code::TooManyRooms => "This server has reached its limit of rooms.",
        Code::BadOrigin | Code::BadHost => "The server does not accept requests from this site or address.",
        Code::NoSession => "Your session has ended. Reload the page to sign in again.",
        Code::WrongPassword => "The name or the password is wrong.",
        Code::BadPassword => "A password needs at least 8 characters.",
        Code::PasswordTooLong => "This password is too long. Use at most 256 characters.",
        Code::BadLink => "This link was already used or has expired. Ask for a new one.",
        Code::NameTaken => "This name is already taken.",
        Code::UnknownPerson => "Nobody here has this name.",
        Code::NotAllowed => "You do not have permission to do this.",
        Code::Blocked => "You and this person cannot write to each other.",
        Code::NotFound => "Nothing was found at this address.",
        Code::BadMethod => "This action is not available at this address.",
        Code::TooManyConnections => "The server has reached its limit of connections. Try again later.",
        Code::TooManyRequests => "You are doing this too often.",
        Code::Unavailable => "The server is unavailable right now. Nothing was lost. Try again.",
    }
}
