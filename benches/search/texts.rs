//! Messages as people write them: Japanese words by how often they are used, and some English between.

/// Words of two characters and more, the frequent ones first.
const WORDS: &[&str] = &[
    "です",
    "ます",
    "した",
    "確認",
    "お願い",
    "ありがとう",
    "今日",
    "明日",
    "会議",
    "資料",
    "対応",
    "修正",
    "完了",
    "予定",
    "問題",
    "本番",
    "環境",
    "デプロイ",
    "サーバー",
    "エラー",
    "ログ",
    "設定",
    "更新",
    "テスト",
    "結果",
    "原因",
    "調査",
    "共有",
    "連絡",
    "午後",
    "午前",
    "電話",
    "東京",
    "大阪",
    "京都",
    "名古屋",
    "福岡",
    "札幌",
    "移動",
    "出張",
    "休暇",
    "昼食",
    "天気",
    "電車",
    "遅延",
    "障害",
    "復旧",
    "監視",
    "通知",
    "画面",
    "入力",
    "出力",
    "検索",
    "表示",
    "印刷",
    "契約",
    "請求",
    "見積",
    "顧客",
    "営業",
];

/// Seldom words, each in one of thousands of messages.
const SELDOM: &[&str] = &["鯖江", "琵琶", "雷鳥", "狸穴", "麒麟", "鳳凰", "蜃気楼", "紫陽花"];

const ENGLISH: &[&str] = &["deploy", "review", "merge", "node", "release", "OK", "PR", "API"];

/// A source of messages, the same at each run.
pub(crate) struct Texts {
    random: fastrand::Rng,
    count: u64,
}

impl Texts {
    pub(crate) fn new() -> Self {
        Self { random: fastrand::Rng::with_seed(1), count: 0 }
    }

    /// The next message: about thirty characters.
    pub(crate) fn next(&mut self) -> String {
        self.count += 1;
        let mut text = String::new();
        for _ in 0..self.random.usize(3..9) {
            // The square makes the first words frequent.
            let at = self.random.f64() * self.random.f64() * WORDS.len() as f64;
            text.push_str(WORDS[at as usize]);
            text.push_str(["を", "が", "に", "、", "の", "は"][self.random.usize(0..6)]);
        }
        if self.random.u8(0..8) == 0 {
            text.push_str(ENGLISH[self.random.usize(0..ENGLISH.len())]);
        }
        if self.random.u16(0..5_000) == 0 {
            text.push_str(SELDOM[self.random.usize(0..SELDOM.len())]);
        }
        text.push_str(&format!(" {}", self.count));
        text
    }

    /// Queries by their kind.
    pub(crate) fn queries(&self) -> Vec<(&'static str, Vec<String>)> {
        let of = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        vec![
            ("frequent words of two characters", of(&["確認", "今日", "会議", "修正", "東京"])),
            ("less frequent ones", of(&["請求", "見積", "顧客", "営業", "契約"])),
            ("seldom ones", of(&["鯖江", "琵琶", "雷鳥", "麒麟", "鳳凰"])),
            ("pairs across words", of(&["が今", "の東", "を修", "に京", "は契"])),
            ("what nobody wrote", of(&["鯖鯖", "宇宙"])),
            ("two frequent words", of(&["東京 会議", "確認 -今日"])),
            ("a frequent word in a room", of(&["確認 in:room-7", "営業 in:room-7"])),
            ("one character", of(&["鯖", "狸"])),
            ("a phrase", of(&["デプロイ", "蜃気楼", "名古屋"])),
        ]
    }

    /// Words that thousands of messages have.
    pub(crate) fn frequent(&self) -> Vec<String> {
        WORDS.iter().take(10).map(|word| (*word).to_owned()).collect()
    }

    /// Returns true for a word that thousands of messages have.
    pub(crate) fn is_frequent(&self, word: &str) -> bool {
        WORDS.contains(&word)
    }
}
