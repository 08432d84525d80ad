//! Channels that somebody has pinned or muted on their device: in the lists, on the page of the feed and on its stream.

use reqwest::{Client, redirect::Policy};
use serde_json::Value;

use crate::support::{Person, Stream, TestServer, in_time};

/// Sends the form of the list of channels with these cookies; returns the one that comes back.
async fn choose(server: &TestServer, person: &Person, cookie: &str, channel: &str, choice: &str) -> String {
    let client = Client::builder().redirect(Policy::none()).build().unwrap();
    let form = client.post(format!("{}/feed", server.url)).bearer_auth(&person.session.token);
    let form = form.header("cookie", cookie).header("content-type", "application/x-www-form-urlencoded");
    let answer = form.body(format!("channel={channel}&choice={choice}")).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), &answer.headers()["location"]), (303, &"/feed".parse().unwrap()));
    let cookie = answer.headers().get_all("set-cookie").iter().map(|line| line.to_str().unwrap());
    let cookie = cookie.filter(|line| line.contains("idobata_channels")).collect::<Vec<_>>().concat();
    cookie.split(';').next().unwrap().to_owned()
}

async fn page(person: &Person, cookie: &str, path: &str) -> String {
    let page = person.get(path).header("accept", "text/html").header("cookie", cookie);
    page.send().await.unwrap().text().await.unwrap()
}

#[tokio::test]
async fn a_muted_channel_is_left_out_of_the_feed_and_nowhere_else_until_it_is_taken_back() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    server.publish("noise", "a lot of it").await;
    server.publish("ops", "look here").await;
    let muted = choose(&server, &alice, "", "noise", "mute").await;
    let feed = page(&alice, &muted, "/").await;
    assert!(feed.contains("look here") && !feed.contains("a lot of it"), "{feed}");
    assert!(feed.contains(r#"<a href="/feed" rel="external">1 channel is muted</a>"#), "{feed}");
    assert!(page(&alice, &muted, "/feed/noise").await.contains("a lot of it"), "on its own page");
    let list = page(&alice, &muted, "/feed").await;
    assert!(list.contains("Unmute: ") && list.contains("Muted: left out"), "{list}");
    let data: Value =
        alice.get("/fn/start").header("cookie", &muted).send().await.unwrap().json().await.unwrap();
    assert!(!data.to_string().contains("a lot of it"), "{data}");
    // The stream of a page that is open.
    let mut stream = Stream::open(alice.get("/api/events?unread=true").header("cookie", &muted)).await;
    stream.connected().await;
    server.publish("noise", "more of it").await;
    server.publish("ops", "here again").await;
    assert_eq!(in_time(stream.texts(1)).await, ["here again"]);
    let mut asked = Stream::open(alice.get("/api/events?channel=noise").header("cookie", &muted)).await;
    asked.connected().await;
    server.publish("noise", "asked for").await;
    assert_eq!(in_time(asked.texts(1)).await, ["asked for"]);
    let back = choose(&server, &alice, &muted, "noise", "none").await;
    let feed = page(&alice, &back, "/").await;
    assert!(feed.contains("a lot of it") && !feed.contains("is muted"), "{feed}");
}

#[tokio::test]
async fn a_pinned_channel_stands_first_in_the_sidebar_and_on_the_board() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    for channel in ["alpha", "beta", "gamma"] {
        let event = serde_json::json!({ "key": "state", "text": format!("state of {channel}") });
        let answer = server.post(&format!("/api/events/{channel}")).json(&event).send().await.unwrap();
        assert_eq!(answer.status(), 201);
    }
    let order = |page: &str, of: fn(&str) -> String| {
        let place = |channel: &&str| page.find(&of(channel)).unwrap_or_else(|| panic!("{channel}: {page}"));
        let mut channels = ["alpha", "beta", "gamma"];
        channels.sort_by_key(place);
        channels.join(" ")
    };
    let in_sidebar: fn(&str) -> String = |channel| format!(r#"href="/feed/{channel}""#);
    let on_board: fn(&str) -> String = |channel| format!("state of {channel}");
    assert_eq!(order(&page(&alice, "", "/").await, in_sidebar), "alpha beta gamma");
    assert_eq!(order(&page(&alice, "", "/status").await, on_board), "gamma beta alpha");
    let pinned = choose(&server, &alice, "", "beta", "pin").await;
    assert_eq!(order(&page(&alice, &pinned, "/").await, in_sidebar), "beta alpha gamma");
    assert_eq!(order(&page(&alice, &pinned, "/status").await, on_board), "beta gamma alpha");
}
