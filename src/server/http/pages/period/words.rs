//! The words of a period of the feed in both languages. Not in `app/i18n`, which browsers download.

use crate::app::i18n::Language;

/// The words.
#[derive(Debug)]
pub(in crate::server::http) struct Words {
    /// The last hour, today, yesterday, the last seven days.
    pub(super) ranges: [&'static str; 4],
    /// The fields, folded, and the button.
    pub(super) times: &'static str,
    pub(super) from: &'static str,
    pub(super) to: &'static str,
    pub(super) zone: &'static str,
    pub(super) show: &'static str,
    /// The period in words: its beginning and its end, either may be empty.
    pub(in crate::server::http) between: fn(&str, &str) -> String,
    /// The zone of all times of the page, with its offset.
    pub(in crate::server::http) times_in: fn(&str, &str) -> String,
    /// New events do not come into this page.
    pub(in crate::server::http) is_still: &'static str,
    pub(in crate::server::http) to_now: &'static str,
    pub(in crate::server::http) nothing: &'static str,
    /// The links to the other pages, and their name.
    pub(in crate::server::http) earlier: &'static str,
    pub(in crate::server::http) later: &'static str,
    pub(in crate::server::http) pages: &'static str,
    /// The faults: this is no time, this is no zone, the order.
    pub(in crate::server::http) no_time: fn(&str) -> String,
    pub(in crate::server::http) no_zone: fn(&str) -> String,
    pub(in crate::server::http) order: &'static str,
}

/// The words in a language.
pub(in crate::server::http) fn of(language: Language) -> &'static Words {
    match language {
        Language::En => &EN,
        Language::Ja => &JA,
    }
}

const EN: Words = Words {
    ranges: ["Last hour", "Today", "Yesterday", "Last 7 days"],
    times: "From – to",
    from: "From",
    to: "To",
    zone: "Time zone",
    show: "Show this time",
    between: |from, to| match (from, to) {
        (from, "") => format!("From {from} until now"),
        ("", to) => format!("Until {to}"),
        (from, to) => format!("From {from} to {to}"),
    },
    times_in: |zone, offset| match zone == offset {
        true => format!("All times are in {zone}."),
        false => format!("All times are in {zone} ({offset})."),
    },
    is_still: "New events do not come into this page.",
    to_now: "Back to now",
    nothing: "There are no notifications in this time.",
    earlier: "Show earlier",
    later: "Show later",
    pages: "Other parts of this time",
    no_time: |text| format!("“{text}” is no time. Write it as 2026-11-28T10:00."),
    no_zone: |text| format!("“{text}” is no time zone. Write UTC, a name such as Europe/Berlin, or +09:00."),
    order: "The end has to be later than the beginning.",
};

const JA: Words = Words {
    ranges: ["1時間以内", "今日", "昨日", "7日以内"],
    times: "開始・終了",
    from: "開始",
    to: "終了",
    zone: "タイムゾーン",
    show: "この期間を表示",
    between: |from, to| match (from, to) {
        (from, "") => format!("{from}から現在まで"),
        ("", to) => format!("{to}まで"),
        (from, to) => format!("{from}から{to}まで"),
    },
    times_in: |zone, offset| match zone == offset {
        true => format!("時刻はすべて{zone}です。"),
        false => format!("時刻はすべて{zone}（{offset}）です。"),
    },
    is_still: "新しいイベントはこのページには表示されません。",
    to_now: "現在に戻る",
    nothing: "この期間のお知らせはありません。",
    earlier: "以前を表示",
    later: "以降を表示",
    pages: "この期間の前後",
    no_time: |text| format!("「{text}」は日時として読めません。2026-11-28T10:00のように入力してください。"),
    no_zone: |text| {
        format!(
            "「{text}」はタイムゾーンとして読めません。UTC、Europe/Berlinなどの名前、または+09:00のように入力してください。"
        )
    },
    order: "終了は開始より後にしてください。",
};
