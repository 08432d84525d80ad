//! The account pages' texts in Japanese.

use super::{Agent, Seen, Texts};
use crate::app::i18n::Language;

pub(super) const TEXTS: Texts = Texts {
    name: "名前",
    password: "パスワード",
    password_hint: "8文字以上。単語よりも文のほうが覚えやすく、推測されにくくなります。",

    sign_in: "サインイン",
    sign_in_help: "アカウントがない、またはパスワードを忘れた場合は、管理者にリンクの発行を依頼してください。",
    signed_out: "サインアウトしました。",

    join: "Idobata へようこそ",
    join_intro: |by| {
        format!("{by} さんから招待されています。ほかの人に表示される名前と、パスワードを決めてください。")
    },
    join_first: "最初の管理者",
    join_first_intro: "まだ誰もいません。あなたの名前とパスワードを決めると、ほかの人を招待できます。",
    join_button: "参加する",
    reset: "新しいパスワード",
    reset_intro: |name| {
        format!(
            "{name} さんのアカウントです。現在サインインしているブラウザーは、すべてサインアウトされます。"
        )
    },
    new_password: "新しいパスワード",
    set_password: "パスワードを設定",
    link_over: "このリンクはもう使えません",
    link_over_text: "使用済みか、期限切れか、取り消されています。リンクは一度しか使えません。管理者に新しいリンクを\
                     依頼してください。ご自分で使った場合は、サインインしてください。",
    link_over_first: "管理者がまだいない場合は、サーバーを起動するたびに新しいリンクが表示されます。",

    account: "アカウント",
    change_name: "名前を変更",
    name_changed: "名前を変更しました。",
    present_password: "現在のパスワード",
    present_password_wrong: "現在のパスワードが違います。",
    password_ends_others: "ほかのブラウザーはサインアウトされます。",
    change_password: "パスワードを変更",
    password_changed: "パスワードを変更しました。ほかのブラウザーはサインアウトされました。",
    places: "サインインしている場所",
    agent: |agent| match agent {
        Agent::Browser(browser, Some(system)) => format!("{browser}（{system}）"),
        Agent::Browser(browser, None) => browser.to_owned(),
        Agent::Other(text) => text,
        Agent::Unknown => "不明なブラウザー".to_owned(),
    },
    since: "開始：",
    this_browser: "このブラウザー",
    end_session: "終了する",

    people: "メンバー",
    you: "あなた",
    joined: "参加：",
    administrator: "管理者",
    blocked: "ブロック中",
    manage: "管理",
    make_administrator: "管理者にする",
    unmake_administrator: "管理者から外す",
    block: "ブロックする",
    unblock: "ブロックを解除",
    remove: "削除",
    remove_title: |name| format!("{name} さんを削除しますか？"),
    remove_text: "アカウントは元に戻せません。サインインしているブラウザーはすぐにサインアウトされます。書き込んだ内容は\
                  残ります。一時的に締め出すだけなら、ブロックしてください。",
    cancel: "キャンセル",
    last_administrator: "最後の管理者です。先にほかの人を管理者にしてください。",
    make_reset_link: "パスワード再設定リンク",
    reset_link_of: |name| format!("{name} さんの新しいパスワード"),
    reset_link_intro: |name| {
        format!("このリンクを {name} さんに渡してください。一度だけ使え、新しいパスワードを設定できます。")
    },
    invitations: "有効な招待",
    no_invitations: "ありません。",
    invite: "招待する",
    invitation: "招待",
    invitation_intro: "このリンクを招待する人に渡してください。最初に使った人だけが参加できます。",
    invited_by: |by| format!("{by} さんによる招待"),
    revoke: "取り消す",
    link: "リンク",
    shown_once: "今すぐコピーしてください。再表示はできません。",
    good_until: "有効期限：",
    back_to_people: "メンバーへ戻る",

    members_of: |room| format!("{room} のメンバー"),
    everybody_enters: "このルームには誰でも入れます。",
    owner: "オーナー",
    leave_room: "退出する",
    let_in: "メンバーを追加",
    let_in_hint: "アカウントを持つ人の名前。アカウントのないサーバーでは、いまルームにいる人の名前。",
    let_in_button: "追加",
    back_to_room: "ルームへ戻る",

    publishers: "発行元",
    publishers_intro: "フィードに発行できるプログラムです。それぞれ専用のトークンを持ちます。",
    no_publishers: "まだありません。",
    new_publisher: "新しい発行元",
    channels: "チャンネル",
    channels_hint: "コンマで区切ります。ops-* は ops- で始まるすべて、* はすべてのチャンネルです。",
    channels_wrong: "チャンネル名に使えるのは文字、数字、ピリオド、- と _ です。* は末尾に一つだけ使えます。",
    make_publisher: "トークンを作成",
    last_used: "最終使用：",
    never_used: "未使用",
    token_of: |name| format!("{name} のトークン"),
    token: "トークン",
    try_it: "ターミナルから試すには：",
    back_to_publishers: "発行元へ戻る",

    limited_channels: "限定チャンネル",
    limited_channels_intro: "ここにあるチャンネルは、指定した人だけが読めます。ほかは誰でも読めます。",
    no_limited_channels: "ありません。",
    limit_channel: "チャンネルを限定する",
    channel: "チャンネル",
    readers: "読める人",
    readers_hint: "一行に一人の名前。前の指定と入れ替わります。空にすると誰も読めません。",
    limit_button: "限定する",
    no_readers: "誰も読めません。",
    open_channel: "全員に公開",

    refused: "処理できませんでした",
    request_id: "お問い合わせの際は、次のリクエストIDをお知らせください：",
    form_not_understood: "フォームの内容を読み取れませんでした。前のページに戻り、再読み込みしてからお試しください。",
    try_again: "もう一度試す",

    sign_in_elsewhere: "このサーバーへのサインインは別のシステムで行います。そちらでサインインしてから戻ってください。",
    account_elsewhere: "別のシステムでサインインしています。名前とサインインの設定はそちらにあります。",
    go_there: "そちらへ移動",

    message: "メッセージ",
    send_again: "もう一度送信",
    go_back: "ブラウザーで前のページに戻ってください。入力した内容はフォームに残っています。",
    sign_in_beside: "別のタブでサインインしてから、もう一度送信してください：",

    edit_message: "編集",
    save: "保存",
    delete_message: "削除",
    delete_hint: "メッセージとそのすべての以前の本文が、全員の画面から消去されます。元に戻すことはできません。",
    pin: "ルームにピン留め",
    unpin: "ピン留めを外す",
    message_deleted: "このメッセージは削除されました。",
    earlier_texts: "以前の本文",
    until: "この時刻まで：",

    reactions: "リアクション",
    add_reaction: "リアクションを追加",
    emoji_or_shortcode: "絵文字またはショートコード",
    people_with: |names, others| (Language::Ja.texts().people_with)(names, others),

    reply: "返信",
    send: "送信",

    share: "ルームに送信",
    room: "ルーム",
    no_room: "書き込めるルームがありません。",

    here_since: "参加した日",
    last_seen: "最終アクセス",
    seen: |seen| match seen {
        Seen::Here => "オンライン",
        Seen::Day => "1日以内",
        Seen::Week => "1週間以内",
        Seen::Month => "1か月以内",
        Seen::Earlier => "それより前",
    },
    write_to_person: "メッセージを送る",
    block_person: "ブロック",
    block_hint: "お互いにダイレクトメッセージを送れなくなります。相手には知らされません。",
    unblock_person: "ブロックを解除",
    blocked_hint: "この人をブロックしています。お互いにダイレクトメッセージは送れません。",

    rejection: |reason| Language::Ja.texts().rejection(reason),
};
