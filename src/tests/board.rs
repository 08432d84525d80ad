//! The board: the newest state of every key that one may read, also of what was published long ago.

use idobata::server::feed::heartbeats::{HeartbeatSettings, Ping, Schedule};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Person, TestServer, in_time};

async fn publish(server: &TestServer, channel: &str, events: Value) {
    let answer = server.post(&format!("/api/events/{channel}")).json(&events).send().await.unwrap();
    assert_eq!(answer.status(), 201);
}

async fn board(person: &Person) -> String {
    let answer = person.get("/status").header("accept", "text/html").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.text().await.unwrap()
}

/// The tiles of a section, by the words in them.
fn tiles(page: &str, part: &str) -> Vec<String> {
    let section = page.split(&format!("data-part=\"{part}\"")).nth(1).unwrap_or_default();
    let section = section.split("data-part=").next().unwrap();
    let texts = section.split("class=\"board__title\"").skip(1);
    texts
        .map(|tile| tile.split("dir=\"auto\">").nth(1).unwrap().split('<').next().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn the_board_has_the_newest_state_of_each_key_and_keeps_up() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    assert!(board(&alice).await.contains("/api/events/ops"), "it says how to publish");
    let disk = |text: &str, level: &str| json!({ "key": "disk", "text": text, "level": level });
    publish(&server, "ops", disk("disk full", "error")).await;
    publish(&server, "ops", json!({ "text": "without a key", "level": "error" })).await;
    publish(&server, "db", disk("another disk", "warning")).await;
    let work = json!({ "type": "progress", "key": "import", "done": 1, "total": 4 });
    publish(&server, "jobs", work).await;
    let page = board(&alice).await;
    assert_eq!(tiles(&page, "firing"), ["disk full", "another disk"]);
    assert_eq!((tiles(&page, "running"), tiles(&page, "quiet")), (vec!["import".to_owned()], vec![]));
    assert!(page.contains("<title>(2) Status"), "{page}");
    // Many events with another key hide nothing that was said long ago.
    let chatter = |n| json!({ "type": "progress", "key": "export", "done": n, "total": 100_000 });
    for from in 0..12 {
        let batch: Vec<_> = (from * 100..from * 100 + 100).map(chatter).collect();
        publish(&server, "jobs", json!(batch)).await;
    }
    publish(&server, "ops", disk("disk fine", "success")).await;
    let page = board(&alice).await;
    assert_eq!(tiles(&page, "firing"), ["another disk"]);
    assert_eq!(tiles(&page, "quiet"), ["disk fine"]);
    assert_eq!(tiles(&page, "running"), ["export", "import"]);
    // A server that starts on the same data finds the same.
    let data = server.stop().await.unwrap();
    let server = TestServer::start_on(data.path(), &[]).await;
    assert_eq!(board(&alice.at(&server)).await.matches("board__title").count(), 4);
}

#[tokio::test]
async fn nobody_sees_a_state_of_a_channel_that_they_may_not_read() {
    let server = TestServer::start_with(&["--auth", "accounts"]).await;
    let (admin, bob) = (server.account("admin").await, server.account("bob").await);
    let readers = json!({ "names": ["admin"] });
    assert_eq!(admin.send(Method::PUT, "/api/channels/pay/readers", &readers).await.status(), 200);
    let event = json!({ "type": "notification", "key": "pay", "text": "payday", "level": "error" });
    let event =
        idobata::protocol::publication::Publication::new(serde_json::from_value(event).unwrap()).unwrap();
    server.state.feed.publish("pay", "test", vec![event], None).await.unwrap();
    assert_eq!(tiles(&board(&admin).await, "firing"), ["payday"]);
    let page = board(&bob).await;
    assert!(!page.contains("payday"), "{page}");
    // A job that is late is told to those who read its channel.
    let settings = HeartbeatSettings {
        name: "payroll".into(),
        channel: "pay".into(),
        schedule: Schedule::every(1).unwrap(),
        grace: 3_600,
        paused: false,
    };
    server.state.heartbeats.set(&settings).await.unwrap();
    server.state.heartbeats.ping("payroll", Ping::Ended(0), None).await.unwrap();
    in_time(async { while !board(&admin).await.contains("payroll") {} }).await;
    assert!(!board(&bob).await.contains("payroll"));
    let answer = server.get("/status").header("accept", "text/html").send().await.unwrap();
    assert!(answer.url().path().contains("sign-in"), "{}", answer.url());
}

#[tokio::test]
async fn more_keys_than_a_screen_has_room_for_are_told() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    for from in 0..6 {
        let one = |n: usize| json!({ "key": format!("key-{n}"), "text": format!("state {n}") });
        let batch: Vec<_> = (from * 100..from * 100 + 100).map(one).collect();
        publish(&server, "ops", json!(batch)).await;
    }
    let page = board(&alice).await;
    let quiet = tiles(&page, "quiet");
    assert_eq!((quiet.len(), &*quiet[0], &*quiet[499]), (500, "state 599", "state 100"));
    assert!(page.contains("these are the 500 that changed last"), "{page}");
}
