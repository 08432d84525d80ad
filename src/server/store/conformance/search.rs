//! Conformance of the search: a table of texts and queries in many languages, and what must never be found. The queries are
//! read by the search's own language, and the index is asked as a search asks it.

use std::sync::Arc;

use super::{
    Bench, Location,
    changes::{message, room},
    draft, execute, keep,
};
use crate::{
    protocol::{cursor::Offset, name::RoomId, problem::Rejection},
    server::{
        search::{Asker, Query},
        store::{
            Change, Channels, Document, Fold, Folded, Hit, NewEntry, Record, Search, TagState, TopicName,
        },
        words::{Facet, facet, words},
    },
};

/// Returns the search document of an entry of these tests. An empty one and a change have none; one that begins with `gone `
/// takes the entries of the author that it names out of the index.
pub(super) fn document_of(record: &Record) -> Option<Document> {
    if record.body.is_empty() || record.target.is_some() {
        return None;
    }
    if let Some(author) = record.body.strip_prefix("gone ") {
        return Some(Document { removes: Some(facet(Facet::Author, author)), ..Document::default() });
    }
    let facets = vec![facet(Facet::Topic, &record.topic.to_string()), facet(Facet::Author, &record.author)];
    Some(Document {
        words: words(&record.body).into_iter().map(|word| word.text).collect(),
        facets,
        removes: None,
    })
}

const TEXTS: &[(&str, &str)] = &[
    ("e1", "Deploy of api-gateway failed: timeout after 30 s"),
    ("e2", "The deploy is done, all checks passed"),
    ("e3", "see https://ci.example.com/jobs/42?tab=log for the log"),
    ("e4", "fn read_after(offset: u64) -> Vec<Entry> // next_batch"),
    ("e5", "It's the user's choice — don't panic"),
    ("e6", "Version 2.10.1 (build #1234) costs $99.50"),
    ("e7", "Naïve café owners résumé their work"),
    ("e8", "ship it 🚀 👍🏽 👨‍👩‍👧"),
    ("e9", "well-known e-mail list, state-of-the-art"),
    ("d1", "Die Straße bleibt gesperrt, bitte Größe prüfen"),
    ("d2", "Der Überblick über die Änderungen"),
    ("d3", "FUSSGÄNGER in Köln"),
    ("j1", "東京タワーに登った"),
    ("j2", "京都の東寺を見学した"),
    ("j3", "サーバーが落ちました。再起動します"),
    ("j4", "ｻｰﾊﾞｰの再起動が終わりました"),
    ("j5", "本番環境へのデプロイに失敗しました（第3回）"),
    ("j6", "お疲れさまです。コーヒー☕を飲みますか？"),
    ("j7", "ＡＰＩの応答が遅い"),
    ("j8", "大阪・東京間の移動"),
    ("z1", "今天的部署失败了，请检查日志"),
    ("z2", "服务器已经重新启动"),
    ("z3", "我们在北京大学开会"),
    ("z4", "臺灣的伺服器很快"),
    ("k1", "서버가 다운되었습니다"),
    ("k2", "학교에서 회의를 했다"),
    ("k3", "배포 실패: 로그를 확인하세요"),
    ("k4", "한국어 공부 중 ㅋㅋㅋ"),
    ("t1", "ระบบล่มเมื่อเช้านี้"),
    ("t2", "ประชุมที่กรุงเทพ"),
    ("t3", "น้ำท่วมถนน"),
    ("r1", "Сервер упал, перезапускаем"),
    ("r2", "Ёлка и ёжик"),
    ("f1", "L'école est fermée à cause de la grève"),
    ("f2", "Déploiement terminé à 10h30"),
    ("s1", "El niño comió piñas mañana"),
    ("a1", "تم نشر الخادم بنجاح"),
    ("h1", "सर्वर बंद हो गया"),
    ("v1", "Triển khai thất bại tối nay"),
    ("u1", "İstanbul'da sunucu çöktü"),
    ("g1", "Ο διακομιστής έπεσε"),
];

/// Queries, and the texts that they find in the order of the table.
const QUERIES: &[(&str, &str)] = &[
    // English, with signs.
    ("deploy", "e1 e2"),
    ("DEPLOY", "e1 e2"),
    ("deploy failed", "e1"),
    ("failed deploy", "e1"),
    ("\"deploy failed\"", ""),
    ("\"all checks\"", "e2"),
    ("deploy -failed", "e2"),
    ("deploy -\"all checks\"", "e1"),
    ("depl", ""),
    ("depl*", "e1 e2 f2"),
    ("the", "e2 e3 e5 e9"),
    ("api-gateway", "e1"),
    ("gateway", "e1"),
    ("api gateway", "e1"),
    ("30", "e1"),
    ("nothing", ""),
    // Addresses and code.
    ("https://ci.example.com/jobs/42", "e3"),
    ("example.com", "e3"),
    ("com.example", ""),
    ("tab=log", "e3"),
    ("jobs/42", "e3"),
    ("read_after", "e4"),
    ("after", "e1 e4"),
    ("Vec<Entry>", "e4"),
    ("u64", "e4"),
    ("next_batch", "e4"),
    ("2.10.1", "e6"),
    ("2.10", "e6"),
    ("10.1", "e6"),
    ("#1234", "e6"),
    ("99.50", "e6"),
    // Dashes, apostrophes, accents.
    ("choice—don't", "e5"),
    ("don't", "e5"),
    ("don", "e5"),
    ("state-of-the-art", "e9"),
    ("\"state of the art\"", "e9"),
    ("email", ""),
    ("e-mail", "e9"),
    ("e‑mail", "e9"),
    ("naive cafe", "e7"),
    ("resume", "e7"),
    ("café", "e7"),
    // Emoji.
    ("🚀", "e8"),
    ("👍", "e8"),
    ("👍🏿", "e8"),
    ("👨‍👩‍👧", "e8"),
    ("☕", "j6"),
    ("☕️", "j6"),
    ("🔥", ""),
    // German.
    ("strasse", "d1"),
    ("STRASSE", "d1"),
    ("Straße", "d1"),
    ("grosse", "d1"),
    ("uberblick", "d2"),
    ("über", "d2"),
    ("anderungen", "d2"),
    ("fußgänger", "d3"),
    ("koln", "d3"),
    // Japanese.
    ("東京", "j1 j8"),
    ("京都", "j2"),
    ("東寺", "j2"),
    ("東", "j1 j2 j8"),
    ("京", "j1 j2 j8 z3"),
    ("東京タワー", "j1"),
    ("タワー", "j1"),
    ("登った", "j1"),
    ("再起動", "j3 j4"),
    ("起動", "j3 j4"),
    ("サーバー", "j3 j4"),
    ("ｻｰﾊﾞｰ", "j3 j4"),
    ("さーばー", ""),
    ("サーバー 終わり", "j4"),
    ("再起動 -サーバーの", "j3"),
    ("\"再起動します\"", "j3"),
    ("デプロイ", "j5"),
    ("デプロイに失敗", "j5"),
    ("失敗", "j5"),
    ("第3回", "j5"),
    ("第３回", "j5"),
    ("api", "e1 j7"),
    ("APIの応答", "j7"),
    ("お疲れ", "j6"),
    ("コーヒー", "j6"),
    ("ーヒ", "j6"),
    ("大阪", "j8"),
    ("大阪・東京", "j8"),
    ("東京　大阪", "j8"),
    ("した", "j2 j3 j4 j5"),
    ("京タ", "j1"),
    // Chinese.
    ("部署", "z1"),
    ("失败", "z1"),
    ("部署失败", "z1"),
    ("日志", "z1"),
    ("服务器", "z2"),
    ("启动", "z2"),
    ("北京", "z3"),
    ("北京大学", "z3"),
    ("大学", "z3"),
    ("京大", "z3"),
    ("伺服器", "z4"),
    ("台湾", ""),
    // Korean.
    ("서버", "k1"),
    ("다운", "k1"),
    ("학교", "k2"),
    ("회의", "k2"),
    ("학교 회의", "k2"),
    ("배포 실패", "k3"),
    ("로그", "k3"),
    ("한국어", "k4"),
    ("공부", "k4"),
    ("ㅋㅋ", "k4"),
    ("중", "k4"),
    // Thai.
    ("ระบบ", "t1"),
    ("ล่ม", "t1"),
    ("ระบบล่ม", "t1"),
    ("กรุงเทพ", "t2"),
    ("ประชุม", "t2"),
    ("น้ำท่วม", "t3"),
    ("ถนน", "t3"),
    ("นน", "t3"),
    // Other alphabets.
    ("сервер", "r1"),
    ("СЕРВЕР", "r1"),
    ("перезапус*", "r1"),
    ("ёлка", "r2"),
    ("ecole", "f1"),
    ("l'école", "f1"),
    ("greve", "f1"),
    ("deploiement", "f2"),
    ("10h30", "f2"),
    ("nino", "s1"),
    ("manana", "s1"),
    ("الخادم", "a1"),
    ("سرور", ""),
    ("सर्वर", "h1"),
    ("that bai", "v1"),
    ("thất bại", "v1"),
    ("trien", "v1"),
    ("istanbul", "u1"),
    ("coktu", "u1"),
    ("διακομιστης", "g1"),
    ("ΈΠΕΣΕ", "g1"),
    // Across languages.
    ("deploy OR", ""),
    ("AND", ""),
    ("NEAR(deploy)", ""),
    ("deploy*failed", ""),
    ("\"東京\" -タワー", "j8"),
    ("'; DROP", ""),
    ("a\\b:*", ""),
];

impl Bench {
    fn query(text: &str) -> Query {
        let now = "2026-11-28T12:00:00Z".parse().expect("a time");
        let asker = Asker { id: Some("a"), now, zone: jiff::tz::TimeZone::UTC };
        Query::parse(text, &asker).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn search_for(text: &str) -> Search {
        let Query { pattern, from_ms, until_ms, .. } = Self::query(text);
        let topics = vec![room(), TopicName::Feed];
        Search { pattern, topics, channels: Channels::All, from_ms, until_ms, before: None, limit: 50 }
    }

    async fn found(&self, search: &Search) -> Vec<Hit> {
        self.store.search(search).await.unwrap_or_else(|error| panic!("{search:?}: {error}"))
    }

    async fn offsets_of(&self, text: &str) -> Vec<Offset> {
        self.found(&Self::search_for(text)).await.iter().map(|hit| hit.record.offset).collect()
    }

    async fn write_text(&self, text: &str) {
        self.store.append(&room(), vec![message(text)]).await.expect("appended");
    }

    /// Changes a message as `to` says; an empty text deletes it.
    async fn make(&self, target: Offset, to: &str) {
        let change = Some(Change { target, tag: None, fold: Arc::new(Become(to.to_owned())) });
        let entry = NewEntry { lasting: false, change, ..message("{}") };
        self.store.append(&room(), vec![entry]).await.expect("changed");
    }
}

struct Become(String);

impl Fold for Become {
    fn fold(&self, _: Option<&Record>, _: &TagState, _: Offset) -> Result<Folded, Rejection> {
        let erase = self.0.is_empty().then_some((|_: &str| String::new()) as fn(&str) -> String);
        Ok(Folded { body: self.0.clone(), change_body: None, erase })
    }
}

pub(super) async fn a_query_finds_what_the_table_says(bench: Bench) {
    assert!(QUERIES.len() >= 100);
    for texts in TEXTS.chunks(7) {
        let drafts = texts.iter().map(|(_, text)| message(text)).collect();
        bench.store.append(&room(), drafts).await.expect("appended");
    }
    let mut wrong = Vec::new();
    for (query, expected) in QUERIES {
        let mut offsets = bench.offsets_of(query).await;
        offsets.sort_unstable();
        let found: Vec<_> = offsets.iter().map(|offset| TEXTS[*offset as usize - 1].0).collect();
        if found.join(" ") != *expected {
            wrong.push(format!("{query}: found {found:?}, expected {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

pub(super) async fn what_is_found_comes_newest_first_page_by_page_and_only_where_it_is_looked_for(
    bench: Bench,
) {
    let secret = TopicName::Room(RoomId::parse("secret").expect("fine"));
    // Many at once have the same time.
    bench
        .store
        .append(&room(), (0..30).map(|n| message(&format!("word {n}"))).collect())
        .await
        .expect("appended");
    bench.store.append(&secret, vec![message("word hidden")]).await.expect("appended");
    bench.append(vec![NewEntry { body: "word".into(), ..draft("ops") }]).await;
    bench.append(vec![NewEntry { body: "word".into(), ..draft("private") }]).await;
    bench.append(vec![NewEntry { body: "word".into(), lasting: false, ..draft("values") }]).await;
    let channels = Channels::Except(vec!["private".to_owned()].into());
    let mut search = Search { limit: 7, channels, ..Bench::search_for("word") };
    let mut found = Vec::new();
    loop {
        let page = bench.found(&search).await;
        found.extend(page.iter().map(|hit| (hit.record.topic.clone(), hit.record.offset)));
        let Some(last) = page.last() else { break };
        assert_eq!(last.place.to_string().parse(), Ok(last.place));
        search.before = Some(last.place);
    }
    assert_eq!(found.len(), 31, "{found:?}");
    assert!(found.contains(&(TopicName::Feed, 1)) && !found.iter().any(|(topic, _)| *topic == secret));
    let of_room: Vec<_> =
        found.iter().filter(|(topic, _)| *topic == room()).map(|(_, offset)| *offset).collect();
    let mut sorted = of_room.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, (1..=30).collect::<Vec<_>>());
    assert_eq!(bench.offsets_of("word in:secret").await, [0; 0], "not one of the topics");
    assert_eq!(bench.offsets_of("word in:feed").await.len(), 2);
    assert_eq!(bench.offsets_of("word from:me").await.len(), 32);
    assert_eq!(bench.offsets_of("word from:somebody").await, [0; 0]);
    assert_eq!(bench.offsets_of("word after:2100").await, [0; 0]);
    assert_eq!(bench.offsets_of("word before:2000").await, [0; 0]);
    assert_eq!(bench.offsets_of("word after:2000 before:2100").await.len(), 32);
}

pub(super) async fn an_edit_and_a_deletion_change_what_is_found_at_once(bench: Bench) {
    bench.write_text("the old apple").await;
    bench.write_text("another pear").await;
    bench.make(1, "the new plum").await;
    assert_eq!((bench.offsets_of("apple").await, bench.offsets_of("plum").await), (vec![], vec![1]));
    bench.make(1, "the new plum").await;
    assert_eq!(bench.offsets_of("plum").await, [1], "a change of no word");
    bench.make(1, "").await;
    assert_eq!((bench.offsets_of("plum").await, bench.offsets_of("pear").await), (vec![], vec![2]));
    // Made, changed and deleted in one batch.
    let change = |target, to: &str| NewEntry {
        lasting: false,
        change: Some(Change { target, tag: None, fold: Arc::new(Become(to.to_owned())) }),
        ..message("{}")
    };
    let head = bench.store.bounds(&room()).await.expect("read").head;
    let batch = vec![
        message("quince first"),
        message("quince second"),
        change(head + 1, "medlar"),
        change(head + 2, ""),
    ];
    bench.store.append(&room(), batch).await.expect("appended");
    assert_eq!(
        (bench.offsets_of("quince").await, bench.offsets_of("medlar").await),
        (vec![], vec![head + 1])
    );
}

pub(super) async fn what_retention_or_a_removed_room_takes_is_not_found(bench: Bench) {
    for n in 0..10 {
        bench.write_text(&format!("word {n}")).await;
    }
    bench.store.trim(&room(), keep(3), 0).await.expect("trimmed");
    assert_eq!(bench.offsets_of("word").await, [10, 9, 8]);
    bench.store.remove_room(&RoomId::parse("general").expect("fine")).await.expect("removed");
    assert_eq!(bench.offsets_of("word").await, [0; 0]);
}

pub(super) async fn an_entry_may_take_earlier_ones_out(bench: Bench) {
    let by = |author: &str, body: &str| NewEntry { author: author.into(), body: body.into(), ..draft("ops") };
    bench.append(vec![by("x", "word one"), by("y", "word two")]).await;
    bench.append(vec![by("x", "word three"), by("z", "gone x"), by("x", "word five")]).await;
    assert_eq!(bench.offsets_of("word").await, [5, 2]);
}

pub(super) async fn what_is_not_indexed_yet_is_indexed_step_by_step_also_after_a_restart(bench: Bench) {
    for n in 0..3 {
        let many = (0..90).map(|m| message(&format!("word {n} {m}"))).collect();
        bench.store.append(&room(), many).await.expect("appended");
    }
    let by = |author: &str, body: &str| NewEntry { author: author.into(), body: body.into(), ..draft("ops") };
    bench.append(vec![by("x", "word"), by("x", "gone x"), by("y", "word")]).await;
    assert_eq!(bench.store.index_step().await.expect("nothing to do").left, 0);
    let Bench { store, location, folder, .. } = bench;
    store.close().await;
    // As a database of a version without the index, or with another one, is.
    match &location {
        Location::File(path) => {
            let connection = rusqlite::Connection::open(path).expect("opened");
            let forget = "INSERT INTO search_words (search_words) VALUES ('delete-all');
                          DELETE FROM search_documents; UPDATE search_version SET version = 0;";
            connection.execute_batch(forget).expect("forgotten");
        }
        Location::Server(address) => {
            let forget = "DELETE FROM search_documents; UPDATE search_version SET version = 0;";
            execute(&address.url, forget).await;
        }
    }
    let mut bench = Bench::open(location, folder).await;
    let count =
        async |bench: &Bench| bench.found(&Search { limit: 1_000, ..Bench::search_for("word") }).await.len();
    assert_eq!(count(&bench).await, 0);
    bench.write_text("word of now").await;
    assert_eq!(count(&bench).await, 1, "new entries are found at once");
    let first = bench.store.index_step().await.expect("indexed");
    assert!(first.indexed > 0 && first.left > 0, "{first:?}");
    bench = bench.reopened().await;
    assert!(count(&bench).await > 1, "it goes on where it was");
    let mut steps = 0;
    while bench.store.index_step().await.expect("indexed").left > 0 {
        steps += 1;
        assert!(steps < 20);
    }
    assert_eq!(count(&bench).await, 272, "each once, and nothing that was taken out");
    assert_eq!(bench.offsets_of("word in:feed").await, [3]);
}
