//! The pages as the server renders them: complete without JavaScript.

use reqwest::{Client, redirect::Policy};
use serde_json::json;

use crate::support::{TestServer, new_id};

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
    for path in ["/nothing", "/rooms/nowhere", "/rooms/", "/pkg/x/nothing.js"] {
        assert_eq!(page(&server, path, "en").await.0, 404, "{path}");
    }
}
