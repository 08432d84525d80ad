//! The words of an exported page in both languages. They are no texts of the app: browsers would load them.

use crate::app::i18n::Language;

/// The words of a page.
pub(super) struct Words {
    pub(super) language: &'static str,
    pub(super) exported: &'static str,
    pub(super) times_in: &'static str,
    pub(super) edited: &'static str,
    pub(super) deleted: &'static str,
    pub(super) pinned: &'static str,
    pub(super) in_thread: &'static str,
    pub(super) answers: &'static str,
    pub(super) messages_of: &'static str,
}

/// The words in a language.
pub(super) fn of(language: Language) -> &'static Words {
    match language {
        Language::En => &EN,
        Language::Ja => &JA,
    }
}

const EN: Words = Words {
    language: "en",
    exported: "Exported",
    times_in: "All times are in UTC.",
    edited: "edited",
    deleted: "This message was deleted.",
    pinned: "pinned",
    in_thread: "in a thread",
    answers: "answers a message",
    messages_of: "Messages of",
};

const JA: Words = Words {
    language: "ja",
    exported: "書き出し:",
    times_in: "時刻はすべて UTC です。",
    edited: "編集済み",
    deleted: "このメッセージは削除されました。",
    pinned: "ピン留め",
    in_thread: "スレッド内",
    answers: "返信",
    messages_of: "メッセージ:",
};
