//! Parameters in addresses, frames and a CONNECT packet: accepted in every spelling, or rejected by name.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Person, SocketIo, Stream, TestServer, new_id};

/// A server with three notifications and three messages, and the cursors after the first of each.
async fn set_up() -> (TestServer, Person, String, String) {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    for n in 1..=3 {
        server.publish("ops", &n.to_string()).await;
        alice.post("general", &new_id(), &n.to_string()).await;
    }
    let feed = server.feed_cursor().await.replace(":3", ":1");
    let room =
        server.json("/api/rooms/general/messages").await["cursor"].as_str().unwrap().replace(":3", ":1");
    (server, alice, feed, room)
}

fn texts(page: &Value, name: &str) -> Vec<String> {
    page[name].as_array().unwrap().iter().map(|entry| entry["text"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_cursor_in_the_address_is_resumed_from_however_it_is_called() {
    let (server, _, feed, room) = set_up().await;
    for name in ["after", "lastEventId", "last_event_id", "Last-Event-ID", "LASTEVENTID"] {
        let (feed, room) = (format!("?{name}={feed}"), format!("?{name}={room}"));
        let mut stream = server.stream(&feed).await;
        stream.connected().await;
        assert_eq!(stream.texts(2).await, ["2", "3"], "{name}");
        let page = server.json(&format!("/api/events{feed}&wait=20")).await;
        assert_eq!((texts(&page, "events"), &page["reset"]), (vec!["2".into(), "3".into()], &json!(false)));
        let mut stream = server.room_stream("general", &room).await;
        assert_eq!(stream.event().await.1["type"], "joined");
        assert_eq!(stream.texts(2).await, ["2", "3"], "{name}");
        let page = server.json(&format!("/api/rooms/general/messages{room}&wait=20")).await;
        assert_eq!((texts(&page, "messages"), &page["reset"]), (vec!["2".into(), "3".into()], &json!(false)));
    }
}

#[tokio::test]
async fn json_is_answered_to_who_asks_for_it_in_any_case() {
    let (server, ..) = set_up().await;
    let request =
        server.get("/api/events").header("accept", "text/plain").header("accept", "Application/JSON");
    let answer = request.send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/json");
    assert_eq!(texts(&answer.json::<Value>().await.unwrap(), "events"), ["1", "2", "3"]);
}

#[tokio::test]
async fn a_polyfill_that_reconnects_is_served_from_its_newest_cursor() {
    let (server, _, feed, room) = set_up().await;
    let newer = |cursor: &str| cursor.replace(":1", ":2");
    let query = |old: &str| format!("?after={old}&_=17&lastEventId={}", newer(old));
    let mut stream = server.stream(&query(&feed)).await;
    assert_eq!((stream.connected().await, stream.texts(1).await), (newer(&feed), vec!["3".to_owned()]));
    let mut stream = server.room_stream("general", &query(&room)).await;
    stream.event().await;
    assert_eq!(stream.texts(1).await, ["3"]);
    let page = server.json(&format!("/api/rooms/general/messages{}", query(&room))).await;
    assert_eq!(texts(&page, "messages"), ["3"]);
    // The browser's own header is newer than any address.
    let request = server.get(&format!("/api/events{}", query(&newer(&feed)))).header("last-event-id", &feed);
    assert_eq!(Stream::open(request).await.connected().await, feed);
}

#[tokio::test]
async fn what_is_empty_is_not_there_and_channels_add_up() {
    let (server, ..) = set_up().await;
    server.publish("db", "4").await;
    server.publish("noise", "5").await;
    let empty = "after=&before=&last=&limit=&wait=&channel=&heartbeat=";
    assert_eq!(texts(&server.json(&format!("/api/events?{empty}")).await, "events").len(), 5);
    server.stream(&format!("?{empty}")).await.connected().await;
    server.json("/api/rooms/general/messages?after=&before=&limit=&wait=&last=").await;
    let page = server.json("/api/events?channel=ops&channel=db&limit=2&_=1&utm_source=x").await;
    assert_eq!(texts(&page, "events"), ["3", "4"]);
    let mut stream = server.stream("?channel=db&channel=noise,&last=5").await;
    stream.connected().await;
    assert_eq!(stream.texts(2).await, ["4", "5"]);
}

#[tokio::test]
async fn a_parameter_that_is_not_known_is_refused_by_its_name_and_pages_ignore_it() {
    let (server, ..) = set_up().await;
    for (path, words) in [
        ("/api/events?channels=ops", "channels: did you mean channel?"),
        ("/api/events?channel[]=ops", "channel[]: did you mean channel?"),
        ("/api/rooms/general/messages?befor=e:1", "befor: did you mean before?"),
        ("/api/rooms/general/events?since=1", "since: this address accepts"),
        ("/api/events?limit=0", "limit must be a whole number from 1 to 200"),
        ("/api/events?wait=x", "wait must be a whole number of seconds from 0 to 50"),
        ("/api/events?after=x", "after must be a cursor"),
        ("/api/rooms/general/messages?wait=30&before=e:1", "wait cannot be combined with before"),
        ("/api/events?last=0", "last must be a whole number from 1 to 200"),
        ("/api/rooms/general/events?seen=", "seen is for pages of JSON"),
    ] {
        let answer = server.get(path).header("accept", "application/json").send().await.unwrap();
        assert_eq!(answer.status(), 400, "{path}");
        let detail = answer.json::<Value>().await.unwrap()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(words), "{path}: {detail}");
    }
    let strange = "?problem=text_empty&problem=text_empty&utm_source=x&channels=y&x=%FF";
    for page in ["/", "/rooms/general", "/sign-in", "/fn/start"] {
        let answer =
            server.client.request(Method::GET, format!("{}{page}{strange}", server.url)).send().await;
        assert!(answer.unwrap().status() != 400, "{page}");
    }
}

#[tokio::test]
async fn optional_members_of_frames_and_of_a_connect_may_be_null_or_empty() {
    let (server, alice, ..) = set_up().await;
    for empty in [json!(null), json!("")] {
        let mut socket = alice.socket().await;
        let joined = socket.join("general", json!({ "after": empty, "last": empty })).await;
        assert_eq!(joined["recovered"], true);
        let auth = json!({ "token": alice.session.token, "after": empty, "last": empty, "channels": empty });
        let mut events = SocketIo::enter(&server.url, "/events", &auth).await.unwrap();
        assert_eq!(events.expect("connected").await[0]["recovered"], true);
        let auth = json!({ "token": alice.session.token, "last": 1, "channels": [""] });
        let mut events = SocketIo::enter(&server.url, "/events", &auth).await.unwrap();
        assert_eq!(events.expect("event").await[0]["text"], "3");
        let mut rooms = SocketIo::open(&server.url, Some(&alice.session.token)).await.unwrap();
        assert_eq!(rooms.join("general", json!({ "after": empty, "last": empty })).await["recovered"], true);
        let said = rooms.ask("message", json!({ "room": "general", "text": "hi", "id": empty })).await;
        assert!(said["id"].as_str().is_some_and(|id| id.len() == 36), "{said}");
        let nobody = SocketIo::enter(&server.url, "/", &json!({ "token": empty })).await.err().unwrap();
        assert_eq!(nobody, "Authentication error");
    }
}
