//! 日本語。

use super::Texts;
use crate::protocol::problem::Code;

pub(super) const TEXTS: Texts = Texts {
    tagline: "ライブフィードと、それについて話せるチャットルーム",
    skip_to_content: "本文へ移動",
    navigation: "ページとルーム",
    language: "言語",

    feed: "フィード",
    feed_intro: "プログラムからの最新情報がリアルタイムで届きます。",
    values: "計測値",
    values_empty: "まだ計測値は届いていません。",
    latest: "最新",
    plot_of: |channel, series| format!("{channel} の {series} のグラフ"),
    show_values: "直近の10件",
    notifications: "お知らせ",
    notifications_empty: "お知らせはまだ届いていません。",
    show_more: "以前のお知らせを表示",
    read_more: "詳しく見る",
    level_info: "情報",
    level_success: "成功",
    level_warning: "注意",
    level_error: "エラー",

    rooms: "ルーム",
    new_room: "新しいルーム",
    new_room_name: "新しいルームの名前",
    create: "作成",
    private: "メンバー限定",
    members: "メンバー",
    room_title: |room| format!("ルーム {room}"),
    messages: "メッセージ",
    messages_empty: "まだメッセージがありません。最初のメッセージを送ってみましょう。",
    earlier_messages: "以前のメッセージを表示",
    message_label: |room| format!("{room} へのメッセージ"),
    message_placeholder: "メッセージを入力...",
    send: "送信",
    send_hint: "Enterで送信、Shift+Enterで改行",
    characters_over: |over| format!("{over}文字超過しています"),
    pending: "送信中…",
    failed: "送信できませんでした",
    in_seconds: |seconds| format!("{seconds}秒後にもう一度お試しください。"),
    retry: "再送信",
    discard: "取り消す",
    waiting: "接続を待っています…",
    new_since_you_left: "ここから新しいメッセージ",
    to_the_latest: "最新へ移動",
    new_messages: |count| format!("新しいメッセージ{count}件"),
    older_removed: "古いメッセージは削除されました。",
    unknown_author: "不明",

    people: "このルームにいる人",
    people_empty: "いまは誰もいません。",
    you: "あなた",
    today: "今日",
    yesterday: "昨日",
    has_joined: |name| format!("{name} さんが入室しました"),
    has_left: |name| format!("{name} さんが退室しました"),
    is_typing: |name| format!("{name} さんが入力中…"),
    your_name: "あなたの名前",
    change_name: "変更",
    account: "アカウント",
    accounts: "メンバー",
    publishers: "発行元",
    limited_channels: "限定チャンネル",
    sign_out: "サインアウト",
    sign_in: "サインイン",
    sign_in_to_write: "サインインして書き込む",

    connected: "接続中",
    connecting: "接続しています…",
    disconnected: "切断",
    signed_out: "サインアウトしました。ページを再読み込みしてください。",

    catching_up: "未読を取得しています…",
    unsent: |count| format!("未送信{count}件"),

    loading: "読み込み中…",
    could_not_load: "読み込めませんでした。",
    reload: "ページを再読み込み",
    not_found_title: "見つかりません",
    not_found_text: "このページは存在しません。",
    room_not_found: "このルームは存在しないか、あなたはメンバーではありません。",
    to_the_feed: "フィードへ",

    not_live: "このページはリアルタイムに更新されません。",
    no_style: "ページの一部を読み込めませんでした。",

    theme: "テーマ",
    theme_auto: "自動",
    theme_light: "ライト",
    theme_dark: "ダーク",
    density: "表示密度",
    density_comfortable: "ゆったり",
    density_compact: "コンパクト",
    favourites: "お気に入り",
    add_favourite: "お気に入りに追加",
    remove_favourite: "お気に入りから外す",
    copy: "コピー",
    copied: "コピーしました",
    welcome: "HTTPリクエストを送れるものなら何でも、このフィードに投稿できます。みんなでリアルタイムに見て、ルームで話せます。",
    own_menu: "自分のメニュー",
    menu: "メニュー",
    show_people: "参加者を表示",

    problem,

    newer_version: "このページの新しいバージョンがあります。",

    new_notifications: |count| format!("新しいお知らせ{count}件"),

    channels: "チャンネル",
    channel_values_empty: "このチャンネルにはまだ計測値が届いていません。",
    show_aside: "サイドパネルを表示",
    hide_aside: "サイドパネルを隠す",

    actions: "操作",
    edit: "編集",
    delete: "削除",
    edited: "編集済み",
    save: "保存",
    cancel: "キャンセル",
    edit_label: "メッセージを編集",
    message_deleted: "メッセージを削除しました。",
    put_back: "本文を入力欄に戻す",

    preview: "プレビュー",
    preview_hint: "プレビュー（Alt+P）",
    preview_failed: "今はプレビューを表示できません。もう一度お試しください。",
    code_block: "コード",
    table: "表",
    emoji: "絵文字",
    too_many_bytes: "メッセージが32 kBを超えています。短くするか、分けて送ってください。",

    pin: "ルームにピン留め",
    unpin: "ピン留めを外す",
    pinned: "ピン留め",
    pinned_messages: "ピン留めしたメッセージ",

    react: "リアクション",
    reactions: "リアクション",
    add_reaction: "リアクションを追加",
    people_with: |names, others| {
        let names = names.join("、");
        match (others, names.is_empty()) {
            (0, _) => names,
            (others, true) => format!("{others}人"),
            (others, false) => format!("{names}、ほか{others}人"),
        }
    },
    find_emoji: "絵文字を検索",
    no_emoji: "この名前の絵文字はありません。",
    recent_emoji: "最近使った絵文字",
    skin_tone: "肌の色",

    reply: "返信",
    in_reply_to: "返信先：",
    replying_to: "返信先：",
    do_not_reply: "返信をやめる",
    answered_gone: "このメッセージはもう残っていません。",
    answer_in_thread: "スレッドで返信",
    thread: "スレッド",
    close_thread: "スレッドを閉じる",
    thread_messages: "スレッドのメッセージ",
    answers: |count| format!("{count}件の返信"),
    last_answer: "最終",
    answer_label: "スレッドで返信",
    answer_placeholder: "スレッドで返信…",

    mark_unread: "ここから未読にする",
    unread_messages: |count| match count {
        100.. => "未読メッセージ100件以上".into(),
        count => format!("未読メッセージ{count}件"),
    },
    unread_mentions: |count| format!("未読のメンション{count}件"),
    levels: "このルームの通知",
    level_all: "すべてのメッセージ",
    level_mentions: "メンションのみ",
    level_nothing: "なし",
    write_message: "メッセージを書く",

    people_to_mention: "メンションする相手",
    mention_here: "今ここにいる全員",
    mention_room: "このルームの全員",
    nobody_told: "グループへのメンションは誰にも通知されませんでした。ほかに誰もいないか、人数が多すぎるか、オーナーだけに許可されています。",

    mentions: "メンション",
    archived: "アーカイブ済み",
    room_settings: "設定",
    report: "報告…",
    direct_messages: "ダイレクトメッセージ",
    own_notifications: "通知",
    away: "離席中",
    here: "オンライン",
    bot: "ボット",
    messages_none: "ここにはメッセージがありません。",
    progress_paused: "一時停止中",
    progress_failed: "失敗",
    progress_done: "完了",
    heartbeats: "ハートビート",
    all_channels: "すべてのチャンネル",
    filter: "絞り込み",
    lowest_level: "レベル",
    levels_from: ["すべて", "成功・注意・エラー", "注意・エラー", "エラーのみ"],
    tag: "タグ",
    text_part: "テキストの一部",
    apply_filter: "表示",
    filtered: "次のお知らせだけを表示しています：",
    show_all: "すべて表示",
    nothing_matches: "条件に合うお知らせはありません。",
    own_values: "このサーバー",
    search: "検索",

    attach: "ファイルを添付",
};

fn problem(code: Code) -> &'static str {
    match code {
        Code::BadJson
        | Code::UnknownFrame
        | Code::BadFrame
        | Code::BadRequest
        | Code::BadMediaType
        | Code::BadId => {
            "サーバーが内容を理解できませんでした。ページを再読み込みして、もう一度お試しください。"
        }
        Code::TooLarge => "大きすぎて送信できません。",
        Code::BadCursor => "履歴の位置を確認できません。ページを再読み込みしてください。",
        Code::BadChannel => "チャンネル名に使えるのは英数字とドット、ハイフン、アンダースコアだけです。",
        Code::BadName => "名前は1〜40文字です。ルームの名前には文字か数字が必要です。",
        Code::TextEmpty => "メッセージが空です。",
        Code::TextTooLong => {
            "メッセージが4,000文字または32 kBを超えています。短くするか、分けて送ってください。"
        }
        Code::UnknownRoom => "このルームは存在しないか、あなたはメンバーではありません。",
        Code::UnknownMessage => "このメッセージは存在しないか、古いため残っていません。",
        Code::MessageDeleted => "このメッセージは削除されました。",
        Code::RoomRemoved => "このルームは削除されました。",
        Code::RoomArchived => "このルームはアーカイブされていて、書き込めません。",
        Code::Muted => "今はこのルームに書き込めません。",
        Code::BadEmoji => "これは絵文字ではありません。",
        Code::TooManyReactions => "このメッセージにはこれ以上の種類のリアクションを付けられません。",
        Code::TooLate => "このメッセージを編集できる期間は過ぎました。",
        Code::NotJoined => "いまこのルームに入っていません。少し待ってからもう一度お試しください。",
        Code::TooManyJoins => "参加しているルームが多すぎます。どれかから退室してください。",
        Code::RoomExists => "同じ、または記号や大文字・全角の違いだけの名前のルームがすでにあります。",
        Code::TooManyRooms => "このサーバーではこれ以上ルームを作れません。",
        Code::BadOrigin | Code::BadHost => "このサイトまたはアドレスからの送信は受け付けられません。",
        Code::NoSession => {
            "セッションが終了しました。ページを再読み込みして、もう一度サインインしてください。"
        }
        Code::WrongPassword => "名前またはパスワードが違います。",
        Code::BadPassword => "パスワードは8文字以上にしてください。",
        Code::PasswordTooLong => "パスワードが長すぎます。256文字以内にしてください。",
        Code::BadLink => "このリンクは使用済みか、期限が切れています。新しいリンクを依頼してください。",
        Code::NameTaken => "この名前はすでに使われています。",
        Code::UnknownPerson => "この名前の人は見つかりません。",
        Code::NotAllowed => "この操作は許可されていません。",
        Code::Blocked => "この人とはメッセージをやりとりできません。",
        Code::NotFound => "このページは存在しません。",
        Code::BadMethod => "このアドレスではこの操作はできません。",
        Code::TooManyConnections => {
            "サーバーへの接続数が上限に達しています。しばらくしてからお試しください。"
        }
        Code::TooManyRequests => "操作の回数が多すぎます。",
        Code::Unavailable => "現在サーバーを利用できません。内容は失われていません。もう一度お試しください。",
    }
}
