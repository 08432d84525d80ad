//! The pages as they come from the server: complete without a script.

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
        cookie.starts_with("idobata_session=")
            && cookie.contains("HttpOnly")
            && cookie.contains("SameSite=Lax")
    );
    assert!(first.text().await.unwrap().contains("value=\"User"));
    let cookie = cookie.split(';').next().unwrap();
    let again = server.get("/").header("cookie", cookie).send().await.unwrap();
    assert!(!again.headers().contains_key("set-cookie"), "the session is still good");
}

#[tokio::test]
async fn addresses_that_are_none_are_404() {
    let server = TestServer::start().await;
    for path in ["/nothing", "/rooms/nowhere", "/rooms/", "/pkg/x/nothing.js"] {
        assert_eq!(page(&server, path, "en").await.0, 404, "{path}");
    }
}
