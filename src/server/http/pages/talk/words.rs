//! The words of the talk about events in both languages. Not in `app/i18n`, which browsers download.

use crate::app::i18n::Language;

/// The words.
#[derive(Debug)]
pub(super) struct Words {
    /// The link that begins to talk about an event.
    pub(super) discuss: &'static str,
    /// The link to a talk in a room, by its name in HTML, with its answers.
    pub(super) in_room: fn(&str, u64) -> String,
    /// The link to the board.
    pub(super) board: &'static str,
    /// The link that tells how many channels are muted.
    pub(super) muted: fn(usize) -> String,
    /// Before the newest state of an event.
    pub(super) now: &'static str,
}

/// The words in a language.
pub(super) fn of(language: Language) -> &'static Words {
    match language {
        Language::En => &EN,
        Language::Ja => &JA,
    }
}

const EN: Words = Words {
    discuss: "Discuss",
    in_room: |room, answers| match answers {
        0 => format!("in {room}"),
        1 => format!("in {room}: 1 answer"),
        answers => format!("in {room}: {answers} answers"),
    },
    board: "Status",
    muted: |count| match count {
        1 => "1 channel is muted".into(),
        count => format!("{count} channels are muted"),
    },
    now: "now",
};

const JA: Words = Words {
    discuss: "話題にする",
    in_room: |room, answers| match answers {
        0 => format!("{room}で話題"),
        answers => format!("{room}で話題：返信{answers}件"),
    },
    board: "ステータス",
    muted: |count| format!("{count}件のチャンネルをミュート中"),
    now: "現在",
};
