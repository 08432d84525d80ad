//! The pages as the server renders them: complete without JavaScript.

use reqwest::{Client, redirect::Policy};
use serde_json::json;

use crate::support::{TestServer, in_time, new_id};

async fn page(server: &TestServer, path: &str, language: &str) -> (u16, String) {
    let response = server.get(path).header("accept-language", language).send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

#[tokio::test]
async fn the_first_paint_holds_entries_messages_and_rooms() {
    let server = TestServer::start().await;
    server.publish("ops", "a notice to paint").await;
    let value = json!({ "type": "update", "value": 0.5, "unit": "ms", "key": "latency" });
    assert_eq!(server.post("/api/events/api").json(&value).send().await.unwrap().status(), 201);
    server.person("alice").await.post("tech", &new_id(), "a message <to> paint").await;
    let (status, feed) = page(&server, "/", "en").await;
    assert_eq!(status, 200);
    for part in ["a notice to paint", "0.500 ms", "latency", ">general<", "<html lang=\"en\""] {
        assert!(feed.contains(part), "{part} is missing in\n{feed}");
    }
    let (status, room) = page(&server, "/rooms/tech", "en").await;
    assert_eq!(status, 200);
    for part in ["a message &lt;to&gt; paint", "alice", "a notice to paint", "<title>Room tech"] {
        assert!(room.contains(part), "{part} is missing in\n{room}");
    }
}

#[tokio::test]
async fn the_language_is_the_cookies_then_the_browsers() {
    let server = TestServer::start().await;
    assert!(page(&server, "/", "ja,en;q=0.5").await.1.contains("<html lang=\"ja\""));
    assert!(page(&server, "/", "ja,en;q=0.5").await.1.contains("フィード"));
    let chosen = server.get("/").header("accept-language", "ja").header("cookie", "idobata_language=en");
    assert!(chosen.send().await.unwrap().text().await.unwrap().contains("<html lang=\"en\""));
}

#[tokio::test]
async fn a_page_makes_its_visitor_somebody_once() {
    let server = TestServer::start().await;
    let first = server.get("/").send().await.unwrap();
    let cookie = first.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(
        cookie.starts_with("idobata_session_")
            && cookie.contains("HttpOnly")
            && cookie.contains("SameSite=Lax")
    );
    assert!(first.text().await.unwrap().contains("value=\"User"));
    let cookie = cookie.split(';').next().unwrap();
    let again = server.get("/").header("cookie", cookie).send().await.unwrap();
    assert!(!again.headers().contains_key("set-cookie"), "the session is still good");
}

/// The cookies that a response sets, without their attributes.
fn cookies(response: &reqwest::Response) -> Vec<String> {
    let values = response.headers().get_all("set-cookie").iter();
    values.map(|value| value.to_str().unwrap().split(';').next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn two_installations_on_one_host_keep_their_visitors_apart() {
    let (one, other) = (TestServer::start().await, TestServer::start().await);
    let mut jar = cookies(&one.get("/").send().await.unwrap());
    let first = one.get("/").header("cookie", jar.join("; ")).send().await.unwrap();
    assert_eq!(cookies(&first), [""; 0]);
    jar.extend(cookies(&other.get("/").header("cookie", jar.join("; ")).send().await.unwrap()));
    assert_eq!(jar.len(), 2, "the other one sets a cookie of its own: {jar:?}");
    for server in [&one, &other] {
        let again = server.get("/").header("cookie", jar.join("; ")).send().await.unwrap();
        assert_eq!(cookies(&again), [""; 0], "both know their visitor");
    }
    let data = one.stop().await.unwrap();
    let restarted = TestServer::start_on(data.path(), &[]).await;
    let again = restarted.get("/").header("cookie", jar.join("; ")).send().await.unwrap();
    assert_eq!(cookies(&again), [""; 0], "also at another port after a restart");
}

#[tokio::test]
async fn a_session_by_the_cookies_earlier_name_goes_on_by_the_present_one() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    let earlier = format!("idobata_session={}", alice.session.token);
    let page = server.get("/").header("cookie", &earlier).send().await.unwrap();
    let set = cookies(&page);
    assert!(page.text().await.unwrap().contains("value=\"alice\""));
    let present = set.iter().find(|cookie| cookie.starts_with("idobata_session_")).unwrap();
    assert!(set.contains(&"idobata_session=".to_owned()), "the earlier one is taken back: {set:?}");
    let page = server.get("/").header("cookie", present).send().await.unwrap();
    assert_eq!(cookies(&page), [""; 0]);
    assert!(page.text().await.unwrap().contains("value=\"alice\""));
    let foreign = server.get("/").header("cookie", "idobata_session=of.another.one").send().await.unwrap();
    let set = cookies(&foreign);
    assert!(
        set.len() == 1 && set[0].starts_with("idobata_session_"),
        "another's cookie is left alone: {set:?}"
    );
    let end = server.client.delete(format!("{}/api/session", server.url)).header("cookie", &earlier);
    assert_eq!(cookies(&end.send().await.unwrap()).len(), 2, "both names are signed out");
}

#[tokio::test]
async fn a_session_by_the_earlier_name_outlives_an_answer_that_sets_another_cookie() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    let client = Client::builder().redirect(Policy::none()).build().unwrap();
    let earlier = format!("idobata_session={}", alice.session.token);
    let language = client.get(format!("{}/language/ja", server.url)).header("cookie", &earlier);
    let set = cookies(&language.send().await.unwrap());
    assert!(set.iter().any(|cookie| cookie.starts_with("idobata_language")), "{set:?}");
    assert!(set.contains(&"idobata_session=".to_owned()), "the earlier one is taken back: {set:?}");
    let present = set.iter().find(|cookie| cookie.starts_with("idobata_session_")).unwrap();
    let page = server.get("/").header("cookie", present).send().await.unwrap();
    assert!(page.text().await.unwrap().contains("value=\"alice\""));
}

#[tokio::test]
async fn a_name_that_is_changed_by_the_earlier_cookie_is_set_once() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    let client = Client::builder().redirect(Policy::none()).build().unwrap();
    let earlier = format!("idobata_session={}", alice.session.token);
    let rename = client.post(format!("{}/name", server.url)).header("cookie", &earlier);
    let rename = rename.header("content-type", "application/x-www-form-urlencoded");
    let set = cookies(&rename.body("name=eve&back=%2F").send().await.unwrap());
    let present: Vec<_> = set.iter().filter(|cookie| cookie.starts_with("idobata_session_")).collect();
    assert_eq!(present.len(), 1, "{set:?}");
    let page = server.get("/").header("cookie", present[0]).send().await.unwrap();
    assert!(page.text().await.unwrap().contains("value=\"eve\""));
}

#[tokio::test]
async fn refusals_come_as_pages_to_who_takes_pages_in_any_case() {
    let server = TestServer::start().await;
    let refused = server.post("/rooms").header("accept", "*/*").header("accept", "Text/HTML").body("x");
    let refused = refused.send().await.unwrap();
    assert_eq!(refused.status(), 400);
    assert!(refused.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
}

#[tokio::test]
async fn addresses_that_are_none_are_404() {
    let server = TestServer::start().await;
    for path in [
        "/nothing",
        "/rooms/nowhere",
        "/rooms/",
        "/fn",
        "/feed/not%20a%20name",
        "/feed/a%2Fb",
        "/feed/%E4%BA%95",
        "/pkg/x/nothing.js",
    ] {
        assert_eq!(page(&server, path, "en").await.0, 404, "{path}");
    }
}

/// The address of a link on a page.
fn link_of(html: &str, text: &str) -> Option<String> {
    let before = html.split_once(&format!("\">{text}</a>"))?.0;
    Some(before.rsplit_once("href=\"")?.1.to_owned())
}

/// The texts of a page's messages or notifications.
fn texts_of(html: &str, class: &str) -> Vec<String> {
    let html = html.split("<script type=\"application/json\"").next().unwrap();
    let items = html.split("<p ").filter(|item| item.split('>').next().unwrap().contains(class));
    items.map(|item| item.split(['>', '<']).nth(1).unwrap().to_owned()).collect()
}

/// Goes by the links from the newest page to the oldest, and returns all texts, oldest first.
async fn walk_back(server: &TestServer, start: &str, class: &str) -> (Vec<String>, usize) {
    let (mut texts, mut path, mut pages) = (Vec::new(), start.to_owned(), 0);
    loop {
        let (status, html) = page(server, &path, "en").await;
        assert_eq!(status, 200, "{path}");
        pages += 1;
        let mut earlier = texts_of(&html, class);
        if class == "notification__text" {
            earlier.reverse();
        }
        earlier.append(&mut texts);
        texts = earlier;
        assert_eq!(link_of(&html, "Newest"), (pages > 1).then(|| start.to_owned()), "{path}");
        match link_of(&html, "Older") {
            Some(older) => path = older,
            None => return (texts, pages),
        }
    }
}

#[tokio::test]
async fn older_messages_and_notifications_are_read_by_links_to_the_first() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    for n in 1..=120 {
        assert_eq!(alice.post("tech", &new_id(), &format!("message {n}")).await.status(), 201);
    }
    let all = |what: &str, last| (1..=last).map(|n| format!("{what} {n}")).collect::<Vec<_>>();
    assert_eq!(walk_back(&server, "/rooms/tech", "message__text").await, (all("message", 120), 3));
    for n in 1..=55 {
        server.publish("ops", &format!("notice {n}")).await;
    }
    assert_eq!(walk_back(&server, "/", "notification__text").await, (all("notice", 55), 3));
    let (_, html) = page(&server, "/rooms/general", "en").await;
    assert!(link_of(&html, "Older").is_none() && link_of(&html, "Newest").is_none(), "it is empty");
    let (_, html) = page(&server, "/rooms/tech", "ja").await;
    let older = link_of(&html, "以前").unwrap();
    let (_, html) = page(&server, &format!("{older}&utm_source=x"), "ja").await;
    assert_eq!(link_of(&html, "最新").as_deref(), Some("/rooms/tech"));
    assert_eq!(texts_of(&html, "message__text")[0], "message 21");
    // The data with which a page becomes live has the newest messages: from there it can follow the room.
    let (html, data) = html.split_once("id=\"start\"").unwrap();
    assert!(!html.contains("message 120<") && data.contains("message 120\""));
}

#[tokio::test]
async fn of_notifications_with_a_key_only_the_newest_stands_on_any_page() {
    let server = TestServer::start().await;
    let progress = async |key: &str, done: u32| {
        let body = json!({ "type": "progress", "key": key, "done": done, "total": 100, "text": format!("{key} {done}") });
        assert_eq!(server.post("/api/events/jobs").json(&body).send().await.unwrap().status(), 201);
    };
    server.publish("ops", "the first").await;
    for done in 0..60 {
        progress("backup", done).await;
    }
    progress("index", 1).await;
    for n in 1..=30 {
        server.publish("ops", &format!("notice {n}")).await;
    }
    progress("index", 100).await;
    let (mut seen, mut path) = (String::new(), Some("/".to_owned()));
    while let Some(address) = path {
        let (_, html) = page(&server, &address, "en").await;
        seen += html.split("<script type=\"application/json\"").next().unwrap();
        path = link_of(&html, "Older");
    }
    for (text, times) in [
        ("backup 59<", 1),
        ("backup 58<", 0),
        ("index 100<", 1),
        ("index 1<", 0),
        ("the first<", 1),
        ("notice 1<", 1),
    ] {
        assert_eq!(seen.matches(text).count(), times, "{text}");
    }
}

#[tokio::test]
async fn show_earlier_brings_back_nothing_that_a_newer_one_has_replaced() {
    let server = TestServer::start().await;
    let index = async |done: u32| {
        let body = json!({ "type": "progress", "key": "index", "done": done, "total": 100 });
        assert_eq!(server.post("/api/events/jobs").json(&body).send().await.unwrap().status(), 201);
    };
    let publish = async |from: u32| {
        for number in from..from + 60 {
            server.publish("jobs", &format!("notice {number}")).await;
        }
    };
    index(1).await;
    publish(0).await;
    index(50).await;
    publish(60).await;
    index(100).await;
    // As the button does, from the newest on, on the page of the feed and on that of a channel.
    for of in ["channel=", "channel=jobs", "channel=&q=e"] {
        let start = server.json(&format!("/fn/start?{of}")).await;
        let feed = &start["page"]["feed"]["feed"];
        let mut offset = feed["notices"][0]["offset"].as_u64().unwrap();
        let epoch = feed["cursor"].as_str().unwrap().split(':').next().unwrap().to_owned();
        let (mut shown, mut more) = (feed["notices"].to_string(), true);
        while more {
            let page = server.json(&format!("/fn/notices?before={epoch}:{offset}&{of}")).await;
            shown += &page["entries"].to_string();
            offset = page["from"].as_u64().unwrap_or(offset);
            more = page["more"] == true;
        }
        assert_eq!(shown.matches("\"key\":\"index\"").count(), 1, "{of}: {shown}");
        assert_eq!(shown.matches("\"done\":100").count(), 1, "{of}");
        assert_eq!(shown.matches("\"notice ").count(), 120, "{of}");
    }
}

#[tokio::test]
async fn a_cursor_that_leads_nowhere_gets_a_page_that_says_so() {
    let server = TestServer::start_with(&["--room-entries=60", "--trim-interval=1s"]).await;
    let alice = server.person("alice").await;
    for n in 1..=120 {
        assert_eq!(alice.post("tech", &new_id(), &format!("message {n}")).await.status(), 201);
    }
    server.publish("ops", "a notice").await;
    let cursor = server.json("/api/rooms/tech/messages?limit=1").await["cursor"].as_str().unwrap().to_owned();
    let epoch = cursor.split(':').next().unwrap().to_owned();
    let trimmed = format!("/rooms/tech?before={epoch}:30");
    in_time(async {
        while page(&server, &trimmed, "en").await.0 != 410 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let feed_epoch = server.feed_cursor().await.split(':').next().unwrap().to_owned();
    for (path, status) in [
        (trimmed, 410),
        (format!("/rooms/tech?before={epoch}:1"), 410),
        (format!("/rooms/tech?before={epoch}:0"), 410),
        ("/rooms/tech?before=another:50".to_owned(), 410),
        ("/rooms/general?before=another:50".to_owned(), 410),
        ("/?before=another:50".to_owned(), 410),
        (format!("/?before={feed_epoch}:1"), 410),
        ("/rooms/tech?before=nonsense".to_owned(), 400),
        ("/?before=%00%22%3E%3Cscript%3E".to_owned(), 400),
        (format!("/rooms/tech?before={epoch}:99999999999999999999"), 400),
    ] {
        for (language, text) in
            [("en", "This part of the history is gone."), ("ja", "この部分の履歴は残っていません。")]
        {
            let (answered, html) = page(&server, &path, language).await;
            assert_eq!(answered, status, "{path}");
            assert!(html.contains(text), "{path}\n{html}");
            assert!(
                html.contains("message 120<") || html.contains("a notice<") || path.contains("general"),
                "{path}"
            );
            assert_eq!(link_of(&html, "Newest"), None, "{path}: it is the newest");
        }
    }
    // Beyond the newest there is everything; an empty one is none; and elsewhere it means nothing.
    for (path, status) in [
        (format!("/rooms/tech?before={epoch}:18446744073709551615"), 200),
        ("/rooms/tech?before=".to_owned(), 200),
        ("/rooms/tech?befor=nonsense".to_owned(), 200),
        ("/rooms/nowhere?before=nonsense".to_owned(), 404),
        ("/nothing?before=nonsense".to_owned(), 404),
    ] {
        let (answered, html) = page(&server, &path, "en").await;
        assert_eq!(answered, status, "{path}");
        assert!(!html.contains("is gone"), "{path}");
    }
}
