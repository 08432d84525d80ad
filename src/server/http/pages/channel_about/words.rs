//! The texts of the part of a channel's page that only the server draws, in both languages. Not in `app/i18n`, which
//! browsers download.

use crate::app::i18n::Language;

/// The texts. `channel.js` reads those of the chart from the page.
pub(super) struct Words {
    /// The time and the number of entries for which events are kept.
    pub(super) kept: fn(&str, &str) -> String,
    /// A time in the largest unit that needs no fraction, by its number and unit.
    pub(super) time: fn(u64, Unit) -> String,
    pub(super) about: &'static str,
    pub(super) publish_text: &'static str,
    pub(super) publish_warning: &'static str,
    pub(super) publish_value: &'static str,
    pub(super) publish_progress: &'static str,
    pub(super) publish_ntfy: &'static str,
    pub(super) publish_webhook: &'static str,
    pub(super) publish_token: &'static str,

    pub(super) chart: &'static str,
    pub(super) ranges: &'static str,
    /// One hour, six hours, a day, a week, all.
    pub(super) range: [&'static str; 5],
    pub(super) zoom_in: &'static str,
    pub(super) zoom_out: &'static str,
    pub(super) chart_of: &'static str,
    pub(super) chart_keys: &'static str,
    pub(super) series: &'static str,
    pub(super) table: &'static str,
    pub(super) table_hint: &'static str,
    pub(super) time_column: &'static str,
    pub(super) no_values: &'static str,
    pub(super) not_all: &'static str,
    pub(super) failed: &'static str,
    pub(super) unnamed: &'static str,
}

/// A unit of time.
#[derive(Clone, Copy)]
pub(super) enum Unit {
    Day,
    Hour,
    Minute,
    Second,
}

/// The texts in a language.
pub(super) fn of(language: Language) -> &'static Words {
    match language {
        Language::En => &EN,
        Language::Ja => &JA,
    }
}

static EN: Words = Words {
    kept: |time, entries| {
        format!(
            "Kept for {time}. Of all channels together the newest {entries} entries are kept; older notifications \
             stay until as many newer ones have come."
        )
    },
    time: |number, unit| {
        let unit = match unit {
            Unit::Day => "day",
            Unit::Hour => "hour",
            Unit::Minute => "minute",
            Unit::Second => "second",
        };
        format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
    },
    about: "How to publish here, and what is kept",
    publish_text: "A text",
    publish_warning: "A warning with a title",
    publish_value: "A value",
    publish_progress: "A progress",
    publish_ntfy: "For senders of ntfy",
    publish_webhook: "Webhook address",
    publish_token: "From other machines, and where people have accounts, with a publisher's token:",
    chart: "Chart",
    ranges: "Time",
    range: ["1 h", "6 h", "24 h", "7 d", "All"],
    zoom_in: "Zoom in",
    zoom_out: "Zoom out",
    chart_of: "Values over time",
    chart_keys: "Arrow keys read the values, plus and minus zoom.",
    series: "Lines",
    table: "Values as a table",
    table_hint: "The mean of each time, and in brackets the lowest and the highest value.",
    time_column: "Time",
    no_values: "There are no values in this time.",
    not_all: "There are more values than a chart reads at once: the newest are shown.",
    failed: "The values could not be loaded. Choose a time to try again.",
    unnamed: "value",
};

static JA: Words = Words {
    kept: |time, entries| {
        format!(
            "保存期間は{time}です。全チャンネル合計で最新{entries}件まで保存され、それより古いお知らせは、同じ数の新しいお知らせが届くまで残ります。"
        )
    },
    time: |number, unit| {
        let unit = match unit {
            Unit::Day => "日",
            Unit::Hour => "時間",
            Unit::Minute => "分",
            Unit::Second => "秒",
        };
        format!("{number}{unit}")
    },
    about: "送信方法と保存期間",
    publish_text: "テキスト",
    publish_warning: "タイトル付きの注意",
    publish_value: "計測値",
    publish_progress: "進捗",
    publish_ntfy: "ntfy対応のプログラムから",
    publish_webhook: "Webhookのアドレス",
    publish_token: "別のマシンから送る場合や、アカウント制のサーバーでは、送信プログラムのトークンが必要です：",
    chart: "グラフ",
    ranges: "期間",
    range: ["1時間", "6時間", "24時間", "7日", "すべて"],
    zoom_in: "拡大",
    zoom_out: "縮小",
    chart_of: "計測値の推移",
    chart_keys: "矢印キーで値を読み、＋と−で拡大・縮小できます。",
    series: "線",
    table: "計測値の表",
    table_hint: "それぞれの時間の平均値です。かっこ内は最小値と最大値です。",
    time_column: "時刻",
    no_values: "この期間に計測値はありません。",
    not_all: "一度に読み込める数を超えているため、新しい計測値だけを表示しています。",
    failed: "計測値を読み込めませんでした。期間を選ぶと再試行します。",
    unnamed: "値",
};
